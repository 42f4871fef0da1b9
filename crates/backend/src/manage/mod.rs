//! "Manage Integration": what the settings window and the command line do with the settings. They edit a draft of the whole
//! document; here it is judged, tried out, saved and put in force. Who may do so is decided here, whatever a page shows.

mod catalogue;
mod connection_test;
mod document;
mod explain;
mod file;
mod guide;
mod history;
mod judge;
mod rehearse;
mod samples;
mod save;
mod secrets;
mod suggest;
mod text;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use integration::Columns;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::{RwLock, watch};
use tokio_util::sync::CancellationToken;

use crate::generation::{Core, Generation, Running};
use crate::installation::Installation;
use crate::problem::Problem;
use crate::schema;
use crate::settings::{Managed, Settings, draft};
use crate::synchronise::Synchroniser;
use crate::view::{
    Catalogue, ColumnInfo, CopiedTable, Explanation, Judgement, ManagedView, OfflineEstimate,
    ReadDocument, Sample, SavedVersion, SecretName, SecretView, SettingsView, Suggestion,
};

pub use file::SettingsFile;

/// What everybody else is told, in the guide's words.
const REFUSAL: &str = "You need permission for \"Manage Integration\" to access this part.";

/// The settings of a running back end. Clones share them.
#[derive(Clone, Debug)]
pub struct Management(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    installation: Option<Installation>,
    core: Arc<Core>,
    running: Arc<RwLock<Running>>,
    generation: Arc<tokio::sync::Mutex<Option<Generation>>>,
    view: watch::Sender<Arc<SettingsView>>,
    /// Secrets that were entered.
    entered: Mutex<secrets::Entered>,
    /// Ends the test that is under way.
    test: Mutex<Option<CancellationToken>>,
    /// Ends the rehearsal that is under way.
    rehearsal: Mutex<Option<CancellationToken>>,
    /// One change of the settings after the other.
    desk: tokio::sync::Mutex<()>,
}

/// What is saved.
#[derive(Clone, Debug, PartialEq)]
struct Saved {
    /// Its text; empty without a file.
    text: String,
    settings: Settings,
    managed: Option<Managed>,
    /// Why it cannot be read.
    problem: Option<Problem>,
}

impl Management {
    pub(crate) fn new(
        installation: Option<Installation>,
        core: Arc<Core>,
        running: Arc<RwLock<Running>>,
        generation: Arc<tokio::sync::Mutex<Option<Generation>>>,
    ) -> Management {
        Management(Arc::new(Inner {
            view: watch::Sender::new(Arc::new(nothing_yet())),
            installation,
            core,
            running,
            generation,
            entered: Mutex::default(),
            test: Mutex::default(),
            rehearsal: Mutex::default(),
            desk: tokio::sync::Mutex::default(),
        }))
    }

    /// What the window shows. For whoever may not manage the integration that is why.
    pub async fn view(&self) -> Arc<SettingsView> {
        self.look().await;
        self.0.view.borrow().clone()
    }

