//! What the settings window shows and asks: the document, what is judged of a draft, the test of a connection, the rehearsal.
//! A key path is written as in the document: `identification.contact.0.any.1.column`. No type here can hold a secret.

use jiff::civil;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{CopiedTable, FieldKind};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::settings::offline::Keep;

/// Everything that the settings window shows beside the draft that it edits.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// Rises with every change.
    #[ts(type = "number")]
    pub revision: u64,
    /// Why this person may not see or change the settings (`manage_integration_required`). Everything else is empty then.
    pub refused: Option<Problem>,
    /// Whether the companion is locked: then nothing may be shown, and what names people is left out.
    pub locked: bool,
    /// The settings as they are saved, with the defaults of what is left out; none where the file cannot be read.
    pub saved: Option<Settings>,
    /// Tells the saved document from all others; saving hands it back, so that nobody else's change is lost.
    pub fingerprint: String,
    /// Why the saved document cannot be read, or why it is not in force.
    pub problem: Option<Problem>,
    /// The file that it is saved in; none before it is saved for the first time.
    pub file: Option<String>,
    /// What an administrator has laid down for this computer.
    pub managed: Option<ManagedView>,
    /// The test of a connection, as far as it has come; none before the first.
    pub test: Option<ConnectionTest>,
    /// The rehearsal, as far as it has come; none before the first.
    pub rehearsal: Option<Rehearsal>,
}

/// Settings that an administrator has laid down system-wide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Managed")]
pub struct ManagedView {
    /// The file.
    pub file: String,
    /// Key paths that cannot be changed here; one that ends at a section or list stands for all of it.
    pub locked: Vec<String>,
}

/// A secret, without itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Secret")]
pub struct SecretView {
    /// Which one.
    pub name: SecretName,
    /// Where it is.
    pub state: SecretState,
    /// The last day on which it is good, where an administrator has said so (ISO 8601).
    #[ts(type = "string | null")]
    pub expires_on: Option<civil::Date>,
    /// Days until then; negative when it is past.
    pub days_left: Option<i32>,
    /// Why it cannot be kept or read, or that it expires soon.
    pub problem: Option<Problem>,
}

/// The name of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SecretName {
    /// The application secret.
    ClientSecret,
    /// The password of the on-premises login.
    Password,
    /// The sign-in of the person who sits here.
    SignIn,
}

/// Where a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SecretState {
    /// Nowhere.
    NotSet,
    /// It was entered and is kept when the settings are saved.
    Entered,
    /// In the system's keyring.
    Set,
    /// In memory until the companion is closed, since there is no keyring.
    Session,
    /// In the environment or a file that it names; it cannot be changed here.
    Environment,
    /// The keyring lets nobody look.
    Unknown,
}

/// What is said of a draft.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// What prevents saving, in the order of the document.
    pub problems: Vec<Remark>,
    /// What can be saved and will hardly do what is meant.
    pub warnings: Vec<Remark>,
    /// What differs from the saved document.
    pub changes: Vec<Change>,
    /// What a sample chat yields, for each row of `fields`, as far as the rows can be read.
    pub rows: Vec<RowYield>,
    /// What else would be written of the sample chat so that Dynamics takes it (a title, a last name).
    pub filled_in: Vec<RowYield>,
    /// Whether columns are judged by what the organization says of them; otherwise by the standard columns.
    pub by_organization: bool,
}

/// Something to be said of a place in the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    /// The key path.
    pub key: String,
    /// The line, where the document is a text.
    pub line: Option<u32>,
    /// The sentence to show beside the field, with its code and what to do.
    pub problem: Problem,
    /// A second place that the first has to do with: the rule that shadows this one.
    pub other: Option<String>,
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The key path.
    pub key: String,
    /// As it was, in TOML; none if it is new.
    pub before: Option<String>,
    /// As it is, in TOML; none if it is gone.
    pub after: Option<String>,
}

/// What a sample chat yields for one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RowYield {
    /// The key path of the row; of what is filled in, of the table (`fields.case`).
    pub key: String,
    /// The column's logical name.
    pub column: String,
    /// The column's label.
    pub label: String,
    /// What would be written; none if the chat has nothing for it or it does not fit.
    pub text: Option<String>,
    /// What does not fit, or is cut: a sentence.
    pub notice: Option<String>,
}

