//! Every route, what it needs and what it gives: the one list that the server serves, the OpenAPI
//! document describes and the reference explains.

/// HTTP method of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Changes.
    Post,
}

/// What a request must show to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Open,
    /// Any credential.
    Credential,
    /// Any credential, or nothing when the node is configured so.
    OpenIfConfigured,
    /// A credential with the scope `ingest`.
    Ingest,
    /// A credential with the scope `read`.
    Read,
    /// A credential with the scope `admin`.
    Admin,
}

/// One route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path; `{name}` is a parameter, `{*name}` the rest of the path.
    pub path: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// What a request must show.
    pub access: Access,
    /// Query parameters with their meaning.
    pub query: &'static [(&'static str, &'static str)],
    /// Media types of the request body and the name of its schema; empty if there is none.
    pub takes: (&'static [&'static str], &'static str),
    /// Media types of the answer and the name of its schema.
    pub gives: (&'static [&'static str], &'static str),
}

const JSON: &[&str] = &["application/json"];
const TEXT: &[&str] = &["text/plain"];
const NOTHING: (&[&str], &str) = (&[], "");
const EVENTS: (&[&str], &str) = (&["application/json", "application/x-ndjson"], "Events");
const OTLP: (&[&str], &str) = (&["application/json", "application/x-protobuf"], "");
const PAGE: (&str, &str) = ("cursor", "`next` of the page before");
const LIMIT: (&str, &str) = ("limit", "most events in the page, 1 to 1000; 100 if absent");
const PROOF: (&str, &str) = ("proof", "`each`: an inclusion proof for every event");

const fn get(
    path: &'static str,
    summary: &'static str,
    access: Access,
    gives: (&'static [&'static str], &'static str),
) -> Route {
    Route { method: Method::Get, path, summary, access, query: &[], takes: NOTHING, gives }
}

