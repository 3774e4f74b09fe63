//! Operators, grouping, quoting and values: each input beside its canonical text.

use super::super::{Comparison, Expr, Item, Query, Span, Value, each_text};
use super::{check_canonical, query};

#[test]
fn queries_print_in_one_spelling() {
    for (text, canonical) in [
        ("", "*"),
        ("  \n", "*"),
        ("*", "*"),
        ("* op:read", "op:read"),
        ("* OR op:read", "*"),
        ("a b  c", "a b c"),
        ("a AND b AND c", "a b c"),
        ("a OR b c OR d", "a OR b c OR d"),
        ("(a OR b) c", "(a OR b) c"),
        ("(a b) OR c", "a b OR c"),
        ("a (b c)", "a b c"),
        ("a OR (b OR c)", "a OR b OR c"),
        ("((a))", "a"),
        ("( a )", "a"),
        ("NOT a", "-a"),
        ("-a", "-a"),
        ("-(-a)", "-(-a)"),
        ("-(a b)", "-(a b)"),
        ("NOT (a OR b)", "-(a OR b)"),
        ("a -b OR -c d", "a -b OR -c d"),
        ("-*", "-*"),
        ("a OR(b c)", "a OR b c"),
        ("NOT(a)", "-a"),
        ("a and b", "a \"and\" b"),
        ("operator OR android", "operator OR android"),
        ("\"a  b\"", "\"a  b\""),
        ("\"word\"", "word"),
        ("\"OR\"", "\"OR\""),
        ("\"-a\"", "\"-a\""),
        ("\"say \\\"hi\\\" \\\\ \\x\"", "\"say \\\"hi\\\" \\\\ x\""),
        ("invoice-42", "invoice-42"),
        ("10:30", "10:30"),
        ("f(x)", "f(x)"),
        ("(f(x) y)", "f(x) y"),
        ("\"(x\"", "\"(x\""),
        ("\"http://x\"", "\"http://x\""),
        ("inv*ce 4?2 iam.*", "inv*ce 4?2 iam.*"),
        ("\"4*2\"", "\"4*2\""),
        ("a,b", "a,b"),
    ] {
        check_canonical(text, canonical);
    }
}

