//! The simulated disk: bytes and names are durable only after a sync, and a crash keeps any part of the rest.

use super::Dice;
use cairn_ledger::{Hash, sha256};
use cairn_store::seams::{Disk, DiskFile};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// What happens at one numbered operation that changes the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails with an I/O error. After a failed sync the bytes it was for are lost in the next crash even
    /// if a later sync says otherwise, as on real kernels.
    Io,
    /// The disk is full: a write gets part of its bytes down and fails; so does everything that needs space.
    Full,
    /// The machine stops before the operation; every later call fails until [`World::restart`].
    CrashBefore,
    /// The machine stops right after the operation.
    CrashAfter,
}

/// A change of a file's bytes that no sync covered yet.
#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { size: usize },
}

impl Change {
    /// What is left of a change when a later one became durable: bytes that were written over or cut off never come back.
    fn without(&self, later: &Change) -> Vec<Change> {
        let (Change::Write { offset, bytes }, later) = (self, later) else { return Vec::new() };
        let end = offset + bytes.len();
        let (from, to) = match later {
            Change::Write { offset, bytes } => (*offset, offset + bytes.len()),
            Change::Truncate { size } => (*size, usize::MAX),
        };
        let part = |start: usize, stop: usize| {
            let (start, stop) = (start.clamp(*offset, end), stop.clamp(*offset, end));
            (start < stop)
                .then(|| Change::Write { offset: start, bytes: bytes[start - offset..stop - offset].to_vec() })
        };
        [part(*offset, from), part(to, end)].into_iter().flatten().collect()
    }
}

#[derive(Debug, Clone, Default)]
struct File {
    durable: Vec<u8>,
    /// What readers see.
    current: Vec<u8>,
    pending: Vec<Change>,
    /// Changes whose sync failed: readers see them, no sync saves them.
    limbo: Vec<Change>,
}

/// A change of names that no folder sync covered yet.
#[derive(Debug, Clone)]
enum Naming {
    Link { path: String, file: usize },
    Rename { from: String, to: String, file: usize },
    Unlink { path: String },
    Folder { path: String },
}

#[derive(Default)]
struct State {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    folders: BTreeSet<String>,
    durable_folders: BTreeSet<String>,
    /// By folder.
    namings: BTreeMap<String, Vec<Naming>>,
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    fired: Vec<(u64, Fault)>,
    down: bool,
    locked: bool,
    trace: Hash,
}

/// One machine: its disk survives crashes, its memory does not.
#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    dice: Arc<Dice>,
}

impl World {
    /// An empty disk whose crashes are decided by the seed.
    pub fn new(seed: u64) -> World {
        World { state: Arc::default(), dice: Arc::new(Dice::new(seed)) }
    }

    /// The disk of this machine.
    pub fn disk(&self) -> SimDisk {
        SimDisk(self.clone())
    }

    /// Plans a fault for the operation with this number; [`World::operations`] is the number of the next one.
    pub fn plan(&self, operation: u64, fault: Fault) {
        self.lock().faults.insert(operation, fault);
    }

    /// Forgets planned faults.
    pub fn calm(&self) {
        self.lock().faults.clear();
    }

    /// Number of the next operation that changes the disk.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Faults that happened.
    pub fn fired(&self) -> Vec<(u64, Fault)> {
        self.lock().fired.clone()
    }

    /// Whether the machine is down.
    pub fn is_down(&self) -> bool {
        self.lock().down
    }

    /// A hash over every operation so far with its arguments: equal for equal runs.
    pub fn trace(&self) -> Hash {
        self.lock().trace
    }

    /// Cuts the power: of what was not synced, each change is lost, kept, or torn, as the dice say.
    pub fn crash(&self) {
        let mut state = self.lock();
        for file in &mut state.files {
            let changes: Vec<Change> = file.limbo.drain(..).chain(file.pending.drain(..)).collect();
            let mut bytes = std::mem::take(&mut file.durable);
            for change in &changes {
                match self.dice.below(3) {
                    0 => {}
                    1 => apply(&mut bytes, change),
                    _ => self.torn(change).iter().for_each(|part| apply(&mut bytes, part)),
                }
            }
            file.durable.clone_from(&bytes);
            file.current = bytes;
        }
        let namings: Vec<Naming> = std::mem::take(&mut state.namings).into_values().flatten().collect();
        for naming in namings {
            if self.dice.chance(50) {
                state.make_durable(&naming);
            }
        }
        state.names = state.durable_names.clone();
        state.folders = state.durable_folders.clone();
        // A name in a folder that did not survive did not either.
        let folders = state.folders.clone();
        let lives = |path: &str| folder(path).is_empty() || folders.contains(folder(path));
        state.names.retain(|path, _| lives(path));
        state.folders.retain(|path| lives(path));
        state.durable_names = state.names.clone();
        state.durable_folders = state.folders.clone();
        state.down = true;
        state.locked = false;
    }

