//! The server under test: this same binary as a process of its own, so that its memory and processor time
//! are its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cairn_api::Client;

use super::process::{pause, resident_peak_bytes};
use crate::connect::{TOKEN_FILE, running_at};
use crate::failure::Failure;

/// A server that is not ready after this long will not be.
const READY_WAIT: Duration = Duration::from_secs(120);
/// An index that has not caught up after this long is not keeping up.
const INDEX_WAIT: Duration = Duration::from_secs(1800);

/// A setting of the server by the name of its environment variable.
pub(super) type Setting = (&'static str, &'static str);

/// The index takes next to nothing of the processor, so it lags.
pub(super) const INDEX_LAGS: &[Setting] = &[("CAIRN_INDEX_SHARE_PERCENT", "1")];

/// A running server.
pub(super) struct Target {
    child: Child,
    data: PathBuf,
    /// `http://address:port`
    url: String,
    token: String,
    client: Client,
    /// From the start of the process to its first answer that it is ready.
    pub(super) started_in: Duration,
}

impl Target {
    /// Starts the server on a data directory with the default settings but for those given, and waits
    /// until it is ready.
    ///
    /// # Errors
    /// It can't be started, or does not become ready.
    pub(super) fn start(data: &Path, settings: &[Setting]) -> Result<Target, Failure> {
        let program = std::env::current_exe()?;
        // Where there is no configuration file: the folder of the data directory is the bench's own.
        let folder = data.parent().unwrap_or(data);
        std::fs::create_dir_all(folder)?;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CAIRN_")) {
            command.env_remove(name);
        }
        command.current_dir(folder).args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "warn",
            "--quiet",
            "--data",
        ]);
        command.arg(data).envs(settings.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null());
        // One that was killed before may have left its address behind.
        let stale = running_at(data);
        let began = Instant::now();
        let mut child = command.spawn().map_err(|error| Failure::error("can't start the server").why(error))?;
        let ready = wait_ready(&mut child, data, stale.as_deref(), began);
        let (url, token, client) = ready.inspect_err(|_| {
            // Not ready and not wanted any more; it may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        })?;
        Ok(Target { child, data: data.to_owned(), url, token, client, started_in: began.elapsed() })
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The most memory it had resident so far, in bytes.
    pub(super) fn resident_peak_bytes(&self) -> u64 {
        resident_peak_bytes(self.process())
    }

    /// The value of a series without labels.
    ///
    /// # Errors
    /// The server does not answer, or does not have it.
    pub(super) fn metric(&self, name: &str) -> Result<f64, Failure> {
        let page = self.client.metrics()?;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.ok_or_else(|| Failure::error(format!("the server has no metric {name}")))
    }

    /// Waits until the search index holds this many events.
    ///
    /// # Errors
    /// It does not get there.
    pub(super) fn wait_indexed(&self, events: usize) -> Result<(), Failure> {
        let began = Instant::now();
        while self.metric("cairn_index_events")? < events as f64 {
            if began.elapsed() > INDEX_WAIT {
                return Err(Failure::error("the search index does not catch up"));
            }
            // Each look costs the server a little; a hundred a second are not seen in the result.
            (0..10).for_each(|_| pause());
        }
        Ok(())
    }

    /// Stops it as an operator does, and waits until it gave the data directory back.
    ///
    /// # Errors
    /// It ended with an error.
    pub(super) fn stop(mut self) -> Result<(), Failure> {
        let process = self.process().to_string();
        Command::new("kill").args(["-TERM", &process]).status()?;
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::error(format!("the server on {} ended with {status}", self.data.display())))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // After a stop both do nothing; after an error nobody needs it any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_ready(
    child: &mut Child,
    data: &Path,
    stale: Option<&str>,
    began: Instant,
) -> Result<(String, String, Client), Failure> {
    let mut found: Option<(String, String, Client)> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Err(Failure::error(format!("the server ended with {status} before it was ready")));
        }
        if began.elapsed() > READY_WAIT {
            return Err(Failure::error("the server did not become ready"));
        }
        if found.is_none()
            && let Some(url) = running_at(data).filter(|url| Some(url.as_str()) != stale)
        {
            let token = std::fs::read_to_string(data.join(TOKEN_FILE))?.trim().to_owned();
            let client = Client::new(&url, Some(&token))?;
            found = Some((url, token, client));
        }
        match &found {
            Some((_, _, client)) if client.readyz().is_ok_and(|readiness| readiness.ready) => break,
            _ => pause(),
        }
    }
    found.ok_or_else(|| Failure::error("the server did not say where it listens"))
}
