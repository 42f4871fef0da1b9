//! Who is this visitor? Rules become questions; answers become a recognition with its reason.
//!
//! Guide, chapter "Customize Rules to Identify the Dynamics 365 Account, Contact, and Lead". The rules of
//! a table are tried in their order and the first that finds a record wins; of several records that one
//! rule finds, active ones come before inactive ones, then the most recently changed one comes first.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use comm100::Conversation;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::columns::{self, Columns, Kind};
use crate::copies;
use crate::display;
use crate::phone::Number;
use crate::record::{Record, Table};
use crate::rules::{Condition, DisplaySettings, Identification, Operator, Rule};

/// How many records of one rule are read: one is shown, the others are offered as "N more".
pub const CANDIDATES: u32 = 25;

/// The same for a rule that asks for telephone numbers: they are asked for more widely than they are meant,
/// so that more must be read to find the ones that match.
pub const WIDE_CANDIDATES: u32 = 250;

/// The navigation property from a contact to its account.
pub const CONTACT_ACCOUNT: &str = "parentcustomerid_account";

/// No column that names a person is longer; longer values cannot match and are not asked for.
const LONGEST_VALUE: usize = 400;

/// The name under which the contact's own account is given as a reason.
const ACCOUNT_OF_CONTACT: &str = "Account of the contact";

/// The name under which what an agent has linked is given as a reason.
const LINKED: &str = "Linked";

/// What one rule asks of Dynamics.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The table that is searched.
    pub table: Table,
    /// The rule's place in the table's list.
    pub rule: usize,
    /// Which records are meant.
    pub filter: Filter,
    /// How many records to read at most.
    pub at_most: u32,
    /// The columns to read, by logical name.
    pub columns: Vec<String>,
    /// The columns to read of a contact's account along with it ([`CONTACT_ACCOUNT`]).
    pub account_columns: Vec<String>,
}

/// A filter over the columns of one table, still free of any query language.
#[derive(Clone, PartialEq)]
pub enum Filter {
    /// The column is exactly this, in its own type.
    Is(String, Scalar),
    /// The text column begins with this text, literally.
    BeginsWith(String, String),
    /// The text column ends with this text, literally.
    EndsWith(String, String),
    /// The text column contains this text, literally.
    Contains(String, String),
    /// The text column contains these digits in this order, whatever stands between them.
    HasDigits(String, String),
    /// All of these.
    All(Vec<Filter>),
    /// One of these.
    Any(Vec<Filter>),
}

impl Filter {
    /// Whether it finds more than it means.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        match self {
            Filter::HasDigits(..) => true,
            Filter::All(parts) | Filter::Any(parts) => parts.iter().any(Filter::is_wide),
            Filter::Is(..)
            | Filter::BeginsWith(..)
            | Filter::EndsWith(..)
            | Filter::Contains(..) => false,
        }
    }
}

/// Values are personal: only the shape is shown.
impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Filter::Is(column, _) => write!(f, "{column} is …"),
            Filter::BeginsWith(column, _) => write!(f, "{column} begins with …"),
            Filter::EndsWith(column, _) => write!(f, "{column} ends with …"),
            Filter::Contains(column, _) => write!(f, "{column} contains …"),
            Filter::HasDigits(column, _) => write!(f, "{column} has digits …"),
            Filter::All(all) => f.debug_tuple("All").field(all).finish(),
            Filter::Any(any) => f.debug_tuple("Any").field(any).finish(),
        }
    }
}

/// A value in the type of its column.
#[derive(Clone, PartialEq)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// A row's id or a lookup, lower-case with hyphens.
    Id(String),
    /// The name of the row that a lookup points to ([`Columns::names_of_rows`]).
    RowName(String),
    /// A whole number or choice.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
}

/// Who the visitor is: at most one record of each table, each with its reason and the other candidates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recognition {
    /// The person.
    pub contact: Outcome,
    /// The company: by its own rule, else the contact's account.
    pub account: Outcome,
    /// The prospect.
    pub lead: Outcome,
}

