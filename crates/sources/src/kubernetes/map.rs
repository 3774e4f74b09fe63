//! From an audit event to a draft. README.md of this folder says the same as a table.

use cairn_event::json::Object;
use cairn_event::{Json, limits};

use super::stages;
use super::verb::{Request, operation};
use crate::field::{self, address, items, put, put_list, put_object, put_text, text, value};
use crate::{Delivery, MapError, Mapped, absent, foreign_draft, unlike};

pub(super) fn map(record: &[u8], delivery: &Delivery<'_>) -> Result<Mapped, MapError> {
    let (event, earlier) = newest(Json::parse(record)?);
    check_kind(&event)?;
    let seen = Seen::of(&event)?;

    let mut draft = Object::new();
    put(&mut draft, "time", seen.time.cloned());
    draft.insert("actor", actor(&event, seen.username));
    draft.insert("action", seen.action());
    draft.insert("operation", operation(seen.request()));
    draft.insert("resource", resource(&event, &seen));
    let outcome = outcome(&event, seen.code);
    draft.insert("outcome", outcome);
    put_text(&mut draft, "outcome_reason", outcome_reason(&event, outcome).as_deref(), limits::TEXT_BYTES_MAX);
    put_text(&mut draft, "request_id", text(&event, &["auditID"]), limits::ID_BYTES_MAX);
    put_object(&mut draft, "origin", origin(&event));
    draft.insert("service", "kubernetes");
    put_states(&mut draft, &event, &seen, outcome);
    if is_dry_run(&event) {
        draft.insert("dry_run", true);
    }
    let mut metadata = metadata(&event, &seen);
    put_list(&mut metadata, "earlier_stages", earlier);
    put_object(&mut draft, "metadata", metadata);

    let stage = text(&event, &["stage"]).unwrap_or_default();
    let natural_key = text(&event, &["auditID"]).and_then(|id| crate::natural_key(&format!("{id}/{stage}")));
    Ok(Mapped { draft: foreign_draft(draft, record, delivery)?, natural_key })
}

/// The stage that says most of a request, and when the others were. What only an earlier stage holds
/// stays in `raw`: a later one repeats what was asked.
fn newest(json: Json) -> (Json, Vec<Json>) {
    let Json::Array(mut stages) = json else { return (json, Vec::new()) };
    let stage = |event: &Json| text(event, &["stage"]).unwrap_or_default().to_owned();
    stages.sort_by_key(|event| stages::rank(&stage(event)));
    let Some(last) = stages.pop() else { return (Json::Array(stages), Vec::new()) };
    let brief = |event: &Json| {
        let mut brief = Object::new();
        brief.insert("stage", stage(event));
        put(&mut brief, "time", value(event, &["stageTimestamp"]).cloned());
        Json::Object(brief)
    };
    let earlier = stages.iter().map(brief).collect();
    (last, earlier)
}

/// An audit event says `kind: Event` and a version of `audit.k8s.io`; either may have been dropped by
/// what collected it. A core `v1` Event is another thing and is refused by name.
fn check_kind(event: &Json) -> Result<(), MapError> {
    if event.as_object().is_none() {
        return Err(unlike("record", event, "an object").into());
    }
    if let Some(kind) = event.get("kind").filter(|kind| kind.as_str() != Some("Event")) {
        return Err(unlike("kind", kind, "\"Event\"").into());
    }
    let is_audit = |version: &Json| version.as_str().is_some_and(|text| text.starts_with("audit.k8s.io/"));
    if let Some(version) = event.get("apiVersion").filter(|version| !is_audit(version)) {
        return Err(unlike("apiVersion", version, "audit.k8s.io/v1 or audit.k8s.io/v1beta1").into());
    }
    Ok(())
}

/// What several members of the draft are made from.
struct Seen<'j> {
    time: Option<&'j Json>,
    username: &'j str,
    verb: &'j str,
    resource: &'j str,
    subresource: &'j str,
    namespace: Option<&'j str>,
    /// The path of the request without its query, for requests that have no object.
    path: &'j str,
    code: Option<i64>,
}

impl<'j> Seen<'j> {
    fn of(event: &'j Json) -> Result<Seen<'j>, MapError> {
        let times: &[&[&str]] =
            &[&["stageTimestamp"], &["requestReceivedTimestamp"], &["timestamp"], &["metadata", "creationTimestamp"]];
        let verb = text(event, &["verb"]).ok_or_else(|| absent("verb", "the verb of the request, such as get"))?;
        let uri = text(event, &["requestURI"]).unwrap_or_default();
        Ok(Seen {
            time: times.iter().find_map(|path| value(event, path)),
            username: text(event, &["user", "username"])
                .filter(|name| name.len() <= limits::ID_BYTES_MAX)
                .unwrap_or("unknown"),
            verb,
            resource: text(event, &["objectRef", "resource"]).unwrap_or_default(),
            subresource: text(event, &["objectRef", "subresource"]).unwrap_or_default(),
            namespace: text(event, &["objectRef", "namespace"]),
            path: uri.split(['?', '#']).next().unwrap_or_default(),
            code: value(event, &["responseStatus", "code"]).and_then(Json::as_i64).filter(|code| *code != 0),
        })
    }

    fn request(&self) -> Request<'j> {
        Request { verb: self.verb, resource: self.resource, subresource: self.subresource, code: self.code }
    }

