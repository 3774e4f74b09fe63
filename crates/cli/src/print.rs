//! How results are shown: aligned and coloured for a person, TSV, CSV or JSON for a program.
//!
//! Data goes to stdout, progress and hints to stderr. Every text that came from an event passes
//! [`escape`] before it is written, in every form.

pub(crate) mod diff;
pub(crate) mod escape;
pub(crate) mod event;
pub(crate) mod table;
pub(crate) mod times;

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write};

use cairn_event::Json;
use cairn_event::json::Object;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The form of the data on stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// For a person at a terminal: fitted to the width, relative times.
    Human,
    /// For a pipe: full values, one row a line, tab-separated, with a header line.
    Tsv,
    /// RFC 4180 with a header line; no cell is a formula.
    Csv,
    /// One JSON value a line, whole or cut down to these fields.
    Json(Option<Vec<String>>),
}

/// What a colour means. Colour is never the only sign: words or marks say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    /// Ordinary text.
    #[default]
    Plain,
    /// Less important.
    Dim,
    /// Stands out.
    Bold,
    /// All is well; something was added.
    Good,
    /// Something needs attention.
    Warn,
    /// Something is wrong; something was taken away.
    Bad,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Dim => "\u{1b}[2m",
            Tone::Bold => "\u{1b}[1m",
            Tone::Good => "\u{1b}[32m",
            Tone::Warn => "\u{1b}[33m",
            Tone::Bad => "\u{1b}[31m",
        }
    }
}

/// What the person asked for on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    /// `--json` (`Some("")`) or `--json=fields`.
    pub(crate) json: Option<String>,
    /// `--csv`.
    pub(crate) csv: bool,
    /// `--quiet`: no hints, no progress.
    pub(crate) quiet: bool,
    /// `--no-color`.
    pub(crate) no_color: bool,
}

/// Where output goes and what it may contain. One per process.
pub(crate) struct Printer {
    /// The form of the data.
    pub(crate) form: Form,
    /// Whether stdout may carry colour.
    pub(crate) color: bool,
    /// Whether stderr may carry colour.
    pub(crate) color_stderr: bool,
    /// Whether hints and progress are shown.
    pub(crate) talk: bool,
    /// Whether progress bars are of use: stderr is a terminal and may be written to.
    pub(crate) progress: bool,
    /// Columns of the terminal, if stdout is one.
    pub(crate) width: Option<u16>,
    /// What relative times are relative to.
    pub(crate) now: Timestamp,
    /// The reader's time zone.
    pub(crate) zone: TimeZone,
    out: RefCell<Box<dyn Write>>,
}

impl Printer {
    /// The printer for the process's own stdout and stderr.
    pub(crate) fn for_process(wishes: &Wishes) -> Printer {
        let stdout = io::stdout();
        let may_color = |choice| !wishes.no_color && choice != anstream::ColorChoice::Never;
        let terminal = stdout.is_terminal();
        Printer {
            form: form(wishes, terminal),
            color: may_color(anstream::AutoStream::choice(&stdout)),
            color_stderr: may_color(anstream::AutoStream::choice(&io::stderr())),
            talk: !wishes.quiet,
            progress: !wishes.quiet && io::stderr().is_terminal(),
            width: terminal.then(table::terminal_width).flatten(),
            now: Timestamp::now(),
            zone: TimeZone::system(),
            out: RefCell::new(Box::new(io::BufWriter::new(stdout))),
        }
    }

    /// A printer that writes into memory, at a fixed time in UTC.
    #[cfg(test)]
    pub(crate) fn for_test(form: Form, width: Option<u16>, out: Box<dyn Write>) -> Printer {
        let now = Timestamp::from_second(1_700_000_000).expect("in range");
        Printer {
            form,
            color: false,
            color_stderr: false,
            talk: true,
            progress: false,
            width,
            now,
            zone: TimeZone::UTC,
            out: RefCell::new(out),
        }
    }

