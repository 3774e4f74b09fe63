//! Runs a node in this process: for `dev`, for `serve`, and for commands that open a data directory
//! themselves.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use cairn_api::ExitCode;
use cairn_engines::LocalDisk;
use cairn_server::{
    HttpConfig, IndexConfig, Node, NodeConfig, NodeError, ScrubConfig, Sockets, SyslogConfig, TlsFiles,
};
use cairn_store::seams::Disk;
use cairn_store::{StoreConfig, StoreError};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::connect::{ADDRESS_FILE, TOKEN_FILE, address_text, local_token, reachable};
use crate::failure::Failure;
use crate::policy;

/// A node that answers HTTP.
pub(crate) struct Running {
    node: Node,
    runtime: Runtime,
    address: SocketAddr,
    data: PathBuf,
    stop: watch::Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
    token: Option<String>,
    /// Whether others find this node through the data directory.
    announced: bool,
}

/// What a start found and made.
pub(crate) struct Started {
    /// Whether the data directory was new.
    pub(crate) is_new: bool,
    /// What was repaired, if anything was.
    pub(crate) recovered: Option<String>,
    /// The secret of the first credential, if it was made now.
    pub(crate) token: Option<String>,
    /// Where that secret is kept for the owner of the directory.
    pub(crate) token_file: Option<PathBuf>,
    /// The sockets beside HTTP: protocol and address.
    pub(crate) sockets: Vec<(&'static str, SocketAddr)>,
}

impl Running {
    /// Opens the data directory, or makes it, and listens where the settings say.
    ///
    /// # Errors
    /// A data directory that can't be opened, an address that can't be listened on.
    pub(crate) fn listening(config: &Config) -> Result<(Running, Started), Failure> {
        let (mut running, started) = Running::start(config, node_config(config)?, config.listen())?;
        running.announced = true;
        address_text(&running.url(), &running.data)
            .and_then(|text| write_file(&running.data, ADDRESS_FILE, &text))
            .map_err(|error| Failure::error(format!("can't write {ADDRESS_FILE} in the data directory")).why(error))?;
        Ok((running, started))
    }

    /// Opens the data directory for this process alone, on a port of its own on this machine.
    ///
    /// # Errors
    /// A data directory that can't be opened, or that holds no credential for its owner.
    pub(crate) fn inside(config: &Config) -> Result<Running, Failure> {
        // Nobody else is to be served: the other sockets of the settings belong to a server.
        let node_config = NodeConfig { syslog: SyslogConfig::default(), otlp_grpc: None, ..node_config(config)? };
        let (running, _) = Running::start(config, node_config, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        if running.token.is_none() {
            let failure =
                Failure::new(ExitCode::NotPermitted, format!("there is no {TOKEN_FILE} in the data directory"));
            let failure = failure.next("give a credential with CAIRN_TOKEN or --token-from file:PATH");
            running.stop()?;
            return Err(failure);
        }
        Ok(running)
    }

    fn start(config: &Config, node_config: NodeConfig, listen: SocketAddr) -> Result<(Running, Started), Failure> {
        let data = config.data().to_owned();
        // The port first: nothing is made on the disk when it is taken.
        let listener = std::net::TcpListener::bind(listen).map_err(|error| cannot_listen(listen, &error))?;
        let address = listener.local_addr()?;
        let cannot = |error| Failure::error("can't listen").why(error).next("see the settings syslog.* and otlp.*");
        let sockets = Sockets::bind(&node_config).map_err(cannot)?;
        let sockets_at = sockets.addresses();
        let (node, found) = Node::open(node_config).map_err(|error| cannot_open(&data, error))?;
        let made = found.admin_token.map(|token| token.reveal().to_owned());
        let token_file = made.is_some().then(|| data.join(TOKEN_FILE));
        let runtime = cairn_server::runtime()?;
        let (stop, mut told) = watch::channel(false);
        let shutdown = async move {
            // An error means that the sender is gone: then nobody wants the node any more either.
            let _ = told.wait_for(|told| *told).await;
        };
        let serving = runtime.spawn(cairn_server::serve(node.clone(), listener, sockets, shutdown));
        let given = config.token_from().read()?;
        let token = match given.or_else(|| made.clone()) {
            Some(token) => Some(token),
            None => local_token(&data)?,
        };
        let recovered = found.recovered.to_string();
        let started = Started {
            is_new: found.is_new,
            recovered: (!found.is_new && !recovered.is_empty()).then_some(recovered),
            token: made,
            token_file,
            sockets: sockets_at,
        };
        Ok((Running { node, runtime, address, data, stop, serving, token, announced: false }, started))
    }

    /// The base address on this machine.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", reachable(self.address))
    }

