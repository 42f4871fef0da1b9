//! What the page shows: whole view models, built by the controller and replaced as a whole by the page.
//!
//! The types are exported to TypeScript; a test holds the exported files to these.

mod data;
mod offline;
mod recording;
mod search;
mod settings;
mod timeline;

use integration::columns::{Columns, Kind};
use integration::display::DisplayField;
use integration::{DisplaySettings, Match, Outcome, Reason, Record, Table};
use serde::Serialize;
use ts_rs::TS;

use crate::problem::Problem;

pub use data::{
    AsideFile, CopiesView, LocalDataView, Receipt, Recovered, RecoveryView, Traces, UnsentView,
    WipeOptions, Wiped,
};
pub use offline::{
    CopiedTable, OfflineEstimate, OfflineState, OfflineTableState, OfflineTableView, OfflineView,
};
pub use recording::{
    ActivityFilter, ActivityLine, ActivityPage, ChoiceOfPerson, Draft, DraftAbout, DraftChoice,
    DraftField, Duplicates, EntryState, EntryView, Filled, Found, RecordTable, RecordingView,
    WrittenHow, WrittenView,
};
pub use search::{Hit, SearchResults};
pub use timeline::{TimelineLine, TimelineState, TimelineView};

pub use settings::{
    Catalogue, Change, ColumnChoice, ColumnInfo, Comm100Field, ConditionExplanation,
    ConditionState, ConnectionTest, CopiedByDefault, Explanation, GuideChapter, Judgement,
    ManagedView, PrivilegeDepth, PrivilegeView, ReadDocument, Rehearsal, RehearsedChat,
    RehearsedOutcome, RehearsedPerson, RehearsedValue, RehearsedWrite, Remark, RowYield,
    RuleExplanation, RuleState, Sample, SampleInfo, SavedVersion, SecretName, SecretState,
    SecretView, SettingsView, Suggestion, TableExplanation, TableInfo, TestStep, TestStepName,
    TestStepState,
};

/// Everything that the window shows.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// Rises with every change.
    #[ts(type = "number")]
    pub revision: u64,
    /// The version of the product.
    pub version: String,
    /// Whether the companion is locked: then nothing personal is here.
    pub locked: bool,
    /// The connection to Dynamics.
    pub connection: ConnectionView,
    /// The Agent Consoles.
    pub console: ConsoleView,
    /// What a person should know of the companion's own files.
    pub files: Vec<Problem>,
    /// The agent who is signed in to the Agent Console.
    pub agent: Option<AgentView>,
    /// The visitor of the selected chat.
    pub visitor: Option<VisitorView>,
    /// Who that visitor is.
    pub recognition: RecognitionView,
    /// What happened around them lately.
    pub timeline: TimelineView,
    /// How chats are written down.
    pub recording: RecordingView,
    /// The copies on this computer.
    pub offline: OfflineView,
    /// The practice console; only with the practice organization.
    pub practice: Option<PracticeView>,
}

/// The connection to Dynamics.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Connection")]
pub struct ConnectionView {
    /// What kind of organization it is.
    pub kind: ConnectionKindView,
    /// How it stands.
    pub state: ConnectionState,
    /// The organization's host.
    pub organization: String,
    /// The Dynamics user that the companion is signed in as.
    pub user_name: Option<String>,
    /// Why it does not stand well.
    pub problem: Option<Problem>,
    /// How the person's sign-in stands; none where the companion signs in by itself.
    pub person: Option<PersonView>,
}

/// The sign-in of the person who sits here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Person")]
pub struct PersonView {
    /// Whether a sign-in is under way.
    pub waiting: bool,
    /// What to type on another device, if that is how it goes on.
    pub device: Option<DeviceCodeView>,
    /// Why the sign-in ends with the program, if it does.
    pub session_only: Option<Problem>,
}

/// A sign-in on another device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "DeviceCode")]
pub struct DeviceCodeView {
    /// What to type.
    pub code: String,
    /// On which page.
    pub page: String,
}

