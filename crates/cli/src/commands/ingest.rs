//! `cairn ingest FILE...|-`

pub(crate) mod input;
mod keys;
mod records;
mod tally;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use cairn_api::v1::SubmitAnswer;
use cairn_api::{Client, ClientError, Framing, Upload, UploadOptions};
use cairn_sources::Sources;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Context;
use crate::connect::Session;
use crate::failure::{Ended, Failure};
use crate::policy;
use crate::print::{Printer, escape, times};
use input::{Input, Place};
use records::{Kind, Outgoing, Taken};
use tally::{Expected, Tally};

/// Takes in files of events: Cairn's own NDJSON, Kubernetes audit logs, CloudTrail deliveries; plain, gzip or zstd.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cairn ingest events.ndjson\n  cairn ingest logs/*.json.gz\n  kubectl logs audit | cairn ingest --source kubernetes/prod -\nTaking the same file in again stores nothing twice."
)]
pub(crate) struct IngestArgs {
    /// Files, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The kind of the files, and the name of the source that they come from [default: found by content, named `file`]
    #[arg(long, value_name = "KIND[/NAME]")]
    source: Option<String>,
    /// Events that are sent at once
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    batch: u32,
}

/// Records that the reader hands over at once.
const CHUNK_RECORDS: usize = 256;
/// Bytes of records that the reader hands over at once, more or less.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks that may wait for the sender.
const CHUNKS_WAITING_MAX: usize = 4;

/// What the reading thread says.
enum Said {
    /// An input begins; `source` is set for foreign kinds.
    Begin { file: String, kind: Kind, how: String },
    /// Records of it.
    Chunk(Vec<Taken>),
    /// It ends, with the reason if it was not taken in to its end.
    End { file: String, refused: Option<String> },
}

pub(crate) fn run(args: IngestArgs, context: &mut Context) -> Ended {
    let sources = policy::read(&context.config)?.sources;
    let (kind, name) = source_named(args.source.as_deref(), &sources)?;
    let session = Session::open(context)?;
    let places: Vec<Place> = args.files.iter().map(|file| Place::named(file)).collect();
    let read = Arc::new(AtomicU64::new(0));
    let bar = progress(&places, &context.printer);
    let (say, said) = sync_channel(CHUNKS_WAITING_MAX);
    let reader = {
        let (read, kind) = (Arc::clone(&read), kind.clone());
        std::thread::Builder::new()
            .name("reader".into())
            .spawn(move || read_all(&places, &sources, kind.as_deref(), &read, &say))
    };
    let reader = reader.map_err(|error| Failure::error("can't start the thread that reads").why(error))?;

    let started = Instant::now();
    let mut sender = Sender::new(session.client.clone(), name, args.batch as usize);
    let sent = sender.all(&said, &context.printer, &bar, &read);
    bar.finish_and_clear();
    // Ends the reader if sending stopped early: its next message finds nobody.
    drop(said);
    if sent.is_ok() {
        reader.join().map_err(|_| Failure::error("the thread that reads panicked"))?;
    }
    sender.tally.print(&mut context.printer)?;
    let seconds = started.elapsed();
    if let Err(failure) = sent {
        let done = format!(
            "{} are stored; what was not sent can be taken in again, nothing is stored twice",
            times::plural(sender.tally.stored(), "event")
        );
        context.printer.hint(&done);
        return Err(failure);
    }
    let rate = sender.tally.received() as f64 / seconds.as_secs_f64().max(1e-3);
    context.printer.hint(&format!("{} · {} events/s", times::duration(seconds), times::count(rate as u64)));
    session.close()?;
    Ok(sender.tally.exit())
}

/// Splits `KIND[/NAME]`.
fn source_named(source: Option<&str>, sources: &Sources) -> Result<(Option<String>, String), Failure> {
    let (kind, name) = match source {
        None => (None, "file"),
        Some(source) => match source.split_once('/') {
            Some((kind, name)) => (Some(kind.to_owned()), name),
            None => (Some(source.to_owned()), "file"),
        },
    };
    if let Some(kind) = kind.as_deref().filter(|kind| sources.by_kind(kind).is_none()) {
        let kinds: Vec<&str> = sources.iter().map(|source| source.kind()).collect();
        let failure = Failure::usage(format!("there is no kind of source {kind:?}"));
        return Err(failure.next(format!("use one of {}", kinds.join(", "))));
    }
    Ok((kind, name.to_owned()))
}

