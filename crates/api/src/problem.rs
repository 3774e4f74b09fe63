//! What an error looks like on the wire: a problem document of RFC 9457.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not done (RFC 9457), with the member at fault and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:cairn:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in a few words, the same for every problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// A word for programs: one of [`ProblemCode`], or the code of the refusal when a request that
    /// held a single event was refused.
    pub code: String,
    /// The member, parameter or header at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of a known kind.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:cairn:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().to_owned(),
            field: None,
            hint: None,
        }
    }

    /// Names what is at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Problem {
        self.field = Some(field.into());
        self
    }

    /// Says what would help.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// Every kind of problem the server has of its own, with its status and title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemCode { $($(#[$doc])* $variant,)* }

        impl ProblemCode {
            /// All of them, for the reference.
            pub const ALL: &[ProblemCode] = &[$(ProblemCode::$variant,)*];

            /// The word that stands in `code`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(ProblemCode::$variant => $code,)* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(ProblemCode::$variant => $status,)* }
            }

            /// The kind of problem in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(ProblemCode::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// The body holds nothing.
    BodyEmpty = "body_empty", 400, "the body is empty";
    /// The body as a whole can't be taken apart into events.
    BodyUnreadable = "body_unreadable", 400, "the body can't be read";
    /// A compressed body does not decompress.
    BodyCorrupt = "body_corrupt", 400, "the compressed body is damaged";
    /// A parameter has a value that it can't have.
    ParameterInvalid = "parameter_invalid", 400, "a parameter is not valid";
    /// A header has a value that it can't have.
    HeaderInvalid = "header_invalid", 400, "a header is not valid";
    /// The query does not parse; `detail` says where.
    QueryInvalid = "query_invalid", 400, "the query is not valid";
    /// The cursor is not one that this server gave for this query.
    CursorInvalid = "cursor_invalid", 400, "the cursor is not valid";
    /// No credential, or one that is not known.
    Unauthenticated = "unauthenticated", 401, "no valid credential";
    /// The credential lacks the scope.
    Forbidden = "forbidden", 403, "not permitted";
    /// There is no such thing, or it belongs to another tenant.
    NotFound = "not_found", 404, "not found";
    /// There is no source of this kind.
    SourceUnknown = "source_unknown", 404, "no such kind of source";
    /// The route exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, "method not allowed";
    /// The body did not arrive in time.
    BodyTimeout = "body_timeout", 408, "the body took too long";
    /// The body is larger than allowed, as sent.
    BodyTooLarge = "body_too_large", 413, "the body is too large";
    /// The body is larger than allowed, once decompressed.
    BodyExpandedTooLarge = "body_expanded_too_large", 413, "the decompressed body is too large";
    /// The body expands by more than is believable for audit events.
    ExpansionRatio = "expansion_ratio", 413, "the body expands too much";
    /// The batch holds more events than allowed.
    TooManyEvents = "too_many_events", 413, "too many events in one batch";
    /// A content type or encoding that is not read here.
    MediaUnsupported = "media_unsupported", 415, "media type or encoding not supported";
    /// Too much is under way; nothing was taken. `Retry-After` says when to come again.
    Busy = "busy", 429, "busy";
    /// Stored bytes are not what was committed to.
    Corrupt = "corrupt", 500, "stored bytes are damaged";
    /// A fault of the server.
    Internal = "internal", 500, "internal error";
    /// The writer stopped after a failed write, or the server is stopping.
    Unavailable = "unavailable", 503, "not available";
    /// The disk reserve is reached; nothing was taken.
    DiskReserve = "disk_reserve", 507, "the disk reserve is reached";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_back_as_written() {
        let problem = Problem::new(ProblemCode::Busy, "the queue is full").field("x").hint("wait");
        let text = serde_json::to_string(&problem).expect("plain strings");
        assert!(text.starts_with(r#"{"type":"urn:cairn:problem:busy","title":"busy","status":429,"#), "{text}");
        assert_eq!(serde_json::from_str::<Problem>(&text).expect("just written"), problem);
        assert_eq!(problem.to_string(), "busy: the queue is full (wait)");
    }

    #[test]
    fn codes_are_distinct_words() {
        let mut words: Vec<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ProblemCode::ALL.len());
    }
}
