//! Every place of a draft that holds a text of somebody's choice, open to be read and replaced.

use std::borrow::Cow;
use std::net::IpAddr;

use super::{Draft, Metadata, State};
use crate::actor::Actor;
use crate::json::Json;
use crate::resource::Resource;
use crate::text::{Action, Id, Label, LongText, Name};

/// One place. What may stand in it depends on its member, so that replacing can be refused.
#[derive(Debug)]
pub enum Place<'a> {
    /// The action.
    Action(&'a mut Action),
    /// An identifier, which can't be left out.
    Id(&'a mut Id),
    /// A name.
    Name(&'a mut Option<Name>),
    /// A running text.
    Long(&'a mut Option<LongText>),
    /// A short label.
    Label(&'a mut Option<Label>),
    /// An address.
    Ip(&'a mut Option<IpAddr>),
    /// Several addresses.
    Ips(&'a mut Vec<IpAddr>),
    /// Any JSON: a state or free members.
    Json(&'a mut Json),
}

impl Place<'_> {
    /// The text that stands here; none of addresses in a list and of JSON, which have many or none.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Action(action) => Some(action.as_str().into()),
            Self::Id(id) => Some(id.as_str().into()),
            Self::Name(name) => name.as_ref().map(|name| name.as_str().into()),
            Self::Long(text) => text.as_ref().map(|text| text.as_str().into()),
            Self::Label(label) => label.as_ref().map(|label| label.as_str().into()),
            Self::Ip(ip) => ip.map(|ip| ip.to_string().into()),
            Self::Ips(_) | Self::Json(_) => None,
        }
    }

    /// Puts another text here. False, and nothing changes, if it can't stand here.
    pub fn replace(&mut self, text: &str) -> bool {
        match self {
            Self::Action(action) => Action::new(text).map(|text| **action = text).is_ok(),
            Self::Id(id) => Id::new(text).map(|text| **id = text).is_ok(),
            Self::Name(name) => Name::new(text).map(|text| **name = Some(text)).is_ok(),
            Self::Long(long) => LongText::new(text).map(|text| **long = Some(text)).is_ok(),
            Self::Label(label) => Label::new(text).map(|text| **label = Some(text)).is_ok(),
            Self::Ip(_) | Self::Ips(_) | Self::Json(_) => false,
        }
    }

    /// Leaves the member out. False, and nothing changes, if an event can't be without it.
    pub fn clear(&mut self) -> bool {
        match self {
            Self::Action(_) | Self::Id(_) | Self::Json(_) => return false,
            Self::Name(name) => **name = None,
            Self::Long(text) => **text = None,
            Self::Label(label) => **label = None,
            Self::Ip(ip) => **ip = None,
            Self::Ips(ips) => ips.clear(),
        }
        true
    }
}

impl Draft {
    /// Shows each place, with its RFC 6901 pointer in the event: texts, addresses, and the JSON of `before`, `after`
    /// and `metadata`. Not among them are words from lists, times, ids of a fixed form, `changes` and `raw`.
    pub fn places(&mut self, visit: &mut dyn FnMut(&str, Place<'_>)) {
        visit("/action", Place::Action(&mut self.action));
        actor("/actor", &mut self.actor, visit);
        resource("/resource", &mut self.resource, visit);
        self.related.iter_mut().for_each(|related| resource("/related", related, visit));
        visit("/outcome_reason", Place::Long(&mut self.outcome_reason));
        visit("/request_id", Place::Name(&mut self.request_id));
        visit("/session_id", Place::Name(&mut self.session_id));
        visit("/correlation_id", Place::Name(&mut self.correlation_id));
        self.cause.iter_mut().for_each(|cause| visit("/cause", Place::Id(cause)));
        if let Some(origin) = &mut self.origin {
            visit("/origin/ips", Place::Ips(&mut origin.ips));
            visit("/origin/user_agent", Place::Long(&mut origin.user_agent));
            visit("/origin/endpoint", Place::Long(&mut origin.endpoint));
        }
        visit("/environment", Place::Label(&mut self.environment));
        visit("/region", Place::Label(&mut self.region));
        visit("/service", Place::Label(&mut self.service));
        for (path, state) in [("/before", &mut self.before), ("/after", &mut self.after)] {
            if let Some(State(json)) = state {
                visit(path, Place::Json(json));
            }
        }
        if let Some(Metadata(json)) = &mut self.metadata {
            visit("/metadata", Place::Json(json));
        }
    }
}

fn actor(path: &str, actor_: &mut Actor, visit: &mut dyn FnMut(&str, Place<'_>)) {
    let at = |member: &str| format!("{path}/{member}");
    visit(&at("id"), Place::Id(&mut actor_.id));
    visit(&at("name"), Place::Name(&mut actor_.name));
    visit(&at("email"), Place::Name(&mut actor_.email));
    visit(&at("ip"), Place::Ip(&mut actor_.ip));
    visit(&at("session"), Place::Name(&mut actor_.session));
    if let Some(auth) = &mut actor_.auth {
        visit(&at("auth/method"), Place::Label(&mut auth.method));
    }
    actor_.approved_by.iter_mut().for_each(|id| visit(&at("approved_by"), Place::Id(id)));
    if let Some(other) = &mut actor_.on_behalf_of {
        actor(&at("on_behalf_of"), other, visit);
    }
}

fn resource(path: &str, resource: &mut Resource, visit: &mut dyn FnMut(&str, Place<'_>)) {
    let at = |member: &str| format!("{path}/{member}");
    visit(&at("type"), Place::Id(&mut resource.resource_type));
    visit(&at("id"), Place::Id(&mut resource.id));
    visit(&at("name"), Place::Name(&mut resource.name));
    visit(&at("parent"), Place::Name(&mut resource.parent));
    visit(&at("namespace"), Place::Name(&mut resource.namespace));
}
