//! What happened lately around the people that were recognised: cases, activities, notes.
//!
//! Open cases are asked for at the same time as the people ([`open_cases`]), by the people's own rules seen from the case;
//! everything else is asked for when it is known who they are ([`of`]).

use std::collections::BTreeSet;

use comm100::Conversation;
use dataverse::{Client, Direction, Filter, Query, Row};
use futures_util::Stream;
use futures_util::stream::FuturesUnordered;
use integration::{Recognition, Record, Table, Value, copies, identify};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Cache, CachedAnswer, CopyKey, Find};
use tracing::{info, warn};
use uuid::Uuid;

use crate::clock::Clock;
use crate::local;
use crate::recognise::{self, Rules};

/// How many cases, activities and notes are read of each kind.
const MOST_READ: u32 = 15;
/// How many cases are read while it is not known whose they are.
const MOST_OF_RULES: u32 = 25;
/// How many lines there are at most.
const MOST_LINES: usize = 25;

/// The people that were recognised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct People {
    contact: Option<Uuid>,
    account: Option<Uuid>,
    lead: Option<Uuid>,
}

impl People {
    pub(crate) fn of(recognition: &Recognition) -> People {
        let id = |table| {
            recognition
                .of(table)?
                .matched
                .as_ref()?
                .record
                .id
                .parse()
                .ok()
        };
        People {
            contact: id(Table::Contact),
            account: id(Table::Account),
            lead: id(Table::Lead),
        }
    }

    pub(crate) fn is_nobody(&self) -> bool {
        *self == People::default()
    }

    fn all(&self) -> impl Iterator<Item = (Table, Uuid)> {
        [
            (Table::Contact, self.contact),
            (Table::Account, self.account),
            (Table::Lead, self.lead),
        ]
        .into_iter()
        .filter_map(|(table, id)| Some((table, id?)))
    }

    /// Which of them an id belongs to.
    fn table_of(&self, id: Option<&str>) -> Option<Table> {
        let id: Uuid = id?.parse().ok()?;
        self.all()
            .find(|(_, known)| *known == id)
            .map(|(table, _)| table)
    }

    /// Whose case it is: the person's before the company's.
    fn table_of_case(&self, case: &Record) -> Option<Table> {
        let of = |column| self.table_of(case.text(column).as_deref());
        of("primarycontactid").or_else(|| of("customerid"))
    }

    fn key(&self) -> Vec<u8> {
        let asked = serde_json::json!(["timeline", self.contact, self.account, self.lead]);
        Sha256::digest(asked.to_string().as_bytes()).to_vec()
    }
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// A case.
    Case,
    /// An activity, by the logical name of its own table: `task`, `phonecall`, …
    Activity(String),
    /// A note.
    Note,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) what: What,
    /// The id of the case, activity or note.
    pub(crate) id: Uuid,
    /// Its title or subject; empty if it has none.
    pub(crate) title: String,
    /// A case's number, a note's file.
    pub(crate) detail: String,
    /// How it stands, in Dynamics' words; empty for a note.
    pub(crate) status: String,
    /// Whether something is still to be done.
    pub(crate) is_open: bool,
    /// When it is due.
    pub(crate) due_at: Option<Timestamp>,
    /// When it was changed last.
    pub(crate) at: Option<Timestamp>,
    /// Which of the people it belongs to.
    pub(crate) of: Table,
    /// The record that can be opened for it: a note has no page of its own.
    pub(crate) page: (String, Uuid),
}

/// Values are personal: only what it is about is shown.
impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({:?} {})", self.what, self.id)
    }
}

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) lines: Vec<Line>,
    /// Why a part is missing.
    pub(crate) refused: Option<dataverse::Error>,
    /// Whether a part could be read.
    pub(crate) is_answered: bool,
    cases: Vec<Record>,
}

