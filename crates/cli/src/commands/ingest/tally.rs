//! What became of everything that was taken in: counts that add up, refusals and conflicts by name.

use cairn_api::ExitCode;
use cairn_api::v1::{EventResult, Status, SubmitAnswer};
use cairn_event::Json;
use cairn_event::json::Object;

use crate::print::{Printer, Tone, escape, times};

/// Refusals and conflicts that are listed; the others are counted.
const LISTED_MAX: usize = 20;

/// One record that was refused or quarantined, or one file that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The input.
    pub(crate) file: String,
    /// Which record of it, from 0; `None` for all of it.
    pub(crate) record: Option<u64>,
    /// The member at fault.
    pub(crate) field: Option<String>,
    /// Why.
    pub(crate) reason: String,
}

/// How many results the answer to a batch must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// One for each record.
    OneEach,
    /// One for each, or fewer: of this kind the server puts pieces together that are in one batch.
    OneEachOrJoined,
}

/// Counts of one ingest.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: SubmitAnswer,
    refusals: Vec<Refusal>,
    quarantined: Vec<Refusal>,
    conflicts: Vec<(String, u64, EventResult)>,
    files: u64,
    files_refused: u64,
}

impl Tally {
    /// Counts one input.
    pub(crate) fn file(&mut self) {
        self.files += 1;
    }

    /// Counts an input that was not taken in, or not to its end.
    pub(crate) fn file_refused(&mut self, file: &str, reason: String) {
        self.files_refused += 1;
        self.list(Refusal { file: file.to_owned(), record: None, field: None, reason });
    }

    /// Counts a record that was not even sent.
    pub(crate) fn unsendable(&mut self, file: &str, record: u64, reason: String) {
        self.counts.received += 1;
        self.counts.refused += 1;
        self.list(Refusal { file: file.to_owned(), record: Some(record), field: None, reason });
    }

