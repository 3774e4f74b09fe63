//! Every setting there is: name, kind, default and meaning. The reference page is made from this list.

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// A file or folder; relative to the working directory.
    Path,
    /// `http://host:port` or `https://host`.
    Url,
    /// `address:port`.
    Address,
    /// A tenant or trail name.
    Name,
    /// A number of bytes; a unit (`KiB`, `MiB`, `GiB`) may follow in a string.
    Bytes,
    /// A whole number.
    Count,
    /// Milliseconds.
    Millis,
    /// `true` or `false`.
    Switch,
    /// `file:PATH` or `env:NAME`: where a secret is, never the secret itself.
    Secret,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// Dotted name, as in `cairn.toml`.
    pub(crate) name: &'static str,
    /// What its value may be.
    pub(crate) kind: Kind,
    /// The value when nobody says anything; empty if it has none.
    pub(crate) default: &'static str,
    /// The global flag that sets it, if there is one.
    pub(crate) flag: Option<&'static str>,
    /// What it does, in one or two sentences.
    pub(crate) doc: &'static str,
}

impl Key {
    /// The environment variable that sets it: `CAIRN_` and the name in capitals, dots as `_`.
    pub(crate) fn env(&self) -> String {
        format!("CAIRN_{}", self.name.replace('.', "_").to_uppercase())
    }
}

/// Variables that begin with `CAIRN_` and are not settings.
pub(crate) const OTHER_VARIABLES: &[(&str, &str)] = &[
    ("CAIRN_CONFIG", "the configuration file, instead of `./cairn.toml`"),
    ("CAIRN_TOKEN", "the credential itself; the default of `token_from` looks here"),
];

const fn key(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key { name, kind, default, flag: None, doc }
}

const fn flagged(name: &'static str, kind: Kind, default: &'static str, flag: &'static str, doc: &'static str) -> Key {
    Key { name, kind, default, flag: Some(flag), doc }
}

