//! The identification rules, asked of the copies in the cache instead of Dynamics.
//!
//! The same questions are asked and the same judge decides (`integration::identify`), so that the answer is the one that
//! Dynamics would give if it had the rows that were copied.

use std::collections::{BTreeMap, BTreeSet};

use comm100::Conversation;
use integration::identify::{self, Filter, Scalar};
use integration::{Outcome, Record, Table, copies};
use jiff::Timestamp;
use store::{Cache, CachedRecord, CopyKey, Find, Reading, Synchronised};
use tracing::warn;

use crate::recognise::Rules;

/// What a table's synchronisation wrote into its spec if it keeps every row.
pub(crate) const WHOLE: &str = "all;";

/// What the rules find among the copies, for the tables in which they find something.
///
/// # Errors
/// If the cache cannot be read.
pub async fn recognise(
    reading: &mut Reading,
    organization: &str,
    rules: &Rules,
    conversation: &Conversation,
) -> Result<Vec<(Table, Outcome)>, store::Error> {
    let mut found = Vec::new();
    for table in Table::RECOGNISED {
        let outcome = outcome(reading, organization, rules, conversation, table).await?;
        found.extend(outcome.map(|outcome| (table, outcome)));
    }
    Ok(found)
}

async fn outcome(
    reading: &mut Reading,
    organization: &str,
    rules: &Rules,
    conversation: &Conversation,
    table: Table,
) -> Result<Option<Outcome>, store::Error> {
    let Rules {
        identification,
        fields,
        columns,
    } = rules;
    for question in identify::questions(table, identification, fields, columns, conversation) {
        let Some(rule) = identification.rules(table).get(question.rule) else {
            continue;
        };
        let copies = reading
            .find(
                organization,
                table.logical_name(),
                &find(table, &question.filter),
                question.at_most,
            )
            .await?;
        let mut records = copies
            .into_iter()
            .map(read)
            .collect::<Result<Vec<_>, _>>()?;
        put_accounts(reading, organization, &mut records).await?;
        let outcome = identify::judge(table, rule, identification, columns, conversation, records);
        if outcome.matched.is_some() {
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

/// Whether every row of a table is among the copies.
#[must_use]
pub fn is_whole(state: &Synchronised) -> bool {
    state.synced_at.is_some() && !state.is_loading && state.spec.starts_with(WHOLE)
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
    let copy = reading
        .record(organization, table.logical_name(), id)
        .await?;
    let Some(mut record) = copy.map(read).transpose()? else {
        return Ok(None);
    };
    put_accounts(reading, organization, std::slice::from_mut(&mut record)).await?;
    Ok(Some(record))
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

/// Gives contacts the copies of their accounts.
async fn put_accounts(
    reading: &mut Reading,
    organization: &str,
    records: &mut [Record],
) -> Result<(), store::Error> {
    let account_of = |record: &Record| {
        let column = copies::parent_column(record.table);
        let column = column.filter(|_| record.table == Table::Contact)?;
        Some(record.text(column)?.to_lowercase())
    };
    let ids: BTreeSet<String> = records.iter().filter_map(account_of).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let find = Find::Ids(ids.into_iter().collect());
    let table = Table::Account.logical_name();
    let copies = reading.find(organization, table, &find, u32::MAX).await?;
    let accounts = copies
        .into_iter()
        .map(|copy| Ok((copy.id.clone(), read(copy)?)))
        .collect::<Result<BTreeMap<_, _>, store::Error>>()?;
    for record in records {
        let account = account_of(record).and_then(|id| accounts.get(&id).cloned());
        record.account = account.map(Box::new);
    }
    Ok(())
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
