//! Changes stored bytes in every way there is and demands that verification finds each change and names the place.

use anyhow::{Context, bail, ensure};
use cairn_engines::sim::{MemoryKeys, SimClock, SimEntropy, World, event, large_event};
use cairn_event::{TrailRef, limits};
use cairn_store::seams::Clock;
use cairn_store::steps::Steps;
use cairn_store::{Engines, KeyFile, LogKey, Run, Scope, StoreConfig, StoreError, public_key, verify};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// A kind of change, counted apart.
#[derive(Debug, Default)]
struct Counts {
    flips: AtomicU64,
    cuts: AtomicU64,
    edits: AtomicU64,
}

/// Files of a small, closed data directory that holds every kind of file.
fn directory() -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let world = World::new(0);
    let (clock, entropy) = (Arc::new(SimClock::at(1_800_000_000)), Arc::new(SimEntropy::new(0)));
    let signer = Arc::new(LogKey::open(&world.disk(), entropy.as_ref())?);
    KeyFile::Tokens.write(&world.disk(), signer.as_ref(), br#"{"tokens":[]}"#.to_vec())?;
    let engines = Engines {
        disk: Arc::new(world.disk()),
        clock: clock.clone(),
        entropy,
        signer,
        keys: Arc::new(MemoryKeys::default()),
        give_way: || (),
    };
    let config = StoreConfig {
        host: Some("sim".to_owned()),
        wal_file_bytes: 2000,
        disk_reserve_bytes: 0,
        ..StoreConfig::default()
    };
    let (mut store, _) = Steps::open(engines, config)?;
    let trails: [TrailRef; 2] = ["default/main".parse()?, "acme/main".parse()?];
    for group in 0..5u64 {
        let mut runs = Vec::new();
        for trail in trails.iter().take(1 + group as usize / 4) {
            let mut events = Vec::new();
            for number in group * 2..group * 2 + 2 {
                let make = if number == 5 { large_event } else { event };
                let event = make(&format!("thing-{number}"), number, clock.now());
                let key = cairn_ledger::sha256(format!("{trail} {number}").as_bytes()).0;
                events.push(store.prepare(trail, &event, key, event.fingerprint())?);
            }
            runs.push(Run { trail: trail.clone(), events });
        }
        store.commit(&[runs])?;
        if group == 2 {
            store.seal(&trails[0], 100)?;
        }
    }
    store.publish(true)?;
    Ok(world.files())
}

fn world_of(files: &BTreeMap<String, Vec<u8>>) -> World {
    let world = World::new(0);
    world.fill(files);
    world
}

/// What verification says first, as file and words; `None` when it finds nothing.
fn findings(world: &World) -> anyhow::Result<Vec<(String, String)>> {
    let disk = world.disk();
    let found = match public_key(&disk) {
        Err(StoreError::Corrupt(corrupt)) => vec![*corrupt],
        other => verify(&disk, other?, Scope::All, &mut |_| {})?.findings,
    };
    Ok(found.into_iter().map(|finding| (finding.file.clone(), finding.to_string())).collect())
}

/// Runs the whole sweep on two threads.
pub(crate) fn sweep() -> anyhow::Result<()> {
    let files = directory()?;
    let clean = findings(&world_of(&files))?;
    ensure!(clean.is_empty(), "the untouched directory has findings: {clean:?}");
    let bytes: usize = files.values().map(Vec::len).sum();
    let counts = Counts::default();
    let names: Vec<&String> = files.keys().collect();
    let next = AtomicU64::new(0);
    let work = || -> anyhow::Result<()> {
        let world = world_of(&files);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed) as usize;
            let Some(name) = names.get(number) else { return Ok(()) };
            every_byte(&world, name, &files[*name], &counts).with_context(|| format!("{name} changed"))?;
            every_length(&world, name, &files[*name], &counts).with_context(|| format!("{name} cut"))?;
        }
    };
    thread::scope(|threads| {
        let workers = [threads.spawn(work), threads.spawn(work)];
        workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })?;
    edits(&files, &counts)?;
    println!(
        "{} files, {bytes} bytes: {} flipped bytes, {} cut lengths, {} frames, files and folders edited; every one found and located",
        files.len(),
        counts.flips.into_inner(),
        counts.cuts.into_inner(),
        counts.edits.into_inner(),
    );
    Ok(())
}

