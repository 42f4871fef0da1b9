//! `companion secrets …`: what the connection needs is put into the keyring. A secret comes from standard input alone:
//! what stands on a command line can be read by others.

use std::io::{BufRead, IsTerminal, Read};

use backend::Problem;
use backend::keyring::Keyring;
use backend::secrets::Kept;
use clap::{Subcommand, ValueEnum};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::Context;

/// In bytes; what is longer is no secret.
const LONGEST: u64 = 64 * 1024;

/// What to do with the secrets.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Keeps a secret in the keyring; its value is read from standard input and not shown.
    Set {
        /// Which one.
        name: Name,
    },
    /// Removes a secret from the keyring.
    Remove {
        /// Which one.
        name: Name,
    },
}

/// The secrets that a person enters.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Name {
    /// The value of the application's client secret.
    ClientSecret,
    /// The password of the on-premises login.
    Password,
}

pub(crate) async fn run(context: &Context, action: Action) -> Result<(), Problem> {
    let (settings, _) = context.settings()?;
    let keyring = Keyring::of_the_system();
    let entry = |name| match name {
        Name::ClientSecret => Kept::ClientSecret.entry(&settings.connection),
        Name::Password => Kept::Password.entry(&settings.connection),
    };
    match action {
        Action::Set { name } => {
            let entry = entry(name)?;
            keyring
                .keep(&entry, typed("Secret (it is not shown): ")?.into())
                .await?;
            context.output.result(&json!({ "kept": true }), || {
                "It is kept in the keyring.".to_owned()
            })
        }
        Action::Remove { name } => {
            let removed = keyring.remove(&entry(name)?).await?;
            context.output.result(&json!({ "removed": removed }), || {
                if removed {
                    "It is removed from the keyring.".to_owned()
                } else {
                    "The keyring had none.".to_owned()
                }
            })
        }
    }
}

/// A passphrase, as `typed`.
pub(crate) fn passphrase() -> Result<SecretString, Problem> {
    typed("Passphrase (it is not shown): ").map(SecretString::from)
}

/// A new passphrase; on a terminal it is typed twice.
pub(crate) fn new_passphrase() -> Result<SecretString, Problem> {
    let first = passphrase()?;
    if std::io::stdin().is_terminal()
        && typed("The same again: ")
            .map(SecretString::from)?
            .expose_secret()
            != first.expose_secret()
    {
        return Err(Problem::new(
            "recovery_passphrase_differs",
            "The two passphrases are not the same.",
            "Type the passphrase again.",
        ));
    }
    Ok(first)
}

/// One line of standard input; on a terminal it is not shown.
fn typed(prompt: &str) -> Result<String, Problem> {
    let stdin = std::io::stdin();
    let read = if stdin.is_terminal() {
        rpassword::prompt_password(prompt)
    } else {
        let mut line = String::new();
        stdin
            .lock()
            .take(LONGEST)
            .read_line(&mut line)
            .map(|_| line)
    };
    let text = read.map_err(|error| {
        Problem::new(
            "secret_unreadable",
            format!("The secret cannot be read: {}.", error.kind()),
            "Type it, or give it on standard input.",
        )
    })?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Problem::new(
            "secret_missing",
            "No secret was given.",
            "Type it, or give it on standard input.",
        ));
    }
    Ok(text.to_owned())
}
