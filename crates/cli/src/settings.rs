//! `companion settings …` and `companion disconnect`

use std::path::PathBuf;

use backend::view::{Change, Rehearsal, RehearsedChat, RehearsedOutcome, Remark};
use backend::{Backend, Problem, Settings, SettingsFile};
use clap::Subcommand;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Context;
use crate::output::line;
use crate::read;

/// What to do with the settings.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Says whether the settings are in order, and what in them will hardly do what is meant.
    Check,
    /// Prints the JSON Schema of the settings.
    Schema,
    /// Prints the settings document as it is saved, to be handed out.
    Export,
    /// Puts a document in the place of the saved one, if all of it is in order.
    Import {
        /// The document; `-` is standard input.
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
    },
    /// Runs settings over past chats without writing anything, and says what would differ from those in force.
    Rehearse {
        /// The bodies of webhooks or console events as JSON: a list, or one after the other; `-` is standard input.
        #[arg(long, value_name = "FILE|-")]
        chats: PathBuf,
        /// The settings to rehearse; those in force if left out.
        #[arg(long, value_name = "FILE")]
        draft: Option<PathBuf>,
    },
}

/// How to disconnect.
#[derive(clap::Args)]
pub(crate) struct DisconnectArguments {
    /// Really forget the secrets and what was read from Dynamics.
    #[arg(long, required = true)]
    yes: bool,
}

pub(crate) async fn run(context: &Context, action: Action) -> Result<(), Problem> {
    match action {
        Action::Check => check(context),
        Action::Schema => {
            let schema = Settings::schema();
            context.output.result(&schema, || format!("{schema:#}"))
        }
        Action::Export => {
            let text = SettingsFile::of(context.installation()).export()?;
            let answer = json!({ "text": text });
            context
                .output
                .result(&answer, || text.trim_end().to_owned())
        }
        Action::Import { file } => {
            let text = read::SETTINGS.text(&file)?;
            let changes = SettingsFile::of(context.installation())
                .import(&text)
                .await?;
            changed(context, &changes)
        }
        Action::Rehearse { chats, draft } => {
            let chats = read::CHATS.text(&chats)?;
            rehearse(context, chats, draft).await
        }
    }
}

