//! Recognising values by their shape, in any text.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::checks;
use super::text::is_free;

/// What can be recognised wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Detector {
    /// Numbers of payment cards: the issuer's prefix and length, and the check digit (ISO/IEC 7812-1).
    Card,
    /// Bank account numbers (ISO 13616), by the form of their country and their check digits.
    Iban,
    /// JSON web tokens (RFC 7519).
    Jwt,
    /// Names of cloud access keys, such as `AKIA…`: no secrets, but what a secret is looked for by.
    CloudKeyId,
    /// Secrets of clouds and services that are known by their form.
    CloudKey,
    /// Private keys in PEM (RFC 7468).
    PrivateKey,
    /// Passwords inside URLs.
    UrlPassword,
    /// Mail addresses.
    Email,
    /// Telephone numbers: international ones, and those of North America.
    Phone,
    /// Numbers that states give to people, with their checks.
    NationalId,
}

impl Detector {
    /// All of them. Where two find the same text, the earlier one counts.
    pub(super) const ALL: [Detector; 10] = [
        Detector::PrivateKey,
        Detector::Jwt,
        Detector::CloudKeyId,
        Detector::CloudKey,
        Detector::UrlPassword,
        Detector::Iban,
        Detector::Card,
        Detector::NationalId,
        Detector::Email,
        Detector::Phone,
    ];

    /// Its word in a policy.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Detector::Card => "card",
            Detector::Iban => "iban",
            Detector::Jwt => "jwt",
            Detector::CloudKeyId => "cloud-key-id",
            Detector::CloudKey => "cloud-key",
            Detector::PrivateKey => "private-key",
            Detector::UrlPassword => "url-password",
            Detector::Email => "email",
            Detector::Phone => "phone",
            Detector::NationalId => "national-id",
        }
    }

    /// The one with this word.
    pub(super) fn from_word(word: &str) -> Option<Detector> {
        Detector::ALL.into_iter().find(|detector| detector.as_str() == word)
    }

    /// The shapes in which its values come, as numbers for [`screen_of`] and [`find_shape`].
    pub(super) fn shapes(self) -> impl Iterator<Item = usize> {
        (0..SHAPES.len()).filter(move |shape| SHAPES[*shape].detector == self)
    }
}

/// How values of a shape begin, and where from their sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With a digit, at the sign.
    Digit,
    /// With a letter, at the sign.
    Letter,
    /// At the sign, like no other shape.
    Own,
    /// Before the sign, and end behind it.
    Around,
    /// Anywhere.
    Elsewhere,
}

/// One shape of a detector.
struct Shape {
    detector: Detector,
    start: Start,
    /// Matches, over bytes and cheaply, in every text in which `regex` does.
    screen: &'static str,
    /// The candidate: its first group, or all of it.
    regex: &'static str,
    /// The places inside a candidate that are what is looked for.
    within: fn(&str) -> Vec<Range<usize>>,
}

const fn shape(detector: Detector, start: Start, screen: &'static str, regex: &'static str) -> Shape {
    Shape { detector, start, screen, regex, within: whole }
}

const fn checked(
    detector: Detector,
    start: Start,
    screen: &'static str,
    regex: &'static str,
    within: fn(&str) -> Vec<Range<usize>>,
) -> Shape {
    Shape { detector, start, screen, regex, within }
}

fn whole(candidate: &str) -> Vec<Range<usize>> {
    std::iter::once(0..candidate.len()).collect()
}

macro_rules! if_valid {
    ($check:path) => {
        |candidate| if $check(candidate) { whole(candidate) } else { Vec::new() }
    };
}

/// Secrets with a prefix of their maker, as the makers document them.
const PREFIXED: &str = concat!(
    r"\b(?:AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
    r"|glpat-[A-Za-z0-9_-]{20,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",
    r"|npm_[A-Za-z0-9]{36}|hv[sbr]\.[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"|do[opr]_v1_[a-f0-9]{64}|hf_[A-Za-z0-9]{34}|sk-[A-Za-z0-9_-]{20,}|pypi-[A-Za-z0-9_-]{50,}",
    r"|dckr_pat_[A-Za-z0-9_-]{20,}|[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})",
);