/// What kind of organization it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "ConnectionKind")]
pub enum ConnectionKindView {
    /// Microsoft's cloud.
    Cloud,
    /// The customer's own servers.
    OnPremises,
    /// The embedded practice organization.
    Practice,
}

/// How the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// The first sign-in is under way.
    Connecting,
    /// Dynamics answers.
    Online,
    /// Dynamics cannot be reached; it is tried again by itself.
    Offline,
    /// The sign-in was refused.
    SignedOut,
    /// Dynamics answers, but not as it should.
    Failed,
}

/// The Agent Consoles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Console")]
pub struct ConsoleView {
    /// Where the console bridge listens, host and port.
    pub address: String,
    /// Whether a console is connected.
    pub connected: bool,
    /// The paired consoles.
    pub consoles: Vec<PairedConsole>,
    /// The pairing that is open.
    pub pairing: Option<PairingView>,
    /// Why the console bridge does not listen.
    pub problem: Option<Problem>,
}

/// A paired Agent Console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PairedConsole {
    /// Its id.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// When it was paired (RFC 3339).
    pub paired_at: String,
    /// When it was last connected (RFC 3339).
    pub last_seen_at: Option<String>,
    /// Whether it is connected now.
    pub connected: bool,
}

/// An open pairing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Pairing")]
pub struct PairingView {
    /// The six digits to type into the console.
    pub code: String,
    /// Until when (RFC 3339).
    pub expires_at: String,
}

/// The agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Agent")]
pub struct AgentView {
    /// Their name.
    pub name: String,
}

/// The visitor of the selected chat, as Comm100 knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Visitor")]
pub struct VisitorView {
    /// Name, or empty.
    pub name: String,
    /// E-mail address, or empty.
    pub email: String,
    /// Telephone number, or empty.
    pub phone: String,
    /// Company, or empty.
    pub company: String,
    /// The chat's id.
    pub chat_id: Option<String>,
    /// The chat's state in Comm100's words.
    pub chat_status: String,
    /// The department's name.
    pub department: String,
    /// The page that the visitor looks at.
    pub page: String,
    /// City and country.
    pub location: String,
    /// When the chat was asked for (RFC 3339).
    pub started_at: Option<String>,
    /// Whether the chat has ended.
    pub ended: bool,
}

/// Who the visitor is.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Recognition")]
pub struct RecognitionView {
    /// How far it has come.
    pub state: RecognitionState,
    /// The company.
    pub account: Card,
    /// The person.
    pub contact: Card,
    /// The prospect.
    pub lead: Card,
    /// What went wrong, wholly or in part.
    pub problem: Option<Problem>,
}

/// How far a recognition has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RecognitionState {
    /// There is no visitor.
    #[default]
    Idle,
    /// Dynamics is asked; nothing is cached.
    Looking,
    /// The cached answer is shown while Dynamics is asked.
    Cached,
    /// Dynamics has answered.
    Live,
    /// Dynamics is out of reach; what is shown, if anything, is cached.
    Offline,
    /// The visitor gave nothing that a rule looks at.
    Unidentifiable,
    /// Dynamics refused.
    Failed,
}

/// One of the three cards.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// What it shows.
    pub state: CardState,
    /// The record.
    pub record: Option<RecordView>,
    /// The other records that the rule found.
    pub more: Vec<Candidate>,
    /// Why Dynamics gave no answer for this table. What is shown then, if anything, is cached.
    pub problem: Option<Problem>,
}

impl Card {
    /// A card without a record.
    #[must_use]
    pub fn empty(state: CardState) -> Card {
        Card {
            state,
            record: None,
            more: Vec::new(),
            problem: None,
        }
    }
}

/// What a card shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum CardState {
    /// Nothing was asked.
    Idle,
    /// The answer is awaited.
    Loading,
    /// A record.
    Found,
    /// That there is none.
    None,
    /// That Dynamics gave no answer, and nothing is cached.
    Failed,
}

