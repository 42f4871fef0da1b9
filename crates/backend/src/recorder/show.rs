//! What the page sees of the outbox and the activity.

use comm100::Conversation;
use integration::plan::{Planned, StepKind, Wish};
use integration::recording::Action;
use integration::{Columns, Match, Table};
use store::{Entry, Line, LineFilter, NewLine, State};

use super::Recorder;
use super::kept::{Read, visitor};
use super::undo;
use crate::problem::Problem;
use crate::view::{
    ActivityFilter, ActivityLine, ActivityPage, DraftChoice, DraftField, EntryState, EntryView,
    RecordTable, RecordingView, WrittenHow, WrittenView,
};

/// How many lines a page of the activity has.
const PAGE: u32 = 100;

impl Recorder {
    /// What the settings say of the recording; nothing of any chat.
    pub(crate) fn settings_view(&self) -> RecordingView {
        RecordingView::from_settings(&self.parts().recording)
    }

    /// Adds to the activity who was recognised.
    pub(crate) async fn note_recognised(
        &self,
        conversation: &Conversation,
        found: &[(Table, Match)],
    ) {
        let lines: Vec<NewLine> = found
            .iter()
            .map(|(table, found)| NewLine {
                organization: self.organization().to_owned(),
                at: self.now(),
                what: "recognised".to_owned(),
                visitor: visitor(conversation),
                detail: format!("{}.", found.why()),
                chat: super::subject(conversation),
                table: Some(table.logical_name().to_owned()),
                record_id: found.record.id.parse().ok(),
                record: Some(found.record.name()),
                ..NewLine::default()
            })
            .collect();
        if let Err(error) = self.store().add_activity(&lines).await {
            tracing::warn!(error.code = error.code(), %error, "the activity cannot be written");
        }
    }

