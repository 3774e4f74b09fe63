//! What a process and the machine used, as the kernel counts it (proc(5)).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The kernel counts processor time for programs in hundredths of a second (`USER_HZ`), whatever its own
/// tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// The rooms of the server that its processor time is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Room {
    Http,
    Writer,
    Sealer,
    Index,
}

impl Room {
    pub(super) const ALL: [Room; 4] = [Room::Http, Room::Writer, Room::Sealer, Room::Index];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Room::Http => "http",
            Room::Writer => "writer",
            Room::Sealer => "sealer",
            Room::Index => "index",
        }
    }

    /// The room of a thread by its name, which the kernel cuts at 15 bytes. Threads of the search engine
    /// have names of their own.
    fn of_thread(name: &str) -> Room {
        match name {
            "cairn-writer" => Room::Writer,
            "cairn-sealer" => Room::Sealer,
            "cairn-http" | "cairn" => Room::Http,
            _ => Room::Index,
        }
    }
}

/// Processor time since some start, in seconds.
#[derive(Debug, Clone)]
pub(super) struct Usage {
    at: Instant,
    /// This process: the load generator.
    generator: f64,
    /// The process under test.
    server: f64,
    rooms: BTreeMap<Room, f64>,
    /// All processes of the machine.
    machine: f64,
}

/// Processor time between two moments.
#[derive(Debug, Clone, Default)]
pub(super) struct Used {
    pub(super) elapsed_s: f64,
    pub(super) generator_s: f64,
    pub(super) server_s: f64,
    /// Of the server by room. The search engine ends its threads at each of its commits, so what no living
    /// thread accounts for is its.
    pub(super) rooms_s: BTreeMap<Room, f64>,
    /// Cores that other processes of the machine kept busy meanwhile, on average.
    pub(super) others_cores: f64,
}

impl Used {
    /// What this span and the next one used together.
    pub(super) fn and(self, next: Used) -> Used {
        let elapsed_s = self.elapsed_s + next.elapsed_s;
        let others_s = self.others_cores * self.elapsed_s + next.others_cores * next.elapsed_s;
        let mut rooms_s = self.rooms_s;
        next.rooms_s.into_iter().for_each(|(room, seconds)| *rooms_s.entry(room).or_insert(0.0) += seconds);
        Used {
            generator_s: self.generator_s + next.generator_s,
            server_s: self.server_s + next.server_s,
            rooms_s,
            elapsed_s,
            others_cores: others_s / elapsed_s.max(1e-9),
        }
    }
}

impl Usage {
    /// Reads the counters; what can't be read counts as 0.
    pub(super) fn now(server: u32) -> Usage {
        Usage {
            at: Instant::now(),
            generator: stat_seconds("/proc/self/stat"),
            server: stat_seconds(&format!("/proc/{server}/stat")),
            rooms: rooms(server),
            machine: machine_seconds(),
        }
    }

    /// What was used since an earlier reading.
    pub(super) fn since(&self, earlier: &Usage) -> Used {
        let generator_s = self.generator - earlier.generator;
        let server_s = self.server - earlier.server;
        let others = self.machine - earlier.machine - generator_s - server_s;
        let elapsed_s = self.at.duration_since(earlier.at).as_secs_f64().max(1e-9);
        let in_room = |usage: &Usage, room| usage.rooms.get(&room).copied().unwrap_or(0.0);
        let living = [Room::Http, Room::Writer, Room::Sealer];
        let living = living.map(|room| (room, (in_room(self, room) - in_room(earlier, room)).max(0.0)));
        let mut rooms_s = BTreeMap::from(living);
        let index_s = server_s - rooms_s.values().sum::<f64>();
        rooms_s.insert(Room::Index, index_s.max(0.0));
        Used { elapsed_s, generator_s, server_s, rooms_s, others_cores: (others / elapsed_s).max(0.0) }
    }
}

fn rooms(server: u32) -> BTreeMap<Room, f64> {
    let mut rooms = BTreeMap::new();
    let threads = std::fs::read_dir(format!("/proc/{server}/task")).into_iter().flatten();
    for thread in threads.filter_map(Result::ok) {
        let name = std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
        let seconds = stat_seconds(&thread.path().join("stat").to_string_lossy());
        *rooms.entry(Room::of_thread(name.trim())).or_insert(0.0) += seconds;
    }
    rooms
}

fn stat_seconds(path: &str) -> f64 {
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    // The name of the program stands in parentheses and may hold anything; fields 14 and 15 are user and
    // system time.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

fn machine_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, then idle and iowait, then the two kinds of interrupts and what a hypervisor took.
    let busy = |at: usize| fields.get(at).copied().unwrap_or(0.0);
    (busy(0) + busy(1) + busy(2) + busy(5) + busy(6)) / TICKS_PER_SECOND
}

/// The most memory that a process ever had resident (`VmHWM`), in bytes.
pub(super) fn resident_peak_bytes(process: u32) -> u64 {
    status_bytes(process, "VmHWM:")
}

fn status_bytes(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0);
    kibibytes * 1024
}

/// Sleeps between two looks at something that another process does.
pub(super) fn pause() {
    std::thread::sleep(Duration::from_millis(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_time_and_memory() {
        let before = Usage::now(std::process::id());
        let mut sum = 0_u64;
        while before.at.elapsed() < Duration::from_millis(40) {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        let used = Usage::now(std::process::id()).since(&before);
        assert!(used.generator_s > 0.0, "{used:?}");
        assert!(used.rooms_s.values().sum::<f64>() > 0.0, "{used:?}");
        assert!(resident_peak_bytes(std::process::id()) > 1 << 20);
    }
}
