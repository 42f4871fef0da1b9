//! Puts a draft in force: all of it or nothing. The back end is started with it behind the same handle; if that does not
//! work, the former settings go on and the document stays as it was.

use std::io::Write;
use std::path::Path;

use super::{Management, document, judge};
use crate::connection;
use crate::files::Files;
use crate::generation::{Generation, Opened, Plan, Stopped};
use crate::installation::{Installation, Practised};
use crate::problem::Problem;
use crate::settings::draft::Drafted;
use crate::settings::{ConnectionKind, Settings};

/// Why a version of the document was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Saved,
    Disconnected,
}

impl Reason {
    fn word(self) -> &'static str {
        match self {
            Reason::Saved => "saved",
            Reason::Disconnected => "disconnected",
        }
    }
}

impl Management {
    /// Saves what can be read of a draft, if all of it can be, and starts with it.
    pub(super) async fn put_in_force(
        &self,
        drafted: Drafted,
        fingerprint: &str,
        reason: Reason,
    ) -> Result<(), Problem> {
        // One change after the other, and none of them in half because a page was closed.
        let management = self.clone();
        let fingerprint = fingerprint.to_owned();
        let saving = tokio::spawn(async move {
            let _one_at_a_time = management.0.desk.lock().await;
            management.save_alone(drafted, &fingerprint, reason).await
        });
        saving.await.unwrap_or_else(|error| {
            tracing::error!(%error, "saving the settings failed");
            Err(crate::controller::stopping())
        })
    }

    async fn save_alone(
        &self,
        drafted: Drafted,
        fingerprint: &str,
        reason: Reason,
    ) -> Result<(), Problem> {
        let saved = self.permitted().await?;
        if saved.fingerprint() != fingerprint {
            return Err(Problem::new(
                "settings_changed_meanwhile",
                "The settings were changed by somebody else while you edited them.",
                "Look at what is saved now, then make your change again.",
            ));
        }
        let problems = judge::problems(&drafted, saved.managed.as_ref(), &saved.settings);
        if let Some(first) = problems.first() {
            if first.problem.code == "settings_locked" {
                return Err(first.problem.clone());
            }
            let more = match problems.len() {
                1 => String::new(),
                many => format!(" (and {} more)", many - 1),
            };
            return Err(Problem::new(
                "settings_invalid",
                format!(
                    "The settings are not in order: {}{more}",
                    first.problem.message
                ),
                first.problem.next_step.clone(),
            ));
        }
        let installation = self.0.installation.clone().ok_or_else(not_here)?;
        let settings = drafted.settings;
        let text = document::text(&saved, &settings)?;
        let plan = self.plan(&settings).await?;
        let changes = document::changes(&saved.settings, &settings).len();
        let kept = self.keep_entered(&settings.connection).await?;
        let switched = self
            .switch(plan, &installation, || write(&installation, &text))
            .await;
        if let Err(problem) = switched {
            self.put_back(kept).await;
            return Err(problem);
        }
        self.entered_is_kept();
        self.note_version(&saved, &text, reason.word(), changes)
            .await;
        self.look().await;
        Ok(())
    }

    /// What the back end is started with; whether it can be is known as far as it can be known before.
    async fn plan(&self, settings: &Settings) -> Result<Plan, Problem> {
        let mut settings = settings.clone();
        let former = {
            let generation = self.0.generation.lock().await;
            generation
                .as_ref()
                .and_then(|running| running.plan.practised.clone())
        };
        let (secrets, practised) = if settings.connection.kind == ConnectionKind::Practice {
            let practised = self.practised().await?;
            settings.connection = practised.connection.clone();
            (practised.secrets.clone(), Some(practised))
        } else {
            (self.secrets_for(&settings.connection).await?, former)
        };
        connection::client(&settings.connection, &secrets, self.0.core.clock.now())?;
        Ok(Plan {
            settings,
            secrets,
            settings_problem: None,
            practised,
        })
    }

    /// The practice organization, started if none runs yet.
    pub(super) async fn practised(&self) -> Result<Practised, Problem> {
        let running = {
            let generation = self.0.generation.lock().await;
            generation
                .as_ref()
                .and_then(|running| running.plan.practised.clone())
        };
        if let Some(practised) = running {
            return Ok(practised);
        }
        let practice = self
            .0
            .installation
            .as_ref()
            .and_then(|installation| installation.practice.clone());
        match practice {
            Some(practice) => practice.start().await,
            None => Err(Problem::new(
                "practice_not_started",
                "The practice organization is not part of this program.",
                "Start the companion's window, or connect to Dynamics.",
            )),
        }
    }

