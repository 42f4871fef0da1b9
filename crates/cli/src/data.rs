//! `companion forget`, `companion wipe`, `companion recovery …`: the data on this computer.

use std::io::Read;
use std::path::PathBuf;

use backend::Problem;
use backend::data::{LocalData, Whom, organization};
use backend::view::{Receipt, Recovered, Traces, UnsentView, WipeOptions, Wiped};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::output::line;
use crate::{Context, secrets};

/// The longest file that is read as a recovery file, in bytes.
const LONGEST_FILE: u64 = 1024 * 1024;

/// Whom to forget.
#[derive(clap::Args)]
#[group(id = "whom", required = true, multiple = false)]
pub(crate) struct WhomArguments {
    /// The person's e-mail address.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The person's telephone number, in any spelling.
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
}

/// How to forget somebody.
#[derive(clap::Args)]
pub(crate) struct ForgetArguments {
    #[command(flatten)]
    whom: WhomArguments,
    /// Also discard what is not yet sent to Dynamics about them.
    #[arg(long)]
    discard_unsent: bool,
    /// Only say what would be erased.
    #[arg(long)]
    dry_run: bool,
}

/// What to remove.
#[derive(clap::Args)]
pub(crate) struct WipeArguments {
    /// Really remove it.
    #[arg(long)]
    yes: bool,
    /// The store too: outbox, activity, paired consoles, links.
    #[arg(long)]
    store: bool,
    /// Also files of the store that were set aside: damaged ones, those whose key is lost, copies from before an update.
    #[arg(long)]
    set_aside: bool,
    /// With --store: also what is not yet sent to Dynamics.
    #[arg(long, requires = "store")]
    discard_unsent: bool,
}

/// What to do with the recovery file. The passphrase is read from standard input and not shown.
#[derive(Subcommand)]
pub(crate) enum RecoveryAction {
    /// Wraps the key of the companion's files under a passphrase of your own, for the day when the keyring has lost it.
    Make {
        /// A new file.
        file: PathBuf,
    },
    /// Takes over what was set aside when the key was lost.
    Use {
        /// The recovery file.
        file: PathBuf,
    },
}

pub(crate) async fn forget(context: &Context, arguments: ForgetArguments) -> Result<(), Problem> {
    let (settings, _) = context.settings()?;
    let country = settings.identification.default_country.clone();
    let WhomArguments { email, phone } = &arguments.whom;
    let whom = Whom::of(email.as_deref(), phone.as_deref(), country.as_deref())?;
    let organization = organization(&settings.connection);
    let data = LocalData::open(context.files().await?, organization, country).await?;
    if arguments.dry_run {
        let traces = data.traces(&whom).await?;
        let answer = json!({ "would_erase": erased(&traces, &traces.unsent) });
        return context.output.result(&answer, || would_erase(&traces));
    }
    let receipt = data.forget(&whom, arguments.discard_unsent).await?;
    context
        .output
        .result(&receipt_answer(&receipt), || receipt.text.clone())
}

pub(crate) async fn wipe(context: &Context, arguments: WipeArguments) -> Result<(), Problem> {
    let data = LocalData::open(context.files().await?, String::new(), None).await?;
    if !arguments.yes {
        return Err(unconfirmed(arguments.store));
    }
    let options = WipeOptions {
        store: arguments.store,
        set_aside: arguments.set_aside,
        discard_unsent: arguments.discard_unsent,
    };
    let wiped = data.wipe(options).await?;
    let Wiped {
        copies,
        entries,
        discarded,
        lines,
        consoles,
        log_files,
        removed,
    } = &wiped;
    let answer = json!({ "removed": {
        "copies": copies, "entries": entries, "discarded": discarded, "lines": lines, "consoles": consoles,
        "log_files": log_files, "files": removed,
    } });
    context.output.result(&answer, || {
        let mut text = format!("Removed: {copies} copies of records, {log_files} log files");
        if arguments.store {
            text += &format!(", {entries} entries of the outbox ({discarded} of them not sent), {lines} lines of the activity, {consoles} paired consoles");
        }
        for file in removed {
            text += &format!("\nRemoved: {}", line(file));
        }
        text
    })
}

