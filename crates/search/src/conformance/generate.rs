//! Events and queries from a seed. Values are few and near each other, so that queries hit, and
//! chosen where text, numbers, times and addresses are apt to go wrong.

use std::fmt::Write as _;

use cairn_event::Json;

/// A small generator of random numbers (splitmix64): the same seed gives the same events.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, or 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number().checked_rem(bound).unwrap_or(0)
    }

    /// One of `items`, which must not be empty.
    pub fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        let at = usize::try_from(self.below(items.len() as u64)).expect("an index of a slice");
        items[at].clone()
    }

    /// A number below `count`, small ones far more often, as names are used in life.
    pub fn skewed(&mut self, count: u64) -> u64 {
        let a = self.below(count);
        let b = self.below(a + 1);
        self.below(b + 1)
    }
}

const ACTORS: &[&str] = &["alice", "Alice", "bob", "svc-deploy", "\u{130}stanbul", "\u{212a}im", "東京 bot"];
const ACTIONS: &[&str] = &["iam.role.update", "iam.user.create", "invoice.delete", "session.login", "iam.role"];
const OPS: &[&str] = &["create", "read", "update", "delete", "grant", "login"];
const OUTCOMES: &[&str] = &["success", "failure", "denied", "unknown"];
const SEVERITIES: &[&str] = &["informational", "low", "medium", "high", "critical"];
const CLASSES: &[&str] = &["bulk", "standard", "critical"];
const TYPES: &[&str] = &["invoice", "Role", "bucket"];
const RESOURCES: &[&str] = &["42", "invoice-42", "s3://b/k", "Admin", "role:admin", "a/b"];
const ADDRESSES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.255",
    "10.1.0.0",
    "192.168.1.7",
    "::ffff:10.0.0.1",
    "2001:db8::1",
    "fe80::1",
    "ec2.amazonaws.com",
    "10.0.0.0/8",
];
const COUNTRIES: &[&str] = &["DE", "FR", "us"];
const IDS: &[&str] = &["req-1", "req-2", "REQ-1", "0af7651916cd43dd8448eb211c80319c"];
const REASONS: &[&str] = &["role admin denied", "admin role", "quota 5 exceeded", "訪問 東京", "said \\\"no\\\"", ""];
const VALUES: &[&str] = &[
    "5",
    "-5",
    "0",
    "true",
    "false",
    "\"true\"",
    "\"5\"",
    "\"admin\"",
    "\"Admin role\"",
    "1.5",
    "9007199254740993",
    "\"2024-05-09T00:00:00Z\"",
    "null",
    "[1,\"admin\"]",
    "{\"x\":{\"y\":5}}",
    "\"i\u{307}stanbul\"",
    "\"\u{130}stanbul\"",
    "[]",
];
const PATHS: &[&str] = &["/role", "/spec/replicas", "/spec/containers/0/image", "/a~1b", ""];
/// Hours apart, several events share one.
const TIMES: &[&str] = &[
    "1600-01-01T00:00:00Z",
    "2024-05-08T23:59:59.999999999Z",
    "2024-05-09T00:00:00Z",
    "2024-05-09T00:00:00.000000001Z",
    "2024-05-10T09:30:00Z",
    "2024-05-10T11:00:00Z",
    "2024-05-10T11:59:59Z",
    "2024-05-10T12:00:00Z",
    "2300-01-01T00:00:00Z",
];

fn quoted(text: &str) -> String {
    Json::from(text).to_text()
}

/// Adds `"key":value` for about half of the events.
fn maybe(random: &mut Random, out: &mut String, key: &str, value: impl Fn(&mut Random) -> String) {
    if random.below(2) == 0 {
        let value = value(random);
        write!(out, ",\"{key}\":{value}").expect("writing to a String can't fail");
    }
}

fn one_of(items: &'static [&'static str]) -> impl Fn(&mut Random) -> String {
    move |random| quoted(random.pick(items))
}

fn raw_of(items: &'static [&'static str]) -> impl Fn(&mut Random) -> String {
    move |random| random.pick(items).to_owned()
}

