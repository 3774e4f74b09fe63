//! Syslog over UDP (RFC 5426), TCP (RFC 6587) and TLS (RFC 5425).
//!
//! The protocol has no acknowledgement, so what can be promised is this: a message that was read from
//! a TCP or TLS connection is not forgotten while the process lives, because nothing more is read
//! while the store has no room; a datagram that finds no room is dropped, counted and logged. Messages
//! that wait are stored together, as many as there are: none waits for company.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_access::{Principal, Scopes};
use cairn_sources::{SyslogFrames, kind_of_message};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::tls::acceptor;
use crate::config::SyslogConfig;
use crate::failure::Failure;
use crate::node::Node;
use crate::write_path::{AnswerForm, Content, Producer, RawBatch, accept};

/// Messages that wait to be stored.
const WAITING_MAX: usize = 256;

/// Messages, and their bytes, that are stored at once.
const BATCH_MESSAGES_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Largest datagram there is.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// A connection that has not finished its handshake after this long is given up.
const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(10);

/// The pause before a batch that found no room is tried again.
const COME_AGAIN: Duration = Duration::from_millis(200);

/// Sockets that listen, before anything is read from them.
pub(crate) struct SyslogSockets {
    udp: Option<std::net::UdpSocket>,
    tcp: Option<std::net::TcpListener>,
    tls: Option<(std::net::TcpListener, TlsAcceptor)>,
}

impl SyslogSockets {
    /// Binds what the settings name.
    ///
    /// # Errors
    /// An address that can't be listened on, a certificate that can't be used.
    pub(crate) fn bind(config: &SyslogConfig) -> io::Result<SyslogSockets> {
        let at = |address: SocketAddr, error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
        let tcp = |address: SocketAddr| {
            let listener = std::net::TcpListener::bind(address).map_err(|error| at(address, error))?;
            listener.set_nonblocking(true)?;
            Ok::<_, io::Error>(listener)
        };
        let udp = |address: SocketAddr| {
            let socket = std::net::UdpSocket::bind(address).map_err(|error| at(address, error))?;
            socket.set_nonblocking(true)?;
            Ok::<_, io::Error>(socket)
        };
        let tls = match (config.tls, &config.tls_files) {
            (Some(address), Some(files)) => Some((tcp(address)?, acceptor(files)?)),
            (Some(_), None) => return Err(io::Error::other("syslog over TLS needs a certificate and its key")),
            (None, _) => None,
        };
        Ok(SyslogSockets { udp: config.udp.map(udp).transpose()?, tcp: config.tcp.map(tcp).transpose()?, tls })
    }

    /// What is listened on: transport and address.
    pub(crate) fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        let udp = self.udp.as_ref().and_then(|socket| socket.local_addr().ok()).map(|address| ("syslog udp", address));
        let tcp = self.tcp.as_ref().and_then(|socket| socket.local_addr().ok()).map(|address| ("syslog tcp", address));
        let tls =
            self.tls.as_ref().and_then(|(socket, _)| socket.local_addr().ok()).map(|address| ("syslog tls", address));
        [udp, tcp, tls].into_iter().flatten().collect()
    }
}

/// A message that arrived.
struct Message {
    bytes: Vec<u8>,
    transport: &'static str,
    peer: IpAddr,
    received: Instant,
}

/// Takes messages until the node stops; then stores what it has and ends.
pub(crate) async fn serve(node: Node, sockets: SyslogSockets) -> io::Result<()> {
    let (say, heard) = mpsc::channel(WAITING_MAX);
    let free = Arc::new(Semaphore::new(node.config().syslog.connections_max.max(1)));
    if let Some(socket) = sockets.udp {
        tokio::spawn(datagrams(node.clone(), UdpSocket::from_std(socket)?, say.clone()));
    }
    if let Some(listener) = sockets.tcp {
        tokio::spawn(connections(node.clone(), TcpListener::from_std(listener)?, None, free.clone(), say.clone()));
    }
    if let Some((listener, acceptor)) = sockets.tls {
        let listener = TcpListener::from_std(listener)?;
        tokio::spawn(connections(node.clone(), listener, Some(acceptor), free, say.clone()));
    }
    drop(say);
    store(node, heard).await;
    Ok(())
}