const SHAPES: &[Shape] = &[
    shape(
        Detector::PrivateKey,
        Start::Elsewhere,
        "PRIVATE KEY",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\z)",
    ),
    shape(Detector::Jwt, Start::Own, r"\beyJ", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    shape(Detector::CloudKeyId, Start::Letter, r"\bA[KS]IA[A-Z0-9]{16}", r"\bA[KS]IA[A-Z0-9]{16}\b"),
    shape(Detector::CloudKey, Start::Letter, PREFIXED, PREFIXED),
    // A secret access key of AWS has no prefix: 40 characters of base64 that are no other kind of text.
    checked(
        Detector::CloudKey,
        Start::Letter,
        r"(?:^|[^A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?:[^A-Za-z0-9/+=]|$)",
        r"[A-Za-z0-9/+_-]{40,}=*",
        if_valid!(checks::is_secret_access_key),
    ),
    shape(Detector::CloudKey, Start::Own, "AccountKey=", r"AccountKey=([A-Za-z0-9+/]{40,}={0,2})"),
    shape(Detector::UrlPassword, Start::Own, r"://[^/ :@]*:", r"://[^/\s:@]*:([^/\s@]+)@"),
    checked(
        Detector::Iban,
        Start::Letter,
        r"\b[A-Za-z]{2}[0-9]{2} ?[A-Za-z0-9]{4} ?[0-9A-Za-z]{3}",
        r"(?i)\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b",
        checks::ibans,
    ),
    checked(Detector::Card, Start::Digit, r"[0-9](?:[ -]?[0-9]){12}", r"[0-9](?:[ -]?[0-9]){12,}", checks::cards),
    checked(
        Detector::NationalId,
        Start::Digit,
        r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
        r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
        if_valid!(checks::is_ssn),
    ),
    shape(
        Detector::NationalId,
        Start::Letter,
        r"\b[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
        r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
    ),
    checked(
        Detector::NationalId,
        Start::Digit,
        r"\b[0-9XYZ][0-9]{7}-?[A-Z]\b",
        r"\b[0-9XYZ][0-9]{7}-?[A-Z]\b",
        if_valid!(checks::is_dni),
    ),
    checked(
        Detector::NationalId,
        Start::Letter,
        r"\b[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z]\b",
        r"\b[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]\b",
        if_valid!(checks::is_codice_fiscale),
    ),
    checked(
        Detector::NationalId,
        Start::Digit,
        r"\b[12] ?[0-9]{2} ?[0-9]{2} ?[0-9AB]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b",
        r"\b[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\b",
        if_valid!(checks::is_nir),
    ),
    checked(
        Detector::NationalId,
        Start::Digit,
        r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b",
        r"\b[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\b",
        if_valid!(checks::is_cpf),
    ),
    checked(
        Detector::NationalId,
        Start::Digit,
        r"\b[2-9][0-9]{3} [0-9]{4} [0-9]{4}\b",
        r"\b[2-9][0-9]{3} [0-9]{4} [0-9]{4}\b",
        if_valid!(checks::is_aadhaar),
    ),
    checked(
        Detector::NationalId,
        Start::Digit,
        r"\b[0-9]{6}[-+][0-9]{4}\b",
        r"\b[0-9]{6}[-+][0-9]{4}\b",
        if_valid!(checks::is_personnummer),
    ),
    checked(
        Detector::NationalId,
        Start::Digit,
        r"\b[0-9]{3}[ -][0-9]{3}[ -][0-9]{3}\b",
        r"\b[0-9]{3}[ -][0-9]{3}[ -][0-9]{3}\b",
        if_valid!(checks::is_luhn),
    ),
    checked(
        Detector::NationalId,
        Start::Digit,
        r"\b[0-9]{17}[0-9X]\b",
        r"\b[1-9][0-9]{16}[0-9X]\b",
        if_valid!(checks::is_resident_id),
    ),
    shape(
        Detector::Email,
        Start::Around,
        r#"[^\x00- "'(<](?:@|%40)[A-Za-z0-9\x80-\xFF]"#,
        r"[\w.+'-]+(?:@|%40)[\p{L}0-9](?:[\p{L}0-9-]*[\p{L}0-9])?(?:\.[\p{L}0-9](?:[\p{L}0-9-]*[\p{L}0-9])?)+",
    ),
    checked(
        Detector::Phone,
        Start::Own,
        r"\+[0-9][0-9 ().-]{6}",
        r"\+[1-9][0-9]{0,2}(?:[ .-]?\(?[0-9]{1,4}\)?)(?:[ .-]?[0-9]{2,4}){1,4}\b",
        if_valid!(checks::is_e164),
    ),
    shape(
        Detector::Phone,
        Start::Elsewhere,
        r"[2-9][0-9]{2}\)?[ .-]? ?[2-9][0-9]{2}[ .-][0-9]{4}\b",
        r"(?:\([2-9][0-9]{2}\) ?|\b[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}\b",
    ),
];

/// The same, at the beginning of a text.
static ANCHORED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compiled = |shape: &Shape| Regex::new(&format!("^(?:{})", shape.regex)).expect("it compiles without an anchor");
    SHAPES.iter().map(compiled).collect()
});

static REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compiled = |shape: &Shape| Regex::new(shape.regex).expect("the expression is a constant that tests compile");
    SHAPES.iter().map(compiled).collect()
});

/// What is behind the last character of a mail address' first part.
static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
    let label = r"[\p{L}0-9][\p{L}0-9-]{0,62}";
    Regex::new(&format!(r"^(?s:.)(?:@|%40){label}(?:\.{label})+")).expect("the expression is a constant")
});

/// Bytes behind a sign of this shape in which its value shows itself.
pub(super) fn reach(shape: usize) -> usize {
    match SHAPES[shape].start {
        Start::Own => 8192,
        Start::Digit | Start::Letter | Start::Around | Start::Elsewhere => 512,
    }
}

