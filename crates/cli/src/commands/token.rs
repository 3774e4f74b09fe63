//! `cairn token create|list`

use cairn_api::ExitCode;
use cairn_api::v1::{NewTokenRequest, TokenView};
use cairn_event::Json;
use cairn_event::json::Object;
use clap::{Args, Subcommand};

use super::Context;
use crate::connect::Session;
use crate::failure::Ended;
use crate::print::table::{Cell, Row};

/// Credentials of the tenant.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Create a credential and print its secret, this once
    Create {
        /// The principal's name: events sent with it carry this as their producer
        name: String,
        /// What it may do: ingest, read, admin; may be given several times
        #[arg(long = "scope", value_name = "SCOPE", required_unless_present = "webhook", value_delimiter = ',')]
        scopes: Vec<String>,
        /// Make it the secret of a webhook: deliveries to /v1/sources/KIND/NAME that prove it need no token
        #[arg(long, value_name = "KIND/NAME", conflicts_with = "scopes")]
        webhook: Option<String>,
        /// The trail its events go to; the one of your own credential if absent
        #[arg(long = "to", value_name = "TRAIL")]
        to: Option<String>,
    },
    /// List the credentials, without secrets
    List,
}

const COLUMNS: &[&str] = &["NAME", "TENANT", "TRAIL", "SCOPES", "WEBHOOK", "CREATED"];

pub(crate) fn run(args: TokenArgs, context: &mut Context) -> Ended {
    let session = Session::open(context)?;
    match args.command {
        TokenCommand::List => {
            let rows: Vec<Row> = session.client.tokens()?.tokens.iter().map(row).collect();
            context.printer.table(COLUMNS, &rows)?;
        }
        TokenCommand::Create { name, scopes, webhook, to } => {
            let scopes = if webhook.is_some() { vec!["ingest".to_owned()] } else { scopes };
            let new = session.client.create_token(&NewTokenRequest { id: name, trail: to, scopes, webhook })?;
            if context.printer.wants_json() {
                let mut json = json(&new.view);
                json.insert("token", new.token.as_str());
                context.printer.json(&Json::Object(json))?;
            } else {
                // Alone on stdout, so that `$(cairn token create ...)` is the secret.
                context.printer.line(&new.token)?;
            }
            context.printer.hint(&format!(
                "{} may {}; the secret is not shown again",
                new.view.id,
                new.view.scopes.join(", ")
            ));
        }
    }
    session.close()?;
    Ok(ExitCode::Ok)
}

fn json(token: &TokenView) -> Object {
    let mut json = Object::new();
    json.insert("id", token.id.as_str());
    json.insert("tenant", token.tenant.as_str());
    json.insert("trail", token.trail.as_str());
    json.insert("scopes", Json::Array(token.scopes.iter().map(|scope| Json::from(scope.as_str())).collect()));
    json.insert("created_at", token.created_at.as_str());
    if let Some(webhook) = &token.webhook {
        json.insert("webhook", webhook.as_str());
    }
    json
}

fn row(token: &TokenView) -> Row {
    let cells = vec![
        Cell::new(token.id.as_str()),
        Cell::new(token.tenant.as_str()),
        Cell::new(token.trail.as_str()),
        Cell::new(token.scopes.join(",")),
        Cell::new(token.webhook.as_deref().unwrap_or_default()),
        Cell::new(token.created_at.as_str()),
    ];
    Row { cells, json: Json::Object(json(token)) }
}
