//! The secrets of a draft's connection: entered, kept, forgotten, and never told.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::{Management, locked};
use crate::installation::Installation;
use crate::keyring;
use crate::problem::Problem;
use crate::secrets::{self, Kept, Secrets, from_environment};
use crate::settings::{ConnectionKind, ConnectionSettings, SignInKind};
use crate::view::{SecretName, SecretState, SecretView};

/// The days before a secret expires from which on that is said.
const SOON: i32 = 30;

/// Secrets that were entered and are not kept yet, and those that no keyring keeps.
#[derive(Debug, Default)]
pub(super) struct Entered {
    /// Until the settings are saved.
    pending: BTreeMap<SecretName, SecretString>,
    /// By the entry that the keyring would have, until the companion is closed.
    session: BTreeMap<String, SecretString>,
}

/// An entry of the keyring, and what it had before.
type Former = (String, Option<SecretString>);

/// The secrets that a connection needs; whether it works without.
pub(super) fn needed(settings: &ConnectionSettings) -> Vec<(SecretName, bool)> {
    match (settings.kind, settings.sign_in) {
        (ConnectionKind::Practice, _) => Vec::new(),
        (ConnectionKind::Cloud, SignInKind::Secret) => vec![(SecretName::ClientSecret, true)],
        (ConnectionKind::Cloud, SignInKind::Yourself | SignInKind::Device) => {
            vec![(SecretName::SignIn, false)]
        }
        (ConnectionKind::OnPremises, _) => vec![
            (SecretName::Password, true),
            (SecretName::ClientSecret, false),
        ],
    }
}

fn kept(name: SecretName) -> Kept {
    match name {
        SecretName::ClientSecret => Kept::ClientSecret,
        SecretName::Password => Kept::Password,
        SecretName::SignIn => Kept::RefreshToken,
    }
}

fn variable(name: SecretName) -> Option<&'static str> {
    match name {
        SecretName::ClientSecret => Some(secrets::CLIENT_SECRET),
        SecretName::Password => Some(secrets::PASSWORD),
        SecretName::SignIn => None,
    }
}

impl Management {
    /// Where the secrets of a connection are.
    pub(super) async fn secret_views(&self, settings: &ConnectionSettings) -> Vec<SecretView> {
        let today = TimeZone::UTC.to_datetime(self.0.core.clock.now()).date();
        let mut views = Vec::new();
        for (name, _) in needed(settings) {
            let (state, problem) = self.secret_state(settings, name).await;
            let expires_on = settings
                .secret_expires_on
                .filter(|_| name == SecretName::ClientSecret);
            let days_left = expires_on.map(|day| days_between(today, day));
            views.push(SecretView {
                name,
                state,
                expires_on,
                days_left,
                problem: problem.or_else(|| days_left.and_then(expiry)),
            });
        }
        views
    }

    async fn secret_state(
        &self,
        settings: &ConnectionSettings,
        name: SecretName,
    ) -> (SecretState, Option<Problem>) {
        let Some(installation) = &self.0.installation else {
            return (SecretState::NotSet, None);
        };
        match given(installation, name) {
            Ok(true) => return (SecretState::Environment, None),
            Ok(false) => {}
            Err(problem) => return (SecretState::NotSet, Some(problem)),
        }
        let entry = kept(name).entry(settings).ok();
        {
            let entered = locked(&self.0.entered);
            if entered.pending.contains_key(&name) {
                return (SecretState::Entered, None);
            }
            let in_session = |entry: &String| entered.session.contains_key(entry);
            if entry.as_ref().is_some_and(in_session) {
                return (SecretState::Session, None);
            }
        }
        let Some(entry) = entry else {
            return (SecretState::NotSet, None);
        };
        match installation.keyring.read(&entry).await {
            Ok(Some(_)) => (SecretState::Set, None),
            Ok(None) => (SecretState::NotSet, None),
            Err(problem) if problem.code == keyring::UNAVAILABLE => {
                (SecretState::NotSet, Some(problem))
            }
            Err(problem) => (SecretState::Unknown, Some(problem)),
        }
    }

    /// Remembers what was entered until the settings are saved; nothing forgets it.
    pub(super) fn remember(&self, name: SecretName, value: SecretString) {
        locked(&self.0.entered).pending.insert(name, value);
    }

    /// Forgets what was entered, else what is kept.
    pub(super) async fn forget(
        &self,
        settings: &ConnectionSettings,
        name: SecretName,
    ) -> Result<(), Problem> {
        if locked(&self.0.entered).pending.remove(&name).is_some() {
            return Ok(());
        }
        let Ok(entry) = kept(name).entry(settings) else {
            return Ok(());
        };
        locked(&self.0.entered).session.remove(&entry);
        if let Some(installation) = &self.0.installation {
            installation.keyring.remove(&entry).await?;
        }
        Ok(())
    }