    /// Starts the machine again.
    pub fn restart(&self) {
        let mut state = self.lock();
        state.down = false;
        state.locked = false;
    }

    /// All files as readers see them, by path.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.lock();
        state.names.iter().map(|(path, file)| (path.clone(), state.files[*file].current.clone())).collect()
    }

    /// Puts these files on an empty disk, durable at once.
    pub fn fill(&self, files: &BTreeMap<String, Vec<u8>>) {
        let mut state = self.lock();
        for (path, bytes) in files {
            for (end, _) in path.match_indices('/') {
                state.folders.insert(path[..end].to_owned());
            }
            let number = state.files.len();
            state.files.push(File { durable: bytes.clone(), current: bytes.clone(), ..File::default() });
            state.names.insert(path.clone(), number);
        }
        state.durable_names = state.names.clone();
        state.durable_folders = state.folders.clone();
    }

    /// Replaces a file's bytes, durable at once: for tampering.
    pub fn overwrite(&self, path: &str, bytes: Vec<u8>) {
        let mut state = self.lock();
        let number = state.names[path];
        state.files[number] = File { durable: bytes.clone(), current: bytes, ..File::default() };
    }

    /// The parts of a change that reach the disk when it is torn. What is missing keeps the bytes that were there before,
    /// zeros where the file grew.
    fn torn(&self, change: &Change) -> Vec<Change> {
        let Change::Write { offset, bytes } = change else { return vec![change.clone()] };
        // At a sector or at any byte; now and then the middle is missing.
        let cut = self.dice.below(bytes.len() as u64 + 1) as usize;
        let cut = if self.dice.chance(50) { cut / 512 * 512 } else { cut };
        let part = |from: usize, to: usize| Change::Write { offset: offset + from, bytes: bytes[from..to].to_vec() };
        if self.dice.chance(25) && cut > 2 {
            let hole = self.dice.below(cut as u64) as usize;
            let end = hole + self.dice.below((cut - hole) as u64) as usize;
            return vec![part(0, hole), part(end, cut)];
        }
        vec![part(0, cut)]
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the world panics")
    }

    /// Counts one changing operation and lets its fault happen.
    fn step(&self, what: &str, argument: &[u8]) -> io::Result<Turn> {
        let mut state = self.lock();
        if state.down {
            return Err(io::Error::other("the machine is down"));
        }
        let number = state.operations;
        state.operations += 1;
        let chained = [state.trace.as_bytes(), what.as_bytes(), sha256(argument).as_bytes()].concat();
        state.trace = sha256(&chained);
        let fault = state.faults.remove(&number);
        if let Some(fault) = fault {
            state.fired.push((number, fault));
        }
        match fault {
            None => Ok(Turn::Go),
            Some(Fault::Io) => Ok(Turn::Fail(io::Error::other("injected I/O error"))),
            Some(Fault::Full) => Ok(Turn::Fail(io::ErrorKind::StorageFull.into())),
            Some(Fault::CrashAfter) => Ok(Turn::GoThenCrash),
            Some(Fault::CrashBefore) => {
                drop(state);
                self.crash();
                Err(io::Error::other("the machine is down"))
            }
        }
    }

    /// Runs an operation under its fault. `failed` is what a failing operation leaves behind.
    fn run<T>(
        &self,
        what: &str,
        argument: &[u8],
        work: impl FnOnce(&mut State) -> io::Result<T>,
        failed: impl FnOnce(&mut State),
    ) -> io::Result<T> {
        match self.step(what, argument)? {
            Turn::Go => work(&mut self.lock()),
            Turn::GoThenCrash => {
                let result = work(&mut self.lock());
                self.crash();
                result.and(Err(io::Error::other("the machine is down")))
            }
            Turn::Fail(error) => {
                failed(&mut self.lock());
                Err(error)
            }
        }
    }
}

