//! Pages that are made from the code: a test compares them, `UPDATE_GOLDEN=1` writes them anew.

use std::path::Path;

/// Compares a file of the repository with what the code says it must be.
#[track_caller]
pub(crate) fn check(path: &str, expected: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, expected).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "{path} is out of date: run the tests once with UPDATE_GOLDEN=1");
}
