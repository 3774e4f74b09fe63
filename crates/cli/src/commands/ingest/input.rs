//! Opens what is to be taken in: a file or standard input, plain, gzip or zstd, and finds its kind.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cairn_event::Json;
use cairn_event::json::JsonErrorKind;
use cairn_sources::{Framing, Likeness, Record, SNIFF_BYTES_MAX, SharedSource, Source, Sources};
use flate2::read::MultiGzDecoder;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// Most bytes of one line: what is longer could not be sent, because a batch must hold it.
pub(crate) const RECORD_BYTES_MAX: usize = 8 << 20;

/// Most bytes of a file that is not one record a line, once decompressed: it is read whole.
pub(crate) const WHOLE_BYTES_MAX: u64 = 256 << 20;

/// Lines of the head that are tried before a body that begins with `{` is taken to be one object.
const LINES_TRIED_MAX: usize = 16;

/// A place that events come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// An open input whose kind is known.
pub(crate) struct Input {
    /// Its kind.
    pub(crate) source: SharedSource,
    /// Why it was taken for that; `None` if the kind was named.
    pub(crate) likeness: Option<Likeness>,
    /// How it is compressed, for a remark.
    pub(crate) compression: Option<&'static str>,
    /// How its records are laid out.
    pub(crate) layout: Layout,
    /// Its bytes, decompressed, from the beginning.
    pub(crate) bytes: Box<dyn BufRead + Send>,
}

/// How the records of an input are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One record a line: of any length in all.
    Lines,
    /// An array, an envelope, one object, records over several lines: read whole.
    Whole,
}

/// Why an input is not taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// No kind looks like it.
    #[error("its kind is not known; say it with --source KIND (`cairn source list` names the kinds)")]
    UnknownKind,
}

impl Place {
    /// The place that an argument names.
    pub(crate) fn named(argument: &Path) -> Place {
        if argument == Path::new("-") { Place::Stdin } else { Place::File(argument.to_owned()) }
    }

    /// Its name in messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Place::Stdin => "standard input".to_owned(),
            Place::File(path) => path.display().to_string(),
        }
    }

    /// Its size on the disk, if it has one.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Place::Stdin => None,
            Place::File(path) => std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|m| m.len()),
        }
    }

    /// Opens it, counting the bytes read from it, and finds its kind unless that is named.
    ///
    /// # Errors
    /// [`InputError`].
    pub(crate) fn open(
        &self,
        sources: &Sources,
        kind: Option<&str>,
        read: &Arc<AtomicU64>,
    ) -> Result<Input, InputError> {
        let bytes: Box<dyn Read + Send> = match self {
            Place::Stdin => Box::new(io::stdin()),
            Place::File(path) => Box::new(File::open(path)?),
        };
        let counted = Counted { bytes, read: Arc::clone(read) };
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, counted);
        let (compression, mut plain) = decompressed(&mut raw)?.open(raw)?;
        let (head, at_end) = head(&mut plain)?;
        if head.iter().all(u8::is_ascii_whitespace) && at_end {
            return Err(InputError::Empty);
        }
        let (source, likeness) = match kind {
            Some(kind) => (sources.by_kind(kind).ok_or(InputError::UnknownKind)?, None),
            None => {
                let found = sources.detect(&head).ok_or(InputError::UnknownKind)?;
                (found.source, Some(found.likeness))
            }
        };
        let layout = match source.framing() {
            Framing::Json => layout(&*source, &head),
            Framing::Lines => Layout::Lines,
            Framing::Blocks if source.is_json() => layout(&*source, &head),
            Framing::Blocks => Layout::Whole,
        };
        let bytes = Box::new(BufReader::with_capacity(BUFFER_BYTES, io::Cursor::new(head).chain(plain)));
        Ok(Input { source, likeness, compression, layout, bytes })
    }
}

/// How a stream is compressed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

fn decompressed(raw: &mut impl BufRead) -> io::Result<Compression> {
    // A pipe may give fewer bytes at first than a signature has; two decide between the known ones.
    let start = raw.fill_buf()?;
    Ok(match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        _ => Compression::None,
    })
}

impl Compression {
    fn open(self, raw: BufReader<Counted>) -> io::Result<(Option<&'static str>, Box<dyn Read + Send>)> {
        Ok(match self {
            Compression::None => (None, Box::new(raw)),
            Compression::Gzip => (Some("gzip"), Box::new(MultiGzDecoder::new(raw))),
            Compression::Zstd => (Some("zstd"), Box::new(zstd::stream::read::Decoder::with_buffer(raw)?)),
        })
    }
}