    /// Stops what runs, starts with the plan and writes the document; or goes on as before.
    async fn switch(
        &self,
        plan: Plan,
        installation: &Installation,
        write: impl FnOnce() -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let core = &self.0.core;
        let mut held = self.0.generation.lock().await;
        let Some(former) = held.take() else {
            return Err(crate::controller::stopping());
        };
        // Whoever asks something meanwhile waits for what runs then.
        let mut running = self.0.running.write().await;
        let could_listen = former.bridge_problem.is_none();
        let Stopped {
            plan: former_plan,
            opened: former_opened,
            carried,
        } = former.stop().await;
        let (opened, kept) =
            match next_files(core, installation, &former_plan, &plan, former_opened).await {
                Ok(opened) => opened,
                Err(failed) => {
                    let (problem, former_opened) = *failed;
                    let again = Generation::start(core, former_plan, former_opened, carried).await;
                    *running = again.running();
                    *held = Some(again);
                    return Err(problem);
                }
            };
        let started = Generation::start(core, plan, opened, carried).await;
        let refused = match &started.bridge_problem {
            Some(problem) if could_listen => Err(problem.clone()),
            Some(_) | None => write(),
        };
        let Err(problem) = refused else {
            if let Some(former_opened) = kept {
                former_opened.close().await;
            }
            *running = started.running();
            *held = Some(started);
            return Ok(());
        };
        let Stopped {
            opened, carried, ..
        } = started.stop().await;
        let former_opened = match kept {
            Some(former_opened) => {
                opened.close().await;
                former_opened
            }
            None => opened,
        };
        let again = Generation::start(core, former_plan, former_opened, carried).await;
        *running = again.running();
        *held = Some(again);
        Err(problem)
    }

    /// Forgets secrets and what was read with them, and practises from now on.
    pub(super) async fn disconnect_now(&self) -> Result<(), Problem> {
        let saved = self.permitted().await?;
        let mut settings = saved.settings.clone();
        let former = settings.connection.clone();
        settings.connection = crate::settings::ConnectionSettings::default();
        let drafted = crate::settings::draft::read(&document::json(&settings));
        self.put_in_force(drafted, &saved.fingerprint(), Reason::Disconnected)
            .await?;
        self.forget_all(&former).await?;
        let Some(installation) = &self.0.installation else {
            return Ok(());
        };
        // Practice has files of its own, so that nobody has these open any more.
        let (cache, _) = installation.files().await?.cache().await?;
        crate::controller::wipe(&cache).await;
        cache.close().await;
        Ok(())
    }
}

/// The files of the next generation, and those of the former one if they are others: practice has its own, in memory;
/// everything else shares one folder.
async fn next_files(
    core: &crate::generation::Core,
    installation: &Installation,
    former: &Plan,
    next: &Plan,
    opened: Opened,
) -> Result<(Opened, Option<Opened>), Box<(Problem, Opened)>> {
    if practises(former) == practises(next) {
        // What one connection may see need not be for another.
        if former.settings.connection != next.settings.connection {
            crate::controller::wipe(&opened.cache).await;
        }
        return Ok((opened, None));
    }
    let files = if practises(next) {
        Ok(Files::Memory)
    } else {
        installation.files().await
    };
    let opening = match files {
        Ok(files) => Opened::open(files, core.listens, &core.clock).await,
        Err(problem) => Err(problem),
    };
    match opening {
        Ok(next) => match next.refused.clone() {
            Some(problem) => {
                next.close().await;
                Err(Box::new((problem, opened)))
            }
            None => Ok((next, Some(opened))),
        },
        Err(problem) => Err(Box::new((problem, opened))),
    }
}

fn practises(plan: &Plan) -> bool {
    plan.practised
        .as_ref()
        .is_some_and(|practised| practised.connection == plan.settings.connection)
}

fn not_here() -> Problem {
    Problem::new(
        "settings_not_here",
        "This companion was started without a place for settings: they cannot be changed here.",
        "Change them where the companion runs for good.",
    )
}

/// Writes the document in one step: another file that takes its place when it is on the disk.
pub(super) fn write(installation: &Installation, text: &str) -> Result<(), Problem> {
    let file = installation.settings.as_deref().ok_or_else(not_here)?;
    replace(file, text).map_err(|error| {
        Problem::new(
            "settings_not_written",
            format!("The settings file cannot be written: {}.", error.kind()),
            format!(
                "Check that there is space left and that you may write {}. Nothing was changed.",
                file.display()
            ),
        )
    })
}

fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Through a link, so that it stays one.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().unwrap_or(folder);
    let mut fresh = tempfile::Builder::new()
        .prefix(".settings-")
        .suffix(".toml")
        .tempfile_in(folder)?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    if let Ok(former) = std::fs::metadata(&file) {
        fresh.as_file().set_permissions(former.permissions())?;
    }
    fresh.persist(&file).map_err(|error| error.error)?;
    Ok(())
}
