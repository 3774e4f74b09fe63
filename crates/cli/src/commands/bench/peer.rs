//! The peer: PostgreSQL with what people build themselves, an append-only table whose trigger chains rows
//! by SHA-256. A private cluster on the same disk, with the server's own durability settings.

use std::ops::Range;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use postgres::{Client, Config, NoTls};

use super::events::EventFile;
use super::process::pause;
use crate::failure::Failure;

/// Where Debian and its kin put the programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const READY_WAIT: Duration = Duration::from_secs(30);
/// Room for checkpoints to stay out of a short run, and for all connections: what anybody would set first.
const SETTINGS: &[&str] = &[
    "fsync=on",
    "synchronous_commit=on",
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=30min",
    "max_connections=100",
    "listen_addresses=",
    "log_min_messages=fatal",
];

/// The statement trigger takes the lock first, so that numbers are given out in the order of the chain; the
/// row trigger sees the rows that the same statement inserted before (it is volatile).
const TABLE: &str = r"
CREATE TABLE audit (
    index bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event json NOT NULL,
    hash bytea NOT NULL
);
CREATE FUNCTION chain_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7420);
    RETURN NULL;
END $$;
CREATE FUNCTION chain_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    previous bytea;
BEGIN
    SELECT a.hash INTO previous FROM audit a ORDER BY a.index DESC LIMIT 1;
    NEW.hash := sha256(coalesce(previous, ''::bytea) || convert_to(NEW.event::text, 'UTF8'));
    RETURN NEW;
END $$;
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the table is append-only';
END $$;
CREATE TRIGGER chain_lock BEFORE INSERT ON audit FOR EACH STATEMENT EXECUTE FUNCTION chain_lock();
CREATE TRIGGER chain_row BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION chain_row();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION append_only();
";

/// A number of rows whose hash is not that of the chain.
const BROKEN: &str = r"
SELECT count(*) FROM (
    SELECT hash, sha256(coalesce(lag(hash) OVER (ORDER BY index), ''::bytea) || convert_to(event::text, 'UTF8')) AS expected
    FROM audit
) AS chain WHERE hash <> expected";

/// A running cluster. Its folder goes when it is dropped.
pub(super) struct Peer {
    server: Child,
    folder: tempfile::TempDir,
}

impl Peer {
    /// Makes and starts a cluster in a folder of its own; `None` if PostgreSQL is not installed.
    ///
    /// # Errors
    /// It is installed and does not start.
    pub(super) fn start(beside: &Path) -> Result<Option<Peer>, Failure> {
        let programs = Path::new(PROGRAMS);
        if !programs.join("postgres").exists() {
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("cairn-bench-peer-").tempdir_in(beside)?;
        let account = Account::for_server(folder.path())?;
        let cluster = folder.path().join("cluster");
        let mut initdb = account.command(&programs.join("initdb"), folder.path());
        initdb.arg("-D").arg(&cluster).args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"]);
        let made = initdb.stdout(Stdio::null()).status()?;
        if !made.success() {
            return Err(Failure::error(format!("initdb ended with {made}")).next("leave the peer out with --no-peer"));
        }
        let mut command = account.command(&programs.join("postgres"), folder.path());
        command.arg("-D").arg(&cluster).arg("-k").arg(folder.path());
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut peer = Peer { server, folder };
        let mut client = peer.wait_ready()?;
        client.batch_execute(TABLE).map_err(refused)?;
        Ok(Some(peer))
    }

    fn wait_ready(&mut self) -> Result<Client, Failure> {
        let began = Instant::now();
        loop {
            match self.config().connect(NoTls) {
                Ok(client) => return Ok(client),
                Err(error) if began.elapsed() > READY_WAIT => return Err(refused(error)),
                Err(_) => pause(),
            }
            if let Some(status) = self.server.try_wait()? {
                return Err(
                    Failure::error(format!("PostgreSQL ended with {status}")).next("leave the peer out with --no-peer")
                );
            }
        }
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        config.host_path(self.folder.path()).user("postgres").dbname("postgres");
        config
    }

    /// Inserts events, `per_transaction` rows in one statement and transaction, from several connections,
    /// until all are durable or the time is up. Gives the events and the time they took.
    ///
    /// # Errors
    /// What the server says.
    pub(super) fn insert(
        &self,
        file: &EventFile,
        events: &Range<usize>,
        per_transaction: usize,
        connections: usize,
        at_most: Duration,
    ) -> Result<(usize, Duration), Failure> {
        let taken = AtomicUsize::new(0);
        let mut clients = Vec::new();
        for _ in 0..connections {
            clients.push(self.config().connect(NoTls).map_err(refused)?);
        }
        let began = Instant::now();
        let inserted = std::thread::scope(|scope| {
            let (taken, until) = (&taken, began + at_most);
            let work = clients.into_iter().map(|client| Work { file, events, per_transaction, taken, until, client });
            let threads: Vec<_> = work.map(|work| scope.spawn(|| work.run())).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("the thread returns its errors"))
                .sum::<Result<usize, Failure>>()
        })?;
        Ok((inserted, began.elapsed()))
    }

