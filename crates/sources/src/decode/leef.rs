//! IBM Log Event Extended Format: `LEEF:2.0|vendor|product|version|event|delimiter|key=value...`
//! (IBM, "QRadar LEEF", versions 1.0 and 2.0).

use cairn_event::json::Object;

use super::FIELDS_MAX;
use super::cef::{add, pipe_fields};

/// Reads the LEEF part of a line; `None` if it has none.
pub(super) fn decode(text: &str) -> Option<Object> {
    let start = text.find("LEEF:")?;
    let text = &text[start + 5..];
    let is_second = text.starts_with('2');
    let (fields, rest) = pipe_fields(text, 5);
    let (&[version, vendor, product, product_version, event], Some(mut rest)) = (fields.as_slice(), rest) else {
        return None;
    };
    let mut delimiter = '\t';
    if is_second {
        // The delimiter is optional; a first field with an equals sign is an attribute already.
        if let Some((said, after)) = rest.split_once('|').filter(|(said, _)| !said.contains('=')) {
            delimiter = named_delimiter(said).unwrap_or('\t');
            rest = after;
        }
    }
    let mut object = Object::new();
    let header = [
        ("leef_version", version),
        ("vendor", vendor),
        ("product", product),
        ("version", product_version),
        ("event_id", event),
    ];
    for (name, field) in header {
        object.insert(name, field.trim());
    }
    let mut attributes = Object::new();
    for pair in rest.split(delimiter).take(FIELDS_MAX) {
        let Some((key, value)) = pair.split_once('=') else { continue };
        let key = key.trim();
        if !key.is_empty() {
            add(&mut attributes, key, value.trim().to_owned());
        }
    }
    object.insert("attributes", attributes);
    Some(object)
}

/// A character, or its code as `0x5E` or `x5E`.
fn named_delimiter(said: &str) -> Option<char> {
    let hex = said.strip_prefix("0x").or_else(|| said.strip_prefix('x'));
    match hex.filter(|hex| (1..=4).contains(&hex.len())) {
        Some(hex) => char::from_u32(u32::from_str_radix(hex, 16).ok()?),
        None => said.chars().next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cairn_event::Json;

    #[test]
    fn attributes_are_parted_as_the_header_says() {
        let attributes = |text: &str| {
            let said = decode(text).expect("LEEF");
            said.get("attributes").expect("always there").to_text()
        };
        for text in [
            "<13>May  1 12:30:00 h LEEF:1.0|Acme|Box|1|login|usrName=bob smith\tsrc=192.0.2.1",
            "LEEF:2.0|Acme|Box|1|login|^|usrName=bob smith^src=192.0.2.1",
            "LEEF:2.0|Acme|Box|1|login|0x5E|usrName=bob smith^src=192.0.2.1",
            "LEEF:2.0|Acme|Box|1|login|x5E|usrName=bob smith^src=192.0.2.1",
            "LEEF:2.0|Acme|Box|1|login||usrName=bob smith\tsrc=192.0.2.1",
            "LEEF:2.0|Acme|Box|1|login|usrName=bob smith\tsrc=192.0.2.1",
        ] {
            assert_eq!(attributes(text), r#"{"usrName":"bob smith","src":"192.0.2.1"}"#, "{text}");
        }
        let said = decode("LEEF:1.0|Acme|Box|1|login|a=b").expect("LEEF");
        assert_eq!(said.get("event_id").and_then(Json::as_str), Some("login"));
        assert_eq!(decode("LEEF:1.0|Acme|Box"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC*", start in "(LEEF:[12].0)?[|^x0=a\t]{0,24}") {
            decode(&format!("{start}{text}"));
        }
    }
}
