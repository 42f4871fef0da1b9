//! `companion settings …`

use backend::{Problem, Settings};
use clap::Subcommand;
use serde_json::json;

use crate::Context;

/// What to do with the settings.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Says whether the settings are in order.
    Check,
    /// Prints the JSON Schema of the settings.
    Schema,
}

pub(crate) fn run(context: &Context, action: Action) -> Result<(), Problem> {
    match action {
        Action::Check => {
            context.settings()?;
            context.output.result(&json!({ "ok": true }), || {
                "The settings are in order.".to_owned()
            })
        }
        Action::Schema => {
            let schema = Settings::schema();
            context.output.result(&schema, || format!("{schema:#}"))
        }
    }
}
