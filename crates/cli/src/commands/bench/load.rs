//! The load generator: a lean HTTP/1.1 client on one thread, because it shares its cores with the server
//! that it measures.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::events::EventFile;
use super::process::{Usage, Used};
use super::target::Target;
use crate::failure::Failure;

/// Three digits are more than two runs agree on.
const LATENCY_DIGITS: u8 = 3;
const READ_BYTES: usize = 64 << 10;
const HEAD_BYTES_MAX: usize = 16 << 10;

/// What to send.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// Which events of the file.
    pub(super) events: Range<usize>,
    /// Events in one request; 1 sends single objects.
    pub(super) per_request: usize,
    pub(super) connections: usize,
    /// Events that fall due each second, whether or not the server keeps up; `None` sends the next request
    /// on the answer to the one before.
    pub(super) per_second: Option<u32>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) elapsed: Duration,
    pub(super) events: usize,
    /// Of each request, in nanoseconds. With a pace it runs from when the request fell due, so that waiting
    /// behind a slow answer counts.
    pub(super) latencies: Histogram<u64>,
    /// Times that the server said to come again.
    pub(super) waits: u64,
    pub(super) used: Used,
}

impl Outcome {
    pub(super) fn per_second(&self) -> f64 {
        self.events as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends loads side by side and returns when every event of them is durable.
///
/// # Errors
/// The server can't be reached, or did not store an event.
pub(super) fn run(target: &Target, file: &Arc<EventFile>, loads: &[Load]) -> Result<Vec<Outcome>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let before = Usage::now(target.process());
    let outcomes = runtime.block_on(async {
        let began = Instant::now();
        let mut running = Vec::new();
        for load in loads {
            running.push((load, spawn(target, file, load, began)));
        }
        let mut outcomes = Vec::new();
        for (load, tasks) in running {
            outcomes.push(gather(load, tasks, began).await?);
        }
        Ok::<_, Failure>(outcomes)
    })?;
    let used = Usage::now(target.process()).since(&before);
    Ok(outcomes.into_iter().map(|outcome| Outcome { used: used.clone(), ..outcome }).collect())
}

type Task = Result<(Histogram<u64>, u64, Instant), Failure>;

fn spawn(target: &Target, file: &Arc<EventFile>, load: &Load, began: Instant) -> JoinSet<Task> {
    let taken = Arc::new(AtomicUsize::new(0));
    let kind = if load.per_request == 1 { "application/json" } else { "application/x-ndjson" };
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: {kind}\r\ncontent-length: ",
        target.address(),
        target.token()
    );
    let mut tasks = JoinSet::new();
    for _ in 0..load.connections {
        let sender = Sender {
            address: target.address().to_owned(),
            head: head.clone(),
            file: file.clone(),
            load: load.clone(),
            taken: taken.clone(),
            began,
        };
        tasks.spawn(sender.run());
    }
    tasks
}

async fn gather(load: &Load, mut tasks: JoinSet<Task>, began: Instant) -> Result<Outcome, Failure> {
    let mut latencies = new_histogram();
    let (mut waits, mut ended) = (0, began);
    while let Some(task) = tasks.join_next().await {
        let task = task.map_err(|error| Failure::error("a connection's task ended").why(error))?;
        let (of_task, waits_of_task, ended_at) = task?;
        latencies.add(of_task).expect("both have the same range");
        waits += waits_of_task;
        ended = ended.max(ended_at);
    }
    let (elapsed, events) = (ended.duration_since(began), load.events.len());
    Ok(Outcome { elapsed, events, latencies, waits, used: Used::default() })
}

/// A histogram of latencies in nanoseconds, up to ten minutes.
pub(super) fn new_histogram() -> Histogram<u64> {
    const MOST_NS: u64 = 600_000_000_000;
    Histogram::new_with_max(MOST_NS, LATENCY_DIGITS).expect("a range and a number of digits that are allowed")
}

/// A percentile of latencies in nanoseconds, in milliseconds.
pub(super) fn percentile_ms(latencies: &Histogram<u64>, percentile: f64) -> f64 {
    latencies.value_at_percentile(percentile) as f64 / 1e6
}

pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// One connection and what it is to send: the next requests that no other connection has taken.
struct Sender {
    address: String,
    head: String,
    file: Arc<EventFile>,
    load: Load,
    taken: Arc<AtomicUsize>,
    began: Instant,
}

