//! Just enough reading of Rust to tell code from comments and strings, tests from product, and where a
//! function begins and ends. It never fails: on text that is not Rust it merely sees less.

use std::collections::HashSet;
use std::ops::Range;

/// A Rust file, split into what the compiler reads and what only people read.
pub(crate) struct Source {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and the insides of strings blanked; same length, same lines.
    pub(crate) code: String,
    /// The text with everything but comments blanked; same length, same lines.
    pub(crate) comments: String,
    /// The whole file is compiled for tests or benches alone.
    pub(crate) is_test: bool,
    /// Byte ranges of items under `#[cfg(test)]`.
    test_items: Vec<Range<usize>>,
}

/// A function with a body.
pub(crate) struct Function {
    pub(crate) name: String,
    /// Where the word `fn` stands.
    pub(crate) at: usize,
    /// From the line of `fn` to the line of the closing brace.
    pub(crate) lines: usize,
}

impl Source {
    /// Splits a file's text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let test_items = test_items(&code);
        let is_test = is_test_path(path);
        Self { path: path.into(), text: text.into(), code, comments, is_test, test_items }
    }

    /// Whether the byte at `at` belongs to tests.
    pub(crate) fn in_test(&self, at: usize) -> bool {
        self.is_test || self.test_items.iter().any(|item| item.contains(&at))
    }

    /// The number, from 1, of the line in which a byte stands.
    pub(crate) fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count()
    }

    /// How many lines there are.
    pub(crate) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// Every place of a word in the code, where it is not part of a longer identifier.
    pub(crate) fn places(&self, word: &str) -> Vec<usize> {
        places(&self.code, word)
    }

    /// Whether a comment on that line or on the one above says `tidy: allow RULE, because`.
    pub(crate) fn allows(&self, line: usize, rule: &str) -> bool {
        let mark = format!("tidy: allow {rule}, ");
        let above = line.saturating_sub(2);
        self.comments.lines().skip(above).take(line - above).any(|text| text.contains(&mark))
    }

    /// All functions with a body, nested ones and methods included.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for at in self.places("fn") {
            let rest = &self.code[at + 2..];
            let name: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // A function pointer type has no name, a trait's required method no body.
            if name.is_empty() {
                continue;
            }
            if let Some(end) = body_end(&self.code, at) {
                let lines = self.line(end) - self.line(at) + 1;
                functions.push(Function { name, at, lines });
            }
        }
        functions
    }
}

/// Marks the files of modules that another file declares under `#[cfg(test)]`.
pub(crate) fn mark_test_files(sources: &mut [Source]) {
    let mut modules = HashSet::new();
    for source in sources.iter() {
        let folder = module_folder(&source.path);
        for item in &source.test_items {
            let code = &source.code[item.clone()];
            let Some(name) = code.strip_suffix(';').and_then(|code| code.rsplit_once("mod ")) else {
                continue;
            };
            modules.insert(format!("{folder}/{}", name.1.trim()));
        }
    }
    for source in sources.iter_mut() {
        let path = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        source.is_test |= modules.iter().any(|module| {
            path.strip_prefix(module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
    }
}

/// Where the submodules of a file lie: `a/b.rs` has them in `a/b`, `a/mod.rs` and `a/lib.rs` in `a`.
fn module_folder(path: &str) -> String {
    let stem = path.trim_end_matches(".rs");
    match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder.into(),
        _ => stem.into(),
    }
}

fn is_test_path(path: &str) -> bool {
    let mut parts = path.split('/').rev();
    let file = parts.next().unwrap_or_default();
    file == "tests.rs" || parts.any(|part| matches!(part, "tests" | "benches" | "fuzz" | "examples"))
}

/// Every place of `word` in `code` that does not continue an identifier at either end.
fn places(code: &str, word: &str) -> Vec<usize> {
    let identifier = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let bytes = code.as_bytes();
    let open_start = identifier(word.as_bytes().first());
    let open_end = identifier(word.as_bytes().last());
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|&at| !(open_start && at > 0 && identifier(bytes.get(at - 1))))
        .filter(|&at| !(open_end && identifier(bytes.get(at + word.len()))))
        .collect()
}

/// The last byte of the item that starts at `at` and which it is: a closing brace, or a semicolon where the
/// item has no body.
fn item_end(code: &str, at: usize) -> Option<(usize, u8)> {
    let bytes = code.as_bytes();
    let mut inside = 0_usize;
    let mut braces = 0_usize;
    for (offset, &byte) in bytes[at..].iter().enumerate() {
        match byte {
            b'(' | b'[' => inside += 1,
            b')' | b']' => inside = inside.saturating_sub(1),
            b'{' => braces += 1,
            b'}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return Some((at + offset, byte));
                }
            }
            b';' if inside == 0 && braces == 0 => return Some((at + offset, byte)),
            _ => {}
        }
    }
    None
}

fn body_end(code: &str, at: usize) -> Option<usize> {
    item_end(code, at).filter(|&(_, byte)| byte == b'}').map(|(end, _)| end)
}

/// The ranges of the items that follow `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    for mark in ["#[cfg(test)]", "#[cfg(all(test,"] {
        for (at, _) in code.match_indices(mark) {
            // The attribute's own brackets must not be taken for those of the item.
            let attribute_end = at + code[at..].find(']').unwrap_or(0) + 1;
            if let Some((end, _)) = item_end(code, attribute_end) {
                items.push(at..end + 1);
            }
        }
    }
    items
}

