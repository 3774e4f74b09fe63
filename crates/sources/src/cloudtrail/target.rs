//! What the call acted on. CloudTrail has no one place for it: it is in `resources`, in the request,
//! in the answer, in the message of a denial, or nowhere because the call is about all of a kind.

use std::borrow::Cow;

use cairn_event::Json;
use cairn_event::json::Object;

use super::name::{CallName, words};
use super::thing::{ACCOUNT, Thing};
use crate::field::{items, text, value};

/// Request members that name a resource, in the order in which they are taken for *the* resource when
/// several are given: what owns comes before what is attached to it.
const PARAMETERS: &[(&str, &str)] = &[
    ("bucketName", "s3.bucket"),
    ("instanceProfileName", "iam.instance_profile"),
    ("roleName", "iam.role"),
    ("userName", "iam.user"),
    ("groupName", "iam.group"),
    ("policyArn", "iam.policy"),
    ("policyName", "iam.policy"),
    ("roleArn", "iam.role"),
    ("secretId", "secretsmanager.secret"),
    ("functionName", "lambda.function"),
    ("tableName", "dynamodb.table"),
    ("dBInstanceIdentifier", "rds.db"),
    ("dBClusterIdentifier", "rds.cluster"),
    ("dBSnapshotIdentifier", "rds.snapshot"),
    ("snapshotId", "ec2.snapshot"),
    ("volumeId", "ec2.volume"),
    ("routeTableId", "ec2.route_table"),
    ("groupId", "ec2.security_group"),
    ("networkAclId", "ec2.network_acl"),
    ("internetGatewayId", "ec2.internet_gateway"),
    ("natGatewayId", "ec2.nat_gateway"),
    ("flowLogId", "ec2.flow_log"),
    ("instanceId", "ec2.instance"),
    ("imageId", "ec2.image"),
    ("target", "ec2.instance"),
    ("subnetId", "ec2.subnet"),
    ("vpcId", "ec2.vpc"),
    ("allocationId", "ec2.address"),
    ("keyName", "ec2.key_pair"),
    ("trailName", "cloudtrail.trail"),
    ("logGroupName", "logs.log_group"),
    ("clusterName", "eks.cluster"),
    ("repositoryName", "ecr.repository"),
    ("queueUrl", "sqs.queue"),
    ("topicArn", "sns.topic"),
    ("streamName", "kinesis.stream"),
    ("stackName", "cloudformation.stack"),
    ("modelId", "bedrock.model"),
    ("hostedZoneId", "route53.hosted_zone"),
    ("documentName", "ssm.document"),
    ("keyId", "kms.key"),
];

/// What a bare `name` in the request of a service names, whatever the noun of the call.
const BARE_NAMES: &[(&str, &str)] = &[
    ("cloudtrail", "aws.cloudtrail.trail"),
    ("eks", "aws.eks.cluster"),
    ("secretsmanager", "aws.secretsmanager.secret"),
];

/// Endings by which a member is known to name something, the best name first: people choose names,
/// and an id is shorter than the ARN that ends in it.
const NAMING: &[&str] = &["Name", "Identifier", "Id", "Arn", "ARN"];

/// Members that end like that and name no resource.
const NOT_NAMING: &[&str] = &[
    "agentName",
    "attributeName",
    "clientRequestId",
    "computerName",
    "executionId",
    "nextTokenId",
    "platformName",
    "requestId",
    "roleSessionName",
    "versionId",
];

/// Places outside request and answer where service events name what they are about.
const SERVICE_EVENT_PLACES: &[(&str, &str)] =
    &[("additionalEventData", "ARN"), ("serviceEventDetails", "snapshotId"), ("serviceEventDetails", "keyId")];

/// The resource of a record, and what else it touched.
pub(super) fn targets(record: &Json, service: &str, call: &CallName) -> (Object, Vec<Object>) {
    let mut found = Found::default();
    let request = parameters(record, "requestParameters", "Request");
    if let Some(request) = request.as_deref() {
        found.add(s3_object(request, service));
        found.add(by_noun(request, service, call));
    }
    if let Some(response) = parameters(record, "responseElements", "Response").filter(|_| call.operation == "create") {
        found.add_all(created(&response, service, call));
        if found.0.is_empty() {
            found.add_all(by_table(&response));
        }
    }
    items(record, &["resources"]).iter().for_each(|resource| found.add(named_resource(resource)));
    if let Some(request) = request.as_deref() {
        found.add_all(by_table(request));
        found.add_all(by_bare_name(request, service, call));
        found.add(by_resource_id(request, service));
    }
    for (place, name) in SERVICE_EVENT_PLACES {
        found.add(text(record, &[place, name]).map(|id| Thing::of(id, || kind_of_member(service, name))));
    }
    if found.0.is_empty() {
        found.add(request.as_deref().and_then(|request| by_ending(request, service)));
    }
    if found.0.is_empty() {
        found.add(denied(record));
    }
    if found.0.is_empty() {
        found.add(Some(whole_kind(record, service, call)));
    }
    if found.0.is_empty() {
        // Only a made-up service or call name is too long to be a kind.
        found.0.push(Thing::plain("aws.other", "*"));
    }
    let account = account(record);
    let mut resources = found.0.into_iter().map(|thing| thing.into_resource(account));
    let first = resources.next().expect("a thing was added if none was found");
    (first, resources.collect())
}