    /// The chats and messages that the outbox remembers, the newest first, each once.
    pub(crate) async fn past_chats(&self, limit: u32) -> Result<Vec<Conversation>, Problem> {
        let entries = self.stored(self.store().entries(self.organization(), limit).await)?;
        let mut seen = std::collections::BTreeSet::new();
        let mut entries: Vec<Entry> = entries
            .into_iter()
            .filter(|entry| seen.insert(entry.subject.clone()))
            .collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.number));
        entries
            .into_iter()
            .map(|entry| Ok(Read::of(entry)?.intent.conversation))
            .collect()
    }

    /// The recording as far as the window shows it at all times; `subject` is the current chat.
    pub(crate) async fn view(&self, subject: Option<&str>) -> Result<RecordingView, Problem> {
        let counts = self.stored(self.store().count_entries(self.organization()).await)?;
        let entries = match subject {
            Some(subject) => {
                self.stored(self.store().entries_of(self.organization(), subject).await)?
            }
            None => Vec::new(),
        };
        Ok(RecordingView {
            buttons: Vec::new(),
            chat: entries
                .into_iter()
                .map(|entry| self.entry_view(entry))
                .collect(),
            queued: counts.open,
            attention: counts.attention,
            ..self.settings_view()
        })
    }

    /// An entry as the page sees it.
    pub(super) fn entry_view(&self, entry: Entry) -> EntryView {
        let id = entry.id.to_string();
        let created_at = entry.created_at.to_string();
        match Read::of(entry) {
            Ok(read) => self.read_view(&read),
            Err(problem) => EntryView {
                id,
                title: "Unreadable entry".to_owned(),
                visitor: String::new(),
                state: EntryState::Attention,
                created_at,
                next_at: None,
                attempts: 0,
                records: Vec::new(),
                notices: Vec::new(),
                problem: Some(problem),
                candidates: Vec::new(),
                values: Vec::new(),
                undo_until: None,
            },
        }
    }

    fn read_view(&self, read: &Read) -> EntryView {
        let entry = &read.entry;
        let rules = self.rules();
        let columns = &rules.columns;
        let who = visitor(&read.intent.conversation);
        let paused = self.0.paused.borrow().clone();
        let stored = read.trouble.as_ref().map(|trouble| trouble.problem.clone());
        let problem = match entry.state {
            State::Waiting | State::Queued | State::Sending => paused.clone().or(stored),
            State::Attention => stored,
            State::Done | State::Nothing | State::Discarded => None,
        };
        let is_open = matches!(entry.state, State::Waiting | State::Queued);
        let now = self.now();
        EntryView {
            id: entry.id.to_string(),
            title: format!("{} for {who}", what(&read.intent.wish)),
            visitor: who,
            state: state(entry.state),
            created_at: entry.created_at.to_string(),
            next_at: entry
                .due_at
                .filter(|_| is_open && paused.is_none())
                .map(|at| at.to_string()),
            attempts: entry.attempts,
            records: self.records(read),
            notices: notices(read, columns),
            problem,
            candidates: match (&read.trouble, entry.state) {
                (Some(trouble), State::Attention) => trouble.candidates.clone(),
                _ => Vec::new(),
            },
            values: match entry.state {
                State::Attention => self.values(read, columns),
                State::Waiting
                | State::Queued
                | State::Sending
                | State::Done
                | State::Nothing
                | State::Discarded => Vec::new(),
            },
            undo_until: match entry.state {
                State::Done => undo::until(read)
                    .filter(|until| *until > now)
                    .map(|until| until.to_string()),
                State::Waiting
                | State::Queued
                | State::Sending
                | State::Nothing
                | State::Attention
                | State::Discarded => None,
            },
        }
    }

    fn records(&self, read: &Read) -> Vec<WrittenView> {
        if !read.outcome.records.is_empty() {
            let written = read.outcome.records.iter();
            return written
                .map(|record| WrittenView {
                    table: record.table.clone(),
                    table_label: self.table_label(&record.table),
                    id: record.id.to_string(),
                    name: record.name.clone(),
                    done: record.done,
                    url: match record.done {
                        WrittenHow::Deleted => None,
                        WrittenHow::Planned
                        | WrittenHow::Created
                        | WrittenHow::Existed
                        | WrittenHow::Updated
                        | WrittenHow::Unchanged
                        | WrittenHow::Deactivated => self.page(&record.table, record.id),
                    },
                })
                .collect();
        }
        let steps = read.plan.iter().flat_map(|kept| &kept.plan.steps);
        steps
            .map(|step| WrittenView {
                table: step.table.clone(),
                table_label: self.table_label(&step.table),
                id: step.id.to_string(),
                name: step.name.clone(),
                done: WrittenHow::Planned,
                url: match step.kind {
                    StepKind::Update { .. } => self.page(&step.table, step.id),
                    StepKind::Create | StepKind::CreatePerson { .. } => None,
                },
            })
            .collect()
    }

    /// A record's page, which may be opened from now on. A note has none of its own.
    pub(super) fn page(&self, table: &str, id: uuid::Uuid) -> Option<String> {
        let client = self.client().ok()?;
        if table == "annotation" {
            return None;
        }
        self.note_shown(table, id);
        Some(client.organization().record_url(table, id).to_string())
    }

    /// What a person calls a table.
    pub(super) fn table_label(&self, table: &str) -> String {
        let known = self.schema();
        let own = known
            .as_deref()
            .and_then(|schema| schema.table(table))
            .map(|table| table.name().to_owned());
        own.unwrap_or_else(|| {
            match table {
                "incident" => "Case",
                "annotation" => "Note",
                "contact" => "Contact",
                "account" => "Account",
                "lead" => "Lead",
                "task" => "Task",
                other => other,
            }
            .to_owned()
        })
    }

    /// The values of the plan, where a person may correct them.
    fn values(&self, read: &Read, columns: &Columns) -> Vec<DraftField> {
        let steps = read
            .present_plan()
            .into_iter()
            .flat_map(|kept| &kept.plan.steps);
        steps
            .filter_map(|step| Some((Table::from_logical_name(&step.table)?, step)))
            .flat_map(|(table, step)| {
                step.values.iter().map(move |(column, value)| {
                    let mut field = draft_field(columns, table, column);
                    field.value = value_text(value);
                    field
                })
            })
            .collect()
    }

    /// Some of what was recognised and written, the newest first.
    pub(crate) async fn activity(&self, filter: ActivityFilter) -> Result<ActivityPage, Problem> {
        let filter = LineFilter {
            text: filter.text,
            what: filter.what,
            before: filter.before,
            limit: Some(PAGE + 1),
        };
        let mut lines = self.stored(self.store().activity(self.organization(), &filter).await)?;
        let more = lines.len() > PAGE as usize;
        lines.truncate(PAGE as usize);
        Ok(ActivityPage {
            lines: lines.into_iter().map(|line| self.line_view(line)).collect(),
            more,
        })
    }

    fn line_view(&self, Line { number, line }: Line) -> ActivityLine {
        let url = match (&line.table, line.record_id) {
            (Some(table), Some(id)) => self.page(table, id),
            _ => None,
        };
        ActivityLine {
            number,
            at: line.at.to_string(),
            what: line.what,
            visitor: line.visitor,
            detail: line.detail,
            by: line.by,
            chat: line.chat,
            table_label: line.table.as_deref().map(|table| self.table_label(table)),
            table: line.table,
            id: line.record_id.map(|id| id.to_string()),
            record: line.record,
            url,
        }
    }

    /// The same as a table for a spreadsheet (CSV, RFC 4180), all of it.
    pub(crate) async fn export_activity(&self, filter: ActivityFilter) -> Result<String, Problem> {
        let filter = LineFilter {
            text: filter.text,
            what: filter.what,
            before: filter.before,
            limit: None,
        };
        let lines = self.stored(self.store().activity(self.organization(), &filter).await)?;
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "the activity has no CSV form");
            Problem::new(
                "export_failed",
                "The activity cannot be written as a table.",
                "Report this to the maker.",
            )
        };
        let mut table = csv::Writer::from_writer(Vec::new());
        let head = [
            "number", "at", "what", "visitor", "detail", "by", "chat", "table", "record", "url",
        ];
        table.write_record(head).map_err(|error| failed(&error))?;
        for line in lines {
            let line = self.line_view(line);
            let row = [
                line.number.to_string(),
                line.at,
                line.what,
                line.visitor,
                line.detail,
                line.by,
                line.chat.unwrap_or_default(),
                line.table_label.unwrap_or_default(),
                line.record.unwrap_or_default(),
                line.url.unwrap_or_default(),
            ];
            let row = row.map(|cell| harmless(&cell));
            table.write_record(row).map_err(|error| failed(&error))?;
        }
        let bytes = table.into_inner().map_err(|error| failed(&error))?;
        String::from_utf8(bytes).map_err(|error| failed(&error))
    }
}

