//! The section `[bridge]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use url::Url;

use super::Fault;
use crate::problem::Problem;

/// The port of the console bridge where none is set.
pub const DEFAULT_PORT: u16 = 47_710;

/// The console bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct BridgeSettings {
    /// The port on 127.0.0.1. The console app's package names it, so change both together.
    pub port: u16,
    /// Further origins of Agent Consoles (white-label hosts) that may show the companion's pages, for
    /// example `https://chat.contoso.com` or `https://*.contoso.com`. Comm100's own are always accepted.
    pub console_origins: Vec<String>,
    /// Further origins of pages that may open the bridge's socket themselves; needs browser policies.
    pub allowed_origins: Vec<String>,
}

impl Default for BridgeSettings {
    fn default() -> Self {
        BridgeSettings {
            port: DEFAULT_PORT,
            console_origins: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}
impl BridgeSettings {
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let lists = [
            ("console_origins", &self.console_origins, true),
            ("allowed_origins", &self.allowed_origins, false),
        ];
        for (key, origins, wildcards) in lists {
            for (place, wrong) in origins.iter().enumerate() {
                if is_origin(wrong, wildcards) {
                    continue;
                }
                let problem = Problem::new(
                    "settings_origin_invalid",
                    format!("The key `bridge.{key}` holds what is no origin: {wrong:?}."),
                    "Write it as the browser does: `https://host` or `https://host:port`, in lower case and with nothing behind it.",
                );
                faults.push(Fault::new(format!("bridge.{key}.{place}"), problem));
            }
        }
    }
}

/// Whether a browser would write this origin so. What else passed would stand in a page's policy.
fn is_origin(text: &str, wildcards: bool) -> bool {
    let plain = if wildcards {
        text.replacen("://*.", "://", 1)
    } else {
        text.to_owned()
    };
    let harmless =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '/' | '[' | ']');
    (plain.starts_with("https://") || plain.starts_with("http://"))
        && plain.chars().all(harmless)
        && Url::parse(&plain).is_ok_and(|url| url.origin().ascii_serialization() == plain)
}