/// Open cases of whoever the rules for contacts and accounts find: the rules' own questions, asked of the customer of each
/// case, so that the answer needs no person's id. The questions with an index and those without go separately. Cases of
/// others may be among them: [`lines_of_cases`] leaves them out.
pub(crate) fn open_cases<'a>(
    client: &'a Client,
    rules: &'a Rules,
    conversation: &Conversation,
    clock: &'a dyn Clock,
) -> impl Stream<Item = Vec<Record>> + 'a {
    let Rules {
        identification,
        fields,
        columns,
    } = rules;
    let mut narrow = Vec::new();
    let mut wide = Vec::new();
    let contacts = ["customerid_contact/", "primarycontactid/"];
    let accounts = ["customerid_account/"];
    for (table, paths) in [
        (Table::Contact, contacts.as_slice()),
        (Table::Account, accounts.as_slice()),
    ] {
        for question in identify::questions(table, identification, fields, columns, conversation) {
            let part = if question.filter.is_wide() {
                &mut wide
            } else {
                &mut narrow
            };
            let behind =
                |path: &&str| recognise::filter_behind(path, columns, table, &question.filter);
            part.extend(paths.iter().map(behind));
        }
    }
    [narrow, wide]
        .into_iter()
        .filter(|filters| !filters.is_empty())
        .map(|filters| async move {
            let query = cases(rules)
                .filter(Filter::equals("statecode", 0_i64))
                .filter(Filter::Or(filters))
                .top(MOST_OF_RULES);
            match client.query(&query).await {
                Ok(page) => case_records(rules, &page.rows, clock.now()),
                // They are asked for again when it is known who it is, and that tells of the fault.
                Err(error) => {
                    info!(error.code = error.code(), "open cases cannot be read ahead");
                    Vec::new()
                }
            }
        })
        .collect::<FuturesUnordered<_>>()
}

/// Everything of these people.
pub(crate) async fn of(client: &Client, rules: &Rules, people: &People, now: Timestamp) -> Read {
    let any_of = |column: &str, tables: &[Table]| {
        let ids = people.all().filter(|(table, _)| tables.contains(table));
        ids.map(|(_, id)| Filter::equals(column, id))
            .collect::<Vec<_>>()
    };
    let mut customers = any_of("_customerid_value", &[Table::Contact, Table::Account]);
    customers.extend(any_of("_primarycontactid_value", &[Table::Contact]));
    let asked = |query: Option<Query>| async move {
        match query {
            None => Ok(Vec::new()),
            Some(query) => client.query(&query).await.map(|page| page.rows),
        }
    };
    let case_query =
        (!customers.is_empty()).then(|| cases(rules).filter(Filter::Or(customers)).top(MOST_READ));
    let everybody = [Table::Contact, Table::Account, Table::Lead];
    let activities = any_of("_regardingobjectid_value", &everybody);
    let activity_query = (!activities.is_empty()).then(|| {
        Query::new("activitypointers")
            .select([
                "activityid",
                "activitytypecode",
                "subject",
                "statecode",
                "statuscode",
                "scheduledend",
                "modifiedon",
                "_regardingobjectid_value",
            ])
            .filter(Filter::Or(activities))
            .order_by("modifiedon", Direction::Descending)
            .order_by("activityid", Direction::Ascending)
            .top(MOST_READ)
            .formatted_values(true)
    });
    let notes = any_of("_objectid_value", &everybody);
    let note_query = (!notes.is_empty()).then(|| {
        Query::new("annotations")
            .select([
                "annotationid",
                "subject",
                "filename",
                "modifiedon",
                "_objectid_value",
            ])
            .filter(Filter::Or(notes))
            .order_by("modifiedon", Direction::Descending)
            .order_by("annotationid", Direction::Ascending)
            .top(MOST_READ)
            .formatted_values(true)
    });
    let (cases, activities, notes) =
        tokio::join!(asked(case_query), asked(activity_query), asked(note_query));
    let mut read = Read::default();
    read.cases = case_records(rules, &read.take(cases), now);
    read.lines = lines_of_cases(&read.cases, people);
    let activities = read.take(activities);
    let activities = activities.iter().filter_map(|row| activity(row, people));
    read.lines.extend(activities);
    let notes = read.take(notes);
    read.lines
        .extend(notes.iter().filter_map(|row| note(row, people)));
    read.lines = in_order(std::mem::take(&mut read.lines));
    read
}

