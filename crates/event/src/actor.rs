//! Who did it, and for whom.

use std::net::IpAddr;

use crate::canonical::Numbers;
use crate::invalid::{Invalid, describe};
use crate::json::{Json, Object};
use crate::limits;
use crate::outcome::{ActorType, Via};
use crate::text::{FromJson, Id, Label, Name, optional, required};

/// The claimed actor of an event. Who delivered the event is kept apart, in
/// [`crate::event::Producer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account, as the source names it.
    pub id: Id,
    /// What kind of actor.
    pub actor_type: ActorType,
    /// A name for people.
    pub name: Option<Name>,
    /// The mail address.
    pub email: Option<Name>,
    /// The address the actor came from.
    pub ip: Option<IpAddr>,
    /// The actor's session.
    pub session: Option<Name>,
    /// How the actor proved who it is.
    pub auth: Option<Auth>,
    /// For whom the actor acted. The chain has at most [`limits::DELEGATION_MAX`] actors.
    pub on_behalf_of: Option<Box<Actor>>,
    /// The way in.
    pub via: Option<Via>,
    /// The ids of those who approved.
    pub approved_by: Vec<Id>,
}

/// How an actor proved who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Auth {
    /// The method, such as `password`, `oidc` or `mtls`.
    pub method: Option<Label>,
    /// Whether a second factor was used.
    pub mfa: Option<bool>,
}

const MEMBERS: &[&str] =
    &["id", "type", "name", "email", "ip", "session", "auth", "on_behalf_of", "via", "approved_by"];
const ADVICE: &str = "other facts about the actor go into metadata";

impl Actor {
    /// An actor of which only the id and the kind are known.
    #[must_use]
    pub fn new(id: Id, actor_type: ActorType) -> Self {
        Self {
            id,
            actor_type,
            name: None,
            email: None,
            ip: None,
            session: None,
            auth: None,
            on_behalf_of: None,
            via: None,
            approved_by: Vec::new(),
        }
    }

    fn read(value: Json, chain: usize) -> Result<Self, Invalid> {
        let object = object(value, Self::WANT)?;
        if chain > limits::DELEGATION_MAX {
            let want = format!("at most {} actors in a chain", limits::DELEGATION_MAX);
            return Err(Invalid::new("a longer chain of on_behalf_of", want));
        }
        let (mut id, mut actor_type) = (None, None);
        let (mut name, mut email, mut ip, mut session) = (None, None, None, None);
        let (mut auth, mut on_behalf_of, mut via) = (None, None, None);
        let mut approved_by = None;
        for (key, value) in object {
            match key.as_str() {
                "id" => id = Some(required(&key, value)?),
                "type" => actor_type = Some(required(&key, value)?),
                "name" => name = optional(&key, value)?,
                "email" => email = optional(&key, value)?,
                "ip" => ip = optional(&key, value)?,
                "session" => session = optional(&key, value)?,
                "auth" => auth = optional(&key, value)?,
                "on_behalf_of" if value.is_null() => {}
                "on_behalf_of" => {
                    let actor = Self::read(value, chain + 1).map_err(|e| e.under(&key))?;
                    on_behalf_of = Some(Box::new(actor));
                }
                "via" => via = optional(&key, value)?,
                "approved_by" => approved_by = optional(&key, value)?,
                unknown => return Err(Invalid::unknown_member(unknown, MEMBERS, ADVICE)),
            }
        }
        Ok(Self {
            id: id.ok_or_else(|| Invalid::missing("id", Id::WANT))?,
            actor_type: actor_type.ok_or_else(|| Invalid::missing("type", ActorType::WANT))?,
            name,
            email,
            ip,
            session,
            auth,
            on_behalf_of,
            via,
            approved_by: approved_by.unwrap_or_default(),
        })
    }

    /// The actor as JSON, in the contract's shape.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.insert("id", self.id.as_str());
        object.insert("type", self.actor_type.as_str());
        for (key, text) in [("name", &self.name), ("email", &self.email), ("session", &self.session)] {
            if let Some(text) = text {
                object.insert(key, text.as_str());
            }
        }
        if let Some(ip) = self.ip {
            object.insert("ip", ip.to_string());
        }
        if let Some(auth) = &self.auth {
            object.insert("auth", auth.to_json());
        }
        if let Some(actor) = &self.on_behalf_of {
            object.insert("on_behalf_of", actor.to_json());
        }
        if let Some(via) = self.via {
            object.insert("via", via.as_str());
        }
        if !self.approved_by.is_empty() {
            let ids: Vec<_> = self.approved_by.iter().map(Id::as_str).collect();
            object.insert("approved_by", ids);
        }
        Json::Object(object)
    }

    /// Appends the canonical text.
    pub(crate) fn write(&self, out: &mut String) {
        crate::canonical::write(&self.to_json(), Numbers::AsWritten, out);
    }
}

impl FromJson for Actor {
    const WANT: &'static str = "an object with id and type";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        Self::read(value, 1)
    }
}

impl Auth {
    pub(crate) fn to_json(&self) -> Json {
        let mut object = Object::new();
        if let Some(method) = &self.method {
            object.insert("method", method.as_str());
        }
        if let Some(mfa) = self.mfa {
            object.insert("mfa", mfa);
        }
        Json::Object(object)
    }
}

impl FromJson for Auth {
    const WANT: &'static str = "an object with method and mfa";

    fn from_json(value: Json) -> Result<Self, Invalid> {
        let mut auth = Self::default();
        for (key, value) in object(value, Self::WANT)? {
            match key.as_str() {
                "method" => auth.method = optional(&key, value)?,
                "mfa" => auth.mfa = optional(&key, value)?,
                unknown => {
                    return Err(Invalid::unknown_member(unknown, &["method", "mfa"], ADVICE));
                }
            }
        }
        Ok(auth)
    }
}

/// Takes the object out of a value.
pub(crate) fn object(value: Json, want: &'static str) -> Result<Object, Invalid> {
    match value {
        Json::Object(object) => Ok(object),
        other => Err(Invalid::new(describe(&other), want)),
    }
}
