//! C2SP signed-note: a text with signature lines below it.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::hash::Sha256;
use crate::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX};
use crate::text::{from_base64, from_base64_exact, from_hex, to_base64, to_hex};
use crate::{LedgerError, PublicKey, Signer};

/// Signature type of a plain Ed25519 signature over the text.
const ED25519: u8 = 0x01;

/// What begins a signature line: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

const WHAT: &str = "signed note";

/// The identifier of an Ed25519 key of type 0x01 under a name:
/// `SHA-256(name ‖ LF ‖ 0x01 ‖ public key)[0..4]`.
#[must_use]
pub fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update(&[b'\n', ED25519]);
    hasher.update(public);
    let [a, b, c, d, ..] = hasher.finish().0;
    [a, b, c, d]
}

/// Names of keys, and so origins of logs, are not empty and hold no white space, control character
/// or plus sign.
pub(crate) fn check_name(name: &str) -> Result<(), LedgerError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(bad) {
        return Err(LedgerError::malformed("key name", "empty, or holds a space, a control character or a plus"));
    }
    LedgerError::check("length of a key name", name.len() as u64, NOTE_BYTES_MAX as u64 / 4)
}

/// A named public key that verifies notes. Its text form is the C2SP vkey
/// `<name>+<identifier in hex>+<base64 of 0x01 ‖ key>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: PublicKey,
}

impl VerifierKey {
    /// Names a public key.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] on a name that can't stand in a signature line.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, LedgerError> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), id: key_id(name, &key.to_bytes()), key })
    }

    /// The name of the key; of a log's key, the log's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The identifier of the key under its name.
    #[must_use]
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[ED25519][..], &self.key.to_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, to_hex(&self.id), to_base64(&typed))
    }
}

impl FromStr for VerifierKey {
    type Err = LedgerError;

    fn from_str(vkey: &str) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::malformed("verifier key", reason);
        let mut fields = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(malformed("not name+identifier+key"));
        };
        let id = from_hex::<4>(id).ok_or(malformed("the identifier is not 8 lower-case hexadecimal digits"))?;
        let typed = from_base64_exact::<33>(key).ok_or(malformed("the key is not canonical base64 of 33 bytes"))?;
        let Some((&[ED25519], key)) = typed.split_first_chunk::<1>() else {
            return Err(malformed("not of the Ed25519 type 0x01"));
        };
        let key = PublicKey::from_bytes(key.try_into().expect("33 bytes less one"))?;
        let named = Self::new(name, key)?;
        if named.id != id {
            return Err(malformed("the identifier does not belong to name and key"));
        }
        Ok(named)
    }
}

/// One signature line. The signature of a key that the reader does not know may be of any type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Identifier of the key.
    pub id: [u8; 4],
    /// The signature, at least one byte.
    pub bytes: Vec<u8>,
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = [&self.id[..], &self.bytes].concat();
        writeln!(f, "{LINE_START}{} {}", self.name, to_base64(&payload))
    }
}

impl FromStr for NoteSignature {
    type Err = LedgerError;

    /// Reads a line without its line feed.
    fn from_str(line: &str) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::malformed("signature line", reason);
        let rest = line.strip_prefix(LINE_START).ok_or(malformed("does not begin with an em dash and a space"))?;
        let (name, payload) = rest.split_once(' ').ok_or(malformed("not a name and a signature"))?;
        check_name(name)?;
        let payload = from_base64(payload).ok_or(malformed("not canonical base64"))?;
        match payload.split_first_chunk() {
            Some((id, bytes)) if !bytes.is_empty() => {
                Ok(Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
            }
            _ => Err(malformed("too short for an identifier and a signature")),
        }
    }
}

/// A text and its signature lines, not yet verified. Prints in the form that is parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Signs a text with a key under a name.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] if the text does not end with a line feed or holds another control
    /// character, or the name can't stand in a signature line.
    pub fn sign(text: String, name: &str, signer: &dyn Signer) -> Result<Self, LedgerError> {
        check_text(&text)?;
        check_name(name)?;
        let signature = NoteSignature {
            name: name.to_owned(),
            id: key_id(name, &signer.public()),
            bytes: signer.sign(text.as_bytes()).to_vec(),
        };
        Ok(Self { text, signatures: vec![signature] })
    }

    /// Adds a signature line, such as a witness returns.
    ///
    /// # Errors
    /// [`LedgerError::Limit`] beyond [`NOTE_SIGNATURES_MAX`] lines, [`LedgerError::Malformed`] if the
    /// very same line is there already.
    pub fn add(&mut self, signature: NoteSignature) -> Result<(), LedgerError> {
        LedgerError::check("number of signatures", self.signatures.len() as u64 + 1, NOTE_SIGNATURES_MAX as u64)?;
        if self.signatures.contains(&signature) {
            return Err(LedgerError::malformed(WHAT, "the same signature line twice"));
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Reads a note. Nothing in it is to be believed before [`Note::verify`].
    ///
    /// # Errors
    /// [`LedgerError::Limit`] above [`NOTE_BYTES_MAX`] bytes or [`NOTE_SIGNATURES_MAX`] signatures,
    /// [`LedgerError::Malformed`] on anything that is not in the one form of a note.
    pub fn parse(bytes: &[u8]) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::malformed(WHAT, reason);
        LedgerError::check("length of a note", bytes.len() as u64, NOTE_BYTES_MAX as u64)?;
        let note = str::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))?;
        // The last empty line: the text itself may hold others.
        let at = note.rfind("\n\n").ok_or(malformed("no empty line before the signatures"))?;
        let (text, lines) = (&note[..=at], &note[at + 2..]);
        check_text(text)?;
        let lines = lines.strip_suffix('\n').ok_or(malformed("does not end with a signature line"))?;
        let mut note = Self { text: text.to_owned(), signatures: Vec::new() };
        for line in lines.split('\n') {
            note.add(line.parse()?)?;
        }
        Ok(note)
    }

    /// The signed text, its final line feed included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in order.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Verifies every signature by a known key, ignores the others, and returns the keys that
    /// signed, each once.
    ///
    /// # Errors
    /// [`LedgerError::BadSignature`] if the line of a known key does not verify,
    /// [`LedgerError::Unsigned`] if there is no line of a known key.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, LedgerError> {
        let mut signed: Vec<&VerifierKey> = Vec::new();
        for line in &self.signatures {
            let Some(key) = keys.iter().find(|key| key.id == line.id && key.name == line.name) else {
                continue;
            };
            let signature = line.bytes.as_slice().try_into();
            if !signature.is_ok_and(|signature| key.key.verifies(self.text.as_bytes(), signature)) {
                return Err(LedgerError::BadSignature { key: key.name.clone() });
            }
            if !signed.contains(&key) {
                signed.push(key);
            }
        }
        if signed.is_empty() { Err(LedgerError::Unsigned) } else { Ok(signed) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_char('\n')?;
        self.signatures.iter().try_for_each(|line| line.fmt(f))
    }
}

fn check_text(text: &str) -> Result<(), LedgerError> {
    if !text.ends_with('\n') {
        return Err(LedgerError::malformed(WHAT, "the text does not end with a line feed"));
    }
    if text.bytes().any(|c| c < 0x20 && c != b'\n') {
        return Err(LedgerError::malformed(WHAT, "holds a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