impl Read {
    fn take(&mut self, answer: Result<Vec<Row>, dataverse::Error>) -> Vec<Row> {
        match answer {
            Ok(rows) => {
                self.is_answered = true;
                rows
            }
            Err(error) => {
                warn!(error.code = error.code(), error.chain = %error, "a part of the timeline cannot be read");
                self.refused.get_or_insert(error);
                Vec::new()
            }
        }
    }
}

/// Open ones first, cases before others; then by their last change.
pub(crate) fn in_order(mut lines: Vec<Line>) -> Vec<Line> {
    let rank = |line: &Line| match (line.is_open, &line.what) {
        (true, What::Case) => 0,
        (true, What::Activity(_) | What::Note) => 1,
        (false, _) => 2,
    };
    lines.sort_by(|one, other| {
        (rank(one), std::cmp::Reverse(one.at), one.id).cmp(&(
            rank(other),
            std::cmp::Reverse(other.at),
            other.id,
        ))
    });
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.id));
    lines.truncate(MOST_LINES);
    lines
}

/// The cases that belong to these people.
pub(crate) fn lines_of_cases(cases: &[Record], people: &People) -> Vec<Line> {
    let line = |case: &Record| {
        let id = case.id.parse().ok()?;
        let status = case.values.get("statuscode");
        Some(Line {
            what: What::Case,
            id,
            title: case.text("title").unwrap_or_default(),
            detail: case.text("ticketnumber").unwrap_or_default(),
            status: status.and_then(shown).unwrap_or_default(),
            is_open: !case.is_inactive(),
            due_at: None,
            at: local::modified_at(case),
            of: people.table_of_case(case)?,
            page: (Table::Incident.logical_name().to_owned(), id),
        })
    };
    cases.iter().filter_map(line).collect()
}

fn shown(value: &Value) -> Option<String> {
    value.formatted.clone().or_else(|| value.text())
}

fn activity(row: &Row, people: &People) -> Option<Line> {
    let id = row.id("activityid")?;
    let of = people.table_of(row.text("_regardingobjectid_value"))?;
    let table = row.text("activitytypecode")?.to_owned();
    // Open or scheduled.
    let is_open = matches!(row.value("statecode").as_i64(), Some(0 | 3));
    Some(Line {
        what: What::Activity(table.clone()),
        id,
        title: row.text("subject").unwrap_or_default().to_owned(),
        detail: String::new(),
        status: row.formatted("statuscode").unwrap_or_default().to_owned(),
        is_open,
        due_at: time(row, "scheduledend").filter(|_| is_open),
        at: time(row, "modifiedon"),
        of,
        page: (table, id),
    })
}

fn note(row: &Row, people: &People) -> Option<Line> {
    let object = row.id("_objectid_value")?;
    let of = people.table_of(row.text("_objectid_value"))?;
    Some(Line {
        what: What::Note,
        id: row.id("annotationid")?,
        title: row.text("subject").unwrap_or_default().to_owned(),
        detail: row.text("filename").unwrap_or_default().to_owned(),
        status: String::new(),
        is_open: false,
        due_at: None,
        at: time(row, "modifiedon"),
        of,
        page: (of.logical_name().to_owned(), object),
    })
}

fn time(row: &Row, column: &str) -> Option<Timestamp> {
    row.text(column)?.parse().ok()
}

/// The columns of a case: those that a copy of it is found by, and those that a line shows.
fn case_columns(rules: &Rules) -> Vec<String> {
    let mut columns =
        identify::columns_to_read(Table::Incident, &rules.identification, &rules.fields);
    for column in ["statuscode", "primarycontactid"] {
        if !columns.iter().any(|known| known == column) {
            columns.push(column.to_owned());
        }
    }
    columns
}

