//! The reference for people says what the code does.

use super::super::{FIELDS, FLAGS, FLAGS_UNAVAILABLE, Kind, Reads};
use super::query;

const REFERENCE: &str = include_str!("../../../../../docs/reference/query.md");

/// The row of a field in the table of the reference.
fn row(field: &super::super::Field) -> String {
    let aliases: Vec<_> = field.aliases.iter().map(|name| format!("`{name}`")).collect();
    let kind = match field.kind {
        Kind::Text if field.leading_wildcard => "text, `*x`".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Words => "words".to_owned(),
        Kind::Enum(names) => format!("`{}`", names.join("` `")),
        Kind::Ranked(names) => format!("`{}`", names.join("` < `")),
        Kind::Time => "time".to_owned(),
        Kind::Ip => "address".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Path => "any, by path".to_owned(),
        Kind::Changed => "path".to_owned(),
        Kind::Has => "field".to_owned(),
        Kind::Is => "state".to_owned(),
        Kind::Unavailable(_) => "not available yet".to_owned(),
    };
    let members = |pointers: &[&str]| -> String {
        let dotted: Vec<_> = pointers.iter().map(|p| format!("`{}`", p[1..].replace('/', "."))).collect();
        dotted.join(" ")
    };
    let reads = match field.reads {
        Reads::Members(pointers) => members(pointers),
        Reads::Joined { pair, members: single } => {
            let [first, second] = pair.map(|p| p[1..].replace('/', "."));
            format!("{} `{first}/{second}` `{first}:{second}`", members(single))
        }
        Reads::RawText => "`raw`".to_owned(),
        Reads::Tenant | Reads::Trail | Reads::Position | Reads::Index => "the position".to_owned(),
        Reads::Nothing => String::new(),
    };
    let cells = [format!("`{}`", field.name), aliases.join(" "), kind, reads, field.doc.to_owned()];
    format!("| {} |", cells.join(" | "))
}

#[test]
fn the_reference_has_a_row_for_each_field_and_no_other() {
    let rows: Vec<_> = FIELDS.iter().map(row).collect();
    let start = REFERENCE.find("| Field |").unwrap();
    let table: Vec<_> = REFERENCE[start..].lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert_eq!(table, rows, "the table must be:\n{}", rows.join("\n"));
}

#[test]
fn the_reference_names_each_state() {
    for (name, _) in FLAGS {
        assert!(REFERENCE.contains(&format!("| `is:{name}` |")), "{name}");
    }
    for (name, why) in FLAGS_UNAVAILABLE {
        assert!(REFERENCE.contains(&format!("`is:{name}` ({why})")), "{name}");
    }
}

#[test]
fn the_examples_of_the_reference_are_read() {
    let examples: Vec<_> =
        REFERENCE.split("```cq\n").skip(1).flat_map(|block| block.split("```").next().unwrap().lines()).collect();
    assert!(examples.len() >= 20, "{}", examples.len());
    for example in examples {
        let text = example.split("   # ").next().unwrap();
        query(text);
    }
}

#[test]
fn names_of_fields_are_distinct_and_sayable() {
    let names: Vec<_> = FIELDS.iter().flat_map(|field| [&[field.name], field.aliases].concat()).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(!names[..at].contains(name), "{name}");
        let text = format!("{name}:x");
        assert_eq!(super::super::lex::head_len(&text), Some(name.len()), "{name}");
    }
}
