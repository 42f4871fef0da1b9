//! The versions of the settings document that were saved on this computer.

use jiff::Timestamp;
use sqlx::Row;

use crate::{Error, Store};

/// A version to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSettingsVersion {
    /// When it was saved (UTC).
    pub saved_at: Timestamp,
    /// Who saved it.
    pub saved_by: String,
    /// Why.
    pub reason: String,
    /// How many values it changed.
    pub changes: u32,
    /// The document.
    pub text: String,
}

/// A version that is kept, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsVersion {
    /// Rises with every version.
    pub number: i64,
    /// When it was saved (UTC).
    pub saved_at: Timestamp,
    /// Who saved it.
    pub saved_by: String,
    /// Why.
    pub reason: String,
    /// How many values it changed.
    pub changes: u32,
}

impl Store {
    /// Keeps a version of the settings.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Full`].
    pub async fn add_settings_version(&self, version: &NewSettingsVersion) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO settings_version (saved_at, saved_by, reason, changes, text) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(version.saved_at.as_millisecond())
        .bind(&version.saved_by)
        .bind(&version.reason)
        .bind(version.changes)
        .bind(&version.text)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The versions that are kept, the newest first; at most `limit`.
    ///
    /// # Errors
    /// [`Error::Sql`] or [`Error::Stored`].
    pub async fn settings_versions(&self, limit: u32) -> Result<Vec<SettingsVersion>, Error> {
        let rows = sqlx::query(
            "SELECT number, saved_at, saved_by, reason, changes FROM settings_version ORDER BY number DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(SettingsVersion {
                    number: row.try_get("number")?,
                    saved_at: crate::outbox::moment(row.try_get("saved_at")?)?,
                    saved_by: row.try_get("saved_by")?,
                    reason: row.try_get("reason")?,
                    changes: row.try_get("changes")?,
                })
            })
            .collect()
    }

    /// The text of a version, if it is kept.
    ///
    /// # Errors
    /// [`Error::Sql`].
    pub async fn settings_version(&self, number: i64) -> Result<Option<String>, Error> {
        let text = sqlx::query_scalar("SELECT text FROM settings_version WHERE number = ?")
            .bind(number)
            .fetch_optional(&self.pool)
            .await?;
        Ok(text)
    }
}