impl Recognition {
    /// The outcome for one of the recognised tables; `None` for cases and tasks.
    #[must_use]
    pub fn of(&self, table: Table) -> Option<&Outcome> {
        match table {
            Table::Contact => Some(&self.contact),
            Table::Account => Some(&self.account),
            Table::Lead => Some(&self.lead),
            Table::Incident | Table::Task => None,
        }
    }

    /// Puts a table's outcome in its place. The account of the contact follows the contact.
    pub fn set(&mut self, table: Table, outcome: Outcome) {
        match table {
            Table::Contact => {
                self.contact = outcome;
                if self
                    .account
                    .matched
                    .as_ref()
                    .is_none_or(Match::is_account_of_contact)
                {
                    self.account = Outcome::default();
                }
            }
            Table::Account => self.account = outcome,
            Table::Lead => self.lead = outcome,
            Table::Incident | Table::Task => {}
        }
        if self.account.matched.is_none() {
            self.account.matched = self.contact.matched.as_ref().and_then(Match::account);
        }
    }

    /// Makes another candidate of a table the shown one. `false` if it is not among them.
    pub fn choose(&mut self, table: Table, id: &str) -> bool {
        let Some(mut outcome) = self.of(table).cloned() else {
            return false;
        };
        if !outcome.choose(id) {
            return false;
        }
        self.set(table, outcome);
        true
    }

    /// Whether anything was found.
    #[must_use]
    pub fn found_any(&self) -> bool {
        Table::RECOGNISED.iter().any(|table| {
            self.of(*table)
                .is_some_and(|outcome| outcome.matched.is_some())
        })
    }
}

/// What the rules of one table found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The record that is shown.
    pub matched: Option<Match>,
    /// The other records that the same rule found, in order.
    pub others: Vec<Match>,
}

impl Outcome {
    /// Makes another candidate the shown one. `false` if it is not among them.
    pub fn choose(&mut self, id: &str) -> bool {
        let Some(place) = self.others.iter().position(|other| other.record.id == id) else {
            return false;
        };
        let chosen = self.others.remove(place);
        if let Some(former) = self.matched.replace(chosen) {
            self.others.insert(0, former);
        }
        true
    }

    /// Makes a record that an agent has linked to the visitor the shown one, whatever the rules found; that stands behind it.
    pub fn link(&mut self, record: Record, by: String, at: Timestamp) {
        self.others.retain(|other| other.record.id != record.id);
        let former = self.matched.take();
        if let Some(former) = former.filter(|former| former.record.id != record.id) {
            self.others.insert(0, former);
        }
        self.matched = Some(Match {
            record,
            rule: LINKED.to_owned(),
            reason: Reason::Linked { by, at },
        });
    }
}

/// A record and why it was matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// The record.
    pub record: Record,
    /// The name of the rule that found it.
    pub rule: String,
    /// Why: the columns and values that matched.
    pub reason: Reason,
}

impl Match {
    /// The contact's account as a match of its own.
    fn account(&self) -> Option<Match> {
        let account = self.record.account.as_deref()?.clone();
        let reason = Reason::AccountOfContact {
            contact: self.record.name(),
        };
        Some(Match {
            record: account,
            rule: ACCOUNT_OF_CONTACT.to_owned(),
            reason,
        })
    }

    /// By which rule and why, without full stop.
    #[must_use]
    pub fn why(&self) -> String {
        match &self.reason {
            Reason::Linked { .. } => self.reason.sentence(),
            Reason::Conditions { .. }
            | Reason::AccountOfContact { .. }
            | Reason::FoundByDynamics => {
                format!("{}: {}", self.rule, self.reason.sentence())
            }
        }
    }

    /// Whether it is the matched contact's account, found by no rule of its own.
    #[must_use]
    pub fn is_account_of_contact(&self) -> bool {
        matches!(self.reason, Reason::AccountOfContact { .. })
    }
}

