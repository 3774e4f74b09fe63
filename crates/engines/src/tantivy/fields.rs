//! The schema: one field for each kind of term, four columns, and the words of the language.

use std::borrow::Cow;

use ::tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use ::tantivy::tokenizer::{RawTokenizer, Token, TokenStream, Tokenizer, TokenizerManager};
use cairn_event::filter::{WORD_CHARS_MAX, words};
use cairn_search::{NumberField, TermField};

/// Names of the columns.
pub(super) const TIME: &str = "time_ns";
pub(super) const RECEIVED: &str = "received_ns";
pub(super) const TRAIL: &str = "trail";
pub(super) const INDEX: &str = "index";

const WHOLE: &str = "whole";
const WORDS: &str = "words";

/// The fields by what they hold.
#[derive(Debug)]
pub(super) struct Fields {
    schema: Schema,
    /// In the order of [`TermField::ALL`].
    terms: Vec<Field>,
    pub(super) time: Field,
    pub(super) received: Field,
    pub(super) trail: Field,
    pub(super) index: Field,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut builder = Schema::builder();
        let terms =
            TermField::ALL.iter().map(|field| builder.add_text_field(field.name(), term_options(*field))).collect();
        let column = NumericOptions::from(FAST);
        let time = builder.add_i64_field(TIME, column.clone());
        let received = builder.add_i64_field(RECEIVED, column.clone());
        let trail = builder.add_u64_field(TRAIL, column.clone() | INDEXED);
        let index = builder.add_i64_field(INDEX, column);
        Self { schema: builder.build(), terms, time, received, trail, index }
    }

    pub(super) fn schema(&self) -> Schema {
        self.schema.clone()
    }

    pub(super) fn term(&self, field: TermField) -> Field {
        self.terms[field as usize]
    }

    pub(super) fn number(&self, field: NumberField) -> Field {
        match field {
            NumberField::Time => self.time,
            NumberField::Received => self.received,
            NumberField::Index => self.index,
        }
    }
}

/// Terms alone: no frequencies, no positions, no lengths. Every hit is read and checked anyway.
fn term_options(field: TermField) -> TextOptions {
    let tokenizer = if field == TermField::Word { WORDS } else { WHOLE };
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(tokenizer)
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    TextOptions::default().set_indexing_options(indexing)
}

pub(super) fn tokenizers() -> TokenizerManager {
    // The engine looks up a default for every field, columns included.
    let manager = TokenizerManager::default();
    manager.register(WHOLE, RawTokenizer::default());
    manager.register(WORDS, LanguageWords);
    manager
}

/// Splits as the query language does.
#[derive(Clone)]
struct LanguageWords;

struct WordStream<'t> {
    rest: Rest<'t>,
    token: Token,
}

/// What is not split yet. Nearly all text is ASCII, and splitting it takes a third of the time.
enum Rest<'t> {
    Ascii(&'t str),
    Any(Box<dyn Iterator<Item = Cow<'t, str>> + 't>),
}

impl Tokenizer for LanguageWords {
    type TokenStream<'t> = WordStream<'t>;

    fn token_stream<'t>(&'t mut self, text: &'t str) -> WordStream<'t> {
        let rest = if text.is_ascii() { Rest::Ascii(text) } else { Rest::Any(Box::new(words(text))) };
        WordStream { rest, token: Token::default() }
    }
}

/// The next word of ASCII text as it is written, and what follows it.
fn ascii_word(text: &str) -> Option<(&str, &str)> {
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric();
    let start = text.bytes().position(|byte| is_inside(&byte))?;
    let run = &text[start..];
    let length = run.bytes().take(WORD_CHARS_MAX).take_while(is_inside).count();
    Some(run.split_at(length))
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        self.token.text.clear();
        match &mut self.rest {
            Rest::Ascii(text) => {
                let Some((word, rest)) = ascii_word(text) else {
                    return false;
                };
                *text = rest;
                self.token.text.push_str(word);
                self.token.text.make_ascii_lowercase();
            }
            Rest::Any(words) => {
                let Some(word) = words.next() else {
                    return false;
                };
                self.token.text.push_str(&word);
            }
        }
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_term_has_its_own_field_in_order() {
        let fields = Fields::new();
        for field in TermField::ALL {
            assert_eq!(fields.schema.get_field_name(fields.term(*field)), field.name());
        }
    }

    #[test]
    fn words_are_those_of_the_language() {
        let long = "Ab1".repeat(200);
        for text in ["", " ", "Deleted Invoice-42", "--a--", "a\n b", &long, "x é Y", "東京 A1", &format!("-{long} z")]
        {
            let mut tokenizer = LanguageWords;
            let mut stream = tokenizer.token_stream(text);
            let mut found = Vec::new();
            stream.process(&mut |token| found.push(token.text.clone()));
            assert_eq!(found, words(text).collect::<Vec<_>>(), "{text:?}");
        }
    }
}
