//! What times cover, how they print, and the bounds that follow.

use jiff::Timestamp;

use super::super::{Context, Query, parse};
use super::{berlin, check_canonical, query, zone};

#[test]
fn a_time_covers_all_of_its_last_unit_in_the_zone_of_the_reader() {
    for (text, canonical) in [
        ("2026", "2026-01-01T00:00:00+01:00..2026-12-31T23:59:59+01:00"),
        ("2026-07", "2026-07-01T00:00:00+02:00..2026-07-31T23:59:59+02:00"),
        ("2026-12", "2026-12-01T00:00:00+01:00..2026-12-31T23:59:59+01:00"),
        ("2026-11-24", "2026-11-24T00:00:00+01:00..2026-11-24T23:59:59+01:00"),
        // The clock goes back this night: the day has 25 hours.
        ("2026-10-25", "2026-10-25T00:00:00+02:00..2026-10-25T23:59:59+01:00"),
        ("today", "2026-11-24T00:00:00+01:00..2026-11-24T23:59:59+01:00"),
        ("yesterday", "2026-11-23T00:00:00+01:00..2026-11-23T23:59:59+01:00"),
        ("2026-11-24T14:02", "2026-11-24T14:02:00+01:00..2026-11-24T14:02:59+01:00"),
        ("2026-11-24T14:02Z", "2026-11-24T14:02:00Z..2026-11-24T14:02:59Z"),
        ("\"2026-11-24 14:02\"", "2026-11-24T14:02:00+01:00..2026-11-24T14:02:59+01:00"),
        ("2026-11-24T14:02:11Z", "2026-11-24T14:02:11Z"),
        ("2026-11-24t14:02:11z", "2026-11-24T14:02:11Z"),
        ("2026-11-24T14:02:11.204-09:30", "2026-11-24T14:02:11.204-09:30"),
        ("2026-11-24T14:02:11.200000000Z", "2026-11-24T14:02:11.200000000Z"),
        ("2026-11-24T14:02:11-00:00", "2026-11-24T14:02:11Z"),
        (">2026-11-24", ">2026-11-24T23:59:59+01:00"),
        (">=2026-11-24", ">=2026-11-24T00:00:00+01:00"),
        ("<2026-11-24", "<2026-11-24T00:00:00+01:00"),
        ("<=2026-11-24", "<=2026-11-24T23:59:59+01:00"),
        ("=2026-11-24T14:02:11Z", "2026-11-24T14:02:11Z"),
        (">-2h", ">2026-11-24T12:30:00.500000000+01:00"),
        ("<=-1w", "<=2026-11-17T14:30:00.500000000+01:00"),
        ("-90m..-30s", "2026-11-24T13:00:00.5+01:00..2026-11-24T14:29:30.500000000+01:00"),
        ("-1d..", "2026-11-23T14:30:00.5+01:00.."),
        ("..now", "..2026-11-24T14:30:00.500000000+01:00"),
        ("yesterday..now", "2026-11-23T00:00:00+01:00..2026-11-24T14:30:00.500000000+01:00"),
        ("2026-11-01..2026-11-02", "2026-11-01T00:00:00+01:00..2026-11-02T23:59:59+01:00"),
        ("\"2026-11-24 10:00\"..\"2026-11-24 11:00Z\"", "2026-11-24T10:00:00+01:00..2026-11-24T11:00:59Z"),
        ("2026-11-24..\"2026-11-24 11:00Z\"", "2026-11-24T00:00:00+01:00..2026-11-24T11:00:59Z"),
        ("now..now", "2026-11-24T14:30:00.500000000+01:00"),
        ("*", "*"),
    ] {
        check_canonical(&format!("created:{text}"), &format!("created:{canonical}"));
    }
}

#[test]
fn a_list_of_times_is_an_alternative() {
    check_canonical(
        "op:read created:2026-11-23T10:00:00Z,2026-11-24T10:00:00Z",
        "op:read (created:2026-11-23T10:00:00Z OR created:2026-11-24T10:00:00Z)",
    );
}

#[test]
fn times_of_a_path_compare_and_range() {
    check_canonical("metadata.due:>2026-11-24", "metadata.due:>2026-11-24T23:59:59+01:00");
    check_canonical(
        "metadata.due:2026-11-24..2026-11-24",
        "metadata.due:2026-11-24T00:00:00+01:00..2026-11-24T23:59:59+01:00",
    );
    check_canonical("metadata.due:2026-11-24", "metadata.due:2026-11-24");
    check_canonical("metadata.year:>2026", "metadata.year:>2026");
}

#[test]
fn a_midnight_that_the_clock_skips_begins_the_day_at_its_first_instant() {
    let context = Context { now: Timestamp::UNIX_EPOCH, zone: zone("<-03>3<-02>,M11.1.0/0,M2.3.0/0") };
    let query = parse("created:2018-11-04", &context).unwrap();
    let canonical = "created:2018-11-04T01:00:00-02:00..2018-11-04T23:59:59-02:00";
    assert_eq!(query.to_string(), canonical);
}

#[test]
fn an_offset_with_seconds_prints_in_whole_minutes_and_means_the_same() {
    // Local mean time of Amsterdam.
    let context = Context { now: Timestamp::UNIX_EPOCH, zone: zone("LMT-0:19:32") };
    let query = parse("created:>=1900-01-01", &context).unwrap();
    assert_eq!(parse(&query.to_string(), &berlin()).unwrap(), query);
}

#[test]
fn bounds_of_created_are_never_narrower_than_the_query() {
    let check = |text: &str, from: Option<&str>, to: Option<&str>| {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(query(text).time_bounds(), (from.map(time), to.map(time)), "{text}");
    };
    let (noon, one) = ("2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z");
    check("op:read", None, None);
    check("created:>2026-11-24T12:00:00.000000000Z", Some(noon), None);
    check("created:>=2026-11-24T12:00Z", Some(noon), None);
    check("created:<2026-11-24T12:00Z op:read", None, Some(noon));
    check("created:2026-11-24T12:00:00.000000000Z", Some(noon), Some(noon));
    check("created:2026-11-24T12:00:00.000000000Z,2026-11-24T13:00:00.000000000Z", Some(noon), Some(one));
    check("created:>=2026-11-24T12:00Z created:<2026-11-24T13:00Z", Some(noon), Some(one));
    check("created:>=2026-11-24T12:00Z created:>=2026-11-24T13:00Z", Some(one), None);
    check("created:>=2026-11-24T12:00Z OR created:>=2026-11-24T13:00Z", Some(noon), None);
    check("created:>=2026-11-24T12:00Z OR op:read", None, None);
    check("created:<2026-11-24T12:00Z OR created:<2026-11-24T13:00Z", None, Some(one));
    check("-created:<2026-11-24T12:00Z", None, None);
    check("created:*", None, None);
    check("ingested:>=2026-11-24T12:00Z", None, None);
    assert_eq!(Query::none().time_bounds(), (None, None));
}
