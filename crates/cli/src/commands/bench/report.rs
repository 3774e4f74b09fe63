//! What a bench found: a table with ratios for people, one object with fixed names for programs.

use cairn_event::Json;
use cairn_event::json::{Number, Object};

use crate::failure::Failure;
use crate::print::table::{Cell, Row};
use crate::print::{Printer, Tone};

/// What a measured number should be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Aim {
    fn is_met(self, measured: f64) -> bool {
        match self {
            Aim::AtLeast(bound) => measured >= bound,
            Aim::AtMost(bound) => measured <= bound,
        }
    }
}

/// One measured number, what it is compared with, and what it should be.
#[derive(Debug, Default)]
pub(super) struct Line {
    what: String,
    measured: String,
    beside: String,
    ratio: String,
    aim: String,
    met: Option<bool>,
}

impl Line {
    pub(super) fn new(what: impl Into<String>, measured: impl Into<String>) -> Line {
        Line { what: what.into(), measured: measured.into(), ..Line::default() }
    }

    /// The same number of something else in the same run.
    pub(super) fn beside(self, beside: impl Into<String>) -> Line {
        Line { beside: beside.into(), ..self }
    }

    /// The aim for the number itself.
    pub(super) fn aim(self, aim: Aim, measured: f64, unit: &str) -> Line {
        let aim_text = match aim {
            Aim::AtLeast(bound) => format!("≥ {}{unit}", amount(bound)),
            Aim::AtMost(bound) => format!("≤ {}{unit}", amount(bound)),
        };
        Line { aim: aim_text, met: Some(aim.is_met(measured)), ..self }
    }

    /// The ratio to what stands beside it.
    pub(super) fn ratio(self, ratio: f64) -> Line {
        Line { ratio: format!("{ratio:.2} ×"), ..self }
    }

    /// The ratio to what stands beside it, and what it should be.
    pub(super) fn ratio_aim(self, ratio: f64, aim: Aim) -> Line {
        self.ratio(ratio).aim(aim, ratio, " ×")
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<Line>,
    json: Object,
}

impl Report {
    pub(super) fn line(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// A member of the JSON object; numbers with up to six significant decimals.
    pub(super) fn number(&mut self, name: &str, number: f64) {
        self.json.insert(name, json_number(number));
    }

    pub(super) fn count(&mut self, name: &str, count: u64) {
        self.json.insert(name, count);
    }

    pub(super) fn group(&mut self, name: &str, members: &[(&str, f64)]) {
        let mut object = Object::new();
        for (name, number) in members {
            object.insert(*name, json_number(*number));
        }
        self.json.insert(name, object);
    }

    /// The table, or the object with `--json`.
    ///
    /// # Errors
    /// What stdout says.
    pub(super) fn print(self, printer: &mut Printer) -> Result<(), Failure> {
        if printer.wants_json() {
            return Ok(printer.json(&Json::Object(self.json))?);
        }
        let rows: Vec<Row> = self.lines.into_iter().map(row).collect();
        Ok(printer.table(&["WHAT", "CAIRN", "BESIDE IT", "RATIO", "AIM", "MET"], &rows)?)
    }
}

fn row(line: Line) -> Row {
    let (met, tone) = match line.met {
        None => ("", Tone::Plain),
        Some(true) => ("yes", Tone::Good),
        Some(false) => ("no", Tone::Bad),
    };
    let cells = [line.what, line.measured, line.beside, line.ratio, line.aim];
    let mut cells: Vec<Cell> = cells.into_iter().map(Cell::new).collect();
    cells.push(Cell::new(met).tone(tone));
    Row { cells, json: Json::Null }
}

fn json_number(number: f64) -> Json {
    let rounded = if number.abs() >= 100.0 { format!("{number:.1}") } else { format!("{number:.6}") };
    let literal = rounded.trim_end_matches('0').trim_end_matches('.');
    // What is no number (a division by nothing) is not in JSON either.
    Number::from_literal(literal).map_or(Json::Null, Json::from)
}

/// A number as people read it: `52,300`, `23.4`, `0.184`.
pub(super) fn amount(number: f64) -> String {
    if number >= 1000.0 {
        crate::print::times::count(number.round() as u64)
    } else if number >= 100.0 || number.fract() == 0.0 {
        format!("{number:.0}")
    } else if number >= 10.0 {
        format!("{number:.1}")
    } else if number >= 1.0 {
        format!("{number:.2}")
    } else {
        format!("{number:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_and_stay_numbers() {
        let check = |number: f64, text: &str, json: &str| {
            assert_eq!(amount(number), text);
            assert_eq!(json_number(number).to_text(), json);
        };
        check(52_341.26, "52,341", "52341.3");
        check(100.0, "100", "100");
        check(23.44, "23.4", "23.44");
        check(0.184_2, "0.184", "0.1842");
        check(0.0, "0", "0");
        assert_eq!(json_number(f64::NAN), Json::Null);
    }

    #[test]
    fn an_aim_has_a_side() {
        assert!(Aim::AtLeast(3.0).is_met(3.0) && !Aim::AtLeast(3.0).is_met(2.9));
        assert!(Aim::AtMost(1.3).is_met(1.3) && !Aim::AtMost(1.3).is_met(1.31));
    }
}
