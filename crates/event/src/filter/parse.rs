//! From text to tree, by recursive descent. A fault in one clause is noted and the rest is still
//! read, so that a person sees all faults at once.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Query;
use super::ast::{Clause, Expr, FieldRef, Node, Span, Spanned, Value};
use super::diagnostic::Diagnostic;
use super::fields::{FIELDS, Kind};
use super::items::{self, Raw};
use super::lex::{Cursor, Operator, head_len};
use super::pattern::Pattern;
use super::suggest::did_you_mean;
use super::words::{NoWords, WordPatterns};

/// Most bytes of a query, as typed and as printed.
pub const QUERY_BYTES_MAX: usize = 16 << 10;

/// Most levels of parentheses.
pub const DEPTH_MAX: usize = 16;

/// Most clauses and free texts in one query; each time of a list of times counts as one.
pub const CLAUSES_MAX: usize = 64;

/// Printing never makes a text more than three times as long, apart from times, which grow to at
/// most 100 bytes each: up to here there is no need to look.
const QUERY_BYTES_SAFE: usize = (QUERY_BYTES_MAX - CLAUSES_MAX * 100) / 3;

/// What the words of a query depend on besides themselves.
#[derive(Debug, Clone)]
pub struct Context {
    /// The instant that `now`, `today` and `-2h` count from.
    pub now: Timestamp,
    /// The zone of dates and times written without an offset.
    pub zone: TimeZone,
}

impl Context {
    /// Dates in UTC, counted from `now`.
    #[must_use]
    pub fn utc(now: Timestamp) -> Self {
        Self { now, zone: TimeZone::UTC }
    }
}

/// Parses a query.
///
/// # Errors
/// Every fault that was found, in the order of the text: syntax, unknown fields and values with
/// their nearest names, or one of the limits [`QUERY_BYTES_MAX`], [`DEPTH_MAX`], [`CLAUSES_MAX`].
pub fn parse(text: &str, context: &Context) -> Result<Query, Vec<Diagnostic>> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(vec![too_long(text, text.len())]);
    }
    let mut parser = Parser::new(text, context);
    let root = parser.query();
    if !parser.faults.is_empty() {
        parser.faults.sort_by_key(|fault| fault.span.start);
        return Err(parser.faults);
    }
    let query = Query { root, hints: parser.hints };
    if text.len() > QUERY_BYTES_SAFE {
        let printed = query.to_string().len();
        if printed > QUERY_BYTES_MAX {
            return Err(vec![too_long(text, printed)]);
        }
    }
    Ok(query)
}

/// `field:value` with the value taken literally.
pub(super) fn term(field: &str, value: &str) -> Result<Query, Diagnostic> {
    let name = Span::new(0, field.len());
    let field = known_field(field, name)?;
    let span = Span::new(name.end + 1, name.end + 1 + value.len());
    let raw = Raw { text: value.to_owned(), quoted: true, span };
    let values = items::list(&field, &[raw], &Context::utc(Timestamp::UNIX_EPOCH))?;
    Ok(clauses(&Spanned::new(field, name), values).into())
}

/// Whether `text` behind the colon means exactly `value`: the printer quotes what does not. Times
/// are never asked about, so the clock does not matter.
pub(super) fn reads_as_value(field: &FieldRef, text: &str, value: &Value) -> bool {
    let context = Context::utc(Timestamp::UNIX_EPOCH);
    let mut parser = Parser::new(text, &context);
    let read = parser.value(field);
    parser.cursor.rest().is_empty() && matches!(read.as_deref(), Ok([only]) if only.node == *value)
}

/// Whether `text` without quotation marks searches for exactly these words and raises no remark.
pub(super) fn reads_as_text(text: &str, words: &WordPatterns) -> bool {
    let context = Context::utc(Timestamp::UNIX_EPOCH);
    let mut parser = Parser::new(text, &context);
    let root = parser.query();
    parser.faults.is_empty() && parser.hints.is_empty() && matches!(&root.node, Expr::Text(read) if read == words)
}

fn too_long(text: &str, len: usize) -> Diagnostic {
    Diagnostic::new(
        Span::new(0, text.len()),
        format!("the query has {len} bytes, at most {QUERY_BYTES_MAX} are allowed"),
    )
}

