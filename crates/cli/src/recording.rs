//! `companion event`, `companion record`

use std::collections::BTreeMap;
use std::path::PathBuf;

use backend::view::{
    Draft, EntryState, EntryView, Filled, RecognitionState, RecordTable, WrittenHow,
};
use backend::{Backend, Handle, Problem};
use clap::ValueEnum;
use comm100::{ConsoleEvent, Conversation, EventKind};
use sandbox::Sandbox;
use serde::Serialize;

use crate::output::{ProblemAnswer, line};
use crate::{Context, read};

/// Which event.
#[derive(clap::Args)]
pub(crate) struct EventArguments {
    /// An event of the console, or the body of a Live Chat webhook, as JSON; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Do not wait for the end of the grace time, and go on until its recording is settled.
    #[arg(long)]
    wait: bool,
}

/// Which record of which chat.
#[derive(clap::Args)]
pub(crate) struct RecordArguments {
    /// What the chat becomes.
    table: TableArgument,
    /// The chat as JSON, as the console sends it or `{"name","email","phone",…}`; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    chat: PathBuf,
    /// A value of a column instead of the mapping's; empty for none. Can be repeated.
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = column_and_value)]
    set: Vec<(String, String)>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TableArgument {
    Contact,
    Lead,
    Case,
    Task,
}

impl From<TableArgument> for RecordTable {
    fn from(table: TableArgument) -> RecordTable {
        match table {
            TableArgument::Contact => RecordTable::Contact,
            TableArgument::Lead => RecordTable::Lead,
            TableArgument::Case => RecordTable::Case,
            TableArgument::Task => RecordTable::Task,
        }
    }
}

/// `column=value` as a pair.
pub(crate) fn column_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, value)) if !column.trim().is_empty() => {
            Ok((column.trim().to_owned(), value.to_owned()))
        }
        Some(_) | None => Err("give column=value".to_owned()),
    }
}

/// What became of an entry of the outbox.
#[derive(Serialize)]
pub(crate) struct Answer {
    /// The entry's id.
    pub(crate) plan: Option<String>,
    /// How it stands: `waiting`, `queued`, `sending`, `done`, `nothing`, `attention`, `discarded`.
    pub(crate) outcome: EntryState,
    pub(crate) title: Option<String>,
    /// Those that were or will be written.
    pub(crate) records: Vec<RecordAnswer>,
    /// What could not be written as it was.
    pub(crate) notices: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_at: Option<String>,
    pub(crate) attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<ProblemAnswer>,
    /// Those of whom one must be chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) candidates: Vec<CandidateAnswer>,
}

#[derive(Serialize)]
pub(crate) struct RecordAnswer {
    table: String,
    id: String,
    url: Option<String>,
    name: String,
    done: WrittenHow,
}

#[derive(Serialize)]
pub(crate) struct CandidateAnswer {
    id: String,
    name: String,
    detail: String,
    url: String,
}

impl From<EntryView> for Answer {
    fn from(entry: EntryView) -> Answer {
        Answer {
            plan: Some(entry.id),
            outcome: entry.state,
            title: Some(entry.title),
            records: entry
                .records
                .into_iter()
                .map(|record| RecordAnswer {
                    table: record.table,
                    id: record.id,
                    url: record.url,
                    name: record.name,
                    done: record.done,
                })
                .collect(),
            notices: entry.notices,
            next_at: entry.next_at,
            attempts: entry.attempts,
            problem: entry.problem.as_ref().map(ProblemAnswer::from),
            candidates: entry
                .candidates
                .into_iter()
                .map(|candidate| CandidateAnswer {
                    id: candidate.id,
                    name: candidate.name,
                    detail: candidate.detail,
                    url: candidate.url,
                })
                .collect(),
        }
    }
}

impl Answer {
    fn nothing() -> Answer {
        Answer {
            plan: None,
            outcome: EntryState::Nothing,
            title: None,
            records: Vec::new(),
            notices: Vec::new(),
            next_at: None,
            attempts: 0,
            problem: None,
            candidates: Vec::new(),
        }
    }

    /// For a person.
    pub(crate) fn text(&self) -> String {
        let state = match self.outcome {
            EntryState::Waiting => "waits for the end of the grace time",
            EntryState::Queued => "queued",
            EntryState::Sending => "on its way",
            EntryState::Done => "done",
            EntryState::Nothing => "nothing to write",
            EntryState::Attention => "needs attention",
            EntryState::Discarded => "discarded",
        };
        let mut lines = Vec::new();
        match (&self.plan, &self.title) {
            (Some(plan), Some(title)) => lines.push(format!("{plan}  {}: {state}", line(title))),
            _ => lines.push(format!("This event leads to no record: {state}.")),
        }
        for record in &self.records {
            let name = line(&record.name);
            let url = record.url.as_deref().unwrap_or_default();
            lines.push(format!("  {} {name}  {url}", record.table));
        }
        lines.extend(
            self.notices
                .iter()
                .map(|notice| format!("  {}", line(notice))),
        );
        if let Some(problem) = &self.problem {
            lines.push(format!("  {}", line(&problem.message)));
            lines.push(format!("  {}", line(&problem.next_step)));
        }
        for candidate in &self.candidates {
            let (name, detail) = (line(&candidate.name), line(&candidate.detail));
            lines.push(format!("  {}  {name}  {detail}", candidate.id));
        }
        lines.join("\n")
    }
}

