//! `who VERB RESOURCE`: the question that an audit trail is asked most, in the words of people.

use cairn_event::filter::{Clause, Diagnostic, Expr, FieldRef, Item, Pattern, Query, Spanned, Value};

/// Words for what was done, the field that they mean and its value. The first word of a line is
/// the one that is suggested.
const VERBS: &[(&[&str], &str, &str)] = &[
    (&["created", "create", "made", "added", "add", "opened"], "op", "create"),
    (&["read", "viewed", "view", "saw", "got", "get", "listed", "list", "accessed"], "op", "read"),
    (&["changed", "change", "updated", "update", "modified", "modify", "edited", "edit"], "op", "update"),
    (&["deleted", "delete", "removed", "remove", "destroyed", "destroy", "dropped", "drop"], "op", "delete"),
    (&["granted", "grant", "shared", "share"], "op", "grant"),
    (&["revoked", "revoke", "unshared"], "op", "revoke"),
    (&["logged-in", "login", "signed-in"], "op", "login"),
    (&["logged-out", "logout", "signed-out"], "op", "logout"),
    (&["deployed", "deploy", "released", "release", "rolled-out"], "op", "deploy"),
    (&["approved", "approve"], "op", "approve"),
    (&["exported", "export", "downloaded", "download"], "op", "export"),
    (&["executed", "execute", "ran", "run", "started", "invoked"], "op", "execute"),
    (&["failed", "fail"], "outcome", "failure"),
    (&["was-denied", "denied"], "outcome", "denied"),
    (&["touched", "touch", "used", "did"], "op", "*"),
];

/// Why there is no such question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhoError {
    /// The verb is not one that is known.
    #[error("no verb `{verb}`; {hint}")]
    UnknownVerb {
        /// What was asked.
        verb: String,
        /// What could be meant.
        hint: String,
    },
    /// The resource can't be asked for.
    #[error("resource `{resource}` can't be searched: {}", reason.message)]
    Resource {
        /// What was asked.
        resource: String,
        /// What the query language says of it.
        reason: Box<Diagnostic>,
    },
}

/// The query for `who VERB RESOURCE`. The resource is compared with id, name, `type/id` and
/// `type:id`; `*` and `?` in it are wildcards unless it holds white space or commas.
///
/// # Errors
/// The verb is unknown, or the language refuses the resource.
pub fn who(verb: &str, resource: &str) -> Result<Query, WhoError> {
    let word = verb.to_lowercase();
    let line = VERBS.iter().find(|(words, _, _)| words.contains(&word.as_str()));
    let Some((_, field, value)) = line else {
        return Err(WhoError::UnknownVerb { verb: verb.to_owned(), hint: suggestion(&word) });
    };
    let done = match *value {
        "*" => Query::all(),
        value => Query::term(field, value).expect("the verbs mean words of the language"),
    };
    Ok(done.and(resource_query(resource)?))
}

fn resource_query(resource: &str) -> Result<Query, WhoError> {
    let wildcard = Pattern::word(resource).filter(|pattern| pattern.as_literal().is_none());
    let Some(pattern) = wildcard else {
        let refused = |reason| WhoError::Resource { resource: resource.to_owned(), reason: Box::new(reason) };
        return Query::term("res", resource).map_err(refused);
    };
    if pattern.is_any() {
        return Ok(Query::all());
    }
    let field = FieldRef::named("res").expect("the language has resources");
    let value = Value::AnyOf(vec![Spanned::made(Item::Text(pattern))]);
    let clause = Clause { field: Spanned::made(field), value: Spanned::made(value) };
    Ok(Expr::Clause(clause).into())
}

fn suggestion(word: &str) -> String {
    let near = VERBS
        .iter()
        .flat_map(|(words, _, _)| words.iter())
        .map(|known| (strsim::osa_distance(word, known), known))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 2);
    match near {
        Some((_, known)) => format!("did you mean {known}?"),
        None => {
            let known: Vec<_> = VERBS.iter().map(|(words, _, _)| words[0]).collect();
            format!("one of {}", known.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verb: &str, resource: &str, expected: &str) {
        let query = who(verb, resource).map(|query| query.to_string());
        assert_eq!(query.unwrap_or_else(|e| e.to_string()), expected);
    }

    #[test]
    fn questions_become_queries() {
        check("deleted", "invoice-42", "op:delete res:invoice-42");
        check("Removed", "bucket/logs-*", "op:delete res:bucket/logs-*");
        check("changed", "two words", "op:update res:\"two words\"");
        check("touched", "x", "res:x");
        check("created", "*", "op:create");
        check("was-denied", "s3://b/k", "outcome:denied res:s3://b/k");
    }

    #[test]
    fn an_unknown_verb_is_answered_with_the_nearest_one() {
        check("deletd", "x", "no verb `deletd`; did you mean deleted?");
        let refused = who("flummoxed", "x").map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("one of created, read, changed, deleted"), "{refused}");
    }
}