    /// The same with every change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<SettingsView>> {
        self.0.view.subscribe()
    }

    /// What the editors offer.
    ///
    /// # Errors
    /// `manage_integration_required`.
    pub async fn catalogue(&self) -> Result<Catalogue, Problem> {
        self.permitted().await?;
        catalogue::catalogue(self.samples().await)
    }

    /// The columns of a table, by its key in the document.
    ///
    /// # Errors
    /// `manage_integration_required`, `table_unknown`.
    pub async fn columns(&self, table: &str) -> Result<Vec<ColumnInfo>, Problem> {
        self.permitted().await?;
        let schema = self.0.core.schema.borrow().clone();
        catalogue::columns(schema.as_deref(), table)
    }

    /// Everything that is to be said of a draft. Nothing is asked of Dynamics.
    ///
    /// # Errors
    /// `manage_integration_required`, `sample_unknown`.
    pub async fn judge(&self, draft: Value, sample: Option<Sample>) -> Result<Judgement, Problem> {
        let saved = self.permitted().await?;
        let sample = match sample {
            Some(sample) => Some(self.sample(sample).await?),
            None => None,
        };
        let (columns, by_organization) = self.known_columns();
        Ok(judge::judge(
            &draft,
            &saved,
            &columns,
            by_organization,
            sample.as_ref(),
        ))
    }

    /// Which rule of a draft recognises a visitor, and why the others do not. Dynamics is asked.
    ///
    /// # Errors
    /// `manage_integration_required`, `sample_unknown`, or why Dynamics cannot be asked.
    pub async fn explain(&self, draft: Value, sample: Sample) -> Result<Explanation, Problem> {
        self.permitted().await?;
        let conversation = self.sample(sample).await?;
        let client = self.0.running.read().await.client.clone()?;
        let (columns, _) = self.known_columns();
        let asking = explain::Asking {
            client: &client,
            columns: &columns,
            clock: &*self.0.core.clock,
            drafted: &draft::read(&draft),
            conversation: &conversation,
        };
        Ok(asking.explanation().await)
    }

    /// Columns of a table that could be mapped.
    ///
    /// # Errors
    /// `manage_integration_required`, `table_unknown`.
    pub async fn suggest(&self, draft: Value, table: &str) -> Result<Vec<Suggestion>, Problem> {
        self.permitted().await?;
        let table = catalogue::table(table)?;
        let (columns, _) = self.known_columns();
        let fields = draft::read(&draft).settings.fields;
        Ok(suggest::suggest(table, &fields, &columns))
    }

    /// How much a draft would copy to this computer, table by table. The organization of the saved settings is asked.
    ///
    /// # Errors
    /// `manage_integration_required`, or why Dynamics cannot be asked.
    pub async fn estimate(&self, draft: Value) -> Result<Vec<OfflineEstimate>, Problem> {
        self.permitted().await?;
        let (client, cache) = {
            let running = self.0.running.read().await;
            (running.client.clone()?, running.data.cache.clone())
        };
        let synchroniser = Synchroniser::of_settings(
            &draft::read(&draft).settings,
            client,
            cache,
            Arc::clone(&self.0.core.clock),
            self.0.core.schema.borrow().clone(),
        );
        let estimates = synchroniser.estimate().await?;
        let shown = estimates.into_iter().filter_map(|estimate| {
            Some(OfflineEstimate {
                table: CopiedTable::of(estimate.table)?,
                rows: estimate.rows,
                copies: estimate.copies,
                or_more: estimate.or_more,
            })
        });
        Ok(shown.collect())
    }

    /// Which secrets a draft's connection needs, and where they are.
    ///
    /// # Errors
    /// `manage_integration_required`.
    pub async fn secrets(&self, draft: Value) -> Result<Vec<SecretView>, Problem> {
        self.permitted().await?;
        let settings = draft::read(&draft).settings;
        Ok(self.secret_views(&settings.connection).await)
    }

    /// Takes a secret: it is used for tests at once and kept when the settings are saved.
    ///
    /// # Errors
    /// `manage_integration_required`, `secret_empty`, `secret_not_entered`.
    pub async fn enter_secret(
        &self,
        draft: Value,
        name: SecretName,
        value: SecretString,
    ) -> Result<Vec<SecretView>, Problem> {
        self.permitted().await?;
        if name == SecretName::SignIn {
            return Err(Problem::new(
                "secret_not_entered",
                "A person's sign-in is not entered here.",
                "Save the settings and choose Sign in.",
            ));
        }
        if value.expose_secret().trim().is_empty() {
            return Err(Problem::new(
                "secret_empty",
                "The secret must not be empty.",
                "Paste its value.",
            ));
        }
        self.remember(name, value);
        self.secrets(draft).await
    }

    /// Forgets an entered secret, else the kept one.
    ///
    /// # Errors
    /// `manage_integration_required`, or the keyring's.
    pub async fn forget_secret(
        &self,
        draft: Value,
        name: SecretName,
    ) -> Result<Vec<SecretView>, Problem> {
        self.permitted().await?;
        let settings = draft::read(&draft).settings;
        self.forget(&settings.connection, name).await?;
        Ok(self.secret_views(&settings.connection).await)
    }

    /// Examines a draft's connection beside the running one; the view tells how it goes.
    ///
    /// # Errors
    /// `manage_integration_required`.
    pub async fn test_connection(&self, draft: Value) -> Result<(), Problem> {
        self.permitted().await?;
        self.start_test(draft::read(&draft).settings).await
    }

    /// Ends the test that is under way, if one is.
    ///
    /// # Errors
    /// `manage_integration_required`.
    pub async fn cancel_test(&self) -> Result<(), Problem> {
        self.permitted().await?;
        self.stop_test();
        Ok(())
    }

    /// Saves a draft and starts to work with it: all of it or nothing.
    ///
    /// # Errors
    /// `manage_integration_required`, `settings_changed_meanwhile`, `settings_locked`, `settings_invalid`,
    /// `settings_not_written`, `settings_not_here`, the keyring's, or why it cannot start; what was in force stays then.
    pub async fn save(&self, draft: Value, fingerprint: &str) -> Result<(), Problem> {
        self.permitted().await?;
        self.put_in_force(draft::read(&draft), fingerprint, save::Reason::Saved)
            .await
    }

    /// A draft as text; what is unchanged keeps its comments.
    ///
    /// # Errors
    /// `manage_integration_required`, `settings_invalid` where it cannot be read.
    pub async fn to_text(&self, draft: Value) -> Result<String, Problem> {
        let saved = self.permitted().await?;
        let drafted = draft::read(&draft);
        if let Some(fault) = drafted.faults.first() {
            return Err(Problem {
                code: "settings_invalid".to_owned(),
                ..fault.problem.clone()
            });
        }
        document::text(&saved, &drafted.settings)
    }

    /// Reads a document that is to be imported.
    ///
    /// # Errors
    /// `manage_integration_required`.
    pub async fn read_text(&self, text: &str) -> Result<ReadDocument, Problem> {
        let saved = self.permitted().await?;
        Ok(document::read(text, &saved))
    }

    /// The versions that were saved here, the newest first.
    ///
    /// # Errors
    /// `manage_integration_required`, or the store's.
    pub async fn history(&self) -> Result<Vec<SavedVersion>, Problem> {
        let saved = self.permitted().await?;
        self.versions(&saved).await
    }

    /// A version that was saved, as a draft.
    ///
    /// # Errors
    /// `manage_integration_required`, `version_unknown`, or the store's.
    pub async fn version(&self, id: i64) -> Result<ReadDocument, Problem> {
        let saved = self.permitted().await?;
        let text = self.version_text(id).await?;
        Ok(document::read(&text, &saved))
    }

    /// Runs a draft over past chats: those that are kept here, or the text of a file of them. The view tells how it goes;
    /// the answer is the number of the rehearsal.
    ///
    /// # Errors
    /// `manage_integration_required`, `no_chats`, `chats_unreadable`, `chats_too_large`, or why Dynamics cannot be asked.
    pub async fn rehearse(&self, draft: Value, chats: Option<String>) -> Result<u32, Problem> {
        let saved = self.permitted().await?;
        let draft = draft::read(&draft).settings;
        self.start_rehearsal(draft, saved.settings, chats).await
    }

    /// Ends the rehearsal that is under way, if one is.
    ///
    /// # Errors
    /// `manage_integration_required`.
    pub async fn cancel_rehearsal(&self) -> Result<(), Problem> {
        self.permitted().await?;
        self.stop_rehearsal();
        Ok(())
    }

    /// Disconnects from Dynamics: forgets secrets and what was read, and practises from now on.
    ///
    /// # Errors
    /// As for [`Management::save`].
    pub async fn disconnect(&self) -> Result<(), Problem> {
        self.disconnect_now().await
    }

    /// What is known of the columns, and whether the organization has said it.
    fn known_columns(&self) -> (Columns, bool) {
        let schema = self.0.core.schema.borrow().clone();
        match schema {
            Some(schema) => (schema::columns(&schema), true),
            None => (Columns::default(), false),
        }
    }
}

