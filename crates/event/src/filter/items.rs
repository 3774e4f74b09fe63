//! From the words of a value to items of the kind that the field has.

use std::net::IpAddr;

use ipnet::IpNet;

use super::ast::{Comparison, FieldRef, Item, Span, Spanned, Value};
use super::decimal::Decimal;
use super::diagnostic::Diagnostic;
use super::fields::{FLAGS, FLAGS_UNAVAILABLE, Kind, dotted_segments, pointer_segments};
use super::parse::{Context, known_field, no_words};
use super::pattern::{Pattern, fold};
use super::suggest::did_you_mean;
use super::time::{self, Covered, NotTime};
use super::words::WordPatterns;

/// Most values in one list.
pub const LIST_ITEMS_MAX: usize = 256;

/// One phrase or bare word of a value, unescaped.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) text: String,
    pub(super) quoted: bool,
    pub(super) span: Span,
}

impl Raw {
    fn pattern(&self) -> Pattern {
        if self.quoted { Pattern::literal(&self.text) } else { Pattern::from_word(&self.text) }
    }

    fn fault(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.span, message)
    }
}

/// Whether values of this kind compare as more and less.
pub(super) fn is_ordered(kind: Kind) -> bool {
    matches!(kind, Kind::Time | Kind::Number | Kind::Ranked(_) | Kind::Path)
}

/// `a,b,c`. A list of times gives one value for each, any other list one value.
pub(super) fn list(field: &FieldRef, raws: &[Raw], context: &Context) -> Result<Vec<Spanned<Value>>, Diagnostic> {
    let span = raws.iter().map(|raw| raw.span).reduce(Span::to).unwrap_or_default();
    if raws.len() > LIST_ITEMS_MAX {
        return Err(Diagnostic::new(span, format!("more than {LIST_ITEMS_MAX} values in one list")));
    }
    if let [raw] = raws
        && raw.pattern().is_any()
        && !matches!(field.field.kind, Kind::Has | Kind::Is)
    {
        return Ok(vec![Spanned::new(Value::Any, span)]);
    }
    if field.field.kind == Kind::Time {
        return raws.iter().map(|raw| whole_time(raw, context)).collect();
    }
    let mut items = Vec::with_capacity(raws.len());
    for raw in raws {
        let item = item(field, raw)?;
        if matches!(&item, Item::Text(pattern) if pattern.is_any()) {
            return Ok(vec![Spanned::new(Value::Any, span)]);
        }
        items.push(Spanned::new(item, raw.span));
    }
    Ok(vec![Spanned::new(Value::AnyOf(items), span)])
}

/// `>x` and its like.
pub(super) fn compare(
    field: &FieldRef,
    comparison: Comparison,
    raw: &Raw,
    span: Span,
    context: &Context,
) -> Result<Vec<Spanned<Value>>, Diagnostic> {
    let kind = field.field.kind;
    if comparison == Comparison::Exactly {
        return match kind {
            Kind::Text | Kind::Words | Kind::Path => {
                let item = Spanned::new(Item::Text(Pattern::literal(&raw.text)), raw.span);
                Ok(vec![Spanned::new(Value::Compare(comparison, item), span)])
            }
            Kind::Changed | Kind::Has | Kind::Is => Err(raw.fault(format!("`{field}` takes names, without `=`"))),
            _ => list(field, std::slice::from_ref(raw), context),
        };
    }
    let symbol = comparison.symbol();
    if !is_ordered(kind) {
        return Err(Diagnostic::new(span, format!("`{field}` has no order for `{symbol}`"))
            .hint(format!("quote the value to match text that begins with `{symbol}`")));
    }
    let Some(ends) = ends(field, raw, context)? else {
        return Err(raw
            .fault(format!("`{symbol}` needs a number or a time"))
            .hint("text has no order; write a number, a date or `-2h`"));
    };
    let item = match comparison {
        Comparison::Above | Comparison::AtMost => ends.last,
        _ => ends.first,
    };
    let item = Spanned::new(item, raw.span);
    Ok(vec![Spanned::new(Value::Compare(comparison, item), span)])
}

/// `a..b`; `None` if the field takes any text and the ends are no numbers or times.
pub(super) fn range(
    field: &FieldRef,
    from: Option<Raw>,
    to: Option<Raw>,
    span: Span,
    context: &Context,
) -> Result<Option<Spanned<Value>>, Diagnostic> {
    let is_path = field.field.kind == Kind::Path;
    if from.is_none() && to.is_none() {
        if is_path {
            return Ok(None);
        }
        return Err(Diagnostic::new(span, "a range needs at least one end"));
    }
    let (given_from, given_to) = (from.is_some(), to.is_some());
    let read = |raw: Option<Raw>| -> Result<Option<(Item, Item, Span)>, Diagnostic> {
        let Some(raw) = raw else { return Ok(None) };
        let ends = ends(field, &raw, context)?;
        Ok(ends.map(|Ends { first, last }| (first, last, raw.span)))
    };
    let from = read(from)?.map(|(first, _, span)| Spanned::new(first, span));
    let to = read(to)?.map(|(_, last, span)| Spanned::new(last, span));
    if given_from != from.is_some() || given_to != to.is_some() {
        return Ok(None);
    }
    if let (Some(from), Some(to)) = (&from, &to) {
        check_order(field, &from.node, &to.node, span)?;
    }
    if field.field.kind == Kind::Time && from == to {
        let only = from.into_iter().collect();
        return Ok(Some(Spanned::new(Value::AnyOf(only), span)));
    }
    Ok(Some(Spanned::new(Value::Range { from, to }, span)))
}

