//! The system's keyring: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows. It may be missing
//! (a server) or locked; both are told apart, and neither ever leads to a plain file.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry};
use secrecy::{ExposeSecret, SecretString};

use crate::problem::Problem;

/// The name under which the keyring lists our entries.
const SERVICE: &str = "dynamics-companion";

/// A person may have to unlock it first.
const PATIENCE: Duration = Duration::from_secs(60);

/// What stands for no keyring at all.
pub const UNAVAILABLE: &str = "keyring_unavailable";
/// What stands for one that lets nobody in.
pub const LOCKED: &str = "keyring_locked";

/// A keyring. Clones share it; it is opened when it is first needed.
#[derive(Clone)]
pub struct Keyring {
    kind: Kind,
    opened: Arc<Mutex<Option<Arc<CredentialStore>>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    System,
    Given,
    None,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyring").field(&self.kind).finish()
    }
}

impl Default for Keyring {
    fn default() -> Self {
        Keyring::none()
    }
}

impl Keyring {
    /// The keyring of whoever runs this program.
    #[must_use]
    pub fn of_the_system() -> Keyring {
        Keyring::new(Kind::System, None)
    }

    /// This one.
    #[must_use]
    pub fn given(store: Arc<CredentialStore>) -> Keyring {
        Keyring::new(Kind::Given, Some(store))
    }

    /// As on a computer without one.
    #[must_use]
    pub fn none() -> Keyring {
        Keyring::new(Kind::None, None)
    }

    fn new(kind: Kind, store: Option<Arc<CredentialStore>>) -> Keyring {
        Keyring {
            kind,
            opened: Arc::new(Mutex::new(store)),
        }
    }

    /// What is kept under this name.
    ///
    /// # Errors
    /// `keyring_unavailable`, `keyring_locked`, `keyring_failed`.
    pub async fn read(&self, name: &str) -> Result<Option<SecretString>, Problem> {
        let name = name.to_owned();
        self.elsewhere(move |keyring| keyring.read_now(&name)).await
    }

    /// Keeps this under this name, in place of what was there.
    ///
    /// # Errors
    /// As for [`Keyring::read`].
    pub async fn keep(&self, name: &str, secret: SecretString) -> Result<(), Problem> {
        let name = name.to_owned();
        self.elsewhere(move |keyring| keyring.keep_now(&name, &secret))
            .await
    }

    /// Removes what is kept under this name; says whether there was something.
    ///
    /// # Errors
    /// As for [`Keyring::read`].
    pub async fn remove(&self, name: &str) -> Result<bool, Problem> {
        let name = name.to_owned();
        self.elsewhere(move |keyring| keyring.remove_now(&name))
            .await
    }

    /// The keyring takes its time, the more so when it asks a person.
    async fn elsewhere<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Keyring) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let keyring = self.clone();
        let working = tokio::task::spawn_blocking(move || work(&keyring));
        match tokio::time::timeout(PATIENCE, working).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                tracing::error!(%error, "the keyring failed");
                Err(failed())
            }
            Err(_) => Err(locked()),
        }
    }

    /// As [`Keyring::keep`], for those who may be kept waiting.
    pub(crate) fn keep_now(&self, name: &str, secret: &SecretString) -> Result<(), Problem> {
        self.entry(name)?
            .set_secret(secret.expose_secret().as_bytes())
            .map_err(|error| problem(&error))
    }

    /// As [`Keyring::remove`], for those who may be kept waiting.
    pub(crate) fn remove_now(&self, name: &str) -> Result<bool, Problem> {
        match self.entry(name)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(keyring_core::Error::NoEntry) => Ok(false),
            Err(error) => Err(problem(&error)),
        }
    }

    fn read_now(&self, name: &str) -> Result<Option<SecretString>, Problem> {
        match self.entry(name)?.get_secret() {
            Ok(bytes) => String::from_utf8(bytes)
                .map(|text| Some(text.into()))
                .map_err(|_| failed()),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(problem(&error)),
        }
    }

    fn entry(&self, name: &str) -> Result<Entry, Problem> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let store = match &*opened {
            Some(store) => Arc::clone(store),
            None if self.kind == Kind::System => {
                let store = system_store().map_err(|error| problem(&error))?;
                Arc::clone(opened.insert(store))
            }
            None => return Err(unavailable()),
        };
        drop(opened);
        store
            .build(SERVICE, name, None)
            .map_err(|error| problem(&error))
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn system_store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