/// What the editors offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Catalogue {
    /// The tables, in the guide's order.
    pub tables: Vec<TableInfo>,
    /// The Comm100 fields.
    pub fields: Vec<Comm100Field>,
    /// The sample visitors and chats.
    pub samples: Vec<SampleInfo>,
    /// The guide's chapters, for whoever connects Dynamics.
    pub guide: Vec<GuideChapter>,
    /// Two-letter codes of the countries that telephone numbers can belong to.
    pub countries: Vec<String>,
    /// A new document: the defaults, as TOML.
    pub defaults: String,
    /// What is copied of each table where the document does not say it.
    pub copied: Vec<CopiedByDefault>,
}

/// What is copied of a table where the document does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CopiedByDefault {
    /// The table.
    pub table: CopiedTable,
    /// Which of its records.
    pub keep: Keep,
    /// Of these only the ones that were changed within so many days; 0 means however old.
    pub changed_within_days: u32,
    /// How many days a copy stays that Dynamics does not confirm.
    pub forget_after_days: u32,
}

/// A table that rules or mappings are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TableInfo {
    /// Its key in the document: `contact`, `account`, `lead`, `case`, `task`.
    pub key: String,
    /// Its label.
    pub label: String,
    /// Whether `identification` has rules for it.
    pub identified: bool,
    /// Whether chats are written to it; otherwise its fields are for display only.
    pub written: bool,
    /// Whether its fields can be displayed.
    pub displayed: bool,
}

/// A field of Comm100.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Comm100Field {
    /// Its name in the document: `visitor.email`; with `<name>` at its end where the site names it.
    pub name: String,
    /// Its label in the guide's scheme: `Visitor Email`.
    pub label: String,
    /// Whether the name is completed by the site's own: `custom_variable.<name>`.
    pub open: bool,
}

/// A column that rules and mappings can name.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ColumnInfo {
    /// Its logical name.
    pub name: String,
    /// Its label.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether the organization has made it.
    pub custom: bool,
    /// The operators that fit it in a condition: `equals`, …; empty if it names nobody.
    pub operators: Vec<String>,
    /// Its choices.
    pub choices: Vec<ColumnChoice>,
    /// Whether a new record must have it, and nothing else gives it a value.
    pub required: bool,
    /// Whether it can be written.
    pub writable: bool,
    /// The longest text, in UTF-16 units.
    pub max_length: Option<u32>,
    /// Whether a text may have several lines.
    pub lines: bool,
    /// The tables that a lookup points to.
    pub targets: Vec<String>,
    /// Whether a rule can compare a lookup with the name of the row that it points to, and not with its id alone.
    pub by_name: bool,
    /// What it takes, in words: `Text, up to 100 characters`.
    pub takes: String,
}

/// A choice of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ColumnChoice {
    /// The number that is stored; yes is 1, no is 0.
    #[ts(type = "number")]
    pub value: i64,
    /// Its label.
    pub label: String,
}

/// A source that could be given to a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The column's logical name.
    pub column: String,
    /// The column's label.
    pub label: String,
    /// The Comm100 field.
    pub from: String,
    /// The field's label.
    pub from_label: String,
    /// Why.
    pub reason: String,
}

/// A visitor to try settings on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SampleInfo {
    /// Its id, for [`Sample::Known`].
    pub id: String,
    /// The visitor's name.
    pub name: String,
    /// The visitor's e-mail address, or empty.
    pub email: String,
    /// Where it is from: `The chat that is shown now`, `Practice: …`.
    pub note: String,
}

/// The visitor that a draft is tried on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Sample {
    /// One of [`Catalogue::samples`].
    Known {
        /// Its id.
        id: String,
    },
    /// One that the page describes, in the fields' own names: `visitor.email`, `custom_variable.PlanName`.
    Typed {
        /// Values by field.
        values: std::collections::BTreeMap<String, String>,
    },
}