pub(crate) async fn recovery(context: &Context, action: RecoveryAction) -> Result<(), Problem> {
    let data = LocalData::open(context.files().await?, String::new(), None).await?;
    match action {
        RecoveryAction::Make { file } => {
            let passphrase = secrets::new_passphrase()?;
            data.make_recovery_file(&file, passphrase).await?;
            context.output.result(&json!({ "made": file }), || {
                format!(
                    "{} is made. Keep it, and the passphrase apart from it.",
                    line(&file.display().to_string())
                )
            })
        }
        RecoveryAction::Use { file } => {
            let text = read(&file)?;
            let passphrase = secrets::passphrase()?;
            let recovered = data.use_recovery(text, passphrase).await?;
            let Recovered {
                files,
                left,
                entries,
                unsent,
                lines,
                consoles,
                others,
                is_whole,
            } = &recovered;
            let answer = json!({ "recovered": {
                "entries": entries, "unsent": unsent, "lines": lines, "consoles": consoles, "others": others,
                "is_whole": is_whole, "files": files, "left": left,
            } });
            context.output.result(&answer, || {
                let mut text = format!(
                    "Recovered: {entries} entries of the outbox ({unsent} of them not sent), {lines} lines of the activity, {consoles} paired consoles, {others} others.",
                );
                if !is_whole {
                    text += "\nSome of it could not be read; the file is kept.";
                }
                for file in left {
                    text += &format!("\nNot with this key: {}", line(file));
                }
                text
            })
        }
    }
}

fn unconfirmed(store: bool) -> Problem {
    let what = if store {
        "The cache, the logs, and the store with outbox, activity and paired consoles"
    } else {
        "The cache and the logs"
    };
    Problem::new(
        "wipe_unconfirmed",
        format!("{what} would be removed. Nothing was removed."),
        "Say --yes to remove them.",
    )
}

fn read(file: &std::path::Path) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|file| file.take(LONGEST_FILE).read_to_end(&mut bytes))
        .map_err(|error| {
            Problem::new(
                "recovery_file_unreadable",
                format!("The recovery file cannot be read: {}.", error.kind()),
                "Check the file's name.",
            )
        })?;
    // What is no text is no recovery file: that is said where it is looked into.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What was erased, as scripts read it. Which entries are not sent is told before, not on a receipt.
fn erased(traces: &Traces, unsent: &[UnsentView]) -> Value {
    let Traces {
        copies,
        answers,
        entries,
        unsent: _,
        lines,
        links,
        log_lines,
        removed,
        unreadable,
    } = traces;
    let mut value = json!({
        "copies": copies, "answers": answers, "entries": entries, "lines": lines, "links": links,
        "log_lines": log_lines, "files": removed, "unreadable": unreadable,
    });
    if !unsent.is_empty() {
        let unsent: Vec<Value> = unsent
            .iter()
            .map(|entry| json!({ "id": entry.id, "state": entry.state, "since": entry.since }))
            .collect();
        value["unsent"] = Value::Array(unsent);
    }
    value
}

fn receipt_answer(receipt: &Receipt) -> Value {
    let Receipt {
        at,
        told_by,
        erased: traces,
        discarded,
        salt,
        digest,
        notes,
        text: _,
    } = receipt;
    json!({ "receipt": {
        "at": at, "told_by": told_by, "erased": erased(traces, &[]), "discarded": discarded, "salt": salt,
        "digest": digest, "notes": notes,
    } })
}

fn would_erase(traces: &Traces) -> String {
    let mut lines = vec![format!(
        "Would be erased: {} copies of records, {} cached answers, {} entries of the outbox, {} lines of the activity, {} links, {} log lines",
        traces.copies, traces.answers, traces.entries, traces.lines, traces.links, traces.log_lines
    )];
    for entry in &traces.unsent {
        lines.push(format!(
            "Not sent yet: {} ({}, since {})",
            entry.id, entry.state, entry.since
        ));
    }
    for file in &traces.removed {
        lines.push(format!("Would be removed: {}", line(file)));
    }
    for file in &traces.unreadable {
        lines.push(format!("Cannot be opened and would stay: {}", line(file)));
    }
    lines.join("\n")
}
