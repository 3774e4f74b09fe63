//! `lookup("table", key)`: what the tables of `source.toml` say of a key, or null.
//!
//! The language could hold a table as an object in the program. But its compiler follows the type of
//! every member through every branch, which takes seconds for a few hundred of them, and each run
//! would build the object anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use vrl::compiler::function::Error;
use vrl::compiler::prelude::*;

/// The tables of a kind: by name, then by key.
pub(super) type Tables = BTreeMap<String, BTreeMap<String, Value>>;

/// The function, with the tables it looks into.
#[derive(Debug, Clone)]
pub(super) struct Lookup(pub(super) Arc<Tables>);

impl Function for Lookup {
    fn identifier(&self) -> &'static str {
        "lookup"
    }

    fn usage(&self) -> &'static str {
        "Gives what a table of source.toml says of a key, or null."
    }

    fn category(&self) -> &'static str {
        vrl::compiler::Category::Map.as_ref()
    }

    fn return_kind(&self) -> u16 {
        kind::ANY
    }

    fn parameters(&self) -> &'static [Parameter] {
        const PARAMETERS: &[Parameter] = &[
            Parameter::required("table", kind::BYTES, "The name of the table."),
            Parameter::required("key", kind::ANY, "The key; a number stands for its digits."),
        ];
        PARAMETERS
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn compile(&self, state: &TypeState, _: &mut FunctionCompileContext, arguments: ArgumentList) -> Compiled {
        let name = arguments.required_literal("table", state)?;
        let known = name.to_str_lossy().is_some_and(|name| self.0.contains_key(name.as_ref()));
        if !known {
            let error = "there is no such table in source.toml";
            return Err(Error::InvalidArgument { keyword: "table", value: name, error }.into());
        }
        let table = name.to_str_lossy().expect("it is a known name").into_owned();
        Ok(LookupFn { tables: self.0.clone(), table, key: arguments.required("key") }.as_expr())
    }
}

#[derive(Debug, Clone)]
struct LookupFn {
    tables: Arc<Tables>,
    table: String,
    key: Box<dyn Expression>,
}

impl FunctionExpression for LookupFn {
    fn resolve(&self, context: &mut Context) -> Resolved {
        let key = self.key.resolve(context)?;
        let said = match &key {
            Value::Integer(number) => self.tables[&self.table].get(&number.to_string()),
            key => key.to_str_lossy().and_then(|key| self.tables[&self.table].get(key.as_ref())),
        };
        Ok(said.cloned().unwrap_or(Value::Null))
    }

    fn type_def(&self, _: &TypeState) -> TypeDef {
        TypeDef::any().infallible()
    }
}