    /// Checks the whole chain with one query; the rows there are.
    ///
    /// # Errors
    /// The chain does not hold, or what the server says.
    pub(super) fn check(&self) -> Result<u64, Failure> {
        let mut client = self.config().connect(NoTls).map_err(refused)?;
        let number = |row: postgres::Row| u64::try_from(row.get::<_, i64>(0)).unwrap_or(0);
        let broken = number(client.query_one(BROKEN, &[]).map_err(refused)?);
        if broken > 0 {
            return Err(Failure::error(format!("{broken} rows of the peer are not in its chain")));
        }
        client.query_one("SELECT count(*) FROM audit", &[]).map(number).map_err(refused)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // SIGINT is its fast stop. If it does not work the folder is removed below a server that nobody
        // needs.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

struct Work<'w> {
    file: &'w EventFile,
    events: &'w Range<usize>,
    per_transaction: usize,
    taken: &'w AtomicUsize,
    until: Instant,
    client: Client,
}

impl Work<'_> {
    fn run(mut self) -> Result<usize, Failure> {
        let one = self.client.prepare("INSERT INTO audit (event) VALUES ($1::text::json)").map_err(refused)?;
        let many = self
            .client
            .prepare("INSERT INTO audit (event) SELECT line::json FROM unnest($1::text[]) AS line")
            .map_err(refused)?;
        let (mut inserted, mut bytes) = (0, Vec::new());
        while Instant::now() < self.until {
            let start = self.events.start + self.taken.fetch_add(1, Ordering::Relaxed) * self.per_transaction;
            if start >= self.events.end {
                break;
            }
            let events = start..(start + self.per_transaction).min(self.events.end);
            bytes.clear();
            self.file.read(&events, &mut bytes)?;
            let text = std::str::from_utf8(&bytes).expect("the generator writes text");
            let lines: Vec<&str> = text.lines().collect();
            let rows = match lines.as_slice() {
                [line] => self.client.execute(&one, &[line]),
                lines => self.client.execute(&many, &[&lines]),
            };
            inserted += usize::try_from(rows.map_err(refused)?).unwrap_or(0);
        }
        Ok(inserted)
    }
}

fn refused(error: postgres::Error) -> Failure {
    let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    Failure::error("PostgreSQL does not do what it should").why(why).next("leave the peer out with --no-peer")
}

/// Who PostgreSQL runs as: it refuses to run as root.
struct Account {
    ids: Option<(u32, u32)>,
}

impl Account {
    /// Root gives the folder to the account `postgres`; everybody else runs it as themselves.
    fn for_server(folder: &Path) -> Result<Account, Failure> {
        use std::os::unix::fs::MetadataExt as _;
        if std::fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(Account { ids: None });
        }
        let accounts = std::fs::read_to_string("/etc/passwd")?;
        let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let ids = fields
            .filter(|fields| fields.first() == Some(&"postgres"))
            .find_map(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)));
        let Some((user, group)) = ids else {
            return Err(Failure::error("PostgreSQL does not run as root, and there is no account postgres")
                .next("leave the peer out with --no-peer"));
        };
        chown(folder, Some(user), Some(group))?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
        Ok(Account { ids: Some((user, group)) })
    }

    fn command(&self, program: &PathBuf, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null());
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group);
        }
        command
    }
}
