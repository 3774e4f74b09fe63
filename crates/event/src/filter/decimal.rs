//! Numbers compared as decimals, so that integers beyond 2^53 and long fractions stay distinct.

use std::cmp::Ordering;

use crate::json::Number;

/// A decimal number of any size and precision.
///
/// Equality is that of the literal; [`Decimal::compare`] is that of the value. Exponents beyond
/// ±10^17 are held at that bound: numbers so far out compare as if they were there.
#[derive(Debug, Clone)]
pub struct Decimal {
    literal: String,
    negative: bool,
    /// Significant digits without zeros at either end; empty for zero.
    digits: String,
    /// The value is 0.digits times 10 to this power.
    exponent: i64,
}

const EXPONENT_MAX: i64 = 100_000_000_000_000_000;

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.literal == other.literal
    }
}

impl Eq for Decimal {}

impl Decimal {
    /// Reads a JSON number literal (RFC 8259 section 6), leading zeros allowed; `None` if the text
    /// is not one.
    #[must_use]
    pub fn parse(literal: &str) -> Option<Self> {
        let (negative, unsigned) = match literal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, literal),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let zeros = i64::try_from(all.len() - significant.len()).ok()?;
        let point = i64::try_from(whole.len()).ok()?;
        Some(Self {
            literal: literal.to_owned(),
            negative,
            digits: significant.trim_end_matches('0').to_owned(),
            exponent: (exponent + point - zeros).clamp(-EXPONENT_MAX, EXPONENT_MAX),
        })
    }

    /// The digits as written.
    #[must_use]
    pub fn literal(&self) -> &str {
        &self.literal
    }

    /// The order of the values. `-0` equals `0`, `1.0` equals `1`.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let by_sign = sign(self).cmp(&sign(other));
        if by_sign != Ordering::Equal || sign(self) == 0 {
            return by_sign;
        }
        // Both are 0.d with d not beginning with a zero: the power decides, then the digits.
        let by_size = self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
        if self.negative { by_size.reverse() } else { by_size }
    }
}

impl From<&Number> for Decimal {
    fn from(number: &Number) -> Self {
        Self::parse(&number.literal()).expect("a JSON number is a decimal literal")
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        Self::parse(&number.to_string()).expect("digits are a decimal literal")
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    if !is_digits(digits) {
        return None;
    }
    // Digits that do not fit are a number far beyond the bound.
    let size = digits.parse().unwrap_or(EXPONENT_MAX).min(EXPONENT_MAX);
    Some(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(left: &str, expected: Ordering, right: &str) {
        let (left, right) = (Decimal::parse(left).unwrap(), Decimal::parse(right).unwrap());
        assert_eq!(left.compare(&right), expected, "{} {}", left.literal(), right.literal());
        assert_eq!(right.compare(&left), expected.reverse());
    }

    #[test]
    fn decimals_compare_by_value_at_any_size() {
        check("9007199254740993", Ordering::Greater, "9007199254740992");
        check("9007199254740993", Ordering::Equal, "9007199254740993.000");
        check("0.1", Ordering::Equal, "1e-1");
        check("-0", Ordering::Equal, "0");
        check("0e99999999999999999999", Ordering::Equal, "0");
        check("-2", Ordering::Less, "-1.9999999999999999999999");
        check("10", Ordering::Greater, "9");
        check("1e400", Ordering::Greater, "9e399");
        check("-1e400", Ordering::Less, "1e-400");
        check("0.05", Ordering::Less, "0.5");
        check("100", Ordering::Equal, "1E2");
        check("1e99999999999999999999", Ordering::Greater, "1e17");
        check("1e-99999999999999999999", Ordering::Greater, "0");
    }

    #[test]
    fn other_text_is_no_decimal() {
        for text in ["", "-", ".5", "5.", "1e", "1e+", "+1", "0x10", "1_000", "١", "nan", "1 "] {
            assert!(Decimal::parse(text).is_none(), "{text:?}");
        }
    }
}
