//! What is refused, where, and with which advice.

use super::super::{CLAUSES_MAX, DEPTH_MAX, QUERY_BYTES_MAX};
use super::{faults, query};

/// The faults of `text`, each as `place: message`, with the place quoted from the text.
fn check(text: &str, expected: &[&str]) {
    let found: Vec<_> =
        faults(text).iter().map(|fault| format!("{}: {fault}", &text[fault.span.start..fault.span.end])).collect();
    assert_eq!(found, expected, "{text:?}");
}

const QUOTE: &str = "to search for text that holds a colon, quote it";
const OPERATORS: &str = ": something to search for is missing here; AND, OR and NOT stand between or before clauses; \
     quote them to find the word";
const COMMA: &str = "quote a value that holds commas, spaces or quotation marks";

#[test]
fn unknown_names_come_with_the_nearest_ones() {
    check("actr:x op:read", &[&format!("actr: unknown field `actr`; did you mean `actor`? {QUOTE}")]);
    check("user:x", &[&format!("user: unknown field `user`; did you mean `actor`? {QUOTE}")]);
    check("http://x", &[&format!("http: unknown field `http`; {QUOTE}")]);
    check("zzzz:\"a b\" op:read", &[&format!("zzzz: unknown field `zzzz`; {QUOTE}")]);
    check(
        "op:delte",
        &["delte: `op` has no value `delte`; did you mean `delete`? (one of create, read, update, \
           delete, grant, revoke, login, logout, deploy, approve, export, execute, other)"],
    );
    check(
        "op:x*",
        &["x*: `op` has no value `x*`; one of create, read, update, delete, grant, revoke, \
         login, logout, deploy, approve, export, execute, other"],
    );
    check(
        "is:noopp",
        &["noopp: there is no state `noopp`; did you mean `noop`? (one of change, conflict, \
           dry-run, noop, quarantined, redacted)"],
    );
    check("has:emial", &[&format!("emial: unknown field `emial`; did you mean `actor.email`? {QUOTE}")]);
    check("act:x", &[&format!("act: unknown field `act`; did you mean `actor`, `actor.id` or `actor.name`? {QUOTE}")]);
    check("has:is", &["is: `is` has no value of its own"]);
}

#[test]
fn what_has_no_data_yet_says_so() {
    check(
        "proof:failed OR is:gap",
        &[
            "proof: `proof` is not available yet; proof status is not indexed; `cairn verify` checks \
             proofs",
            "gap: `is:gap` is not available yet; gaps are not recorded yet",
        ],
    );
    for field in ["held", "case"] {
        let found = faults(&format!("{field}:x"));
        assert_eq!(found[0].message, format!("`{field}` is not available yet"));
    }
    for state in ["duplicate", "held"] {
        assert!(faults(&format!("is:{state}"))[0].message.ends_with("is not available yet"));
    }
}

#[test]
fn every_fault_is_told_at_once() {
    let found = faults("actr:x op:nope created:2026-13-01 index:two ip:1.2.3.4/99");
    assert_eq!(found.len(), 5);
    assert!(found.windows(2).all(|pair| pair[0].span.start < pair[1].span.start));
}

