//! Finds the server and the credential, or runs a node of its own on a data directory.
//!
//! A command talks to exactly one of, in this order: the server that was named; the server that runs on
//! the data directory; a node inside this process on the data directory, if that was named; the server
//! at `http.listen`. The credential of the data directory goes only to a server that runs on it.

use std::net::SocketAddr;
use std::path::Path;

use cairn_api::{Client, ClientError, ExitCode, ProblemCode};
use cairn_event::TrailRef;
use cairn_ledger::{Checkpoint, VerifierKey};

use crate::commands::Context;
use crate::config::Config;
use crate::config::resolved::read_secret_file;
use crate::failure::Failure;
use crate::node::Running;
use crate::print::Printer;

/// Where the process that serves a data directory says its address. No evidence; gone when it stops.
pub(crate) const ADDRESS_FILE: &str = "run/http";
/// The admin token that the first start created, for commands of the directory's owner.
pub(crate) const TOKEN_FILE: &str = "keys/admin.token";
/// Public half of the signing key: one line, a C2SP verifier key of the host.
pub(crate) const KEY_FILE: &str = "keys/log-1.vkey";

/// A connection to a server, or to a node inside this process.
pub(crate) struct Session {
    /// The connection.
    pub(crate) client: Client,
    own: Option<Running>,
    pinned: Option<VerifierKey>,
}

/// A key that signatures are checked against, and how much it can be trusted.
#[derive(Debug, Clone)]
pub(crate) struct TrailKey {
    /// The key under the trail's own name.
    pub(crate) key: VerifierKey,
    /// Whether the key comes from the data directory; else the server itself said it.
    pub(crate) pinned: bool,
}

impl Session {
    /// Connects as the module says. Nothing is sent to a server that was named before its first use.
    ///
    /// # Errors
    /// A credential that can't be read; a data directory that can't be opened.
    pub(crate) fn open(context: &Context) -> Result<Session, Failure> {
        Session::with(&context.config, &context.printer)
    }

    fn with(config: &Config, printer: &Printer) -> Result<Session, Failure> {
        let given = config.token_from().read()?;
        if let Some(server) = config.server() {
            return Ok(Session::of(Client::new(server, given.as_deref())?, None));
        }
        let data = config.data();
        let pinned = pinned_key(data);
        if let Some(address) = running_at(data) {
            let token = given.clone().map_or_else(|| local_token(data), |token| Ok(Some(token)))?;
            let client = Client::new(&address, token.as_deref())?;
            if client.healthz().is_ok() {
                return Ok(Session::of(client, pinned));
            }
        }
        if config.is_set("data") {
            let own = Running::inside(config)?;
            printer.hint(&format!("no server runs on {}: it is opened directly", data.display()));
            let client = Client::new(&own.url(), Some(own.token()))?;
            let own = Some(own);
            return Ok(Session { client, pinned: pinned_key(data), own });
        }
        let url = format!("http://{}", reachable(config.listen()));
        Ok(Session::of(Client::new(&url, given.as_deref())?, pinned))
    }

    fn of(client: Client, pinned: Option<VerifierKey>) -> Session {
        Session { client, own: None, pinned }
    }

    /// Ends the connection; a node inside this process is stopped and everything in it is durable.
    ///
    /// # Errors
    /// What the node says when it stops.
    pub(crate) fn close(self) -> Result<(), Failure> {
        self.own.map_or(Ok(()), Running::stop)
    }

    /// The key that the log of a trail is signed with.
    ///
    /// # Errors
    /// As the server says; [`ExitCode::Error`] if it does not know the trail.
    pub(crate) fn key_of(&self, trail: &TrailRef) -> Result<TrailKey, Failure> {
        let said = self.client.trails()?.trails.into_iter().find(|view| view.trail == trail.to_string());
        let said = said.ok_or_else(|| {
            Failure::error(format!("there is no trail {trail}")).next("`cairn checkpoint list` names them")
        })?;
        let key: VerifierKey = said
            .verifier_key
            .parse()
            .map_err(|error| Failure::error("the server gave a verifier key that can't be read").why(error))?;
        let Some(pinned) = &self.pinned else {
            return Ok(TrailKey { key, pinned: false });
        };
        if pinned.key() != key.key() {
            return Err(Failure::new(
                ExitCode::IntegrityFailure,
                format!("the log of {trail} is signed with another key than {KEY_FILE} in the data directory"),
            )
            .why(format!("the server says {}, the file says {}", key.key().short_id(), pinned.key().short_id()))
            .next("do not trust this server before it is known why"));
        }
        Ok(TrailKey { key, pinned: true })
    }
}

/// Opens a checkpoint with a key.
///
/// # Errors
/// [`ExitCode::IntegrityFailure`] if it can't be read or the signature does not hold.
pub(crate) fn open_checkpoint(note: &str, key: &VerifierKey) -> Result<Checkpoint, Failure> {
    Checkpoint::open(note.as_bytes(), std::slice::from_ref(key)).map_err(|error| {
        Failure::new(ExitCode::IntegrityFailure, format!("the checkpoint of {} does not hold", key.name())).why(error)
    })
}