    /// `k8s.pods.exec.create`; `k8s.url.get` for a request that names no resource.
    fn action(&self) -> String {
        let noun = match (self.resource, self.subresource) {
            ("", _) => "url".to_owned(),
            (resource, "") => resource.replace('.', "_"),
            (resource, subresource) => format!("{}.{}", resource.replace('.', "_"), subresource.replace('.', "_")),
        };
        field::action(["k8s", &noun, self.verb])
    }
}

/// The actor is who authenticated. If that user impersonates another, the request ran with the
/// other's rights: performed by `user`, on behalf of `impersonatedUser`.
fn actor(event: &Json, username: &str) -> Object {
    let mut actor = Object::new();
    actor.insert("id", username);
    actor.insert("type", actor_type(username));
    put(&mut actor, "name", account_name(username));
    put(&mut actor, "email", Some(username).filter(|name| is_email(name)));
    put(&mut actor, "ip", items(event, &["sourceIPs"]).iter().filter_map(Json::as_str).find_map(address));
    let session = items(event, &["user", "extra", "sessionName"]).first().and_then(Json::as_str);
    put_text(&mut actor, "session", session.filter(|name| !name.is_empty()), limits::ID_BYTES_MAX);
    actor.insert("via", via(event, username));
    let impersonated = text(event, &["impersonatedUser", "username"]);
    if let Some(other) = impersonated.filter(|name| name.len() <= limits::ID_BYTES_MAX) {
        let mut impersonated = Object::new();
        impersonated.insert("id", other);
        impersonated.insert("type", actor_type(other));
        put(&mut impersonated, "name", account_name(other));
        actor.insert("on_behalf_of", impersonated);
    }
    actor
}

fn actor_type(username: &str) -> &'static str {
    match username {
        "unknown" | "system:anonymous" | "system:unauthenticated" => "unknown",
        name if name.starts_with("system:serviceaccount:") => "service",
        name if name.starts_with("system:") => "system",
        _ => "user",
    }
}

/// The short name of a service account or a node: people look for `coredns`, not for its full path.
fn account_name(username: &str) -> Option<&str> {
    let path = username.strip_prefix("system:serviceaccount:").or_else(|| username.strip_prefix("system:node:"))?;
    path.rsplit(':').next().filter(|name| !name.is_empty())
}

fn is_email(name: &str) -> bool {
    name.split_once('@')
        .is_some_and(|(who, host)| !who.is_empty() && host.contains('.') && !name.contains([' ', ':', '/']))
}

fn via(event: &Json, username: &str) -> &'static str {
    let agent = text(event, &["userAgent"]).unwrap_or_default();
    if agent.starts_with("kubectl") || agent.starts_with("oc/") {
        "cli"
    } else if username.starts_with("system:") && actor_type(username) != "unknown" {
        "controller"
    } else {
        "api"
    }
}

fn resource(event: &Json, seen: &Seen<'_>) -> Object {
    let mut resource = Object::new();
    if seen.resource.is_empty() {
        resource.insert("type", "k8s.url");
        // The whole path is in origin.endpoint; one too long for an identifier can't name the resource.
        let fits = (1..=limits::ID_BYTES_MAX).contains(&seen.path.len());
        resource.insert("id", if fits { seen.path } else { "*" });
        return resource;
    }
    let name = object_name(event);
    let id = match (seen.namespace, name.unwrap_or("*")) {
        (Some(namespace), name) => format!("{namespace}/{name}"),
        (None, name) => name.to_owned(),
    };
    let kind = format!("k8s.{}", seen.resource);
    let fitting = |text: String, other: &str| {
        if text.len() <= limits::ID_BYTES_MAX { text } else { other.to_owned() }
    };
    resource.insert("type", fitting(kind, "k8s.other"));
    resource.insert("id", fitting(id, "*"));
    put_text(&mut resource, "name", name, limits::ID_BYTES_MAX);
    put_text(&mut resource, "namespace", seen.namespace, limits::ID_BYTES_MAX);
    put_text(&mut resource, "parent", owner(event).as_deref(), limits::ID_BYTES_MAX);
    resource
}

/// The name of the object: a `create` often has it only in the answer, because the server made it up.
fn object_name(event: &Json) -> Option<&str> {
    text(event, &["objectRef", "name"])
        .or_else(|| text(event, &["responseObject", "metadata", "name"]))
        .or_else(|| text(event, &["requestObject", "metadata", "name"]))
}

