//! Recognises a visitor: all questions of all tables go to Dynamics at the same time, so that the answer
//! is one network round trip deep; the rules then decide in their order.

use comm100::Conversation;
use dataverse::{Client, Direction, Expand, LikePattern, Literal, Page, Query, Row};
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use futures_util::{Stream, StreamExt};
use integration::columns::{Columns, Kind};
use integration::identify::{self, CONTACT_ACCOUNT, Filter, Question, Scalar};
use integration::{DisplaySettings, Identification, Outcome, Record, Table, Value};
use jiff::Timestamp;
use uuid::Uuid;

use crate::clock::Clock;

/// What a recognition goes by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The identification rules.
    pub identification: Identification,
    /// The fields to read along for display.
    pub fields: DisplaySettings,
    /// What is known of the organization's columns.
    pub columns: Columns,
}

impl Rules {
    /// Whether Dynamics is asked the same about this visitor by these rules and by others.
    #[must_use]
    pub fn ask_like(&self, others: &Rules, conversation: &Conversation) -> bool {
        let asked = |rules: &Rules, table| {
            let Rules {
                identification,
                fields,
                columns,
            } = rules;
            let read: Vec<String> = identify::columns_to_read(table, identification, fields)
                .iter()
                .map(|column| property(columns, table, column))
                .collect();
            let questions =
                identify::questions(table, identification, fields, columns, conversation);
            (read, questions)
        };
        Table::RECOGNISED
            .into_iter()
            .all(|table| asked(self, table) == asked(others, table))
    }
}

/// What Dynamics says about one table.
pub type TableAnswer = (Table, Result<Outcome, dataverse::Error>);

/// Asks Dynamics about the visitor; the answers come table by table, as they arrive.
///
/// Dropping the stream ends the requests that are still under way.
pub fn live<'a>(
    client: &'a Client,
    rules: &'a Rules,
    conversation: &'a Conversation,
    clock: &'a dyn Clock,
) -> impl Stream<Item = TableAnswer> + 'a {
    Table::RECOGNISED
        .into_iter()
        .map(|table| async move {
            (
                table,
                table_outcome(client, rules, conversation, table, clock).await,
            )
        })
        .collect::<FuturesUnordered<_>>()
}

/// All rules of a table are asked at once; the first in order that finds somebody wins, and the answers
/// of those after it are not waited for.
async fn table_outcome(
    client: &Client,
    rules: &Rules,
    conversation: &Conversation,
    table: Table,
    clock: &dyn Clock,
) -> Result<Outcome, dataverse::Error> {
    let Rules {
        identification,
        fields,
        columns,
    } = rules;
    let questions = identify::questions(table, identification, fields, columns, conversation);
    let mut answers: FuturesOrdered<_> = questions
        .iter()
        .map(|question| async move { (question.rule, ask(client, columns, question).await) })
        .collect();
    while let Some((rule, answer)) = answers.next().await {
        let read_at = clock.now();
        let question = questions.iter().find(|question| question.rule == rule);
        let (Some(question), Some(rule)) = (question, identification.rules(table).get(rule)) else {
            continue;
        };
        let records = answer?
            .rows
            .iter()
            .filter_map(|row| record(columns, question, row, read_at))
            .collect();
        let outcome = identify::judge(table, rule, identification, columns, conversation, records);
        if outcome.matched.is_some() {
            return Ok(outcome);
        }
    }
    Ok(Outcome::default())
}

/// A contact's account is read along with it; where that is refused (no right to read accounts, a column that
/// accounts do not have) the contact is read without it, since the question about accounts tells of the fault.
pub(crate) async fn ask(
    client: &Client,
    known: &Columns,
    question: &Question,
) -> Result<Page, dataverse::Error> {
    match client.query(&query(known, question, true)).await {
        Err(error) if !question.account_columns.is_empty() && is_about_the_question(&error) => {
            client.query(&query(known, question, false)).await
        }
        answer => answer,
    }
}

