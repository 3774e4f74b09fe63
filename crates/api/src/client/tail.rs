//! Events as they arrive: the event stream of the WHATWG HTML standard, section 9.2, as a client reads it.

use super::ClientError;
use super::http::{Call, Http};
use crate::v1::TailEvent;
use std::io::{self, BufRead, BufReader, Read};
use std::thread;
use std::time::Duration;
use ureq::BodyReader;

/// Most bytes of one line of the stream: an event of full size, escaped.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Connections in a row that gave nothing before the tail gives up.
const FRUITLESS_MAX: u32 = 10;

const RECONNECT_WAIT: Duration = Duration::from_millis(500);

/// What to follow.
#[derive(Debug, Clone, Default)]
pub struct TailRequest {
    /// The query; everything if empty.
    pub q: String,
    /// Name of the trail inside the tenant; the credential's own if absent.
    pub trail: Option<String>,
    /// The position behind which to begin; the events to come if absent.
    pub after: Option<String>,
    /// Begin this many events before the end of the trail, if [`after`](Self::after) is absent.
    pub last: Option<u64>,
}

/// An endless iterator over events as they arrive, each once and in order.
///
/// It blocks between events. An `Err` comes when the server refuses the request, or when it can't be
/// reached again; the next call then tries again.
pub struct Tail {
    http: Http,
    request: TailRequest,
    stream: Option<BufReader<BodyReader<'static>>>,
    fruitless: u32,
}

impl Tail {
    pub(super) fn new(http: Http, request: TailRequest) -> Tail {
        Tail { http, request, stream: None, fruitless: 0 }
    }

    /// The position of the last event that was given: where to go on later.
    #[must_use]
    pub fn position(&self) -> Option<&str> {
        self.request.after.as_deref()
    }

    fn connect(&mut self) -> Result<BufReader<BodyReader<'static>>, ClientError> {
        let mut call = Call::get("/v1/tail")
            .query("q", &self.request.q)
            .query_some("trail", self.request.trail.as_deref())
            .header("accept", "text/event-stream");
        call = match (&self.request.after, self.request.last) {
            (Some(position), _) => call.header("last-event-id", position),
            (None, Some(last)) => call.query("last", &last.to_string()),
            (None, None) => call,
        };
        let response = self.http.send(&call, &[])?;
        Ok(BufReader::new(response.into_body().into_with_config().limit(u64::MAX).reader()))
    }

    fn step(&mut self) -> Result<TailEvent, ClientError> {
        loop {
            let mut stream = match self.stream.take() {
                Some(stream) => stream,
                None => self.connect()?,
            };
            match next_message(&mut stream) {
                Ok(Some(message)) => {
                    self.stream = Some(stream);
                    self.fruitless = 0;
                    if let Some(id) = message.id {
                        self.request.after = Some(id);
                    }
                    if !message.data.is_empty() {
                        let event = serde_json::from_str(&message.data);
                        return event.map_err(|error| ClientError::Unexpected { status: 200, what: error.to_string() });
                    }
                }
                // The server stopped or the connection broke: go on behind the last event.
                Ok(None) | Err(_) if self.fruitless < FRUITLESS_MAX => {
                    self.fruitless += 1;
                    thread::sleep(RECONNECT_WAIT);
                }
                Ok(None) => return Err(self.http.unreachable(&io::Error::from(io::ErrorKind::UnexpectedEof).into())),
                Err(error) => return Err(self.http.unreachable(&error.into())),
            }
        }
    }
}

impl Iterator for Tail {
    type Item = Result<TailEvent, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.step())
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    id: Option<String>,
    data: String,
}

/// Reads up to the empty line that ends a message; `None` at the end of the stream. Comments, which
/// only keep the connection alive, are skipped.
fn next_message(stream: &mut impl BufRead) -> io::Result<Option<Message>> {
    let mut message = Message::default();
    let mut line = String::new();
    loop {
        line.clear();
        let read = stream.take(LINE_BYTES_MAX).read_line(&mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            if message != Message::default() {
                return Ok(Some(message));
            }
            continue;
        }
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => message.id = Some(value.to_owned()),
            "data" => message.data.push_str(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_between_comments_and_a_cut_one_is_not() {
        let mut stream =
            &b": hello\n\nid: a/b@1\nevent: x\ndata: {\"a\":\ndata: 1}\r\n\n:\n\nid:a/b@2\n\ndata: {\n"[..];
        let first = next_message(&mut stream).expect("whole").expect("not the end");
        assert_eq!(first, Message { id: Some("a/b@1".into()), data: "{\"a\":1}".into() });
        let second = next_message(&mut stream).expect("whole").expect("not the end");
        assert_eq!(second, Message { id: Some("a/b@2".into()), data: String::new() });
        assert_eq!(next_message(&mut stream).expect("the end"), None);
    }
}
