//! Background threads stand behind those that answer requests.

/// Steps of niceness by which feeding and merging the search index stand behind answering: seldom urgent, always large.
pub const INDEX: i32 = 19;

/// Steps by which the sealer stands behind the writer: what it owes is bounded by `store.unsealed_bytes_max`.
const SEALER: i32 = 10;

/// The calling thread is the sealer's.
pub(crate) fn sealer() {
    give_way(SEALER);
}

/// Makes the calling thread, and those that it starts, nicer by these steps. Where the system can't do that for one
/// thread, nothing happens.
pub fn give_way(steps: i32) {
    // On Linux niceness belongs to a thread (setpriority(2), "C library/kernel differences"), elsewhere to the process.
    if cfg!(target_os = "linux") {
        // A refusal leaves the thread as fast as any other, which is no fault.
        let _ = rustix::process::setpriority_process(None, steps);
    }
}

/// Runs `start` in a thread that gives way, so that the threads it starts do too.
pub(crate) fn giving_way<T: Send>(steps: i32, start: impl FnOnce() -> T + Send) -> T {
    let run = || {
        give_way(steps);
        start()
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("what is started here gives its errors back"))
}
