//! Keeps values out of the trail that must not be in it, while their event stays provable and findable.
//!
//! For each value the rules are asked by place, then by the name of its key, then by what it looks like. What the first
//! two cover is replaced wherever else it stands in the event and in its raw record, whatever it is called there.

mod apply;
mod checks;
mod detect;
mod keys;
mod raw;
mod rules;
mod screen;
mod text;

use cairn_event::{Derived, Identified, Invalid, Json, Note, Protected, Raw, Said};

use apply::Treating;

pub use keys::{Secrets, SecretsInvalid, TenantKeys};
pub use rules::{Rules, RulesInvalid};

/// The rules in force, and the keys of the tenant that an event belongs to.
#[derive(Clone, Copy)]
pub struct Protection<'a> {
    /// The rules.
    pub rules: &'a Rules,
    /// The keys.
    pub keys: &'a TenantKeys,
}

/// An event that something was done to.
pub(crate) struct Changed {
    pub(crate) said: Said,
    pub(crate) derived: Derived,
    pub(crate) protected: Protected,
}

impl Protection<'_> {
    /// Protects what a draft says. None if nothing had to be changed, which for most drafts one look at their text tells.
    ///
    /// # Errors
    /// If a hash that the producer gave is not that of its state: afterwards nobody could tell.
    pub(crate) fn protect(
        &self,
        said: &Said,
        identified: &mut Identified,
        fingerprint: [u8; 16],
    ) -> Result<Option<Changed>, Invalid> {
        let is_identified_by = identified.text_mut().is_some_and(|text| self.rules.surely_covers(text.as_bytes()));
        if !self.is_suspect(said) && !is_identified_by {
            return Ok(None);
        }
        let mut derived = said.derived()?;
        let mut draft = said.draft().clone();
        let mut treating = Treating::new(*self, draft.action.as_str());
        treating.draft(&mut draft, derived.changes.as_mut());
        self.identity(identified, &mut treating);
        let (notes, withheld) = treating.finish();
        if notes.is_empty() {
            return Ok(None);
        }
        // The hash is that of what is stored: one of the whole would let the hidden part be guessed.
        let is_changed = |member: &str| notes.iter().any(|note| note.member == member);
        draft.before_hash = draft.before_hash.filter(|_| !is_changed("before"));
        draft.after_hash = draft.after_hash.filter(|_| !is_changed("after"));
        let said = Said::of(draft);
        let stored = said.derived()?;
        derived = Derived { before_hash: stored.before_hash, after_hash: stored.after_hash, ..derived };
        let fingerprint = self.keys.fingerprint(fingerprint);
        Ok(Some(Changed { said, derived, protected: Protected { fingerprint, withheld, notes } }))
    }

    /// A text that somebody chose to tell records apart keeps telling them apart, whatever a rule does to the rest.
    fn identity(&self, identified: &mut Identified, treating: &mut Treating<'_>) {
        if let Some(text) = identified.text_mut()
            && treating.covers_identity(text)
        {
            *text = self.keys.identifier(text);
        }
    }

    fn is_suspect(&self, said: &Said) -> bool {
        let action = said.draft().action.as_str();
        let is_whole = self.rules.of_path(&["raw"], action).is_some();
        let is_raw = |raw: &Raw| is_whole || raw::is_suspect(self.rules, raw.as_bytes());
        said.draft().raw.as_ref().is_some_and(is_raw)
            || self.rules.surely_covers(said.text().as_bytes())
            || self.rules.may_name_a_place(said.text().as_bytes(), action)
            || said
                .large_values()
                .any(|value| self.rules.surely_covers(value) || self.rules.may_name_a_place(value, action))
    }
}

/// What these rules cover in an event as it is stored and should not be there: nothing, if it was admitted under them.
#[must_use]
pub fn uncovered(protection: Protection<'_>, event: Json) -> Vec<Note> {
    let action = event.get("action").and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut treating = Treating::new(protection, &action);
    if let Json::Object(mut event) = event {
        treating.event(&mut event);
    }
    treating.finish().0
}

#[cfg(test)]
mod tests;