/// Every byte; of a blob, which is large and in which no byte means anything by itself, some.
fn places(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let step = if bytes.len() > limits::INLINE_BYTES_MAX { 997 } else { 1 };
    (0..bytes.len()).step_by(step)
}

fn every_byte(world: &World, name: &str, bytes: &[u8], counts: &Counts) -> anyhow::Result<()> {
    for at in places(bytes) {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        world.overwrite(name, changed);
        demand(world, name).with_context(|| format!("byte {at} of {}", bytes.len()))?;
        counts.flips.fetch_add(1, Ordering::Relaxed);
    }
    world.overwrite(name, bytes.to_vec());
    Ok(())
}

fn every_length(world: &World, name: &str, bytes: &[u8], counts: &Counts) -> anyhow::Result<()> {
    for length in places(bytes) {
        world.overwrite(name, bytes[..length].to_vec());
        demand(world, name).with_context(|| format!("{length} of {} bytes left", bytes.len()))?;
        counts.cuts.fetch_add(1, Ordering::Relaxed);
    }
    world.overwrite(name, bytes.to_vec());
    Ok(())
}

/// Some finding must name the file.
fn demand(world: &World, name: &str) -> anyhow::Result<()> {
    let found = findings(world)?;
    match found.iter().find(|(file, _)| file == name) {
        Some(_) => Ok(()),
        None if found.is_empty() => bail!("not found"),
        None => bail!("found, but not in its place: {}", found[0].1),
    }
}

/// Frames deleted, doubled and swapped; files removed, swapped and copied to another trail; bytes added.
fn edits(files: &BTreeMap<String, Vec<u8>>, counts: &Counts) -> anyhow::Result<()> {
    let check = |what: String, edited: BTreeMap<String, Vec<u8>>| {
        counts.edits.fetch_add(1, Ordering::Relaxed);
        let found = findings(&world_of(&edited))?;
        ensure!(!found.is_empty(), "not found: {what}");
        Ok::<_, anyhow::Error>(())
    };
    let edit = |name: &str, bytes: Vec<u8>| {
        let mut edited = files.clone();
        edited.insert(name.to_owned(), bytes);
        edited
    };
    for (name, bytes) in files {
        // An auditor's copy has no secret key, and a directory without credentials is only closed to everybody.
        if !["keys/log-1.key", "keys/tokens.json"].contains(&name.as_str()) {
            let mut removed = files.clone();
            removed.remove(name);
            check(format!("{name} removed"), removed)?;
        }
        check(format!("a byte added to {name}"), edit(name, [bytes.as_slice(), b"\0"].concat()))?;
        for (other, others) in files.range(name.clone()..).skip(1).filter(|(_, others)| *others != bytes) {
            let mut swapped = edit(name, others.clone());
            swapped.insert(other.clone(), bytes.clone());
            check(format!("{name} and {other} swapped"), swapped)?;
        }
        if !name.ends_with(".wal") {
            continue;
        }
        let frames = frames(bytes);
        for (number, frame) in frames.iter().enumerate() {
            let without = [&bytes[..frame.start], &bytes[frame.end..]].concat();
            check(format!("frame {number} of {name} deleted"), edit(name, without))?;
            let twice = [&bytes[..frame.end], &bytes[frame.start..]].concat();
            check(format!("frame {number} of {name} doubled"), edit(name, twice))?;
            if let Some(next) = frames.get(number + 1) {
                let swapped =
                    [&bytes[..frame.start], &bytes[next.clone()], &bytes[frame.clone()], &bytes[next.end..]].concat();
                check(format!("frames {number} and {} of {name} swapped", number + 1), edit(name, swapped))?;
            }
        }
    }
    Ok(())
}

/// Where the frames of an intact WAL file stand (`formats/wal.md`).
fn frames(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    const FILE_HEADER: usize = 100;
    let mut frames = Vec::new();
    let mut at = FILE_HEADER;
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at + 44..at + 48].try_into().expect("four bytes")) as usize;
        let end = at + 48 + length + 32;
        frames.push(at..end);
        at = end;
    }
    frames
}
