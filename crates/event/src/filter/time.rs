//! Times in a query. What is typed covers all of its last unit: a date covers the day, a time
//! without seconds the minute. Printed text is absolute and names its offset.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::parse::Context;

/// An instant and the offset that it is printed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    at: Timestamp,
    offset: Offset,
}

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

impl Moment {
    /// An instant, printed with `offset` cut to whole minutes, since RFC 3339 has no finer ones;
    /// `None` if the local year would not have four digits (0001 to 9999).
    #[must_use]
    pub fn new(at: Timestamp, offset: Offset) -> Option<Self> {
        let offset = Offset::from_seconds(offset.seconds() / 60 * 60).ok()?;
        let year = offset.to_datetime(at).year();
        (1..=9999).contains(&year).then_some(Self { at, offset })
    }

    /// The instant.
    #[must_use]
    pub fn at(self) -> Timestamp {
        self.at
    }

    /// The offset that it is printed with, in whole minutes.
    #[must_use]
    pub fn offset(self) -> Offset {
        self.offset
    }

    /// The shortest text, to the second at least, whose covered time begins here.
    pub(super) fn text_of_start(self) -> String {
        self.text(|digits| digits.trim_end_matches('0'))
    }

    /// The shortest text, to the second at least, whose covered time ends here.
    pub(super) fn text_of_end(self) -> String {
        self.text(|digits| digits.trim_end_matches('9'))
    }

    /// The text that covers this nanosecond alone.
    pub(super) fn text_of_instant(self) -> String {
        self.text(|digits| digits)
    }

    fn text(self, trim: fn(&str) -> &str) -> String {
        let local = self.offset.to_datetime(self.at);
        let (date, time) = (local.date(), local.time());
        let digits = format!("{:09}", local.subsec_nanosecond());
        let fraction = trim(&digits);
        let mut text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
        );
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
        match self.offset.seconds() / 60 {
            0 => text.push('Z'),
            minutes => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
                write!(text, "{sign}{hours:02}:{minutes:02}").expect("a String takes any text");
            }
        }
        text
    }
}

/// The time that a text covers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Covered {
    pub(super) first: Moment,
    pub(super) last: Moment,
    /// Whether the text was `now` or counted back from it: an end of a range, hardly a value.
    pub(super) relative: bool,
}

/// Why a text names no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTime {
    /// It does not look like one.
    Shape,
    /// It does, but there is no such date, or it lies outside the years 0001 to 9999.
    Range,
}

/// Reads `2026`, `2026-11`, `2026-11-24`, `2026-11-24T14:02`, with seconds, with a fraction, with
/// `Z` or an offset; `now`, `today`, `yesterday`; `-2h` with the units `s m h d w`, where a day is
/// 24 hours.
pub(super) fn read(text: &str, context: &Context) -> Result<Covered, NotTime> {
    match text {
        "now" => return instant(context.now, context),
        "today" => return day(context.zone.to_datetime(context.now).date(), context),
        "yesterday" => {
            let today = context.zone.to_datetime(context.now).date();
            return day(today.yesterday().map_err(|_| NotTime::Range)?, context);
        }
        _ => {}
    }
    match text.strip_prefix('-') {
        Some(back) => instant(counted_back(back, context.now)?, context),
        None => absolute(text, context),
    }
}

fn instant(at: Timestamp, context: &Context) -> Result<Covered, NotTime> {
    let moment = Moment::new(at, context.zone.to_offset(at)).ok_or(NotTime::Range)?;
    Ok(Covered { first: moment, last: moment, relative: true })
}

fn counted_back(text: &str, now: Timestamp) -> Result<Timestamp, NotTime> {
    let seconds_of_unit = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 24 * 3600,
        Some(b'w') => 7 * 24 * 3600,
        _ => return Err(NotTime::Shape),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotTime::Shape);
    }
    let count: i64 = digits.parse().map_err(|_| NotTime::Range)?;
    let seconds = count.checked_mul(seconds_of_unit).ok_or(NotTime::Range)?;
    now.checked_sub(SignedDuration::from_secs(seconds)).map_err(|_| NotTime::Range)
}

fn day(date: Date, context: &Context) -> Result<Covered, NotTime> {
    let next = date.tomorrow().map_err(|_| NotTime::Range)?;
    dates(date, next, &context.zone)
}

/// From the first instant of `first` to the last before `next`. Days of 23 or 25 hours and a
/// midnight that does not exist come out right, because both ends are found in the zone.
fn dates(first: Date, next: Date, zone: &TimeZone) -> Result<Covered, NotTime> {
    let start = in_zone(first.to_datetime(Time::midnight()), zone)?;
    let end = in_zone(next.to_datetime(Time::midnight()), zone)?;
    covered(start, end.checked_sub(NANOSECOND).map_err(|_| NotTime::Range)?, zone)
}