/// A back end for one command: consoles cannot connect to it.
pub(crate) struct OneShot {
    pub(crate) handle: Handle,
    backend: Backend,
    organization: Option<Sandbox>,
}

impl OneShot {
    /// # Errors
    /// If settings, secrets or the store cannot be used: what is told to be kept must be kept.
    pub(crate) async fn start(context: &Context) -> Result<OneShot, Problem> {
        let mut options = context.options().await?;
        options.listens = false;
        let (options, organization) = practice::prepare(options).await?;
        backend::connection::client(
            &options.settings.connection,
            &options.secrets,
            options.clock.now(),
        )?;
        let backend = Backend::start(options).await?;
        let handle = backend.handle();
        let problem = backend.store_refused().cloned();
        let started = OneShot {
            handle,
            backend,
            organization,
        };
        match problem {
            None => Ok(started),
            Some(problem) => {
                started.stop().await;
                Err(problem)
            }
        }
    }

    pub(crate) async fn stop(self) {
        self.backend.stop().await;
        if let Some(organization) = self.organization {
            organization.stop().await;
        }
    }
}

pub(crate) async fn event(context: &Context, arguments: EventArguments) -> Result<(), Problem> {
    let event = read::EVENT.read(&arguments.file)?;
    let event = ConsoleEvent::from_any_value(event).map_err(|_| read::EVENT.no_object())?;
    let running = OneShot::start(context).await?;
    let answer = fed(&running.handle, event, arguments.wait).await;
    running.stop().await;
    let answer = answer?;
    context.output.result(&answer, || answer.text())
}

async fn fed(handle: &Handle, event: ConsoleEvent, wait: bool) -> Result<Answer, Problem> {
    let Some(id) = handle.feed(event).await? else {
        return Ok(Answer::nothing());
    };
    let entry = handle.entry(id).await?;
    if !wait {
        return Ok(entry.into());
    }
    if entry.state == EntryState::Waiting {
        handle.retry(&entry.id, BTreeMap::new()).await?;
    }
    Ok(handle.settled(id).await?.into())
}

pub(crate) async fn record(context: &Context, arguments: RecordArguments) -> Result<(), Problem> {
    let chat = read::CHAT.read(&arguments.chat)?;
    let chat = Conversation::from_visitor_value(chat).map_err(|_| read::CHAT.no_object())?;
    let running = OneShot::start(context).await?;
    let answer = recorded(&running.handle, chat, arguments.table.into(), arguments.set).await;
    running.stop().await;
    let answer = answer?;
    context.output.result(&answer, || answer.text())
}

async fn recorded(
    handle: &Handle,
    chat: Conversation,
    table: RecordTable,
    set: Vec<(String, String)>,
) -> Result<Answer, Problem> {
    let selected = ConsoleEvent {
        source: "command-line".to_owned(),
        kind: EventKind::Selected,
        sent_at: None,
        site: chat.site,
        agent: chat.agent,
        chat: chat.chat,
        visitor: chat.visitor,
        offline_message: chat.offline_message,
        warnings: Vec::new(),
    };
    handle.feed(selected).await?;
    // Whom a case is about comes from the recognition.
    let mut views = handle.watch();
    let known = views.wait_for(|view| match view.recognition.state {
        RecognitionState::Idle | RecognitionState::Looking | RecognitionState::Cached => false,
        RecognitionState::Live
        | RecognitionState::Offline
        | RecognitionState::Unidentifiable
        | RecognitionState::Failed => true,
    });
    drop(known.await);
    let draft = handle.draft(table).await?;
    let entry = handle.create(filled(draft, set)).await?;
    let id = entry.id.parse().map_err(|_| {
        Problem::new(
            "entry_unknown",
            "There is no such entry in the outbox.",
            "Look at the outbox again.",
        )
    })?;
    Ok(handle.settled(id).await?.into())
}

/// The form as it is filled in, with what was set.
fn filled(draft: Draft, set: Vec<(String, String)>) -> Filled {
    let mut values: BTreeMap<String, String> = draft
        .fields
        .into_iter()
        .map(|field| (field.column, field.value))
        .collect();
    values.extend(set);
    let now = draft.about.as_ref().and_then(|about| about.now.as_ref());
    Filled {
        table: draft.table,
        chat: draft.chat,
        values,
        about: now.map(|found| format!("{}:{}", found.table, found.id)),
        new_contact: draft.about.is_some_and(|about| about.new_contact),
    }
}
