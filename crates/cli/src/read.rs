//! JSON that a command is given as a file or on standard input.

use std::io::Read;
use std::path::Path;

use backend::Problem;
use serde_json::Value;

/// In bytes; longer input is no visitor and no event.
const LONGEST_INPUT: usize = 16 * 1024 * 1024;

/// What is read, with the codes of what can be wrong with it.
pub(crate) struct Input {
    name: &'static str,
    unreadable: &'static str,
    too_large: &'static str,
    malformed: &'static str,
}

pub(crate) const VISITOR: Input = Input {
    name: "visitor",
    unreadable: "visitor_unreadable",
    too_large: "visitor_too_large",
    malformed: "visitor_malformed",
};
pub(crate) const CHAT: Input = Input {
    name: "chat",
    unreadable: "chat_unreadable",
    too_large: "chat_too_large",
    malformed: "chat_malformed",
};
pub(crate) const EVENT: Input = Input {
    name: "event",
    unreadable: "event_unreadable",
    too_large: "event_too_large",
    malformed: "event_malformed",
};
pub(crate) const SETTINGS: Input = Input {
    name: "settings document",
    unreadable: "settings_unreadable",
    too_large: "settings_too_large",
    malformed: "settings_syntax",
};
pub(crate) const CHATS: Input = Input {
    name: "file of chats",
    unreadable: "chats_unreadable",
    too_large: "chats_too_large",
    malformed: "chats_malformed",
};

impl Input {
    /// The JSON of a file, or with `-` of standard input.
    ///
    /// # Errors
    /// `…_unreadable`, `…_too_large`, `…_malformed`.
    pub(crate) fn read(&self, path: &Path) -> Result<Value, Problem> {
        let name = self.name;
        serde_json::from_slice(&self.bytes(path)?).map_err(|error| {
            self.malformed(format!(
                "The {name} is not valid JSON: line {}, column {}.",
                error.line(),
                error.column()
            ))
        })
    }

    /// The text of a file, or with `-` of standard input.
    ///
    /// # Errors
    /// `…_unreadable`, `…_too_large`, `…_malformed`.
    pub(crate) fn text(&self, path: &Path) -> Result<String, Problem> {
        String::from_utf8(self.bytes(path)?)
            .map_err(|_| self.malformed(format!("The {} is no text (UTF-8).", self.name)))
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, Problem> {
        let name = self.name;
        let bytes = if path.as_os_str() == "-" {
            bytes(std::io::stdin().lock())
        } else {
            std::fs::File::open(path).and_then(bytes)
        };
        let bytes = bytes.map_err(|error| {
            Problem::new(
                self.unreadable,
                format!("The {name} cannot be read: {}.", error.kind()),
                "Check the file's name, or give `-` and the JSON on standard input.",
            )
        })?;
        if bytes.len() > LONGEST_INPUT {
            return Err(Problem::new(
                self.too_large,
                format!("The {name} is larger than 16 MiB."),
                format!("Give the {name} alone, without what belongs to others."),
            ));
        }
        Ok(bytes)
    }

    /// That it is JSON, but not an object.
    pub(crate) fn no_object(&self) -> Problem {
        self.malformed(format!("The {} is not a JSON object.", self.name))
    }

    fn malformed(&self, message: String) -> Problem {
        Problem::new(
            self.malformed,
            message,
            "Give one JSON object, for example {\"name\": \"…\", \"email\": \"…\", \"phone\": \"…\"}.",
        )
    }
}

/// At most one byte more than is taken, so that too much is told from just enough.
fn bytes(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(LONGEST_INPUT).unwrap_or(u64::MAX);
    source
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
