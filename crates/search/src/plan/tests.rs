//! What an index is asked for each kind of clause, and whether its answer is exact.

use cairn_event::filter::{Context, Glob, parse};

use super::*;

fn plan(text: &str) -> Plan {
    let context = Context { now: "2024-05-10T12:00:00Z".parse().expect("a time"), zone: jiff::tz::TimeZone::UTC };
    let query = parse(text, &context).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    let trails = ["a/main", "b/main"].map(|name| name.parse().expect("a name"));
    Plan::of(&query, &trails)
}

fn shown(filter: &Filter) -> String {
    let list = |filters: &[Filter], operator: &str| {
        format!("({})", filters.iter().map(shown).collect::<Vec<_>>().join(operator))
    };
    match filter {
        Filter::All => "*".to_owned(),
        Filter::Nothing => "nothing".to_owned(),
        Filter::Term(field, term) => format!("{}={term}", field.name()),
        Filter::Pattern(field, pattern) => {
            let globs = pattern.folded().iter().map(|glob| match glob {
                Glob::Literal(text) => text.as_str(),
                Glob::One => "?",
                Glob::Many => "*",
            });
            format!("{}~{}", field.name(), globs.collect::<String>())
        }
        Filter::Between { field, from, to } => format!("{}={from}..{to}", field.name()),
        Filter::Number { field, from, to } => format!("{field:?}={from}..{to}"),
        Filter::Trail(trail) => trail.to_string(),
        Filter::And(filters) => list(filters, " & "),
        Filter::Or(filters) => list(filters, " | "),
        Filter::Not(inner) => format!("!{}", shown(inner)),
    }
}

fn check(text: &str, filter: &str, exact: bool) {
    let plan = plan(text);
    assert_eq!((shown(&plan.filter).as_str(), plan.exact), (filter, exact), "{text}");
}

#[test]
fn values_with_terms_are_asked_exactly() {
    check("actor:Alice", "actor=alice", true);
    check("actor:=Alice", "actor=alice", false);
    check("actor.name:alice", "actor=alice", false);
    check("action:iam.*", "action~iam.*", true);
    check("op:delete,create", "(op=delete | op=create)", true);
    check("severity:>=high", "(severity=high | severity=critical)", true);
    check("severity:<informational", "nothing", true);
    check("ip:10.0.0.0/8", "(ip=40a000000..40affffff | ip=n10.0.0.0/8)", true);
    check("actor.ip:10.0.0.1", "(ip=40a000001 | ip=n10.0.0.1/32)", false);
    check("has:ip", "has=ip", true);
    check("country:*", "country~*", false);
    check("is:noop", "state=noop", true);
    check("role", "word=role", true);
    check("index:3..", "Index=3..9223372036854775807", true);
    check("index:>1.5", "*", false);
    check("trail:a/main", "a/main", true);
    check("tenant:a,b", "*", true);
    check("position:b/main@7", "(b/main & Index=7..7)", true);
}

#[test]
fn values_without_terms_are_narrowed_by_their_words() {
    check("after.role:Super-Admin", "(word=super & word=admin)", false);
    check("request:R-1", "(word=r & word=1)", false);
    check("request:req-1*", "(word=req & word~1*)", false);
    check("after.role:a*-admin", "(word~a* & word=admin)", false);
    check("after.role:x-a*admin", "(word=x & word~a*)", false);
    check("after.role:t*", "*", false);
    check("after.count:42", "word=42", false);
    check("after.count:4.2", "*", false);
    check("after.count:>42", "*", false);
    check("after.on:true", "*", false);
    check("before_hash:abc", "*", false);
    check("\"super admin\"", "(word=super & word=admin)", false);
    check("changed:role", "(changed=/role | changed=*)", false);
}

#[test]
fn a_negation_keeps_all_that_may_match() {
    check("-actor:alice", "!actor=alice", true);
    check("-after.role:admin", "*", false);
    check("-(actor:alice after.role:admin)", "*", false);
    check("-(actor:alice OR after.role:admin)", "!actor=alice", false);
    check("-(actor:alice -op:read)", "(!actor=alice | op=read)", true);
    check("actor:alice -changed:x", "actor=alice", false);
}

#[test]
fn times_that_all_results_keep_bound_the_scope() {
    let day = plan("created:2024-05-10 actor:alice");
    assert_eq!(shown(&day.filter), "actor=alice");
    assert_eq!(day.time_ns, 1_715_299_200_000_000_000..=1_715_385_599_999_999_999);
    assert!(day.exact);
    let either = plan("created:<2024 OR created:2024-05-10");
    assert_eq!(either.time_ns, Numbers::FIRST..=1_715_385_599_999_999_999);
    assert!(!plan("created:>1500").exact);
}

#[test]
fn texts_that_every_match_holds_are_known() {
    assert_eq!(plan("actor:Alice request:r-1 admin").required_texts(), ["alice", "r", "1", "admin"]);
    assert_eq!(plan("actor:alice OR admin").required_texts(), [""; 0]);
    assert_eq!(plan("res:invoice/42 -admin ip:10.0.0.1").required_texts(), [""; 0]);
    assert_eq!(plan("actor:\"say \\\"hi\\\"\"").required_texts(), [""; 0]);
}