/// An expression over bytes that matches in every text in which this shape is found.
pub(super) fn screen_of(shape: usize) -> &'static str {
    SHAPES[shape].screen
}

/// What is found at a sign of this shape: where values begin, in bytes behind the sign's beginning, with what finds them;
/// and how many bytes were looked at for good.
pub(super) fn at_sign(
    shape: usize,
    behind: &str,
    is_wanted: &dyn Fn(Detector) -> bool,
) -> (Vec<(usize, Detector)>, usize) {
    let Shape { detector, start, .. } = SHAPES[shape];
    match start {
        // The rest is for the close look: there are few of these that are none.
        Start::Elsewhere => (vec![(0, detector)], 1),
        Start::Around => {
            let is_found = DOMAIN.is_match(behind);
            (is_found.then_some((0, detector)).into_iter().collect(), 1)
        }
        Start::Digit => {
            // A run of digits may hold any of these, in any of its groups, with a letter at either end.
            let is_grouped = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '+');
            let first = behind.chars().next().map_or(0, char::len_utf8);
            let run = behind[first..].find(|c| !is_grouped(c)).map_or(behind.len(), |at| first + at);
            let end = behind[run..].char_indices().nth(2).map_or(behind.len(), |(at, _)| run + at);
            let found = of_start(Start::Digit, is_wanted).flat_map(|shape| {
                in_shape(shape, &behind[..end]).map(move |range| (range.start, SHAPES[shape].detector))
            });
            (found.collect(), run.max(1))
        }
        Start::Letter => (of_start(Start::Letter, is_wanted).filter_map(|shape| begins(shape, behind)).collect(), 1),
        // Two parts of a token make one: the second is far away at most times, and looking for it is quick.
        Start::Own if detector == Detector::Jwt && !behind.contains(".eyJ") => (Vec::new(), 1),
        Start::Own => (begins(shape, behind).into_iter().collect(), 1),
    }
}

fn of_start(start: Start, is_wanted: &dyn Fn(Detector) -> bool) -> impl Iterator<Item = usize> {
    (0..SHAPES.len()).filter(move |shape| SHAPES[*shape].start == start && is_wanted(SHAPES[*shape].detector))
}

/// Whether a value of this shape begins at the beginning of a text, or one character behind: a sign may begin with the
/// character before its value.
fn begins(shape: usize, behind: &str) -> Option<(usize, Detector)> {
    let second = behind.chars().next().map_or(0, char::len_utf8);
    let back = [0, second].into_iter().find(|back| {
        let candidate = ANCHORED[shape].find(&behind[*back..]);
        candidate.is_some_and(|found| !(SHAPES[shape].within)(found.as_str()).is_empty())
    })?;
    Some((back, SHAPES[shape].detector))
}

fn in_shape(shape: usize, text: &str) -> impl Iterator<Item = Range<usize>> {
    REGEXES[shape].captures_iter(text).flat_map(move |captures| {
        let candidate = captures.get(1).or(captures.get(0)).expect("a match has its whole");
        let start = candidate.start();
        (SHAPES[shape].within)(candidate.as_str()).into_iter().map(move |range| start + range.start..start + range.end)
    })
}

/// The places in a text that one of these detectors finds, in order and without overlap.
pub(super) fn find(text: &str, is_wanted: impl Fn(Detector) -> bool) -> Vec<(Range<usize>, Detector)> {
    let mut found: BTreeMap<usize, (usize, Detector)> = BTreeMap::new();
    let uuids: LazyCell<Vec<Range<usize>>, _> =
        LazyCell::new(|| UUID.find_iter(text).map(|uuid| uuid.range()).collect());
    for detector in Detector::ALL.into_iter().filter(|detector| is_wanted(*detector)) {
        for range in detector.shapes().flat_map(|shape| in_shape(shape, text)) {
            let is_number = matches!(detector, Detector::Card | Detector::NationalId | Detector::Phone);
            if is_number && !stands_alone(text, &range, &uuids) {
                continue;
            }
            if is_free(&found, &range, |(end, _)| *end) {
                found.insert(range.start, (range.end, detector));
            }
        }
    }
    found.into_iter().map(|(start, (end, detector))| (start..end, detector)).collect()
}

/// Ids of this form are in every record, and some of their digits pass for a number of something.
static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b").expect("a constant")
});

/// Whether a number is no part of a longer word, of a decimal number, or of a UUID. The UUIDs are in order.
fn stands_alone(text: &str, range: &Range<usize>, uuids: &[Range<usize>]) -> bool {
    let mut before = text[..range.start].chars().rev();
    let (last, second) = (before.next(), before.next());
    let is_decimal = last == Some('.') && second.is_some_and(|c| c.is_ascii_digit());
    let is_inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let next = uuids.partition_point(|uuid| uuid.end <= range.start);
    let is_in_uuid = uuids.get(next).is_some_and(|uuid| uuid.start < range.end);
    !is_decimal && !is_inside(last) && !is_inside(text[range.end..].chars().next()) && !is_in_uuid
}
