//! Records that went through a table whose columns are lower case (Athena, Glue, Hive).

use cairn_event::Json;
use cairn_event::json::Object;

/// Members of a record, and of the objects inside it, that the mapping reads.
const NAMES: &[&str] = &[
    "accessKeyId",
    "accountId",
    "additionalEventData",
    "awsRegion",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "invokedBy",
    "managementEvent",
    "mfaAuthenticated",
    "principalId",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "responseElements",
    "serviceEventDetails",
    "sessionContext",
    "sessionIssuer",
    "sharedEventID",
    "sourceIPAddress",
    "sourceIdentity",
    "tlsDetails",
    "userAgent",
    "userIdentity",
    "userName",
    "vpcEndpointId",
];

/// Members whose content has such members again.
const NESTED: &[&str] = &["userIdentity", "sessionContext", "sessionIssuer", "attributes"];

/// Members whose lower-case form gives such a record away.
const SIGNS: &[&str] = &["eventname", "eventsource", "eventtime", "useridentity"];

/// Gives lower-case members the spelling of the CloudTrail record reference. A member that exists in
/// its right spelling is never touched.
pub(super) fn restored(record: Json) -> Json {
    match record {
        Json::Object(object) if SIGNS.iter().any(|sign| object.contains(sign)) => {
            Json::Object(restored_members(object))
        }
        other => other,
    }
}

fn restored_members(object: Object) -> Object {
    let right = |key: String| {
        let name = NAMES.iter().find(|name| name.eq_ignore_ascii_case(&key) && **name != key);
        match name {
            Some(name) if !object.contains(name) => (*name).to_owned(),
            _ => key,
        }
    };
    let renamed = object.clone().into_iter().map(|(key, value)| {
        let key = right(key);
        match value {
            Json::Object(inner) if NESTED.contains(&key.as_str()) => (key, Json::Object(restored_members(inner))),
            value => (key, value),
        }
    });
    renamed.collect()
}