/// Why a record was matched.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// These columns met the rule's conditions.
    Conditions {
        /// One for each condition that was met (for `any`, the first).
        met: Vec<Met>,
    },
    /// It is the account that the matched contact belongs to.
    AccountOfContact {
        /// The contact's name.
        contact: String,
    },
    /// Dynamics found it by the rule, under a notion of sameness of its own (accents, for example).
    FoundByDynamics,
    /// An agent said so.
    Linked {
        /// The agent's name; empty if it was not known.
        by: String,
        /// When (UTC).
        at: Timestamp,
    },
}

/// A condition that was met.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Met {
    /// The column's logical name.
    pub column: String,
    /// The column's label.
    pub label: String,
    /// How it was compared.
    pub operator: Operator,
    /// The record's value in that column.
    pub value: String,
    /// What it was compared with, if that was written otherwise.
    pub asked: String,
    /// For telephone numbers: whether one of the two has no country code, so that only the digits inside the
    /// country could be compared.
    #[serde(default)]
    pub country_unknown: bool,
}

/// Values are personal: only the column is shown.
impl std::fmt::Debug for Met {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} …", self.column, self.operator.in_words())
    }
}

/// Names are personal: only the kind of reason is shown.
impl std::fmt::Debug for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reason::Conditions { met } => f.debug_tuple("Conditions").field(met).finish(),
            Reason::AccountOfContact { .. } => f.write_str("AccountOfContact"),
            Reason::FoundByDynamics => f.write_str("FoundByDynamics"),
            Reason::Linked { .. } => f.write_str("Linked"),
        }
    }
}

impl Reason {
    /// The reason as a sentence, without full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Reason::Conditions { met } => met
                .iter()
                .map(Met::clause)
                .collect::<Vec<_>>()
                .join(" and "),
            Reason::AccountOfContact { contact } => format!("{contact} belongs to it"),
            Reason::FoundByDynamics => "Dynamics counts it as the same".to_owned(),
            Reason::Linked { by, at } if by.is_empty() => {
                format!("{LINKED} on {}", at.strftime("%Y-%m-%d"))
            }
            Reason::Linked { by, at } => {
                format!("{LINKED} by {by} on {}", at.strftime("%Y-%m-%d"))
            }
        }
    }
}

impl Met {
    fn clause(&self) -> String {
        match self.operator {
            Operator::Equals if self.country_unknown => {
                format!("{} is {} (country not written)", self.label, self.value)
            }
            Operator::Equals => format!("{} is {}", self.label, self.value),
            Operator::BeginsWith | Operator::EndsWith | Operator::Contains => {
                format!(
                    "{} {} {} ({})",
                    self.label,
                    self.operator.in_words(),
                    self.asked,
                    self.value
                )
            }
        }
    }
}

/// The values of the visitor that the rules ask about, by field name. Two visitors with the same evidence
/// get the same recognition; no evidence means that no rule can ask anything.
#[must_use]
pub fn evidence(
    identification: &Identification,
    known: &Columns,
    conversation: &Conversation,
) -> BTreeMap<String, String> {
    let with = With::new(identification, known, conversation);
    let mut evidence = BTreeMap::new();
    for table in Table::RECOGNISED {
        for rule in identification.rules(table) {
            if rule_filter(table, rule, &with).is_none() {
                continue;
            }
            for condition in rule.conditions() {
                if condition_filter(table, condition, &with).is_some()
                    && let Some(value) = asked_value(condition, conversation)
                {
                    evidence.insert(condition.field.to_string(), value);
                }
            }
        }
    }
    evidence
}