enum Turn {
    Go,
    GoThenCrash,
    Fail(io::Error),
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes: new } => {
            let end = offset + new.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(new);
        }
        Change::Truncate { size } => bytes.truncate(*size),
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl State {
    fn make_durable(&mut self, naming: &Naming) {
        match naming {
            Naming::Link { path, file } => {
                self.durable_names.insert(path.clone(), *file);
            }
            Naming::Rename { from, to, file } => {
                self.durable_names.remove(from);
                self.durable_names.insert(to.clone(), *file);
            }
            Naming::Unlink { path } => {
                self.durable_names.remove(path);
            }
            Naming::Folder { path } => {
                self.durable_folders.insert(path.clone());
            }
        }
    }

    fn naming(&mut self, path: &str, naming: Naming) {
        self.namings.entry(folder(path).to_owned()).or_default().push(naming);
    }

    fn find(&self, path: &str) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn in_folder(&self, path: &str) -> io::Result<()> {
        let dir = folder(path);
        if dir.is_empty() || self.folders.contains(dir) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

/// The disk of a [`World`].
#[derive(Clone)]
pub struct SimDisk(World);

struct SimFile {
    world: World,
    file: usize,
}

impl SimDisk {
    fn file(&self, file: usize) -> Box<dyn DiskFile> {
        Box::new(SimFile { world: self.0.clone(), file })
    }

    fn up(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.0.lock();
        if state.down { Err(io::Error::other("the machine is down")) } else { Ok(state) }
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let create = |state: &mut State| {
            state.in_folder(path)?;
            if state.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let file = state.files.len();
            state.files.push(File::default());
            state.names.insert(path.to_owned(), file);
            state.naming(path, Naming::Link { path: path.to_owned(), file });
            Ok(file)
        };
        self.0.run("create", path.as_bytes(), create, |_| {}).map(|file| self.file(file))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.up()?.find(path)?;
        Ok(self.file(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let rename = |state: &mut State| {
            let file = state.find(from)?;
            state.in_folder(to)?;
            state.names.remove(from);
            state.names.insert(to.to_owned(), file);
            state.naming(to, Naming::Rename { from: from.to_owned(), to: to.to_owned(), file });
            Ok(())
        };
        self.0.run("rename", format!("{from} {to}").as_bytes(), rename, |_| {})
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let remove = |state: &mut State| {
            state.find(path)?;
            state.names.remove(path);
            state.naming(path, Naming::Unlink { path: path.to_owned() });
            Ok(())
        };
        self.0.run("remove", path.as_bytes(), remove, |_| {})
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.up()?;
        if !dir.is_empty() && !state.folders.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = |path: &&String| folder(path) == dir;
        let names: BTreeSet<String> = state.names.keys().chain(&state.folders).filter(inside).cloned().collect();
        Ok(names
            .into_iter()
            .map(|path| path.rsplit_once('/').map_or(path.clone(), |(_, name)| name.to_owned()))
            .collect())
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        let create = |state: &mut State| {
            state.in_folder(dir)?;
            if state.folders.insert(dir.to_owned()) {
                state.naming(dir, Naming::Folder { path: dir.to_owned() });
            }
            Ok(())
        };
        self.0.run("create_dir", dir.as_bytes(), create, |_| {})
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let sync = |state: &mut State| {
            for naming in state.namings.remove(dir).unwrap_or_default() {
                state.make_durable(&naming);
            }
            Ok(())
        };
        self.0.run("sync_dir", dir.as_bytes(), sync, |_| {})
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(1 << 40)
    }

    fn lock(&self, _path: &str) -> io::Result<Box<dyn Send + Sync>> {
        let mut state = self.up()?;
        if state.locked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.locked = true;
        Ok(Box::new(Guard(self.0.clone())))
    }
}

struct Guard(World);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.lock().locked = false;
    }
}

impl SimFile {
    fn change(&self, what: &str, argument: &[u8], change: Change, part: Option<Change>) -> io::Result<()> {
        let file = self.file;
        let apply_one = |state: &mut State, change: Change| {
            apply(&mut state.files[file].current, &change);
            state.files[file].pending.push(change);
        };
        let work = |state: &mut State| {
            apply_one(state, change);
            Ok(())
        };
        // A write that fails has put some of its bytes down.
        self.world.run(what, argument, work, |state| part.into_iter().for_each(|part| apply_one(state, part)))
    }
}

impl DiskFile for SimFile {
    fn pread(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.world.lock();
        if state.down {
            return Err(io::Error::other("the machine is down"));
        }
        let bytes = &state.files[self.file].current;
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn pwrite(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = offset as usize;
        let part = Change::Write { offset, bytes: bytes[..bytes.len() / 2].to_vec() };
        self.change("pwrite", bytes, Change::Write { offset, bytes: bytes.to_vec() }, Some(part))
    }

    fn sync_data(&self) -> io::Result<()> {
        let number = self.file;
        let sync = |state: &mut State| {
            let file = &mut state.files[number];
            for change in std::mem::take(&mut file.pending) {
                apply(&mut file.durable, &change);
                file.limbo = file.limbo.iter().flat_map(|older| older.without(&change)).collect();
            }
            Ok(())
        };
        self.world.run("sync_data", &number.to_be_bytes(), sync, |state| {
            let file = &mut state.files[number];
            file.limbo.append(&mut file.pending);
        })
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.world.lock().files[self.file].current.len() as u64)
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.change("truncate", &size.to_be_bytes(), Change::Truncate { size: size as usize }, None)
    }
}
