//! From a CloudTrail record to a draft. README.md of this folder says the same as a table.

use cairn_event::json::Object;
use cairn_event::{Json, limits};

use super::identity::{actor, is_true};
use super::name::CallName;
use super::spelling::restored;
use super::target::targets;
use crate::field::{action_word, address, put, put_list, put_object, put_text, text, value};
use crate::{Delivery, MapError, Mapped, absent, foreign_draft, unlike};

pub(super) fn map(bytes: &[u8], delivery: &Delivery<'_>) -> Result<Mapped, MapError> {
    let record = restored(unwrapped(Json::parse(bytes)?)?);
    if record.as_object().is_none() {
        return Err(unlike("record", &record, "an object").into());
    }
    let event_name = text(&record, &["eventName"])
        .ok_or_else(|| absent("eventName", "the name of the call, such as CreateAccessKey"))?;
    let call = CallName::of(event_name, value(&record, &["readOnly"]).map(|said| is_true(Some(said))));
    let service = service(&record);
    let (resource, related) = targets(&record, &service, &call);
    let outcome = outcome(&record, event_name);

    let mut draft = Object::new();
    // Log shippers move the time of the event into their own member and drop the original.
    let time = value(&record, &["eventTime"]).or_else(|| value(&record, &["@timestamp"]));
    put(&mut draft, "time", time.cloned());
    draft.insert("actor", actor(&record));
    draft.insert("action", call.action(&service));
    draft.insert("operation", call.operation);
    draft.insert("resource", resource);
    put_list(&mut draft, "related", related);
    draft.insert("outcome", outcome);
    put_text(&mut draft, "outcome_reason", outcome_reason(&record).as_deref(), limits::TEXT_BYTES_MAX);
    put_text(&mut draft, "request_id", text(&record, &["requestID"]), limits::ID_BYTES_MAX);
    put_text(&mut draft, "correlation_id", text(&record, &["sharedEventID"]), limits::ID_BYTES_MAX);
    put_object(&mut draft, "origin", origin(&record));
    put_text(&mut draft, "region", text(&record, &["awsRegion"]), limits::LABEL_BYTES_MAX);
    put_text(&mut draft, "service", Some(&service), limits::LABEL_BYTES_MAX);
    if is_dry_run(&record) {
        draft.insert("dry_run", true);
    }
    put_object(&mut draft, "metadata", metadata(&record));

    let natural_key = text(&record, &["eventID"]).and_then(crate::natural_key);
    Ok(Mapped { draft: foreign_draft(draft, bytes, delivery)?, natural_key })
}

/// The record inside what hands it on: an event of EventBridge has it under `detail`, an answer of
/// `LookupEvents` as JSON in a string.
fn unwrapped(mut json: Json) -> Result<Json, MapError> {
    if let Some(inner) = text(&json, &["CloudTrailEvent"]) {
        return Ok(Json::parse(inner.as_bytes())?);
    }
    let is_wrapped = text(&json, &["detail", "eventName"]).is_some() && json.get("eventName").is_none();
    let detail = json.as_object_mut().filter(|_| is_wrapped).and_then(|event| event.remove("detail"));
    Ok(detail.unwrap_or(json))
}

/// `iam` for `iam.amazonaws.com`; `aws` if the record does not say.
fn service(record: &Json) -> String {
    let source = text(record, &["eventSource"]).unwrap_or_default();
    let name = [".amazonaws.com", ".aws.amazon.com"].into_iter().find_map(|domain| source.strip_suffix(domain));
    match name.unwrap_or(source) {
        "" => "aws".to_owned(),
        name => action_word(name),
    }
}

/// Parts of error codes that mean "not allowed" rather than "did not work". Services spell it in
/// many ways: `AccessDenied`, `AccessDeniedException`, `Client.UnauthorizedOperation`,
/// `VpceAccessDenied`, `NotAuthorized`, `403 Forbidden`.
const DENIALS: &[&str] = &["accessdenied", "unauthorized", "notauthorized", "forbidden", "authfailure"];

fn outcome(record: &Json, event_name: &str) -> &'static str {
    // Sign-ins report in the answer, under the name of the event: `{"ConsoleLogin": "Failure"}`.
    let reported = text(record, &["responseElements", event_name]);
    match text(record, &["errorCode"]) {
        // The answer to a dry run of a call that would have been allowed.
        Some(code) if code.ends_with("DryRunOperation") => "success",
        Some(code) if DENIALS.iter().any(|denial| code.to_ascii_lowercase().contains(denial)) => "denied",
        Some(_) => "failure",
        None if reported == Some("Failure") => "failure",
        None if reported == Some("Success") => "success",
        None if text(record, &["errorMessage"]).is_some() => "failure",
        None if event_name == "ConsoleLogin" => "unknown",
        None => "success",
    }
}

fn outcome_reason(record: &Json) -> Option<String> {
    match (text(record, &["errorCode"]), text(record, &["errorMessage"])) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        (None, None) => None,
    }
}

fn origin(record: &Json) -> Object {
    let mut origin = Object::new();
    put(&mut origin, "ips", text(record, &["sourceIPAddress"]).and_then(address).map(|ip| vec![ip]));
    put_text(&mut origin, "user_agent", text(record, &["userAgent"]), limits::TEXT_BYTES_MAX);
    let host = text(record, &["tlsDetails", "clientProvidedHostHeader"]);
    put_text(&mut origin, "endpoint", host, limits::TEXT_BYTES_MAX);
    origin
}

fn is_dry_run(record: &Json) -> bool {
    text(record, &["errorCode"]).is_some_and(|code| code.ends_with("DryRunOperation"))
        || is_true(value(record, &["requestParameters", "dryRun"]))
        || is_true(value(record, &["requestParameters", "DryRun"]))
}

/// Members that people ask for and that have no place of their own in the contract.
fn metadata(record: &Json) -> Object {
    let mut metadata = Object::new();
    let copied: &[(&str, &[&str])] = &[
        ("event_source", &["eventSource"]),
        ("event_name", &["eventName"]),
        ("event_type", &["eventType"]),
        ("event_category", &["eventCategory"]),
        ("account", &["recipientAccountId"]),
        ("identity_type", &["userIdentity", "type"]),
        ("identity_account", &["userIdentity", "accountId"]),
        ("principal_id", &["userIdentity", "principalId"]),
        ("access_key_id", &["userIdentity", "accessKeyId"]),
        ("invoked_by", &["userIdentity", "invokedBy"]),
        ("source_identity", &["userIdentity", "sessionContext", "sourceIdentity"]),
        ("error_code", &["errorCode"]),
        ("read_only", &["readOnly"]),
        ("vpc_endpoint_id", &["vpcEndpointId"]),
    ];
    for (name, path) in copied {
        put(&mut metadata, name, value(record, path).cloned());
    }
    // Where an AWS service called, CloudTrail writes its name in place of an address; and some
    // addresses are spelled in a way that two readers take for two addresses. Neither is lost.
    let source = text(record, &["sourceIPAddress"]);
    put(&mut metadata, "source_address", source.filter(|source| address(source).is_none()));
    metadata
}