/// The questions of one table's rules for this visitor, in the rules' order. A rule whose fields are
/// empty asks nothing.
#[must_use]
pub fn questions(
    table: Table,
    identification: &Identification,
    settings: &DisplaySettings,
    known: &Columns,
    conversation: &Conversation,
) -> Vec<Question> {
    let with = With::new(identification, known, conversation);
    let columns = columns_to_read(table, identification, settings);
    let account_columns = match table {
        Table::Contact => columns_to_read(Table::Account, identification, settings),
        Table::Account | Table::Lead | Table::Incident | Table::Task => Vec::new(),
    };
    let ask = |(rule, filter): (usize, Filter)| Question {
        table,
        rule,
        at_most: if filter.is_wide() {
            WIDE_CANDIDATES
        } else {
            CANDIDATES
        },
        filter,
        columns: columns.clone(),
        account_columns: account_columns.clone(),
    };
    identification
        .rules(table)
        .iter()
        .enumerate()
        .filter_map(|(place, rule)| Some((place, rule_filter(table, rule, &with)?)))
        .map(ask)
        .collect()
}

/// Judges the records that Dynamics gave for one rule: those that really match, in the order given.
#[must_use]
pub fn judge(
    table: Table,
    rule: &Rule,
    identification: &Identification,
    known: &Columns,
    conversation: &Conversation,
    records: Vec<Record>,
) -> Outcome {
    let with = With::new(identification, known, conversation);
    let mut matches = records.into_iter().filter_map(|record| {
        let reason = reason(table, rule, &with, &record)?;
        Some(Match {
            record,
            rule: rule.name.clone(),
            reason,
        })
    });
    Outcome {
        matched: matches.next(),
        others: matches.collect(),
    }
}

/// The columns that recognition reads of a table, by logical name: those that it always needs, those that
/// are shown, and those that the rules ask about.
#[must_use]
pub fn columns_to_read(
    table: Table,
    identification: &Identification,
    settings: &DisplaySettings,
) -> Vec<String> {
    // Who is recognised is kept as a copy, so what copies are ordered and searched by is read as well.
    let always = ["statecode", "modifiedon"]
        .into_iter()
        .chain(copies::searched_columns(table).iter().copied());
    let ruled = identification
        .rules(table)
        .iter()
        .flat_map(Rule::conditions)
        .map(|condition| condition.column.as_str());
    let columns: BTreeSet<&str> = always
        .chain(display::columns(settings, table))
        .chain(ruled)
        .collect();
    columns
        .into_iter()
        .filter(|column| *column != table.key_column())
        .map(str::to_owned)
        .collect()
}

/// With what the conditions of a rule are read.
struct With<'a> {
    known: &'a Columns,
    conversation: &'a Conversation,
    country: Option<&'a str>,
    /// What was read as a telephone number already: reading one is dear, and the same one is read for every column.
    numbers: RefCell<BTreeMap<String, Option<Number>>>,
}

impl<'a> With<'a> {
    fn new(
        identification: &'a Identification,
        known: &'a Columns,
        conversation: &'a Conversation,
    ) -> With<'a> {
        With {
            known,
            conversation,
            country: identification.default_country.as_deref(),
            numbers: RefCell::default(),
        }
    }

    fn number(&self, text: &str) -> Option<Number> {
        let mut numbers = self.numbers.borrow_mut();
        if let Some(known) = numbers.get(text) {
            return known.clone();
        }
        let number = Number::parse(text, self.country);
        numbers.insert(text.to_owned(), number.clone());
        number
    }
}

fn rule_filter(table: Table, rule: &Rule, with: &With<'_>) -> Option<Filter> {
    if rule.off {
        return None;
    }
    let filter = |condition: &Condition| condition_filter(table, condition, with);
    if rule.any.is_empty() {
        let all: Vec<Filter> = rule.all.iter().map(filter).collect::<Option<_>>()?;
        return (!all.is_empty()).then_some(Filter::All(all));
    }
    let any: Vec<Filter> = rule.any.iter().filter_map(filter).collect();
    (!any.is_empty()).then_some(Filter::Any(any))
}

