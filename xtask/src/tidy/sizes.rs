//! Files and functions stay small enough to be read: a ratchet, and the measures that show the trend.

use super::Finding;
use super::rust::{Function, Source};

/// A file above this must be split.
const FILE_LINES_MAX: usize = 800;
/// A function above this does not fit a screen.
const FUNCTION_LINES_MAX: usize = 70;
/// What a long function must say for itself: only a straight sequence may be that long.
const LONG_MARK: &str = "tidy: long, order is the meaning";
/// How far above `fn` the mark may stand: attributes and doc comments lie between.
const MARK_LINES_ABOVE: usize = 3;

/// Files that are too long, and long functions without a mark. Tests may be long tables of cases, so only
/// the file limit holds for them.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |line, rule, message| {
        findings.push(Finding { path: source.path.clone(), line, rule, message });
    };
    if source.lines() > FILE_LINES_MAX {
        add(0, "file size", format!("{} lines, at most {FILE_LINES_MAX}: split it by idea", source.lines()));
    }
    for function in product_functions(source) {
        let line = source.line(function.at);
        if function.lines > FUNCTION_LINES_MAX && !is_marked(source, line) {
            let Function { name, lines, .. } = function;
            add(line, "function size", format!("{name} has {lines} lines, at most {FUNCTION_LINES_MAX}"));
        }
    }
    findings
}

fn product_functions(source: &Source) -> impl Iterator<Item = Function> + '_ {
    source.functions().into_iter().filter(|function| !source.in_test(function.at))
}

fn is_marked(source: &Source, line: usize) -> bool {
    let first = line.saturating_sub(1 + MARK_LINES_ABOVE);
    // The line below `fn` counts too: the mark may stand as the body's first line.
    source.comments.lines().skip(first).take(line + 1 - first).any(|text| text.contains(LONG_MARK))
}

/// One line for each measure that is worth following from month to month.
pub(crate) fn summary(sources: &[Source]) -> String {
    let product: Vec<&Source> = sources.iter().filter(|source| !source.is_test).collect();
    let mut files: Vec<usize> = product.iter().map(|source| source.lines()).collect();
    let mut functions: Vec<usize> =
        product.iter().flat_map(|source| product_functions(source)).map(|f| f.lines).collect();
    let long = functions.iter().filter(|&&lines| lines > FUNCTION_LINES_MAX).count();
    let lines: usize = files.iter().sum();
    let comments: usize = product.iter().map(|source| comment_lines(source)).sum();
    let durable =
        |source: &&&Source| source.path.starts_with("crates/ledger/") || source.path.starts_with("crates/store/");
    let asserts: usize = product.iter().filter(durable).map(|source| release_asserts(source)).sum();
    let durable_lines: usize = product.iter().filter(durable).map(|source| source.lines()).sum();
    format!(
        "files      {} ({lines} lines): {}\nfunctions  {}: {}, {long} above {FUNCTION_LINES_MAX}\n\
         comments   {} % of lines\nasserts    {asserts} in {durable_lines} lines of ledger and store",
        files.len(),
        spread(&mut files),
        functions.len(),
        spread(&mut functions),
        comments * 100 / lines.max(1),
    )
}

fn spread(lengths: &mut [usize]) -> String {
    lengths.sort_unstable();
    let at = |percent: usize| lengths.get((lengths.len() * percent / 100).min(lengths.len().saturating_sub(1)));
    let [median, p90, max] = [at(50), at(90), lengths.last()].map(|length| length.copied().unwrap_or(0));
    format!("median {median}, p90 {p90}, max {max}")
}

fn comment_lines(source: &Source) -> usize {
    source.comments.lines().filter(|line| !line.trim().is_empty()).count()
}

/// Assertions that stay in the product: `debug_assert` does not count.
fn release_asserts(source: &Source) -> usize {
    ["assert!(", "assert_eq!(", "assert_ne!("]
        .iter()
        .flat_map(|word| source.places(word))
        .filter(|&at| !source.in_test(at))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&Source::new(path, text)).into_iter().map(|finding| finding.rule).collect()
    }

    fn function_of(lines: usize, before: &str) -> String {
        format!("{before}fn long() {{\n{}}}\n", "    x();\n".repeat(lines - 2))
    }

    #[test]
    fn a_file_may_have_800_lines_and_not_one_more() {
        assert!(rules("crates/a/src/a.rs", &"//\n".repeat(800)).is_empty());
        assert_eq!(rules("crates/a/src/a.rs", &"//\n".repeat(801)), ["file size"]);
        assert_eq!(rules("crates/a/tests/it/a.rs", &"//\n".repeat(801)), ["file size"]);
    }

    #[test]
    fn a_function_may_have_70_lines_and_more_only_with_the_mark() {
        assert!(rules("crates/a/src/a.rs", &function_of(70, "")).is_empty());
        assert_eq!(rules("crates/a/src/a.rs", &function_of(71, "")), ["function size"]);
        let mark = format!("// {LONG_MARK}\n#[inline]\n");
        assert!(rules("crates/a/src/a.rs", &function_of(90, &mark)).is_empty());
        assert!(rules("crates/a/tests/a.rs", &function_of(90, "")).is_empty());
    }

    #[test]
    fn the_mark_of_one_function_does_not_cover_the_next() {
        let marked = format!("// {LONG_MARK}\n");
        let text = function_of(90, &marked) + &function_of(90, "");
        assert_eq!(rules("crates/a/src/a.rs", &text), ["function size"]);
    }

    #[test]
    fn the_summary_counts_products_lines_alone() {
        let product = Source::new("crates/store/src/a.rs", "//! Doc.\nfn a() {\n    assert!(x);\n}\n");
        let test = Source::new("crates/store/tests/a.rs", &function_of(90, ""));
        let text = summary(&[product, test]);
        assert!(text.starts_with("files      1 (4 lines): median 4, p90 4, max 4"), "{text}");
        assert!(text.contains("0 above 70") && text.contains("comments   25 %"), "{text}");
        assert!(text.ends_with("asserts    1 in 4 lines of ledger and store"), "{text}");
    }
}
