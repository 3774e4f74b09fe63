//! The OpenAPI document: the schemas come from the types of [`crate::v1`], the paths from [`ROUTES`].

use crate::problem::PROBLEM_JSON;
use crate::routes::{Access, Method, ROUTES, Route};
use crate::v1;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(components(schemas(
    crate::Problem,
    v1::SubmitAnswer,
    v1::EventResult,
    v1::Status,
    v1::Receipt,
    v1::RangeHashes,
    v1::EventView,
    v1::SearchPage,
    v1::Total,
    v1::Hint,
    v1::Timeline,
    v1::ProofView,
    v1::TrailList,
    v1::TrailView,
    v1::SealRequest,
    v1::SealAnswer,
    v1::SealedSegment,
    v1::RebuildAnswer,
    v1::Readiness,
    v1::Dependency,
    v1::TokenList,
    v1::TokenView,
    v1::NewTokenRequest,
    v1::NewToken,
    v1::QuarantineList,
    v1::QuarantineGroup,
    v1::RetryRequest,
    v1::RetryAnswer,
    v1::Retried,
    v1::RedactionRequest,
    v1::Redaction,
    v1::Scan,
    v1::Uncovered,
    v1::Finding,
    v1::RevealRequest,
    v1::Reveal,
    v1::EpochRequest,
    v1::EpochList,
)))]
struct Schemas;

/// The OpenAPI document of every route.
///
/// # Panics
/// Never: a test builds the document.
#[must_use]
pub fn openapi() -> Value {
    let mut document = serde_json::to_value(Schemas::openapi()).expect("the schemas are plain data");
    document["info"] = json!({
        "title": "Cairn",
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "description": "An audit trail that can be searched and proved. Errors are problem documents (RFC 9457).",
    });
    let schemas = &mut document["components"]["schemas"];
    schemas["Events"] = json!({
        "description": "One event of schema cairn/event/v1, an array of them, or one per line; for a source, its own payload.",
        "oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}],
    });
    schemas["TailEvent"] = json!({
        "description": "The data of one message of the stream; its id is the position.",
        "allOf": [{"$ref": "#/components/schemas/EventView"}],
    });
    document["components"]["securitySchemes"] = json!({"token": {"type": "http", "scheme": "bearer"}});
    let mut paths = Map::new();
    for route in ROUTES {
        let path = route.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[match route.method {
            Method::Get => "get",
            Method::Post => "post",
        }] = operation(route);
    }
    document["paths"] = Value::Object(paths);
    document
}

fn operation(route: &Route) -> Value {
    let path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let path = path.map(|name| {
        let name = name.trim_start_matches('*');
        json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
    });
    let query = route.query.iter().map(|(name, description)| {
        json!({"name": name, "in": "query", "description": description, "schema": {"type": "string"}})
    });
    let mut parameters: Vec<Value> = path.chain(query).collect();
    if route.takes.1 == "Events" {
        for (name, description) in [
            ("Idempotency-Key", "key of a single event; prefix of the keys of a batch"),
            ("Content-Encoding", "`gzip` or `zstd`"),
        ] {
            parameters
                .push(json!({"name": name, "in": "header", "description": description, "schema": {"type": "string"}}));
        }
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done.", "content": content(route.gives)},
            "default": {"description": "Not done.", "content": content((&[PROBLEM_JSON], "Problem"))},
        },
    });
    if !route.takes.0.is_empty() {
        operation["requestBody"] = json!({"content": content(route.takes)});
    }
    operation["security"] = match route.access {
        Access::Open => json!([]),
        Access::OpenIfConfigured => json!([{"token": []}, {}]),
        Access::Credential | Access::Ingest | Access::Read | Access::Admin => json!([{"token": []}]),
    };
    let scope = match route.access {
        Access::Open | Access::OpenIfConfigured | Access::Credential => None,
        Access::Ingest => Some("ingest"),
        Access::Read => Some("read"),
        Access::Admin => Some("admin"),
    };
    if let Some(scope) = scope {
        operation["description"] = format!("Needs the scope `{scope}`.").into();
    }
    operation
}

fn content((types, schema): (&[&str], &str)) -> Value {
    let schema = match schema {
        "" => json!({"type": "string"}),
        name => json!({"$ref": format!("#/components/schemas/{name}")}),
    };
    types.iter().map(|media| ((*media).to_owned(), json!({"schema": schema}))).collect::<Map<_, _>>().into()
}

fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}', '*', '.']).filter(|word| !word.is_empty() && *word != "v1");
    let method = match route.method {
        Method::Get => "get",
        Method::Post => "post",
    };
    words.fold(method.to_owned(), |id, word| id + "_" + word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema_and_every_operation_has_its_own_name() {
        let document = openapi();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').expect("a local reference");
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        let mut ids: Vec<_> = ROUTES.iter().map(operation_id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ROUTES.len());
        assert_eq!(document["paths"]["/v1/tokens"].as_object().map(Map::len), Some(2));
    }

    #[test]
    fn the_reference_page_names_every_route_and_every_problem() {
        let page = include_str!("../../../docs/reference/http.md");
        for route in ROUTES {
            assert!(page.contains(route.path), "{} is not in docs/reference/http.md", route.path);
            for (name, _) in route.query {
                assert!(page.contains(&format!("`{name}`")), "parameter {name} is not in docs/reference/http.md");
            }
        }
        for code in crate::ProblemCode::ALL {
            assert!(page.contains(&format!("`{}`", code.as_str())), "{} is not documented", code.as_str());
        }
    }
}
