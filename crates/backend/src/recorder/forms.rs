//! The form of one record: what stands in it, what it asks to be created, who looks the same, what can be looked up.

use std::collections::BTreeMap;
use std::time::Duration;

use comm100::Conversation;
use dataverse::metadata::Schema;
use dataverse::{Direction, Done, Filter, LikePattern, Query, RecordBody, Row};
use integration::columns::{Limits, Required};
use integration::fit::fit;
use integration::plan::{About, Cause, Intent, Planned, Wish};
use integration::{Columns, Recognition, Record, Table, Value};
use store::State;
use tracing::info;
use uuid::Uuid;

use super::intake::{entry_id, subject};
use super::resolve::{Asked, ask_all};
use super::show::{draft_field, value_text};
use super::{Recorder, locked};
use crate::problem::Problem;
use crate::view::{Draft, DraftAbout, Duplicates, EntryView, Filled, Found, RecordTable};

/// How long a form waits for what is only offered along with it.
const COURTESY: Duration = Duration::from_secs(3);
/// How many open cases a form offers, and how many records a list.
const MOST_CASES: u32 = 5;
const MOST_FOUND: u32 = 10;

/// The chat that the agent looks at, and who the visitor is.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) conversation: Conversation,
    pub(crate) recognition: Recognition,
}

impl Recorder {
    /// The form of a record, filled from the chat.
    pub(crate) async fn draft(
        &self,
        current: &Current,
        table: RecordTable,
    ) -> Result<Draft, Problem> {
        let rules = self.rules();
        let columns = &rules.columns;
        let of = Table::from(table);
        let mapped = integration::map::values(of, &rules.fields, columns, &current.conversation)
            .for_creation(of, columns, &current.conversation);
        let about_column = about_column(of);
        let mut names: Vec<String> = Vec::new();
        let required = columns
            .names(of)
            .into_iter()
            .filter(|column| is_required(of, column, &columns.limits(of, column)))
            .map(str::to_owned);
        let set = rules
            .fields
            .of(of)
            .iter()
            .filter(|field| field.source.is_some())
            .map(|field| field.column.clone());
        for name in required.chain(set).chain(mapped.values.keys().cloned()) {
            let is_left_out = Some(name.as_str()) == about_column
                || names.contains(&name)
                || !columns.limits(of, &name).create;
            if !is_left_out {
                names.push(name);
            }
        }
        let fields = names
            .iter()
            .map(|name| {
                let mut field = draft_field(columns, of, name);
                if let Some(value) = mapped.values.get(name) {
                    field.value = value_text(value);
                }
                field.problem = mapped
                    .unfit
                    .iter()
                    .find(|unfit| unfit.column == *name)
                    .map(|unfit| unfit.rule.clone());
                field
            })
            .collect();
        let open_cases = match table {
            RecordTable::Case => self.open_cases(&current.recognition).await,
            RecordTable::Contact | RecordTable::Lead | RecordTable::Task => Vec::new(),
        };
        Ok(Draft {
            table,
            chat: subject(&current.conversation),
            fields,
            about: self.about(table, &current.recognition),
            open_cases,
        })
    }

    fn about(&self, table: RecordTable, recognition: &Recognition) -> Option<DraftAbout> {
        let (required, targets, candidates): (bool, &[&str], &[Table]) = match table {
            RecordTable::Contact | RecordTable::Lead => return None,
            RecordTable::Case => (
                true,
                &["contact", "account"],
                &[Table::Contact, Table::Account],
            ),
            RecordTable::Task => (
                false,
                &["contact", "lead", "account", "incident"],
                &[Table::Contact, Table::Lead, Table::Account],
            ),
        };
        let now = candidates.iter().find_map(|table| {
            let matched = recognition.of(*table)?.matched.as_ref()?;
            Some(self.found_record(&matched.record))
        });
        Some(DraftAbout {
            required,
            targets: targets.iter().map(|&target| target.to_owned()).collect(),
            new_contact: required && now.is_none(),
            now,
        })
    }