#[test]
fn syntax_faults_name_their_place() {
    check("a OR", &[OPERATORS]);
    check("OR a", &[OPERATORS]);
    check("a AND", &[OPERATORS]);
    check("a AND OR b", &[OPERATORS]);
    check("AND", &[OPERATORS, OPERATORS]);
    check("NOT", &[OPERATORS]);
    check("()", &[OPERATORS]);
    check("- a", &[OPERATORS]);
    check("-", &[OPERATORS]);
    check("--a", &["--a: this is negated twice; quote text that begins with `-`"]);
    check("NOT -a", &["NOT -a: this is negated twice; quote text that begins with `-`"]);
    check("(a", &["(: this parenthesis is not closed"]);
    check("a)", &["): there is no open parenthesis for this one"]);
    check("a) b)", &["): there is no open parenthesis for this one"; 2]);
    let single = "a parenthesis in this word is not closed; quote text that holds a single parenthesis";
    check("a(b", &[&format!("a(b: {single}")]);
    check("(actor:a(b)", &["(: this parenthesis is not closed"]);
    check("actor:a(*", &[&format!("a(*: {single}")]);
    check("\"a", &["\"a: the quotation mark is not closed"]);
    check("actor:\"a", &["\"a: the quotation mark is not closed"]);
    check("\"a\"b", &[&format!(": a space is missing behind the quotation mark; {COMMA}")]);
    check("actor:\"a\"b", &[&format!(": a space is missing behind the quotation mark; {COMMA}")]);
    check("actor: a", &[": `actor:` needs a value; no space after the colon; `actor:*` asks whether it is there"]);
    let missing = ": a value is missing here; quote a value that holds commas or spaces, or is empty";
    check("actor:a,,b", &[missing]);
    check("actor:a,", &[missing]);
    check("actor:>", &[missing]);
    check("actor:=a,b", &[&format!(": a comparison takes one value; {COMMA}")]);
    check("index:1..2,3", &[&format!(": a range stands alone; {COMMA}")]);
    let no_letters = "there is no letter or digit to search for; free text is searched by words; \
                      other signs can be matched on a field";
    check("!!", &[&format!("!!: {no_letters}")]);
    check("\"\"", &[&format!("\"\": {no_letters}")]);
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    check("actor:>a", &[">a: `actor` has no order for `>`; quote the value to match text that begins with `>`"]);
    check(
        "created:soon",
        &["soon: `soon` is not a time; write `2026-11-24`, `2026-11-24T14:02Z`, `-2h` (units s m h \
           d w), `now`, `today` or `yesterday`"],
    );
    check(
        "created:-2h",
        &["-2h: `-2h` is one instant, which hardly an event has; write `>-2h` or `-2h..` for what \
           came after it"],
    );
    let years = "years go from 0001 to 9998, seconds to 59";
    for text in
        ["2026-02-29", "2026-13", "0000", "9999", "2026-11-24T24:00", "2026-11-24T23:59:60Z", "2026-11-24T10:00+24:00"]
    {
        check(&format!("created:{text}"), &[&format!("{text}: there is no time `{text}`; {years}")]);
    }
    for text in ["-9999999999d", "-99999999999999999999s", "-3000000000w"] {
        check(&format!("created:>{text}"), &[&format!("{text}: there is no time `{text}`; {years}")]);
    }
    for text in [
        "2026-1-1",
        "2026-11-24T10",
        "2026-11T10:00",
        "2026-11-24T10:00.5",
        "20261124",
        "2026-11-24T10:00:00.",
        "2026-11-24T10:00:00.1234567890",
        "2026-11-24T10:00+0100",
        "-h",
        "-2y",
    ] {
        assert!(faults(&format!("created:{text}"))[0].message.ends_with("is not a time"), "{text}");
    }
    check("created:2026-11-24..2026-11-23", &["2026-11-24..2026-11-23: the range ends before it begins"]);
    check("created:..", &["..: a range needs at least one end"]);
    check("index:9..1", &["9..1: the range ends before it begins"]);
    check("index:two", &["two: `two` is not a number"]);
    check("index:1..two", &["two: `two` is not a number"]);
    check("severity:high..low", &["high..low: the range ends before it begins"]);
    check("severity:>h*", &["h*: a comparison takes no wildcards"]);
    check(
        "metadata.n:1..2026-11-24",
        &["1..2026-11-24: the ends of the range are of different kinds; both numbers or both times"],
    );
    check(
        "metadata.n:>abc",
        &["abc: `>` needs a number or a time; text has no order; write a number, a date or `-2h`"],
    );
    check("ip:10.0.0.0/33", &["10.0.0.0/33: `10.0.0.0/33` is not a network; as in `10.0.0.0/8`"]);
    check(
        "request:*a",
        &["*a: a value of `request` can't begin with a wildcard; begin with a letter, or quote the \
           value to match the sign itself"],
    );
    let leading = "a word of free text can't begin with a wildcard; put it on a field that allows \
                   it, as in `actor:*@example.com`";
    check("*a", &[&format!("*a: {leading}")]);
    check("a.?b", &[&format!("a.?b: {leading}")]);
    check("a.*.b", &[&format!("a.*.b: {leading}")]);
    check(
        "changed:a.*",
        &["a.*: a changed path takes no wildcards; a path stands for all below it: `spec` finds \
           `spec.replicas`"],
    );
    check("changed:a..b", &["a..b: `a..b` is not a path; write `spec.replicas`, or a pointer as `/spec/replicas`"]);
    check("changed:=a", &["a: `changed` takes names, without `=`"]);
}

#[test]
fn limits_are_refused_by_name() {
    let nested = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    query(&nested(DEPTH_MAX));
    let found = faults(&nested(DEPTH_MAX + 1));
    assert_eq!(found[0].message, format!("more than {DEPTH_MAX} levels of parentheses"));
    assert_eq!(faults(&"(".repeat(QUERY_BYTES_MAX)).len(), 1);

    query(&"a ".repeat(CLAUSES_MAX));
    let found = faults(&"a ".repeat(CLAUSES_MAX + 1));
    assert_eq!(found[0].message, format!("more than {CLAUSES_MAX} clauses"));
    assert_eq!(found.len(), 1);

    let days = |count: usize| format!("created:{}", vec!["2026"; count].join(","));
    query(&days(CLAUSES_MAX));
    assert_eq!(faults(&days(CLAUSES_MAX + 1))[0].message, format!("more than {CLAUSES_MAX} clauses"));
    let (open, close) = ("(".repeat(DEPTH_MAX), ")".repeat(DEPTH_MAX));
    assert_eq!(faults(&format!("{open}{}{close}", days(2))).len(), 1);

    query(&format!("actor:{}", vec!["a"; 256].join(",")));
    assert!(faults(&format!("actor:{}", vec!["a"; 257].join(",")))[0].message.contains("256"));

    query(&"a".repeat(QUERY_BYTES_MAX));
    assert!(faults(&"a".repeat(QUERY_BYTES_MAX + 1))[0].message.contains("bytes"));
    // Within the limit as typed, beyond it as printed: each blank takes two backslashes.
    let blanks = format!("has:\"after./{}\"", " ".repeat(QUERY_BYTES_MAX / 2));
    assert!(faults(&blanks)[0].message.contains("bytes"));
}
