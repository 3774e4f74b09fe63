//! The kinds there are.

use std::sync::Arc;

use crate::SharedSource;
use crate::cloudtrail::CloudTrail;
use crate::detect::{Detected, best};
use crate::kubernetes::Kubernetes;
use crate::mapping::Mapping;
use crate::native::Native;

/// The two files of a built-in mapping.
macro_rules! mapping {
    ($kind:literal) => {
        Arc::new(Mapping::built_in(
            $kind,
            include_str!(concat!($kind, "/source.toml")),
            include_str!(concat!($kind, "/map.vrl")),
        ))
    };
}

/// A set of kinds, in the order in which ties of [`Sources::detect`] are decided.
#[derive(Clone)]
pub struct Sources {
    all: Vec<SharedSource>,
}

impl Sources {
    /// Every kind that comes with the product. A new one is one line here.
    #[must_use]
    pub fn builtin() -> Sources {
        let all: Vec<SharedSource> = vec![
            Arc::new(Native),
            Arc::new(Kubernetes),
            Arc::new(CloudTrail),
            mapping!("argocd"),
            mapping!("atlassian"),
            mapping!("auditd"),
            mapping!("auth0"),
            mapping!("azure"),
            mapping!("bitbucket-audit"),
            mapping!("cef"),
            mapping!("cloudevents"),
            mapping!("cloudflare"),
            mapping!("debezium"),
            mapping!("duo"),
            mapping!("entra"),
            mapping!("envoy"),
            mapping!("falco"),
            mapping!("gcp"),
            mapping!("github"),
            mapping!("gitlab"),
            mapping!("google-workspace"),
            mapping!("guardduty"),
            mapping!("jenkins"),
            mapping!("journald"),
            mapping!("keycloak"),
            mapping!("leef"),
            mapping!("m365"),
            mapping!("mongodb"),
            mapping!("nginx"),
            mapping!("notion"),
            mapping!("okta"),
            mapping!("onelogin"),
            mapping!("onepassword"),
            mapping!("osquery"),
            mapping!("otlp"),
            mapping!("postgresql"),
            mapping!("s3-access"),
            mapping!("slack"),
            mapping!("snowflake"),
            mapping!("sudo"),
            mapping!("syslog"),
            mapping!("tailscale"),
            mapping!("teleport"),
            mapping!("vault"),
            mapping!("zoom"),
        ];
        Sources { all }
    }

    /// Adds a kind of a user's own. One that has the name of another takes its place.
    pub fn add(&mut self, source: SharedSource) {
        match self.all.iter_mut().find(|known| known.kind() == source.kind()) {
            Some(known) => *known = source,
            None => self.all.push(source),
        }
    }

    /// The source of a kind, by the name it has in URLs.
    #[must_use]
    pub fn by_kind(&self, kind: &str) -> Option<SharedSource> {
        self.iter().find(|source| source.kind() == kind).cloned()
    }

    /// The kind that `head`, the beginning of a body, looks most like; `None` if it looks like none.
    #[must_use]
    pub fn detect(&self, head: &[u8]) -> Option<Detected> {
        best(self.iter(), head)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &SharedSource> {
        self.all.iter()
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|source| source.kind())).finish()
    }
}
