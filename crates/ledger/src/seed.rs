//! The secret from which the salts of an entry follow: a leaf of a tree of 2^16 keys below one
//! random root per block (the construction of Goldreich, Goldwasser and Micali).
//!
//! A block is kept as a *cover*: the nodes from which every key that is still wanted can be derived.
//! A fresh block is covered by its root alone. A key that no node of the cover reaches is erased.

use zeroize::{Zeroize, Zeroizing};

use crate::hash::{Tag, sha256};
use crate::limits::{BLOCK_MAX, SEED_DEPTH};
use crate::slot::Part;
use crate::{LedgerError, text::Reader};

static CHILD: Tag = Tag::new("cairn/ggm/v1");
static SEED: Tag = Tag::new("cairn/seed/v1");
static SLOT_KEY: Tag = Tag::new("cairn/slot-key/v1");

const MAGIC: &[u8; 13] = b"cairn-seed/1\n";
const NODE_BYTES: usize = 1 + 2 + 32;

/// The number under which an entry's key is derived: drawn once, never used twice, and without any
/// relation to the entry's index in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyNumber(pub u64);

impl KeyNumber {
    /// The block of 65,536 keys that the number belongs to.
    #[must_use]
    pub const fn block(self) -> u64 {
        self.0 >> SEED_DEPTH
    }

    /// The leaf of the block's seed tree.
    #[must_use]
    pub const fn leaf(self) -> u16 {
        (self.0 & 0xffff) as u16
    }
}