/// The field of that name, if it can be asked for.
pub(super) fn known_field(name: &str, span: Span) -> Result<FieldRef, Diagnostic> {
    let Some(field) = FieldRef::named(name) else {
        let near = did_you_mean(name, FIELDS.iter().map(|field| field.name));
        let quote = "to search for text that holds a colon, quote it";
        return Err(Diagnostic::new(span, format!("unknown field `{name}`"))
            .hint(near.map_or(quote.to_owned(), |near| format!("{near} {quote}"))));
    };
    match field.field.kind {
        Kind::Unavailable(why) => {
            let message = format!("`{}` is not available yet", field.field.name);
            Err(Diagnostic::new(span, message).hint(why))
        }
        _ => Ok(field),
    }
}

/// One clause, or an alternative of several for a list of times.
fn clauses(field: &Spanned<FieldRef>, values: Vec<Spanned<Value>>) -> Expr {
    let nodes = values
        .into_iter()
        .map(|value| {
            let span = field.span.to(value.span);
            Node::new(Expr::Clause(Clause { field: field.clone(), value }), span)
        })
        .collect();
    Expr::or(nodes)
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    depth: usize,
    clauses: usize,
    context: &'t Context,
    faults: Vec<Diagnostic>,
    hints: Vec<Diagnostic>,
}

/// What stands on either side of `..`.
type RangeEnds = (Option<Raw>, Option<Raw>);

impl<'t> Parser<'t> {
    fn new(text: &'t str, context: &'t Context) -> Self {
        Self { cursor: Cursor::new(text), depth: 0, clauses: 0, context, faults: Vec::new(), hints: Vec::new() }
    }

    fn query(&mut self) -> Node {
        self.cursor.skip_space();
        if self.cursor.rest().is_empty() {
            return Node::new(Expr::All, Span::new(0, self.cursor.at()));
        }
        let mut root = self.alternative();
        while self.cursor.rest().starts_with(')') {
            let at = self.cursor.at();
            self.fault(at, at + 1, "there is no open parenthesis for this one");
            self.cursor.pass(1);
            self.cursor.skip_space();
            if !self.cursor.rest().is_empty() {
                root = self.alternative();
            }
        }
        root
    }

    /// `or = and { "OR" and }`
    fn alternative(&mut self) -> Node {
        let start = self.cursor.at();
        let mut nodes = vec![self.conjunction()];
        while self.cursor.take_operator(Operator::Or) {
            nodes.push(self.conjunction());
        }
        let span = self.cursor.span_from(start);
        Node::new(Expr::or(nodes), span)
    }

    /// `and = not { [ "AND" ] not }`. Faulty operands are noted and left out.
    fn conjunction(&mut self) -> Node {
        self.cursor.skip_space();
        let start = self.cursor.at();
        let mut nodes = Vec::new();
        let mut operands = 0_usize;
        let mut joined = false;
        loop {
            self.cursor.skip_space();
            let at = self.cursor.at();
            if self.cursor.take_operator(Operator::And) {
                if joined || operands == 0 {
                    self.operand_missing(at);
                }
                joined = true;
                continue;
            }
            if self.is_end_of_conjunction() {
                break;
            }
            nodes.extend(self.negation());
            operands += 1;
            joined = false;
        }
        if joined || operands == 0 {
            self.operand_missing(self.cursor.at());
        }
        let span = self.cursor.span_from(start);
        Node::new(Expr::and(nodes), span)
    }

    fn is_end_of_conjunction(&self) -> bool {
        self.cursor.rest().is_empty()
            || self.cursor.rest().starts_with(')')
            || self.cursor.peek_operator() == Some(Operator::Or)
    }

    fn operand_missing(&mut self, at: usize) {
        self.faults.push(
            Diagnostic::new(Span::new(at, at), "something to search for is missing here")
                .hint("AND, OR and NOT stand between or before clauses; quote them to find the word"),
        );
    }

