//! `cairn config check`

use cairn_api::ExitCode;
use cairn_event::Json;
use cairn_event::json::Object;
use clap::{Args, Subcommand};

use super::Context;
use crate::config::Origin;
use crate::failure::Ended;
use crate::print::table::{Cell, Row};
use crate::print::{Printer, Tone};

/// Settings and where they come from.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every setting with its value, where the value comes from and what it does
    Check,
}

pub(crate) fn run(args: ConfigArgs, context: &mut Context) -> Ended {
    let ConfigCommand::Check = args.command;
    let rows: Vec<Row> = context
        .config
        .explain()
        .into_iter()
        .map(|line| {
            let mut json = Object::new();
            let origin = line.origin.to_string();
            for (name, text) in [
                ("setting", line.key.name),
                ("value", &line.value),
                ("origin", &origin),
                ("variable", &line.key.env()),
                ("meaning", line.key.doc),
            ] {
                json.insert(name, text);
            }
            let tone = if line.origin == Origin::Default { Tone::Dim } else { Tone::Good };
            let cells = vec![
                Cell::new(line.key.name),
                Cell::new(line.value).tone(Tone::Bold),
                Cell::new(origin).tone(tone),
                Cell::new(line.key.doc).tone(Tone::Dim),
            ];
            Row { cells, json: Json::Object(json) }
        })
        .collect();
    show(&rows, &mut context.printer)?;
    match &context.config.file {
        Some(file) => context.printer.hint(&format!("the configuration is valid; file {}", file.display())),
        None => context.printer.hint("the configuration is valid; no file was read"),
    }
    Ok(ExitCode::Ok)
}

/// People get the meaning on a line of its own: in a table it would be cut to the terminal's width.
fn show(rows: &[Row], printer: &mut Printer) -> std::io::Result<()> {
    if printer.for_program() {
        return printer.table(&["SETTING", "VALUE", "ORIGIN", "MEANING"], rows);
    }
    for row in rows {
        let (facts, meaning) = row.cells.split_at(3);
        for cells in [facts.to_vec(), [&[Cell::new("   ")], meaning].concat()] {
            printer.row(&Row { cells, json: Json::Null })?;
        }
    }
    Ok(())
}
