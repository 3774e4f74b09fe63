//! The command line: global flags and the list of commands. Each command has its own flags in its file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::commands::{
    bench, checkpoint, completions, config, dev, diff, doctor, index, ingest, proof, quarantine, redaction, seal,
    search, send, serve, show, source, tail, timeline, token, verify, who,
};
use crate::print::Wishes;

/// An audit trail that can be searched, believed and proved.
#[derive(Debug, Parser)]
#[command(name = "cairn", version, max_term_width = 100, arg_required_else_help = true, infer_subcommands = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The server to talk to; without it the one that runs on the data directory
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The data directory [default: ./cairn-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<String>,
    /// The tenant that is meant when none is named [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// The trail that is meant when none is named [default: main]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) trail: Option<String>,
    /// The policy folder
    #[arg(long, global = true, value_name = "FOLDER", hide_short_help = true)]
    pub(crate) policy: Option<String>,
    /// Where the credential is: file:PATH or env:NAME
    #[arg(long, global = true, value_name = "PLACE", hide_short_help = true)]
    pub(crate) token_from: Option<String>,
    /// The configuration file [default: ./cairn.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE", env = "CAIRN_CONFIG", hide_env = true, hide_short_help = true)]
    pub(crate) config: Option<PathBuf>,
    /// JSON instead of a table, one value a line; with fields (`--json=time,actor.id`) only those
    #[arg(long, global = true, value_name = "FIELDS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) json: Option<String>,
    /// CSV instead of a table
    #[arg(long, global = true, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// No progress and no hints
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// No colour (NO_COLOR says the same)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// How much the server writes to stderr: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL", hide_short_help = true, action = ArgAction::Set)]
    pub(crate) log_level: Option<String>,
}

impl Global {
    /// What these flags wish of the output.
    pub(crate) fn wishes(&self) -> Wishes {
        Wishes { json: self.json.clone(), csv: self.csv, quiet: self.quiet, no_color: self.no_color }
    }

    /// Whether errors may be coloured; needed before anything else is read.
    pub(crate) fn color_on_stderr(&self) -> bool {
        !self.no_color && anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
    }

    /// These flags by the names of their settings.
    pub(crate) fn settings(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("server", self.server.clone()),
            ("data", self.data.clone()),
            ("tenant", self.tenant.clone()),
            ("trail", self.trail.clone()),
            ("policy", self.policy.clone()),
            ("token_from", self.token_from.clone()),
            ("log.level", self.log_level.clone()),
        ]
    }
}

/// Lets a query begin with `-`: `cairn search -actor:bob` asks for what `NOT actor:bob` asks for, and no
/// flag looks like that.
pub(crate) fn with_negations(line: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    let mut in_query = false;
    line.map(move |word| {
        in_query |= word == "search" || word == "tail";
        match word.to_str().and_then(|text| text.strip_prefix('-')).filter(|text| in_query && begins_query(text)) {
            Some(text) => format!("NOT {text}").into(),
            None => word,
        }
    })
}

/// Whether text behind a minus is a clause, a group or a phrase: `actor:bob`, `(a OR b)`, `"a b"`.
fn begins_query(text: &str) -> bool {
    let name = text.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_');
    text.starts_with(['(', '"']) || (name.len() < text.len() && name.starts_with([':', '.']))
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything in one process, with nothing to set up
    Dev(dev::DevArgs),
    /// Run the server
    Serve(serve::ServeArgs),
    /// Record one event
    Send(send::SendArgs),
    /// Take in files of events, or standard input
    Ingest(ingest::IngestArgs),
    /// Find events
    Search(search::SearchArgs),
    /// Follow events as they arrive
    Tail(tail::TailArgs),
    /// Show one event and whether it is proved
    Show(show::ShowArgs),
    /// Show what an event changed
    Diff(diff::DiffArgs),
    /// Say who did something to a resource: `cairn who deleted invoice-42`
    Who(who::WhoArgs),
    /// Show events that belong together, oldest first
    Timeline(timeline::TimelineArgs),
    /// Recompute hashes, tree and signatures from the stored bytes
    Verify(verify::VerifyArgs),
    /// Checkpoints of a trail
    Checkpoint(checkpoint::CheckpointArgs),
    /// Evidence for one event
    Proof(proof::ProofArgs),
    /// Turn what is in the write-ahead log into segments now
    Seal(seal::SealArgs),
    /// The search index
    Index(index::IndexArgs),
    /// Credentials
    Token(token::TokenArgs),
    Quarantine(quarantine::QuarantineArgs),
    Redaction(redaction::RedactionArgs),
    /// The kinds of events that are understood
    Source(source::SourceArgs),
    /// Look for what is wrong with this machine and say what to do
    Doctor(doctor::DoctorArgs),
    /// Settings and where they come from
    Config(config::ConfigArgs),
    /// Completions for a shell
    Completions(completions::CompletionsArgs),
    /// Measure
    Bench(bench::BenchArgs),
}

#[cfg(test)]
mod tests;