    /// Open cases of the recognised person: a courtesy, which a form does not wait for long.
    async fn open_cases(&self, recognition: &Recognition) -> Vec<Found> {
        let customers: Vec<Uuid> = [Table::Contact, Table::Account]
            .iter()
            .filter_map(|table| recognition.of(*table)?.matched.as_ref())
            .filter_map(|found| found.record.id.parse().ok())
            .collect();
        let Ok(client) = self.client() else {
            return Vec::new();
        };
        if customers.is_empty() {
            return Vec::new();
        }
        let is_customer = customers
            .into_iter()
            .map(|id| Filter::equals("_customerid_value", id))
            .collect();
        let schema = self.schema();
        let query = Query::new("incidents")
            .select(told_columns(schema.as_deref(), "incident"))
            .filter(Filter::Or(is_customer))
            .filter(Filter::equals("statecode", 0_i64))
            .order_by("modifiedon", Direction::Descending)
            .top(MOST_CASES)
            .formatted_values(true);
        match tokio::time::timeout(COURTESY, client.query(&query)).await {
            Ok(Ok(page)) => page
                .rows
                .iter()
                .filter_map(|row| self.found("incident", row))
                .collect(),
            Ok(Err(error)) => {
                info!(error.code = error.code(), "open cases cannot be read");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    /// Puts what a form asks for into the outbox.
    pub(crate) async fn create(
        &self,
        current: Option<Current>,
        filled: Filled,
    ) -> Result<EntryView, Problem> {
        let conversation = self.conversation(current, filled.chat.as_deref())?;
        let table = Table::from(filled.table);
        let rules = self.rules();
        let columns = &rules.columns;
        let mut values = BTreeMap::new();
        for (column, text) in &filled.values {
            if let Some(value) = fitted(columns, table, column, text)? {
                values.insert(column.clone(), value);
            }
        }
        let about = about(table, &filled)?;
        for column in columns.names(table) {
            let is_about = Some(column) == about_column(table);
            let is_there = values.contains_key(column) || (is_about && about.is_some());
            if !is_there && is_required(table, column, &columns.limits(table, column)) {
                return Err(Problem::new(
                    "value_missing",
                    format!(
                        "{} is missing: Dynamics 365 demands it.",
                        columns.label(table, column)
                    ),
                    "Fill it in.",
                ));
            }
        }
        let wish = Wish::Create {
            table,
            values,
            about,
            owner: self.parts().recording.owner,
        };
        self.put_wish(conversation, wish, &format!("button:{table}"))
            .await
    }

    /// Lets the chat become a note on an open case.
    pub(crate) async fn add_to_case(
        &self,
        current: Option<Current>,
        case: &str,
        chat: Option<&str>,
    ) -> Result<EntryView, Problem> {
        let case = id(case)?;
        let conversation = self.conversation(current, chat)?;
        self.put_wish(
            conversation,
            Wish::AddToCase { case },
            &format!("add-to-case:{case}"),
        )
        .await
    }

    async fn put_wish(
        &self,
        conversation: Conversation,
        wish: Wish,
        what: &str,
    ) -> Result<EntryView, Problem> {
        if self.organization().is_empty() {
            return Err(self.client().err().unwrap_or_else(no_chat));
        }
        // A visitor without a chat has nothing by which a repetition could be told.
        let subject =
            subject(&conversation).unwrap_or_else(|| format!("visitor:{}", Uuid::new_v4()));
        let id = entry_id(self.organization(), &subject, what);
        let intent = Intent {
            cause: Cause::Button,
            conversation,
            wish,
        };
        self.put(id, subject, intent, State::Queued, self.now())
            .await?;
        self.entry(id).await
    }

    /// The chat that is meant: the current one, or another one that is known.
    fn conversation(
        &self,
        current: Option<Current>,
        chat: Option<&str>,
    ) -> Result<Conversation, Problem> {
        let current = current.map(|current| current.conversation);
        let Some(chat) = chat else {
            return current.ok_or_else(no_chat);
        };
        current
            .filter(|current| subject(current).as_deref() == Some(chat))
            .or_else(|| locked(&self.0.conversations).get(chat))
            .ok_or_else(|| {
                Problem::new(
                    "chat_gone",
                    "The chat that this form was filled from is not known any more.",
                    "Select the chat in the Agent Console again and open the form anew.",
                )
            })
    }

    /// Records that look like the one that is about to be created.
    pub(crate) async fn duplicates(
        &self,
        current: Option<Current>,
        filled: &Filled,
    ) -> Result<Duplicates, Problem> {
        let table = Table::from(filled.table);
        let mut duplicates = Duplicates {
            records: Vec::new(),
            live: false,
        };
        if !matches!(table, Table::Contact | Table::Lead) {
            return Ok(duplicates);
        }
        let value = |column: &str| {
            let text = filled.values.get(column)?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let (email, phone) = (value("emailaddress1"), value("telephone1"));
        let known = current
            .iter()
            .filter_map(|current| current.recognition.of(table))
            .flat_map(|outcome| outcome.matched.iter().chain(&outcome.others))
            .map(|found| &found.record)
            .filter(|record| looks_same(record, email.as_deref(), phone.as_deref()));
        duplicates.records = known.map(|record| self.found_record(record)).collect();
        let Ok(client) = self.client() else {
            return Ok(duplicates);
        };
        let asked = same_person(table, email.as_deref(), phone.as_deref());
        let schema = self.schema();
        let by_values = async {
            let Some(filter) = asked else {
                return Ok(Vec::new());
            };
            let query = Query::new(table.entity_set())
                .select(told_columns(schema.as_deref(), table.logical_name()))
                .filter(filter)
                .top(MOST_FOUND)
                .formatted_values(true);
            client.query(&query).await.map(|page| page.rows)
        };
        let by_rules = async {
            let body = filled
                .values
                .iter()
                .filter(|(_, text)| !text.trim().is_empty())
                .fold(RecordBody::new(), |body, (column, text)| {
                    body.set(column, text.trim())
                });
            client
                .duplicates(table.logical_name(), &body, table.logical_name(), 10)
                .await
        };
        let (by_values, by_rules) = tokio::join!(by_values, by_rules);
        let mut rows = Vec::new();
        match by_values {
            Ok(found) => {
                rows.extend(found);
                duplicates.live = true;
            }
            Err(error) => {
                info!(error.code = error.code(), "duplicates cannot be asked for");
            }
        }
        match by_rules {
            Ok(found) => rows.extend(found),
            // An organization need not detect duplicates.
            Err(error) => info!(error.code = error.code(), "no duplicate rules were asked"),
        }
        for row in &rows {
            if let Some(found) = self.found(table.logical_name(), row)
                && !duplicates.records.iter().any(|known| known.id == found.id)
            {
                duplicates.records.push(found);
            }
        }
        Ok(duplicates)
    }

    /// Records whose name (or e-mail address) holds this text, in these tables.
    pub(crate) async fn find(&self, targets: &[String], text: &str) -> Result<Vec<Found>, Problem> {
        let text = text.trim();
        let client = self.client()?;
        let schema = self.schema().ok_or_else(|| {
            Problem::new(
                "tables_unknown",
                "What the organization's tables look like is not known yet.",
                "Try again when Dynamics 365 can be reached.",
            )
        })?;
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let mut asked = Vec::new();
        let mut tables = Vec::new();
        for target in targets {
            let Some(table) = schema.table(target) else {
                continue;
            };
            let (Some(set), Some(name)) = (&table.entity_set, &table.primary_name) else {
                continue;
            };
            let also = ["emailaddress1", "internalemailaddress", "ticketnumber"];
            let also = also
                .into_iter()
                .filter(|column| table.columns.contains_key(*column))
                .map(|column| Filter::starts_with(column, text));
            let any = std::iter::once(Filter::contains(name, text))
                .chain(also)
                .collect();
            asked.push(Asked::Rows(
                Query::new(set.clone())
                    .select(told_columns(Some(&schema), target))
                    .filter(Filter::Or(any))
                    .order_by(name, Direction::Ascending)
                    .top(MOST_FOUND)
                    .formatted_values(true),
            ));
            tables.push(target);
        }
        let failed = |error: dataverse::Error| Problem::from_dataverse(&error, self.now());
        let answers = ask_all(&client, &asked).await.map_err(failed)?;
        let mut found = Vec::new();
        let mut refused = None;
        for (table, answer) in tables.into_iter().zip(answers) {
            match answer {
                Ok(Done::Page(page)) => {
                    found.extend(page.rows.iter().filter_map(|row| self.found(table, row)));
                }
                Ok(_) => {}
                Err(error) => {
                    refused.get_or_insert(error);
                }
            }
        }
        match refused {
            Some(error) if found.is_empty() => Err(failed(error)),
            _ => Ok(found),
        }
    }

    /// A row as the page lists it. Its page may be opened from now on.
    fn found(&self, table: &str, row: &Row) -> Option<Found> {
        let schema = self.schema();
        let known = schema.as_deref().and_then(|schema| schema.table(table));
        let standard = Table::from_logical_name(table);
        let key = known
            .map(|known| known.primary_id.as_str())
            .or(standard.map(Table::key_column))?;
        let name = known
            .and_then(|known| known.primary_name.as_deref())
            .or(standard.map(Table::name_column))?;
        let id = row.id(key)?;
        self.note_shown(table, id);
        let detail: Vec<String> = DETAILS
            .iter()
            .filter(|(of, _)| *of == table)
            .filter_map(|(_, column)| {
                row.formatted(column)
                    .or_else(|| row.text(column))
                    .map(str::to_owned)
            })
            .collect();
        Some(Found {
            table: table.to_owned(),
            id: id.to_string(),
            name: row
                .text(name)
                .filter(|name| !name.is_empty())
                .map_or_else(|| id.to_string(), str::to_owned),
            detail: detail.join(" · "),
        })
    }

    pub(super) fn found_record(&self, record: &Record) -> Found {
        if let Ok(id) = record.id.parse() {
            self.note_shown(record.table.logical_name(), id);
        }
        Found {
            table: record.table.logical_name().to_owned(),
            id: record.id.clone(),
            name: record.name(),
            detail: detail(record),
        }
    }
}

/// What tells a record from others: company, e-mail, phone.
pub(crate) fn detail(record: &Record) -> String {
    let company = record
        .account
        .as_deref()
        .map(Record::name)
        .or_else(|| record.text("companyname"))
        .or_else(|| {
            let Value { formatted, .. } = record.values.get("parentcustomerid")?;
            formatted.clone()
        });
    [
        company,
        record.text("emailaddress1"),
        record.text("telephone1"),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" · ")
}

/// The columns that tell a record from others, by table, as they are read.
const DETAILS: [(&str, &str); 13] = [
    ("contact", "_parentcustomerid_value"),
    ("contact", "emailaddress1"),
    ("contact", "telephone1"),
    ("lead", "companyname"),
    ("lead", "emailaddress1"),
    ("lead", "telephone1"),
    ("account", "address1_city"),
    ("account", "emailaddress1"),
    ("account", "telephone1"),
    ("incident", "ticketnumber"),
    ("incident", "statuscode"),
    ("task", "statuscode"),
    ("systemuser", "internalemailaddress"),
];

/// What is read of a record to tell it from others.
fn told_columns(schema: Option<&Schema>, table: &str) -> Vec<String> {
    let known = schema.and_then(|schema| schema.table(table));
    let standard = Table::from_logical_name(table);
    let key = known
        .map(|known| known.primary_id.as_str())
        .or(standard.map(Table::key_column));
    let name = known
        .and_then(|known| known.primary_name.as_deref())
        .or(standard.map(Table::name_column));
    let is_there = |column: &str| {
        let logical = column
            .strip_prefix('_')
            .and_then(|rest| rest.strip_suffix("_value"))
            .unwrap_or(column);
        known.is_none_or(|known| known.columns.contains_key(logical))
    };
    let details = DETAILS
        .iter()
        .filter(|(of, _)| *of == table)
        .map(|(_, column)| *column);
    key.into_iter()
        .chain(name)
        .chain(details)
        .filter(|column| is_there(column))
        .map(str::to_owned)
        .collect()
}

fn same_person(table: Table, email: Option<&str>, phone: Option<&str>) -> Option<Filter> {
    let by_email = email.map(|email| Filter::equals("emailaddress1", email));
    let digits: Vec<String> = phone
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .map(|digit| digit.to_string())
        .collect();
    // The last digits are the same however the number is written.
    let last = digits.len().saturating_sub(8);
    let pattern = digits.get(last..).filter(|digits| digits.len() >= 6);
    let phones = ["telephone1", "mobilephone"];
    let by_phone = pattern.map(|digits| {
        let columns = phones
            .into_iter()
            .map(|column| Filter::contains_pattern(column, LikePattern::joined(digits.iter())));
        Filter::Or(columns.collect())
    });
    let all: Vec<Filter> = by_email.into_iter().chain(by_phone).collect();
    (!all.is_empty() && matches!(table, Table::Contact | Table::Lead)).then_some(Filter::Or(all))
}

fn looks_same(record: &Record, email: Option<&str>, phone: Option<&str>) -> bool {
    let same_email = email.is_some_and(|email| {
        record
            .text("emailaddress1")
            .is_some_and(|known| known.eq_ignore_ascii_case(email))
    });
    let number = |text: &str| integration::phone::Number::parse(text, None);
    let same_phone = phone.and_then(number).is_some_and(|ours| {
        ["telephone1", "mobilephone"]
            .iter()
            .filter_map(|column| number(&record.text(column)?))
            .any(|theirs| ours.is_same(&theirs))
    });
    same_email || same_phone
}

/// Whether a person must give a value: forms insist on it. What the system insists on it gives itself, but for a case's
/// customer; what nobody can give (`customeridname`, which goes along with `customerid`) is not asked for.
pub(super) fn is_required(table: Table, column: &str, limits: &Limits) -> bool {
    match limits.required {
        Required::Application => limits.create,
        Required::System => table == Table::Incident && column == "customerid",
        Required::None | Required::Recommended => false,
    }
}

/// The column that says whom a record is about.
fn about_column(table: Table) -> Option<&'static str> {
    match table {
        Table::Incident => Some("customerid"),
        Table::Task => Some("regardingobjectid"),
        Table::Account | Table::Contact | Table::Lead => None,
    }
}

fn about(table: Table, filled: &Filled) -> Result<Option<About>, Problem> {
    let targets: &[Table] = match table {
        Table::Incident => &[Table::Contact, Table::Account],
        Table::Task => &[Table::Contact, Table::Lead, Table::Account, Table::Incident],
        Table::Account | Table::Contact | Table::Lead => &[],
    };
    let Some(text) = filled
        .about
        .as_deref()
        .filter(|text| !text.trim().is_empty())
    else {
        return Ok(
            (filled.new_contact && !targets.is_empty()).then_some(About::New {
                table: Table::Contact,
            }),
        );
    };
    let unfit = || {
        Problem::new(
            "about_unfit",
            "The record cannot be about this.",
            "Choose another record.",
        )
    };
    let (name, text) = text.split_once(':').ok_or_else(unfit)?;
    let of = Table::from_logical_name(name)
        .filter(|table| targets.contains(table))
        .ok_or_else(unfit)?;
    let id = id(text)?;
    Ok(Some(About::Existing { table: of, id }))
}

fn fitted(
    columns: &Columns,
    table: Table,
    column: &str,
    text: &str,
) -> Result<Option<Planned>, Problem> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    fit(columns, table, column, text)
        .map(|fitted| Some(fitted.planned))
        .map_err(|unfit| {
            Problem::new(
                "value_unfit",
                format!("{}: {}", columns.label(table, column), unfit.rule),
                "Correct the value.",
            )
        })
}

/// An id that the page sends.
pub(crate) fn id(text: &str) -> Result<Uuid, Problem> {
    text.trim().parse().map_err(|_| {
        Problem::new(
            "id_malformed",
            "This is not the id of a record or an entry.",
            "Look at the list again.",
        )
    })
}

/// There is nothing that could be written down.
pub(crate) fn no_chat() -> Problem {
    Problem::new(
        "no_chat",
        "No chat is selected.",
        "Select a chat in the Agent Console.",
    )
}