    /// Takes an answer in; `records` are the numbers of the records that were sent, in order.
    ///
    /// # Errors
    /// If the answer does not add up: the server lost count, or it is not a Cairn server.
    pub(crate) fn answer(
        &mut self,
        file: &str,
        records: &[u64],
        expected: Expected,
        answer: SubmitAnswer,
    ) -> Result<(), String> {
        let fits = match expected {
            Expected::OneEach => answer.results.len() == records.len(),
            Expected::OneEachOrJoined => {
                answer.results.len() <= records.len() && answer.results.is_empty() == records.is_empty()
            }
        };
        if !answer.adds_up() || !fits {
            return Err(format!("{} records were sent, the answer does not add up to that", records.len()));
        }
        self.counts.add_counts(&answer);
        for (record, result) in records.iter().zip(answer.results) {
            let named = || Refusal {
                file: file.to_owned(),
                record: Some(*record),
                field: result.field.clone(),
                reason: reason(&result),
            };
            match result.status {
                Status::Refused => self.list(named()),
                Status::Quarantined if self.quarantined.len() < LISTED_MAX => self.quarantined.push(named()),
                _ if result.conflict_of.is_some() && self.conflicts.len() < LISTED_MAX => {
                    self.conflicts.push((file.to_owned(), *record, result));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Events answered so far.
    pub(crate) fn received(&self) -> u64 {
        self.counts.received
    }

    /// Events that are durable because of this ingest.
    pub(crate) fn stored(&self) -> u64 {
        self.counts.stored
    }

    fn list(&mut self, refusal: Refusal) {
        if self.refusals.len() < LISTED_MAX {
            self.refusals.push(refusal);
        }
    }

    /// 0 only if nothing was refused.
    pub(crate) fn exit(&self) -> ExitCode {
        if self.counts.refused == 0 && self.files_refused == 0 { ExitCode::Ok } else { ExitCode::Error }
    }

    /// Prints the summary on stdout, and what was refused, quarantined and in conflict on stderr.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn print(&self, printer: &mut Printer) -> std::io::Result<()> {
        if printer.wants_json() {
            printer.json(&self.json())?;
        } else {
            let text: Vec<String> = self.named().iter().map(|(name, count)| format!("{name} {count}")).collect();
            printer.line(&text.join("  "))?;
        }
        printer.flush()?;
        let refused = self.counts.refused + self.files_refused;
        for refusal in &self.refusals {
            eprintln!("{}", crate::print::tint(printer.color_stderr, Tone::Bad, &refusal.line("refused")));
        }
        let unlisted = refused.saturating_sub(self.refusals.len() as u64);
        if unlisted > 0 {
            printer.note(Tone::Bad, &format!("and {} more refused", times::count(unlisted)));
        }
        for (file, record, result) in &self.conflicts {
            let text = format!(
                "conflict: {file} record {record}: its key was used for other content at {}; kept as {}",
                result.conflict_of.as_deref().unwrap_or("?"),
                result.position.as_deref().unwrap_or("?")
            );
            printer.note(Tone::Warn, &escape::line(&text));
        }
        for kept in &self.quarantined {
            eprintln!("{}", crate::print::tint(printer.color_stderr, Tone::Warn, &kept.line("quarantined")));
        }
        if self.counts.quarantined > 0 {
            let kept = times::plural(self.counts.quarantined, "record");
            printer.note(Tone::Warn, &format!("{kept} not mapped, kept byte by byte: cairn search 'is:quarantined'"));
        }
        Ok(())
    }

    fn named(&self) -> [(&'static str, u64); 6] {
        let counts = &self.counts;
        [
            ("received", counts.received),
            ("stored", counts.stored),
            ("duplicate", counts.duplicate),
            ("quarantined", counts.quarantined),
            ("sampled", counts.sampled),
            ("refused", counts.refused),
        ]
    }

    fn json(&self) -> Json {
        let mut json = Object::new();
        for (name, count) in self.named() {
            json.insert(name, count);
        }
        json.insert("conflicts", self.counts.conflicts);
        json.insert("files", self.files);
        json.insert("files_refused", self.files_refused);
        json.insert("refusals", Json::Array(self.refusals.iter().map(Refusal::json).collect()));
        json.insert("quarantines", Json::Array(self.quarantined.iter().map(Refusal::json).collect()));
        Json::Object(json)
    }
}

impl Refusal {
    fn line(&self, what_became: &str) -> String {
        let record = self.record.map(|record| format!(" record {record}")).unwrap_or_default();
        let field = self
            .field
            .as_deref()
            .filter(|field| !field.is_empty())
            .map(|field| format!("{field}: "))
            .unwrap_or_default();
        escape::line(&format!("{what_became}: {}{record}: {field}{}", self.file, self.reason)).into_owned()
    }

    fn json(&self) -> Json {
        let mut json = Object::new();
        json.insert("file", self.file.as_str());
        if let Some(record) = self.record {
            json.insert("record", record);
        }
        if let Some(field) = &self.field {
            json.insert("field", field.as_str());
        }
        json.insert("reason", self.reason.as_str());
        Json::Object(json)
    }
}

fn reason(result: &EventResult) -> String {
    let mut reason =
        result.detail.clone().or_else(|| result.code.clone()).unwrap_or_else(|| "no reason given".to_owned());
    if let Some(hint) = &result.hint {
        reason.push_str("; ");
        reason.push_str(hint);
    }
    // The field stands in front already.
    match &result.field {
        Some(field) if !field.is_empty() => reason.strip_prefix(&format!("{field}: ")).unwrap_or(&reason).to_owned(),
        _ => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(results: Vec<EventResult>) -> SubmitAnswer {
        let count = |status| results.iter().filter(|result| result.status == status).count() as u64;
        SubmitAnswer {
            received: results.len() as u64,
            stored: count(Status::Stored),
            duplicate: count(Status::Duplicate),
            quarantined: count(Status::Quarantined),
            sampled: count(Status::Sampled),
            refused: count(Status::Refused),
            conflicts: 0,
            results,
            receipts: Vec::new(),
        }
    }

    #[test]
    fn refusals_name_file_record_field_and_reason() {
        let mut tally = Tally::default();
        let refused = EventResult {
            field: Some("actor.type".into()),
            detail: Some("actor.type: got string \"usr\", want one of user, service".into()),
            hint: Some("did you mean user?".into()),
            ..EventResult::new(Status::Refused)
        };
        tally
            .answer("a.json", &[0, 1], Expected::OneEach, answer(vec![EventResult::new(Status::Stored), refused]))
            .expect("adds up");
        tally.unsendable("a.json", 2, "it has more than 8 MiB".into());
        assert_eq!(tally.exit(), ExitCode::Error);
        let lines: Vec<String> = tally.refusals.iter().map(|refusal| refusal.line("refused")).collect();
        assert_eq!(
            lines,
            [
                "refused: a.json record 1: actor.type: got string \"usr\", want one of user, service; did you mean user?",
                "refused: a.json record 2: it has more than 8 MiB",
            ]
        );
        let counts: Vec<u64> = tally.named().iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [3, 1, 0, 0, 0, 2]);
        assert_eq!(counts[0], counts[1..].iter().sum::<u64>());
    }

    #[test]
    fn an_answer_that_does_not_add_up_is_not_believed() {
        let mut tally = Tally::default();
        assert!(tally.answer("a", &[0], Expected::OneEach, answer(Vec::new())).is_err());
        let mut wrong = answer(vec![EventResult::new(Status::Stored)]);
        wrong.stored = 2;
        assert!(tally.answer("a", &[0], Expected::OneEach, wrong).is_err());
        let one = || answer(vec![EventResult::new(Status::Stored)]);
        assert!(tally.answer("a", &[0, 1], Expected::OneEach, one()).is_err());
        assert!(tally.answer("a", &[0], Expected::OneEachOrJoined, answer(Vec::new())).is_err());
        assert!(tally.answer("a", &[], Expected::OneEachOrJoined, one()).is_err());
        assert!(tally.answer("a", &[0, 1], Expected::OneEachOrJoined, one()).is_ok());
    }

    #[test]
    fn only_the_first_refusals_are_kept() {
        let mut tally = Tally::default();
        (0..100).for_each(|record| tally.unsendable("f", record, "x".into()));
        assert_eq!(tally.refusals.len(), LISTED_MAX);
        assert_eq!(tally.received(), 100);
    }
}