/// A recognised record.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RecordView {
    /// Its table.
    #[ts(as = "TableName")]
    pub table: Table,
    /// Its id.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// Its page in Dynamics.
    pub url: String,
    /// The name of the rule that found it.
    pub rule: String,
    /// Why it was matched, as a sentence.
    pub reason: String,
    /// Whether Dynamics has just given it or it is a cached copy.
    pub source: ValueSource,
    /// When Dynamics gave it (RFC 3339).
    pub as_of: String,
    /// Whether it is deactivated or closed.
    pub inactive: bool,
    /// Whether the agent chose it over the first match.
    pub chosen: bool,
    /// That an agent has linked it to the visitor; none if a rule found it.
    pub link: Option<LinkView>,
    /// The configured display fields, in order.
    pub fields: Vec<FieldView>,
}

/// Who has linked a record to the visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Link")]
pub struct LinkView {
    /// The agent's name; empty if it was not known.
    pub by: String,
    /// When (RFC 3339).
    pub at: String,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "Source")]
pub enum ValueSource {
    /// From Dynamics, for this visitor.
    Live,
    /// From the cache.
    Cache,
}

/// A display field.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Field")]
pub struct FieldView {
    /// The column's logical name.
    pub name: String,
    /// The column's label.
    pub label: String,
    /// The raw value as text.
    pub value: Option<String>,
    /// The value as Dynamics formats it.
    pub formatted: Option<String>,
    /// What it holds.
    pub kind: FieldKind,
    /// When Dynamics gave it (RFC 3339).
    pub as_of: String,
}

/// What a display field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// Text.
    Text,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
    /// A choice.
    Choice,
    /// A number.
    Number,
    /// An amount of money.
    Money,
    /// A day.
    Date,
    /// A moment.
    Datetime,
    /// Yes or no.
    Boolean,
    /// A reference to another row.
    Lookup,
}

impl From<Kind> for FieldKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text | Kind::Id => FieldKind::Text,
            Kind::Email => FieldKind::Email,
            Kind::Phone => FieldKind::Phone,
            Kind::Url => FieldKind::Url,
            Kind::Choice | Kind::MultiChoice => FieldKind::Choice,
            Kind::Boolean => FieldKind::Boolean,
            Kind::Integer | Kind::Number => FieldKind::Number,
            Kind::Money => FieldKind::Money,
            Kind::Date => FieldKind::Date,
            Kind::DateTime => FieldKind::Datetime,
            Kind::Lookup => FieldKind::Lookup,
        }
    }
}

impl From<DisplayField> for FieldView {
    fn from(field: DisplayField) -> Self {
        FieldView {
            name: field.name,
            label: field.label,
            value: field.value,
            formatted: field.formatted,
            kind: field.kind.into(),
            as_of: field.as_of.to_string(),
        }
    }
}

/// Another record that the rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Its table.
    #[ts(as = "TableName")]
    pub table: Table,
    /// Its id.
    pub id: String,
    /// What a person calls it.
    pub name: String,
    /// What tells it from the others: company, e-mail, phone.
    pub detail: String,
    /// The name of the rule that found it.
    pub rule: String,
    /// Why, as a sentence.
    pub reason: String,
    /// Its page in Dynamics.
    pub url: String,
    /// Whether it is deactivated or closed.
    pub inactive: bool,
}

/// The tables that have a card. (Cases and tasks have none yet.)
#[derive(Clone, Copy, Debug, TS)]
#[ts(rename = "Table", rename_all = "lowercase")]
#[expect(dead_code, reason = "it only gives the page the names of the tables")]
enum TableName {
    Account,
    Contact,
    Lead,
}

/// The practice console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Practice")]
pub struct PracticeView {
    /// The sample visitors.
    pub visitors: Vec<SampleVisitorView>,
    /// The one that is played.
    pub selected: Option<String>,
}

/// A sample visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "PracticeVisitor")]
pub struct SampleVisitorView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its e-mail address, or empty.
    pub email: String,
    /// What it shows.
    pub note: String,
}