    /// A credential for this node; [`Running::inside`] made sure that there is one.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Lower-case hexadecimal SHA-256 of the public key that signs the checkpoints.
    pub(crate) fn key_fingerprint(&self) -> String {
        self.node.key_fingerprint()
    }

    /// Serves until SIGTERM or Ctrl-C, then stops as [`Running::stop`] does.
    ///
    /// # Errors
    /// As [`Running::stop`]; also when serving ended by itself.
    pub(crate) fn until_told(mut self) -> Result<(), Failure> {
        let Running { runtime, serving, .. } = &mut self;
        let ended = runtime.block_on(async {
            tokio::select! {
                () = signalled() => None,
                ended = serving => Some(ended),
            }
        });
        if let Some(ended) = ended {
            let why = match ended {
                Ok(Ok(())) => "serving ended by itself".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            return Err(Failure::error("the server stopped").why(why));
        }
        // A second signal ends the process at once; everything acknowledged is durable even so.
        self.runtime.spawn(async {
            signalled().await;
            std::process::exit(i32::from(ExitCode::Interrupted.code()));
        });
        self.stop()
    }

    /// Takes no more, finishes what was accepted, and gives the data directory back.
    ///
    /// # Errors
    /// [`ExitCode::Error`] if the writer had stopped before: what was acknowledged is durable even then.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.stop.send_replace(true);
        let served = self.runtime.block_on(self.serving);
        if self.announced {
            // Left behind it would only lead others to a closed port; so an error here is none.
            let _ = LocalDisk::existing(&self.data).and_then(|disk| disk.remove(ADDRESS_FILE));
        }
        // Serving closes the node at its end, so that every answer was given before.
        match served {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::error("the server stopped with an error").why(error)),
            Err(error) => Err(Failure::error("the server stopped with an error").why(error)),
        }
    }
}

async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).expect("a signal that can be listened for");
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Writes a small file of the data directory, for the owner alone, replacing an older one.
fn write_file(data: &Path, name: &str, text: &str) -> io::Result<()> {
    let disk = LocalDisk::existing(data)?;
    if let Some((folder, _)) = name.split_once('/') {
        disk.create_dir(folder)?;
    }
    let aside = format!("{name}.tmp");
    // Only the process that holds the lock comes here, so a file aside is one that a crash left.
    match disk.remove(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&aside)?;
    file.pwrite(text.as_bytes(), 0)?;
    // tidy: allow sync, because no event is made durable here: an address is kept.
    file.sync_data()?;
    disk.rename(&aside, name)
}

fn node_config(config: &Config) -> Result<NodeConfig, Failure> {
    let count = |name: &str| usize::try_from(config.number(name)).unwrap_or(usize::MAX);
    let percent = |name: &str| u32::try_from(config.number(name).clamp(1, 100)).unwrap_or(100);
    let policy::Policy { sources, protection, fingerprint } = policy::read(config)?;
    // Struct literals without defaults: a setting that the node gains does not compile until it is here.
    Ok(NodeConfig {
        data_dir: config.data().to_owned(),
        first_trail: config.trail(),
        sources,
        protection,
        policy: fingerprint,
        store: StoreConfig {
            host: config.text("store.host").map(str::to_owned),
            group_bytes_max: config.number("store.group_bytes_max"),
            group_wait_ms_max: config.number("store.group_wait_ms_max"),
            queue_requests_max: count("store.queue_requests_max"),
            queue_bytes_max: config.number("store.queue_bytes_max"),
            unsealed_bytes_max: config.number("store.unsealed_bytes_max"),
            wal_file_bytes: config.number("store.wal_file_bytes"),
            seal_events: config.number("store.seal_events"),
            seal_bytes: config.number("store.seal_bytes"),
            seal_age_ms: config.number("store.seal_age_ms"),
            publish_interval_ms: config.number("store.publish_interval_ms"),
            disk_reserve_bytes: config.number("store.disk_reserve_bytes"),
        },
        http: HttpConfig {
            connections_max: count("http.connections_max"),
            ingest_requests_max: count("http.ingest_requests_max"),
            ingest_bytes_max: count("http.ingest_bytes_max"),
            reads_max: count("http.reads_max"),
            tails_max: count("http.tails_max"),
            body_wait_ms_max: config.number("http.body_wait_ms_max"),
            stop_wait_ms_max: config.number("http.stop_wait_ms_max"),
            metrics_open: config.switch("http.metrics_open"),
        },
        syslog: syslog_config(config)?,
        otlp_grpc: config.address("otlp.grpc"),
        index: IndexConfig {
            step_events: config.number("index.step_events"),
            commit_events: config.number("index.commit_events"),
            commit_interval_ms: config.number("index.commit_interval_ms"),
            share_percent: percent("index.share_percent"),
            search_ms_max: config.number("index.search_ms_max"),
        },
        scrub: ScrubConfig {
            first_after_ms: config.number("scrub.first_after_ms"),
            interval_ms: config.number("scrub.interval_ms"),
            share_percent: percent("scrub.share_percent"),
        },
    })
}