/// The object that controls this one, `ReplicaSet/web-7998647bdf`.
fn owner(event: &Json) -> Option<String> {
    let owners = |object| items(event, &[object, "metadata", "ownerReferences"]);
    let owner = owners("responseObject").iter().chain(owners("requestObject")).next()?;
    Some(format!("{}/{}", text(owner, &["kind"])?, text(owner, &["name"])?))
}

fn outcome(event: &Json, code: Option<i64>) -> &'static str {
    let is_forbidden = text(event, &["annotations", "authorization.k8s.io/decision"]) == Some("forbid");
    match code {
        Some(401 | 403) => "denied",
        _ if is_forbidden => "denied",
        Some(400..) => "failure",
        Some(_) => "success",
        None => match (text(event, &["responseStatus", "status"]), text(event, &["stage"])) {
            (Some("Failure"), _) | (_, Some("Panic")) => "failure",
            (Some("Success"), _) => "success",
            _ => "unknown",
        },
    }
}

fn outcome_reason(event: &Json, outcome: &str) -> Option<String> {
    let reason = text(event, &["responseStatus", "reason"]);
    let message = text(event, &["responseStatus", "message"]);
    match (reason, message) {
        (Some(reason), Some(message)) => Some(format!("{reason}: {message}")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        (None, None) if outcome == "denied" => {
            text(event, &["annotations", "authorization.k8s.io/reason"]).map(str::to_owned)
        }
        (None, None) => None,
    }
}

fn origin(event: &Json) -> Object {
    let mut origin = Object::new();
    let ips: Vec<&str> = items(event, &["sourceIPs"]).iter().filter_map(Json::as_str).filter_map(address).collect();
    put_list(&mut origin, "ips", ips);
    put_text(&mut origin, "user_agent", text(event, &["userAgent"]), limits::TEXT_BYTES_MAX);
    put_text(&mut origin, "endpoint", text(event, &["requestURI"]), limits::TEXT_BYTES_MAX);
    origin
}

/// The state of the object before or after, if the event holds one. A `Status` or `DeleteOptions` is
/// about the request; a patch body is a list of operations or a fragment; a subresource other than
/// `status` is not the object. What failed or was denied changed nothing, so it has no state.
fn put_states(draft: &mut Object, event: &Json, seen: &Seen<'_>, outcome: &str) {
    let about_object = matches!(seen.subresource, "" | "status") && !seen.resource.is_empty();
    if !about_object || matches!(outcome, "failure" | "denied") {
        return;
    }
    let is_state = |object: &&Json| {
        let kind = text(object, &["kind"]).unwrap_or_default();
        object.as_object().is_some()
            && !matches!(kind, "Status" | "DeleteOptions" | "Patch")
            && !kind.ends_with("List")
            && object.depth() <= limits::STATE_DEPTH_MAX
    };
    let answered = value(event, &["responseObject"]).filter(is_state);
    let asked = value(event, &["requestObject"]).filter(is_state);
    match seen.verb {
        "create" | "update" => put(draft, "after", answered.or(asked).cloned()),
        "patch" => put(draft, "after", answered.cloned()),
        "delete" => put(draft, "before", answered.cloned()),
        _ => {}
    }
}

fn is_dry_run(event: &Json) -> bool {
    let query = text(event, &["requestURI"]).and_then(|uri| uri.split_once('?')).map_or("", |(_, query)| query);
    query.split('&').any(|pair| pair == "dryRun=All")
        || items(event, &["requestObject", "dryRun"]).iter().any(|stage| stage.as_str() == Some("All"))
}

/// Members that people ask for and that have no place of their own in the contract.
fn metadata(event: &Json, seen: &Seen<'_>) -> Object {
    let mut metadata = Object::new();
    let copied: &[(&str, &[&str])] = &[
        ("stage", &["stage"]),
        ("level", &["level"]),
        ("api_group", &["objectRef", "apiGroup"]),
        ("api_version", &["objectRef", "apiVersion"]),
        ("resource_uid", &["objectRef", "uid"]),
        ("groups", &["user", "groups"]),
        ("user_uid", &["user", "uid"]),
        ("user_extra", &["user", "extra"]),
        ("impersonated_groups", &["impersonatedUser", "groups"]),
        ("annotations", &["annotations"]),
    ];
    for (name, path) in copied {
        put(&mut metadata, name, value(event, path).cloned());
    }
    put(&mut metadata, "code", seen.code);
    put(&mut metadata, "subresource", Some(seen.subresource).filter(|name| !name.is_empty()));
    // Addresses that can't be read as such, or are too many, have no place in `origin.ips`.
    let sources = items(event, &["sourceIPs"]);
    let is_lost = |source: &Json| source.as_str().and_then(address).is_none();
    if sources.len() > limits::LIST_ITEMS_MAX || sources.iter().any(is_lost) {
        metadata.insert("source_addresses", sources.to_vec());
    }
    metadata
}