/// A record as recognition has it, for one that is known by its id; none if there is no such record (any more).
pub(crate) async fn by_id(
    client: &Client,
    rules: &Rules,
    table: Table,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Record>, dataverse::Error> {
    let columns = |table| identify::columns_to_read(table, &rules.identification, &rules.fields);
    let question = Question {
        table,
        rule: 0,
        filter: Filter::Is(table.key_column().to_owned(), Scalar::Id(id.to_string())),
        at_most: 1,
        columns: columns(table),
        account_columns: match table {
            Table::Contact => columns(Table::Account),
            Table::Account | Table::Lead | Table::Incident | Table::Task => Vec::new(),
        },
    };
    let page = ask(client, &rules.columns, &question).await?;
    let row = page.rows.first();
    Ok(row.and_then(|row| record(&rules.columns, &question, row, now)))
}

fn is_about_the_question(error: &dataverse::Error) -> bool {
    matches!(
        error,
        dataverse::Error::MissingPrivilege { .. }
            | dataverse::Error::Forbidden(_)
            | dataverse::Error::BadRequest(_)
            | dataverse::Error::InvalidValue(_)
    )
}

/// The question in Dataverse's words. Active records come first, then the most recently changed.
pub(crate) fn query(known: &Columns, question: &Question, with_account: bool) -> Query {
    let table = question.table;
    let mut query = Query::new(table.entity_set())
        .select(
            question
                .columns
                .iter()
                .map(|column| property(known, table, column)),
        )
        .filter(filter(known, table, &question.filter))
        .order_by("statecode", Direction::Ascending)
        .order_by("modifiedon", Direction::Descending)
        .order_by(table.key_column(), Direction::Ascending)
        .top(question.at_most)
        .formatted_values(true);
    if with_account && !question.account_columns.is_empty() {
        let columns = question
            .account_columns
            .iter()
            .map(|column| property(known, Table::Account, column));
        query = query.expand(Expand::new(CONTACT_ACCOUNT).select(columns));
    }
    query
}

/// A lookup is read as `_name_value` (protocol page `crud.md`, section Retrieve).
pub(crate) fn property(known: &Columns, table: Table, column: &str) -> String {
    if known.kind(table, column) == Some(Kind::Lookup) {
        format!("_{column}_value")
    } else {
        column.to_owned()
    }
}

fn filter(known: &Columns, table: Table, asked: &Filter) -> dataverse::Filter {
    filter_behind("", known, table, asked)
}

/// The filter in Dataverse's words, on the row behind a path of lookups: `customerid_contact/`; on the row itself without.
pub(crate) fn filter_behind(
    path: &str,
    known: &Columns,
    table: Table,
    asked: &Filter,
) -> dataverse::Filter {
    let property = |column| format!("{path}{}", property(known, table, column));
    let part = |part| filter_behind(path, known, table, part);
    match asked {
        Filter::Is(column, Scalar::RowName(name)) => {
            let names = known.names_of_rows(table, column).iter();
            let is = |place| dataverse::Filter::equals(format!("{path}{place}"), name.as_str());
            dataverse::Filter::Or(names.map(is).collect())
        }
        Filter::Is(column, value) => dataverse::Filter::equals(property(column), literal(value)),
        Filter::BeginsWith(column, text) => dataverse::Filter::starts_with(property(column), text),
        Filter::EndsWith(column, text) => dataverse::Filter::ends_with(property(column), text),
        Filter::Contains(column, text) => dataverse::Filter::contains(property(column), text),
        Filter::HasDigits(column, digits) => {
            let pieces = digits.chars().map(|digit| digit.to_string());
            dataverse::Filter::contains_pattern(property(column), LikePattern::joined(pieces))
        }
        Filter::All(all) => dataverse::Filter::And(all.iter().map(part).collect()),
        Filter::Any(any) => dataverse::Filter::Or(any.iter().map(part).collect()),
    }
}

fn literal(value: &Scalar) -> Literal {
    match value {
        Scalar::Text(text) | Scalar::RowName(text) => Literal::Text(text.clone()),
        Scalar::Id(id) => id
            .parse()
            .map_or_else(|_| Literal::Text(id.clone()), Literal::Guid),
        Scalar::Integer(number) => Literal::Integer(*number),
        Scalar::Boolean(yes) => Literal::Boolean(*yes),
    }
}

/// A row as the decisions see it. A row without id is none.
pub(crate) fn record(
    known: &Columns,
    question: &Question,
    row: &Row,
    read_at: Timestamp,
) -> Option<Record> {
    let mut record = plain_record(known, question.table, &question.columns, row, read_at)?;
    record.account = row
        .expanded(CONTACT_ACCOUNT)
        .and_then(|account| {
            plain_record(
                known,
                Table::Account,
                &question.account_columns,
                &account,
                read_at,
            )
        })
        .map(Box::new);
    Some(record)
}

pub(crate) fn plain_record(
    known: &Columns,
    table: Table,
    columns: &[String],
    row: &Row,
    read_at: Timestamp,
) -> Option<Record> {
    let value = |column: &String| {
        let property = property(known, table, column);
        let formatted = row.formatted(&property).map(str::to_owned);
        (
            column.clone(),
            Value {
                raw: row.value(&property).clone(),
                formatted,
            },
        )
    };
    Some(Record {
        table,
        id: row.id(table.key_column())?.to_string(),
        values: columns.iter().map(value).collect(),
        read_at,
        account: None,
    })
}
