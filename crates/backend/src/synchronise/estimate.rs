//! How much would be copied.

use dataverse::{Client, Error, Function, Query};
use integration::Table;
use jiff::Timestamp;
use serde::Serialize;

use super::plan::Plan;
use crate::settings::offline::Keep;

/// Dataverse counts no further with a filter.
pub(super) const COUNTED_TO: u64 = 5000;

/// How many rows of a table there are, and how many of them would be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The table.
    pub table: Table,
    /// All rows, as Dynamics counted them within the last day; none if it does not tell this user.
    pub rows: Option<u64>,
    /// Those that would be copied; none if that depends on other tables, or cannot be told.
    pub copies: Option<u64>,
    /// Whether there are more copies than that: Dynamics counts no further.
    pub or_more: bool,
}

pub(super) async fn of(client: &Client, plan: &Plan, now: Timestamp) -> Result<Estimate, Error> {
    let rows = unless_refused(total(client, plan.table).await)?;
    let filter = plan.filter(now);
    let copies = match (plan.kept.keep, filter) {
        (Keep::OfContacts | Keep::Nothing, _) => None,
        (_, None) => rows,
        (_, Some(filter)) => {
            let query = Query::new(plan.table.entity_set()).filter(filter);
            unless_refused(client.count(&query).await.map(Some))?
        }
    };
    Ok(Estimate {
        table: plan.table,
        rows,
        copies,
        or_more: plan.filter(now).is_some() && copies.is_some_and(|copies| copies >= COUNTED_TO),
    })
}

/// How many rows a table has, as Dynamics counted them within the last day.
pub(super) async fn total(client: &Client, table: Table) -> Result<Option<u64>, Error> {
    let names = serde_json::json!([table.logical_name()]);
    let function = Function::new("RetrieveTotalRecordCount").with_json("EntityNames", names);
    let answer = client.call(&function).await?;
    let values = answer
        .get("EntityRecordCountCollection")
        .and_then(|collection| collection.get("Values"));
    Ok(values
        .and_then(|values| values.get(0))
        .and_then(serde_json::Value::as_u64))
}

/// That Dynamics does not tell is no failure; that it cannot be reached is.
pub(super) fn unless_refused(counted: Result<Option<u64>, Error>) -> Result<Option<u64>, Error> {
    match counted {
        Err(error) if error.is_offline() || error.is_sign_in() => Err(error),
        Err(error) => {
            tracing::info!(error.code = error.code(), "rows are not counted");
            Ok(None)
        }
        counted => counted,
    }
}
