//! The settings document: one readable TOML file. What is left out has the guide's default; what is not
//! known is an error that names the line and the key. Secrets never stand in it.

use std::path::{Path, PathBuf};

use integration::recording::Recording;
use integration::{DisplaySettings, Identification};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::folders;
use crate::problem::Problem;

mod bridge;
mod connection;
pub(crate) mod draft;
mod managed;
pub mod offline;
mod recording;
pub(crate) mod rules;
mod text;
mod versions;

pub use bridge::{BridgeSettings, DEFAULT_PORT};
pub use connection::{ConnectionKind, ConnectionSettings, SignInKind};
pub use managed::Managed;
use offline::Offline;
pub(crate) use text::line_of_key;
use text::not_toml;

/// The version of the document that this program writes and the newest it reads.
pub const CURRENT_VERSION: u32 = 1;

/// All settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
#[ts(rename = "SettingsDocument")]
pub struct Settings {
    /// The version of this document.
    pub version: u32,
    /// Which Dynamics 365 organization, and how to sign in.
    pub connection: ConnectionSettings,
    /// The door for the Agent Console on this computer.
    pub bridge: BridgeSettings,
    /// How visitors are identified.
    pub identification: Identification,
    /// Which fields are shown, and what they are filled from.
    pub fields: DisplaySettings,
    /// How chats are written down.
    pub recording: Recording,
    /// What is copied to this computer.
    pub offline: Offline,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            version: CURRENT_VERSION,
            connection: ConnectionSettings::default(),
            bridge: BridgeSettings::default(),
            identification: Identification::default(),
            fields: DisplaySettings::default(),
            recording: Recording::default(),
            offline: Offline::default(),
        }
    }
}
impl Settings {
    /// The settings in force and the file that they stand in: the named one, else this user's own, under what an administrator
    /// has laid down. Without any, the default settings, which practise.
    ///
    /// # Errors
    /// `settings_unreadable`, or what [`Settings::parse`] says. Only a file of this user's own that does not
    /// exist counts as none.
    pub fn in_force(named: Option<&Path>) -> Result<(Settings, Option<PathBuf>), Problem> {
        let own = match named {
            Some(file) => Some(file.to_owned()),
            None => folders::settings_file().filter(|file| !is_absent(file)),
        };
        let managed = match folders::managed_settings_file() {
            Some(file) => Managed::read(&file)?,
            None => None,
        };
        let settings = match (&own, &managed) {
            (Some(file), managed) => Settings::load_under(file, managed.as_ref())?,
            (None, Some(managed)) => Settings::under("", managed)?,
            (None, None) => Settings::default(),
        };
        Ok((settings, own))
    }

    /// Reads a settings file under what an administrator has laid down.
    ///
    /// # Errors
    /// As for [`Settings::load`].
    pub fn load_under(path: &Path, managed: Option<&Managed>) -> Result<Settings, Problem> {
        let text = text_of(path)?;
        let settings = match managed {
            Some(managed) => Settings::under(&text, managed),
            None => Settings::parse(&text),
        };
        settings.map_err(|problem| in_file(problem, path))
    }

    /// A document under what an administrator has laid down.
    ///
    /// # Errors
    /// What [`Settings::parse`] says of the document, or of both together.
    pub fn under(text: &str, managed: &Managed) -> Result<Settings, Problem> {
        Settings::read(text)?;
        let own = text
            .parse()
            .map_err(|error: toml::de::Error| not_toml(text, &error))?;
        let merged = toml::to_string(&managed.over(own)).map_err(|error| unwritable(&error))?;
        Settings::parse(&merged)
    }

    /// Reads a settings file.
    ///
    /// # Errors
    /// `settings_unreadable`, or what [`Settings::parse`] says. The next step names the file.
    pub fn load(path: &Path) -> Result<Settings, Problem> {
        Settings::load_under(path, None)
    }

    /// Reads a settings document.
    ///
    /// # Errors
    /// `settings_syntax` (no TOML), `settings_unknown_key`, `settings_wrong_value` (wrong type or an
    /// unknown word), or what [`Settings::check`] says. The message names the line and the key.
    pub fn parse(text: &str) -> Result<Settings, Problem> {
        let settings = Settings::read(text)?;
        settings.check()?;
        Ok(settings)
    }

    /// Reads a document that need not be enough to work with.
    fn read(text: &str) -> Result<Settings, Problem> {
        let today = versions::brought_up_to_date(text);
        text::read(today.as_deref().unwrap_or(text), |_| false)
    }

    /// The document as text, to be read by [`Settings::parse`].
    ///
    /// # Errors
    /// `settings_wrong_value` if a value has no form in TOML.
    pub fn to_toml(&self) -> Result<String, Problem> {
        toml::to_string(self).map_err(|error| unwritable(&error))
    }

    /// The JSON Schema of the document.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Settings).to_value()
    }

    /// Checks what the types cannot say, so that what passes can work. Nothing is read or sent.
    ///
    /// # Errors
    /// `settings_version_unsupported`, `settings_rule_invalid`, `settings_operator_unfit`,
    /// `settings_column_unfit`, `settings_template_invalid`, `settings_country_unknown`,
    /// `settings_recording_invalid`, `settings_offline_invalid`, `settings_missing_key`, `settings_tenant_invalid`, `settings_origin_invalid`, or what the client says
    /// of an address. The message names the key.
    pub fn check(&self) -> Result<(), Problem> {
        match self.faults().into_iter().next() {
            Some(fault) => Err(fault.problem),
            None => Ok(()),
        }
    }

    /// Everything that [`Settings::check`] would refuse, in its order.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.version != CURRENT_VERSION {
            let problem = Problem::new(
                "settings_version_unsupported",
                format!(
                    "The settings have version {}; this companion knows version {CURRENT_VERSION}.",
                    self.version
                ),
                "Update the companion, or use settings made for this version.",
            );
            faults.push(Fault::new("version", problem));
        }
        self.check_identification(&mut faults);
        self.check_fields(&mut faults);
        self.check_recording(&mut faults);
        self.check_offline(&mut faults);
        self.bridge.check(&mut faults);
        self.connection.check(&mut faults);
        faults
    }
}

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key path: `identification.contact.0.any.1.column`.
    pub key: String,
    /// What is wrong.
    pub problem: Problem,
}

impl Fault {
    fn new(key: impl Into<String>, problem: Problem) -> Fault {
        Fault {
            key: key.into(),
            problem,
        }
    }
}

fn text_of(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| {
        let problem = Problem::new(
            "settings_unreadable",
            format!("The settings file cannot be read: {}.", error.kind()),
            "Check that the file exists and that you may read it.",
        );
        in_file(problem, path)
    })
}

fn in_file(problem: Problem, path: &Path) -> Problem {
    Problem {
        next_step: format!("{} The file is {}.", problem.next_step, path.display()),
        ..problem
    }
}

fn unwritable(error: &toml::ser::Error) -> Problem {
    Problem::new(
        "settings_wrong_value",
        format!("The settings cannot be written: {error}."),
        "Report this to the maker.",
    )
}

/// What cannot be looked at is there, and reading it says what is wrong with it.
fn is_absent(file: &Path) -> bool {
    std::fs::symlink_metadata(file).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests;