/// Things without repetition, the first one being the resource.
#[derive(Default)]
struct Found(Vec<Thing>);

impl Found {
    fn add(&mut self, thing: Option<Thing>) {
        let Some(thing) = thing.filter(Thing::fits) else {
            return;
        };
        if !self.0.iter().any(|known| known.kind == thing.kind && known.id == thing.id) {
            self.0.push(thing);
        }
    }

    fn add_all(&mut self, things: Vec<Thing>) {
        things.into_iter().for_each(|thing| self.add(Some(thing)));
    }
}

fn account(record: &Json) -> Option<&str> {
    text(record, &["recipientAccountId"]).or_else(|| text(record, &["userIdentity", "accountId"]))
}

/// The parameters of a call or of its answer. Newer EC2 calls wrap them once more, in another spelling:
/// `{"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-1"}}}`.
fn parameters<'j>(record: &'j Json, place: &str, wrapper: &str) -> Option<Cow<'j, Json>> {
    let given = value(record, &[place])?;
    let event_name = text(record, &["eventName"]).unwrap_or_default();
    match value(given, &[&format!("{event_name}{wrapper}")]) {
        Some(Json::Object(wrapped)) => Some(Cow::Owned(Json::Object(unwrapped(wrapped)))),
        _ => Some(Cow::Borrowed(given)),
    }
}

fn unwrapped(wrapped: &Object) -> Object {
    let members = wrapped.iter().map(|(key, member)| {
        let item = member.get("content").or_else(|| member.get("item")).filter(|item| item.as_str().is_some());
        let key = if item.is_some() { key.strip_suffix("Set").unwrap_or(key) } else { key };
        let mut letters = key.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        (first.into_iter().chain(letters).collect::<String>(), item.unwrap_or(member).clone())
    });
    members.collect()
}

/// A member name without its ending, if it has one that names things.
fn stem(member: &str) -> Option<&str> {
    NAMING.iter().find_map(|ending| member.strip_suffix(ending)).filter(|stem| !stem.is_empty())
}

fn kind_of_member(service: &str, member: &str) -> String {
    if let Some((_, kind)) = PARAMETERS.iter().find(|(parameter, _)| *parameter == member) {
        return format!("aws.{kind}");
    }
    kind(service, &stem(member).map_or_else(|| "resource".to_owned(), |stem| words(stem).join("_")))
}

fn kind(service: &str, noun: &str) -> String {
    if noun.is_empty() { format!("aws.{service}") } else { format!("aws.{service}.{noun}") }
}

/// An entry of `resources`. Some lack the type, some say `ARNPrefix`.
fn named_resource(resource: &Json) -> Option<Thing> {
    let arn = ["ARN", "arn", "ARNPrefix"].into_iter().find_map(|name| text(resource, &[name]))?;
    let typed = || {
        let typed = text(resource, &["type"]).unwrap_or("AWS::Resource");
        let parts = typed.split("::").map(|part| words(part).join("_")).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(".")
    };
    Some(Thing::of(arn, typed))
}

fn s3_object(request: &Json, service: &str) -> Option<Thing> {
    let (bucket, key) = (text(request, &["bucketName"])?, text(request, &["key"])?);
    (service == "s3").then(|| Thing::s3_object(bucket, key))
}

/// The noun of the call without its plural: `DescribeInstances` is about an `instance`.
fn singular(noun: &[String]) -> String {
    let whole = noun.join("_");
    match whole.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None if whole.ends_with("ss") || whole.ends_with("us") => whole,
        None => whole.strip_suffix('s').map_or(whole.clone(), str::to_owned),
    }
}

/// The member that has the noun of the call in its name: `subnetId` for `DeleteSubnet`.
fn by_noun(object: &Json, service: &str, call: &CallName) -> Option<Thing> {
    let noun = singular(&call.noun);
    let members = object.as_object()?.iter();
    let named = members.filter_map(|(member, id)| {
        let id = id.as_str().filter(|id| !id.is_empty())?;
        let ending = NAMING.iter().position(|ending| member.ends_with(ending))?;
        (words(stem(member)?).join("_") == noun).then_some((ending, member, id))
    });
    let (_, member, id) = named.min_by_key(|(ending, ..)| *ending)?;
    Some(Thing::of(id, || kind_of_member(service, member)))
}