    /// What a connection is tried or started with: what was entered, else what is kept.
    pub(super) async fn secrets_for(
        &self,
        settings: &ConnectionSettings,
    ) -> Result<Secrets, Problem> {
        let mut secrets = match &self.0.installation {
            Some(installation) => installation.secrets(settings).await?,
            None => Secrets::default(),
        };
        for (name, _) in needed(settings) {
            let is_given = match &self.0.installation {
                Some(installation) => given(installation, name)?,
                None => false,
            };
            if is_given {
                continue;
            }
            let entered = locked(&self.0.entered);
            let entry = kept(name).entry(settings).ok();
            let in_session = || entry.and_then(|entry| entered.session.get(&entry));
            let Some(value) = entered.pending.get(&name).or_else(in_session).cloned() else {
                continue;
            };
            match name {
                SecretName::ClientSecret => secrets.client_secret = Some(value),
                SecretName::Password => secrets.password = Some(value),
                SecretName::SignIn => {}
            }
        }
        Ok(secrets)
    }

    /// Puts what was entered into the keyring; where there is none, it lasts until the companion is closed. What a keyring
    /// that is there does not take keeps the settings from being saved. The answer is what was there before.
    pub(super) async fn keep_entered(
        &self,
        settings: &ConnectionSettings,
    ) -> Result<Vec<Former>, Problem> {
        let pending = locked(&self.0.entered).pending.clone();
        let mut former = Vec::new();
        for (name, _) in needed(settings) {
            let (Some(value), Some(installation)) =
                (pending.get(&name).cloned(), &self.0.installation)
            else {
                continue;
            };
            let entry = kept(name).entry(settings)?;
            let keyring = &installation.keyring;
            let kept = match keyring.read(&entry).await {
                Ok(before) => keyring
                    .keep(&entry, value.clone())
                    .await
                    .map(|()| former.push((entry.clone(), before))),
                Err(problem) => Err(problem),
            };
            match kept {
                Ok(()) => {
                    locked(&self.0.entered).session.remove(&entry);
                }
                Err(problem) if problem.code == keyring::UNAVAILABLE => {
                    locked(&self.0.entered).session.insert(entry, value);
                }
                Err(problem) => {
                    self.put_back(former).await;
                    return Err(problem);
                }
            }
        }
        Ok(former)
    }

    /// Puts back what the keyring had before.
    pub(super) async fn put_back(&self, former: Vec<Former>) {
        let Some(installation) = &self.0.installation else {
            return;
        };
        for (entry, before) in former {
            let done = match before {
                Some(before) => installation.keyring.keep(&entry, before).await,
                None => installation.keyring.remove(&entry).await.map(drop),
            };
            if let Err(problem) = done {
                tracing::warn!(
                    error.code = problem.code,
                    "the former secret could not be put back"
                );
            }
        }
    }

    /// What was entered needs no longer be remembered here.
    pub(super) fn entered_is_kept(&self) {
        locked(&self.0.entered).pending.clear();
    }

    /// Forgets every secret of a connection.
    pub(super) async fn forget_all(&self, settings: &ConnectionSettings) -> Result<(), Problem> {
        locked(&self.0.entered).pending.clear();
        for (name, _) in needed(settings) {
            match self.forget(settings, name).await {
                // Where nothing can be kept nothing is left behind.
                Err(problem) if problem.code == keyring::UNAVAILABLE => {}
                done => done?,
            }
        }
        Ok(())
    }
}

/// Whether the environment gives this secret.
fn given(installation: &Installation, name: SecretName) -> Result<bool, Problem> {
    let Some(name) = variable(name) else {
        return Ok(false);
    };
    from_environment(name, &|name: &str| installation.variable(name)).map(|found| found.is_some())
}

fn days_between(today: Date, day: Date) -> i32 {
    (day - today).get_days()
}

/// What is said of a secret that expires.
fn expiry(days: i32) -> Option<Problem> {
    let next_step = "An administrator of Microsoft Entra ID makes a new client secret (guide, step 1a); enter its value and its last day here.";
    let (code, message) = match days {
        ..0 => (
            "secret_expired",
            "The application secret has expired.".to_owned(),
        ),
        0 => (
            "secret_expires_soon",
            "The application secret is good until the end of today.".to_owned(),
        ),
        1 => (
            "secret_expires_soon",
            "The application secret expires tomorrow.".to_owned(),
        ),
        2..=SOON => (
            "secret_expires_soon",
            format!("The application secret expires in {days} days."),
        ),
        _ => return None,
    };
    Some(Problem::new(code, message, next_step))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn expiry_is_counted_in_days() {
        let today = date(2026, 11, 30);
        for (day, days, code) in [
            (date(2026, 11, 29), -1, Some("secret_expired")),
            (today, 0, Some("secret_expires_soon")),
            (date(2026, 12, 1), 1, Some("secret_expires_soon")),
            (date(2026, 12, 30), 30, Some("secret_expires_soon")),
            (date(2026, 12, 31), 31, None),
            (date(2028, 11, 30), 731, None),
        ] {
            assert_eq!(days_between(today, day), days);
            assert_eq!(expiry(days).map(|problem| problem.code).as_deref(), code);
        }
    }
}
