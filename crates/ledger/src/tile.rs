//! The log as C2SP tlog-tiles: the names of its files, and the bundles of its entries.

use std::fmt;
use std::str::FromStr;

use crate::LedgerError;
use crate::limits::{BUNDLE_ENTRY_BYTES_MAX, TILE_HEIGHT, TILE_LEVEL_MAX, TILE_WIDTH, TREE_SIZE_MAX};
use crate::text::{Reader, from_decimal};

const WHAT: &str = "tile path";

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of the tree: of leaves at level 0, of full tiles of the level below above that.
    Hashes {
        /// Level of the tile, 0 to 63.
        level: u8,
    },
    /// The log's entries.
    Entries,
}

/// One file of a tiled log. Prints as its path, `tile/<L>/<N>[.p/<W>]` or
/// `tile/entries/<N>[.p/<W>]`, and parses from exactly that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl TileId {
    /// A tile by kind, number within its level, and width.
    ///
    /// # Errors
    /// [`LedgerError::Limit`] on a level above 63, a width above 256 or a number that no log can
    /// reach; [`LedgerError::Malformed`] on width zero.
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, LedgerError> {
        if let TileKind::Hashes { level } = kind {
            LedgerError::check("tile level", level.into(), TILE_LEVEL_MAX.into())?;
        }
        LedgerError::check("tile number", index, TREE_SIZE_MAX / TILE_WIDTH)?;
        LedgerError::check("tile width", width.into(), TILE_WIDTH)?;
        if width == 0 {
            return Err(LedgerError::malformed(WHAT, "an empty tile is never served"));
        }
        Ok(Self { kind, index, width })
    }

    /// What the tile holds.
    #[must_use]
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// The number of the tile within its level.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether a log of `size` leaves can fill the tile.
    #[must_use]
    pub fn is_within(&self, size: u64) -> bool {
        let level = match self.kind {
            TileKind::Hashes { level } => level,
            TileKind::Entries => 0,
        };
        nodes_at(size, level) >= self.index * TILE_WIDTH + u64::from(self.width)
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        // Groups of three digits, every group but the last marked with an x.
        let groups = (1..7).take_while(|group| self.index / 1000u64.pow(*group) > 0).count() as u32;
        for group in (1..=groups).rev() {
            write!(f, "x{:03}/", self.index / 1000u64.pow(group) % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if u64::from(self.width) < TILE_WIDTH {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for TileId {
    type Err = LedgerError;

    fn from_str(path: &str) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::malformed(WHAT, reason);
        let rest = path.strip_prefix("tile/").ok_or(malformed("does not begin with tile/"))?;
        let (kind, rest) = rest.split_once('/').ok_or(malformed("has no tile number"))?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => from_decimal(level, TILE_LEVEL_MAX.into())
                .map(|level| TileKind::Hashes { level: level as u8 })
                .ok_or(malformed("the level is not a decimal from 0 to 63"))?,
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH),
            Some((number, width)) => {
                let width = from_decimal(width, TILE_WIDTH - 1).ok_or(malformed("the width is not from 1 to 255"))?;
                (number, width)
            }
        };
        let mut index = 0u64;
        for group in number.split('/') {
            index = three_digits(group.strip_prefix('x').unwrap_or(group))
                .and_then(|value| index.checked_mul(1000)?.checked_add(value))
                .ok_or(malformed("the number is not in groups of three digits"))?;
        }
        let id = Self::new(kind, index, width as u16)?;
        // The one spelling: no missing or surplus x, no leading groups of zeros.
        if id.to_string() != path {
            return Err(malformed("not the one spelling of this tile"));
        }
        Ok(id)
    }
}

fn three_digits(text: &str) -> Option<u64> {
    let three = text.len() == 3 && text.bytes().all(|c| c.is_ascii_digit());
    three.then(|| text.parse().ok()).flatten()
}

/// Number of complete nodes that the tiles of a level hold.
fn nodes_at(size: u64, level: u8) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0)
}

/// Number of full tiles at a tile level of a log of `size` leaves.
#[must_use]
pub fn full_tiles(size: u64, level: u8) -> u64 {
    nodes_at(size, level) / TILE_WIDTH
}

/// Width of the partial tile at a tile level of a log of `size` leaves; zero if there is none.
#[must_use]
pub fn partial_width(size: u64, level: u8) -> u16 {
    (nodes_at(size, level) % TILE_WIDTH) as u16
}

/// The content of an entry tile: for each entry its length as 16 bits, then its bytes.
///
/// # Errors
/// [`LedgerError::Limit`] on more than 256 entries or one longer than 65,535 bytes.
pub fn encode_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, LedgerError> {
    let mut bytes = Vec::new();
    for (count, entry) in (1..).zip(entries) {
        LedgerError::check("number of entries", count, TILE_WIDTH)?;
        LedgerError::check("length of an entry", entry.len() as u64, BUNDLE_ENTRY_BYTES_MAX as u64)?;
        bytes.extend((entry.len() as u16).to_be_bytes());
        bytes.extend(entry);
    }
    Ok(bytes)
}

/// Reads an entry tile.
///
/// # Errors
/// [`LedgerError::Malformed`] if it ends within an entry, [`LedgerError::Limit`] on more than 256
/// entries.
pub fn decode_bundle(bytes: &[u8]) -> Result<Vec<&[u8]>, LedgerError> {
    let mut reader = Reader::new(bytes);
    let mut entries = Vec::new();
    while !reader.is_at_end() {
        LedgerError::check("number of entries", entries.len() as u64 + 1, TILE_WIDTH)?;
        let entry = reader.u16().and_then(|length| reader.take(length.into()));
        entries.push(entry.ok_or(LedgerError::malformed("entry bundle", "ends within an entry"))?);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
