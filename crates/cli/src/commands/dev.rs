//! `cairn dev`

use std::time::Instant;

use cairn_api::ExitCode;
use clap::Args;

use super::Context;
use crate::connect::TOKEN_FILE;
use crate::failure::Ended;
use crate::node::{self, Running, Started};
use crate::print::{Printer, Tone, times};

/// Starts everything in one process: no configuration, no other server. Ctrl-C stops it.
#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Address and port to listen on [default: 127.0.0.1:7420]; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
}

pub(crate) fn run(_args: DevArgs, context: &mut Context) -> Ended {
    let began = Instant::now();
    // A person reads this terminal: only what they must know, unless they ask for more.
    node::start_logging(&context.config, Some("warn"));
    let (running, started) = Running::listening(&context.config)?;
    let data = context.config.data().display().to_string();
    for line in welcome(&context.printer, &data, &running, &started, &times::duration(began.elapsed())) {
        context.printer.line(&line)?;
    }
    context.printer.flush()?;
    running.until_told()?;
    context.printer.hint("stopped; everything that was acknowledged is on the disk");
    Ok(ExitCode::Ok)
}

/// What a new user needs: where the data is, whose key signs it, how to send and how to look.
fn welcome(printer: &Printer, data: &str, running: &Running, started: &Started, took: &str) -> Vec<String> {
    let url = running.url();
    let state = if started.is_new { " (new)" } else { "" };
    let fingerprint = running.key_fingerprint();
    let key = format!("SHA256:{}", &fingerprint[..16.min(fingerprint.len())]);
    let made = if started.is_new { "signing key created  " } else { "signing key  " };
    let label = |text: &str| printer.tint(Tone::Bold, &format!("{text:<6}")).into_owned();
    let good = printer.tint(Tone::Good, "✓").into_owned();
    let mut lines = vec![
        format!("  cairn {}   data {data}{state}   {made}{key}", env!("CARGO_PKG_VERSION")),
        format!("  {good} store  {good} index  {good} api   ready in {took}"),
    ];
    for (protocol, address) in &started.sockets {
        lines.push(format!("  {} {protocol} {address}", label("Also")));
    }
    if let Some(recovered) = &started.recovered {
        lines.push(format!("  {recovered}"));
    }
    if let Some(token) = &started.token {
        lines.push(format!("  {} {token}", label("Token")));
        lines.push(format!("         shown this once; commands here find it in {data}/{TOKEN_FILE}"));
    }
    let token_file = quoted(&format!("{data}/{TOKEN_FILE}"));
    let event = r#"{"time":"2025-01-31T12:00:00Z","actor":{"id":"you","type":"user"},"action":"doc.delete","resource":{"type":"doc","id":"42"},"outcome":"success"}"#;
    lines.extend([
        format!("  {} {url}/openapi.json", label("Open")),
        format!("  {} cairn send doc.delete --actor you --res doc:42", label("Send")),
        format!("         curl -sS {url}/v1/events -H \"Authorization: Bearer $(cat {token_file})\" -H 'Content-Type: application/json' -d '{event}'"),
        format!("  {} cairn tail    cairn who deleted 42    cairn verify trail", label("Look")),
    ]);
    lines
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if path.chars().all(plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_through_the_shell_as_it_is() {
        assert_eq!(quoted("./cairn-data/keys/admin.token"), "./cairn-data/keys/admin.token");
        assert_eq!(quoted("/a b/it's"), "'/a b/it'\\''s'");
    }
}
