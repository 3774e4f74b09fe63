//! Verifies a log from what its server serves: the entries give the tree, the tree the root, the root is
//! signed; in a range every event is fetched with its evidence as well.

use std::ops::Range;

use cairn_api::ExitCode;
use cairn_event::json::Object;
use cairn_event::{Json, TrailRef};
use cairn_ledger::{
    Checkpoint, Hash, LedgerError, TileId, TileKind, Tree, decode_bundle, full_tiles, leaf_hash, partial_width,
};

use super::{Bar, place};
use crate::commands::Context;
use crate::commands::search::found;
use crate::connect::{Session, TrailKey, open_checkpoint};
use crate::evidence;
use crate::failure::{Ended, Failure};
use crate::print::{Printer, Tone, times};

/// Entries in a full tile (C2SP tlog-tiles).
const TILE: u16 = 256;

pub(super) fn verify(trail: Option<TrailRef>, range: Option<Range<u64>>, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    let trails = match trail {
        Some(trail) => vec![trail],
        None => {
            let named = session.client.trails()?.trails.into_iter().map(|view| view.trail.parse::<TrailRef>());
            named
                .collect::<Result<_, _>>()
                .map_err(|error| Failure::error("the server gave a trail name that can't be read").why(error))?
        }
    };
    for trail in &trails {
        let key = session.key_of(trail)?;
        let note = session.client.checkpoint(&trail.to_string())?;
        let checkpoint = open_checkpoint(&note, &key.key)?;
        let bar = Bar::new(&context.printer);
        let leaves = leaves(&session, trail, checkpoint.size(), &bar)?;
        check_root(trail, &checkpoint, &leaves)?;
        let opened = match &range {
            None => 0,
            Some(range) => open_events(&session, trail, &key, range, &leaves, &bar)?,
        };
        bar.end();
        print(trail, &checkpoint, &key, opened, &mut context.printer)?;
    }
    session.close()?;
    if range.is_none() {
        context.printer.hint("the log is whole and signed; the events behind its entries were not opened: verify a range for that, or the data directory itself with --data");
    }
    Ok(ExitCode::Ok)
}

/// The leaf hashes of the first `size` entries.
fn leaves(session: &Session, trail: &TrailRef, size: u64, bar: &Bar) -> Result<Vec<Hash>, Failure> {
    let mut leaves = Vec::new();
    let full = (0..full_tiles(size, 0)).map(|tile| (tile, TILE));
    let partial = Some(partial_width(size, 0)).filter(|width| *width > 0).map(|width| (full_tiles(size, 0), width));
    for (tile, width) in full.chain(partial) {
        let broken = |error: LedgerError| {
            Failure::new(
                ExitCode::IntegrityFailure,
                format!("the entries from {} on can't be read", place(trail, tile * u64::from(TILE))),
            )
            .why(error)
        };
        let id = TileId::new(TileKind::Entries, tile, width).map_err(broken)?;
        let bundle = session.client.tile(&trail.to_string(), &id.to_string())?;
        let entries = decode_bundle(&bundle).map_err(broken)?;
        if entries.len() != usize::from(width) {
            let what = format!(
                "the server gave {} entries from {} on, {width} were asked for",
                entries.len(),
                place(trail, tile * u64::from(TILE))
            );
            return Err(Failure::new(ExitCode::IntegrityFailure, what));
        }
        leaves.extend(entries.into_iter().map(leaf_hash));
        bar.at(leaves.len() as u64, size);
    }
    Ok(leaves)
}

fn check_root(trail: &TrailRef, checkpoint: &Checkpoint, leaves: &[Hash]) -> Result<(), Failure> {
    let mut tree = Tree::new();
    for leaf in leaves {
        tree.push(*leaf);
    }
    if tree.root() == *checkpoint.root() {
        return Ok(());
    }
    let what = format!("the entries of {trail} do not give the root that its checkpoint signs");
    Err(Failure::new(ExitCode::IntegrityFailure, what).why(format!(
        "{} entries give {}, the checkpoint says {}",
        times::count(checkpoint.size()),
        tree.root(),
        checkpoint.root()
    )))
}

/// Fetches each event of a range with its evidence; gives how many there were.
fn open_events(
    session: &Session,
    trail: &TrailRef,
    key: &TrailKey,
    range: &Range<u64>,
    leaves: &[Hash],
    bar: &Bar,
) -> Result<u64, Failure> {
    let end = range.end.min(leaves.len() as u64);
    for index in range.start..end {
        let name = place(trail, index);
        let event = found(session.client.event(&name)?)?;
        let at = usize::try_from(index).expect("it lies within the leaves");
        if event.leaf_hash != leaves[at].to_string() {
            return Err(Failure::new(
                ExitCode::IntegrityFailure,
                format!("{name} is shown with a leaf hash that is not in the log"),
            ));
        }
        evidence::check(session, &event, key)?;
        bar.at(index + 1 - range.start, end - range.start);
    }
    Ok(end.saturating_sub(range.start))
}

fn print(
    trail: &TrailRef,
    checkpoint: &Checkpoint,
    key: &TrailKey,
    opened: u64,
    printer: &mut Printer,
) -> std::io::Result<()> {
    if printer.wants_json() {
        let mut json = Object::new();
        json.insert("trail", trail.to_string());
        json.insert("verified", true);
        json.insert("events", checkpoint.size());
        json.insert("root", checkpoint.root().to_string());
        json.insert("events_opened", opened);
        json.insert("key_pinned", key.pinned);
        return printer.json(&Json::Object(json));
    }
    let good = printer.tint(Tone::Good, "✓").into_owned();
    let pinned = if key.pinned { "" } else { " as given by the server" };
    let opened = if opened > 0 { format!(", {} opened", times::count(opened)) } else { String::new() };
    printer.line(&format!(
        "{good} {trail}: {}{opened}, root {}, key {}{pinned}",
        times::plural(checkpoint.size(), "event"),
        checkpoint.root(),
        key.key
    ))
}
