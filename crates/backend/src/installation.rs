//! Where the companion of this user lives on this computer: the settings file, what an administrator has laid down, the data
//! folder, the keyring. Whatever starts with other settings starts from here.

use std::any::Any;
use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use crate::files::Files;
use crate::folders;
use crate::keyring::Keyring;
use crate::practice::SampleVisitor;
use crate::problem::Problem;
use crate::secrets::Secrets;
use crate::settings::ConnectionSettings;

/// Says what a variable of the environment holds.
type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The companion of this user on this computer.
#[derive(Clone)]
pub struct Installation {
    /// The settings file; it need not exist.
    pub settings: Option<PathBuf>,
    /// The settings that an administrator may have laid down.
    pub managed: Option<PathBuf>,
    /// The folder of the cache and the store.
    pub folder: Option<PathBuf>,
    /// Where secrets are kept.
    pub keyring: Keyring,
    /// Who sits here: the name of the user of this computer.
    pub user: String,
    /// What starts the practice organization.
    pub practice: Option<Arc<dyn StartPractice>>,
    variables: Variables,
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installation")
            .field("settings", &self.settings)
            .field("managed", &self.managed)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Installation {
    /// This user's, with these instead of the user's own settings file and data folder.
    #[must_use]
    pub fn of_this_user(settings: Option<PathBuf>, folder: Option<PathBuf>) -> Installation {
        Installation {
            settings: settings.or_else(folders::settings_file),
            managed: folders::managed_settings_file(),
            folder: folder.or_else(folders::data),
            keyring: Keyring::of_the_system(),
            user: whoami::username().unwrap_or_default(),
            practice: None,
            variables: Arc::new(|name| std::env::var(name).ok()),
        }
    }

    /// One for a test: with nothing but what is given.
    #[must_use]
    pub fn of(settings: PathBuf, keyring: Keyring, user: &str) -> Installation {
        Installation {
            settings: Some(settings),
            managed: None,
            folder: None,
            keyring,
            user: user.to_owned(),
            practice: None,
            variables: Arc::new(|_| None),
        }
    }

    /// The secrets of a connection, as [`Secrets::gather`] finds them here.
    ///
    /// # Errors
    /// `secret_unreadable`.
    pub async fn secrets(&self, settings: &ConnectionSettings) -> Result<Secrets, Problem> {
        let variable = |name: &str| (self.variables)(name);
        Secrets::gather(settings, variable, self.keyring.clone()).await
    }

    /// What a variable of the environment holds.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name)
    }

    /// The files of everything but practice; in memory where there is no folder.
    ///
    /// # Errors
    /// As for [`Files::in_folder`].
    pub(crate) async fn files(&self) -> Result<Files, Problem> {
        let Some(folder) = self.folder.clone() else {
            return Ok(Files::Memory);
        };
        let variable = |name: &str| (self.variables)(name);
        Files::with_key(folder, variable, &self.keyring).await
    }
}

/// A practice organization that runs, and how to connect to it.
#[derive(Clone)]
pub struct Practised {
    /// The connection to it.
    pub connection: ConnectionSettings,
    /// Its secrets.
    pub secrets: Secrets,
    /// The visitors to practise with.
    pub samples: Vec<SampleVisitor>,
    /// Keeps it running.
    pub organization: Option<Arc<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Practised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Practised")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// What is to come of a start.
pub type Starting = Pin<Box<dyn Future<Output = Result<Practised, Problem>> + Send>>;

/// Starts the practice organization when settings ask for it.
pub trait StartPractice: Send + Sync {
    /// Starts it. It runs for as long as [`Practised::organization`] is kept.
    fn start(&self) -> Starting;
}