/// A query of cases, open ones first.
fn cases(rules: &Rules) -> Query {
    let table = Table::Incident;
    let columns = case_columns(rules);
    let columns = columns
        .iter()
        .map(|column| recognise::property(&rules.columns, table, column));
    Query::new(table.entity_set())
        .select(columns)
        .order_by("statecode", Direction::Ascending)
        .order_by("modifiedon", Direction::Descending)
        .order_by(table.key_column(), Direction::Ascending)
        .formatted_values(true)
}

fn case_records(rules: &Rules, rows: &[Row], now: Timestamp) -> Vec<Record> {
    let columns = case_columns(rules);
    rows.iter()
        .filter_map(|row| {
            recognise::plain_record(&rules.columns, Table::Incident, &columns, row, now)
        })
        .collect()
}

/// What is kept of a timeline. The people's ids stand in it, so that it can be found by them.
#[derive(Serialize, Deserialize)]
struct Kept {
    people: Vec<Uuid>,
    lines: Vec<Line>,
}

/// Keeps a timeline, and its cases as copies. A cache that cannot be written is no reason to stop: it is logged.
pub(crate) async fn keep(
    cache: &Cache,
    organization: &str,
    rules: &Rules,
    people: &People,
    read: &Read,
    now: Timestamp,
) {
    let kept = Kept {
        people: people.all().map(|(_, id)| id).collect(),
        lines: read.lines.clone(),
    };
    let copies = read.cases.iter().map(|case| local::copy(rules, case));
    let written = copies
        .collect::<Result<Vec<_>, _>>()
        .and_then(|copies| Ok((serde_json::to_string(&kept)?, copies)));
    let (body, copies) = match written {
        Ok(written) => written,
        Err(error) => {
            warn!(%error, "a timeline has no JSON form and is not cached");
            return;
        }
    };
    let answer = CachedAnswer { body, read_at: now };
    if let Err(error) = cache
        .put(organization, &people.key(), &answer, &copies)
        .await
    {
        warn!(error.code = error.code(), "a timeline could not be cached");
    }
}

/// What is known of these people's timeline without asking Dynamics, and since when: what it said last, and copies of
/// their cases. None if nothing is.
pub(crate) async fn cached(
    cache: &Cache,
    organization: &str,
    people: &People,
) -> Option<(Vec<Line>, Timestamp)> {
    let read = async {
        let answer = cache.answer(organization, &people.key()).await?;
        let is = |id: Uuid| {
            Some(Find::Is(CopyKey {
                name: copies::text_key(copies::parent_column(Table::Incident)?),
                value: id.to_string(),
            }))
        };
        let customers = [people.contact, people.account].into_iter().flatten();
        let find = Find::Any(customers.filter_map(is).collect());
        let table = Table::Incident.logical_name();
        let copies = cache.find(organization, table, &find, MOST_READ).await?;
        let cases = copies
            .into_iter()
            .map(local::read)
            .collect::<Result<Vec<_>, _>>()?;
        Ok::<_, store::Error>((answer, cases))
    };
    let (answer, cases) = match read.await {
        Ok(read) => read,
        Err(error) => {
            warn!(error.code = error.code(), "the cache could not be read");
            return None;
        }
    };
    let mut oldest = answer.as_ref().map(|answer| answer.read_at);
    let kept = answer.and_then(|answer| serde_json::from_str::<Kept>(&answer.body).ok());
    let kept = kept.map(|kept| kept.lines).unwrap_or_default();
    // A copy that is as old as what was said last may stand for a case that has gone since.
    let newer: Vec<Record> = cases
        .into_iter()
        .filter(|case| oldest.is_none_or(|said| case.read_at > said))
        .collect();
    if oldest.is_none() {
        oldest = newer.iter().map(|case| case.read_at).min();
    }
    let mut lines = lines_of_cases(&newer, people);
    lines.extend(kept);
    oldest.map(|since| (in_order(lines), since))
}
