//! Who may do what, decided from the credential alone.
//!
//! A [`Token`] is a secret that a producer or reader shows. The [`TokenTable`] knows the hashes of all of
//! them and gives the [`Principal`] behind one: whose data it reaches, where its events go, and which
//! [`Scope`]s it has. Nothing in a request's path or body can change any of these.
//!
//! Senders of webhooks can't be given a token; a credential may be a [`Webhook`], whose secret proves deliveries.
//!
//! **Invariant:** pure. No file, no clock, no randomness: the caller brings the bytes of the table, the
//! time, and the random bytes of a new token.

mod identity;
mod table;
mod webhook;

pub use identity::{Denied, Principal, PrincipalName, Scope, Scopes, Token, TokenInvalid};
pub use table::{Entry, TOKENS_MAX, TableInvalid, TokenTable};
pub use webhook::{Proof, Webhook};
