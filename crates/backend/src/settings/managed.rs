//! Settings that an administrator has laid down for everybody on a computer: the same document, with a section `[managed]`
//! that says which keys nobody else changes and who manages the rest.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::{Settings, text, versions};
use crate::problem::Problem;

/// What an administrator has laid down.
#[derive(Clone, Debug, PartialEq)]
pub struct Managed {
    /// The file.
    pub file: PathBuf,
    /// Key paths that cannot be changed: everything that the file says, unless it lists them.
    pub locked: Vec<String>,
    /// Who may change what is not locked: names of this computer's users. None: whoever may write the file.
    pub managers: Option<Vec<String>>,
    document: Table,
}

/// What the file says beside the settings.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Beside {
    managed: Section,
}

/// The section `[managed]`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Section {
    locked: Option<Vec<String>>,
    managers: Option<Vec<String>>,
}

impl Managed {
    /// Reads the file; none if there is none.
    ///
    /// # Errors
    /// `settings_unreadable`, or what [`Settings::parse`] says. The next step names the file. What an administrator wanted is
    /// not left out because it cannot be read.
    pub fn read(file: &Path) -> Result<Option<Managed>, Problem> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Problem::new(
                    "settings_unreadable",
                    format!(
                        "The settings of the administrator cannot be read: {}.",
                        error.kind()
                    ),
                    format!(
                        "Ask the administrator to let everybody read {}.",
                        file.display()
                    ),
                ));
            }
        };
        Managed::parse(file, &text)
            .map(Some)
            .map_err(|problem| Problem {
                next_step: format!("{} The file is {}.", problem.next_step, file.display()),
                ..problem
            })
    }

    fn parse(file: &Path, text: &str) -> Result<Managed, Problem> {
        let today = versions::brought_up_to_date(text);
        let text = today.as_deref().unwrap_or(text);
        let is_section = |key: &str| key == "managed" || key.starts_with("managed.");
        let Beside { managed: section } = text::read(text, |key| !is_section(key))?;
        // A part of a document need not be enough for a connection; the types and names are checked all the same.
        let settings: Settings = text::read(text, is_section)?;
        let mut document: Table = text
            .parse()
            .map_err(|error: toml::de::Error| text::not_toml(text, &error))?;
        document.remove("managed");
        if settings.version != super::CURRENT_VERSION {
            settings.check()?;
        }
        let locked = section.locked.unwrap_or_else(|| {
            let mut keys = Vec::new();
            leaves(&document, "", &mut keys);
            keys.retain(|key| key != "version");
            keys
        });
        let locked = if locked.iter().any(|key| key == "*") {
            let all = serde_json::to_value(Settings::default()).unwrap_or_default();
            let all = all.as_object().into_iter().flat_map(|all| all.keys());
            all.filter(|key| *key != "version").cloned().collect()
        } else {
            locked
        };
        Ok(Managed {
            file: file.to_owned(),
            locked,
            managers: section.managers,
            document,
        })
    }

    /// Whether a key cannot be changed.
    #[must_use]
    pub fn locks(&self, key: &str) -> bool {
        self.locked.iter().any(|locked| {
            key == locked
                || key
                    .strip_prefix(locked.as_str())
                    .is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// Whether this user of the computer may change what is not locked.
    #[must_use]
    pub fn lets(&self, user: &str) -> bool {
        match &self.managers {
            Some(managers) => managers.iter().any(|manager| same_user(manager, user)),
            None => std::fs::OpenOptions::new()
                .append(true)
                .open(&self.file)
                .is_ok(),
        }
    }

    /// The user's own document under what is laid down: locked keys are the administrator's, others only where the user's
    /// document says nothing.
    pub(super) fn over(&self, own: Table) -> Table {
        let mut merged = merged(self.document.clone(), own);
        for key in &self.locked {
            let path: Vec<&str> = key.split('.').collect();
            put(&mut merged, &path, get(&self.document, &path).cloned());
        }
        merged
    }
}

/// Names of users are compared without regard to case; a domain before one only if both have it.
fn same_user(manager: &str, user: &str) -> bool {
    let bare = |name: &str| {
        name.rsplit_once('\\')
            .map_or_else(|| name.to_lowercase(), |(_, name)| name.to_lowercase())
    };
    if manager.contains('\\') && user.contains('\\') {
        return manager.to_lowercase() == user.to_lowercase();
    }
    !user.is_empty() && bare(manager) == bare(user)
}

/// The key paths that a document says something about; a list is one.
fn leaves(table: &Table, before: &str, keys: &mut Vec<String>) {
    for (key, value) in table {
        let path = if before.is_empty() {
            key.clone()
        } else {
            format!("{before}.{key}")
        };
        match value {
            Value::Table(table) => leaves(table, &path, keys),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => keys.push(path),
        }
    }
}

fn merged(mut under: Table, over: Table) -> Table {
    for (key, value) in over {
        let value = match (under.remove(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => Value::Table(merged(under, over)),
            (_, value) => value,
        };
        under.insert(key, value);
    }
    under
}

fn get<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (last, before) = path.split_last()?;
    let mut table = table;
    for key in before {
        table = table.get(*key)?.as_table()?;
    }
    table.get(*last)
}

/// Puts a value in its place, or takes away what is there.
fn put(table: &mut Table, path: &[&str], value: Option<Value>) {
    match path {
        [] => {}
        [last] => {
            match value {
                Some(value) => table.insert((*last).to_owned(), value),
                None => table.remove(*last),
            };
        }
        [first, rest @ ..] => {
            let inner = table
                .entry((*first).to_owned())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAID_DOWN: &str = "[managed]\nlocked = [\"connection\", \"recording.mode\"]\nmanagers = [\"ada\", 'CONTOSO\\Grace']\n\
        [connection]\nkind = \"cloud\"\norganization_url = \"https://contoso.crm4.dynamics.com\"\n\
        [recording]\nmode = \"automatic\"\ngrace_seconds = 30\n";

    fn managed(text: &str) -> Managed {
        Managed::parse(Path::new("/etc/x.toml"), text).unwrap()
    }

    #[test]
    fn what_is_locked_is_the_administrators_and_the_rest_the_users() {
        let managed = managed(LAID_DOWN);
        let own: Table = "[connection]\nkind = \"practice\"\nclient_id = \"mine\"\n[recording]\nmode = \"manual\"\ngrace_seconds = 5\n[bridge]\nport = 1\n"
            .parse()
            .unwrap();
        let merged = managed.over(own);
        let text = |path: &[&str]| get(&merged, path).map(ToString::to_string);
        assert_eq!(text(&["connection", "kind"]).unwrap(), "\"cloud\"");
        assert_eq!(text(&["connection", "client_id"]), None);
        assert_eq!(text(&["recording", "mode"]).unwrap(), "\"automatic\"");
        assert_eq!(text(&["recording", "grace_seconds"]).unwrap(), "5");
        assert_eq!(text(&["bridge", "port"]).unwrap(), "1");
        let nothing = managed.over(Table::new());
        assert_eq!(
            get(&nothing, &["recording", "grace_seconds"]).map(ToString::to_string),
            Some("30".to_owned())
        );
    }

    #[test]
    fn a_locked_key_locks_what_is_below_it() {
        let managed = managed(LAID_DOWN);
        assert!(managed.locks("connection") && managed.locks("connection.client_id"));
        assert!(managed.locks("recording.mode") && !managed.locks("recording.modes"));
        assert!(!managed.locks("recording"));
        let all = super::tests::managed("[managed]\nlocked = [\"*\"]\n");
        assert!(all.locks("identification.contact.0.name") && all.locks("bridge.port"));
        let said = super::tests::managed("[bridge]\nport = 2\n");
        assert_eq!(said.locked, ["bridge.port"]);
    }

    #[test]
    fn who_manages_is_said_by_name() {
        let managed = managed(LAID_DOWN);
        for (user, may) in [
            ("ada", true),
            ("ADA", true),
            ("CONTOSO\\ada", true),
            ("grace", true),
            ("CONTOSO\\grace", true),
            ("OTHER\\grace", false),
            ("eve", false),
            ("", false),
        ] {
            assert_eq!(managed.lets(user), may, "{user}");
        }
    }

    #[test]
    fn what_an_administrator_wrote_wrongly_is_refused() {
        for (text, code, part) in [
            ("[managed\n", "settings_syntax", "Line 1"),
            (
                "[managed]\nlocket = []\n",
                "settings_unknown_key",
                "Line 2: the key `managed.locket`",
            ),
            (
                "[managed]\nlocked = [7]\n",
                "settings_wrong_value",
                "Line 2: the key `managed.locked.0`",
            ),
            // The line is that of the file, and not of what is left of it without its first section.
            (
                "[managed]\nlocked = []\n\n# How chats are written down.\n[recording]\nmod = \"manual\"\n",
                "settings_unknown_key",
                "Line 6: the key `recording.mod`",
            ),
            (
                "[managed]\n\n[recording]\nmode = \"by hand\"\n",
                "settings_wrong_value",
                "Line 4: the key `recording.mode`",
            ),
            ("version = 9\n", "settings_version_unsupported", "version 9"),
        ] {
            let problem = Managed::parse(Path::new("/etc/x.toml"), text).unwrap_err();
            assert_eq!(problem.code, code, "{text}");
            assert!(problem.message.contains(part), "{problem:?}");
        }
    }
}
