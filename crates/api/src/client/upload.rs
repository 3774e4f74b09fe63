//! Sends any number of records in batches, holding one batch at a time.

use super::{Client, ClientError, Encoding, Submit};
use crate::v1::SubmitAnswer;
use cairn_event::limits;

/// How the records of a batch are put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Framing {
    /// One record per line: for records that hold no line feed. A broken one can't hurt its neighbours.
    #[default]
    Lines,
    /// Items of an array: for records that are JSON and may be laid out over several lines.
    Array,
}

/// What an upload sends and how much at once.
#[derive(Debug, Clone)]
pub struct UploadOptions {
    /// Kind and name of the source whose own format the records have; `None` is Cairn's own.
    pub source: Option<(String, String)>,
    /// How the records are put together.
    pub framing: Framing,
    /// A batch is sent when it has this many records.
    pub batch_events: usize,
    /// A batch is sent before it would become larger than this.
    pub batch_bytes: usize,
}

impl Default for UploadOptions {
    fn default() -> Self {
        UploadOptions { source: None, framing: Framing::Lines, batch_events: 1000, batch_bytes: 4 << 20 }
    }
}

/// An upload under way. Records that were pushed and not yet answered are lost when it is dropped.
pub struct Upload {
    client: Client,
    submit: Submit,
    framing: Framing,
    batch_events: usize,
    batch_bytes: usize,
    batch: Vec<u8>,
    events: usize,
}

impl Upload {
    pub(super) fn new(client: Client, options: UploadOptions) -> Upload {
        Upload {
            client,
            submit: Submit {
                source: options.source,
                encoding: Encoding::Identity,
                lines: options.framing == Framing::Lines,
                ..Submit::default()
            },
            framing: options.framing,
            batch_events: options.batch_events.clamp(1, limits::BATCH_EVENTS_MAX),
            batch_bytes: options.batch_bytes.min(limits::BATCH_BYTES_MAX / 2),
            batch: Vec::new(),
            events: 0,
        }
    }

    /// Records that wait to be sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.events
    }

    /// Adds one record, without the line feed behind it. If the batch was full, it is sent first and
    /// its answer returned; results count from the first record of that batch.
    ///
    /// # Errors
    /// As [`Client::submit`]; the batch stays and is sent again by the next call.
    pub fn push(&mut self, record: &[u8]) -> Result<Option<SubmitAnswer>, ClientError> {
        let is_full = self.events >= self.batch_events || self.batch.len() + record.len() > self.batch_bytes;
        let answer = if is_full { self.flush()? } else { None };
        if self.framing == Framing::Array {
            self.batch.push(if self.events == 0 { b'[' } else { b',' });
        }
        self.batch.extend_from_slice(record);
        if self.framing == Framing::Lines {
            self.batch.push(b'\n');
        }
        self.events += 1;
        Ok(answer)
    }

    /// Sends what waits. `None` if nothing does.
    ///
    /// # Errors
    /// As [`Client::submit`]; the batch stays and is sent again by the next call.
    pub fn flush(&mut self) -> Result<Option<SubmitAnswer>, ClientError> {
        if self.events == 0 {
            return Ok(None);
        }
        let open = self.batch.len();
        if self.framing == Framing::Array {
            self.batch.push(b']');
        }
        match self.client.submit(&self.batch, &self.submit) {
            Ok(answer) => {
                self.batch.clear();
                self.events = 0;
                Ok(Some(answer))
            }
            Err(error) => {
                self.batch.truncate(open);
                Err(error)
            }
        }
    }
}
