//! Which messages the tables support: rows of `sdkmessage` and `sdkmessagefilter`, which clients read before they send a bulk
//! action.

use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::metadata::{self, Table, catalog};
use crate::store::{self, Fields};
use crate::value::{Statement, Value};
use crate::write;

/// What every table supports whose rows clients write.
const WRITES: [&str; 6] = [
    "Create",
    "Update",
    "Delete",
    "CreateMultiple",
    "UpdateMultiple",
    "UpsertMultiple",
];
const READS: [&str; 2] = ["Retrieve", "RetrieveMultiple"];

fn id(kind: &str, key: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{kind}/{key}").as_bytes()).to_string()
}

fn row<const N: usize>(pairs: [(&str, Value); N]) -> Fields {
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The rows that an organization starts with.
pub(crate) fn rows() -> Vec<(&'static str, Fields)> {
    let messages = READS.iter().chain(&WRITES).map(|message| {
        let row = row([
            ("sdkmessageid", Value::from(id("sdkmessage", message))),
            ("name", Value::from(*message)),
            ("isprivate", Value::Integer(0)),
            ("isactive", Value::Integer(1)),
        ]);
        ("sdkmessage", row)
    });
    let filters = catalog().tables.iter().flat_map(filters);
    messages
        .chain(filters.map(|row| ("sdkmessagefilter", row)))
        .collect()
}

fn filters(table: &Table) -> Vec<Fields> {
    let writes = WRITES.iter().filter(|_| !write::is_managed(table));
    let filter = |message: &&str| {
        row([
            (
                "sdkmessagefilterid",
                Value::from(id(
                    "sdkmessagefilter",
                    &format!("{message}/{}", table.logical),
                )),
            ),
            ("sdkmessageid", Value::from(id("sdkmessage", message))),
            ("primaryobjecttypecode", Value::from(table.logical.as_str())),
            ("secondaryobjecttypecode", Value::from("none")),
            ("availability", Value::Integer(0)),
            ("iscustomprocessingstepallowed", Value::Integer(1)),
        ])
    };
    READS.iter().chain(writes).map(filter).collect()
}

/// Adds the messages of a new table.
pub(crate) async fn offer(
    connection: &mut SqliteConnection,
    table: &Table,
    version: i64,
) -> Result<(), sqlx::Error> {
    for mut row in filters(table) {
        row.insert("versionnumber".to_owned(), Value::Integer(version));
        store::insert(connection, metadata::table("sdkmessagefilter"), &row).await?;
    }
    Ok(())
}

/// Removes the messages of a table that is gone.
pub(crate) async fn withdraw(
    connection: &mut SqliteConnection,
    table: &Table,
) -> Result<(), sqlx::Error> {
    Statement::new("DELETE FROM sdkmessagefilter WHERE primaryobjecttypecode = ?")
        .with(table.logical.as_str())
        .query()
        .execute(connection)
        .await?;
    Ok(())
}
