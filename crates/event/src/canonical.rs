//! RFC 8785 (JCS): one text for one value, so that equal values have equal hashes.

use std::cmp::Ordering;

use crate::json::{Json, Number, SAFE_INTEGER_MAX, write_string};

/// What becomes of numbers that a double can't hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// RFC 8785 to the letter: every number is written as the nearest double. Numbers beyond the
    /// range of doubles, which that RFC does not cover, stay as written.
    Rfc8785,
    /// A number stays as written if RFC 8785 would change its value: integers beyond 2^53-1, and
    /// literals that the shortest form of their double does not denote exactly. All others are
    /// written as RFC 8785 writes them, so texts without such numbers are the same in both.
    AsWritten,
}

/// The canonical text of a value: no white space, keys sorted by UTF-16 code units.
#[must_use]
pub fn canonical(json: &Json, numbers: Numbers) -> String {
    let mut text = String::new();
    write(json, numbers, &mut text);
    text
}

/// Appends the canonical text of a value.
pub(crate) fn write(json: &Json, numbers: Numbers, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => write_number(number, numbers, out),
        Json::String(text) => write_string(text, out),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, numbers, out);
            }
            out.push(']');
        }
        Json::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_unstable_by(|(a, _), (b, _)| key_order(a, b));
            out.push('{');
            for (at, (key, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write(value, numbers, out);
            }
            out.push('}');
        }
    }
}

/// Order by UTF-16 code units (RFC 8785 section 3.2.3). Bytes of UTF-8 sort like code points,
/// which differs only where a surrogate pair meets a character from U+E000 on.
pub(crate) fn key_order(a: &str, b: &str) -> Ordering {
    let differing = a.bytes().zip(b.bytes()).find(|(x, y)| x != y);
    match differing {
        Some((x, y)) if x >= 0xee && y >= 0xee => a.encode_utf16().cmp(b.encode_utf16()),
        Some((x, y)) => x.cmp(&y),
        None => a.len().cmp(&b.len()),
    }
}

fn write_number(number: &Number, numbers: Numbers, out: &mut String) {
    if number.is_safe_integer() {
        number.write_literal(out);
        return;
    }
    let literal = number.literal();
    let double = number.as_f64();
    if !double.is_finite() {
        out.push_str(&literal);
        return;
    }
    let mut buffer = ryu_js::Buffer::new();
    let shortest = buffer.format_finite(double);
    let keep = match numbers {
        Numbers::Rfc8785 => false,
        Numbers::AsWritten => {
            let is_integer = !literal.contains(['.', 'e', 'E']);
            (is_integer && double.abs() > SAFE_INTEGER_MAX as f64) || Decimal::of(&literal) != Decimal::of(shortest)
        }
    };
    out.push_str(if keep { &literal } else { shortest });
}

/// A decimal literal as digits without outer zeros and the power of ten of the last digit, so
/// that two literals denote the same number exactly if these are equal.
#[derive(Debug)]
struct Decimal {
    is_negative: bool,
    digits: Vec<u8>,
    /// `None` if the exponent is beyond all that a double can have.
    power: Option<i64>,
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        if self.digits.is_empty() || other.digits.is_empty() {
            return self.digits.is_empty() && other.digits.is_empty();
        }
        self.is_negative == other.is_negative
            && self.digits == other.digits
            && self.power.is_some()
            && self.power == other.power
    }
}

impl Decimal {
    fn of(literal: &str) -> Self {
        let unsigned = literal.strip_prefix('-').unwrap_or(literal);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()),
            None => (unsigned, Some(0)),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let trailing = digits.iter().rev().take_while(|b| **b == b'0').count();
        digits.truncate(digits.len() - trailing);
        let leading = digits.iter().take_while(|b| **b == b'0').count();
        digits.drain(..leading);
        // Lengths are at most NUMBER_BYTES_MAX, so only the exponent itself can overflow.
        let shift = trailing as i64 - fraction.len() as i64;
        Self { is_negative: unsigned.len() < literal.len(), digits, power: exponent.and_then(|e| e.checked_add(shift)) }
    }
}

#[cfg(test)]
mod tests;