fn covered(first: Timestamp, last: Timestamp, zone: &TimeZone) -> Result<Covered, NotTime> {
    let moment = |at| Moment::new(at, zone.to_offset(at)).ok_or(NotTime::Range);
    Ok(Covered { first: moment(first)?, last: moment(last)?, relative: false })
}

fn in_zone(local: DateTime, zone: &TimeZone) -> Result<Timestamp, NotTime> {
    zone.to_ambiguous_timestamp(local).compatible().map_err(|_| NotTime::Range)
}

fn absolute(text: &str, context: &Context) -> Result<Covered, NotTime> {
    let (date, clock) = match text.split_once(['T', 't', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = parts.next().and_then(|text| number(text, 4)).ok_or(NotTime::Shape)?;
    let month = parts.next().map(|text| number(text, 2).ok_or(NotTime::Shape)).transpose()?;
    let day_number = parts.next().map(|text| number(text, 2).ok_or(NotTime::Shape)).transpose()?;
    if parts.next().is_some() || (clock.is_some() && day_number.is_none()) {
        return Err(NotTime::Shape);
    }
    let first = calendar(year, month.unwrap_or(1), day_number.unwrap_or(1))?;
    match (clock, month, day_number) {
        (Some(clock), ..) => at_clock(first, clock, context),
        (None, None, _) => dates(first, calendar(year + 1, 1, 1)?, &context.zone),
        (None, Some(12), None) => dates(first, calendar(year + 1, 1, 1)?, &context.zone),
        (None, Some(month), None) => dates(first, calendar(year, month + 1, 1)?, &context.zone),
        (None, Some(_), Some(_)) => day(first, context),
    }
}

fn calendar(year: u32, month: u32, day: u32) -> Result<Date, NotTime> {
    let narrow = |number: u32| i8::try_from(number).map_err(|_| NotTime::Range);
    let year = i16::try_from(year).map_err(|_| NotTime::Range)?;
    Date::new(year, narrow(month)?, narrow(day)?).map_err(|_| NotTime::Range)
}

/// `14:02`, `14:02:11`, `14:02:11.204`, each with an offset or without.
fn at_clock(date: Date, text: &str, context: &Context) -> Result<Covered, NotTime> {
    let (clock, zone) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => (&text[..at], TimeZone::fixed(offset(&text[at..])?)),
        None => (text, context.zone.clone()),
    };
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (clock, None),
    };
    let mut parts = clock.split(':');
    let mut part = || parts.next().map(|text| number(text, 2).ok_or(NotTime::Shape)).transpose();
    let hour = part()?.ok_or(NotTime::Shape)?;
    let minute = part()?.ok_or(NotTime::Shape)?;
    let second = part()?;
    if parts.next().is_some() || (fraction.is_some() && second.is_none()) {
        return Err(NotTime::Shape);
    }
    let (nanosecond, step_ns) = match (fraction, second) {
        (Some(fraction), _) => nanoseconds(fraction)?,
        (None, Some(_)) => (0, 1_000_000_000),
        (None, None) => (0, 60 * 1_000_000_000),
    };
    let narrow = |number: u32| i8::try_from(number).map_err(|_| NotTime::Range);
    let time = Time::new(narrow(hour)?, narrow(minute)?, narrow(second.unwrap_or(0))?, nanosecond)
        .map_err(|_| NotTime::Range)?;
    let first = in_zone(date.to_datetime(time), &zone)?;
    let last = first.checked_add(SignedDuration::from_nanos(step_ns - 1)).map_err(|_| NotTime::Range)?;
    covered(first, last, &zone)
}

/// The nanoseconds of a fraction and the length of its last digit, in nanoseconds.
fn nanoseconds(fraction: &str) -> Result<(i32, i64), NotTime> {
    let digits = fraction.len();
    if digits == 0 || digits > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotTime::Shape);
    }
    let padded: i32 = format!("{fraction:0<9}").parse().map_err(|_| NotTime::Shape)?;
    let missing = u32::try_from(9 - digits).expect("at most nine digits");
    Ok((padded, 10_i64.pow(missing)))
}

fn offset(text: &str) -> Result<Offset, NotTime> {
    if text == "Z" || text == "z" {
        return Ok(Offset::UTC);
    }
    let (negative, rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => return Err(NotTime::Shape),
    };
    let (hours, minutes) = rest.split_once(':').ok_or(NotTime::Shape)?;
    let hours = number(hours, 2).ok_or(NotTime::Shape)?;
    let minutes = number(minutes, 2).ok_or(NotTime::Shape)?;
    if hours > 23 || minutes > 59 {
        return Err(NotTime::Range);
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).map_err(|_| NotTime::Range)?;
    Offset::from_seconds(if negative { -seconds } else { seconds }).map_err(|_| NotTime::Range)
}

/// Exactly `width` digits.
fn number(text: &str, width: usize) -> Option<u32> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