async fn datagrams(node: Node, socket: UdpSocket, say: mpsc::Sender<Message>) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let (len, peer) = tokio::select! {
            () = node.stopped() => return,
            received = socket.recv_from(&mut buffer) => match received {
                Ok(received) => received,
                Err(error) => {
                    tracing::debug!(%error, "a datagram could not be received");
                    continue;
                }
            },
        };
        let bytes = buffer[..len].trim_ascii_end().to_vec();
        if bytes.is_empty() {
            continue;
        }
        let message = Message { bytes, transport: "udp", peer: peer.ip(), received: Instant::now() };
        if say.try_send(message).is_err() {
            node.telemetry().problem("syslog_datagram_dropped");
            tracing::warn!(peer = %peer.ip(), "a datagram was dropped: the store takes no more for now");
        }
    }
}

async fn connections(
    node: Node,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    free: Arc<Semaphore>,
    say: mpsc::Sender<Message>,
) {
    loop {
        let permit = free.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (stream, peer) = tokio::select! {
            () = node.stopped() => return,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a syslog connection could not be accepted");
                    tokio::time::sleep(COME_AGAIN).await;
                    continue;
                }
            },
        };
        let (node, tls, say) = (node.clone(), tls.clone(), say.clone());
        tokio::spawn(async move {
            let ended = connection(&node, stream, peer.ip(), tls, say).await;
            if let Err(error) = ended {
                tracing::info!(%error, peer = %peer.ip(), "a syslog connection ended badly");
            }
            drop(permit);
        });
    }
}

async fn connection(
    node: &Node,
    stream: TcpStream,
    peer: IpAddr,
    tls: Option<TlsAcceptor>,
    say: mpsc::Sender<Message>,
) -> io::Result<()> {
    match tls {
        None => messages(node, stream, "tcp", peer, say).await,
        Some(acceptor) => {
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long");
            let stream = timeout(HANDSHAKE_WAIT_MAX, acceptor.accept(stream)).await.map_err(late)??;
            messages(node, stream, "tls", peer, say).await
        }
    }
}

/// Reads messages until the other side or the node ends. What was read is handed on in any case.
async fn messages(
    node: &Node,
    mut stream: impl AsyncRead + Unpin,
    transport: &'static str,
    peer: IpAddr,
    say: mpsc::Sender<Message>,
) -> io::Result<()> {
    let mut frames = SyslogFrames::new(node.config().syslog.message_bytes_max);
    let mut buffer = vec![0; 16 << 10];
    let message = |bytes| Message { bytes, transport, peer, received: Instant::now() };
    let ended = loop {
        let read = tokio::select! {
            () = node.stopped() => break Ok(()),
            read = stream.read(&mut buffer) => read,
        };
        match read {
            Ok(0) => break Ok(()),
            Ok(len) => frames.push(&buffer[..len]),
            Err(error) => break Err(error),
        }
        while let Some(bytes) = frames.next_message() {
            // Waits for room, and lets the sender wait.
            if say.send(message(bytes)).await.is_err() {
                return Ok(());
            }
        }
    };
    if let Some(bytes) = frames.rest() {
        // The one who stores is gone only when the process ends.
        let _ = say.send(message(bytes)).await;
    }
    ended
}

/// Stores messages until nobody sends any more.
async fn store(node: Node, mut heard: mpsc::Receiver<Message>) {
    let mut waiting = Vec::new();
    while heard.recv_many(&mut waiting, BATCH_MESSAGES_MAX).await > 0 {
        for batch in batches(std::mem::take(&mut waiting)) {
            store_batch(&node, batch).await;
        }
    }
}

/// Messages that are stored at once: those of one kind, transport and sender, in their order.
struct Batch {
    kind: &'static str,
    transport: &'static str,
    peer: IpAddr,
    received: Instant,
    bytes: usize,
    messages: Vec<Vec<u8>>,
}

impl Batch {
    /// Each message as a batch of its own, the first one last.
    fn singles(&mut self) -> Vec<Batch> {
        let messages = std::mem::take(&mut self.messages);
        let single = |bytes: Vec<u8>| Batch { bytes: bytes.len(), messages: vec![bytes], ..*self };
        messages.into_iter().rev().map(single).collect()
    }
}