impl Management {
    /// Whether this person may manage the integration; the answer is what is saved.
    ///
    /// # Errors
    /// `manage_integration_required`.
    async fn permitted(&self) -> Result<Saved, Problem> {
        self.0.core.lock.check()?;
        let saved = self.look().await;
        match &self.0.view.borrow().refused {
            Some(refused) => Err(refused.clone()),
            None => Ok(saved),
        }
    }

    /// Looks at what is saved, and shows it.
    async fn look(&self) -> Saved {
        let saved = match &self.0.installation {
            Some(installation) => {
                let installation = installation.clone();
                let reading = tokio::task::spawn_blocking(move || Saved::read(&installation));
                reading.await.unwrap_or_else(|error| {
                    tracing::error!(%error, "the settings could not be read");
                    Saved::unreadable(crate::controller::stopping())
                })
            }
            None => Saved {
                text: String::new(),
                settings: (*self.0.running.read().await.settings).clone(),
                managed: None,
                problem: None,
            },
        };
        let user = self.0.installation.as_ref().map(|place| place.user.clone());
        let refused = saved
            .managed
            .as_ref()
            .filter(|managed| !managed.lets(user.as_deref().unwrap_or_default()))
            .map(|_| refusal());
        let file = self
            .0
            .installation
            .as_ref()
            .and_then(|place| place.settings.clone());
        let is_locked = self.0.core.lock.check().is_err();
        if is_locked {
            self.stop_rehearsal();
        }
        self.show(|view| {
            view.locked = is_locked;
            if is_locked {
                view.rehearsal = None;
            }
            view.refused = refused.clone();
            if refused.is_some() {
                *view = SettingsView {
                    revision: view.revision,
                    refused,
                    locked: is_locked,
                    ..nothing_yet()
                };
                return;
            }
            view.saved = saved.problem.is_none().then(|| saved.settings.clone());
            view.fingerprint = saved.fingerprint();
            view.problem = saved.problem.clone();
            view.file = file.map(|file| file.display().to_string());
            view.managed = saved.managed.as_ref().map(|managed| ManagedView {
                file: managed.file.display().to_string(),
                locked: managed.locked.clone(),
            });
        });
        saved
    }