    /// `not = [ "-" | "NOT" ] atom`
    fn negation(&mut self) -> Option<Node> {
        let start = self.cursor.at();
        let negated = if self.cursor.take_operator(Operator::Not) {
            self.cursor.skip_space();
            true
        } else if self.cursor.rest().starts_with('-') {
            self.cursor.pass(1);
            true
        } else {
            false
        };
        if !negated {
            return self.atom();
        }
        if self.cursor.rest().starts_with('-') || self.cursor.peek_operator() == Some(Operator::Not) {
            let end = self.cursor.skip_word();
            self.faults.push(
                Diagnostic::new(Span::new(start, end), "this is negated twice").hint("quote text that begins with `-`"),
            );
            return None;
        }
        if self.cursor.is_at_boundary() || self.cursor.peek_operator().is_some() {
            self.operand_missing(self.cursor.at());
            return None;
        }
        let inner = self.atom()?;
        let span = self.cursor.span_from(start);
        Some(Node::new(Expr::Not(Box::new(inner)), span))
    }

    /// `atom = "(" or ")" | clause | text`
    fn atom(&mut self) -> Option<Node> {
        if self.cursor.rest().starts_with('(') {
            return self.group();
        }
        let start = self.cursor.at();
        self.clauses += 1;
        if self.clauses == CLAUSES_MAX + 1 {
            self.fault(start, start, format!("more than {CLAUSES_MAX} clauses"));
        }
        let expr = match head_len(self.cursor.rest()) {
            Some(len) => self.clause(len),
            None => self.free_text(),
        };
        let span = self.cursor.span_from(start);
        expr.map(|expr| Node::new(expr, span))
    }

    fn group(&mut self) -> Option<Node> {
        let start = self.cursor.at();
        if self.depth == DEPTH_MAX {
            self.fault(start, start + 1, format!("more than {DEPTH_MAX} levels of parentheses"));
            // Nothing deeper is looked at: recursion ends here.
            self.cursor.pass_all();
            return None;
        }
        self.cursor.pass(1);
        self.depth += 1;
        let inner = self.alternative();
        self.depth -= 1;
        if self.cursor.rest().starts_with(')') {
            self.cursor.pass(1);
        } else if self.faults.is_empty() {
            self.fault(start, start + 1, "this parenthesis is not closed");
        }
        let span = self.cursor.span_from(start);
        Some(Node::new(inner.node, span))
    }

    /// `clause = field ":" value`; `head_len` is the length of the field's name.
    fn clause(&mut self, head_len: usize) -> Option<Expr> {
        let start = self.cursor.at();
        self.cursor.pass(head_len);
        let (name, span) = (self.cursor.since(start), self.cursor.span_from(start));
        self.cursor.pass(1);
        let field = match known_field(name, span) {
            Ok(field) => field,
            Err(fault) => {
                self.faults.push(fault);
                // What is quoted belongs to the same fault, blanks and all.
                if self.cursor.rest().starts_with('"')
                    && let Err(fault) = self.cursor.phrase()
                {
                    self.faults.push(fault);
                }
                self.cursor.skip_word();
                return None;
            }
        };
        match self.value(&field) {
            Ok(values) => {
                self.count_times(values.len(), span);
                Some(clauses(&Spanned::new(field, span), values))
            }
            Err(fault) => {
                self.faults.push(fault);
                self.cursor.skip_word();
                None
            }
        }
    }

    /// A list of times becomes an alternative, which prints as a group of clauses: it must not
    /// print what the limits would refuse.
    fn count_times(&mut self, values: usize, span: Span) {
        if values > 1 && self.depth == DEPTH_MAX {
            self.fault(span.start, span.end, format!("more than {DEPTH_MAX} levels of parentheses"));
        }
        let before = self.clauses;
        self.clauses += values - 1;
        if before <= CLAUSES_MAX && self.clauses > CLAUSES_MAX {
            self.fault(span.start, span.end, format!("more than {CLAUSES_MAX} clauses"));
        }
    }