/// The address of the server that runs on a data directory, if one says so.
pub(crate) fn running_at(data: &Path) -> Option<String> {
    let text = std::fs::read_to_string(data.join(ADDRESS_FILE)).ok()?;
    let (address, folder) = text.strip_suffix('\n')?.split_once('\n')?;
    // A copy of a data directory must not lead to the server of the original, and what a crash left
    // behind not to whoever has taken the port since: the credential would go to them.
    if Path::new(folder) != data.canonicalize().ok()? || !is_locked(data) {
        return None;
    }
    // Only what a server of ours would write: the credential must not follow a forged address elsewhere.
    let socket: SocketAddr = address.strip_prefix("http://")?.parse().ok()?;
    Some(format!("http://{socket}"))
}

/// Whether a process has the data directory open.
fn is_locked(data: &Path) -> bool {
    let lock = std::fs::File::open(data.join("LOCK")).map(|file| file.try_lock());
    matches!(lock, Ok(Err(std::fs::TryLockError::WouldBlock)))
}

/// What stands in [`ADDRESS_FILE`]: the address, and the folder that is served there.
pub(crate) fn address_text(url: &str, data: &Path) -> std::io::Result<String> {
    Ok(format!("{url}\n{}\n", data.canonicalize()?.display()))
}

/// The token that the first start left for the owner of the directory.
///
/// # Errors
/// A file that is there and can't be read, or that others may read.
pub(crate) fn local_token(data: &Path) -> Result<Option<String>, Failure> {
    Ok(read_secret_file(&data.join(TOKEN_FILE))?.map(|text| text.trim().to_owned()))
}

/// The public key in a data directory.
pub(crate) fn pinned_key(data: &Path) -> Option<VerifierKey> {
    std::fs::read_to_string(data.join(KEY_FILE)).ok()?.trim_end().parse().ok()
}

/// An address to connect to for an address to listen on: `0.0.0.0` is every interface, not a place.
pub(crate) fn reachable(listen: SocketAddr) -> SocketAddr {
    let mut address = listen;
    if listen.ip().is_unspecified() {
        let ip =
            if listen.is_ipv4() { std::net::Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(ip);
    }
    address
}

/// What a refused or broken call means for the person at the keyboard.
pub(crate) fn explain(error: ClientError) -> Failure {
    let exit = error.exit_code();
    match error {
        ClientError::Unreachable { url, reason } => Failure::new(exit, format!("no server answers at {url}"))
            .why(reason)
            .next("start one with `cairn dev`, name one with --server URL, or open a data directory with --data DIR"),
        ClientError::Problem(problem) => {
            let field = problem.field.as_deref().filter(|field| !problem.detail.starts_with(*field));
            let field = field.map(|field| format!("{field}: ")).unwrap_or_default();
            let mut failure = Failure::new(exit, problem.title.clone()).why(format!("{field}{}", problem.detail));
            if problem.code == ProblemCode::Corrupt.as_str() {
                failure.exit = ExitCode::IntegrityFailure;
            }
            let ours = match problem.status {
                401 => Some("set CAIRN_TOKEN, or say where the credential is with --token-from file:PATH"),
                403 => Some("use a credential with the scope that is missing; `cairn token list` shows what there is"),
                429 => Some("send less at once, or wait and try again: nothing of this request was taken"),
                503 => Some("`cairn doctor` and the server's /readyz say what it waits for"),
                507 => Some("free disk space, or lower store.disk_reserve_bytes; `cairn doctor` shows both"),
                _ if problem.code == ProblemCode::Corrupt.as_str() => Some("`cairn verify trail` names the place"),
                _ => None,
            };
            if let Some(next) = problem.hint.clone().or_else(|| ours.map(str::to_owned)) {
                failure = failure.next(next);
            }
            failure
        }
        other => Failure::new(exit, "the server could not be asked").why(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_file_leads_to_a_socket_and_nowhere_else() {
        let data = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(data.path().join("run")).expect("a folder");
        let lock = std::fs::File::create(data.path().join("LOCK")).expect("a file");
        lock.lock().expect("nobody else has it");
        let written = |text: &str| {
            std::fs::write(data.path().join(ADDRESS_FILE), text).expect("written");
            running_at(data.path())
        };
        for url in ["http://127.0.0.1:7420", "http://[::1]:80"] {
            let text = address_text(url, data.path()).expect("a folder");
            assert_eq!(written(&text).as_deref(), Some(url));
            assert_eq!(written(text.trim_end()), None);
        }
        for url in ["http://127.0.0.1:7420@evil.example", "http://evil.example:80", "https://127.0.0.1:1", ""] {
            assert_eq!(written(&address_text(url, data.path()).expect("a folder")), None, "{url}");
        }
        let elsewhere = address_text("http://127.0.0.1:7420", Path::new("/")).expect("a folder");
        assert_eq!(written(&elsewhere), None, "a copy does not lead to the original");
        let left_behind = address_text("http://127.0.0.1:7420", data.path()).expect("a folder");
        assert!(written(&left_behind).is_some());
        drop(lock);
        assert_eq!(written(&left_behind), None, "nobody is there any more");
    }

    #[test]
    fn every_interface_is_reached_on_this_machine() {
        let reach = |text: &str| reachable(text.parse().expect("an address")).to_string();
        assert_eq!(reach("0.0.0.0:7420"), "127.0.0.1:7420");
        assert_eq!(reach("[::]:1"), "[::1]:1");
        assert_eq!(reach("10.0.0.1:1"), "10.0.0.1:1");
    }
}