/// All settings, in the order of the reference.
pub(crate) const KEYS: &[Key] = &[
    flagged(
        "data",
        Kind::Path,
        "./cairn-data",
        "--data",
        "The data directory. Commands read it, or find the running server and its credential through it.",
    ),
    flagged(
        "server",
        Kind::Url,
        "",
        "--server",
        "The server that commands talk to. Without it: the server that runs on the data directory, else `http.listen`.",
    ),
    flagged(
        "token_from",
        Kind::Secret,
        "env:CAIRN_TOKEN",
        "--token-from",
        "Where the credential for the server is. If there is nothing, the one that `cairn dev` keeps in the data directory is used.",
    ),
    flagged(
        "tenant",
        Kind::Name,
        "default",
        "--tenant",
        "The tenant that commands mean when they name a trail without one, and that the first start creates the admin token for.",
    ),
    flagged(
        "trail",
        Kind::Name,
        "main",
        "--trail",
        "The trail that commands mean when they name none, and that the first admin token sends events to.",
    ),
    flagged(
        "policy",
        Kind::Path,
        "",
        "--policy",
        "The policy folder. `sources/KIND/` in it holds mappings of your own, which win over the built-in ones; `protection/*.toml` says which values must not be in a trail.",
    ),
    flagged(
        "http.listen",
        Kind::Address,
        "127.0.0.1:7420",
        "--listen",
        "Address and port to listen on. Port 0 takes a free one.",
    ),
    key("http.connections_max", Kind::Count, "1024", "Open connections; more wait to be accepted."),
    key(
        "http.ingest_requests_max",
        Kind::Count,
        "512",
        "Requests with events that are worked on at once; more are answered with 429.",
    ),
    key(
        "http.ingest_bytes_max",
        Kind::Bytes,
        "128MiB",
        "Bytes of bodies in memory at once, as sent and expanded; more are answered with 429.",
    ),
    key("http.reads_max", Kind::Count, "32", "Searches and other reads at once; more are answered with 429."),
    key("http.tails_max", Kind::Count, "64", "Tail streams at once; more are answered with 429."),
    key("http.body_wait_ms_max", Kind::Millis, "60000", "A body that has not arrived after this long is given up."),
    key("http.stop_wait_ms_max", Kind::Millis, "30000", "A stop waits this long for requests under way."),
    key(
        "http.metrics_open",
        Kind::Switch,
        "false",
        "Whether `/metrics` needs no credential, and then shows the trails of every tenant.",
    ),
    key(
        "otlp.grpc",
        Kind::Address,
        "",
        "Where OpenTelemetry logs are taken over gRPC; over HTTP they go to `/v1/logs`.",
    ),
    key("syslog.udp", Kind::Address, "", "Where syslog datagrams are taken (RFC 5426)."),
    key("syslog.tcp", Kind::Address, "", "Where syslog connections are taken (RFC 6587: by length or by line)."),
    key("syslog.tls", Kind::Address, "", "Where syslog connections with TLS are taken (RFC 5425)."),
    key("syslog.tls_cert", Kind::Path, "", "Certificate for `syslog.tls`, in PEM, with those that lead to its root."),
    key("syslog.tls_key", Kind::Path, "", "Private key of that certificate, in PEM."),
    key(
        "syslog.tls_client_ca",
        Kind::Path,
        "",
        "Roots that certificates of syslog senders must lead to, in PEM. Without it senders need none.",
    ),
    key("syslog.connections_max", Kind::Count, "1024", "Open syslog connections; more wait to be accepted."),
    key("syslog.message_bytes_max", Kind::Bytes, "256KiB", "A longer syslog message is taken in pieces of this size."),
    key(
        "store.host",
        Kind::Text,
        "",
        "Host part of every log origin. Fixed when the data directory is created; without it a name is made from the instance id.",
    ),
    key("store.group_bytes_max", Kind::Bytes, "4MiB", "A commit group closes at this many bytes of events."),
    key(
        "store.group_wait_ms_max",
        Kind::Millis,
        "0",
        "A commit group waits at most this long for company after its first event. 0 takes what is queued.",
    ),
    key(
        "store.queue_requests_max",
        Kind::Count,
        "1024",
        "Requests that may wait for the writer; more are answered with 429.",
    ),
    key(
        "store.queue_bytes_max",
        Kind::Bytes,
        "64MiB",
        "Bytes that may wait for the writer; more are answered with 429.",
    ),
    key(
        "store.unsealed_bytes_max",
        Kind::Bytes,
        "512MiB",
        "Bytes of unsealed events at which producers are told to wait for the sealer.",
    ),
    key(
        "store.wal_file_bytes",
        Kind::Bytes,
        "64MiB",
        "A file of the write-ahead log is followed by the next one at this size.",
    ),
    key(
        "store.seal_events",
        Kind::Count,
        "65536",
        "A trail is sealed when it has this many unsealed events; also the most events in one segment.",
    ),
    key(
        "store.seal_bytes",
        Kind::Bytes,
        "128MiB",
        "A trail is sealed when its unsealed events take this many bytes in the write-ahead log.",
    ),
    key("store.seal_age_ms", Kind::Millis, "900000", "A trail is sealed when its oldest unsealed event is this old."),
    key(
        "store.publish_interval_ms",
        Kind::Millis,
        "1000",
        "Checkpoint files and the head of the write-ahead log are written at most this often.",
    ),
    key(
        "store.disk_reserve_bytes",
        Kind::Bytes,
        "256MiB",
        "New events are refused with 507 when fewer bytes than this are free on the disk.",
    ),
    key("index.step_events", Kind::Count, "2000", "Events that are given to the search index at once."),
    key(
        "index.commit_events",
        Kind::Count,
        "20000",
        "The index commits when this many events were added since its last commit.",
    ),
    key(
        "index.commit_interval_ms",
        Kind::Millis,
        "1000",
        "The index commits when its last commit is this old and something was added.",
    ),
    key(
        "index.share_percent",
        Kind::Count,
        "100",
        "Share of one core that feeding the index may take, in percent, 1 to 100.",
    ),
    key(
        "index.search_ms_max",
        Kind::Millis,
        "10000",
        "A search that takes longer than this gives what it has and says so.",
    ),
    key(
        "scrub.first_after_ms",
        Kind::Millis,
        "600000",
        "The first pass that verifies everything stored begins this long after the start.",
    ),
    key("scrub.interval_ms", Kind::Millis, "86400000", "Time between two such passes; 0 for none at all."),
    key("scrub.share_percent", Kind::Count, "10", "Share of one core that a pass may take, in percent, 1 to 100."),
    flagged(
        "log.level",
        Kind::Word(&["error", "warn", "info", "debug", "trace"]),
        "info",
        "--log-level",
        "How much `serve` and `dev` write to stderr. Logs never hold what is in events.",
    ),
    key("log.format", Kind::Word(&["text", "json"]), "text", "Form of the log lines."),
];

