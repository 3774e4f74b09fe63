//! What the doctor looks at. No probe changes anything that outlives it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use cairn_api::Client;
use cairn_engines::LocalDisk;
use cairn_store::seams::Disk;

use super::Checked;
use crate::config::Config;
use crate::connect::{TOKEN_FILE, local_token, running_at};
use crate::print::times;

/// Writes that are timed.
const SYNCS: usize = 32;
/// Above this median a disk is slow for single events.
const SYNC_SLOW: Duration = Duration::from_millis(10);
/// Open files below which many connections and segments may not fit.
const FILES_MIN: u64 = 4096;
/// Events that the index may be behind without anybody noticing.
const LAG_SMALL: u64 = 20_000;
/// Scratch file of the disk probe. Names that end in `.tmp` are not part of a data directory.
const SCRATCH: &str = "doctor.tmp";

pub(super) fn all(config: &Config) -> Vec<Checked> {
    let data = config.data();
    let mut checks = vec![configuration(config), data_directory(data)];
    let running = config.server().map(str::to_owned).or_else(|| running_at(data));
    let client = running.and_then(|url| {
        let token = config.token_from().read().ok().flatten().or_else(|| local_token(data).ok().flatten());
        Client::new(&url, token.as_deref()).ok()
    });
    match client.filter(|client| client.healthz().is_ok()) {
        Some(client) => {
            checks.extend(server(&client));
            checks.push(index_lag(&client));
        }
        None => {
            checks.push(lock(data));
            checks.push(port(config));
        }
    }
    if data.is_dir() {
        checks.push(disk_space(data, config.number("store.disk_reserve_bytes")));
        checks.push(disk_latency(data));
        checks.push(clock(data));
    }
    checks.push(open_files());
    checks
}

fn configuration(config: &Config) -> Checked {
    let set = config.explain().iter().filter(|line| config.is_set(line.key.name)).count();
    let file = config.file.as_ref().map_or("no file".to_owned(), |file| file.display().to_string());
    Checked::good("configuration", format!("{file}, {} set", times::plural(set as u64, "setting")))
}

fn data_directory(data: &Path) -> Checked {
    const NAME: &str = "data directory";
    let shown = data.display();
    if !data.is_dir() {
        return Checked::doubtful(NAME, format!("{shown} does not exist"), "`cairn dev` or `cairn serve` makes it");
    }
    if !data.join("cairn.id").is_file() {
        return Checked::bad(
            NAME,
            format!("{shown} has no cairn.id"),
            "name the right folder with --data, or an empty one for a new start",
        );
    }
    for secret in ["keys/log-1.key", TOKEN_FILE] {
        let mode = std::fs::metadata(data.join(secret)).map(|metadata| metadata.permissions().mode() & 0o7777);
        if let Some(mode) = mode.ok().filter(|mode| mode & 0o077 != 0) {
            let path = data.join(secret).display().to_string();
            return Checked::bad(
                NAME,
                format!("{path} has mode {mode:04o}: other users may read the secret"),
                format!("chmod 600 {path}"),
            );
        }
    }
    Checked::good(NAME, shown.to_string())
}

fn server(client: &Client) -> Vec<Checked> {
    let ready = match client.readyz() {
        Ok(ready) => ready,
        Err(error) => {
            return vec![Checked::bad("server", error.to_string(), "look at the server's log")];
        }
    };
    let mut checks = vec![if ready.ready {
        Checked::good("server", format!("{} takes events", client.base()))
    } else {
        Checked::bad("server", format!("{} takes no events", client.base()), "the lines below say why")
    }];
    for dependency in ready.dependencies.into_iter().filter(|dependency| !dependency.ok) {
        let detail = format!("{}: {}", dependency.name, dependency.detail);
        checks.push(Checked::bad("server", detail, "put that right, then restart the server if its writer stopped"));
    }
    checks
}

fn index_lag(client: &Client) -> Checked {
    const NAME: &str = "index";
    match client.trails() {
        Err(error) => Checked::doubtful(NAME, format!("not known: {error}"), "give a credential with the scope `read`"),
        Ok(list) => {
            let behind: u64 = list.trails.iter().map(|trail| trail.size.saturating_sub(trail.indexed)).sum();
            let detail = format!("{} behind", times::plural(behind, "event"));
            if behind <= LAG_SMALL {
                Checked::good(NAME, detail)
            } else {
                Checked::doubtful(
                    NAME,
                    detail,
                    "searches are slower until it has caught up; nothing is missing from them",
                )
            }
        }
    }
}

