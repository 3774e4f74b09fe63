//! The store's settings, resolved: every value present, units in the names.

/// Bounds and periods of the write path. `Default` is the embedded default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Host part of every log origin; fixed when the directory is created.
    pub host: Option<String>,
    /// A commit group closes at this many bytes of event records.
    pub group_bytes_max: u64,
    /// A commit group waits at most this long for company after its first event. 0 takes what is queued.
    pub group_wait_ms_max: u64,
    /// Requests that may wait for the writer; more are answered with `Busy`.
    pub queue_requests_max: usize,
    /// Bytes that may wait for the writer; more are answered with `Busy`.
    pub queue_bytes_max: u64,
    /// Bytes of unsealed events at which producers are told to wait for the sealer.
    pub unsealed_bytes_max: u64,
    /// A WAL file is followed by the next one at this size.
    pub wal_file_bytes: u64,
    /// A trail is sealed when it has this many unsealed events; also the most events in one segment.
    pub seal_events: u64,
    /// A trail is sealed when its unsealed events are this many bytes in the WAL.
    pub seal_bytes: u64,
    /// A trail is sealed when its oldest unsealed event is this old.
    pub seal_age_ms: u64,
    /// Checkpoint files and the WAL head are written at most this often.
    pub publish_interval_ms: u64,
    /// New events are refused when fewer bytes than this are free on the disk.
    pub disk_reserve_bytes: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        StoreConfig {
            host: None,
            group_bytes_max: 4 << 20,
            group_wait_ms_max: 0,
            queue_requests_max: 1024,
            queue_bytes_max: 64 << 20,
            unsealed_bytes_max: 512 << 20,
            wal_file_bytes: 64 << 20,
            seal_events: 65_536,
            seal_bytes: 128 << 20,
            seal_age_ms: 15 * 60 * 1000,
            publish_interval_ms: 1000,
            disk_reserve_bytes: 256 << 20,
        }
    }
}
