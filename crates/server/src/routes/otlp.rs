//! What OpenTelemetry exporters send and want to hear (OTLP 1.x, "OTLP/HTTP" and "Partial Success").

use axum::http::header;
use axum::response::{IntoResponse, Response};
use cairn_api::ProblemCode;
use cairn_api::v1::{Status, SubmitAnswer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use prost::Message;

use crate::failure::Failure;

/// The kind of source of these records, and the name of the source.
pub(crate) const KIND: &str = "otlp";
pub(crate) const NAME: &str = "api";

/// The media type of requests and answers in protobuf.
pub(crate) const PROTOBUF: &str = "application/x-protobuf";

/// A request in protobuf as OTLP/JSON.
pub(crate) fn decoded(request: &[u8]) -> Result<Vec<u8>, Failure> {
    let request = ExportLogsServiceRequest::decode(request).map_err(|error| {
        Failure::new(ProblemCode::BodyUnreadable, format!("not an ExportLogsServiceRequest: {error}"))
    })?;
    as_json(&request)
}

/// A request as OTLP/JSON.
pub(crate) fn as_json(request: &ExportLogsServiceRequest) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(request).map_err(|error| Failure::internal("a request could not be written as JSON", &error))
}

/// What became of a request. Records in quarantine were taken; only what is stored nowhere is rejected.
pub(crate) fn outcome(answer: &SubmitAnswer) -> ExportLogsServiceResponse {
    let first = answer.results.iter().find(|result| result.status == Status::Refused);
    let partial_success = first.map(|first| ExportLogsPartialSuccess {
        rejected_log_records: i64::try_from(answer.refused).unwrap_or(i64::MAX),
        error_message: first.detail.clone().unwrap_or_default(),
    });
    ExportLogsServiceResponse { partial_success }
}

/// The answer, in the encoding of the request.
pub(crate) fn response(answer: &SubmitAnswer, is_protobuf: bool) -> Response {
    let outcome = outcome(answer);
    if is_protobuf {
        return ([(header::CONTENT_TYPE, PROTOBUF)], outcome.encode_to_vec()).into_response();
    }
    // What is not there is left out, as the JSON form of protobuf has it.
    let body = match &outcome.partial_success {
        None => b"{}".to_vec(),
        Some(_) => serde_json::to_vec(&outcome).expect("a struct of numbers and texts always serialises"),
    };
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
