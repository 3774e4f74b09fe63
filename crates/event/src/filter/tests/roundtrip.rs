//! Properties: every tree prints to text that reads as the same tree, and no text makes the parser
//! panic or the printer disagree with it.

use jiff::Timestamp;
use jiff::tz::Offset;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::ast::{Clause, Comparison, Expr, FieldRef, Item, Node, Spanned, Value};
use super::super::items::network;
use super::super::{
    CLAUSES_MAX, Context, Decimal, FIELDS, FLAGS, Kind, Moment, Pattern, Query, WordPatterns, fold, parse, words,
};

/// Text that is full of what the syntax uses.
fn tricky() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z0-9]{1,8}",
        3 => r#"[-a-z0-9 :,."\\()*?<>=~/@_]{1,10}"#,
        1 => "(OR|AND|NOT|or|and|not|now|today|-2h|2026-11-24|1\\.\\.2|10\\.0\\.0\\.0/8|::1|5)",
        1 => any::<String>().prop_map(|text| text.chars().take(12).collect()),
        1 => "[東京ァ가éİßΣς٣]{1,4}",
    ]
}

fn text_item() -> impl Strategy<Value = Item> {
    prop_oneof![
        tricky().prop_map(|text| Pattern::literal(&text)),
        "[a-z.]{1,3}[*?][a-z*?]{0,4}".prop_map(|text| Pattern::word(&text).unwrap()),
    ]
    .prop_map(Item::Text)
}

fn literal_item() -> impl Strategy<Value = Item> {
    tricky().prop_map(|text| Item::Text(Pattern::literal(&text)))
}

fn words_pattern() -> impl Strategy<Value = WordPatterns> {
    prop_oneof![
        tricky().prop_filter_map("no word", |text| WordPatterns::phrase(&text)),
        "[a-z]{1,3}[*?]{1,2}[a-z]{0,3}(-[a-z]{1,2}[*]?)?"
            .prop_filter_map("no word", |text| { WordPatterns::new(Pattern::word(&text)?).ok() }),
    ]
}

fn number() -> impl Strategy<Value = Decimal> {
    r"-?[0-9]{1,25}(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?".prop_map(|text| Decimal::parse(&text).unwrap())
}

fn moment() -> impl Strategy<Value = Moment> {
    let fraction = prop_oneof![Just(0), Just(999_999_999), Just(500_000_000), 0..1_000_000_000_i32];
    (0_i64..4_102_444_800, fraction, -24 * 60 + 1..24 * 60_i32).prop_map(|(second, nano, minutes)| {
        let at = Timestamp::new(second, nano).unwrap();
        Moment::new(at, Offset::from_seconds(minutes * 60).unwrap()).unwrap()
    })
}

fn path() -> impl Strategy<Value = Vec<String>> {
    vec(prop_oneof![3 => "[a-z0-9_-]{1,5}", 1 => tricky(), 1 => Just(String::new())], 1..4)
}

/// A range in which the ends are in order.
fn range(low: Item, high: Item, ends: u8) -> Value {
    let item = |item| Some(Spanned::made(item));
    match ends % 3 {
        0 => Value::Range { from: item(low), to: None },
        1 => Value::Range { from: None, to: item(high) },
        _ => Value::Range { from: item(low), to: item(high) },
    }
}

fn compared(item: impl Strategy<Value = Item> + 'static) -> BoxedStrategy<Value> {
    const ORDERS: &[Comparison] = &[Comparison::Above, Comparison::AtLeast, Comparison::Below, Comparison::AtMost];
    (proptest::sample::select(ORDERS), item)
        .prop_map(|(comparison, item)| Value::Compare(comparison, Spanned::made(item)))
        .boxed()
}

fn any_of(item: impl Strategy<Value = Item> + 'static) -> BoxedStrategy<Value> {
    vec(item.prop_map(Spanned::made), 1..4).prop_map(Value::AnyOf).boxed()
}

fn exactly(item: impl Strategy<Value = Item> + 'static) -> BoxedStrategy<Value> {
    item.prop_map(|item| Value::Compare(Comparison::Exactly, Spanned::made(item))).boxed()
}

fn numbers() -> BoxedStrategy<Value> {
    let in_order = (number(), number(), any::<u8>()).prop_map(|(a, b, ends)| {
        let (low, high) = if a.compare(&b).is_le() { (a, b) } else { (b, a) };
        range(Item::Number(low), Item::Number(high), ends)
    });
    prop_oneof![compared(number().prop_map(Item::Number)), in_order].boxed()
}