/// The card of a table's outcome.
#[must_use]
pub fn card(
    settings: &DisplaySettings,
    known: &Columns,
    outcome: &Outcome,
    source: ValueSource,
    chosen: Option<&str>,
    url: &dyn Fn(&Record) -> String,
) -> Card {
    let Some(matched) = &outcome.matched else {
        return Card::empty(CardState::None);
    };
    let record = &matched.record;
    Card {
        state: CardState::Found,
        record: Some(RecordView {
            table: record.table,
            id: record.id.clone(),
            name: record.name(),
            url: url(record),
            rule: matched.rule.clone(),
            reason: matched.reason.sentence(),
            source,
            as_of: record.read_at.to_string(),
            inactive: record.is_inactive(),
            chosen: chosen == Some(record.id.as_str()),
            link: match &matched.reason {
                Reason::Linked { by, at } => Some(LinkView {
                    by: by.clone(),
                    at: at.to_string(),
                }),
                Reason::Conditions { .. }
                | Reason::AccountOfContact { .. }
                | Reason::FoundByDynamics => None,
            },
            fields: integration::display::fields(settings, known, record)
                .into_iter()
                .map(FieldView::from)
                .collect(),
        }),
        more: outcome
            .others
            .iter()
            .map(|other| candidate(other, url))
            .collect(),
        problem: None,
    }
}

pub(crate) fn candidate(other: &Match, url: &dyn Fn(&Record) -> String) -> Candidate {
    let record = &other.record;
    let company = record
        .account
        .as_deref()
        .map(Record::name)
        .or_else(|| record.text("companyname"));
    let detail: Vec<String> = [
        company,
        record.text("emailaddress1"),
        record.text("telephone1"),
    ]
    .into_iter()
    .flatten()
    .collect();
    Candidate {
        table: record.table,
        id: record.id.clone(),
        name: record.name(),
        detail: detail.join(" · "),
        rule: other.rule.clone(),
        reason: other.reason.sentence(),
        url: url(record),
        inactive: record.is_inactive(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The exported types, by file name.
    fn exported(folder: &Path) -> std::collections::BTreeMap<String, String> {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return std::collections::BTreeMap::new();
        };
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "ts"))
            .map(|path| {
                (
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    std::fs::read_to_string(&path).unwrap(),
                )
            })
            .collect()
    }

    /// Run with `UPDATE_BINDINGS=1` (`cargo xtask bindings`) to write them anew.
    #[test]
    fn the_pages_types_are_those_of_the_back_end() {
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/backend/bindings");
        let fresh = tempfile::tempdir().unwrap();
        let config = ts_rs::Config::new().with_out_dir(fresh.path());
        View::export_all(&config).unwrap();
        TableName::export_all(&config).unwrap();
        Draft::export_all(&config).unwrap();
        Filled::export_all(&config).unwrap();
        Duplicates::export_all(&config).unwrap();
        ActivityPage::export_all(&config).unwrap();
        ActivityFilter::export_all(&config).unwrap();
        SearchResults::export_all(&config).unwrap();
        LocalDataView::export_all(&config).unwrap();
        Recovered::export_all(&config).unwrap();
        Receipt::export_all(&config).unwrap();
        WipeOptions::export_all(&config).unwrap();
        Wiped::export_all(&config).unwrap();
        SettingsView::export_all(&config).unwrap();
        Judgement::export_all(&config).unwrap();
        Catalogue::export_all(&config).unwrap();
        ColumnInfo::export_all(&config).unwrap();
        Suggestion::export_all(&config).unwrap();
        OfflineEstimate::export_all(&config).unwrap();
        Sample::export_all(&config).unwrap();
        Explanation::export_all(&config).unwrap();
        ReadDocument::export_all(&config).unwrap();
        SavedVersion::export_all(&config).unwrap();
        SecretView::export_all(&config).unwrap();
        if std::env::var_os("UPDATE_BINDINGS").is_some() {
            std::fs::create_dir_all(&committed).unwrap();
            for name in exported(&committed).keys() {
                std::fs::remove_file(committed.join(name)).unwrap();
            }
            for (name, text) in exported(fresh.path()) {
                std::fs::write(committed.join(name), text).unwrap();
            }
        }
        assert_eq!(
            exported(&committed),
            exported(fresh.path()),
            "run `cargo xtask bindings`"
        );
    }
}
