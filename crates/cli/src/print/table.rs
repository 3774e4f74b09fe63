//! Rows under column titles, in every form.

use std::io;

use cairn_event::Json;
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell as TableCell, Color, ContentArrangement, Row as TableRow, Table};

use super::{Form, Printer, Tone, escape};

/// One value of a row: as a person reads it, and in full.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    short: Option<String>,
    full: String,
    tone: Tone,
}

impl Cell {
    /// A value that reads the same for people and programs. It is escaped when it is written.
    pub(crate) fn new(full: impl Into<String>) -> Cell {
        Cell { short: None, full: full.into(), tone: Tone::Plain }
    }

    /// The same with another text for people.
    pub(crate) fn short(self, short: impl Into<String>) -> Cell {
        Cell { short: Some(short.into()), ..self }
    }

    /// The same in a tone.
    pub(crate) fn tone(self, tone: Tone) -> Cell {
        Cell { tone, ..self }
    }

    fn for_person(&self) -> &str {
        self.short.as_deref().unwrap_or(&self.full)
    }
}

/// One row: its cells, and the JSON value that `--json` gives in their place.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// One cell for each column.
    pub(crate) cells: Vec<Cell>,
    /// The whole of what the row stands for.
    pub(crate) json: Json,
}

impl Printer {
    /// Prints a list: header and rows for people and in TSV and CSV, one JSON value a line else.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn table(&mut self, columns: &[&str], rows: &[Row]) -> io::Result<()> {
        match self.form {
            Form::Human => {
                if !rows.is_empty() {
                    let text = self.aligned(columns, rows);
                    self.line(&text)?;
                }
                Ok(())
            }
            Form::Tsv | Form::Csv => {
                self.header(columns)?;
                rows.iter().try_for_each(|row| self.row(row))
            }
            Form::Json(_) => rows.iter().try_for_each(|row| self.json(&row.json)),
        }
    }

    /// The header line of a list that is printed row by row; people get none.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn header(&mut self, columns: &[&str]) -> io::Result<()> {
        let names: Vec<String> = columns.iter().map(|name| name.to_lowercase().replace(' ', "_")).collect();
        match self.form {
            Form::Tsv => self.line(&names.join("\t")),
            Form::Csv => self.line(&names.join(",")),
            Form::Human | Form::Json(_) => Ok(()),
        }
    }

    /// One row of a list that is printed row by row.
    ///
    /// # Errors
    /// What stdout says.
    pub(crate) fn row(&mut self, row: &Row) -> io::Result<()> {
        let text = match self.form {
            Form::Human => {
                let cells: Vec<String> = row
                    .cells
                    .iter()
                    .map(|cell| self.tint(cell.tone, &escape::line(cell.for_person())).into_owned())
                    .collect();
                cells.join("  ")
            }
            Form::Tsv => joined(row, "\t", |full| escape::line(full).into_owned()),
            Form::Csv => joined(row, ",", escape::csv),
            Form::Json(_) => return self.json(&row.json),
        };
        self.line(&text)
    }

    fn aligned(&self, columns: &[&str], rows: &[Row]) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING).set_truncation_indicator("…");
        if let Some(width) = self.width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        if self.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(columns.iter().map(|name| TableCell::new(name).add_attribute(Attribute::Dim)));
        for row in rows {
            let cells = row.cells.iter().map(|cell| toned(TableCell::new(escape::line(cell.for_person())), cell.tone));
            let mut line = TableRow::from(cells.collect::<Vec<_>>());
            line.max_height(1);
            table.add_row(line);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.trim_fmt()
    }
}

fn joined(row: &Row, separator: &str, written: impl Fn(&str) -> String) -> String {
    row.cells.iter().map(|cell| written(&cell.full)).collect::<Vec<_>>().join(separator)
}

fn toned(cell: TableCell, tone: Tone) -> TableCell {
    match tone {
        Tone::Plain => cell,
        Tone::Dim => cell.add_attribute(Attribute::Dim),
        Tone::Bold => cell.add_attribute(Attribute::Bold),
        Tone::Good => cell.fg(Color::DarkGreen),
        Tone::Warn => cell.fg(Color::DarkYellow),
        Tone::Bad => cell.fg(Color::DarkRed),
    }
}

/// Columns of the terminal that stdout is connected to.
pub(crate) fn terminal_width() -> Option<u16> {
    Table::new().width()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::Write;
    use std::rc::Rc;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[track_caller]
    fn check(form: Form, width: Option<u16>, expected: &str) {
        let rows = vec![
            Row {
                cells: vec![
                    Cell::new("2023-11-14T22:13:15Z").short("5 s ago"),
                    Cell::new("alice@corp"),
                    Cell::new("=1+1"),
                ],
                json: Json::parse(br#"{"a":1}"#).expect("JSON"),
            },
            Row {
                cells: vec![
                    Cell::new("2023-11-14T20:00:00Z").short("2 h 13 m ago"),
                    Cell::new("mallory\u{1b}[2J\tx"),
                    Cell::new("a very long resource name that does not fit"),
                ],
                json: Json::parse("{\"a\":\"\u{202e}\"}".as_bytes()).expect("JSON"),
            },
        ];
        let out = Shared::default();
        let mut printer = Printer::for_test(form, width, Box::new(out.clone()));
        printer.table(&["TIME", "ACTOR", "RESOURCE ID"], &rows).expect("memory");
        assert_eq!(String::from_utf8(out.0.borrow().clone()).expect("UTF-8"), expected);
    }

    #[test]
    fn a_pipe_gets_full_values() {
        check(
            Form::Tsv,
            None,
            "time\tactor\tresource_id\n2023-11-14T22:13:15Z\talice@corp\t=1+1\n\
             2023-11-14T20:00:00Z\tmallory\\x1b[2J\\tx\ta very long resource name that does not fit\n",
        );
    }

    #[test]
    fn csv_has_no_formula() {
        check(
            Form::Csv,
            None,
            "time,actor,resource_id\n2023-11-14T22:13:15Z,alice@corp,\"'=1+1\"\n\
             2023-11-14T20:00:00Z,mallory\\x1b[2J\\tx,a very long resource name that does not fit\n",
        );
    }

    #[test]
    fn json_is_one_safe_value_a_line() {
        check(Form::Json(None), None, "{\"a\":1}\n{\"a\":\"\\u202e\"}\n");
    }

    #[test]
    fn a_person_gets_what_fits_into_the_terminal() {
        let out = Shared::default();
        let mut printer = Printer::for_test(Form::Human, Some(40), Box::new(out.clone()));
        let row = |name: &str| Row { cells: vec![Cell::new("x").short("5 s ago"), Cell::new(name)], json: Json::Null };
        printer.table(&["TIME", "NAME"], &[row("short"), row(&"long ".repeat(30))]).expect("memory");
        let text = String::from_utf8(out.0.borrow().clone()).expect("UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(lines[1].trim_end(), "5 s ago  short");
        assert!(lines[2].contains('…') && lines.iter().all(|line| line.chars().count() <= 40), "{text}");
    }
}
