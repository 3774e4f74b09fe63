//! The reference page of the command line, made from the definitions of the commands.

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

const INTRODUCTION: &str = "\
# The command line

One binary, `cairn`. Data goes to standard output, progress and hints to standard error.

## Which server

A command talks to the server that `--server` names. Without it, to the server that runs on the data directory
(`--data`, `./cairn-data` if absent), whose address and admin token it finds there by itself. If none runs and `--data`
was given, it opens the data directory directly and stops when it is done. Else it tries `http.listen`
(`http://127.0.0.1:7420`).

The credential comes from `CAIRN_TOKEN`, or from where `--token-from` says. The token in the data directory is only ever
sent to a server that runs on that directory. How to set all this in a file: [config.md](config.md).

## Forms of output

| Where | Form |
|---|---|
| terminal | aligned, coloured, fitted to the width, relative times |
| pipe or file | TSV with a header line, full values, ISO times, no colour |
| `--json` | one JSON value a line; numbers have the digits they were sent with |
| `--json=time,actor.id` | only these members; absent ones are `null` |
| `--csv` | RFC 4180 with a header line; a cell that a spreadsheet would take for a formula gets an apostrophe |

Control characters, terminal escapes, bidirectional and invisible characters are written as escapes in every form.
`NO_COLOR` and `--no-color` switch colour off, `CLICOLOR_FORCE` on. `--quiet` leaves out progress and hints.

## Exit codes

| Code | Meaning |
|---|---|
| 0 | done |
| 1 | an error; `ingest`: something was refused |
| 2 | the command line or a setting was not understood |
| 3 | nothing found, with `--fail-empty` |
| 4 | no credential, or one that does not permit this |
| 5 | **integrity failure**: stored bytes are not what the log commits to |
| 6 | a partial answer: right as far as it goes, and it says how far |
| 8 | no server answers |
| 130 | interrupted |

## Files that are taken in

`cairn ingest` finds the kind of each file by its content and says which it took: Cairn's own events (NDJSON, an array, one
object), Kubernetes audit logs, CloudTrail deliveries; plain, gzip or zstd. One record a line may be of any length in all;
a file that is one JSON text is read whole, up to 256 MiB decompressed. Native events that bring neither `id` nor
`idempotency_key` get a key from SHA-256 of the record and its occurrence number in the file, so that the same file taken
in again stores nothing twice. The summary adds up: received = stored + duplicate + quarantined + sampled + refused.

";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let cli = Cli::command();
    page.push_str("## Global options\n\n");
    options(&cli, &mut page, true);
    page.push_str("## Commands\n\n");
    for command in cli.get_subcommands().filter(|command| !command.is_hide_set()) {
        describe(command, "cairn", &mut page);
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn describe(command: &Command, path: &str, page: &mut String) {
    let path = format!("{path} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let has_commands = command.get_subcommands().next().is_some();
    if has_commands {
        page.push_str(&format!("### {path}\n\n{about}.\n\n"));
        command.get_subcommands().for_each(|inner| describe(inner, &path, page));
        return;
    }
    let words: Vec<String> = command.get_positionals().map(positional).collect();
    let usage = [path.clone(), words.join(" ")].join(" ");
    page.push_str(&format!("### {path}\n\n`{}`\n\n{}.\n\n", usage.trim_end(), about.trim_end_matches('.')));
    options(command, page, false);
    if let Some(after) = command.get_after_help() {
        let text = after.to_string();
        let examples: Vec<&str> = text.lines().filter(|line| line.starts_with("  ")).map(str::trim_end).collect();
        let examples: Vec<&str> = examples.iter().map(|line| &line[2..]).collect();
        page.push_str(&format!("```\n{}\n```\n\n", examples.join("\n")));
    }
}

fn positional(argument: &Arg) -> String {
    let name = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string).unwrap_or_default();
    let many = argument.get_num_args().is_some_and(|range| range.max_values() > 1);
    let name = if many { format!("{name}...") } else { name };
    if argument.is_required_set() { name } else { format!("[{name}]") }
}

fn options(command: &Command, page: &mut String, global: bool) {
    let listed: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| {
            argument.is_global_set() == global && !matches!(argument.get_id().as_str(), "help" | "version")
        })
        .collect();
    if listed.is_empty() {
        return;
    }
    page.push_str("| | |\n|---|---|\n");
    for argument in listed {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
        let name = match argument.get_long() {
            None => positional(argument),
            Some(long) => {
                let takes = argument.get_action().takes_values();
                let value = argument.get_value_names().and_then(|names| names.first()).filter(|_| takes);
                let value = value.map(|name| format!(" {name}")).unwrap_or_default();
                let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
                format!("{short}--{long}{value}")
            }
        };
        let default: Vec<String> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        let default = if default.is_empty() || !argument.get_action().takes_values() {
            String::new()
        } else {
            format!(" [default: {}]", default.join(","))
        };
        page.push_str(&format!("| `{}` | {help}{default} |\n", name.replace('|', "\\|")));
    }
    page.push('\n');
}

#[test]
fn the_definitions_hold_together() {
    Cli::command().debug_assert();
}

#[test]
fn the_reference_page_is_made_from_the_definitions() {
    crate::golden::check("docs/reference/cli.md", &page());
}

#[test]
fn every_flag_of_a_setting_exists() {
    let cli = Cli::command();
    let flags = |command: &Command| {
        command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect::<Vec<_>>()
    };
    let mut known = flags(&cli);
    known.extend(cli.get_subcommands().flat_map(flags));
    for key in crate::config::keys::KEYS {
        if let Some(flag) = key.flag {
            assert!(known.contains(&flag.trim_start_matches("--").to_owned()), "{flag}");
        }
    }
}

#[test]
fn a_query_may_begin_with_a_minus_and_flags_stay_flags() {
    let check = |line: &[&str], expected: &[&str]| {
        let words = super::with_negations(line.iter().map(|word| (*word).into()));
        let words: Vec<String> = words.map(|word| word.into_string().expect("UTF-8")).collect();
        assert_eq!(words, expected);
    };
    check(
        &["cairn", "search", "-actor:bob op:x", "-n", "5", "--count"],
        &["cairn", "search", "NOT actor:bob op:x", "-n", "5", "--count"],
    );
    check(
        &["cairn", "tail", "-before.a:1", "-(a OR b)", "-n5", "-q"],
        &["cairn", "tail", "NOT before.a:1", "NOT (a OR b)", "-n5", "-q"],
    );
    check(&["cairn", "show", "-actor:bob"], &["cairn", "show", "-actor:bob"]);
}
