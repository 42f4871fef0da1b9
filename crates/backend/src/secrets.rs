//! Secrets of the connection: in memory only, from the environment or a file named by it.

use secrecy::SecretString;

use crate::problem::Problem;

/// The variable that holds the application secret.
pub const CLIENT_SECRET: &str = "COMPANION_CLIENT_SECRET";
/// The variable that holds the password of the on-premises login.
pub const PASSWORD: &str = "COMPANION_PASSWORD";

/// What the connection needs beyond the settings. `Debug` shows no value.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The application secret.
    pub client_secret: Option<SecretString>,
    /// The password of the on-premises login.
    pub password: Option<SecretString>,
}

impl Secrets {
    /// Reads both from the environment: `COMPANION_CLIENT_SECRET` and `COMPANION_PASSWORD`, or the files
    /// that `…_FILE` names.
    ///
    /// # Errors
    /// `secret_unreadable` if a named file cannot be read.
    pub fn from_environment() -> Result<Secrets, Problem> {
        Secrets::read(|name| std::env::var(name).ok())
    }

    /// Reads both from the variables that `variable` knows.
    ///
    /// # Errors
    /// `secret_unreadable` if a named file cannot be read.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Secrets, Problem> {
        Ok(Secrets {
            client_secret: secret(CLIENT_SECRET, &variable)?,
            password: secret(PASSWORD, &variable)?,
        })
    }
}

fn secret(
    name: &str,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<SecretString>, Problem> {
    if let Some(value) = variable(name).filter(|value| !value.is_empty()) {
        return Ok(Some(value.into()));
    }
    let file_variable = format!("{name}_FILE");
    let Some(path) = variable(&file_variable).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Problem::new(
            "secret_unreadable",
            format!(
                "The file that {file_variable} names cannot be read: {}.",
                error.kind()
            ),
            format!("Let {file_variable} name a file that this user may read, or set {name}."),
        )
    })?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned().into()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_variable_wins_over_a_file_and_a_file_loses_its_last_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "from the file\n").unwrap();
        let path = path.to_string_lossy().into_owned();
        let both = Secrets::read(|name| match name {
            "COMPANION_CLIENT_SECRET" => Some("direct".to_owned()),
            "COMPANION_CLIENT_SECRET_FILE" | "COMPANION_PASSWORD_FILE" => Some(path.clone()),
            _ => None,
        })
        .unwrap();
        assert_eq!(
            both.client_secret.as_ref().unwrap().expose_secret(),
            "direct"
        );
        assert_eq!(
            both.password.as_ref().unwrap().expose_secret(),
            "from the file"
        );
        assert!(!format!("{both:?}").contains("direct"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named_by_its_variable() {
        let problem = Secrets::read(|name| {
            (name == "COMPANION_PASSWORD_FILE").then(|| "/nowhere/at/all".to_owned())
        })
        .unwrap_err();
        assert_eq!(problem.code, "secret_unreadable");
        assert!(problem.message.contains("COMPANION_PASSWORD_FILE"));
    }
}