/// The first bytes: enough to know the kind, and up to the end of the first line if that is longer.
fn head(plain: &mut (impl Read + ?Sized)) -> io::Result<(Vec<u8>, bool)> {
    let mut head = Vec::new();
    let mut step = SNIFF_BYTES_MAX;
    loop {
        let before = head.len();
        (&mut *plain).take(step as u64).read_to_end(&mut head)?;
        let at_end = head.len() - before < step;
        if at_end || head.contains(&b'\n') || head.len() >= RECORD_BYTES_MAX {
            return Ok((head, at_end));
        }
        step = head.len();
    }
}

/// Whether records come one a line. An array and an envelope begin on the first line and end on another.
fn layout(source: &dyn Source, head: &[u8]) -> Layout {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if text.first() == Some(&b'[') {
        return Layout::Whole;
    }
    let Some(last_end) = text.iter().rposition(|byte| *byte == b'\n') else {
        return if text.first() == Some(&b'{') { Layout::Whole } else { Layout::Lines };
    };
    if text.first() != Some(&b'{') {
        return Layout::Lines;
    }
    let lines = text[..last_end].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.filter(|line| !line.is_empty()).take(LINES_TRIED_MAX).peekable();
    // An object that goes on behind its first line, even if a line inside it looks like a record.
    let first = lines.peek().map(|line| Json::parse(line));
    if first.is_some_and(|first| first.is_err_and(|error| error.kind == JsonErrorKind::Truncated)) {
        return Layout::Whole;
    }
    if lines.any(|line| stands_alone(source, line)) { Layout::Lines } else { Layout::Whole }
}

/// Whether a line is whole by itself: a record, and not an envelope around many.
fn stands_alone(source: &dyn Source, line: &[u8]) -> bool {
    let Ok(mut records) = source.split(line) else { return false };
    let first = records.next();
    let is_one = |record: Record<'_>| match source.framing() {
        // What is inside is parted and put together later; it is enough that the line ends with it.
        Framing::Blocks => true,
        _ => *record.bytes == *line,
    };
    Json::parse(line).is_ok_and(|json| json.as_object().is_some()) && first.is_some_and(is_one)
}

/// Counts what is read, for the progress bar.
struct Counted {
    bytes: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, expected: Layout) {
        check_of("cloudtrail", head, expected);
    }

    #[track_caller]
    fn check_of(kind: &str, head: &str, expected: Layout) {
        let source = Sources::builtin().by_kind(kind).expect("a kind");
        assert_eq!(layout(&*source, head.as_bytes()), expected, "{head}");
    }

    #[test]
    fn only_records_on_lines_of_their_own_are_streamed() {
        check("{\"a\":1}\n{\"a\":2}\n", Layout::Lines);
        check("{\"a\":1}\n", Layout::Lines);
        check("\n\n{\"a\":1}\r\n{\"a\":2}", Layout::Lines);
        check("{broken\n{\"a\":2}\n", Layout::Lines);
        check("not json\n", Layout::Lines);
        check("{\"a\":1}", Layout::Whole);
        check("[{\"a\":1},\n{\"a\":2}]", Layout::Whole);
        check("{\n  \"a\": 1\n}\n", Layout::Whole);
        check("{\"Records\":[{\"a\":1}]}\n", Layout::Whole);
        check_of("kubernetes", "{\"kind\":\"EventList\",\"items\":[]}\n", Layout::Whole);
        check_of("kubernetes", "{\"auditID\":\"1\"}\n{\"auditID\":\"2\"}\n", Layout::Lines);
        // Whatever the member is called that holds them, and whatever the lines inside look like.
        check_of("m365", "{\"value\": [\n{\"a\":1},\n{\"a\":2}\n]}\n", Layout::Whole);
        check_of("m365", "{\"value\":[{\"a\":1},{\"a\":2}]}\n", Layout::Whole);
        check_of("m365", "{\"a\":1}\n{\"a\":2}\n", Layout::Lines);
        check_of("otlp", "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{},{}]}]}]}\n{}\n", Layout::Lines);
        check("\u{feff}{\"a\":1}\n{}", Layout::Lines);
    }

    #[test]
    fn a_head_reaches_to_the_end_of_a_long_first_line() {
        let text = format!("{{\"a\":\"{}\"}}\nrest", "x".repeat(SNIFF_BYTES_MAX * 3));
        let (head, at_end) = head(&mut text.as_bytes()).expect("memory");
        assert!(head.contains(&b'\n'));
        assert!(at_end || head.len() < text.len() + 1);
    }
}