/// Every route, in the order of the reference.
pub const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/v1/events",
        summary: "Takes events and answers when they are durable.",
        access: Access::Ingest,
        query: &[PROOF],
        takes: EVENTS,
        gives: (JSON, "SubmitAnswer"),
    },
    Route {
        method: Method::Post,
        path: "/v1/sources/{kind}/{name}",
        summary: "Takes the native payload of a source, maps it, and answers when the events are durable.",
        access: Access::Ingest,
        query: &[PROOF],
        takes: EVENTS,
        gives: (JSON, "SubmitAnswer"),
    },
    Route {
        method: Method::Post,
        path: "/v1/logs",
        summary: "Takes OpenTelemetry logs (OTLP/HTTP) and answers when they are durable.",
        access: Access::Ingest,
        query: &[],
        takes: OTLP,
        gives: OTLP,
    },
    Route {
        query: &[
            ("q", "the query; every event if absent"),
            ("from", "earliest `time`, as the query language writes times"),
            ("to", "latest `time`"),
            ("order", "`newest` first (if absent) or `oldest` first"),
            ("zone", "time zone of dates in the query, an offset or an IANA name; UTC if absent"),
            PAGE,
            LIMIT,
        ],
        ..get("/v1/search", "Finds events.", Access::Read, (JSON, "SearchPage"))
    },
    Route {
        query: &[("verb", "`created`, `deleted`, `changed`, ..."), ("resource", "id, name or `type/id`"), PAGE, LIMIT],
        ..get("/v1/who", "Finds who did something to a resource, newest first.", Access::Read, (JSON, "SearchPage"))
    },
    Route {
        query: &[
            ("request_id", "one of these five"),
            ("trace_id", "one of these five"),
            ("session_id", "one of these five"),
            ("actor", "one of these five"),
            ("resource", "one of these five"),
            PAGE,
            LIMIT,
        ],
        ..get("/v1/timeline", "Gives events that belong together, oldest first.", Access::Read, (JSON, "Timeline"))
    },
    get("/v1/events/{event}", "Gives one event by id or position.", Access::Read, (JSON, "EventView")),
    get(
        "/v1/events/{event}/proof",
        "Gives the evidence for one event: JSON, or a C2SP tlog-proof for `Accept: text/plain`.",
        Access::Read,
        (&["application/json", "text/plain"], "ProofView"),
    ),
    get(
        "/v1/events/{event}/values/{member}",
        "Gives `before`, `after` or `raw` of one event, however large it is.",
        Access::Read,
        (&["application/json", "application/octet-stream"], ""),
    ),
    Route {
        query: &[
            ("q", "the query; every event if absent"),
            ("trail", "a trail of the tenant; the credential's own if absent"),
            ("last", "begin this many events before the end"),
        ],
        ..get("/v1/tail", "Streams events as they arrive.", Access::Read, (&["text/event-stream"], "TailEvent"))
    },
    get("/v1/trails", "Lists the trails of the tenant.", Access::Read, (JSON, "TrailList")),
    Route {
        method: Method::Post,
        takes: (JSON, "SealRequest"),
        ..get("/v1/seal", "Seals what is unsealed.", Access::Admin, (JSON, "SealAnswer"))
    },
    Route {
        method: Method::Post,
        ..get("/v1/index/rebuild", "Builds the search index anew.", Access::Admin, (JSON, "RebuildAnswer"))
    },
    get("/v1/tokens", "Lists the credentials of the tenant.", Access::Admin, (JSON, "TokenList")),
    Route {
        method: Method::Post,
        takes: (JSON, "NewTokenRequest"),
        ..get("/v1/tokens", "Creates a credential.", Access::Admin, (JSON, "NewToken"))
    },
    get(
        "/v1/quarantine",
        "Groups the records that could not be read by source and cause.",
        Access::Read,
        (JSON, "QuarantineList"),
    ),
    Route {
        method: Method::Post,
        takes: (JSON, "RetryRequest"),
        ..get(
            "/v1/quarantine/retry",
            "Maps quarantined records again under the mappings and rules of today.",
            Access::Admin,
            (JSON, "RetryAnswer"),
        )
    },
    Route {
        method: Method::Post,
        takes: (JSON, "RedactionRequest"),
        ..get("/v1/redactions", "Hides members of a stored event.", Access::Admin, (JSON, "Redaction"))
    },
    Route {
        query: &[
            ("trail", "a trail of the tenant; the credential's own if absent"),
            ("from", "the first index; 0 if absent"),
        ],
        ..get(
            "/v1/redactions/scan",
            "Looks for values in stored events that a rule covers, a part of a trail at a time.",
            Access::Admin,
            (JSON, "Scan"),
        )
    },
    Route {
        method: Method::Post,
        takes: (JSON, "RevealRequest"),
        ..get(
            "/v1/redactions/reveal",
            "Gives the value behind a token, once that is recorded.",
            Access::Admin,
            (JSON, "Reveal"),
        )
    },
    get("/v1/redactions/epochs", "Lists the epochs of the protection keys.", Access::Admin, (JSON, "EpochList")),
    Route {
        method: Method::Post,
        takes: (JSON, "EpochRequest"),
        ..get(
            "/v1/redactions/epochs",
            "Begins an epoch, or destroys the key of an old one.",
            Access::Admin,
            (JSON, "EpochList"),
        )
    },
    get("/t/{tenant}/{trail}/checkpoint", "Gives the newest checkpoint (C2SP tlog-tiles).", Access::Read, (TEXT, "")),
    get(
        "/t/{tenant}/{trail}/tile/{*tile}",
        "Gives a tile or an entry bundle (C2SP tlog-tiles).",
        Access::Read,
        (&["application/octet-stream"], ""),
    ),
    get("/healthz", "Says that the process lives.", Access::Open, (TEXT, "")),
    get("/readyz", "Says whether events are taken, one line per dependency.", Access::Open, (TEXT, "Readiness")),
    get("/metrics", "Gives the metrics in Prometheus' text form.", Access::OpenIfConfigured, (TEXT, "")),
    get("/openapi.json", "Gives the OpenAPI document of these routes.", Access::Credential, (JSON, "")),
];