/// What the keyring's error is for a person. Two of its errors carry what was kept, so only their kind is logged.
fn problem(error: &keyring_core::Error) -> Problem {
    use keyring_core::Error;
    let (problem, chain) = match error {
        Error::NoStorageAccess(cause) => (locked(), cause.to_string()),
        Error::PlatformFailure(cause) => (unavailable(), cause.to_string()),
        Error::NoDefaultStore => (unavailable(), "no store".to_owned()),
        Error::Ambiguous(_) => (failed(), "more than one entry".to_owned()),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => (failed(), "unreadable".to_owned()),
        Error::NoEntry
        | Error::BadStoreFormat(_)
        | Error::TooLong(..)
        | Error::Invalid(..)
        | Error::NotSupportedByStore(_)
        | _ => (failed(), "another failure".to_owned()),
    };
    tracing::warn!(
        error.code = problem.code,
        error.chain = chain,
        "the keyring cannot be used"
    );
    problem
}

fn unavailable() -> Problem {
    Problem::new(
        UNAVAILABLE,
        "This computer has no keyring that secrets could be kept in.",
        "Install and start one (on Linux GNOME Keyring, KWallet or KeePassXC), or give secrets by the environment.",
    )
}

fn locked() -> Problem {
    Problem::new(
        LOCKED,
        "The keyring is locked.",
        "Unlock it, then start the companion again.",
    )
}

fn failed() -> Problem {
    Problem::new(
        "keyring_failed",
        "The keyring cannot be read.",
        "Look in the system's password manager for the entries of dynamics-companion and remove them, then enter the secret again.",
    )
}

#[cfg(test)]
mod tests {
    use keyring_core::mock;

    use super::*;

    /// A keyring in memory, and the entry that fails next.
    fn mocked() -> (Keyring, Arc<CredentialStore>) {
        let store: Arc<CredentialStore> = mock::Store::new().unwrap();
        (Keyring::given(Arc::clone(&store)), store)
    }

    #[tokio::test]
    async fn what_is_kept_is_read_until_it_is_removed() {
        let (keyring, _) = mocked();
        assert!(keyring.read("a").await.unwrap().is_none());
        keyring.keep("a", "first".into()).await.unwrap();
        keyring.keep("a", "sécond".into()).await.unwrap();
        keyring.keep("b", "other".into()).await.unwrap();
        let read = keyring.read("a").await.unwrap().unwrap();
        assert_eq!(read.expose_secret(), "sécond");
        assert!(keyring.remove("a").await.unwrap());
        assert!(!keyring.remove("a").await.unwrap());
        assert!(keyring.read("a").await.unwrap().is_none());
        assert!(keyring.read("b").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn missing_locked_and_damaged_are_told_apart_and_tell_nothing() {
        use keyring_core::Error;
        let cause = || Box::new(std::io::Error::other("no bus"));
        for (error, code) in [
            (Error::PlatformFailure(cause()), "keyring_unavailable"),
            (Error::NoStorageAccess(cause()), "keyring_locked"),
            (Error::BadEncoding(b"s3cret".to_vec()), "keyring_failed"),
            (
                Error::BadDataFormat(b"s3cret".to_vec(), cause()),
                "keyring_failed",
            ),
            (Error::Ambiguous(Vec::new()), "keyring_failed"),
        ] {
            let (keyring, store) = mocked();
            let entry = store.build(SERVICE, "a", None).unwrap();
            let credential: &mock::Cred = entry.as_any().downcast_ref().unwrap();
            credential.set_error(error);
            let problem = keyring.read("a").await.unwrap_err();
            assert_eq!(problem.code, code);
            assert!(!format!("{problem:?}").contains("s3cret"));
        }
        let problem = Keyring::none().keep("a", "x".into()).await.unwrap_err();
        assert_eq!(problem.code, "keyring_unavailable");
    }
}
