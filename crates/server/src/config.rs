//! A node's settings, resolved: every value present, units in the names.

use cairn_admit::protect::Rules;
use cairn_event::{Digest, TrailRef};
use cairn_sources::Sources;
use cairn_store::StoreConfig;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::listen::tls::TlsFiles;

/// Everything a node needs to know before it starts.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The data directory; made if it is not there.
    pub data_dir: PathBuf,
    /// Tenant and trail of the first credential, which is made with a new data directory.
    pub first_trail: TrailRef,
    /// The kinds of sources whose records are understood.
    pub sources: Sources,
    /// What must not be in a trail.
    pub protection: Arc<Rules>,
    /// Fingerprint of the policy that the two above come from; none if there is no policy.
    pub policy: Option<Digest>,
    /// The write path.
    pub store: StoreConfig,
    /// What requests may take up.
    pub http: HttpConfig,
    /// Where syslog messages are taken.
    pub syslog: SyslogConfig,
    /// Where OpenTelemetry logs are taken over gRPC.
    pub otlp_grpc: Option<SocketAddr>,
    /// How the search index is fed and asked.
    pub index: IndexConfig,
    /// How stored events are checked again and again.
    pub scrub: ScrubConfig,
}

impl NodeConfig {
    /// The embedded defaults for a data directory.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> NodeConfig {
        NodeConfig {
            data_dir: data_dir.into(),
            first_trail: "default/main".parse().expect("both names are valid"),
            sources: Sources::builtin(),
            protection: Arc::new(Rules::defaults()),
            policy: None,
            store: StoreConfig::default(),
            http: HttpConfig::default(),
            syslog: SyslogConfig::default(),
            otlp_grpc: None,
            index: IndexConfig::default(),
            scrub: ScrubConfig::default(),
        }
    }
}

/// Bounds on what requests take up. `Default` is the embedded default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Open connections; more wait to be accepted.
    pub connections_max: usize,
    /// Requests with events that are worked on at once; more are answered with 429.
    pub ingest_requests_max: usize,
    /// Bytes of bodies in memory at once, as sent and expanded; more are answered with 429. At least the
    /// largest body that is allowed fits.
    pub ingest_bytes_max: usize,
    /// Searches and other reads at once; more are answered with 429.
    pub reads_max: usize,
    /// Tail streams at once; more are answered with 429.
    pub tails_max: usize,
    /// A body that has not arrived after this long is given up.
    pub body_wait_ms_max: u64,
    /// A stop waits this long for requests under way.
    pub stop_wait_ms_max: u64,
    /// Whether `/metrics` needs no credential, and then shows the trails of every tenant.
    pub metrics_open: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            connections_max: 1024,
            ingest_requests_max: 512,
            ingest_bytes_max: 128 << 20,
            reads_max: 32,
            tails_max: 64,
            body_wait_ms_max: 60_000,
            stop_wait_ms_max: 30_000,
            metrics_open: false,
        }
    }
}

/// Where syslog messages are taken. `Default` listens nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogConfig {
    /// Datagrams (RFC 5426).
    pub udp: Option<SocketAddr>,
    /// Connections in the clear (RFC 6587).
    pub tcp: Option<SocketAddr>,
    /// Connections with TLS (RFC 5425).
    pub tls: Option<SocketAddr>,
    /// The certificates for it.
    pub tls_files: Option<TlsFiles>,
    /// Open connections; more wait to be accepted.
    pub connections_max: usize,
    /// A longer message is taken in pieces.
    pub message_bytes_max: usize,
}

impl Default for SyslogConfig {
    fn default() -> Self {
        SyslogConfig {
            udp: None,
            tcp: None,
            tls: None,
            tls_files: None,
            connections_max: 1024,
            message_bytes_max: 256 << 10,
        }
    }
}

/// How the search index is fed and asked. `Default` is the embedded default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexConfig {
    /// Events that are given to the index at once.
    pub step_events: u64,
    /// The index commits when this many events were added since the last commit.
    pub commit_events: u64,
    /// The index commits when the last commit is this old and something was added.
    pub commit_interval_ms: u64,
    /// Share of one core that feeding the index may take, in percent, 1 to 100.
    pub share_percent: u32,
    /// A search that takes longer than this gives what it has and says so.
    pub search_ms_max: u64,
}

impl Default for IndexConfig {
    fn default() -> Self {
        IndexConfig {
            step_events: 2000,
            commit_events: 20_000,
            commit_interval_ms: 1000,
            share_percent: 100,
            search_ms_max: 10_000,
        }
    }
}

/// How stored events are checked again and again. `Default` is the embedded default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrubConfig {
    /// The first pass over everything begins this long after the start.
    pub first_after_ms: u64,
    /// Time between two passes; 0 for no passes at all.
    pub interval_ms: u64,
    /// Share of one core that a pass may take, in percent, 1 to 100.
    pub share_percent: u32,
}

impl Default for ScrubConfig {
    fn default() -> Self {
        ScrubConfig { first_after_ms: 10 * 60 * 1000, interval_ms: 24 * 60 * 60 * 1000, share_percent: 10 }
    }
}
