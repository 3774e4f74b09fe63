//! Compiles and runs mapping programs.

use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use cairn_event::json::push_segment;
use cairn_event::{Invalid, Json};
use vrl::compiler::runtime::{Runtime, Terminate};
use vrl::compiler::{CompileConfig, ExpressionError, Function, TargetValue, TimeZone};
use vrl::diagnostic::{Diagnostic, DiagnosticList, Severity, Span};
use vrl::path::PathPrefix;
use vrl::value::{ObjectMap, Secrets, Value};

use super::lookup::{Lookup, Tables};
use super::value::{to_json, to_value};
use crate::{Delivery, MapError};

/// Functions of the language's library that a mapping may not call: they would make its result depend
/// on more than the record, reach outside, or expand a few bytes into many.
const WITHHELD: &[&str] = &[
    "now",
    "random_bool",
    "random_bytes",
    "random_float",
    "random_int",
    "uuid_v4",
    "uuid_v7",
    "get_env_var",
    "get_hostname",
    "get_timezone_name",
    "dns_lookup",
    "reverse_dns",
    "http_request",
    "log",
    "set_secret",
    "get_secret",
    "remove_secret",
    "decode_gzip",
    "decode_zlib",
    "decode_zstd",
    "decode_snappy",
    "decode_lz4",
];

/// Steps that a program may take for one record. The longest of ours takes a few hundred.
const STEPS_MAX: u32 = 200_000;

/// Where a program reads a time without an offset, it is UTC: not the zone of the machine.
static UTC: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::parse("UTC").expect("every table of zones has UTC"));

/// A compiled program.
#[derive(Debug)]
pub(crate) struct Program {
    program: vrl::compiler::Program,
    /// Where each line of its text begins.
    line_starts: Vec<usize>,
}

impl Program {
    /// Compiles a program.
    ///
    /// # Errors
    /// What the compiler says, with the lines it means.
    pub(crate) fn compile(text: &str, tables: Arc<Tables>) -> Result<Program, String> {
        let compiled = vrl::compiler::compile_with_external(
            text,
            &functions(tables),
            &Default::default(),
            CompileConfig::default(),
        );
        let line_starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        match compiled {
            Ok(result) => Ok(Program { program: result.program, line_starts }),
            Err(diagnostics) => Err(explained(&diagnostics, &line_starts)),
        }
    }

    /// What the program makes of a record.
    pub(crate) fn run(&self, record: Json, delivery: &Delivery<'_>) -> Result<Json, MapError> {
        let headers = delivery.headers.iter();
        let headers: ObjectMap =
            headers.map(|(name, value)| (name.replace('-', "_").into(), value.as_str().into())).collect();
        let facts: ObjectMap = [
            ("received_at".into(), delivery.received_at.to_string().into()),
            ("headers".into(), Value::Object(headers)),
        ]
        .into();
        let (value, metadata) = (to_value(record), Value::Object(facts));
        let mut target = TargetValue { value, metadata, secrets: Secrets::default() };
        let mut steps = 0;
        let mut control = || {
            steps += 1;
            if steps > STEPS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let ended = Runtime::default().resolve_with_control(&mut target, &self.program, &UTC, &mut control);
        ended.map(to_json).map_err(|ended| self.error(ended, &target.value))
    }

    /// The members of a record that the program looks at, as JSON pointers.
    pub(crate) fn reads(&self) -> Vec<String> {
        let of_record = self.program.info().target_queries.iter().filter(|path| path.prefix == PathPrefix::Event);
        let pointers = of_record.map(|path| pointer(&path.path));
        let mut pointers: Vec<String> = pointers.filter(|pointer| !pointer.is_empty()).collect();
        pointers.sort();
        pointers.dedup();
        pointers
    }

    /// Why a program ended early. What the language itself says may quote the record, so it is not said.
    fn error(&self, ended: Terminate, record: &Value) -> MapError {
        let refused = |what: String| {
            MapError::Mapping(Invalid::new(what, "a record that the mapping understands").under("map.vrl"))
        };
        match ended {
            Terminate::Abort(ExpressionError::Abort { message: Some(message), .. }) => said(&message, record).into(),
            Terminate::Interrupted => refused(format!("more than {STEPS_MAX} steps")),
            Terminate::Abort(error) | Terminate::Error(error) => {
                let span = match &error {
                    ExpressionError::Error { labels, .. } => labels.first().map(|label| label.span),
                    ExpressionError::Abort { span, .. } | ExpressionError::Fallible { span } => Some(*span),
                    _ => None,
                };
                refused(format!("an error in line {}", self.line(span)))
            }
        }
    }

    fn line(&self, span: Option<Span>) -> usize {
        line(&self.line_starts, span)
    }
}

/// The number of the line that a span begins in, from 1.
fn line(line_starts: &[usize], span: Option<Span>) -> usize {
    let at = span.map_or(0, |span| span.start());
    line_starts.partition_point(|start| *start <= at)
}

/// The first things that the compiler found, each with its line: one slip often leads to many more.
fn explained(diagnostics: &DiagnosticList, line_starts: &[usize]) -> String {
    const SHOWN_MAX: usize = 3;
    let one = |diagnostic: &Diagnostic| {
        let first = diagnostic.labels.first();
        let detail =
            first.map(|label| format!(" ({})", label.message.lines().next().unwrap_or_default())).unwrap_or_default();
        format!("line {}: {}{detail}", line(line_starts, first.map(|label| label.span)), diagnostic.message)
    };
    let errors: Vec<&Diagnostic> =
        diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error).collect();
    let more = errors.len().saturating_sub(SHOWN_MAX);
    let mut shown: Vec<String> = errors.into_iter().take(SHOWN_MAX).map(one).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join("; ")
}

/// `field: want` of an `abort`, with the kind of value that the record has there.
fn said(message: &str, record: &Value) -> Invalid {
    let (field, want) = message.split_once(": ").unwrap_or(("record", message));
    let names = field.split('.').filter(|_| field != "record");
    let found = names.into_iter().try_fold(record, |value, name| value.as_object()?.get(name));
    let got = match found {
        None | Some(Value::Null) => "nothing",
        Some(Value::Object(_)) => "an object",
        Some(Value::Array(_)) => "an array",
        Some(Value::Boolean(_)) => "a boolean",
        Some(Value::Integer(_) | Value::Float(_)) => "a number",
        Some(_) => "a string",
    };
    Invalid::new(got, want.trim_start_matches("want ")).under(field)
}

fn functions(tables: Arc<Tables>) -> Vec<Box<dyn Function>> {
    let all = vrl::stdlib::all().into_iter().filter(|function| !WITHHELD.contains(&function.identifier()));
    let lookup: Box<dyn Function> = Box::new(Lookup(tables));
    all.chain([lookup]).collect()
}

fn pointer(path: &vrl::path::OwnedValuePath) -> String {
    use vrl::path::OwnedSegment::{Field, Index};
    let mut pointer = String::new();
    for segment in &path.segments {
        match segment {
            Field(name) => push_segment(&mut pointer, name),
            Index(at) => push_segment(&mut pointer, &at.to_string()),
        }
    }
    pointer
}