fn batches(messages: Vec<Message>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for Message { bytes, transport, peer, received } in messages {
        let kind = kind_of_message(&bytes);
        let fits = |batch: &&mut Batch| {
            (batch.kind, batch.transport, batch.peer) == (kind, transport, peer)
                && batch.bytes + bytes.len() <= BATCH_BYTES_MAX
        };
        match batches.iter_mut().rev().find(fits) {
            Some(batch) => {
                batch.bytes += bytes.len();
                batch.messages.push(bytes);
            }
            None => batches.push(Batch { kind, transport, peer, received, bytes: bytes.len(), messages: vec![bytes] }),
        }
    }
    batches
}

/// How often a batch is tried while the node stops, and one message that the server stumbles over.
const TRIES_MAX: u32 = 25;

/// Stores a batch, however long the store has no room. Given up is what the server itself stumbles over,
/// message by message, and what a node that stops can't take any more.
async fn store_batch(node: &Node, batch: Batch) {
    let mut waiting = vec![batch];
    while let Some(mut batch) = waiting.pop() {
        // Nobody sends a message twice, so two equal ones are two: the key is the batch's own.
        let key = node.fresh_key();
        let mut tries = 0;
        while let Err(failure) = try_to_store(node, &batch, &key).await {
            tries += 1;
            let is_fault = failure.problem.status == 500;
            if is_fault && batch.messages.len() > 1 {
                // One of them harms the others: each by itself.
                waiting.extend(batch.singles());
                batch.messages.clear();
                break;
            }
            let is_stopping = *node.stop_signal().borrow();
            if (is_fault || is_stopping) && tries >= TRIES_MAX {
                let messages = batch.messages.len();
                tracing::error!(
                    code = failure.problem.code,
                    messages,
                    "syslog messages could not be stored and are lost"
                );
                node.telemetry().problem("syslog_message_lost");
                break;
            }
            tracing::warn!(code = failure.problem.code, "syslog messages wait for the store");
            tokio::time::sleep(COME_AGAIN).await;
        }
    }
}

async fn try_to_store(node: &Node, batch: &Batch, key: &str) -> Result<(), Failure> {
    let lease = node.gate().ingest(batch.bytes)?;
    let producer = Producer {
        principal: principal(node),
        source: node.config().sources.by_kind(batch.kind).expect("it is built in"),
        source_name: batch.transport.to_owned(),
        headers: vec![("peer".to_owned(), batch.peer.to_string())],
    };
    let raw = RawBatch {
        content: Content::Records(batch.messages.clone()),
        idempotency_key: Some(key.to_owned()),
        answer: AnswerForm { proof_each: false, single_fails: false },
        lease,
        received: batch.received,
    };
    let answer = accept(node, producer, raw).await?;
    if answer.refused > 0 {
        tracing::warn!(refused = answer.refused, peer = %batch.peer, "syslog messages were refused");
    }
    Ok(())
}

/// Whoever may write to these sockets is let in by the settings and by certificates, not by a token.
fn principal(node: &Node) -> Principal {
    Principal {
        id: "syslog".parse().expect("a name"),
        trail: node.config().first_trail.clone(),
        scopes: Scopes::from_words(["ingest"]).expect("a scope"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_at_once_is_of_one_kind_and_sender() {
        let message = |text: &str, peer: [u8; 4]| Message {
            bytes: text.as_bytes().to_vec(),
            transport: "tcp",
            peer: IpAddr::from(peer),
            received: Instant::now(),
        };
        let (a, b) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        let stored = batches(vec![
            message("<1>one", a),
            message("<1>CEF:0|v|p|1|2|3|4|", a),
            message("<1>two", a),
            message("<1>three", b),
            message("LEEF:1.0|v|p|1|e|a=b", b),
        ]);
        let shown: Vec<_> = stored.iter().map(|batch| (batch.kind, batch.messages.len())).collect();
        assert_eq!(shown, [("syslog", 2), ("cef", 1), ("syslog", 1), ("leef", 1)]);
    }
}
