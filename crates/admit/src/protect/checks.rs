//! Check digits and forms that tell a protected number from any other.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use iban::Iban;

/// Digits of a text, as numbers.
fn digits(text: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
    text.chars().filter_map(|c| c.to_digit(10))
}

/// Whether the check digit is right (ISO/IEC 7812-1, annex B).
pub(super) fn is_luhn(text: &str) -> bool {
    let sum: u32 = digits(text)
        .rev()
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, weight)| digit * weight / 10 + digit * weight % 10)
        .sum();
    sum > 0 && sum.is_multiple_of(10)
}

/// Where the numbers of cards stand in a run of digits with single spaces or hyphens between them. A card begins and
/// ends where a group of digits does.
pub(super) fn cards(run: &str) -> Vec<Range<usize>> {
    /// Cards have at most so many groups; a longer list of numbers is looked at from each of its groups.
    const GROUPS_MAX: usize = 7;
    let mut groups = Vec::new();
    let mut start = 0;
    for (at, separator) in run.match_indices([' ', '-']) {
        groups.push(start..at);
        start = at + separator.len();
    }
    groups.push(start..run.len());
    let mut found = Vec::new();
    let mut first = 0;
    while first < groups.len() {
        let last = groups.len().min(first + GROUPS_MAX);
        let card = (first..last).rev().find(|last| is_card(&run[groups[first].start..groups[*last].end]));
        match card {
            Some(last) => {
                found.push(groups[first].start..groups[last].end);
                first = last + 1;
            }
            None => first += 1,
        }
    }
    found
}

/// Prefixes that issuers have, by their least and greatest four digits, and how many digits their numbers have.
const ISSUERS: &[(u32, u32, &[usize])] = &[
    (2200, 2204, &[16, 17, 18, 19]),
    (2221, 2720, &[16]),
    (3000, 3059, &[14]),
    (3400, 3499, &[15]),
    (3528, 3589, &[16]),
    (3600, 3699, &[14]),
    (3700, 3799, &[15]),
    (3800, 3999, &[14]),
    (4000, 4999, &[13, 16]),
    (5000, 5099, &[13, 16, 18, 19]),
    (5100, 5599, &[16]),
    (5600, 5899, &[13, 16, 18, 19]),
    (6000, 6999, &[16, 18, 19]),
];

/// Whether these digits are those of a card: on their own, or in groups as they are embossed, of four at first and never of
/// more than six.
fn is_card(text: &str) -> bool {
    let is_grouped = text.contains([' ', '-']);
    let mut groups = text.split([' ', '-']).map(str::len);
    if is_grouped && (groups.next() != Some(4) || groups.any(|digits| digits > 6)) {
        return false;
    }
    let count = digits(text).count();
    let prefix = digits(text).take(4).fold(0, |prefix, digit| prefix * 10 + digit);
    let is_issued = |(least, greatest, counts): &(u32, u32, &[usize])| {
        (*least..=*greatest).contains(&prefix) && counts.contains(&count)
    };
    ISSUERS.iter().any(is_issued) && is_luhn(text)
}

/// Where account numbers stand in a text that begins like one: each begins where the text or a group does.
pub(super) fn ibans(candidate: &str) -> Vec<Range<usize>> {
    let ends = candidate.match_indices(' ').map(|(at, _)| at).chain([candidate.len()]);
    let is_iban = |end: &usize| {
        let compact: String = candidate[..*end].chars().filter(|c| *c != ' ').collect();
        compact.to_ascii_uppercase().parse::<Iban>().is_ok()
    };
    let ends: Vec<usize> = ends.collect();
    ends.into_iter().rev().find(is_iban).map(|end| 0..end).into_iter().collect()
}

/// 40 characters of base64 with letters of both cases and digits: neither a hexadecimal hash, nor words, nor text in base64.
pub(super) fn is_secret_access_key(text: &str) -> bool {
    let is_text = || STANDARD.decode(text).is_ok_and(|bytes| bytes.iter().all(|byte| (b' '..=b'~').contains(byte)));
    let has = |test: fn(&u8) -> bool| text.bytes().any(|byte| test(&byte));
    text.len() == 40
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && !is_text()
}

/// United States: no area 000, 666 or 900 to 999, no group 00, no serial 0000.
pub(super) fn is_ssn(text: &str) -> bool {
    let (area, group, serial) = (&text[..3], &text[4..6], &text[7..]);
    area != "000" && area != "666" && !area.starts_with('9') && group != "00" && serial != "0000"
}

