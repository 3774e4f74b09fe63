//! Who made the call: `userIdentity` in the words of the contract.

use cairn_event::json::Object;
use cairn_event::{Json, limits};

use crate::field::{address, put, put_object, put_text, text, value};

/// The actor of a record. `userIdentity` may be absent or bare; what is not said stays `unknown`.
pub(super) fn actor(record: &Json) -> Object {
    let absent = Json::Null;
    let identity = value(record, &["userIdentity"]).unwrap_or(&absent);
    let actor_type = actor_type(identity);
    let role = text(identity, &["sessionContext", "sessionIssuer", "userName"]);
    let session = session_name(identity);

    let mut actor = Object::new();
    actor.insert("id", actor_id(identity));
    actor.insert("type", actor_type);
    let name = match actor_type {
        "service" => role.or_else(|| text(identity, &["userName"])),
        "user" => text(identity, &["userName"]).or(session).or(role),
        _ => text(identity, &["userName"]),
    };
    let name = name.or_else(|| (text(identity, &["type"]) == Some("Root")).then_some("root"));
    let name = name.or_else(|| text(identity, &["arn"]).and_then(last_segment));
    put_text(&mut actor, "name", name, limits::ID_BYTES_MAX);
    put_text(&mut actor, "email", session.filter(|name| name.contains('@')), limits::ID_BYTES_MAX);
    put(&mut actor, "ip", text(record, &["sourceIPAddress"]).and_then(address));
    let session = session.or_else(|| text(identity, &["credentialId"]));
    put_text(&mut actor, "session", session, limits::ID_BYTES_MAX);
    put_object(&mut actor, "auth", auth(record, identity));
    actor.insert("via", via(record, identity));
    put_object(&mut actor, "on_behalf_of", on_behalf_of(identity));
    actor
}

/// The most exact identifier there is, from the one that names a principal in the whole of AWS down
/// to the account that the call was made in.
fn actor_id(identity: &Json) -> &str {
    ["arn", "principalId", "invokedBy", "userName", "identityProvider", "accountId"]
        .into_iter()
        .find_map(|name| text(identity, &[name]).filter(|id| id.len() <= limits::ID_BYTES_MAX))
        .unwrap_or("unknown")
}

/// A role session is a program's, unless the role is one that people take on through single sign-on.
fn actor_type(identity: &Json) -> &'static str {
    match text(identity, &["type"]) {
        Some(
            "IAMUser" | "Root" | "IdentityCenterUser" | "WebIdentityUser" | "SAMLUser" | "FederatedUser" | "Directory",
        ) => "user",
        Some("AssumedRole" | "Role") => {
            let is_sso = text(identity, &["arn"]).is_some_and(|arn| arn.contains("/AWSReservedSSO_"));
            if is_sso { "user" } else { "service" }
        }
        Some("AWSAccount") => "service",
        Some("AWSService") => "system",
        None if text(identity, &["invokedBy"]).is_some() => "system",
        _ => "unknown",
    }
}

/// The name of a role session: the last segment of its ARN, or what follows the role's id.
fn session_name(identity: &Json) -> Option<&str> {
    if !matches!(text(identity, &["type"]), Some("AssumedRole" | "Role")) {
        return None;
    }
    let from_arn = text(identity, &["arn"]).filter(|arn| arn.contains(":assumed-role/")).and_then(last_segment);
    from_arn.or_else(|| {
        let (_, session) = text(identity, &["principalId"])?.split_once(':')?;
        Some(session).filter(|session| !session.is_empty())
    })
}

fn last_segment(arn: &str) -> Option<&str> {
    arn.rsplit(['/', ':']).next().filter(|segment| !segment.is_empty())
}

fn auth(record: &Json, identity: &Json) -> Object {
    let mut auth = Object::new();
    let key = text(identity, &["accessKeyId"]).unwrap_or_default();
    let is_console = is_true(value(record, &["sessionCredentialFromConsole"]));
    let method = match key.get(..4) {
        _ if text(record, &["eventType"]) == Some("AwsConsoleSignIn") || is_console => Some("console"),
        Some("AKIA") => Some("access_key"),
        Some("ASIA") => Some("session_token"),
        _ => None,
    };
    put(&mut auth, "method", method);
    let mfa = match text(record, &["additionalEventData", "MFAUsed"]) {
        Some(used) => Some(used.eq_ignore_ascii_case("yes")),
        None => value(identity, &["sessionContext", "attributes", "mfaAuthenticated"]).map(|mfa| is_true(Some(mfa))),
    };
    put(&mut auth, "mfa", mfa);
    auth
}

/// CloudTrail writes some booleans as strings.
pub(super) fn is_true(value: Option<&Json>) -> bool {
    match value {
        Some(Json::Bool(said)) => *said,
        Some(Json::String(said)) => said.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

fn via(record: &Json, identity: &Json) -> &'static str {
    let agent = text(record, &["userAgent"]).unwrap_or_default();
    let is_console = matches!(text(record, &["eventType"]), Some("AwsConsoleSignIn" | "AwsConsoleAction"))
        || is_true(value(record, &["sessionCredentialFromConsole"]))
        || ["signin.amazonaws.com", "console.amazonaws.com", "S3Console"].iter().any(|mark| agent.contains(mark));
    if is_console {
        "ui"
    } else if agent.starts_with("aws-cli/") || agent.contains(" aws-cli/") {
        "cli"
    } else if text(identity, &["invokedBy"]).is_some_and(|by| by.ends_with(".amazonaws.com")) {
        "controller"
    } else {
        "api"
    }
}

/// A role session acts with the rights of its role, which CloudTrail names as the session's issuer.
fn on_behalf_of(identity: &Json) -> Object {
    let mut role = Object::new();
    let absent = Json::Null;
    let issuer = value(identity, &["sessionContext", "sessionIssuer"]).unwrap_or(&absent);
    let id = text(issuer, &["arn"]).or_else(|| text(issuer, &["principalId"]));
    let Some(id) = id.filter(|id| id.len() <= limits::ID_BYTES_MAX) else {
        return role;
    };
    role.insert("id", id);
    let is_person = matches!(text(issuer, &["type"]), Some("IAMUser" | "Root"));
    role.insert("type", if is_person { "user" } else { "service" });
    put_text(&mut role, "name", text(issuer, &["userName"]), limits::ID_BYTES_MAX);
    role
}