/// Why a visitor is recognised, or is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The tables in the order contact, account, lead.
    pub tables: Vec<TableExplanation>,
}

/// What the rules of one table make of the visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TableExplanation {
    /// The table's key.
    pub table: String,
    /// In one sentence: `Dana Nowak, by the rule "Same e-mail": Email is dana@…`.
    pub sentence: String,
    /// Whether somebody was found.
    pub found: bool,
    /// The rules in their order.
    pub rules: Vec<RuleExplanation>,
    /// Why Dynamics gave no answer.
    pub problem: Option<Problem>,
}

/// What one rule makes of the visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RuleExplanation {
    /// Its key path: `identification.contact.0`.
    pub key: String,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub state: RuleState,
    /// In one sentence.
    pub sentence: String,
    /// Names of the records that it finds, the first first.
    pub records: Vec<String>,
    /// Its conditions in their order.
    pub conditions: Vec<ConditionExplanation>,
}

/// How a rule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RuleState {
    /// It is the one that recognises the visitor.
    Matched,
    /// It finds somebody too, but one before it did first.
    After,
    /// It finds nobody.
    Nobody,
    /// The visitor gave nothing that it could ask about.
    NothingToAsk,
    /// Dynamics refused it.
    Failed,
    /// It is switched off.
    Off,
}

/// What one condition makes of the visitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConditionExplanation {
    /// Its key path: `identification.contact.0.any.0`.
    pub key: String,
    /// Whether it is met: by itself, by at least one record.
    pub state: ConditionState,
    /// The visitor's value, if there is one.
    pub value: Option<String>,
    /// In one sentence: `No contact has the Email dana@…`, `The visitor gave no Visitor Phone`.
    pub sentence: String,
}

/// How a condition ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionState {
    /// A record meets it.
    Met,
    /// No record meets it.
    NotMet,
    /// The visitor has no value for it.
    Empty,
    /// The value cannot stand in that column.
    Unfit,
    /// It was not asked.
    NotAsked,
    /// Dynamics refused it.
    Failed,
}

/// The test of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionTest {
    /// Which one; rises with every test.
    pub run: u32,
    /// Whether it still goes on.
    pub running: bool,
    /// Whether everything that was examined is well.
    pub passed: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// The steps in their order.
    pub steps: Vec<TestStep>,
    /// Every privilege of the guide's table, once the user is known.
    pub privileges: Vec<PrivilegeView>,
    /// What the organization is called.
    pub organization: Option<String>,
    /// Its version: `9.2.24041.00184`.
    pub version: Option<String>,
    /// Who is signed in.
    pub user: Option<String>,
}

/// A step of the test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TestStep {
    /// Which.
    pub step: TestStepName,
    /// What it is called: `The sign-in service gives a token`.
    pub label: String,
    /// How it stands.
    pub state: TestStepState,
    /// What was found: `Contoso, version 9.2`.
    pub found: Option<String>,
    /// What is wrong. Its next step says who must do what.
    pub problem: Option<Problem>,
    /// The key path in the draft that it is about, if it is about one.
    pub key: Option<String>,
    /// The chapter of the guide that helps: an id of [`Catalogue::guide`].
    pub guide: Option<String>,
}

/// The name of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TestStepName {
    /// The settings and secrets are complete and the address is one.
    Url,
    /// The names of organization and sign-in service are known.
    Dns,
    /// Both are reached, over a trusted TLS connection.
    Tls,
    /// The sign-in service gives a token.
    Token,
    /// The organization answers as Dataverse, in a version that is supported.
    Organization,
    /// The organization knows the user.
    User,
    /// The user may do what the features need.
    Privilege,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TestStepState {
    /// Its turn has not come.
    Waiting,
    /// It is under way.
    Running,
    /// It is well.
    Passed,
    /// It is well as far as the draft needs it, with something missing that other settings would need.
    Warning,
    /// It is not well.
    Failed,
    /// It was not examined, since one before it failed.
    Skipped,
}

