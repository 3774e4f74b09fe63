//! SHA-256 in the three forms that the log uses: plain, tagged, and RFC 6962.

use std::fmt;
use std::sync::OnceLock;

use sha2::block_api::compress256;

use crate::LedgerError;
use crate::text;

const BLOCK_BYTES: usize = 64;

/// The initial state of SHA-256 (FIPS 180-4 §5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A SHA-256 hash: a leaf, a node, a root, a commitment. Prints as standard base64 with padding.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Standard base64 with padding, 44 characters.
    #[must_use]
    pub fn to_base64(&self) -> String {
        text::to_base64(&self.0)
    }

    /// Reads exactly what [`Hash::to_base64`] writes.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] on any other spelling or length.
    pub fn from_base64(text: &str) -> Result<Self, LedgerError> {
        text::from_base64_exact(text)
            .map(Self)
            .ok_or(LedgerError::malformed("hash", "not canonical base64 of 32 bytes"))
    }

    /// Lower-case hexadecimal, 64 characters.
    #[must_use]
    pub fn to_hex(&self) -> String {
        text::to_hex(&self.0)
    }

    /// Reads exactly what [`Hash::to_hex`] writes.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] on any other spelling or length.
    pub fn from_hex(text: &str) -> Result<Self, LedgerError> {
        text::from_hex(text).map(Self).ok_or(LedgerError::malformed("hash", "not lower-case hexadecimal of 32 bytes"))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// SHA-256 fed piece by piece. Lives on the stack and works on the compression function directly:
/// most inputs of the log are one or two blocks, where the general interface costs as much as the
/// hash.
#[derive(Clone)]
pub struct Sha256 {
    state: [u32; 8],
    buffer: [u8; BLOCK_BYTES],
    total_bytes: u64,
}

impl Sha256 {
    /// Starts with no input.
    #[must_use]
    pub const fn new() -> Self {
        Self::from_state(INITIAL, 0)
    }

    const fn from_state(state: [u32; 8], total_bytes: u64) -> Self {
        Self { state, buffer: [0; BLOCK_BYTES], total_bytes }
    }

    /// Bytes that wait in the buffer for the rest of their block.
    const fn filled(&self) -> usize {
        (self.total_bytes % BLOCK_BYTES as u64) as usize
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let filled = self.filled();
        self.total_bytes += bytes.len() as u64;
        let mut bytes = bytes;
        if filled > 0 {
            let take = bytes.len().min(BLOCK_BYTES - filled);
            self.buffer[filled..filled + take].copy_from_slice(&bytes[..take]);
            if filled + take < BLOCK_BYTES {
                return;
            }
            compress256(&mut self.state, &[self.buffer]);
            bytes = &bytes[take..];
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        if !blocks.is_empty() {
            compress256(&mut self.state, blocks);
        }
        self.buffer[..rest.len()].copy_from_slice(rest);
    }

    /// The hash of all bytes added (padding of FIPS 180-4 §5.1.1).
    #[must_use]
    pub fn finish(mut self) -> Hash {
        const LENGTH_AT: usize = BLOCK_BYTES - 8;
        let filled = self.filled();
        self.buffer[filled] = 0x80;
        self.buffer[filled + 1..].fill(0);
        if filled >= LENGTH_AT {
            compress256(&mut self.state, &[self.buffer]);
            self.buffer.fill(0);
        }
        self.buffer[LENGTH_AT..].copy_from_slice(&(self.total_bytes * 8).to_be_bytes());
        compress256(&mut self.state, &[self.buffer]);
        state_to_hash(&self.state)
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

fn state_to_hash(state: &[u32; 8]) -> Hash {
    let mut bytes = [0u8; 32];
    for (four, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *four = word.to_be_bytes();
    }
    Hash(bytes)
}

/// SHA-256 of one piece.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(bytes);
    hasher.finish()
}

/// A use of the tagged hash of BIP-340: `H(tag, m) = SHA-256(SHA-256(tag) ‖ SHA-256(tag) ‖ m)`.
///
/// Two tags never give the same hash for related inputs, so a value made for one use means nothing
/// in another. The 64 bytes before the message are one block: its state is computed once.
pub struct Tag {
    name: &'static str,
    midstate: OnceLock<[u32; 8]>,
}

impl Tag {
    /// A tag by name; meant for a `static`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, midstate: OnceLock::new() }
    }

    /// The hash of the pieces, one after the other.
    #[must_use]
    pub fn hash(&self, pieces: &[&[u8]]) -> Hash {
        let mut hasher = self.start();
        for piece in pieces {
            hasher.update(piece);
        }
        hasher.finish()
    }

    /// Starts a hash whose pieces are not all at hand.
    #[must_use]
    pub fn start(&self) -> Sha256 {
        let midstate = self.midstate.get_or_init(|| {
            let tag = sha256(self.name.as_bytes());
            let mut hasher = Sha256::new();
            hasher.update(&tag.0);
            hasher.update(&tag.0);
            hasher.state
        });
        Sha256::from_state(*midstate, BLOCK_BYTES as u64)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tag").field(&self.name).finish()
    }
}

/// The hash of a leaf: `SHA-256(0x00 ‖ entry)` (RFC 6962 §2.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(&[0]);
    hasher.update(entry);
    hasher.finish()
}

/// The hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)` (RFC 6962 §2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    // 65 bytes of input: the second block holds one of them, the padding and the length in bits.
    let mut blocks = [[0u8; BLOCK_BYTES]; 2];
    let padded = blocks.as_flattened_mut();
    padded[0] = 1;
    padded[1..33].copy_from_slice(&left.0);
    padded[33..65].copy_from_slice(&right.0);
    padded[65] = 0x80;
    padded[120..].copy_from_slice(&(65u64 * 8).to_be_bytes());
    let mut state = INITIAL;
    compress256(&mut state, &blocks);
    state_to_hash(&state)
}

/// The root of the tree without leaves: `SHA-256("")` (RFC 6962 §2.1).
#[must_use]
pub fn empty_root() -> Hash {
    sha256(&[])
}

#[cfg(test)]
mod tests;
