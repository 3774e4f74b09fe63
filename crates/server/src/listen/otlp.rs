//! OpenTelemetry logs over gRPC (OTLP/gRPC, `LogsService/Export`).

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use cairn_access::Scope;
use cairn_event::limits;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use prost::Message;
use tonic::codec::CompressionEncoding;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

use crate::failure::Failure;
use crate::intake::Encoding;
use crate::node::Node;
use crate::routes::{Caller, otlp};
use crate::write_path::{AnswerForm, Content, Producer, RawBatch, accept};

/// Binds the address.
///
/// # Errors
/// It can't be listened on.
pub(crate) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let at = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    let listener = std::net::TcpListener::bind(address).map_err(at)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers exporters until the node stops.
pub(crate) async fn serve(node: Node, listener: std::net::TcpListener) -> io::Result<()> {
    let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?);
    let service = LogsServiceServer::new(Logs { node: node.clone() })
        .max_decoding_message_size(limits::BATCH_BYTES_MAX)
        .accept_compressed(CompressionEncoding::Gzip);
    // Who has no credential is turned away by the head of the call, before a byte of it is decoded.
    let gate = node.clone();
    let known = move |call: Request<()>| match Caller::of(call.metadata().as_ref(), &gate) {
        Ok(_) => Ok(call),
        Err(failure) => Err(status(&failure)),
    };
    let service = InterceptedService::new(service, known);
    let stop = async move { node.stopped().await };
    Server::builder()
        .concurrency_limit_per_connection(CALLS_MAX)
        .max_concurrent_streams(Some(CALLS_MAX as u32))
        .add_service(service)
        .serve_with_incoming_shutdown(incoming, stop)
        .await
        .map_err(io::Error::other)
}

/// Calls of one connection that are worked on at once.
const CALLS_MAX: usize = 4;

struct Logs {
    node: Node,
}

#[tonic::async_trait]
impl LogsService for Logs {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let received = Instant::now();
        let (metadata, _, request) = request.into_parts();
        let headers = metadata.into_headers();
        let taken = async {
            let principal = Caller::of(&headers, &self.node)?.with(Scope::Ingest)?;
            let lease = self.node.gate().ingest(request.encoded_len())?;
            let source = self.node.config().sources.by_kind(otlp::KIND).expect("it is built in");
            let producer = Producer { principal, source, source_name: otlp::NAME.to_owned(), headers: Vec::new() };
            let content = Content::Body { sent: otlp::as_json(&request)?, encoding: Encoding::Identity };
            let answer = AnswerForm { proof_each: false, single_fails: false };
            accept(&self.node, producer, RawBatch { content, idempotency_key: None, answer, lease, received }).await
        };
        match taken.await {
            Ok(answer) => Ok(Response::new(otlp::outcome(&answer))),
            Err(failure) => Err(status(&failure)),
        }
    }
}

/// A failure in the words of gRPC. What exporters may send again is `UNAVAILABLE` to them.
fn status(failure: &Failure) -> Status {
    let code = match failure.problem.status {
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        429 | 503 | 507 => Code::Unavailable,
        400..500 => Code::InvalidArgument,
        _ => Code::Internal,
    };
    Status::new(code, failure.problem.detail.clone())
}
