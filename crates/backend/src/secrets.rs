//! Secrets of the connection: from the environment or a file named by it (servers), else from the system's keyring.
//! They are never anywhere else.

use std::sync::{Arc, Mutex, PoisonError};

use dataverse::RefreshTokens;
use secrecy::SecretString;
use serde::Serialize;

use crate::keyring::{self, Keyring};
use crate::problem::Problem;
use crate::settings::{ConnectionKind, ConnectionSettings, SignInKind};

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
    /// The sign-in of the person who sits here.
    pub person: Person,
    /// Where the secret that the connection needs was found.
    pub source: Option<Source>,
    /// Why the keyring could not be asked for what the environment lacks.
    pub keyring_problem: Option<Problem>,
}

/// Where a secret was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// In a variable of the environment, or the file that one names.
    Environment,
    /// In the system's keyring.
    Keyring,
}

/// A secret that a person keeps in the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The application secret.
    ClientSecret,
    /// The password of the on-premises login.
    Password,
    /// The refresh token of whoever signed in.
    RefreshToken,
}

impl Kept {
    /// The name of the keyring's entry. The organization, the application and, of a password, the login belong to it:
    /// a secret is never sent anywhere but where it was entered for.
    ///
    /// # Errors
    /// `settings_missing_key` where the settings name no organization.
    pub fn entry(self, settings: &ConnectionSettings) -> Result<String, Problem> {
        let text = |value: &Option<String>| value.as_deref().unwrap_or_default().trim().to_owned();
        let organization = text(&settings.organization_url);
        if organization.is_empty() {
            return Err(Problem::new(
                "settings_missing_key",
                "The key `connection.organization_url` is missing: secrets belong to an organization.",
                "Name the organization in the settings first.",
            ));
        }
        let organization = organization.trim_end_matches('/').to_lowercase();
        let (kind, owner) = match self {
            Kept::ClientSecret => ("client-secret", text(&settings.client_id)),
            Kept::Password => ("password", text(&settings.login_email)),
            Kept::RefreshToken => ("refresh-token", text(&settings.client_id)),
        };
        Ok(format!("{kind} {owner} {organization}"))
    }
}

impl Secrets {
    /// What this connection needs, from the environment or the system's keyring.
    ///
    /// # Errors
    /// `secret_unreadable` if a named file cannot be read.
    pub async fn of(settings: &ConnectionSettings) -> Result<Secrets, Problem> {
        let variable = |name: &str| std::env::var(name).ok();
        Secrets::gather(settings, variable, Keyring::of_the_system()).await
    }

    /// The same from the variables that `variable` knows and this keyring. What the connection does not need is not
    /// looked for.
    ///
    /// # Errors
    /// `secret_unreadable` if a named file cannot be read.
    pub async fn gather(
        settings: &ConnectionSettings,
        variable: impl Fn(&str) -> Option<String>,
        keyring: Keyring,
    ) -> Result<Secrets, Problem> {
        match (settings.kind, settings.sign_in) {
            (ConnectionKind::Practice, _) => Ok(Secrets::default()),
            (ConnectionKind::Cloud, SignInKind::Yourself | SignInKind::Device) => {
                let person = Person::of(settings, keyring).await;
                Ok(Secrets {
                    source: person.known.is_some().then_some(Source::Keyring),
                    person,
                    ..Secrets::default()
                })
            }
            (ConnectionKind::Cloud, SignInKind::Secret) => {
                let given = from_environment(CLIENT_SECRET, &variable)?;
                let mut secrets = Secrets::default();
                secrets.client_secret = secrets
                    .find(given, Kept::ClientSecret, settings, &keyring)
                    .await;
                Ok(secrets)
            }
            (ConnectionKind::OnPremises, _) => {
                let client_secret = from_environment(CLIENT_SECRET, &variable)?;
                let password = from_environment(PASSWORD, &variable)?;
                let mut secrets = Secrets::default();
                // On a server, where the password is given, nothing waits for a keyring.
                let is_served = password.is_some();
                secrets.client_secret = match client_secret {
                    None if is_served => None,
                    given => {
                        secrets
                            .find(given, Kept::ClientSecret, settings, &keyring)
                            .await
                    }
                };
                secrets.source = None;
                secrets.password = secrets
                    .find(password, Kept::Password, settings, &keyring)
                    .await;
                Ok(secrets)
            }
        }
    }

    /// What was given, or what the keyring has.
    async fn find(
        &mut self,
        given: Option<SecretString>,
        kind: Kept,
        settings: &ConnectionSettings,
        keyring: &Keyring,
    ) -> Option<SecretString> {
        if given.is_some() {
            self.source = Some(Source::Environment);
            return given;
        }
        let entry = kind.entry(settings).ok()?;
        match keyring.read(&entry).await {
            Ok(found) => {
                self.source = found.is_some().then_some(Source::Keyring);
                found
            }
            Err(problem) => {
                self.keyring_problem = Some(problem);
                None
            }
        }
    }
}

/// The sign-in of the person who sits here: the refresh token is kept in the keyring, or lasts as long as the program.
#[derive(Clone, Debug, Default)]
pub struct Person {
    known: Option<SecretString>,
    place: Option<(Keyring, String)>,
    trouble: Arc<Mutex<Option<Problem>>>,
}

impl Person {
    /// What the keyring knows of this connection's person.
    async fn of(settings: &ConnectionSettings, keyring: Keyring) -> Person {
        let Ok(entry) = Kept::RefreshToken.entry(settings) else {
            return Person::default();
        };
        let (known, trouble) = match keyring.read(&entry).await {
            Ok(known) => (known, None),
            Err(problem) => (None, Some(problem)),
        };
        Person {
            known,
            place: Some((keyring, entry)),
            trouble: Arc::new(Mutex::new(trouble)),
        }
    }

