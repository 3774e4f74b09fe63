//! Runs one stage after the other, shows what each prints, and adds up what passed.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How often a running stage is asked whether it has ended.
const POLL: Duration = Duration::from_millis(50);

/// What a stage says about itself: how many checks held and how many did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// One check that held.
    pub(crate) const ONE_PASSED: Self = Self { passed: 1, failed: 0 };

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Whether the stages after a failed one still have a meaning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    GoOn,
    Stop,
}

/// How one stage ended.
struct Outcome {
    name: String,
    took: Duration,
    failure: Option<String>,
    tally: Tally,
}

/// The stages that ran so far.
pub(crate) struct Run {
    outcomes: Vec<Outcome>,
    stopped_by: Option<String>,
}

impl Run {
    pub(crate) fn new() -> Self {
        Self { outcomes: Vec::new(), stopped_by: None }
    }

    /// Runs one stage unless an earlier one ended the run. An error fails the stage, never the run's own
    /// book-keeping, so that later stages still report.
    pub(crate) fn stage(&mut self, name: &str, on_failure: OnFailure, work: impl FnOnce() -> Result<Tally>) {
        if self.stopped_by.is_some() {
            return;
        }
        println!("\n== {name}");
        flush();
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        let (tally, failure) = match result {
            Ok(tally) if tally.failed == 0 => (tally, None),
            Ok(tally) => (tally, Some(format!("{} failed", tally.failed))),
            Err(error) => {
                let counted = error.downcast_ref::<Failed>().map_or(Tally::default(), |f| f.tally);
                let tally = Tally { failed: counted.failed.max(1), ..counted };
                (tally, Some(format!("{error:#}")))
            }
        };
        match &failure {
            None => println!("== {name}: ok in {:.1} s", took.as_secs_f64()),
            Some(why) => println!("== {name}: FAILED in {:.1} s: {why}", took.as_secs_f64()),
        }
        flush();
        if failure.is_some() && on_failure == OnFailure::Stop {
            self.stopped_by = Some(name.to_owned());
        }
        self.outcomes.push(Outcome { name: name.to_owned(), took, failure, tally });
    }

    /// Prints the table of stages and the closing line; `true` if nothing failed.
    pub(crate) fn close(self) -> bool {
        println!("\n{:<28} {:>9} {:>8} {:>8}", "stage", "seconds", "passed", "failed");
        let mut total = Tally::default();
        let mut took = Duration::ZERO;
        for outcome in &self.outcomes {
            println!(
                "{:<28} {:>9.1} {:>8} {:>8}",
                outcome.name,
                outcome.took.as_secs_f64(),
                outcome.tally.passed,
                outcome.tally.failed
            );
            total.add(outcome.tally);
            took += outcome.took;
        }
        println!("{:<28} {:>9.1}", "together", took.as_secs_f64());
        for outcome in &self.outcomes {
            if let Some(why) = &outcome.failure {
                println!("failed: {}: {why}", outcome.name);
            }
        }
        if let Some(name) = &self.stopped_by {
            println!("the stages after {name} were not run");
        }
        println!("{} passed, {} failed", total.passed, total.failed);
        flush();
        total.failed == 0
    }
}