/// The two parts of an event as they are stored.
///
/// # Panics
/// Never: what is written here is JSON.
pub fn event(random: &mut Random) -> (Json, Json) {
    let mut actor = format!("\"id\":{}", one_of(ACTORS)(random));
    maybe(random, &mut actor, "name", one_of(ACTORS));
    maybe(random, &mut actor, "ip", one_of(&ADDRESSES[..7]));
    maybe(random, &mut actor, "session", one_of(IDS));
    maybe(random, &mut actor, "auth", |r| format!("{{\"mfa\":{}}}", r.below(2) == 0));
    let mut resource = format!("\"type\":{},\"id\":{}", one_of(TYPES)(random), one_of(RESOURCES)(random));
    maybe(random, &mut resource, "name", one_of(RESOURCES));
    let mut producer = format!(
        "\"time\":{},\"actor\":{{{actor}}},\"resource\":{{{resource}}},\"action\":{}",
        one_of(TIMES)(random),
        one_of(ACTIONS)(random)
    );
    maybe(random, &mut producer, "operation", one_of(OPS));
    maybe(random, &mut producer, "outcome", one_of(OUTCOMES));
    maybe(random, &mut producer, "outcome_reason", one_of(REASONS));
    maybe(random, &mut producer, "request_id", one_of(IDS));
    maybe(random, &mut producer, "trace_id", one_of(IDS));
    maybe(random, &mut producer, "session_id", one_of(IDS));
    maybe(random, &mut producer, "environment", one_of(&["prod", "Prod", "dev"]));
    maybe(random, &mut producer, "region", one_of(&["", "eu"]));
    maybe(random, &mut producer, "before", raw_of(VALUES));
    maybe(random, &mut producer, "after", |r| format!("{{\"role\":{}}}", raw_of(VALUES)(r)));
    maybe(random, &mut producer, "dry_run", raw_of(&["true", "false"]));
    maybe(random, &mut producer, "metadata", |r| {
        format!("{{\"n\":{},\"list\":[{}]}}", raw_of(VALUES)(r), raw_of(VALUES)(r))
    });
    maybe(random, &mut producer, "origin", |r| {
        let ips = (one_of(ADDRESSES)(r), one_of(ADDRESSES)(r));
        format!("{{\"ips\":[{},{}],\"country\":{}}}", ips.0, ips.1, one_of(COUNTRIES)(r))
    });
    let mut server = format!(
        "\"received_at\":{},\"producer\":{{\"principal\":\"tok-1\",\"source_kind\":\"native\",\
         \"source_name\":{}}}",
        one_of(TIMES)(random),
        one_of(&["web", "native"])(random)
    );
    maybe(random, &mut server, "before_hash", one_of(&["abc", "abd"]));
    maybe(random, &mut server, "class", one_of(CLASSES));
    maybe(random, &mut server, "severity", one_of(SEVERITIES));
    maybe(random, &mut server, "effective_change", raw_of(&["true", "false"]));
    maybe(random, &mut server, "conflict_with", raw_of(&["\"a/main@0\"", "null"]));
    maybe(random, &mut server, "raw", raw_of(&["\"{\\\"verb\\\":\\\"get\\\"}\"", "{\"base64\":\"YWRtaW4=\"}"]));
    maybe(random, &mut server, "changes", |r| {
        let (path, value) = (one_of(PATHS)(r), raw_of(VALUES)(r));
        format!("[{{\"op\":\"replace\",\"path\":{path},\"old\":null,\"value\":{value}}}]")
    });
    let part = |members: &str| Json::parse(format!("{{{members}}}").as_bytes());
    (part(&producer).expect("JSON"), part(&server).expect("JSON"))
}

/// Clauses that have each their own way through the planner.
const CLAUSES: &[&str] = &[
    "actor:alice",
    "actor:=Alice",
    "actor:a*",
    "actor:*i*",
    "actor.id:bob",
    "actor.name:svc-*",
    "actor:i\u{307}stanbul",
    "actor:kim",
    "actor:\"東京 bot\"",
    "actor:alice,bob",
    "actor:nobody",
    "action:iam.*",
    "action:iam.role",
    "action:*.delete",
    "op:delete,create",
    "op:cre*",
    "res:42",
    "res:invoice/42",
    "res:invoice:42",
    "res:*admin*",
    "resource.id:42",
    "res:s3://b/k",
    "type:role",
    "outcome:denied",
    "outcome:success,failure",
    "severity:>=high",
    "severity:<low",
    "severity:low..medium",
    "severity:m*",
    "class:critical",
    "class:>bulk",
    "env:prod",
    "env:=Prod",
    "ip:10.0.0.0/8",
    "ip:10.0.0.1",
    "ip:2001:db8::/32",
    "ip:fe80::1",
    "ip:ec2*",
    "ip:10.0.*",
    "actor.ip:10.0.0.0/24",
    "ip:::/0",
    "-country:DE,FR",
    "country:*",
    "region:*",
    "has:region",
    "region:\"\"",
    "-service:*",
    "country:u?",
    "request:req-1",
    "request:=REQ-1",
    "trace:0af7651916cd43dd8448eb211c80319c",
    "session:req-2",
    "session:r*",
    "session:req-1*",
    "request:req?1",
    "actor.session:req-1",
    "source:native/web",
    "source:web",
    "kind:native",
    "producer:tok-1",
    "mfa:true",
    "-mfa:false",
    "tenant:a",
    "trail:main",
    "trail:a/*",
    "-trail:quarantine",
    "position:a/main@3",
    "index:5..20",
    "index:>=30",
    "index:<3",
    "index:1.5..",
    "created:2024-05-10",
    "created:>-2h",
    "created:<=2024-05-09",
    "created:2024-05-09..2024-05-10T10:00",
    "-created:>-1h",
    "created:>2200",
    "created:<1700",
    "ingested:>-1d",
    "ingested:*",
    "changed:role",
    "changed:spec",
    "changed:spec.containers.image",
    "changed:/a~1b",
    "changed:x.y",
    "before:admin",
    "before_hash:abc",
    "before.x.y:5",
    "after.role:admin",
    "after.role:5",
    "after.role:true",
    "after.role:\"admin role\"",
    "after.role:>4",
    "after.role:adm*",
    "after.role:a*role",
    "after:*",
    "metadata.n:-5",
    "metadata.n:0",
    "metadata.n:9007199254740993",
    "metadata.n:<2",
    "metadata.list:admin",
    "metadata.n:i\u{307}stanbul",
    "metadata.n:2024-05-09..2024-05-10",
    "metadata.n:true",
    "metadata.n:1.5",
    "reason:admin",
    "reason:\"role admin\"",
    "reason:exceed*",
    "reason:東京",
    "raw:verb",
    "raw:*",
    "has:ip",
    "has:before",
    "has:metadata.n",
    "-has:session",
    "has:actor",
    "has:changed",
    "has:severity",
    "is:change",
    "is:noop",
    "is:conflict",
    "is:dry-run",
    "-is:quarantined",
    "is:quarantined",
    "admin",
    "\"role admin\"",
    "東",
    "adm*",
    "r?le",
    "invoice-42",
    "quota 5",
    "kim",
    "stanbul",
    "tok",
    "true",
    "*",
];