fn lock(data: &Path) -> Checked {
    const NAME: &str = "lock";
    if !data.join("LOCK").exists() {
        return Checked::good(NAME, "nobody has the data directory open");
    }
    match LocalDisk::existing(data).and_then(|disk| disk.lock("LOCK").map(drop)) {
        Ok(()) => Checked::good(NAME, "nobody has the data directory open"),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Checked::bad(
            NAME,
            "a process has the data directory open, but no server answers for it",
            "find it with `fuser -v` on the file LOCK",
        ),
        Err(error) => Checked::bad(NAME, error.to_string(), "run as the owner of the data directory"),
    }
}

fn port(config: &Config) -> Checked {
    let listen = config.listen();
    match TcpListener::bind(listen) {
        Ok(_) => Checked::good("port", format!("{listen} is free")),
        Err(error) => Checked::bad(
            "port",
            format!("{listen}: {error}"),
            "stop what listens there, or choose another with --listen or http.listen",
        ),
    }
}

fn disk_space(data: &Path, reserve: u64) -> Checked {
    const NAME: &str = "disk space";
    match LocalDisk::existing(data).and_then(|disk| disk.free_bytes()) {
        Err(error) => Checked::bad(NAME, error.to_string(), "run as the owner of the data directory"),
        Ok(free) => {
            let detail = format!("{} free, {} kept in reserve", times::size(free), times::size(reserve));
            if free <= reserve {
                Checked::bad(NAME, detail, "free some space: new events are refused with 507")
            } else if free < reserve.saturating_mul(4) {
                Checked::doubtful(NAME, detail, "free some space before the reserve is reached")
            } else {
                Checked::good(NAME, detail)
            }
        }
    }
}

fn disk_latency(data: &Path) -> Checked {
    const NAME: &str = "disk latency";
    match sync_times(data) {
        Err(error) => Checked::bad(NAME, error.to_string(), "the data directory must be writable"),
        Ok(mut taken) => {
            taken.sort_unstable();
            let (middle, most) = (taken[taken.len() / 2], taken[taken.len() - 1]);
            let detail = format!(
                "fdatasync of 4 KiB: half within {}, longest {}",
                times::duration(middle),
                times::duration(most)
            );
            if middle > SYNC_SLOW {
                Checked::doubtful(
                    NAME,
                    detail,
                    "single events wait for this; send batches, or use a disk with a safe write cache",
                )
            } else {
                Checked::good(NAME, detail)
            }
        }
    }
}

fn sync_times(data: &Path) -> std::io::Result<Vec<Duration>> {
    let disk = LocalDisk::existing(data)?;
    let file = disk.create(SCRATCH)?;
    let timed = (0..SYNCS).map(|at| {
        file.pwrite(&[0x5a; 4096], (at * 4096) as u64)?;
        let started = Instant::now();
        // tidy: allow sync, because this measures the disk and keeps nothing.
        file.sync_data()?;
        Ok(started.elapsed())
    });
    let timed = timed.collect();
    disk.remove(SCRATCH)?;
    timed
}

/// A clock behind the newest file of the log has been set back since that was written.
fn clock(data: &Path) -> Checked {
    const NAME: &str = "clock";
    let now = SystemTime::now();
    let newest = std::fs::read_dir(data.join("wal"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok())
        .max();
    let shown = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    match newest.and_then(|newest| newest.duration_since(now).ok()).filter(|ahead| *ahead > Duration::from_secs(1)) {
        Some(ahead) => Checked::bad(
            NAME,
            format!("{shown} is {} before the last write", times::duration(ahead)),
            "set the clock (NTP); times of arrival would go backwards",
        ),
        None => Checked::good(NAME, shown),
    }
}

fn open_files() -> Checked {
    const NAME: &str = "open files";
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    match soft_limit(&limits) {
        None => Checked::doubtful(
            NAME,
            "the limit is not known on this system",
            format!("make sure it is at least {FILES_MIN}"),
        ),
        Some(limit) if limit < FILES_MIN => Checked::doubtful(
            NAME,
            format!("at most {limit}"),
            format!("ulimit -n {FILES_MIN}, or LimitNOFILE= in the unit file"),
        ),
        Some(u64::MAX) => Checked::good(NAME, "no limit"),
        Some(limit) => Checked::good(NAME, format!("at most {}", times::count(limit))),
    }
}

fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::State;

    #[test]
    fn the_soft_limit_is_the_first_number() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(soft_limit(limits), Some(1024));
        assert_eq!(soft_limit("Max open files unlimited unlimited files"), Some(u64::MAX));
        assert_eq!(soft_limit(""), None);
    }

    #[test]
    fn the_disk_probe_leaves_nothing_behind() {
        let data = tempfile::tempdir().expect("a folder");
        assert_eq!(disk_latency(data.path()).state, State::Good);
        assert_eq!(std::fs::read_dir(data.path()).expect("a folder").count(), 0);
        assert_eq!(data_directory(data.path()).state, State::Bad);
    }
}
