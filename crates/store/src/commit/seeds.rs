//! The event keys of one trail: numbers drawn at admission, seeds derived from one secret root per block
//! (`formats/leaf.md`).

use crate::seams::Entropy;
use cairn_ledger::{BlockRoot, Cover, KeyNumber, Seed, SeedWalk};
use std::collections::BTreeMap;

/// Draws key numbers. A block's root must be on disk before an event that uses it is; the writer sees to that through
/// [`Seeds::unwritten`].
pub(crate) struct Seeds {
    next: u64,
    blocks: BTreeMap<u64, Block>,
}

struct Block {
    cover: Cover,
    walk: SeedWalk,
    written: bool,
}

impl Seeds {
    /// Seeds of a trail whose next unused key number is `next`.
    pub(crate) fn new(next: u64) -> Seeds {
        Seeds { next, blocks: BTreeMap::new() }
    }

    /// Adopts a block that is on disk already.
    pub(crate) fn adopt(&mut self, cover: Cover) {
        let walk = cover.walk();
        self.blocks.insert(cover.block(), Block { cover, walk, written: true });
    }

    /// Draws one number and its seed. A number that is never used is harmless.
    pub(crate) fn draw(&mut self, entropy: &dyn Entropy) -> (u64, Seed) {
        let number = KeyNumber(self.next);
        self.next += 1;
        let block = self.blocks.entry(number.block()).or_insert_with(|| {
            let root = BlockRoot::from_bytes(entropy.secret());
            let cover = Cover::whole(number.block(), &root).expect("2^48 blocks are never used up");
            Block { walk: cover.walk(), cover, written: false }
        });
        let seed = block.walk.seed(number.leaf()).expect("a block that is drawn from has no erased key");
        (number.0, seed)
    }

    /// The seed files that are not on disk yet.
    pub(crate) fn unwritten(&self) -> Vec<(u64, Vec<u8>)> {
        let pending = self.blocks.iter().filter(|(_, block)| !block.written);
        pending.map(|(number, block)| (*number, block.cover.encode().to_vec())).collect()
    }

    /// The block is on disk. Blocks that will not be drawn from again are forgotten.
    pub(crate) fn written(&mut self, number: u64) {
        if let Some(block) = self.blocks.get_mut(&number) {
            block.written = true;
        }
        let current = KeyNumber(self.next).block();
        self.blocks.retain(|number, block| *number >= current || !block.written);
    }

    /// A number that recovery found in use.
    pub(crate) fn used(&mut self, number: u64) {
        self.next = self.next.max(number + 1);
    }

    /// One more than the largest number drawn.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }
}