/// The seed of one entry. Whoever holds it can test guesses of every hidden value of that entry; it
/// is overwritten when dropped and cannot be printed.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed from 32 secret random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The salt of slot `i` of a part: disclosed together with the slot's value.
    #[must_use]
    pub fn salt(&self, part: Part, i: u16) -> [u8; 16] {
        let [high, low] = i.to_be_bytes();
        let mut key = SLOT_KEY.hash(&[&self.0, &[part.number(), high, low]]).0;
        let mut salt = [0; 16];
        salt.copy_from_slice(&key[..16]);
        key.zeroize();
        salt
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The root of a block's seed tree: 32 secret random bytes. Overwritten when dropped, never printed.
#[derive(Clone)]
pub struct BlockRoot([u8; 32]);

impl BlockRoot {
    /// A root from 32 secret random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Drop for BlockRoot {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A node of a cover. Overwritten when dropped, never printed.
#[derive(Clone)]
pub struct CoverNode {
    depth: u8,
    prefix: u16,
    secret: [u8; 32],
}

impl CoverNode {
    /// Levels below the root of the block, at most 16.
    #[must_use]
    pub const fn depth(&self) -> u8 {
        self.depth
    }

    /// The upper `depth` bits of every leaf below the node, as a number.
    #[must_use]
    pub const fn prefix(&self) -> u16 {
        self.prefix
    }

    /// The leaves below the node.
    fn leaves(&self) -> std::ops::Range<u32> {
        let span = SEED_DEPTH - self.depth;
        let first = u32::from(self.prefix) << span;
        first..first + (1 << span)
    }
}

impl Drop for CoverNode {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// What is kept of a block: its number and the nodes that still reach a wanted key.
#[derive(Clone)]
pub struct Cover {
    block: u64,
    nodes: Vec<CoverNode>,
}

impl Cover {
    /// The cover of a fresh block.
    ///
    /// # Errors
    /// [`LedgerError::Limit`] if the block number is above [`BLOCK_MAX`].
    pub fn whole(block: u64, root: &BlockRoot) -> Result<Self, LedgerError> {
        LedgerError::check("block number", block, BLOCK_MAX)?;
        Ok(Self { block, nodes: vec![CoverNode { depth: 0, prefix: 0, secret: root.0 }] })
    }

    /// The number of the block.
    #[must_use]
    pub const fn block(&self) -> u64 {
        self.block
    }

    /// The nodes, in the order of the leaves below them.
    #[must_use]
    pub fn nodes(&self) -> &[CoverNode] {
        &self.nodes
    }

    /// The seed of a leaf, or `None` if it is erased. For many leaves in a row use [`Cover::walk`].
    #[must_use]
    pub fn seed(&self, leaf: u16) -> Option<Seed> {
        self.walk().seed(leaf)
    }

    /// A derivation that remembers the path to the last leaf.
    #[must_use]
    pub fn walk(&self) -> SeedWalk {
        SeedWalk { cover: self.clone(), path: Zeroizing::new([[0; 32]; SEED_DEPTH as usize + 1]), last: None }
    }

    fn node_above(&self, leaf: u16) -> Option<&CoverNode> {
        let after = self.nodes.partition_point(|node| node.leaves().start <= leaf.into());
        let node = &self.nodes[after.checked_sub(1)?];
        node.leaves().contains(&leaf.into()).then_some(node)
    }

    /// The seed file: `"cairn-seed/1\n" ‖ u64 block ‖ u16 count ‖ nodes ‖ SHA-256 of all before`,
    /// a node being `u8 depth ‖ u16 prefix ‖ secret[32]`. As secret as the nodes themselves.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let count = u16::try_from(self.nodes.len()).expect("decode and whole allow no more than 65,535 nodes");
        // The full capacity at once: growing would leave copies of the secrets behind.
        let mut bytes = Vec::with_capacity(MAGIC.len() + 10 + self.nodes.len() * NODE_BYTES + 32);
        bytes.extend(MAGIC);
        bytes.extend(self.block.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        for node in &self.nodes {
            bytes.push(node.depth);
            bytes.extend(node.prefix.to_be_bytes());
            bytes.extend(node.secret);
        }
        let sum = sha256(&bytes);
        bytes.extend(sum.0);
        Zeroizing::new(bytes)
    }

    /// Reads exactly what [`Cover::encode`] writes.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] if the file is cut, longer, altered or its nodes are out of order
    /// or overlap; [`LedgerError::Limit`] on a block number, depth or prefix that cannot be.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::malformed("seed file", reason);
        let body_bytes = bytes.len().checked_sub(32).ok_or(malformed("too short"))?;
        let (body, sum) = bytes.split_at(body_bytes);
        if sha256(body).0 != *sum {
            return Err(malformed("the checksum is wrong"));
        }
        let mut reader = Reader::new(body);
        if reader.array() != Some(*MAGIC) {
            return Err(malformed("does not begin with cairn-seed/1"));
        }
        let block = reader.u64().ok_or(malformed("too short"))?;
        LedgerError::check("block number", block, BLOCK_MAX)?;
        let count = usize::from(reader.u16().ok_or(malformed("too short"))?);
        if body_bytes != MAGIC.len() + 10 + count * NODE_BYTES {
            return Err(malformed("the length does not agree with the number of nodes"));
        }
        let mut nodes = Vec::with_capacity(count);
        let mut end = 0;
        for _ in 0..count {
            let node = decode_node(&mut reader).ok_or(malformed("too short"))??;
            if node.leaves().start < end {
                return Err(malformed("nodes out of order or overlapping"));
            }
            end = node.leaves().end;
            nodes.push(node);
        }
        Ok(Self { block, nodes })
    }
}

fn decode_node(reader: &mut Reader<'_>) -> Option<Result<CoverNode, LedgerError>> {
    let (depth, prefix, secret) = (reader.u8()?, reader.u16()?, reader.array()?);
    let checked = LedgerError::check("depth of a seed node", depth.into(), SEED_DEPTH.into())
        .and_then(|()| LedgerError::check("prefix of a seed node", prefix.into(), (1 << depth) - 1));
    Some(checked.map(|()| CoverNode { depth, prefix, secret }))
}

/// Derives seeds leaf by leaf. For leaves in ascending order a step costs two hashes on average for
/// the path and one for the seed.
pub struct SeedWalk {
    cover: Cover,
    /// Secrets of the nodes above the last leaf, by depth; only those from `Last::top` on are set.
    path: Zeroizing<[[u8; 32]; SEED_DEPTH as usize + 1]>,
    last: Option<Last>,
}

#[derive(Clone, Copy)]
struct Last {
    leaf: u16,
    /// Depth of the cover's node above the leaf.
    top: u8,
}

impl SeedWalk {
    /// The number of the block.
    #[must_use]
    pub const fn block(&self) -> u64 {
        self.cover.block
    }

    /// The seed of a leaf, or `None` if it is erased.
    #[must_use]
    pub fn seed(&mut self, leaf: u16) -> Option<Seed> {
        let node = self.cover.node_above(leaf)?;
        let top = node.depth;
        // Depth down to which the path to the last leaf is also the path to this one.
        let shared = match self.last {
            Some(last) if last.top == top && (last.leaf ^ leaf).leading_zeros() >= top.into() => {
                (last.leaf ^ leaf).leading_zeros() as u8
            }
            _ => {
                self.path[usize::from(top)] = node.secret;
                top
            }
        };
        for depth in shared..SEED_DEPTH {
            let bit = (leaf >> (SEED_DEPTH - 1 - depth) & 1) as u8;
            let at = usize::from(depth);
            self.path[at + 1] = CHILD.hash(&[&self.path[at], &[bit]]).0;
        }
        self.last = Some(Last { leaf, top });
        Some(Seed(SEED.hash(&[&self.path[usize::from(SEED_DEPTH)]]).0))
    }
}

#[cfg(test)]
mod tests;