fn check_order(field: &FieldRef, from: &Item, to: &Item, span: Span) -> Result<(), Diagnostic> {
    let is_reversed = match (from, to) {
        (Item::Number(from), Item::Number(to)) => from.compare(to).is_gt(),
        (Item::Time(from), Item::Time(to)) => from.at() > to.at(),
        (Item::Text(from), Item::Text(to)) => rank(field, from) > rank(field, to),
        _ => {
            return Err(Diagnostic::new(span, "the ends of the range are of different kinds")
                .hint("both numbers or both times"));
        }
    };
    if is_reversed {
        return Err(Diagnostic::new(span, "the range ends before it begins"));
    }
    Ok(())
}

/// The place of a word in the list of a ranked field.
pub(super) fn rank(field: &FieldRef, word: &Pattern) -> Option<usize> {
    match field.field.kind {
        Kind::Ranked(names) => names.iter().position(|name| word.as_literal() == Some(*name)),
        _ => None,
    }
}

/// The least and the greatest value that a text covers.
struct Ends {
    first: Item,
    last: Item,
}

/// `None` only for a path field, if the text is neither a number nor a time.
fn ends(field: &FieldRef, raw: &Raw, context: &Context) -> Result<Option<Ends>, Diagnostic> {
    let single = |item: Item| Ends { first: item.clone(), last: item };
    match field.field.kind {
        Kind::Time => read_time(raw, context).map(|covered| Some(Ends::from(covered))),
        Kind::Ranked(_) => {
            let item = item(field, raw)?;
            if matches!(&item, Item::Text(word) if word.as_literal().is_none()) {
                return Err(raw.fault("a comparison takes no wildcards"));
            }
            Ok(Some(single(item)))
        }
        Kind::Path => {
            if let Some(number) = Decimal::parse(&raw.text).filter(|_| !raw.quoted) {
                return Ok(Some(single(Item::Number(number))));
            }
            match time::read(&raw.text, context) {
                Ok(covered) => Ok(Some(covered.into())),
                Err(NotTime::Shape) => Ok(None),
                Err(NotTime::Range) => Err(no_such_time(raw)),
            }
        }
        _ => item(field, raw).map(|item| Some(single(item))),
    }
}

impl From<Covered> for Ends {
    fn from(covered: Covered) -> Self {
        Self { first: Item::Time(covered.first), last: Item::Time(covered.last) }
    }
}

fn read_time(raw: &Raw, context: &Context) -> Result<Covered, Diagnostic> {
    time::read(&raw.text, context).map_err(|why| match why {
        NotTime::Range => no_such_time(raw),
        NotTime::Shape => raw.fault(format!("`{}` is not a time", raw.text)).hint(
            "write `2026-11-24`, `2026-11-24T14:02Z`, `-2h` (units s m h d w), `now`, `today` or \
             `yesterday`",
        ),
    })
}

fn no_such_time(raw: &Raw) -> Diagnostic {
    raw.fault(format!("there is no time `{}`", raw.text)).hint("years go from 0001 to 9998, seconds to 59")
}

/// A time as a value of its own: all that it covers.
fn whole_time(raw: &Raw, context: &Context) -> Result<Spanned<Value>, Diagnostic> {
    let covered = read_time(raw, context)?;
    if covered.relative {
        return Err(raw
            .fault(format!("`{}` is one instant, which hardly an event has", raw.text))
            .hint(format!("write `>{0}` or `{0}..` for what came after it", raw.text)));
    }
    let Covered { first, last, .. } = covered;
    let item = |moment| Spanned::new(Item::Time(moment), raw.span);
    let value = if first == last {
        Value::AnyOf(vec![item(first)])
    } else {
        Value::Range { from: Some(item(first)), to: Some(item(last)) }
    };
    Ok(Spanned::new(value, raw.span))
}