/// A privilege of the guide's table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Privilege")]
pub struct PrivilegeView {
    /// The row of the guide's table: `Note`.
    pub table: String,
    /// The column of the guide's table: `Create`.
    pub right: String,
    /// Dynamics' own name: `prvCreateNote`.
    pub name: String,
    /// How far it reaches.
    pub depth: PrivilegeDepth,
    /// Whether it is enough.
    pub granted: bool,
    /// Whether what the draft switches on needs it.
    pub needed: bool,
    /// What does not work without it: `cannot add notes: long transcripts will be cut`.
    pub without: String,
}

/// How far a privilege reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum PrivilegeDepth {
    /// Nowhere.
    None,
    /// To the user's own records.
    User,
    /// To those of the business unit.
    BusinessUnit,
    /// To those of the business units below too.
    ParentChild,
    /// To all.
    Organization,
    /// It could not be found out.
    Unknown,
}

/// A chapter of the integration guide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct GuideChapter {
    /// Its id.
    pub id: String,
    /// Its title: `Step 1a: Create an application in Azure Active Directory`.
    pub title: String,
    /// Who does it: `An administrator of Microsoft Entra ID`.
    pub who: String,
    /// The steps in their order.
    pub steps: Vec<String>,
}

/// A rehearsal: a draft over past chats, without writing anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// Which one; rises with every rehearsal.
    pub run: u32,
    /// Whether it still goes on.
    pub running: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// How many chats there are.
    pub total: u32,
    /// How many are through.
    pub done: u32,
    /// How many of those somebody was recognised in.
    pub recognised: u32,
    /// How many of those something would be written of.
    pub written: u32,
    /// How many of those end otherwise than with the settings in force.
    pub different: u32,
    /// The chats that are through, in order.
    pub chats: Vec<RehearsedChat>,
    /// Why it could not go on, or chats that could not be read.
    pub problems: Vec<Problem>,
}

/// A chat of the rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedChat {
    /// Its place in the file or list, from 1.
    pub place: u32,
    /// The visitor's name, e-mail address or phone number.
    pub visitor: String,
    /// When it was (RFC 3339), if that is known.
    pub time: Option<String>,
    /// With the draft.
    pub draft: RehearsedOutcome,
    /// With the settings in force, if it ends otherwise.
    pub in_force: Option<RehearsedOutcome>,
    /// What differs: a sentence each.
    pub differences: Vec<String>,
}

/// How a chat ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedOutcome {
    /// Who was recognised, by table: contact, account, lead.
    pub recognised: Vec<RehearsedPerson>,
    /// What would be written, in order.
    pub writes: Vec<RehearsedWrite>,
    /// Why nothing is written, or that a person must choose: a sentence.
    pub sentence: Option<String>,
    /// What would be left out or cut: a sentence each.
    pub notices: Vec<String>,
    /// Why Dynamics gave no answer.
    pub problem: Option<Problem>,
}

/// Who was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedPerson {
    /// The table's key.
    pub table: String,
    /// What a person calls the record.
    pub name: String,
    /// The rule.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// How many more the rule found.
    pub others: u32,
}

/// A write that would be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedWrite {
    /// The table's label: `Case`.
    pub table: String,
    /// `create` or `update`.
    pub how: String,
    /// What a person calls the record.
    pub name: String,
    /// Label and value of each column.
    pub values: Vec<RehearsedValue>,
}

/// A value that would be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedValue {
    /// The column's label.
    pub label: String,
    /// The value.
    pub text: String,
}

/// A document that was read from a text.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReadDocument {
    /// The document as a draft; none if it is no TOML.
    pub draft: Option<Settings>,
    /// What is wrong with it, with line and key.
    pub problems: Vec<Remark>,
    /// What differs from the saved document.
    pub changes: Vec<Change>,
}

/// A version of the document that was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SavedVersion {
    /// Its number; rises.
    #[ts(type = "number")]
    pub id: i64,
    /// When it was saved (RFC 3339).
    pub saved_at: String,
    /// Who saved it: the name of the user of this computer.
    pub saved_by: String,
    /// Why: `saved`, `imported`, `restored`, `disconnected`, `found` (changed outside the companion).
    pub reason: String,
    /// How many values it changed.
    pub changes: u32,
    /// Whether it is the one that is saved now.
    pub current: bool,
}