fn condition_filter(table: Table, condition: &Condition, with: &With<'_>) -> Option<Filter> {
    let value = asked_value(condition, with.conversation)?;
    let column = condition.column.clone();
    Some(match condition.operator {
        Operator::BeginsWith => Filter::BeginsWith(column, value),
        Operator::EndsWith => Filter::EndsWith(column, value),
        Operator::Contains => Filter::Contains(column, value),
        Operator::Equals => match kind(table, condition, with.known) {
            Kind::Phone => Filter::HasDigits(column, with.number(&value)?.digits().to_owned()),
            Kind::Id => Filter::Is(column, Scalar::Id(guid(&value)?)),
            Kind::Lookup => {
                let scalar = match guid(&value) {
                    Some(id) => Scalar::Id(id),
                    // A row can be meant by its name only where it is known how to ask for that.
                    None if with.known.names_of_rows(table, &column).is_empty() => return None,
                    None => Scalar::RowName(value),
                };
                Filter::Is(column, scalar)
            }
            Kind::Integer => Filter::Is(column, Scalar::Integer(value.parse().ok()?)),
            Kind::Choice => Filter::Is(
                column,
                Scalar::Integer(with.known.choice_value(table, &condition.column, &value)?),
            ),
            Kind::Boolean => Filter::Is(
                column,
                Scalar::Boolean(yes_or_no(table, condition, with, &value)?),
            ),
            Kind::Text | Kind::Email | Kind::Url => Filter::Is(column, Scalar::Text(value)),
            // Amounts, times and lists of choices name nobody.
            Kind::Number | Kind::Money | Kind::Date | Kind::DateTime | Kind::MultiChoice => {
                return None;
            }
        },
    })
}

/// The field's value if it can be asked for at all. No stored value holds control characters, and what a
/// server makes of them in a question is not to be tried out.
fn asked_value(condition: &Condition, conversation: &Conversation) -> Option<String> {
    let value = conversation.field(&condition.field)?;
    let value = value.trim();
    let usable = !value.is_empty()
        && value.chars().count() <= LONGEST_VALUE
        && !value.contains(char::is_control);
    usable.then(|| value.to_owned())
}

/// `true`, `false`, or the label of either.
fn yes_or_no(table: Table, condition: &Condition, with: &With<'_>, text: &str) -> Option<bool> {
    text.parse().ok().or_else(
        || match with.known.choice_value(table, &condition.column, text)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
    )
}

/// A column of the organization's own that is compared with a telephone field is a telephone column, whatever text
/// it is said to hold.
pub(crate) fn kind(table: Table, condition: &Condition, known: &Columns) -> Kind {
    let is_own = columns::standard(table, &condition.column).is_none();
    let compares_phones = || condition.field.to_string().ends_with(".phone");
    match known.kind(table, &condition.column) {
        None | Some(Kind::Text) if is_own && compares_phones() => Kind::Phone,
        kind => kind.unwrap_or(Kind::Text),
    }
}

fn guid(text: &str) -> Option<String> {
    let bare = text
        .trim_start_matches('{')
        .trim_end_matches('}')
        .to_lowercase();
    let groups: Vec<&str> = bare.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let hex = groups
        .iter()
        .all(|group| group.chars().all(|c| c.is_ascii_hexdigit()));
    (hex && lengths == [8, 4, 4, 4, 12]).then_some(bare)
}

/// Why the record matches the rule, or `None` if it does not.
///
/// Telephone numbers are asked for more widely than they are meant, so they are judged here. Everything
/// else Dynamics has compared already; if its notion of sameness is wider than ours, it is believed.
fn reason(table: Table, rule: &Rule, with: &With<'_>, record: &Record) -> Option<Reason> {
    let met = |condition: &Condition| met(table, condition, with, record);
    let asked = |condition: &Condition| condition_filter(table, condition, with).is_some();
    let is_phone = |condition: &Condition| {
        condition.operator == Operator::Equals && kind(table, condition, with.known) == Kind::Phone
    };
    if rule.any.is_empty() {
        let all: Vec<Option<Met>> = rule.all.iter().map(met).collect();
        let phones_hold = rule
            .all
            .iter()
            .zip(&all)
            .all(|(condition, met)| met.is_some() || !is_phone(condition));
        let met: Vec<Met> = all.into_iter().flatten().collect();
        return phones_hold.then_some(if met.is_empty() {
            Reason::FoundByDynamics
        } else {
            Reason::Conditions { met }
        });
    }
    match rule.any.iter().find_map(met) {
        Some(first) => Some(Reason::Conditions { met: vec![first] }),
        None if rule
            .any
            .iter()
            .any(|condition| is_phone(condition) && asked(condition)) =>
        {
            None
        }
        None => Some(Reason::FoundByDynamics),
    }
}