/// A cell that no spreadsheet takes for a formula: what begins like one is led by an apostrophe.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

impl RecordingView {
    /// What the settings say; nothing of any chat.
    pub(crate) fn from_settings(recording: &integration::recording::Recording) -> RecordingView {
        let automatic = recording.mode == integration::recording::Mode::Automatic;
        RecordingView {
            automatic,
            action: automatic.then(|| action(recording.action).to_owned()),
            icon_only: automatic && recording.action == Action::Nothing,
            one_click: recording.one_click,
            ..RecordingView::default()
        }
    }
}

/// An action in the guide's words.
fn action(action: Action) -> &'static str {
    match action {
        Action::ContactAndCase => "Create/Update Contact & Add Case",
        Action::ContactAndTask => "Create/Update Contact & Add Task",
        Action::Contact => "Create/Update Contact",
        Action::LeadAndTask => "Create/Update Lead & Add Task",
        Action::Nothing => "Do Nothing",
    }
}

fn what(wish: &Wish) -> &'static str {
    match wish {
        Wish::Automatic { action, .. } => match action {
            Action::ContactAndCase => "Contact and case",
            Action::ContactAndTask => "Contact and task",
            Action::Contact => "Contact",
            Action::LeadAndTask => "Lead and task",
            Action::Nothing => "Nothing",
        },
        Wish::Create { table, .. } => match table {
            Table::Contact => "Contact",
            Table::Lead => "Lead",
            Table::Incident => "Case",
            Table::Task => "Task",
            Table::Account => "Account",
        },
        Wish::AddToCase { .. } => "Note on a case",
    }
}

fn state(state: State) -> EntryState {
    match state {
        State::Waiting => EntryState::Waiting,
        State::Queued => EntryState::Queued,
        State::Sending => EntryState::Sending,
        State::Done => EntryState::Done,
        State::Nothing => EntryState::Nothing,
        State::Attention => EntryState::Attention,
        State::Discarded => EntryState::Discarded,
    }
}

fn notices(read: &Read, columns: &Columns) -> Vec<String> {
    let unfit = read.plan.iter().flat_map(|kept| &kept.plan.unfit);
    let nothing = read
        .outcome
        .nothing
        .iter()
        .filter(|_| matches!(read.entry.state, State::Nothing));
    unfit
        .map(|unfit| {
            let label = match Table::from_logical_name(&unfit.table) {
                Some(table) => columns.label(table, &unfit.column),
                None => unfit.column.clone(),
            };
            format!("{label}: {}", unfit.rule)
        })
        .chain(nothing.cloned())
        .collect()
}

/// A column of a form, still without its value.
pub(super) fn draft_field(columns: &Columns, table: Table, column: &str) -> DraftField {
    let limits = columns.limits(table, column);
    let kind = columns
        .kind(table, column)
        .unwrap_or(integration::columns::Kind::Text);
    DraftField {
        table: table.logical_name().to_owned(),
        column: column.to_owned(),
        label: columns.label(table, column),
        kind: kind.into(),
        value: String::new(),
        display: None,
        required: super::forms::is_required(table, column, &limits),
        max_length: limits.max_length,
        multiline: limits.lines,
        choices: columns
            .choices(table, column)
            .iter()
            .map(|choice| DraftChoice {
                value: choice.value.to_string(),
                label: choice.label.clone(),
            })
            .collect(),
        targets: limits.targets,
        problem: None,
    }
}

/// A planned value in the form's words.
pub(super) fn value_text(value: &Planned) -> String {
    match value {
        Planned::Value(serde_json::Value::Null) => String::new(),
        Planned::Value(serde_json::Value::String(text)) => text.clone(),
        Planned::Value(other) => other.to_string(),
        Planned::Lookup { table, id } => format!("{table}:{id}"),
        Planned::Find(question) => question.text.clone(),
    }
}

/// The tables that a chat can be written to.
pub(crate) const BUTTONS: [RecordTable; 4] = [
    RecordTable::Contact,
    RecordTable::Lead,
    RecordTable::Case,
    RecordTable::Task,
];

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+49 30 1", "-2", "@sum", "\t=x", "＝cmd"] {
            assert!(harmless(cell).starts_with('\''), "{cell}");
        }
        for cell in ["", "Dana", "a=b", "' x"] {
            assert_eq!(harmless(cell), cell);
        }
    }
}