    /// `value = "*" | cmp | range | item { "," item }`
    fn value(&mut self, field: &FieldRef) -> Result<Vec<Spanned<Value>>, Diagnostic> {
        let start = self.cursor.at();
        if self.cursor.is_at_boundary() {
            return Err(Diagnostic::new(Span::new(start, start), format!("`{field}:` needs a value"))
                .hint(format!("no space after the colon; `{field}:*` asks whether it is there")));
        }
        if let Some(comparison) = self.cursor.take_comparison() {
            let raw = self.cursor.raw(field)?;
            self.cursor.expect_boundary("a comparison takes one value")?;
            let span = self.cursor.span_from(start);
            return items::compare(field, comparison, &raw, span, self.context);
        }
        let first = self.cursor.raw(field)?;
        if let Some((from, to)) = self.range_ends(field, &first)? {
            let span = self.cursor.span_from(start);
            if let Some(value) = items::range(field, from, to, span, self.context)? {
                self.cursor.expect_boundary("a range stands alone")?;
                return Ok(vec![value]);
            }
        }
        let mut raws = vec![first];
        while self.cursor.rest().starts_with(',') {
            self.cursor.pass(1);
            raws.push(self.cursor.raw(field)?);
        }
        self.cursor.expect_boundary("a space is missing behind the quotation mark")?;
        items::list(field, &raws, self.context)
    }

    /// The ends of `a..b` if the value has that shape and the field has an order. Reads on only
    /// behind a quoted first end and for a quoted second one.
    fn range_ends(&mut self, field: &FieldRef, first: &Raw) -> Result<Option<RangeEnds>, Diagnostic> {
        if !items::is_ordered(field.field.kind) {
            return Ok(None);
        }
        if first.quoted {
            if !self.cursor.rest().starts_with("..") {
                return Ok(None);
            }
            self.cursor.pass(2);
            let to = if self.cursor.is_at_boundary() { None } else { Some(self.cursor.raw(field)?) };
            return Ok(Some((Some(first.clone()), to)));
        }
        let Some((left, right)) = first.text.split_once("..") else {
            return Ok(None);
        };
        let from = (!left.is_empty()).then(|| Raw {
            text: left.to_owned(),
            quoted: false,
            span: Span::new(first.span.start, first.span.start + left.len()),
        });
        let to = if right.is_empty() && self.cursor.rest().starts_with('"') {
            Some(self.cursor.raw(field)?)
        } else {
            (!right.is_empty()).then(|| Raw {
                text: right.to_owned(),
                quoted: false,
                span: Span::new(first.span.end - right.len(), first.span.end),
            })
        };
        Ok(Some((from, to)))
    }

    fn free_text(&mut self) -> Option<Expr> {
        let start = self.cursor.at();
        let pattern = if self.cursor.rest().starts_with('"') {
            let text = self.cursor.phrase().map_err(|fault| self.faults.push(fault)).ok()?;
            if let Err(fault) = self.cursor.expect_boundary("a space is missing behind the quotation mark") {
                self.faults.push(fault);
                self.cursor.skip_word();
                return None;
            }
            Pattern::literal(&text)
        } else {
            let word = self.cursor.bare().map_err(|fault| self.faults.push(fault)).ok()?;
            if let "and" | "or" | "not" = word {
                let upper = word.to_uppercase();
                let message = format!("`{word}` is searched for as a word");
                self.hints.push(
                    Diagnostic::new(self.cursor.span_from(start), message)
                        .hint(format!("write `{upper}` for the operator")),
                );
            }
            Pattern::from_word(word)
        };
        if pattern.is_any() {
            return Some(Expr::All);
        }
        match WordPatterns::new(pattern) {
            Ok(words) => Some(Expr::Text(words)),
            Err(why) => {
                self.faults.push(no_words(why, self.cursor.span_from(start)));
                None
            }
        }
    }

    fn fault(&mut self, start: usize, end: usize, message: impl Into<String>) {
        self.faults.push(Diagnostic::new(Span::new(start, end), message));
    }
}

pub(super) fn no_words(why: NoWords, span: Span) -> Diagnostic {
    match why {
        NoWords::Empty => Diagnostic::new(span, "there is no letter or digit to search for")
            .hint("free text is searched by words; other signs can be matched on a field"),
        NoWords::LeadingWildcard => Diagnostic::new(span, "a word of free text can't begin with a wildcard")
            .hint("put it on a field that allows it, as in `actor:*@example.com`"),
    }
}