fn times(kind: Kind) -> BoxedStrategy<Value> {
    let in_order = (moment(), moment(), any::<u8>()).prop_map(|(a, b, ends)| {
        let (low, high) = if a.at() <= b.at() { (a, b) } else { (b, a) };
        range(Item::Time(low), Item::Time(high), ends)
    });
    // On a field of times a range of one instant is the instant itself.
    let in_order = in_order.prop_filter("one instant", move |value| {
        kind != Kind::Time || !matches!(value, Value::Range { from, to } if from == to)
    });
    prop_oneof![compared(moment().prop_map(Item::Time)), in_order].boxed()
}

fn net() -> impl Strategy<Value = Item> {
    (any::<std::net::IpAddr>(), 0_u8..=128).prop_map(|(address, prefix)| {
        let prefix = if address.is_ipv4() { prefix.min(32) } else { prefix };
        Item::Net(network(&format!("{address}/{prefix}")).unwrap())
    })
}

/// A value that a field of this kind can have in a tree the parser makes.
fn value(kind: Kind) -> BoxedStrategy<Value> {
    let one_of = |names: &'static [&'static str]| {
        proptest::sample::select(names).prop_map(|name| Item::Text(Pattern::literal(name)))
    };
    match kind {
        Kind::Text => prop_oneof![any_of(text_item()), exactly(literal_item())].boxed(),
        Kind::Words => prop_oneof![any_of(words_pattern().prop_map(Item::Words)), exactly(literal_item())].boxed(),
        Kind::Enum(names) => any_of(one_of(names)),
        Kind::Ranked(names) => prop_oneof![any_of(one_of(names)), compared(one_of(names))].boxed(),
        Kind::Time => {
            prop_oneof![times(kind), moment().prop_map(|m| Value::AnyOf(vec![Spanned::made(Item::Time(m))])),].boxed()
        }
        Kind::Ip => {
            let name = "[a-z][a-z.]{0,5}\\*?".prop_map(|text| Item::Text(Pattern::word(&text).unwrap()));
            any_of(prop_oneof![net(), name])
        }
        Kind::Number => prop_oneof![any_of(number().prop_map(Item::Number)), numbers()].boxed(),
        Kind::Path => prop_oneof![
            any_of(prop_oneof![text_item(), number().prop_map(Item::Number), net()]),
            exactly(literal_item()),
            numbers(),
            times(kind),
        ]
        .boxed(),
        Kind::Changed => any_of(path().prop_map(Item::Path)),
        Kind::Has => any_of(field().prop_filter_map("no value", |field| {
            (!matches!(field.field.kind, Kind::Has | Kind::Is)).then_some(Item::Field(field))
        })),
        Kind::Is => any_of(proptest::sample::select(FLAGS).prop_map(|(_, flag)| Item::Flag(flag))),
        Kind::Unavailable(_) => unreachable!("left out by field()"),
    }
}

fn field() -> impl Strategy<Value = FieldRef> {
    let available: Vec<_> = FIELDS.iter().filter(|field| !matches!(field.kind, Kind::Unavailable(_))).collect();
    (proptest::sample::select(available), path(), any::<bool>()).prop_map(|(field, path, whole)| {
        let path = if field.kind == Kind::Path && !whole { path } else { Vec::new() };
        FieldRef { field, path }
    })
}

fn clause() -> impl Strategy<Value = Expr> {
    field().prop_flat_map(|field| {
        let kind = field.field.kind;
        let is_state = matches!(kind, Kind::Has | Kind::Is);
        let value = prop_oneof![
            1 => Just(Value::Any).prop_filter("no such value", move |_| !is_state),
            9 => value(kind),
        ];
        let value = if is_state { self::value(kind) } else { value.boxed() };
        value.prop_map(move |value| {
            let field = Spanned::made(field.clone());
            Expr::Clause(Clause { field, value: Spanned::made(value) })
        })
    })
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![6 => clause(), 3 => words_pattern().prop_map(Expr::Text), 1 => Just(Expr::All)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let nodes = vec(inner.clone().prop_map(Node::made), 1..4);
        prop_oneof![
            nodes.clone().prop_map(Expr::and),
            nodes.prop_map(Expr::or),
            inner.prop_map(|inner| Expr::Not(Box::new(Node::made(inner)))),
        ]
    })
}