fn syslog_config(config: &Config) -> Result<SyslogConfig, Failure> {
    let path = |name: &str| config.text(name).map(PathBuf::from);
    let tls_files = match (path("syslog.tls_cert"), path("syslog.tls_key")) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert, key, client_ca: path("syslog.tls_client_ca") }),
        (None, None) => None,
        _ => return Err(Failure::usage("syslog.tls_cert and syslog.tls_key belong together")),
    };
    let number = |name: &str| usize::try_from(config.number(name)).unwrap_or(usize::MAX);
    Ok(SyslogConfig {
        udp: config.address("syslog.udp"),
        tcp: config.address("syslog.tcp"),
        tls: config.address("syslog.tls"),
        tls_files,
        connections_max: number("syslog.connections_max"),
        message_bytes_max: number("syslog.message_bytes_max"),
    })
}

fn cannot_listen(listen: SocketAddr, error: &io::Error) -> Failure {
    let failure = Failure::error(format!("can't listen on {listen}")).why(error);
    if error.kind() == io::ErrorKind::AddrInUse {
        return failure.next("another server runs there: use it, stop it, or take another port with --listen");
    }
    failure.next("choose an address of this machine with --listen or http.listen")
}

/// Why a data directory is not in service, and what to do.
pub(crate) fn cannot_open(data: &Path, error: NodeError) -> Failure {
    let what = format!("can't open the data directory {}", data.display());
    // Whichever of its files was found in use first: the lock says whether somebody else is there.
    let lock = LocalDisk::existing(data).and_then(|disk| disk.lock("LOCK"));
    if lock.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
        return Failure::error(what)
            .why("another process has it open")
            .next("commands find that process by themselves; `cairn doctor` says more");
    }
    match error {
        NodeError::Store(StoreError::Corrupt(corrupt)) => Failure::new(ExitCode::IntegrityFailure, what)
            .why(corrupt)
            .next(format!("nothing was changed; `cairn verify trail --data {}` names every place", data.display())),
        other => Failure::error(what).why(other),
    }
}

/// Sends log lines to stderr. `quiet_default` is the level when nobody asked for one.
pub(crate) fn start_logging(config: &Config, quiet_default: Option<&str>) {
    let set = config.is_set("log.level");
    let level = config.text("log.level").filter(|_| set).or(quiet_default).or(config.text("log.level"));
    let filter = tracing_subscriber::EnvFilter::new(level.unwrap_or("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    if config.text("log.format") == Some("json") { lines.json().init() } else { lines.with_ansi(false).init() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Typed;

    #[test]
    fn the_defaults_of_the_settings_are_the_defaults_of_the_node() {
        let config = Config::resolve(&Typed::default()).expect("defaults are valid");
        let ours = node_config(&config).expect("there is no policy folder");
        let theirs = NodeConfig::new("./cairn-data");
        assert_eq!(ours.store, theirs.store);
        assert_eq!(ours.http, theirs.http);
        assert_eq!(ours.syslog, theirs.syslog);
        assert_eq!(ours.index, theirs.index);
        assert_eq!(ours.scrub, theirs.scrub);
        assert_eq!(ours.first_trail, theirs.first_trail);
        assert_eq!(ours.data_dir, theirs.data_dir);
    }

    #[test]
    fn a_small_file_is_replaced_and_belongs_to_its_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let data = tempfile::tempdir().expect("a folder");
        write_file(data.path(), ADDRESS_FILE, "one\n").expect("written");
        write_file(data.path(), ADDRESS_FILE, "two\n").expect("replaced");
        let path = data.path().join(ADDRESS_FILE);
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "two\n");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
}