    /// Why the sign-in ends with the program, if it does.
    #[must_use]
    pub fn session_only(&self) -> Option<Problem> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether somebody signed in before.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.known.is_some()
    }

    pub(crate) fn refresh_tokens(&self) -> RefreshTokens {
        let place = self.place.clone();
        let trouble = Arc::clone(&self.trouble);
        RefreshTokens::new(self.known.clone(), move |token| {
            let Some((keyring, entry)) = &place else {
                return;
            };
            let outcome = match &token {
                Some(token) => keyring.keep_now(entry, token),
                None => keyring.remove_now(entry).map(drop),
            };
            // A sign-out where nothing could be kept leaves nothing behind.
            let outcome = match outcome {
                Err(problem) if token.is_none() && problem.code == keyring::UNAVAILABLE => return,
                outcome => outcome,
            };
            *trouble.lock().unwrap_or_else(PoisonError::into_inner) = outcome.err();
        })
    }
}

/// What a variable of the environment holds, or the file that it names with `_FILE` behind its name.
pub(crate) fn from_environment(
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
    use keyring_core::{CredentialStore, mock};
    use secrecy::ExposeSecret;

    use super::*;

    fn settings(kind: ConnectionKind, sign_in: SignInKind) -> ConnectionSettings {
        ConnectionSettings {
            kind,
            sign_in,
            organization_url: Some("https://Contoso.crm4.dynamics.com/".to_owned()),
            client_id: Some("c1".to_owned()),
            login_email: Some("ada@contoso.example".to_owned()),
            ..ConnectionSettings::default()
        }
    }

    fn mocked() -> Keyring {
        let store: Arc<CredentialStore> = mock::Store::new().unwrap();
        Keyring::given(store)
    }

    fn shown(secret: Option<&SecretString>) -> Option<&str> {
        secret.map(ExposeSecret::expose_secret)
    }

    #[tokio::test]
    async fn the_environment_wins_over_a_file_and_both_over_the_keyring() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "from the file\n").unwrap();
        let path = path.to_string_lossy().into_owned();
        let settings = settings(ConnectionKind::OnPremises, SignInKind::Secret);
        let keyring = mocked();
        for (kind, secret) in [(Kept::ClientSecret, "kept"), (Kept::Password, "kept too")] {
            let entry = kind.entry(&settings).unwrap();
            keyring.keep(&entry, secret.into()).await.unwrap();
        }
        let both = Secrets::gather(
            &settings,
            |name| match name {
                "COMPANION_CLIENT_SECRET" => Some("direct".to_owned()),
                "COMPANION_CLIENT_SECRET_FILE" | "COMPANION_PASSWORD_FILE" => Some(path.clone()),
                _ => None,
            },
            keyring.clone(),
        )
        .await
        .unwrap();
        assert_eq!(shown(both.client_secret.as_ref()), Some("direct"));
        assert_eq!(shown(both.password.as_ref()), Some("from the file"));
        assert_eq!(both.source, Some(Source::Environment));
        assert!(!format!("{both:?}").contains("direct"));

        let kept = Secrets::gather(&settings, |_| None, keyring).await.unwrap();
        assert_eq!(shown(kept.client_secret.as_ref()), Some("kept"));
        assert_eq!(shown(kept.password.as_ref()), Some("kept too"));
        assert_eq!(kept.source, Some(Source::Keyring));
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_named_by_its_variable_but_not_in_practice() {
        let variable =
            |name: &str| (name == "COMPANION_PASSWORD_FILE").then(|| "/nowhere/at/all".to_owned());
        let on_premises = settings(ConnectionKind::OnPremises, SignInKind::Secret);
        let problem = Secrets::gather(&on_premises, variable, Keyring::none())
            .await
            .unwrap_err();
        assert_eq!(problem.code, "secret_unreadable");
        assert!(problem.message.contains("COMPANION_PASSWORD_FILE"));
        let practice = settings(ConnectionKind::Practice, SignInKind::Secret);
        Secrets::gather(&practice, variable, Keyring::none())
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn without_a_keyring_the_secret_is_missing_and_it_is_known_why() {
        let cloud = settings(ConnectionKind::Cloud, SignInKind::Secret);
        let none = Secrets::gather(&cloud, |_| None, Keyring::none())
            .await
            .unwrap();
        assert!(none.client_secret.is_none() && none.source.is_none());
        assert_eq!(none.keyring_problem.unwrap().code, "keyring_unavailable");
    }

    #[test]
    fn each_organization_and_application_has_entries_of_its_own() {
        let one = settings(ConnectionKind::Cloud, SignInKind::Yourself);
        let mut other = one.clone();
        other.client_id = Some("c2".to_owned());
        let mut elsewhere = one.clone();
        elsewhere.organization_url = Some("https://contoso.crm.dynamics.com".to_owned());
        let entry = |settings: &ConnectionSettings| Kept::RefreshToken.entry(settings).unwrap();
        assert_eq!(
            entry(&one),
            "refresh-token c1 https://contoso.crm4.dynamics.com"
        );
        assert_ne!(entry(&one), entry(&other));
        assert_ne!(entry(&one), entry(&elsewhere));
        assert_ne!(entry(&one), Kept::Password.entry(&one).unwrap());
        let nowhere = ConnectionSettings::default();
        let problem = Kept::Password.entry(&nowhere).unwrap_err();
        assert_eq!(problem.code, "settings_missing_key");
    }
}