fn progress(places: &[Place], printer: &Printer) -> ProgressBar {
    if !printer.progress {
        return ProgressBar::hidden();
    }
    let sizes: Option<Vec<u64>> = places.iter().map(Place::size).collect();
    let (bar, template) = match sizes {
        Some(sizes) => (ProgressBar::new(sizes.iter().sum()), "{wide_bar} {bytes}/{total_bytes}  {msg}  {eta} left"),
        None => (ProgressBar::no_length(), "{spinner} {bytes}  {msg}"),
    };
    bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Reads every input; what can't be read is said and the next one read. Stops when nobody listens.
fn read_all(places: &[Place], sources: &Sources, kind: Option<&str>, read: &Arc<AtomicU64>, say: &SyncSender<Said>) {
    for place in places {
        let file = place.name();
        let refused = match place.open(sources, kind, read) {
            Ok(input) => match read_one(&file, input, sources, say) {
                Some(refused) => refused,
                None => return,
            },
            Err(error) => Some(error.to_string()),
        };
        if say.send(Said::End { file, refused }).is_err() {
            return;
        }
    }
}

/// Reads one input; `None` when nobody listens any more.
fn read_one(file: &str, input: Input, sources: &Sources, say: &SyncSender<Said>) -> Option<Option<String>> {
    let mut how = match &input.likeness {
        Some(likeness) => likeness.reason.clone().into_owned(),
        None => "as named".to_owned(),
    };
    if let Some(compression) = input.compression {
        how.push_str(", ");
        how.push_str(compression);
    }
    say.send(Said::Begin { file: file.to_owned(), kind: Kind::of(&*input.source), how }).ok()?;
    let (mut chunk, mut bytes, mut heard) = (Vec::new(), 0, true);
    let ended = records::each(input, sources, &mut |taken| {
        bytes += match &taken {
            Taken::Record(record) => record.bytes.len(),
            Taken::Unsendable { .. } | Taken::Apart | Taken::Turn { .. } => 0,
        };
        chunk.push(taken);
        if chunk.len() >= CHUNK_RECORDS || bytes >= CHUNK_BYTES {
            bytes = 0;
            heard = say.send(Said::Chunk(std::mem::take(&mut chunk))).is_ok();
        }
        heard
    });
    if !chunk.is_empty() {
        heard = heard && say.send(Said::Chunk(chunk)).is_ok();
    }
    heard.then_some(ended.err())
}

/// Sends what the reader says, one batch at a time, and keeps the tally.
struct Sender {
    client: Client,
    name: String,
    batch: usize,
    tally: Tally,
    file: String,
    /// Kinds of input so far, each with how it was recognised.
    kinds: BTreeSet<(String, String)>,
    /// How many results a batch of the kind that is sent now must have.
    expected: Expected,
    source: Option<(String, String)>,
    upload: Upload,
    framing: Framing,
    /// Numbers of the records that were pushed and not yet answered.
    waiting: Vec<u64>,
    /// The rest of the input is passed over: the server refused a batch of it as a whole.
    passed_over: bool,
}

impl Sender {
    fn new(client: Client, name: String, batch: usize) -> Sender {
        let upload = client.upload(UploadOptions::default());
        Sender {
            client,
            name,
            batch,
            tally: Tally::default(),
            file: String::new(),
            kinds: BTreeSet::new(),
            expected: Expected::OneEach,
            source: None,
            upload,
            framing: Framing::Lines,
            waiting: Vec::new(),
            passed_over: false,
        }
    }

    fn all(
        &mut self,
        said: &Receiver<Said>,
        printer: &Printer,
        bar: &ProgressBar,
        read: &AtomicU64,
    ) -> Result<(), Failure> {
        for said in said {
            match said {
                Said::Begin { file, kind, how } => {
                    self.file = file;
                    self.passed_over = false;
                    self.turn(kind, how, printer, bar);
                }
                Said::Chunk(chunk) => {
                    for taken in chunk {
                        match taken {
                            Taken::Turn { kind, how } => {
                                self.flush()?;
                                self.turn(kind, how, printer, bar);
                            }
                            taken => self.take(taken)?,
                        }
                    }
                }
                Said::End { file, refused } => {
                    self.flush()?;
                    self.tally.file();
                    if let Some(reason) = refused {
                        self.tally.file_refused(&file, reason);
                    }
                }
            }
            bar.set_position(read.load(Ordering::Relaxed));
            bar.set_message(times::plural(self.tally.received(), "event"));
        }
        Ok(())
    }

    /// What comes now is of this kind.
    fn turn(&mut self, Kind { name: kind, framing }: Kind, how: String, printer: &Printer, bar: &ProgressBar) {
        // Of many alike the first one says it.
        if self.kinds.insert((kind.clone(), how.clone())) {
            bar.suspend(|| printer.hint(&format!("{}: {kind} ({how})", escape::line(&self.file))));
        }
        self.expected = match framing {
            cairn_sources::Framing::Blocks => Expected::OneEachOrJoined,
            _ => Expected::OneEach,
        };
        self.source = (kind != "native").then(|| (kind, self.name.clone()));
        self.restart(Framing::Lines);
    }

    fn take(&mut self, taken: Taken) -> Result<(), Failure> {
        match taken {
            Taken::Unsendable { number, why } => self.tally.unsendable(&self.file, number, why),
            Taken::Record(_) | Taken::Apart if self.passed_over => {}
            Taken::Turn { .. } => unreachable!("it was acted on"),
            Taken::Apart => self.flush()?,
            Taken::Record(record) => self.push(&record)?,
        }
        Ok(())
    }

    fn push(&mut self, record: &Outgoing) -> Result<(), Failure> {
        let framing = framing_of(record, self.framing);
        if framing != self.framing {
            self.flush()?;
            self.restart(framing);
        }
        let answered = self.upload.push(&record.bytes);
        self.answered(answered)?;
        if !self.passed_over {
            self.waiting.push(record.number);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let answered = self.upload.flush();
        self.answered(answered)
    }

    fn answered(&mut self, answered: Result<Option<SubmitAnswer>, ClientError>) -> Result<(), Failure> {
        match answered {
            Ok(None) => Ok(()),
            Ok(Some(answer)) => {
                let records = std::mem::take(&mut self.waiting);
                self.tally
                    .answer(&self.file, &records, self.expected, answer)
                    .map_err(|why| Failure::error("the server's answer is wrong").why(why))
            }
            // The server takes nothing of this batch, and would not if it came again: only this input
            // is at fault, the others go on.
            Err(ClientError::Problem(problem)) if matches!(problem.status, 400 | 404 | 413 | 415 | 422) => {
                let first = self.waiting.first().copied().unwrap_or_default();
                self.tally.file_refused(&self.file, format!("from record {first} on: {problem}"));
                self.restart(Framing::Lines);
                self.passed_over = true;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn restart(&mut self, framing: Framing) {
        self.waiting.clear();
        self.framing = framing;
        let options = UploadOptions {
            source: self.source.clone(),
            framing,
            batch_events: self.batch,
            ..UploadOptions::default()
        };
        self.upload = self.client.upload(options);
    }
}

/// How a record can be sent: over several lines, or an array itself, only as an item of an array, broken only as a line, else
/// like the ones before it.
fn framing_of(record: &Outgoing, now: Framing) -> Framing {
    if !record.is_json {
        Framing::Lines
    } else if record.bytes.first() == Some(&b'[') || record.bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        Framing::Array
    } else {
        now
    }
}

#[cfg(test)]
mod tests {
    use cairn_api::ExitCode;

    use super::*;

    #[test]
    fn a_source_is_a_kind_and_perhaps_a_name() {
        let sources = Sources::builtin();
        assert_eq!(source_named(None, &sources), Ok((None, "file".to_owned())));
        assert_eq!(
            source_named(Some("kubernetes/prod"), &sources),
            Ok((Some("kubernetes".to_owned()), "prod".to_owned()))
        );
        assert_eq!(source_named(Some("cloudtrail"), &sources), Ok((Some("cloudtrail".to_owned()), "file".to_owned())));
        let failure = source_named(Some("kubernetis"), &sources).expect_err("refused");
        assert_eq!(failure.exit, ExitCode::Usage);
    }

    #[test]
    fn a_record_goes_as_a_line_or_in_an_array_as_it_must() {
        let record = |text: &str, is_json| Outgoing { number: 0, bytes: text.as_bytes().to_vec(), is_json };
        assert_eq!(framing_of(&record("{}", true), Framing::Lines), Framing::Lines);
        assert_eq!(framing_of(&record("{}", true), Framing::Array), Framing::Array);
        assert_eq!(framing_of(&record("{\n}", true), Framing::Lines), Framing::Array);
        assert_eq!(framing_of(&record("{", false), Framing::Array), Framing::Lines);
    }
}
