//! Times and amounts as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How long ago (or ahead) an instant is, as two units at most: `2 h 14 m ago`, `in 30 s`. What is
/// further away than 30 days is given as a date in the reader's zone.
pub(crate) fn relative(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let seconds = now.as_second() - at.as_second();
    let ago = |text: String| {
        if seconds < 0 { format!("in {text}") } else { format!("{text} ago") }
    };
    let distance = seconds.unsigned_abs();
    match distance {
        0 => "now".to_owned(),
        1..60 => ago(format!("{distance} s")),
        60..3_600 => ago(format!("{} m", distance / 60)),
        3_600..86_400 => ago(pair(distance / 3_600, "h", distance / 60 % 60, "m")),
        86_400..2_592_000 => ago(pair(distance / 86_400, "d", distance / 3_600 % 24, "h")),
        _ => at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    }
}

fn pair(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

/// A count with thin groups of three: `1,448`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 event`, `2 events`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(number)) }
}

/// A size in the binary unit that leaves one to four digits: `512 B`, `1.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut scaled = bytes as f64 / 1024.0;
    let mut unit = 0;
    while scaled >= 1023.95 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

/// A duration in the unit that suits it: `0.18 ms`, `4.2 s`, `3 m 20 s`.
pub(crate) fn duration(span: std::time::Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.2} ms", seconds * 1e3)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = span.as_secs();
        pair(whole / 60, "m", whole % 60, "s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds_ago: i64, text: &str) {
        let now = Timestamp::from_second(1_700_000_000).expect("in range");
        let at = Timestamp::from_second(1_700_000_000 - seconds_ago).expect("in range");
        assert_eq!(relative(at, now, &TimeZone::UTC), text);
    }

    #[test]
    fn distances_read_as_people_say_them() {
        check(0, "now");
        check(5, "5 s ago");
        check(125, "2 m ago");
        check(8_040, "2 h 14 m ago");
        check(7_200, "2 h ago");
        check(90_000, "1 d 1 h ago");
        check(-30, "in 30 s");
        check(40 * 86_400, "2023-10-05 22:13:20");
    }

    #[test]
    fn amounts_read_as_people_say_them() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1448), "1,448");
        assert_eq!(count(12_480_113), "12,480,113");
        assert_eq!(plural(1, "event"), "1 event");
        assert_eq!(plural(2000, "event"), "2,000 events");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(1 << 30), "1.0 GiB");
        assert_eq!(size((1 << 20) - 1), "1.0 MiB");
        assert_eq!(duration(std::time::Duration::from_micros(180)), "0.18 ms");
        assert_eq!(duration(std::time::Duration::from_secs(200)), "3 m 20 s");
    }
}
