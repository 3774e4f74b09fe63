//! `cairn doctor`

mod probes;

use cairn_api::ExitCode;
use cairn_event::Json;
use cairn_event::json::Object;
use clap::Args;

use super::Context;
use crate::failure::Ended;
use crate::print::Tone;
use crate::print::table::{Cell, Row};

/// Looks at configuration, data directory, disk, clock, port, limits and server, and says what to do.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {}

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// As it should be.
    Good,
    /// Works, but should be looked at.
    Doubtful,
    /// Does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    name: &'static str,
    state: State,
    detail: String,
    next: Option<String>,
}

impl Checked {
    fn new(name: &'static str, state: State, detail: impl Into<String>) -> Checked {
        Checked { name, state, detail: detail.into(), next: None }
    }

    fn good(name: &'static str, detail: impl Into<String>) -> Checked {
        Checked::new(name, State::Good, detail)
    }

    fn doubtful(name: &'static str, detail: impl Into<String>, next: impl Into<String>) -> Checked {
        Checked { next: Some(next.into()), ..Checked::new(name, State::Doubtful, detail) }
    }

    fn bad(name: &'static str, detail: impl Into<String>, next: impl Into<String>) -> Checked {
        Checked { next: Some(next.into()), ..Checked::new(name, State::Bad, detail) }
    }

    fn row(&self) -> Row {
        let (mark, word, tone) = match self.state {
            State::Good => ("✓", "ok", Tone::Good),
            State::Doubtful => ("!", "look", Tone::Warn),
            State::Bad => ("✗", "bad", Tone::Bad),
        };
        let next = self.next.as_deref().unwrap_or_default();
        let mut json = Object::new();
        for (name, text) in [("check", self.name), ("state", word), ("detail", &self.detail), ("next", next)] {
            json.insert(name, text);
        }
        let cells = vec![
            Cell::new(word).short(format!("{mark} {word}")).tone(tone),
            Cell::new(self.name),
            Cell::new(self.detail.as_str()),
            Cell::new(next),
        ];
        Row { cells, json: Json::Object(json) }
    }
}

pub(crate) fn run(_args: DoctorArgs, context: &mut Context) -> Ended {
    let checks = probes::all(&context.config);
    let printer = &mut context.printer;
    if printer.for_program() {
        let rows: Vec<Row> = checks.iter().map(Checked::row).collect();
        printer.table(&["STATE", "CHECK", "DETAIL", "NEXT"], &rows)?;
    } else {
        // Not a table: what to do must not be cut to the width of the terminal.
        for checked in &checks {
            let row = checked.row();
            printer.row(&Row { cells: row.cells[..3].to_vec(), json: Json::Null })?;
            if let Some(next) = &checked.next {
                printer.line(&format!("        → {}", crate::print::escape::line(next)))?;
            }
        }
    }
    let worst_is_bad = checks.iter().any(|checked| checked.state == State::Bad);
    Ok(if worst_is_bad { ExitCode::Error } else { ExitCode::Ok })
}
