//! `cairn source list`, `cairn source test FILE`

mod test;

use cairn_api::ExitCode;
use cairn_event::Json;
use cairn_event::json::Object;
use clap::{Args, Subcommand};

use super::Context;
use crate::failure::Ended;
use crate::policy;
use crate::print::table::{Cell, Row};

/// The kinds of events that are understood.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    #[command(subcommand)]
    command: SourceCommand,
}

#[derive(Debug, Subcommand)]
enum SourceCommand {
    /// List the kinds, and where each is sent to
    List,
    /// Show what a file of records would become, and what of them is not mapped; nothing is stored
    Test(test::TestArgs),
}

pub(crate) fn run(args: SourceArgs, context: &mut Context) -> Ended {
    match args.command {
        SourceCommand::List => list(context),
        SourceCommand::Test(args) => test::run(args, context),
    }
}

fn list(context: &mut Context) -> Ended {
    let sources = policy::read(&context.config)?.sources;
    let rows: Vec<Row> = sources
        .iter()
        .map(|source| {
            let (kind, title) = (source.kind(), source.title());
            let route = if kind == "native" { "/v1/events".to_owned() } else { format!("/v1/sources/{kind}/NAME") };
            let mut json = Object::new();
            json.insert("kind", kind);
            json.insert("title", title);
            json.insert("route", route.as_str());
            Row { cells: vec![Cell::new(kind), Cell::new(title), Cell::new(route)], json: Json::Object(json) }
        })
        .collect();
    context.printer.table(&["KIND", "WHAT", "ROUTE"], &rows)?;
    Ok(ExitCode::Ok)
}

/// The reference page of the kinds, in Markdown.
#[cfg(test)]
fn reference() -> String {
    let mut page = String::from(include_str!("source/reference.md"));
    page.push_str("\n## The kinds\n\n| Kind | What | Records |\n|---|---|---|\n");
    for source in cairn_sources::Sources::builtin().iter() {
        let records = match (source.is_json(), source.framing()) {
            (true, _) => "JSON",
            (false, cairn_sources::Framing::Lines) => "lines",
            (false, _) => "text, a record may have several lines",
        };
        let folder = format!("../../crates/sources/src/{}/README.md", source.kind());
        page.push_str(&format!("| [`{}`]({folder}) | {} | {records} |\n", source.kind(), source.title()));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_lists_every_kind() {
        crate::golden::check("docs/reference/sources.md", &reference());
    }
}