fn check(context: &Context) -> Result<(), Problem> {
    let (_, file) = context.settings()?;
    let warnings = SettingsFile::of(context.installation()).warnings()?;
    let file = file.map(|file| file.display().to_string());
    let answer = json!({
        "ok": true,
        "file": file,
        "warnings": warnings.iter().map(warning).collect::<Vec<_>>(),
    });
    context.output.result(&answer, || {
        let first = match &file {
            Some(file) => format!("The settings are in order: {}", line(file)),
            None => "There is no settings file: the practice organization is used.".to_owned(),
        };
        let warnings = warnings.iter().map(|remark| {
            let place = remark.line.map_or_else(
                || remark.key.clone(),
                |line| format!("line {line}, {}", remark.key),
            );
            format!("warning ({place}): {}", line(&remark.problem.message))
        });
        std::iter::once(first)
            .chain(warnings)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

fn warning(remark: &Remark) -> Value {
    json!({
        "key": remark.key,
        "line": remark.line,
        "code": remark.problem.code,
        "message": remark.problem.message,
        "next_step": remark.problem.next_step,
        "other": remark.other,
    })
}

fn changed(context: &Context, changes: &[Change]) -> Result<(), Problem> {
    let listed: Vec<Value> = changes
        .iter()
        .map(|change| json!({ "key": change.key, "before": change.before, "after": change.after }))
        .collect();
    context
        .output
        .result(&json!({ "ok": true, "changes": listed }), || {
            if changes.is_empty() {
                return "Nothing has changed.".to_owned();
            }
            let lines = changes.iter().map(|change| {
                let text = |value: &Option<String>| value.as_deref().map_or("–".to_owned(), line);
                format!(
                    "{}: {} → {}",
                    change.key,
                    text(&change.before),
                    text(&change.after)
                )
            });
            let last = "A companion that runs works with it from its next start.".to_owned();
            lines.chain([last]).collect::<Vec<_>>().join("\n")
        })
}

/// The rehearsal in the words of the command line.
#[derive(Serialize)]
struct RehearsalAnswer {
    total: u32,
    done: u32,
    recognised: u32,
    written: u32,
    different: u32,
    chats: Vec<Value>,
    problems: Vec<Value>,
}

async fn rehearse(context: &Context, chats: String, draft: Option<PathBuf>) -> Result<(), Problem> {
    let draft = match draft {
        Some(file) => Settings::load(&file)?,
        None => context.settings()?.0,
    };
    let draft = serde_json::to_value(draft).map_err(|error| unprintable(&error))?;
    let mut options = context.options().await?;
    options.listens = false;
    options.installation = Some(context.installation());
    let (options, organization) = practice::prepare(options).await?;
    let backend = Backend::start(options).await?;
    let rehearsed = rehearsed(&backend, draft, chats).await;
    backend.stop().await;
    if let Some(organization) = organization {
        organization.stop().await;
    }
    let rehearsal = rehearsed?;
    let answer = RehearsalAnswer {
        total: rehearsal.total,
        done: rehearsal.done,
        recognised: rehearsal.recognised,
        written: rehearsal.written,
        different: rehearsal.different,
        chats: rehearsal
            .chats
            .iter()
            .map(|chat| snake(json!(chat)))
            .collect(),
        problems: rehearsal
            .problems
            .iter()
            .map(|problem| snake(json!(problem)))
            .collect(),
    };
    context.output.result(&answer, || report(&rehearsal))
}

async fn rehearsed(backend: &Backend, draft: Value, chats: String) -> Result<Rehearsal, Problem> {
    let handle = backend.handle();
    // What the tables look like decides what fits: it is waited for, unless Dynamics cannot be reached.
    let mut schema = handle.watch_schema();
    let mut views = handle.watch();
    tokio::select! {
        _ = schema.wait_for(Option::is_some) => {}
        _ = views.wait_for(|view| view.connection.problem.is_some()) => {}
    }
    let settings = handle.settings();
    let mut views = settings.watch();
    let run = settings.rehearse(draft, Some(chats)).await?;
    let done = views
        .wait_for(|view| {
            let rehearsal = view.rehearsal.as_ref();
            rehearsal.is_some_and(|rehearsal| rehearsal.run == run && !rehearsal.running)
        })
        .await;
    let rehearsal = done.ok().and_then(|view| view.rehearsal.clone());
    rehearsal.ok_or_else(|| {
        Problem::new(
            "companion_stopping",
            "The companion is being closed.",
            "Start it again.",
        )
    })
}

fn report(rehearsal: &Rehearsal) -> String {
    let mut lines = vec![format!(
        "{} of {} chats: somebody was recognised in {}, something would be written of {}, {} end otherwise than with the settings in force.",
        rehearsal.done,
        rehearsal.total,
        rehearsal.recognised,
        rehearsal.written,
        rehearsal.different
    )];
    for RehearsedChat {
        place,
        visitor,
        draft,
        differences,
        ..
    } in &rehearsal.chats
    {
        lines.push(format!("{place}. {}: {}", line(visitor), outcome(draft)));
        lines.extend(
            differences
                .iter()
                .map(|what| format!("     differs: {}", line(what))),
        );
    }
    let problems = rehearsal.problems.iter();
    lines.extend(problems.map(|problem| format!("problem: {}", line(&problem.message))));
    lines.join("\n")
}

fn outcome(outcome: &RehearsedOutcome) -> String {
    if let Some(problem) = &outcome.problem {
        return line(&problem.message);
    }
    let people = outcome.recognised.iter().map(|person| {
        format!(
            "{} {} by \"{}\"",
            person.table,
            line(&person.name),
            line(&person.rule)
        )
    });
    let writes = outcome.writes.iter().map(|write| {
        format!(
            "{} {} \"{}\"",
            write.how,
            write.table.to_lowercase(),
            line(&write.name)
        )
    });
    let mut parts: Vec<String> = people.chain(writes).collect();
    parts.extend(outcome.sentence.as_deref().map(line));
    if parts.is_empty() {
        "nobody is recognised".to_owned()
    } else {
        parts.join("; ")
    }
}

/// The keys of a view in the words of the command line: `inForce` is `in_force`.
fn snake(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(
            object
                .into_iter()
                .map(|(key, value)| {
                    let mut name = String::new();
                    for letter in key.chars() {
                        if letter.is_ascii_uppercase() {
                            name.push('_');
                        }
                        name.push(letter.to_ascii_lowercase());
                    }
                    (name, snake(value))
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(snake).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn unprintable(error: &serde_json::Error) -> Problem {
    Problem::new(
        "settings_wrong_value",
        format!("The settings have no form as JSON: {error}."),
        "Report this to the maker.",
    )
}

/// Forgets the secrets and what was read from Dynamics; rules, mappings and recording stay.
pub(crate) async fn disconnect(
    context: &Context,
    arguments: DisconnectArguments,
) -> Result<(), Problem> {
    debug_assert!(arguments.yes, "it is required");
    SettingsFile::of(context.installation())
        .disconnect()
        .await?;
    context.output.result(&json!({ "ok": true }), || {
        "Disconnected: the secrets and what was read from Dynamics are forgotten. The companion practises until it is connected again."
            .to_owned()
    })
}