/// Whether a record meets a rule by what we compare ourselves, without what only Dynamics counts as the same.
#[must_use]
pub fn meets(
    table: Table,
    rule: &Rule,
    identification: &Identification,
    known: &Columns,
    conversation: &Conversation,
    record: &Record,
) -> bool {
    let with = With::new(identification, known, conversation);
    let met = |condition: &Condition| {
        condition_filter(table, condition, &with).is_some()
            && met(table, condition, &with, record).is_some()
    };
    if rule.off {
        false
    } else if rule.any.is_empty() {
        !rule.all.is_empty() && rule.all.iter().all(met)
    } else {
        rule.any.iter().any(met)
    }
}

fn met(table: Table, condition: &Condition, with: &With<'_>, record: &Record) -> Option<Met> {
    let kind = kind(table, condition, with.known);
    let asked = asked_value(condition, with.conversation)?;
    let value = if condition.column == table.key_column() {
        record.id.clone()
    } else {
        record.text(&condition.column)?
    };
    let row_name = (kind == Kind::Lookup)
        .then(|| record.row_name(&condition.column))
        .flatten();
    let mut country_unknown = false;
    let holds = match condition.operator {
        Operator::Equals if kind == Kind::Phone => {
            let stored = with.number(&value)?;
            let asked = with.number(&asked)?;
            country_unknown = stored.e164().is_none() || asked.e164().is_none();
            asked.is_same(&stored)
        }
        Operator::Equals if kind == Kind::Choice => {
            let choice = with.known.choice_value(table, &condition.column, &asked);
            choice.is_some_and(|choice| value.parse() == Ok(choice))
        }
        Operator::Equals if kind == Kind::Boolean => {
            let yes = yes_or_no(table, condition, with, &asked);
            yes.is_some_and(|yes| value.parse() == Ok(yes))
        }
        Operator::Equals if kind == Kind::Lookup => match guid(&asked) {
            Some(id) => guid(&value) == Some(id),
            None => row_name
                .as_deref()
                .is_some_and(|name| fold(name) == fold(&asked)),
        },
        Operator::Equals => fold(&value) == fold(&asked),
        Operator::BeginsWith => fold(&value).starts_with(&fold(&asked)),
        Operator::EndsWith => fold(&value).ends_with(&fold(&asked)),
        Operator::Contains => fold(&value).contains(&fold(&asked)),
    };
    let label = with.known.label(table, &condition.column);
    holds.then(|| Met {
        column: condition.column.clone(),
        label,
        operator: condition.operator,
        value: row_name.unwrap_or(value),
        asked,
        country_unknown,
    })
}

/// How texts are compared: without regard to case and to spaces around them. As databases do it, character by character:
/// what has one capital has one small letter, so that `ς`, `σ` and `Σ` are the same and `ß` is not `ss`.
#[must_use]
pub fn fold(text: &str) -> String {
    fn alone(mut mapped: impl Iterator<Item = char>) -> Option<char> {
        let first = mapped.next();
        first.filter(|_| mapped.next().is_none())
    }
    let folded = |c: char| {
        let capital = alone(c.to_uppercase()).unwrap_or(c);
        alone(capital.to_lowercase()).unwrap_or(capital)
    };
    text.trim().chars().map(folded).collect()
}