/// What the byte at hand belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Code,
    Comment,
    Text,
}

/// Splits a text into code and comments, both of the text's own length.
fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let mut parts = vec![Part::Code; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let (part, end) = next_part(bytes, at);
        parts[at..end].fill(part);
        at = end;
    }
    let keep = |wanted: Part| {
        let kept: Vec<u8> = bytes
            .iter()
            .zip(&parts)
            .map(|(&byte, &part)| if part == wanted || byte == b'\n' { byte } else { b' ' })
            .collect();
        // Parts begin and end at ASCII bytes, so characters are kept or blanked whole.
        String::from_utf8_lossy(&kept).into_owned()
    };
    (keep(Part::Code), keep(Part::Comment))
}

/// The part that begins at `at`, and where it ends.
fn next_part(bytes: &[u8], at: usize) -> (Part, usize) {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        return (Part::Comment, at + length);
    }
    if rest.starts_with(b"/*") {
        return (Part::Comment, at + block_comment(rest));
    }
    let continues_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if !continues_word && let Some(length) = raw_string(rest) {
        return (Part::Text, at + length);
    }
    if rest[0] == b'"' {
        return (Part::Text, at + quoted(rest, b'"'));
    }
    if rest[0] == b'\'' && is_char_literal(rest) {
        return (Part::Text, at + quoted(rest, b'\''));
    }
    (Part::Code, at + 1)
}

/// The length of a block comment; they nest.
fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a raw string literal that begins here: `r"..."`, `br#"..."#`, `cr"..."`.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = [&b"br"[..], b"cr", b"r"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let hashes = rest[prefix.len()..].iter().take_while(|&&byte| byte == b'#').count();
    let open = prefix.len() + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let inside = rest[open + 1..].windows(close.len()).position(|window| window == close);
    Some(inside.map_or(rest.len(), |inside| open + 1 + inside + close.len()))
}

/// The length of a quoted literal with backslash escapes.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_char_literal(rest: &[u8]) -> bool {
    match rest.get(1) {
        Some(b'\\') => true,
        Some(first) => {
            let width = match first {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            rest.get(1 + width) == Some(&b'\'')
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_code(text: &str, code: &str) {
        assert_eq!(Source::new("crates/a/src/a.rs", text).code, code);
    }

    #[test]
    fn comments_and_strings_are_blanked_and_everything_else_is_kept() {
        check_code("a // b\nc", "a     \nc");
        check_code("a /* b /* c */ d */ e", "a                   e");
        check_code(r#"f("x\"y", 'z')"#, "f(      ,    )");
        check_code(r##"f(r#"a"b"#, br"c")"##, "f(        ,      )");
        check_code("fn f<'a>(x: &'a str, y: char) { y == 'é' }", "fn f<'a>(x: &'a str, y: char) { y ==      }");
        check_code("let r#type = bar\"x\";", "let r#type = bar   ;");
        check_code("open \"never closed", "open              ");
    }

    #[test]
    fn the_items_under_cfg_test_are_tests_and_the_rest_is_not() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n";
        let source = Source::new("crates/a/src/a.rs", text);
        let found: Vec<(String, bool)> =
            source.functions().into_iter().map(|f| (f.name, source.in_test(f.at))).collect();
        assert_eq!(found, [("a".into(), false), ("b".into(), true), ("c".into(), false)]);
    }

    #[test]
    fn a_module_declared_under_cfg_test_makes_its_file_a_test() {
        let mut sources = vec![
            Source::new("crates/a/src/lib.rs", "#[cfg(test)]\nmod oracle;\nmod real;"),
            Source::new("crates/a/src/oracle.rs", ""),
            Source::new("crates/a/src/oracle/deep.rs", ""),
            Source::new("crates/a/src/real.rs", "#[cfg(test)] mod model;"),
            Source::new("crates/a/src/real/model.rs", ""),
            Source::new("crates/a/tests/it/main.rs", ""),
        ];
        mark_test_files(&mut sources);
        let tests: Vec<bool> = sources.iter().map(|source| source.is_test).collect();
        assert_eq!(tests, [false, true, true, false, true, true]);
    }

    #[test]
    fn functions_are_measured_from_the_word_fn_to_the_closing_brace() {
        let text = "trait T { fn none(&self) -> [u8; 4]; }\ntype F = fn(u8);\nfn one(\n  x: [u8; 2],\n) where u8: Copy {\n  if x { y }\n}\n";
        let found: Vec<(String, usize)> =
            Source::new("a.rs", text).functions().into_iter().map(|function| (function.name, function.lines)).collect();
        assert_eq!(found, [("one".into(), 5)]);
    }

    #[test]
    fn a_word_inside_a_longer_one_is_no_place() {
        let source = Source::new("a.rs", "unsafe_fn fn fnord .unwrap() x.unwrap_or()");
        assert_eq!(source.places("fn").len(), 1);
        assert_eq!(source.places(".unwrap()").len(), 1);
    }

    #[test]
    fn an_exemption_holds_for_its_line_and_the_next() {
        let source = Source::new("a.rs", "// tidy: allow wait, the child has no other signal\nx\ny\n");
        assert!(source.allows(1, "wait") && source.allows(2, "wait"));
        assert!(!source.allows(3, "wait") && !source.allows(2, "clock"));
    }
}
