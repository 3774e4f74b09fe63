//! The query parameters of a request. Names that the route does not have are refused: a filter with a
//! slip in its name must not silently become no filter.

use crate::failure::Failure;
use axum::extract::{FromRequestParts, MatchedPath, Query};
use axum::http::request::Parts;
use cairn_api::ROUTES;

/// The parameters, each at most once, all of them known to the route.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters, Failure> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(pairs) = pairs.map_err(|_| Failure::parameter("", "the query of the address can't be decoded"))?;
        let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let known: Vec<_> = ROUTES
            .iter()
            .filter(|route| route.path == path)
            .flat_map(|route| route.query)
            .map(|(name, _)| *name)
            .collect();
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let failure = Failure::parameter(name, "this route has no such parameter");
                return Err(if known.is_empty() {
                    failure
                } else {
                    failure.hint(format!("parameters: {}", known.join(", ")))
                });
            }
            if pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(Failure::parameter(name, "the parameter comes twice"));
            }
        }
        Ok(Parameters(pairs))
    }
}

impl Parameters {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn need(&self, name: &str) -> Result<&str, Failure> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Failure::parameter(name, "the parameter is missing"))
    }

    /// A parameter that must be one of a few words.
    pub(crate) fn word(&self, name: &str, words: &[&'static str]) -> Result<Option<&'static str>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let word = words.iter().find(|word| **word == value);
        word.map(|word| Some(*word))
            .ok_or_else(|| Failure::parameter(name, format!("want one of: {}", words.join(", "))))
    }

    pub(crate) fn number(&self, name: &str, max: u64) -> Result<Option<u64>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.parse().ok().filter(|number| (1..=max).contains(number));
        number.map(Some).ok_or_else(|| Failure::parameter(name, format!("want a number from 1 to {max}")))
    }
}