    /// Text in a tone, if stdout may carry colour. The text must be escaped already.
    pub(crate) fn tint<'t>(&self, tone: Tone, text: &'t str) -> Cow<'t, str> {
        tint(self.color, tone, text)
    }

    /// One line of data, as it is: escape what came from outside first.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out.get_mut(), "{text}")
    }

    /// Bytes as they are; where a person looks at them, text in which nothing can steer the terminal.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.form == Form::Human {
            let text = String::from_utf8_lossy(bytes);
            return self.line(&text.lines().map(escape::line).collect::<Vec<_>>().join("\n"));
        }
        self.out.get_mut().write_all(bytes)
    }

    /// One JSON value as a line, cut down to the fields asked for.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn json(&mut self, value: &Json) -> io::Result<()> {
        let text = match &self.form {
            Form::Json(Some(fields)) => pick(value, fields).to_text(),
            _ => value.to_text(),
        };
        writeln!(self.out.get_mut(), "{}", escape::json(&text))
    }

    /// Everything written so far becomes visible.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.get_mut().flush()
    }

    /// A remark for the person, on stderr; nothing with `--quiet`.
    pub(crate) fn hint(&self, text: &str) {
        self.note(Tone::Dim, text);
    }

    /// A remark for the person in a tone, on stderr; nothing with `--quiet`.
    pub(crate) fn note(&self, tone: Tone, text: &str) {
        if self.talk {
            // On a terminal both streams are one: a remark must not come before what it is about. An
            // error of stdout shows at its next write.
            let _ = self.out.borrow_mut().flush();
            eprintln!("{}", tint(self.color_stderr, tone, text));
        }
    }

    /// Whether a program reads stdout.
    pub(crate) fn for_program(&self) -> bool {
        self.form != Form::Human
    }

    /// Whether the data is wanted as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        matches!(self.form, Form::Json(_))
    }
}

/// Text between the codes of a tone, or as it is.
pub(crate) fn tint(color: bool, tone: Tone, text: &str) -> Cow<'_, str> {
    if color && tone != Tone::Plain {
        Cow::Owned(format!("{}{text}\u{1b}[0m", tone.code()))
    } else {
        Cow::Borrowed(text)
    }
}

fn form(wishes: &Wishes, terminal: bool) -> Form {
    match &wishes.json {
        Some(fields) => {
            let fields: Vec<String> =
                fields.split(',').map(str::trim).filter(|field| !field.is_empty()).map(str::to_owned).collect();
            Form::Json((!fields.is_empty()).then_some(fields))
        }
        None if wishes.csv => Form::Csv,
        None if terminal => Form::Human,
        None => Form::Tsv,
    }
}

/// The members that were asked for, each under the name it was asked by: `actor.id`, or a JSON Pointer
/// that begins with `/`. What is absent is `null`, so that every line has the same members.
fn pick(value: &Json, fields: &[String]) -> Json {
    let mut picked = Object::new();
    for field in fields {
        let found = if field.starts_with('/') { value.pointer(field) } else { dotted(value, field) };
        picked.insert(field.as_str(), found.cloned().unwrap_or(Json::Null));
    }
    Json::Object(picked)
}

/// The value that a dotted path leads to.
pub(crate) fn dotted<'j>(value: &'j Json, path: &str) -> Option<&'j Json> {
    path.split('.').try_fold(value, |json, name| json.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_follows_the_wish_and_else_the_terminal() {
        let json = |fields: &str| Wishes { json: Some(fields.to_owned()), ..Wishes::default() };
        assert_eq!(form(&Wishes::default(), true), Form::Human);
        assert_eq!(form(&Wishes::default(), false), Form::Tsv);
        assert_eq!(form(&json(""), true), Form::Json(None));
        assert_eq!(form(&json("id, actor.id"), false), Form::Json(Some(vec!["id".into(), "actor.id".into()])));
        assert_eq!(form(&Wishes { csv: true, ..Wishes::default() }, true), Form::Csv);
    }

    #[test]
    fn picked_fields_keep_their_numbers_and_say_null_when_absent() {
        let event = Json::parse(br#"{"a":{"b":12345678901234567890123},"c":[1,2]}"#).expect("JSON");
        let fields = ["a.b".to_owned(), "/c/1".to_owned(), "x.y".to_owned()];
        assert_eq!(pick(&event, &fields).to_text(), r#"{"a.b":12345678901234567890123,"/c/1":2,"x.y":null}"#);
    }

    #[test]
    fn colour_is_only_where_it_may_be() {
        assert_eq!(tint(false, Tone::Bad, "x"), "x");
        assert_eq!(tint(true, Tone::Plain, "x"), "x");
        assert_eq!(tint(true, Tone::Bad, "x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
