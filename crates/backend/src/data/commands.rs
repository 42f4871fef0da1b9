//! What a person asks of a running back end about the data on this computer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::SecretString;
use tokio::sync::Mutex;

use super::whom::Whom;
use crate::controller::Command;
use crate::handle::Handle;
use crate::problem::Problem;
use crate::view::{LocalDataView, Receipt, Recovered, Traces, WipeOptions, Wiped};

/// Whether the companion is locked. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lock(Arc<Turn>);

#[derive(Debug, Default)]
struct Turn {
    is_locked: AtomicBool,
    /// Locking, unlocking and whatever changes many things at once come one after the other.
    turn: Mutex<()>,
}

impl Lock {
    /// # Errors
    /// `locked`.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.0.is_locked.load(Ordering::SeqCst) {
            return Err(Problem::from_store(&store::Error::Locked));
        }
        Ok(())
    }

    fn set(&self, is_locked: bool) {
        self.0.is_locked.store(is_locked, Ordering::SeqCst);
    }
}

impl Handle {
    /// Locks the companion for a desk that is left: nothing personal is shown or answered any more, and the cache is closed
    /// and its key let go. Chats that end meanwhile are still taken over and written down.
    ///
    /// # Errors
    /// `companion_stopping`.
    pub async fn lock(&self) -> Result<(), Problem> {
        let _turn = self.lock.0.turn.lock().await;
        self.lock.set(true);
        self.ask(|answer| Command::Lock { answer }).await?;
        self.running().await.data.cache.close().await;
        self.settings().view().await;
        Ok(())
    }

    /// Unlocks it: the key of the cache is read from the keyring again.
    ///
    /// # Errors
    /// `keyring_locked`, `keyring_unavailable`, `keyring_failed`, `companion_stopping`; then it stays locked.
    pub async fn unlock(&self) -> Result<(), Problem> {
        let _turn = self.lock.0.turn.lock().await;
        if self.lock.check().is_ok() {
            return Ok(());
        }
        {
            let data = self.running().await.data;
            data.files.reopen(&data.cache).await?;
        };
        self.lock.set(false);
        self.settings().view().await;
        self.ask(|answer| Command::Unlock { answer }).await
    }

    /// What is kept on this computer.
    ///
    /// # Errors
    /// `locked`, and the files'.
    pub async fn local_data(&self) -> Result<LocalDataView, Problem> {
        self.unlocked()?;
        self.running().await.data.inventory().await
    }

    /// What would be erased of a person who has this e-mail address or telephone number.
    ///
    /// # Errors
    /// `locked`, what is wrong with address or number, and the files'.
    pub async fn traces(
        &self,
        email: Option<&str>,
        phone: Option<&str>,
    ) -> Result<Traces, Problem> {
        self.unlocked()?;
        let whom = Whom::of(email, phone, self.running().await.data.country.as_deref())?;
        self.running().await.data.traces(&whom).await
    }

    /// Erases a person from this computer, and gives the receipt.
    ///
    /// # Errors
    /// As for [`Handle::traces`]; `forget_unsent`, `forget_sending`.
    pub async fn forget(
        &self,
        email: Option<&str>,
        phone: Option<&str>,
        discard_unsent: bool,
    ) -> Result<Receipt, Problem> {
        self.unlocked()?;
        let whom = Whom::of(email, phone, self.running().await.data.country.as_deref())?;
        let _turn = self.lock.0.turn.lock().await;
        let data = self.running().await.data;
        // Nothing of them may be shown or be on its way into a file; but only if they are going to be erased.
        if discard_unsent || data.traces(&whom).await?.unsent.is_empty() {
            let whom = Some(Box::new(whom.clone()));
            self.ask(|answer| Command::Forget { whom, answer }).await?;
        }
        let receipt = self
            .running()
            .await
            .recorder
            .forget(&data, &whom, discard_unsent)
            .await?;
        let whom = Some(Box::new(whom));
        self.ask(|answer| Command::Forget { whom, answer }).await?;
        self.running().await.synchroniser.look_again().await;
        Ok(receipt)
    }

    /// Removes what is kept on this computer.
    ///
    /// # Errors
    /// `locked`, `unsent_waits`, and the files'.
    pub async fn wipe(&self, options: WipeOptions) -> Result<Wiped, Problem> {
        self.unlocked()?;
        let _turn = self.lock.0.turn.lock().await;
        let whom = None;
        self.ask(|answer| Command::Forget { whom, answer }).await?;
        let wiped = self.running().await.data.wipe(options).await?;
        self.running().await.recorder.resume().await;
        self.running().await.desk.reread().await?;
        self.running().await.synchroniser.look_again().await;
        Ok(wiped)
    }

    /// Writes a recovery file with this name, or else one in the person's documents; says where.
    ///
    /// # Errors
    /// `locked`, `recovery_passphrase_short`, `recovery_no_key`, `recovery_file_exists`, `recovery_file_unwritable`.
    pub async fn make_recovery(
        &self,
        file: Option<&Path>,
        passphrase: SecretString,
    ) -> Result<PathBuf, Problem> {
        self.unlocked()?;
        let file = match file {
            Some(file) => file.to_owned(),
            None => self.running().await.data.recovery_file()?,
        };
        self.running()
            .await
            .data
            .make_recovery_file(&file, passphrase)
            .await?;
        Ok(file)
    }

    /// Takes over what stands in stores whose key was lost, with the text of a recovery file.
    ///
    /// # Errors
    /// `locked`, `recovery_nothing_lost`, `recovery_file_unknown`, `recovery_file_damaged`, `recovery_passphrase_wrong`,
    /// `recovery_other_store`, and the store's.
    pub async fn use_recovery(
        &self,
        text: String,
        passphrase: SecretString,
    ) -> Result<Recovered, Problem> {
        self.unlocked()?;
        let recovered = self
            .running()
            .await
            .data
            .use_recovery(text, passphrase)
            .await?;
        self.running().await.recorder.resume().await;
        self.running().await.desk.reread().await?;
        self.ask(|answer| Command::Recovered { answer }).await?;
        Ok(recovered)
    }

    /// # Errors
    /// `locked`.
    pub(crate) fn unlocked(&self) -> Result<(), Problem> {
        self.lock.check()
    }
}