/// The text of a query.
pub fn query(random: &mut Random) -> String {
    let mut text = String::new();
    write_query(random, &mut text, 0);
    text
}

fn write_query(random: &mut Random, out: &mut String, depth: u64) {
    match random.below(6 + depth * 3) {
        0 | 1 => write_operands(random, out, depth, " "),
        2 => write_operands(random, out, depth, " OR "),
        3 => {
            out.push('-');
            let operator = random.pick(&[" ", " OR "]);
            write_operands(random, out, depth, operator);
        }
        _ => out.push_str(random.pick(CLAUSES)),
    }
}

fn write_operands(random: &mut Random, out: &mut String, depth: u64, operator: &str) {
    out.push('(');
    write_query(random, out, depth + 1);
    for _ in 0..1 + random.below(2) {
        out.push_str(operator);
        write_query(random, out, depth + 1);
    }
    out.push(')');
}

/// An event of about 850 bytes as a service sends it, `at` seconds after 2024 began: few actors do
/// most, ids are unique. Both parts together.
///
/// # Panics
/// Never: what is written here is JSON.
pub fn typical_event(random: &mut Random, at: u64) -> (Json, Json) {
    let actor = random.skewed(5000);
    let resource = random.skewed(50_000);
    let operation = random.pick(OPS);
    let kind = random.pick(&["invoice", "role", "bucket", "deployment", "secret", "user"]);
    let outcome = if random.below(20) == 0 { random.pick(OUTCOMES) } else { OUTCOMES[0] };
    let time = jiff::Timestamp::from_second(1_704_067_200 + i64::try_from(at).expect("a date")).expect("a date");
    let uuid = |random: &mut Random| {
        let (a, b) = (random.number(), random.number());
        format!(
            "{:08x}-{:04x}-7{:03x}-a{:03x}-{:012x}",
            a >> 32,
            a & 0xffff,
            b >> 52,
            b & 0xfff,
            (b >> 4) & 0xffff_ffff_ffff
        )
    };
    let producer = format!(
        "{{\"action\":\"{kind}.{operation}\",\"actor\":{{\"email\":\"user{actor}@example.com\",\
         \"id\":\"u-{actor:05}\",\"ip\":\"10.{}.{}.{}\",\"name\":\"User {actor}\",\"type\":\"user\"}},\
         \"environment\":\"prod\",\"metadata\":{{\"build\":{},\"note\":\"scheduled change of {kind} by \
         team {}\",\"ticket\":\"OPS-{}\"}},\"operation\":\"{operation}\",\"origin\":{{\"country\":\"{}\",\
         \"user_agent\":\"cairn-sdk/1.{} (linux; x86_64) example-service\"}},\"outcome\":\"{outcome}\",\
         \"region\":\"eu-central-{}\",\"request_id\":\"{}\",\"resource\":{{\"id\":\"{kind}-{resource:06}\",\
         \"name\":\"{kind} {resource}\",\"type\":\"{kind}\"}},\"service\":\"billing-{}\",\"time\":\"{time}\",\
         \"trace_id\":\"{:016x}{:016x}\"}}",
        actor % 200,
        actor % 250,
        1 + actor % 250,
        random.below(100_000),
        random.below(40),
        random.below(10_000),
        random.pick(COUNTRIES),
        random.below(20),
        1 + random.below(3),
        uuid(random),
        random.below(30),
        random.number(),
        random.number(),
    );
    let server = format!(
        "{{\"class\":\"standard\",\"id\":\"{}\",\"producer\":{{\"principal\":\"token-{}\",\"source_kind\":\
         \"native\",\"source_name\":\"billing\"}},\"received_at\":\"{time}\",\"severity\":\"low\"}}",
        uuid(random),
        random.below(8),
    );
    let part = |text: &str| Json::parse(text.as_bytes()).expect("JSON");
    (part(&producer), part(&server))
}
