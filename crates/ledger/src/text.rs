//! The few spellings that every text format here shares, each with exactly one form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Standard base64 with padding (RFC 4648 §4).
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64. The engine refuses missing padding and non-zero trailing bits, so every
/// byte string has exactly one accepted spelling.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Base64 of exactly `N` bytes, without allocating.
pub(crate) fn from_base64_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    // The decoder asks for room for the unpadded length, which is up to two bytes more than N.
    let mut room = [0u8; 96];
    if text.len() != N.div_ceil(3) * 4 || room.len() < N + 2 {
        return None;
    }
    let written = STANDARD.decode_slice(text, &mut room).ok()?;
    room[..written].try_into().ok()
}

/// Lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Lower-case hexadecimal of exactly `N` bytes; upper case is refused.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    let mut bytes = [0u8; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_chunks::<2>().0) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// An ASCII decimal without sign and without leading zeros, at most `max`.
pub(crate) fn from_decimal(text: &str, max: u64) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !plain || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok().filter(|n| *n <= max)
}

/// Reads fields of a binary format from the front. Nothing is allocated by a number read: every
/// length is first compared with the bytes that are there.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_one_accepted_spelling() {
        for bad in ["", "00", "01", "+1", "-0", " 1", "1 ", "1_0", "0x1", "18446744073709551616"] {
            assert_eq!(from_decimal(bad, u64::MAX), None, "{bad}");
        }
        assert_eq!(from_decimal("0", 9), Some(0));
        assert_eq!(from_decimal("10", 9), None);
        assert_eq!(from_decimal("18446744073709551615", u64::MAX), Some(u64::MAX));

        assert_eq!(from_hex::<2>("00ff"), Some([0, 255]));
        for bad in ["00fF", "00f", "00ff0", "0x00", "00fg"] {
            assert_eq!(from_hex::<2>(bad), None, "{bad}");
        }

        // One byte leaves four unused bits in the second character: only zeros are canonical.
        assert_eq!(from_base64("AA=="), Some(vec![0]));
        for bad in ["AB==", "AA", "AA=", "AA==\n", "A-==", " AA==", "AA==="] {
            assert_eq!(from_base64(bad), None, "{bad}");
            assert_eq!(from_base64_exact::<1>(bad), None, "{bad}");
        }
        assert_eq!(from_base64_exact::<32>(&to_base64(&[7; 32])), Some([7; 32]));
        assert_eq!(from_base64_exact::<32>(&to_base64(&[7; 31])), None);
        assert_eq!(from_base64_exact::<64>(&to_base64(&[7; 64])), Some([7; 64]));
        assert_eq!(from_base64_exact::<64>(&to_base64(&[7; 65])), None);
    }
}
