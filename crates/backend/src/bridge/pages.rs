//! The console app's pages, carried in the program.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::door::{DoorState, refusal};
use crate::problem::Problem;

/// Where Comm100 shows Agent Consoles and the pages of packaged apps (`comm100.md`, section 1).
const COMM100_ORIGINS: [&str; 5] = [
    "https://*.comm100.io",
    "https://*.comm100.com",
    "https://*.comm100app.com",
    "https://*.comm100.site",
    "https://*.lively-chat.com",
];

#[derive(RustEmbed)]
#[folder = "../../ui/console-app/dist"]
#[allow_missing = true]
struct ConsoleApp;

/// The origins of pages that may frame ours and whose messages the relay takes.
pub(super) fn console_origins(configured: &[String]) -> Vec<String> {
    COMM100_ORIGINS
        .iter()
        .map(|origin| (*origin).to_owned())
        .chain(configured.iter().cloned())
        .collect()
}

/// A page or one of its parts.
pub(super) fn page(state: &DoorState, path: &str) -> Response {
    if path == "config.json" {
        let config = serde_json::json!({ "version": crate::VERSION, "consoleOrigins": *state.console_origins });
        return ([(header::CACHE_CONTROL, "no-store")], axum::Json(config)).into_response();
    }
    let Some(file) = ConsoleApp::get(path) else {
        let missing = ConsoleApp::iter().next().is_none();
        return if missing {
            refusal(
                503,
                &Problem::new(
                    "console_app_missing",
                    "This build of the companion has no console app in it.",
                    "Build the console app first (`npm run build` in ui/console-app), then the companion.",
                ),
            )
        } else {
            super::door::not_found()
        };
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'self' {ancestors}",
        host = state.address,
        ancestors = state.console_origins.join(" "),
    );
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, file.data).into_response()
}