/// Spain: the letter is the number modulo 23. Foreigners have X, Y or Z for a first digit of 0, 1 or 2.
pub(super) fn is_dni(text: &str) -> bool {
    let number: String = text[..8].replace('X', "0").replace('Y', "1").replace('Z', "2");
    let letter = number.parse::<usize>().ok().and_then(|number| b"TRWAGMYFPDXBNJZSQVHLCKE".get(number % 23));
    letter == text.as_bytes().last()
}

/// Italy: the last letter from the fifteen characters before it (decree of 12 March 1974).
pub(super) fn is_codice_fiscale(text: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let rank = |byte: u8| u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    let (said, check) = text.as_bytes().split_at(15);
    let value = |(at, byte): (usize, &u8)| match at % 2 {
        0 => ODD[rank(*byte) as usize],
        _ => rank(*byte),
    };
    let sum: u32 = said.iter().enumerate().map(value).sum();
    check.first().is_some_and(|check| rank(*check) == sum % 26 && check.is_ascii_uppercase())
}

/// France: the last two digits are 97 less the number modulo 97; Corsica has letters in its department.
pub(super) fn is_nir(text: &str) -> bool {
    let compact: String = text.chars().filter(|c| *c != ' ').collect();
    let (said, key) = compact.split_at(13);
    let (number, less) = match (said.contains("2A"), said.contains("2B")) {
        (true, _) => (said.replace("2A", "20"), 1_000_000),
        (_, true) => (said.replace("2B", "20"), 2_000_000),
        _ => (said.to_owned(), 0),
    };
    let numbers = number.parse::<u64>().ok().zip(key.parse::<u64>().ok());
    numbers.is_some_and(|(number, key)| key == 97 - (number.saturating_sub(less)) % 97)
}

/// Brazil: two check digits modulo 11, and not the same digit eleven times.
pub(super) fn is_cpf(text: &str) -> bool {
    let digits: Vec<u32> = digits(text).collect();
    let check = |count: usize| {
        let sum: u32 =
            digits[..count].iter().zip((2..=count as u32 + 1).rev()).map(|(digit, weight)| digit * weight).sum();
        sum * 10 % 11 % 10
    };
    digits.iter().any(|digit| *digit != digits[0]) && digits[9] == check(9) && digits[10] == check(10)
}

/// India: the check digit of Verhoeff (Mathematical Centre Tracts 29, 1969).
pub(super) fn is_aadhaar(text: &str) -> bool {
    /// The product in the dihedral group of order 10.
    fn product(a: u32, b: u32) -> u32 {
        match (a < 5, b < 5) {
            (true, true) => (a + b) % 5,
            (true, false) => 5 + (a + b) % 5,
            (false, true) => 5 + (a - b) % 5,
            (false, false) => (a + 5 - b) % 5,
        }
    }
    const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |digit: u32, times: usize| (0..times % 8).fold(digit, |digit, _| PERMUTATION[digit as usize]);
    let sum = digits(text).rev().enumerate().fold(0, |sum, (at, digit)| product(sum, permuted(digit, at)));
    sum == 0
}

/// Sweden: a date and a number, checked as cards are.
pub(super) fn is_personnummer(text: &str) -> bool {
    let number = |range: Range<usize>| text[range].parse::<u32>().unwrap_or(0);
    // Numbers that stand in for a missing one have 60 added to the day.
    let is_date = (1..=12).contains(&number(2..4)) && matches!(number(4..6), 1..=31 | 61..=91);
    is_date && is_luhn(text)
}

/// China: a date, and a check digit modulo 11 (GB 11643-1999).
pub(super) fn is_resident_id(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let number = |range: Range<usize>| text[range].parse::<u32>().unwrap_or(0);
    let is_date = (1900..2100).contains(&number(6..10))
        && (1..=12).contains(&number(10..12))
        && (1..=31).contains(&number(12..14));
    let sum: u32 = digits(&text[..17]).zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    is_date && b"10X98765432"[(sum % 11) as usize] == text.as_bytes()[17]
}

/// A number as ITU-T E.164 has them: at most 15 digits, and not so few that it is any number with a plus.
pub(super) fn is_e164(text: &str) -> bool {
    (8..=15).contains(&digits(text).count())
}
