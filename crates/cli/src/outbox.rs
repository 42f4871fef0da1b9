//! `companion outbox`, `companion activity`

use std::collections::{BTreeMap, BTreeSet};

use backend::view::{ActivityFilter, ActivityLine, EntryState, EntryView};
use backend::{Handle, Problem};
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use crate::output::line;
use crate::recording::{Answer, OneShot, column_and_value};
use crate::{Context, stop_order};

/// What to do with the outbox.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// What needs a person, what waits, what ended last.
    List,
    /// Sends an entry now, and goes on until it is settled.
    Retry {
        /// The entry.
        id: String,
        /// A value instead of the one that did not go; empty for none. Can be repeated.
        #[arg(long, value_name = "TABLE.COLUMN=VALUE", value_parser = column_and_value)]
        set: Vec<(String, String)>,
    },
    /// Leaves an entry unwritten.
    Discard {
        /// The entry.
        id: String,
    },
    /// Sends everything that waits, and goes on until nothing waits any more or it is told to stop.
    Drain,
}

/// What to tell of the activity.
#[derive(Subcommand)]
pub(crate) enum ActivityAction {
    /// The lines, the newest first.
    List {
        /// Only lines with this text in visitor, record or detail.
        #[arg(long, default_value = "")]
        text: String,
        /// Only this kind: recognised, queued, created, updated, existed, attention, discarded, undone, nothing, linked,
        /// unlinked, notice.
        /// Can be repeated.
        #[arg(long, value_name = "KIND")]
        what: Vec<String>,
        /// Only lines older than the one with this number.
        #[arg(long, value_name = "NUMBER")]
        before: Option<i64>,
        /// All lines as CSV.
        #[arg(long, conflicts_with_all = ["json", "before"])]
        csv: bool,
    },
}

pub(crate) async fn run(context: &Context, action: Action) -> Result<(), Problem> {
    let stop = stop_order()?;
    let running = OneShot::start(context).await?;
    let handle = &running.handle;
    let printed = match action {
        Action::List => list(context, handle).await,
        Action::Retry { id, set } => told(context, retried(handle, &id, set).await),
        Action::Discard { id } => told(context, handle.discard(&id).await),
        Action::Drain => {
            let drained = tokio::select! {
                drained = drain(handle) => drained,
                () = stop => Ok(()),
            };
            match drained {
                Ok(()) => counted(context, handle).await,
                Err(problem) => Err(problem),
            }
        }
    };
    running.stop().await;
    printed
}

async fn list(context: &Context, handle: &Handle) -> Result<(), Problem> {
    let entries: Vec<Answer> = handle
        .outbox()
        .await?
        .into_iter()
        .map(Answer::from)
        .collect();
    context.output.result(&json!({ "entries": entries }), || {
        if entries.is_empty() {
            return "The outbox is empty.".to_owned();
        }
        let entries: Vec<String> = entries.iter().map(Answer::text).collect();
        entries.join("\n")
    })
}

fn told(context: &Context, entry: Result<EntryView, Problem>) -> Result<(), Problem> {
    let answer = Answer::from(entry?);
    context.output.result(&answer, || answer.text())
}

async fn retried(
    handle: &Handle,
    id: &str,
    set: Vec<(String, String)>,
) -> Result<EntryView, Problem> {
    let entry = handle.retry(id, set.into_iter().collect()).await?;
    match entry.id.parse() {
        Ok(id) => handle.settled(id).await,
        Err(_) => Ok(entry),
    }
}

fn waits(entry: &EntryView) -> bool {
    matches!(
        entry.state,
        EntryState::Waiting | EntryState::Queued | EntryState::Sending
    )
}

/// Hastens everything, and waits until it is settled. The list is bounded, so that there may be more than one.
async fn drain(handle: &Handle) -> Result<(), Problem> {
    let mut asked = BTreeSet::new();
    loop {
        let entries: Vec<EntryView> = handle.outbox().await?.into_iter().filter(waits).collect();
        if entries.is_empty() {
            return Ok(());
        }
        for entry in &entries {
            if entry.state == EntryState::Sending || !asked.insert(entry.id.clone()) {
                continue;
            }
            match handle.retry(&entry.id, BTreeMap::new()).await {
                Ok(_) => {}
                // It went out meanwhile.
                Err(problem) if problem.code == "entry_not_changeable" => {}
                Err(problem) => return Err(problem),
            }
        }
        for entry in &entries {
            if let Ok(id) = entry.id.parse() {
                handle.settled(id).await?;
            }
        }
    }
}

/// What is left.
async fn counted(context: &Context, handle: &Handle) -> Result<(), Problem> {
    let entries = handle.outbox().await?;
    let queued = entries.iter().filter(|entry| waits(entry)).count();
    let attention = entries
        .iter()
        .filter(|entry| entry.state == EntryState::Attention)
        .count();
    let answer = json!({ "queued": queued, "attention": attention });
    context.output.result(&answer, || {
        format!("{queued} wait, {attention} need attention.")
    })
}

/// A line as scripts read it.
#[derive(Serialize)]
struct LineAnswer<'a> {
    number: i64,
    at: &'a str,
    what: &'a str,
    visitor: &'a str,
    detail: &'a str,
    by: &'a str,
    chat: Option<&'a str>,
    record: Option<RecordOfLine<'a>>,
}

#[derive(Serialize)]
struct RecordOfLine<'a> {
    table: &'a str,
    id: &'a str,
    name: &'a str,
    url: Option<&'a str>,
}

impl<'a> From<&'a ActivityLine> for LineAnswer<'a> {
    fn from(line: &'a ActivityLine) -> Self {
        let record = match (line.table.as_deref(), line.id.as_deref()) {
            (Some(table), Some(id)) => Some(RecordOfLine {
                table,
                id,
                name: line.record.as_deref().unwrap_or_default(),
                url: line.url.as_deref(),
            }),
            (Some(_) | None, _) => None,
        };
        LineAnswer {
            number: line.number,
            at: &line.at,
            what: &line.what,
            visitor: &line.visitor,
            detail: &line.detail,
            by: &line.by,
            chat: line.chat.as_deref(),
            record,
        }
    }
}

pub(crate) async fn activity(context: &Context, action: ActivityAction) -> Result<(), Problem> {
    let ActivityAction::List {
        text,
        what,
        before,
        csv,
    } = action;
    let running = OneShot::start(context).await?;
    let filter = ActivityFilter { text, what, before };
    let printed = if csv {
        let csv = running.handle.export_activity(filter).await;
        csv.and_then(|csv| context.output.result(&csv, || csv.trim_end().to_owned()))
    } else {
        let page = running.handle.activity(filter).await;
        page.and_then(|page| {
            let lines: Vec<LineAnswer<'_>> = page.lines.iter().map(LineAnswer::from).collect();
            let answer = json!({ "lines": lines, "more": page.more });
            context.output.result(&answer, || {
                let lines: Vec<String> = lines.iter().map(readable).collect();
                lines.join("\n")
            })
        })
    };
    running.stop().await;
    printed
}

fn readable(told: &LineAnswer<'_>) -> String {
    let record = told.record.as_ref().map(|record| {
        let name = line(record.name);
        format!("  {} {name}", record.table)
    });
    format!(
        "{}  {}  {}{}  {}",
        told.at,
        told.what,
        line(told.visitor),
        record.unwrap_or_default(),
        line(told.detail)
    )
}
