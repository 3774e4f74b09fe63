//! HTTP over TCP: a bounded number of connections, and a stop that finishes what is under way.

use super::Sockets;
use crate::node::Node;
use crate::routes;
use axum::serve::Listener;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Threads for work that blocks: reads, large bodies. More work waits for one of them.
const BLOCKING_THREADS_MAX: usize = 64;

/// The pause after the system refused to accept a connection, for want of file descriptors mostly.
const AFTER_REFUSAL: Duration = Duration::from_millis(100);

/// The runtime that [`serve`] is meant to run on.
///
/// # Errors
/// The operating system gives no thread.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .thread_name("cairn-http")
        .enable_all()
        .build()
}

/// Answers requests and takes what arrives at the other sockets until `shutdown` completes; then takes no more, finishes those under way, commits
/// what is queued and closes the node. Every event that was acknowledged is durable before that, and
/// every request that was taken is answered, as long as it takes no longer than
/// [`stop_wait_ms_max`](crate::HttpConfig::stop_wait_ms_max).
///
/// # Errors
/// The listener can't be used, or the node's writer had stopped before.
pub async fn serve(
    node: Node,
    listener: std::net::TcpListener,
    sockets: Sockets,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = Bounded {
        listener: TcpListener::from_std(listener)?,
        free: Arc::new(Semaphore::new(node.config().http.connections_max.max(1))),
    };
    let syslog = tokio::spawn(super::syslog::serve(node.clone(), sockets.syslog));
    let otlp = sockets.otlp.map(|listener| tokio::spawn(super::otlp::serve(node.clone(), listener)));
    let router = routes::router(node.clone());
    let (began_stop, stop_began) = oneshot::channel();
    let stopping = node.clone();
    let stop = async move {
        shutdown.await;
        tracing::info!("stopping: no new requests; those under way are finished");
        stopping.begin_stop();
        // The receiver is gone only if serving ended by itself.
        let _ = began_stop.send(());
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
    let mut serving = tokio::spawn(async move { serving.await });
    let served = tokio::select! {
        ended = &mut serving => ended,
        began = stop_began => match began {
            Ok(()) => match timeout(Duration::from_millis(node.config().http.stop_wait_ms_max), &mut serving).await {
                Ok(ended) => ended,
                Err(_) => {
                    tracing::warn!("some requests did not end in time; their connections are cut");
                    serving.abort();
                    Ok(Ok(()))
                }
            },
            Err(_) => (&mut serving).await,
        },
    };
    // Every reader has been told to stop; what they had read is stored before the store is closed.
    node.begin_stop();
    let wait = Duration::from_millis(node.config().http.stop_wait_ms_max);
    let syslog = timeout(wait, syslog).await;
    if let Some(otlp) = otlp {
        // A connection that says nothing must not keep the node from its end.
        drop(timeout(wait, otlp).await);
    }
    let closing = node.clone();
    let closed = spawn_blocking(move || closing.close()).await.map_err(io::Error::other)?;
    syslog.map_err(io::Error::other)?.map_err(io::Error::other)??;
    served.map_err(io::Error::other)??;
    closed.map_err(io::Error::other)?;
    tracing::info!("stopped");
    Ok(())
}

/// A listener that accepts only as many connections as there is room for; the others wait in the
/// system's queue.
struct Bounded {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let permit = self.free.clone().acquire_owned().await.expect("the semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // An answer is one write, and waiting for more to send would only delay it.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection was gone before it was accepted");
                    }
                    return (Connection { stream, _permit: permit }, address);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(AFTER_REFUSAL).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection, and its place among those that are allowed.
struct Connection {
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