impl Sender {
    async fn run(self) -> Task {
        let mut connection = Connection::open(&self.address).await?;
        let mut latencies = new_histogram();
        let (mut waits, mut request) = (0, Vec::new());
        loop {
            let number = self.taken.fetch_add(1, Ordering::Relaxed);
            let start = self.load.events.start + number * self.load.per_request;
            if start >= self.load.events.end {
                return Ok((latencies, waits, Instant::now()));
            }
            let events = start..(start + self.load.per_request).min(self.load.events.end);
            self.write_request(&events, &mut request)?;
            let due = self.wait_due(number).await;
            let body = loop {
                match connection.exchange(&request).await? {
                    Answer::Good(body) => break body,
                    Answer::ComeAgain(wait) => {
                        waits += 1;
                        tokio::time::sleep(wait).await;
                    }
                }
            };
            latencies.saturating_record(nanos(due.elapsed()));
            if stored(body) != Some(events.len()) {
                let said = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
                return Err(Failure::error("the server did not store what was sent").why(said));
            }
        }
    }

    fn write_request(&self, events: &Range<usize>, request: &mut Vec<u8>) -> Result<(), Failure> {
        // A single object is sent without its line feed, as a program would.
        let trimmed = usize::from(self.load.per_request == 1);
        request.clear();
        request.extend_from_slice(self.head.as_bytes());
        request.extend_from_slice((self.file.bytes_of(events) - trimmed).to_string().as_bytes());
        request.extend_from_slice(b"\r\n\r\n");
        self.file.read(events, request)?;
        request.truncate(request.len() - trimmed);
        Ok(())
    }

    /// Waits until the request falls due; gives the moment that its latency counts from. A timer that fires
    /// late is the generator's fault; a connection that was still busy when the request fell due is not.
    async fn wait_due(&self, number: usize) -> Instant {
        let Some(per_second) = self.load.per_second else { return Instant::now() };
        let events = (number * self.load.per_request) as f64;
        let due = self.began + Duration::from_secs_f64(events / f64::from(per_second));
        if due <= Instant::now() {
            return due;
        }
        tokio::time::sleep_until(due.into()).await;
        Instant::now()
    }
}

/// The number behind `"stored":` in an answer, which begins with the counts.
fn stored(body: &[u8]) -> Option<usize> {
    let counts = body.get(..body.len().min(200))?;
    let name = b"\"stored\":";
    let at = counts.windows(name.len()).position(|window| window == name)? + name.len();
    let digits = counts[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&counts[at..at + digits]).ok()?.parse().ok()
}

/// What a request was answered with.
#[derive(Debug)]
enum Answer<'c> {
    /// Status 200 and this body.
    Good(&'c [u8]),
    /// Status 429 or 503: come again after this time.
    ComeAgain(Duration),
}

/// A kept connection, one request at a time.
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, received: Vec::with_capacity(READ_BYTES) })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let head = loop {
            if let Some(head) = Head::parse(&self.received)? {
                break head;
            }
            self.receive().await?;
        };
        while self.received.len() < head.end + head.body_bytes {
            self.receive().await?;
        }
        let body = &self.received[head.end..head.end + head.body_bytes];
        match head.status {
            200 => Ok(Answer::Good(body)),
            429 | 503 => Ok(Answer::ComeAgain(Duration::from_secs(head.retry_after_s.unwrap_or(1)))),
            status => {
                let said = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
                Err(Failure::error(format!("the server answered with status {status}")).why(said))
            }
        }
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        self.received.reserve(READ_BYTES);
        if self.stream.read_buf(&mut self.received).await? == 0 {
            return Err(Failure::error("the server closed the connection"));
        }
        Ok(())
    }
}

/// The head of an answer, as far as it matters here (RFC 9112).
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Where the body begins.
    end: usize,
    body_bytes: usize,
    retry_after_s: Option<u64>,
}

impl Head {
    /// Reads the head if all of it is there.
    fn parse(received: &[u8]) -> Result<Option<Head>, Failure> {
        let searched = &received[..received.len().min(HEAD_BYTES_MAX)];
        let Some(end) = searched.windows(4).position(|window| window == b"\r\n\r\n") else {
            if received.len() > HEAD_BYTES_MAX {
                return Err(Failure::error("the head of an answer does not end"));
            }
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&received[..end]);
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let mut head = Head { status: status.unwrap_or(0), end: end + 4, body_bytes: 0, retry_after_s: None };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                head.body_bytes = value.trim().parse().unwrap_or(0);
            } else if name.eq_ignore_ascii_case("retry-after") {
                head.retry_after_s = value.trim().parse().ok();
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(Failure::error("an answer came without its length"));
            }
        }
        Ok(Some(head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_an_answer_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 12\r\nretry-after: 2\r\n\r\n{}";
        let head = Head { status: 429, end: answer.len() - 2, body_bytes: 12, retry_after_s: Some(2) };
        assert_eq!(Head::parse(answer).expect("well formed"), Some(head));
        for cut in 0..answer.len() - 2 {
            assert_eq!(Head::parse(&answer[..cut]).expect("unfinished"), None, "{cut}");
        }
    }

    #[test]
    fn the_count_of_an_answer_is_found() {
        assert_eq!(stored(br#"{"received":500,"stored":499,"duplicate":1"#), Some(499));
        assert_eq!(stored(br#"{"title":"busy"}"#), None);
    }
}
