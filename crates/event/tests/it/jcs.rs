//! The vectors of RFC 8785's author.

use cairn_event::Json;
use cairn_event::canonical::{Numbers, canonical};

use crate::corpus;

#[test]
fn the_vectors_of_rfc_8785_come_out_byte_for_byte() {
    let Some(folder) = corpus::folder("crypto/jcs") else {
        return;
    };
    let inputs = corpus::files(&folder.join("input"));
    assert_eq!(inputs.len(), 4);
    for (name, input) in inputs {
        let json = Json::parse(&input).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = std::fs::read_to_string(folder.join("output").join(&name)).expect("output");
        assert_eq!(canonical(&json, Numbers::Rfc8785), expected.trim_end(), "{name}");
    }
}

#[test]
fn values_that_doubles_hold_have_one_canonical_text() {
    let Some(folder) = corpus::folder("crypto/jcs") else {
        return;
    };
    // `values.json` has a long decimal and `arrays.json` a large one; these two have none.
    for name in ["structures.json", "unicode.json"] {
        let json = Json::parse(&std::fs::read(folder.join("input").join(name)).expect("input"));
        let json = json.unwrap_or_else(|error| panic!("{name}: {error}"));
        let exact = canonical(&json, Numbers::AsWritten);
        assert_eq!(exact, canonical(&json, Numbers::Rfc8785), "{name}");
    }
}
