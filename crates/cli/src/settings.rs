//! `companion settings …`

use backend::{Problem, Settings};
use clap::Subcommand;
use serde_json::json;

use crate::Context;
use crate::output::line;

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
            let (_, file) = context.settings()?;
            let file = file.map(|file| file.display().to_string());
            context
                .output
                .result(&json!({ "ok": true, "file": file }), || match &file {
                    Some(file) => format!("The settings are in order: {}", line(file)),
                    None => {
                        "There is no settings file: the practice organization is used.".to_owned()
                    }
                })
        }
        Action::Schema => {
            let schema = Settings::schema();
            context.output.result(&schema, || format!("{schema:#}"))
        }
    }
}