fn utc() -> Context {
    Context::utc(Timestamp::UNIX_EPOCH)
}

/// Any clock and zone but those that the tree was made with.
fn elsewhere() -> Context {
    Context { now: "2031-07-01T05:00:00Z".parse().unwrap(), zone: super::zone("<+0545>-5:45") }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_as_the_same_query_everywhere(expr in expr()) {
        let query = Query::from(expr);
        let text = query.to_string();
        match parse(&text, &elsewhere()) {
            Ok(read) => {
                prop_assert_eq!(&read, &query, "{}", text);
                prop_assert_eq!(read.to_string(), text);
            }
            // Trees of code can be larger than what may be typed.
            Err(faults) => prop_assert!(
                faults.iter().all(|fault| fault.message.starts_with("more than")
                    || fault.message.starts_with("the query has")),
                "{} {:?} {:?}", text, query, faults
            ),
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_reads_it_prints(
        parts in vec(prop_oneof![
            3 => tricky(),
            2 => proptest::sample::select(FIELDS).prop_map(|field| format!("{}:", field.name)),
            1 => "[()\", .\\\\-]{1,2}",
            1 => "(created|ingested|metadata.a):([<>=]{0,2})(2026(-1[0-2](-2[0-9])?)?|-[0-9]h|now|today)(\\.\\.)?",
        ], 0..8),
        glue in proptest::sample::select(vec!["", " "]),
    ) {
        let text = parts.join(glue);
        match parse(&text, &utc()) {
            Ok(query) => {
                let printed = query.to_string();
                let read = parse(&printed, &elsewhere());
                prop_assert_eq!(read.as_ref().ok(), Some(&query), "{:?} {:?} {:?}", text, printed, read);
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!(text.get(fault.span.start..fault.span.end).is_some(), "{:?} {:?}", text, fault);
                }
            }
        }
    }

    #[test]
    fn a_phrase_has_the_words_of_its_text(text in tricky(), more in tricky()) {
        let text = format!("{text}{more}");
        let found: Vec<_> = words(&text).collect();
        match WordPatterns::phrase(&text) {
            Some(phrase) => {
                let words: Vec<_> = phrase.words().iter().map(|word| word.as_literal().unwrap()).collect();
                prop_assert_eq!(words, found);
                prop_assert!(phrase.occur_in(&text));
            }
            None => prop_assert!(found.is_empty()),
        }
    }

    #[test]
    fn a_literal_matches_itself_in_any_case(text in tricky()) {
        prop_assert!(Pattern::literal(&text).matches(&text));
        prop_assert!(Pattern::literal(&fold(&text)).matches(&text));
        let folded = fold(&text);
        prop_assert_eq!(fold(&folded), folded.as_ref());
    }

    #[test]
    fn wildcards_match_as_a_plain_search_of_all_splits_says(
        pattern in "[ab*?]{0,6}", value in "[abAB]{0,7}",
    ) {
        fn plain(pattern: &[u8], value: &[u8]) -> bool {
            match pattern.split_first() {
                None => value.is_empty(),
                Some((b'*', rest)) => (0..=value.len()).any(|at| plain(rest, &value[at..])),
                Some((b'?', rest)) => !value.is_empty() && plain(rest, &value[1..]),
                Some((c, rest)) => value.first() == Some(c) && plain(rest, &value[1..]),
            }
        }
        let expected = plain(pattern.as_bytes(), value.to_lowercase().as_bytes());
        prop_assert_eq!(Pattern::word(&pattern).unwrap().matches(&value), expected);
    }

    #[test]
    fn decimals_order_as_integers_do(a in any::<i128>(), b in any::<i128>(), zeros in 0_usize..4) {
        let (left, right) = (Decimal::parse(&a.to_string()).unwrap(), Decimal::parse(&b.to_string()).unwrap());
        prop_assert_eq!(left.compare(&right), a.cmp(&b));
        let scaled = format!("{a}{}e-{zeros}", "0".repeat(zeros));
        prop_assert!(Decimal::parse(&scaled).unwrap().compare(&left).is_eq());
    }
}

#[test]
fn the_most_clauses_that_may_be_typed_can_be_printed_and_read() {
    let query = parse(&vec!["created:2026"; CLAUSES_MAX].join(" OR "), &utc()).unwrap();
    assert_eq!(parse(&query.to_string(), &elsewhere()).unwrap(), query);
}