#[test]
fn values_print_in_one_spelling() {
    for (text, canonical) in [
        ("actor:Alice", "actor:Alice"),
        ("actor:\"Alice Smith\",bob", "actor:\"Alice Smith\",bob"),
        ("actor:\"alice\"", "actor:alice"),
        ("actor:=Alice", "actor:=Alice"),
        ("actor:=\"Alice Smith\"", "actor:=\"Alice Smith\""),
        ("actor:=a*", "actor:=a*"),
        ("actor:=\"a,b\"", "actor:=\"a,b\""),
        ("actor:\"=a\"", "actor:\"=a\""),
        ("actor:\">a\"", "actor:\">a\""),
        ("actor:\"a*\"", "actor:\"a*\""),
        ("actor:\"\"", "actor:\"\""),
        ("actor:*@corp.example", "actor:*@corp.example"),
        ("actor:a**b", "actor:a*b"),
        ("actor:*", "actor:*"),
        ("actor:**", "actor:*"),
        ("actor:a,*", "actor:*"),
        ("actor:CORP\\alice", "actor:CORP\\alice"),
        ("actor:\"CORP\\\\alice b\"", "actor:\"CORP\\\\alice b\""),
        ("(actor:a)", "actor:a"),
        ("(actor:f(x))", "actor:f(x)"),
        ("resource:42", "res:42"),
        ("res:../../etc/passwd", "res:../../etc/passwd"),
        ("res:s3://b/k", "res:s3://b/k"),
        ("res:arn:aws:iam::1:user/x", "res:arn:aws:iam::1:user/x"),
        ("op:DELETE,Read", "op:delete,read"),
        ("op:log*", "op:log*"),
        ("outcome:=denied", "outcome:denied"),
        ("severity:>=HIGH", "severity:>=high"),
        ("severity:low..high", "severity:low..high"),
        ("severity:..medium", "severity:..medium"),
        ("class:critical", "class:critical"),
        ("mfa:true", "mfa:true"),
        ("index:7,0012", "index:7,0012"),
        ("index:>=9007199254740993", "index:>=9007199254740993"),
        ("index:1..2.5e3", "index:1..2.5e3"),
        ("index:..5", "index:..5"),
        ("index:5..", "index:5.."),
        ("ip:10.1.2.3", "ip:10.1.2.3"),
        ("ip:10.1.2.3/32", "ip:10.1.2.3"),
        ("ip:10.1.2.3/8", "ip:10.0.0.0/8"),
        ("ip:2001:db8::/32", "ip:2001:db8::/32"),
        ("ip:::ffff:10.1.2.3", "ip:10.1.2.3"),
        ("ip:::ffff:10.1.2.3/104", "ip:10.0.0.0/8"),
        ("ip:10.1.*", "ip:10.1.*"),
        ("ip:225.178.039.250", "ip:225.178.039.250"),
        ("metadata.amount:>=10.50", "metadata.amount:>=10.50"),
        ("meta.a.b-c.0:x", "metadata.a.b-c.0:x"),
        ("metadata./a/b:x", "metadata.a.b:x"),
        ("after./metadata/labels/app.io~1name:web", "after./metadata/labels/app.io~1name:web"),
        ("after./aws\\:tag:x", "after./aws\\:tag:x"),
        ("after./a\\ b\\\\c~0:x", "after./a\\ b\\\\c~0:x"),
        ("after./a~:x", "after./a~0:x"),
        ("after./:x", "after./:x"),
        ("after:x", "after:x"),
        ("after.n:5,\"5\",1e3", "after.n:5,\"5\",1e3"),
        ("after.n:1..2", "after.n:1..2"),
        ("after.n:\"1..2\"", "after.n:\"1..2\""),
        ("after.n:a..b,..", "after.n:a..b,.."),
        ("after.n:=5", "after.n:=5"),
        ("after.cidr:10.0.0.1/32", "after.cidr:10.0.0.1/32"),
        ("after.cidr:10.0.0.1", "after.cidr:10.0.0.1"),
        ("after.role:*", "after.role:*"),
        ("changed:role,spec.replicas", "changed:role,spec.replicas"),
        ("changed:/spec/replicas", "changed:spec.replicas"),
        ("changed:/a.b/c~1d", "changed:/a.b/c~1d"),
        ("changed:\"/a b,c\"", "changed:\"/a b,c\""),
        ("changed:\"a b.c\"", "changed:\"/a b/c\""),
        ("changed:*", "changed:*"),
        ("has:actor.email,meta.ticket", "has:actor.email,metadata.ticket"),
        ("has:request_id", "has:request"),
        ("has:after./a.b", "has:after./a.b"),
        ("has:\"after./a\\\\ b\"", "has:\"after./a\\\\ b\""),
        ("is:Conflict,noop", "is:conflict,noop"),
        ("reason:\"dup of\",refund*", "reason:\"dup of\",refund*"),
        ("reason:=\"Dup of 41\"", "reason:=\"Dup of 41\""),
    ] {
        check_canonical(text, canonical);
    }
}

#[test]
fn the_examples_of_the_design_are_read() {
    for (text, canonical) in [
        ("op:delete res:invoice-42", "op:delete res:invoice-42"),
        (
            "actor:alice,bob -action:login created:>-2h",
            "actor:alice,bob -action:login created:>2026-11-24T12:30:00.500000000+01:00",
        ),
        ("action:iam.* env:prod outcome:denied", "action:iam.* env:prod outcome:denied"),
        ("changed:role after.role:admin", "changed:role after.role:admin"),
        ("ip:10.0.0.0/8 -country:DE,FR", "ip:10.0.0.0/8 -country:DE,FR"),
        ("actor:operator-one outcome:denied", "actor:operator-one outcome:denied"),
        ("res:s3://b/k ip:2001:db8::/32", "res:s3://b/k ip:2001:db8::/32"),
    ] {
        check_canonical(text, canonical);
    }
}

