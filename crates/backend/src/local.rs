//! The identification rules, asked of the copies in the cache instead of Dynamics.
//!
//! The same questions are asked and the same judge decides (`integration::identify`), so that the answer is the one that
//! Dynamics would give if it had the rows that were copied.

use comm100::Conversation;
use integration::identify::{self, Filter, Scalar};
use integration::{Outcome, Record, Table, copies};
use jiff::Timestamp;
use store::{Along, Ask, Cache, CachedRecord, CopyKey, Find, Found, Reading};
use tracing::warn;

use crate::recognise::Rules;

/// Where the id of its account stands in the copy of a contact.
const ACCOUNT_ID: &str = "$.values.parentcustomerid.raw";

/// What a table's synchronisation wrote into its spec if it keeps every row.
pub(crate) const WHOLE: &str = "all;";

/// What the rules find in a table.
#[derive(Debug)]
pub struct Local {
    /// The table.
    pub table: Table,
    /// What they find; something is matched.
    pub outcome: Outcome,
    /// Whether every row of the table is among the copies.
    pub is_whole: bool,
}

/// What the rules find among the copies, for the tables in which they find something.
///
/// # Errors
/// If the cache cannot be read.
pub async fn recognise(
    reading: &mut Reading,
    organization: &str,
    rules: &Rules,
    conversation: &Conversation,
) -> Result<Vec<Local>, store::Error> {
    let Rules {
        identification,
        fields,
        columns,
    } = rules;
    let questions = |table| {
        identify::questions(table, identification, fields, columns, conversation).into_iter()
    };
    let mut left = Table::RECOGNISED.map(|table| (table, questions(table)));
    let mut found = Vec::new();
    loop {
        // The next rule of every table in which nobody was found yet: one way to the file and back for all of them.
        let asked: Vec<_> = left
            .iter_mut()
            .filter_map(|(table, left)| {
                let question = left.next()?;
                Some((find(*table, &question.filter), question))
            })
            .collect();
        if asked.is_empty() {
            return Ok(found);
        }
        let asks: Vec<_> = asked
            .iter()
            .map(|(find, question)| ask(question.table, find, question.at_most))
            .collect();
        let copies = reading.find_each(organization, &asks).await?;
        for ((_, question), copies) in asked.iter().zip(copies) {
            let table = question.table;
            let Some(rule) = identification.rules(table).get(question.rule) else {
                continue;
            };
            let is_whole = copies.first().is_some_and(is_whole);
            let records = copies
                .into_iter()
                .map(with_account)
                .collect::<Result<_, _>>()?;
            let outcome =
                identify::judge(table, rule, identification, columns, conversation, records);
            if outcome.matched.is_some() {
                let rest = left.iter_mut().filter(|(other, _)| *other == table);
                rest.for_each(|(_, rest)| *rest = Vec::new().into_iter());
                found.push(Local {
                    table,
                    outcome,
                    is_whole,
                });
            }
        }
    }
}

/// Whether every row of the table of what was found is among the copies.
fn is_whole(found: &Found) -> bool {
    found
        .loaded
        .as_ref()
        .is_some_and(|spec| spec.starts_with(WHOLE))
}

/// What is asked of a table; of contacts together with their accounts.
fn ask(table: Table, find: &Find, at_most: u32) -> Ask<'_> {
    Ask {
        entity: table.logical_name(),
        find,
        at_most,
        along: (table == Table::Contact).then_some(Along {
            id_at: ACCOUNT_ID,
            entity: Table::Account.logical_name(),
        }),
    }
}

/// The copy of a record, a contact's with its account.
///
/// # Errors
/// If the cache cannot be read.
pub async fn record(
    reading: &mut Reading,
    organization: &str,
    table: Table,
    id: &str,
) -> Result<Option<Record>, store::Error> {
    let find = Find::Ids(vec![id.to_owned()]);
    let found = reading
        .find_each(organization, &[ask(table, &find, 1)])
        .await?;
    found
        .into_iter()
        .flatten()
        .next()
        .map(with_account)
        .transpose()
}

/// A record as it is kept: a contact without its account, which has a copy of its own.
///
/// # Errors
/// If the record has no JSON form.
pub fn copy(rules: &Rules, record: &Record) -> Result<CachedRecord, serde_json::Error> {
    let mut alone = record.clone();
    alone.account = None;
    let country = rules.identification.default_country.as_deref();
    let keys = copies::keys(&rules.identification, &rules.columns, record);
    Ok(CachedRecord {
        entity: record.table.logical_name().to_owned(),
        id: record.id.clone(),
        body: serde_json::to_string(&alone)?,
        read_at: record.read_at,
        is_inactive: record.is_inactive(),
        modified_at: modified_at(record),
        keys: keys
            .into_iter()
            .map(|(name, value)| CopyKey { name, value })
            .collect(),
        words: copies::words_of(record, country).join(" "),
    })
}

/// Keeps copies of records, and of the accounts that were read along with contacts. A cache that cannot be written is no reason to stop: it is logged.
pub async fn keep(cache: &Cache, organization: &str, rules: &Rules, records: &[Record]) {
    let all = records
        .iter()
        .flat_map(|record| [Some(record), record.account.as_deref()])
        .flatten();
    let copies: Result<Vec<_>, _> = all.map(|record| copy(rules, record)).collect();
    let copies = match copies {
        Ok(copies) => copies,
        Err(error) => {
            warn!(%error, "a record has no JSON form and is not cached");
            return;
        }
    };
    if let Err(error) = cache.keep(organization, &copies).await {
        warn!(error.code = error.code(), "records could not be cached");
    }
}

/// When Dynamics changed the record last, if that was read.
#[must_use]
pub fn modified_at(record: &Record) -> Option<Timestamp> {
    record.text("modifiedon")?.parse().ok()
}

/// A copy as a record, as old as the cache says.
///
/// # Errors
/// If it cannot be understood.
pub fn read(copy: CachedRecord) -> Result<Record, store::Error> {
    let record: Record =
        serde_json::from_str(&copy.body).map_err(|_| store::Error::Stored("record"))?;
    Ok(Record {
        read_at: copy.read_at,
        ..record
    })
}

fn with_account(found: Found) -> Result<Record, store::Error> {
    let account = found.along.map(read).transpose()?;
    Ok(Record {
        account: account.map(Box::new),
        ..read(found.record)?
    })
}

/// The question in the cache's words.
fn find(table: Table, filter: &Filter) -> Find {
    if let Some(id) = copies::asked_id(table, filter) {
        return Find::Ids(vec![id]);
    }
    let text = |column: &str, value: &str| CopyKey {
        name: copies::text_key(column),
        value: identify::fold(value),
    };
    match filter {
        Filter::Is(lookup, Scalar::RowName(name)) => Find::Is(CopyKey {
            name: copies::name_key(lookup),
            value: identify::fold(name),
        }),
        Filter::Is(column, scalar) => Find::Is(text(column, &copies::scalar_key(scalar))),
        Filter::BeginsWith(column, value) => Find::BeginsWith(text(column, value)),
        Filter::EndsWith(column, value) => Find::EndsWith(text(column, value)),
        Filter::Contains(column, value) => Find::Contains(text(column, value)),
        Filter::HasDigits(column, digits) => Find::Is(CopyKey {
            name: copies::digits_key(column),
            value: digits.clone(),
        }),
        Filter::All(all) => Find::All(all.iter().map(|part| find(table, part)).collect()),
        Filter::Any(any) => Find::Any(any.iter().map(|part| find(table, part)).collect()),
    }
}