/// A command that ended badly, with what its output had counted until then.
#[derive(Debug)]
struct Failed {
    what: String,
    tally: Tally,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failed {}

/// Runs a command to its end, shows its output and counts the tests that it reports; a command that
/// reports none counts as one check. It is ended, with all that it started, after `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<Tally> {
    let shown = shown(command);
    // With nobody at a terminal the command gets a process group of its own, so that the time limit
    // ends its children too; at a terminal it must stay in ours, where ctrl-c reaches it.
    let own_group = !std::io::stdin().is_terminal();
    if own_group {
        command.process_group(0);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start {shown}"))?;
    let out = child.stdout.take().context("the output was piped")?;
    let err = child.stderr.take().context("the error output was piped")?;
    let readers = [thread::spawn(move || echo(out)), thread::spawn(move || echo(err))];
    let status = wait(&mut child, limit, own_group)?;
    let mut tally = Tally::default();
    for reader in readers {
        tally.add(reader.join().map_err(|_| anyhow::anyhow!("a reader of {shown} panicked"))?);
    }
    match status {
        Some(status) if status.success() => Ok(if tally == Tally::default() { Tally::ONE_PASSED } else { tally }),
        Some(status) => bail!(Failed { what: format!("{shown}: {status}"), tally }),
        None => {
            bail!(Failed { what: format!("{shown}: ended after {} s", limit.as_secs()), tally })
        }
    }
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// `None` if the limit ended it.
fn wait(child: &mut Child, limit: Duration, own_group: bool) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > limit {
            if own_group {
                let group = format!("-{}", child.id());
                Command::new("kill").args(["-KILL", "--", &group]).status()?;
            } else {
                child.kill()?;
            }
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

/// Prints each line as it comes and adds up the lines that count tests.
fn echo(from: impl Read) -> Tally {
    let mut tally = Tally::default();
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    // A stage may print bytes that are not UTF-8, a hostile fixture for example: never stop for them.
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        if let Some(counted) = counted(&text) {
            tally.add(counted);
        }
        line.clear();
    }
    flush();
    tally
}

/// Reads a closing line of nextest, of rustc's test harness or of Python's unittest.
fn counted(line: &str) -> Option<Tally> {
    let line = line.trim();
    if line.starts_with("Summary [") {
        let (_, counts) = line.split_once("tests run:").or_else(|| line.split_once("test run:"))?;
        // A test that passed on a retry or timed out stands under its own word.
        let failed = before(counts, "failed") + before(counts, "timed out");
        return Some(Tally { passed: before(counts, "passed"), failed });
    }
    if let Some(counts) = line.strip_prefix("test result:") {
        return Some(Tally { passed: before(counts, "passed"), failed: before(counts, "failed") });
    }
    if let Some(rest) = line.strip_prefix("Ran ") {
        let run = rest.strip_suffix('s').filter(|rest| rest.contains(" test"))?;
        let passed = run.split(' ').next()?.parse().ok()?;
        return Some(Tally { passed, failed: 0 });
    }
    None
}

/// The number that stands before a word: 3 in `..., 3 failed (1 flaky)`.
fn before(text: &str, word: &str) -> u64 {
    let Some(at) = text.find(word) else { return 0 };
    let digits: Vec<char> = text[..at].trim_end().chars().rev().take_while(char::is_ascii_digit).collect();
    digits.iter().rev().collect::<String>().parse().unwrap_or(0)
}

fn flush() {
    // A closed pipe at the reader's side must not end a run half way through.
    let _ = std::io::stdout().flush();
}

/// A process that runs beside the stages and never outlives the value.
pub(crate) struct Service {
    child: Child,
}

impl Service {
    /// Takes over a started process.
    pub(crate) fn new(child: Child) -> Self {
        Self { child }
    }

    /// Whether it is still there.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to stop as an operator would, and fails if it does not within `limit`.
    pub(crate) fn stop(mut self, limit: Duration) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        match wait(&mut self.child, limit, false)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("the server stopped with {status}"),
            None => bail!("the server was still there {} s after SIGTERM", limit.as_secs()),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: u64, failed: u64) {
        assert_eq!(counted(line), Some(Tally { passed, failed }), "{line}");
    }

    #[test]
    fn closing_lines_of_each_runner_are_counted() {
        check("     Summary [   0.004s] 12 tests run: 12 passed, 3 skipped", 12, 0);
        check("     Summary [   1.2s] 1 test run: 1 passed, 0 skipped", 1, 0);
        check("Summary [ 9.1s] 20/31 tests run: 18 passed (1 slow), 1 failed, 1 timed out, 0 skipped", 18, 2);
        check("test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured", 7, 0);
        check("test result: FAILED. 3 passed; 2 failed; 0 ignored", 3, 2);
        check("Ran 41 tests in 0.512s", 41, 0);
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in ["", "Compiling x", "12 tests run: 12 passed", "Ran away", "Ran 3 miles"] {
            assert_eq!(counted(line), None, "{line}");
        }
    }

    #[test]
    fn a_command_that_fails_fails_the_run_and_later_stages_still_report() {
        let mut run_ = Run::new();
        run_.stage("first", OnFailure::GoOn, || run(Command::new("false").args(["x"]), Duration::from_secs(5)));
        run_.stage("second", OnFailure::GoOn, || Ok(Tally { passed: 2, failed: 0 }));
        assert_eq!(run_.outcomes.len(), 2);
        assert_eq!(run_.outcomes[0].tally, Tally { passed: 0, failed: 1 });
        assert!(!run_.close());
    }

    #[test]
    fn a_stage_that_stops_the_run_leaves_the_later_ones_out() {
        let mut run = Run::new();
        run.stage("first", OnFailure::Stop, || bail!("no compiler"));
        run.stage("second", OnFailure::GoOn, || Ok(Tally::ONE_PASSED));
        assert_eq!(run.outcomes.len(), 1);
        assert!(!run.close());
    }

    #[test]
    fn a_command_over_its_time_limit_is_ended() {
        let error = run(Command::new("sleep").arg("60"), Duration::from_millis(1));
        assert!(error.is_err_and(|e| format!("{e}").contains("ended after")));
    }
}
