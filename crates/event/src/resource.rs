//! What it was done to, and where from.

use std::net::IpAddr;

use crate::actor::object;
use crate::invalid::Invalid;
use crate::json::{Json, Object};
use crate::text::{FromJson, Id, LongText, Name, optional, required, string};

/// The target of an action, or a further one in `related`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What kind of thing, as the source names kinds.
    pub resource_type: Id,
    /// Which one.
    pub id: Id,
    /// A name for people.
    pub name: Option<Name>,
    /// What it is part of.
    pub parent: Option<Name>,
    /// The namespace, project or account it lies in.
    pub namespace: Option<Name>,
}

impl Resource {
    /// A resource of which only the kind and the id are known.
    #[must_use]
    pub fn new(resource_type: Id, id: Id) -> Self {
        Self { resource_type, id, name: None, parent: None, namespace: None }
    }

    /// The resource as JSON, in the contract's shape.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.insert("type", self.resource_type.as_str());
        object.insert("id", self.id.as_str());
        for (key, text) in [("name", &self.name), ("parent", &self.parent), ("namespace", &self.namespace)] {
            if let Some(text) = text {
                object.insert(key, text.as_str());
            }
        }
        Json::Object(object)
    }
}

impl FromJson for Resource {
    const WANT: &'static str = "an object with type and id";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        const MEMBERS: &[&str] = &["type", "id", "name", "parent", "namespace"];
        let (mut resource_type, mut id) = (None, None);
        let (mut name, mut parent, mut namespace) = (None, None, None);
        for (key, value) in object(value, Self::WANT)? {
            match key.as_str() {
                "type" => resource_type = Some(required(&key, value)?),
                "id" => id = Some(required(&key, value)?),
                "name" => name = optional(&key, value)?,
                "parent" => parent = optional(&key, value)?,
                "namespace" => namespace = optional(&key, value)?,
                unknown => {
                    let advice = "other facts about the resource go into metadata";
                    return Err(Invalid::unknown_member(unknown, MEMBERS, advice));
                }
            }
        }
        Ok(Self {
            resource_type: resource_type.ok_or_else(|| Invalid::missing("type", Id::WANT))?,
            id: id.ok_or_else(|| Invalid::missing("id", Id::WANT))?,
            name,
            parent,
            namespace,
        })
    }
}

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Every hop, in order.
    pub ips: Vec<IpAddr>,
    /// The client as it named itself.
    pub user_agent: Option<LongText>,
    /// What was called.
    pub endpoint: Option<LongText>,
    /// The country, if the producer knows it.
    pub country: Option<Country>,
}

impl FromJson for Origin {
    const WANT: &'static str = "an object with ips, user_agent, endpoint, country";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        const MEMBERS: &[&str] = &["ips", "user_agent", "endpoint", "country"];
        let mut origin = Self::default();
        for (key, value) in object(value, Self::WANT)? {
            match key.as_str() {
                "ips" => origin.ips = optional(&key, value)?.unwrap_or_default(),
                "user_agent" => origin.user_agent = optional(&key, value)?,
                "endpoint" => origin.endpoint = optional(&key, value)?,
                "country" => origin.country = optional(&key, value)?,
                unknown => {
                    let advice = "other facts about the request go into metadata";
                    return Err(Invalid::unknown_member(unknown, MEMBERS, advice));
                }
            }
        }
        Ok(origin)
    }
}

/// A country as two upper-case letters (ISO 3166-1 alpha-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("checked to be letters of ASCII")
    }
}

impl FromJson for Country {
    const WANT: &'static str = "two upper-case letters (ISO 3166-1)";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        let text = string(value, Self::WANT)?;
        match text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([*a, *b])),
            _ => Err(Invalid::new(format!("string of {} bytes", text.len()), Self::WANT)),
        }
    }
}