/// One value of a list; times are read elsewhere.
fn item(field: &FieldRef, raw: &Raw) -> Result<Item, Diagnostic> {
    match field.field.kind {
        Kind::Text => text(field, raw),
        Kind::Words => WordPatterns::new(raw.pattern()).map(Item::Words).map_err(|why| no_words(why, raw.span)),
        Kind::Enum(names) | Kind::Ranked(names) => one_of(field, names, raw),
        Kind::Ip => address(field, raw),
        Kind::Number => Decimal::parse(&raw.text)
            .map(Item::Number)
            .ok_or_else(|| raw.fault(format!("`{}` is not a number", raw.text))),
        Kind::Path if raw.quoted => text(field, raw),
        Kind::Path => {
            if let Some(number) = Decimal::parse(&raw.text) {
                return Ok(Item::Number(number));
            }
            match network(&raw.text) {
                Some(network) if raw.text.contains('/') => Ok(Item::Net(network)),
                _ => text(field, raw),
            }
        }
        Kind::Changed => changed_path(raw),
        Kind::Has => present_field(raw),
        Kind::Is => flag(raw),
        Kind::Time | Kind::Unavailable(_) => {
            unreachable!("times are read by whole_time, and unavailable fields refused by name")
        }
    }
}

fn text(field: &FieldRef, raw: &Raw) -> Result<Item, Diagnostic> {
    let pattern = raw.pattern();
    if pattern.starts_with_wildcard() && !pattern.is_any() && !field.field.leading_wildcard {
        return Err(raw
            .fault(format!("a value of `{field}` can't begin with a wildcard"))
            .hint("begin with a letter, or quote the value to match the sign itself"));
    }
    Ok(Item::Text(pattern))
}

fn one_of(field: &FieldRef, names: &[&str], raw: &Raw) -> Result<Item, Diagnostic> {
    let pattern = raw.pattern();
    let folded = fold(&raw.text);
    let is_known = match pattern.as_literal() {
        Some(_) => names.contains(&&*folded),
        None => names.iter().any(|name| pattern.matches(name)),
    };
    if is_known {
        // The words of a list are lower-case; the canonical query writes them so.
        return Ok(Item::Text(if raw.quoted { Pattern::literal(&folded) } else { Pattern::from_word(&folded) }));
    }
    let near = did_you_mean(&raw.text, names.iter().copied());
    let all = format!("one of {}", names.join(", "));
    Err(raw
        .fault(format!("`{field}` has no value `{}`", raw.text))
        .hint(near.map_or(all.clone(), |near| format!("{near} ({all})"))))
}

fn address(field: &FieldRef, raw: &Raw) -> Result<Item, Diagnostic> {
    match network(&raw.text) {
        Some(network) => Ok(Item::Net(network)),
        None if raw.text.contains('/') => {
            Err(raw.fault(format!("`{}` is not a network", raw.text)).hint("as in `10.0.0.0/8`"))
        }
        None => text(field, raw),
    }
}

/// An address or a network, cut to its prefix. IPv4-mapped IPv6 becomes IPv4, so that both ways of
/// writing an address are one.
pub(super) fn network(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address.to_canonical()));
    }
    let network: IpNet = text.parse().ok()?;
    let mapped = match network.addr() {
        IpAddr::V6(address) if network.prefix_len() >= 96 => address.to_ipv4_mapped(),
        _ => None,
    };
    let network = match mapped {
        Some(v4) => IpNet::new(v4.into(), network.prefix_len() - 96).ok()?,
        None => network,
    };
    Some(network.trunc())
}

fn changed_path(raw: &Raw) -> Result<Item, Diagnostic> {
    let path = match raw.text.strip_prefix('/') {
        Some(pointer) => Some(pointer_segments(pointer)),
        None => dotted_segments(&raw.text),
    };
    let Some(path) = path else {
        return Err(raw
            .fault(format!("`{}` is not a path", raw.text))
            .hint("write `spec.replicas`, or a pointer as `/spec/replicas`"));
    };
    if !raw.quoted && raw.text.contains(['*', '?']) {
        return Err(raw
            .fault("a changed path takes no wildcards")
            .hint("a path stands for all below it: `spec` finds `spec.replicas`"));
    }
    Ok(Item::Path(path))
}

fn present_field(raw: &Raw) -> Result<Item, Diagnostic> {
    let field = known_field(&raw.text, raw.span)?;
    match field.field.kind {
        Kind::Has | Kind::Is => Err(raw.fault(format!("`{field}` has no value of its own"))),
        _ => Ok(Item::Field(field)),
    }
}

fn flag(raw: &Raw) -> Result<Item, Diagnostic> {
    let word = fold(&raw.text);
    if let Some((_, flag)) = FLAGS.iter().find(|(name, _)| *name == word) {
        return Ok(Item::Flag(*flag));
    }
    if let Some((_, why)) = FLAGS_UNAVAILABLE.iter().find(|(name, _)| *name == word) {
        return Err(raw.fault(format!("`is:{word}` is not available yet")).hint(*why));
    }
    let names: Vec<_> = FLAGS.iter().map(|(name, _)| *name).collect();
    let near = did_you_mean(&word, names.iter().copied());
    let all = format!("one of {}", names.join(", "));
    Err(raw
        .fault(format!("there is no state `{}`", raw.text))
        .hint(near.map_or(all.clone(), |near| format!("{near} ({all})"))))
}