/// The answer of a call that makes something names what was made: in itself, or one level down
/// (`{"subnet": {"subnetId": ...}}`, `{"instancesSet": {"items": [{"instanceId": ...}]}}`).
fn created(response: &Json, service: &str, call: &CallName) -> Vec<Thing> {
    let inner = response.as_object().into_iter().flat_map(Object::iter).map(|(_, inner)| inner);
    let objects =
        std::iter::once(response).chain(inner.clone()).chain(inner.flat_map(|inner| items(inner, &["items"])));
    objects.filter_map(|object| by_noun(object, service, call)).collect()
}

/// Everything that the table knows: plain members, lists of text, and the `items` of EC2's sets
/// (`{"instancesSet": {"items": [{"instanceId": "i-1"}]}}`), in the order of the table.
fn by_table(object: &Json) -> Vec<Thing> {
    let mut found: Vec<(usize, &str)> = Vec::new();
    for (member, value) in object.as_object().into_iter().flat_map(Object::iter) {
        match value {
            Json::String(id) => found.extend(rank(member).map(|rank| (rank, id.as_str()))),
            Json::Array(ids) => {
                let rank = member.strip_suffix('s').and_then(rank);
                found.extend(
                    rank.into_iter().flat_map(|rank| ids.iter().filter_map(Json::as_str).map(move |id| (rank, id))),
                );
            }
            set => {
                let members = items(set, &["items"]).iter().filter_map(Json::as_object).flat_map(Object::iter);
                found.extend(members.filter_map(|(member, id)| Some((rank(member)?, id.as_str()?))));
            }
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    let thing = |(rank, id): (usize, &str)| Thing::of(id, || format!("aws.{}", PARAMETERS[rank].1));
    found.into_iter().map(thing).collect()
}

/// The place of a member in the table.
fn rank(member: &str) -> Option<usize> {
    PARAMETERS.iter().position(|(parameter, _)| *parameter == member)
}

/// `name` alone means what the call is about; so does each of `names`.
fn by_bare_name(request: &Json, service: &str, call: &CallName) -> Vec<Thing> {
    let known = BARE_NAMES.iter().find(|(known, _)| *known == service).map(|(_, kind)| (*kind).to_owned());
    let kind = known.unwrap_or_else(|| kind(service, &singular(&call.noun)));
    let names = text(request, &["name"]).into_iter().chain(items(request, &["names"]).iter().filter_map(Json::as_str));
    names.map(|name| Thing::of(name, || kind.clone())).collect()
}

/// Calls about tags, compliance and the like name a thing of any kind: `resourceType`, `resourceId`.
fn by_resource_id(request: &Json, service: &str) -> Option<Thing> {
    let listed = || items(request, &["resourceIdList"]).iter().find_map(Json::as_str);
    let id = text(request, &["resourceId"]).or_else(|| text(request, &["resourceArn"])).or_else(listed)?;
    let noun = text(request, &["resourceType"]).map_or_else(|| "resource".to_owned(), |noun| words(noun).join("_"));
    Some(Thing::of(id, || kind(service, &noun)))
}

/// The last resort inside the request: the first member that is called like something with a name.
fn by_ending(request: &Json, service: &str) -> Option<Thing> {
    request.as_object()?.iter().find_map(|(member, id)| {
        let id = id.as_str().filter(|id| !id.is_empty())?;
        stem(member).filter(|_| !NOT_NAMING.contains(&member))?;
        Some(Thing::of(id, || kind_of_member(service, member)))
    })
}

/// A denial often leaves the request out and names the resource in its message: `... is not authorized
/// to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/web because ...`.
fn denied(record: &Json) -> Option<Thing> {
    let (_, behind) = text(record, &["errorMessage"])?.split_once("on resource: ")?;
    let arn = behind.split_whitespace().next()?.trim_end_matches(['.', ',', '"']);
    Thing::of_arn(arn)
}

/// A call that names nothing is about every such thing of the account: `DescribeInstances` without
/// ids is about `aws.ec2.instance` `*`. Signing in is about the account itself.
fn whole_kind(record: &Json, service: &str, call: &CallName) -> Thing {
    match account(record) {
        Some(account) if service == "signin" || call.operation == "login" => Thing::plain(ACCOUNT, account),
        _ => Thing::plain(kind(service, &singular(&call.noun)), "*"),
    }
}