    /// Changes what is shown, and tells it if it is something else.
    fn show(&self, change: impl FnOnce(&mut SettingsView)) {
        self.0.view.send_if_modified(|view| {
            let mut fresh = SettingsView::clone(view);
            change(&mut fresh);
            if fresh == **view {
                return false;
            }
            fresh.revision += 1;
            *view = Arc::new(fresh);
            true
        });
    }
}

impl Saved {
    fn read(installation: &Installation) -> Saved {
        let managed = match installation.managed.as_deref().map(Managed::read) {
            None => None,
            Some(Ok(managed)) => managed,
            Some(Err(problem)) => return Saved::unreadable(problem),
        };
        let text = match installation
            .settings
            .as_deref()
            .map(std::fs::read_to_string)
        {
            None => String::new(),
            Some(Ok(text)) => text,
            Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Some(Err(error)) => {
                let mut saved = Saved::unreadable(Problem::new(
                    "settings_unreadable",
                    format!("The settings file cannot be read: {}.", error.kind()),
                    "Check that you may read it.",
                ));
                saved.managed = managed;
                return saved;
            }
        };
        let read = match &managed {
            Some(managed) => Settings::under(&text, managed),
            None => Settings::parse(&text),
        };
        let (settings, problem) = match read {
            Ok(settings) => (settings, None),
            Err(problem) => (Settings::default(), Some(problem)),
        };
        Saved {
            text,
            settings,
            managed,
            problem,
        }
    }

    fn unreadable(problem: Problem) -> Saved {
        Saved {
            text: String::new(),
            settings: Settings::default(),
            managed: None,
            problem: Some(problem),
        }
    }

    /// Tells the document, with what is laid down over it, from all others.
    fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.text.as_bytes());
        digest.update(document::json(&self.settings).to_string().as_bytes());
        let digest = digest.finalize();
        digest
            .iter()
            .take(12)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

fn refusal() -> Problem {
    Problem::new(
        "manage_integration_required",
        REFUSAL,
        "Ask the administrator of this computer to name you among the managers in the managed settings.",
    )
}

fn nothing_yet() -> SettingsView {
    SettingsView {
        revision: 0,
        refused: None,
        locked: false,
        saved: None,
        fingerprint: String::new(),
        problem: None,
        file: None,
        managed: None,
        test: None,
        rehearsal: None,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