#[test]
fn every_node_knows_its_place() {
    let text = "op:read -actor:alice,\"b c\"  (index:1..9 OR \"x y\")";
    let query = query(text);
    let at = |span: Span| &text[span.start..span.end];
    let Expr::And(nodes) = &query.root().node else { panic!("{query:?}") };
    assert_eq!(at(query.root().span), text);
    let places: Vec<_> = nodes.iter().map(|node| at(node.span)).collect();
    assert_eq!(places, ["op:read", "-actor:alice,\"b c\"", "(index:1..9 OR \"x y\")"]);
    let Expr::Not(inner) = &nodes[1].node else { panic!() };
    assert_eq!(at(inner.span), "actor:alice,\"b c\"");
    let Expr::Clause(clause) = &inner.node else { panic!() };
    assert_eq!(at(clause.field.span), "actor");
    assert_eq!(at(clause.value.span), "alice,\"b c\"");
    let Value::AnyOf(items) = &clause.value.node else { panic!() };
    assert_eq!(items.iter().map(|item| at(item.span)).collect::<Vec<_>>(), ["alice", "\"b c\""]);
    let Expr::Or(branches) = &nodes[2].node else { panic!() };
    let Expr::Clause(clause) = &branches[0].node else { panic!() };
    let Value::Range { from: Some(from), to: Some(to) } = &clause.value.node else { panic!() };
    assert_eq!((at(from.span), at(to.span)), ("1", "9"));
    assert_eq!(at(branches[1].span), "\"x y\"");
}

#[test]
fn lower_case_operators_are_words_with_a_hint() {
    let query = query("a or b");
    let [hint] = query.hints() else { panic!("{:?}", query.hints()) };
    assert_eq!(hint.span, Span::new(2, 4));
    assert_eq!(hint.to_string(), "`or` is searched for as a word; write `OR` for the operator");
    assert!(super::query("a OR b order").hints().is_empty());
    assert!(super::query("a \"or\" b").hints().is_empty());
}

#[test]
fn a_term_takes_its_value_as_it_is() {
    for (field, value, canonical) in [
        ("request", "a b\"*", "request:\"a b\\\"*\""),
        ("res", "*", "res:\"*\""),
        ("actor", "alice,bob", "actor:\"alice,bob\""),
        ("op", "delete", "op:delete"),
        ("ip", "10.0.0.0/8", "ip:10.0.0.0/8"),
        ("metadata.a", "5", "metadata.a:\"5\""),
        ("created", "2026-11-24T10:00:00Z", "created:2026-11-24T10:00:00Z"),
    ] {
        let term = Query::term(field, value).unwrap();
        assert_eq!(term.to_string(), canonical);
        assert_eq!(query(canonical), term);
    }
    assert!(Query::term("actr", "x").unwrap_err().to_string().contains("`actor`"));
    assert!(Query::term("op", "x").is_err());
}

#[test]
fn queries_join_in_normal_form() {
    let (a, b) = (query("op:read OR op:update"), query("actor:alice env:prod"));
    let both = a.clone().and(b.clone());
    assert_eq!(both.to_string(), "(op:read OR op:update) actor:alice env:prod");
    assert_eq!(both.conjuncts().len(), 3);
    assert_eq!(query(&both.to_string()), both);
    assert_eq!(a.clone().and(Query::all()), a);
    assert_eq!(Query::all().and(Query::all()), Query::all());
    assert_eq!(a.clone().or(b).to_string(), "op:read OR op:update OR actor:alice env:prod");
    assert_eq!(a.clone().or(Query::all()), Query::all());
    assert_eq!(a.and(Query::none()).to_string(), "(op:read OR op:update) -*");
    assert_eq!(Expr::or(Vec::new()), Expr::none());
}

#[test]
fn exact_values_are_literals() {
    let query = query("actor:=A?");
    let Expr::Clause(clause) = &query.root().node else { panic!() };
    let Value::Compare(Comparison::Exactly, item) = &clause.value.node else { panic!() };
    assert!(matches!(&item.node, Item::Text(text) if text.as_literal() == Some("A?")));
}

#[test]
fn free_text_leaves_out_times_hashes_and_binary_records() {
    let event = crate::Json::parse(
        br#"{"time":"t","received_at":"r","before_hash":"h","actor":{"id":"a","auth":{"mfa":true}},
             "metadata":{"n":12345678901234567890.50,"time":"kept","list":["x",null,["y"]]},
             "raw":{"base64":"AAAA"}}"#,
    )
    .unwrap();
    let mut texts = Vec::new();
    each_text(&event, |text| texts.push(text.to_owned()));
    assert_eq!(texts, ["a", "12345678901234567890.50", "kept", "x", "y"]);
}