/// The setting with a name.
pub(crate) fn named(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The candidate most like `word`, if a slip of the hand is probable.
pub(crate) fn nearest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    const LIKENESS_MIN: f64 = 0.8;
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned).unwrap_or_default();
    let likeness = |candidate: &str| {
        strsim::jaro_winkler(word, candidate).max(strsim::jaro_winkler(&last(word), &last(candidate)) * 0.95)
    };
    candidates
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The reference page of the settings, in Markdown.
#[cfg(test)]
fn reference() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         One file, `cairn.toml` in the working directory (or the one that `--config` or `CAIRN_CONFIG` names). \
         Every setting can also be given in the environment, and some by a flag. \
         A flag wins over the environment, the environment over the file, the file over the default. \
         Without a file everything has its default.\n\n\
         A setting that does not exist is an error that names the nearest one. \
         `cairn config check` prints every setting with its value and where the value comes from.\n\n\
         Secrets never stand in the file: `token_from` says where the secret is, `file:PATH` or `env:NAME`.\n\n\
         ```toml\n# cairn.toml\ndata = \"/var/lib/cairn\"\n\n[http]\nlisten = \"127.0.0.1:7420\"\n\n\
         [store]\nhost = \"audit.example.com\"\ndisk_reserve_bytes = \"1GiB\"\n```\n\n\
         | Setting | Environment | Flag | Value | Default | What it does |\n|---|---|---|---|---|---|\n",
    );
    for key in KEYS {
        let flag = key.flag.map(|flag| format!("`{flag}`")).unwrap_or_default();
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        page.push_str(&format!(
            "| `{}` | `{}` | {flag} | {} | {default} | {} |\n",
            key.name,
            key.env(),
            key.kind.describe(),
            key.doc
        ));
    }
    page.push_str("\nOther variables:\n\n| Variable | What it is |\n|---|---|\n");
    for (name, doc) in OTHER_VARIABLES {
        page.push_str(&format!("| `{name}` | {doc} |\n"));
    }
    page.push_str("| `NO_COLOR` `CLICOLOR_FORCE` | no colour, or colour in any case |\n");
    page
}

impl Kind {
    /// What is wanted, for messages and the reference.
    pub(crate) fn describe(self) -> String {
        match self {
            Kind::Text => "text".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Url => "`http://host:port` or `https://host`".to_owned(),
            Kind::Address => "`address:port`".to_owned(),
            Kind::Name => "a name of `a-z`, `0-9`, `-`".to_owned(),
            Kind::Bytes => "bytes, or a string with `KiB`, `MiB`, `GiB`".to_owned(),
            Kind::Count => "a whole number".to_owned(),
            Kind::Millis => "milliseconds".to_owned(),
            Kind::Switch => "`true` or `false`".to_owned(),
            Kind::Secret => "`file:PATH` or `env:NAME`".to_owned(),
            Kind::Word(words) => format!("`{}`", words.join("`, `")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_made_from_this_list() {
        crate::golden::check("docs/reference/config.md", &reference());
    }

    #[test]
    fn names_are_unique_and_so_are_their_variables() {
        let mut names: Vec<_> = KEYS.iter().map(Key::env).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KEYS.len());
    }

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let near = |word| nearest(word, KEYS.iter().map(|key| key.name));
        assert_eq!(near("htpp.listen"), Some("http.listen"));
        assert_eq!(near("listen"), Some("http.listen"));
        assert_eq!(near("store.seal_event"), Some("store.seal_events"));
        assert_eq!(near("zzz"), None);
    }
}
