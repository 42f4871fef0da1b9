//! The database: one SQLite table for each table of the organization, columns by their logical names.
//!
//! Text columns compare by the collation [`crate::text::COLLATION`], so that every `=`, `ORDER BY` and index is
//! case-insensitive. A polymorphic look-up keeps the table of its row in `<column>__type`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::metadata::{AlternateKey, Catalog, Column, Kind, Parent, Table, catalog};
use crate::text;
use crate::value::{Statement, Value};

/// Columns by which clients look people up: each gets an index.
const LOOKED_UP: [&str; 11] = [
    "emailaddress1",
    "emailaddress2",
    "emailaddress3",
    "telephone1",
    "telephone2",
    "telephone3",
    "mobilephone",
    "fullname",
    "name",
    "accountnumber",
    "ticketnumber",
];

/// The first version number that a row gets.
const FIRST_VERSION: i64 = 2_500_000;

/// The open database.
#[derive(Debug)]
pub(crate) struct Store {
    pool: SqlitePool,
    version: AtomicI64,
    /// Was the file empty?
    pub(crate) is_new: bool,
    /// Removed with everything in it when the store is dropped.
    _directory: Option<tempfile::TempDir>,
}

impl Store {
    /// Opens `data`, or a temporary file that goes when the store goes.
    pub(crate) async fn open(data: Option<&Path>) -> Result<Store, sqlx::Error> {
        let (file, directory) = match data {
            Some(file) => (file.to_owned(), None),
            None => {
                let directory = tempfile::Builder::new()
                    .prefix("practice-organization-")
                    .tempdir()?;
                (directory.path().join("organization.db"), Some(directory))
            }
        };
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if directory.is_some() {
                SqliteSynchronous::Off
            } else {
                SqliteSynchronous::Normal
            })
            .busy_timeout(std::time::Duration::from_secs(30))
            // 64 MiB for each connection: the indexes of a million contacts are not read from disk again and again.
            .pragma("cache_size", "-65536")
            .collation(text::COLLATION, text::compare)
            .with_regexp();
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .connect_with(options)
            .await?;
        let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master")
            .fetch_one(&pool)
            .await?;
        let store = Store {
            pool,
            version: AtomicI64::new(FIRST_VERSION),
            is_new: tables == 0,
            _directory: directory,
        };
        store.prepare().await?;
        Ok(store)
    }

    /// Closes the database.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// A transaction that may write.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }

    pub(crate) fn next_version(&self) -> i64 {
        self.version.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Makes what a new organization has and the file has not yet.
    async fn prepare(&self) -> Result<(), sqlx::Error> {
        let mut transaction = self.write().await?;
        for table in &catalog().tables {
            shape(&mut transaction, table).await?;
        }
        let view = activities(catalog());
        for statement in [format!("DROP VIEW IF EXISTS {ACTIVITIES}"), view] {
            Statement::new(statement)
                .query()
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Goes on behind the highest version number that a row has.
    pub(crate) async fn continue_versions(&self, catalog: &Catalog) -> Result<(), sqlx::Error> {
        let mut highest = FIRST_VERSION;
        for table in &catalog.tables {
            let statement =
                Statement::new(format!("SELECT MAX(versionnumber) FROM {}", table.logical));
            let row = statement.query().fetch_one(&self.pool).await?;
            highest = highest.max(Value::at(&row, 0)?.integer().unwrap_or(0));
        }
        self.version.store(highest, Ordering::SeqCst);
        Ok(())
    }
}

/// Gives a table the SQL table, columns and indexes that it lacks.
pub(crate) async fn shape(
    connection: &mut SqliteConnection,
    table: &Table,
) -> Result<(), sqlx::Error> {
    if table.is_view() {
        return Ok(());
    }
    let columns = columns(table);
    let definitions: Vec<&str> = columns.iter().map(|(_, text)| text.as_str()).collect();
    let create = format!(
        "CREATE TABLE IF NOT EXISTS {} ({})",
        table.logical,
        definitions.join(", ")
    );
    Statement::new(create)
        .query()
        .execute(&mut *connection)
        .await?;
    let present = Statement::new("SELECT name FROM pragma_table_info(?)")
        .with(table.logical.as_str())
        .query()
        .fetch_all(&mut *connection)
        .await?;
    let mut has = Vec::new();
    for row in &present {
        has.push(Value::at(row, 0)?.text().unwrap_or_default().to_owned());
    }
    let missing = columns.iter().filter(|(name, _)| !has.contains(name));
    let added = missing.map(|(_, text)| format!("ALTER TABLE {} ADD COLUMN {text}", table.logical));
    for statement in added.chain(indexes(table)) {
        Statement::new(statement)
            .query()
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Takes a table with its rows, and the notes about them, from the database.
pub(crate) async fn drop_table(
    connection: &mut SqliteConnection,
    table: &Table,
) -> Result<(), sqlx::Error> {
    Statement::new("DELETE FROM annotation WHERE objectid__type = ?")
        .with(table.logical.as_str())
        .query()
        .execute(&mut *connection)
        .await?;
    Statement::new(format!("DROP TABLE IF EXISTS {}", table.logical))
        .query()
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes a column, and the index on it, from a table.
pub(crate) async fn drop_column(
    connection: &mut SqliteConnection,
    table: &Table,
    column: &Column,
) -> Result<(), sqlx::Error> {
    let mut statements = vec![
        format!("DROP INDEX IF EXISTS {}", index_name(table, column)),
        format!("ALTER TABLE {} DROP COLUMN {}", table.logical, column.name),
    ];
    if column.is_polymorphic() {
        statements.push(format!(
            "ALTER TABLE {} DROP COLUMN {}",
            table.logical,
            column.type_name()
        ));
    }
    for statement in statements {
        Statement::new(statement)
            .query()
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The table whose rows are those of all kinds of activities.
const ACTIVITIES: &str = "activitypointer";

/// `activitypointer` is no table of its own but what its columns show of every activity. Columns that a kind of activity does
/// not have are null.
fn activities(catalog: &Catalog) -> String {
    let Some(pointer) = catalog.table(ACTIVITIES) else {
        return String::new();
    };
    let names = column_names(pointer);
    let kinds = catalog
        .tables
        .iter()
        .filter(|table| table.is_activity && table.logical != ACTIVITIES);
    let selects: Vec<String> = kinds
        .map(|kind| {
            let has = column_names(kind);
            let columns: Vec<String> = names
                .iter()
                .map(|name| match has.contains(name) {
                    true => name.clone(),
                    false => format!("NULL AS {name}"),
                })
                .collect();
            format!("SELECT {} FROM {}", columns.join(", "), kind.logical)
        })
        .collect();
    format!(
        "CREATE VIEW {ACTIVITIES} ({}) AS {}",
        names.join(", "),
        selects.join(" UNION ALL ")
    )
}

/// The SQL columns of a table: name and definition.
fn columns(table: &Table) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for column in &table.columns {
        let kind = if column.name == table.id {
            "TEXT PRIMARY KEY NOT NULL".to_owned()
        } else {
            sql_type(column)
        };
        columns.push((column.name.clone(), format!("{} {kind}", column.name)));
        if column.is_polymorphic() {
            let name = column.type_name();
            columns.push((name.clone(), format!("{name} TEXT")));
        }
    }
    if table.column("versionnumber").is_none() {
        columns.push((
            "versionnumber".to_owned(),
            "versionnumber INTEGER".to_owned(),
        ));
    }
    columns
}

/// The columns of a table that have an index.
fn indexed(table: &Table) -> impl Iterator<Item = &Column> {
    let looked_up = |column: &&Column| {
        let is_key = |key: &AlternateKey| key.columns.first() == Some(&column.name);
        LOOKED_UP.contains(&column.name.as_str())
            || table.alternate_keys.iter().any(is_key)
            || is_followed(table, column)
    };
    table.columns.iter().filter(looked_up)
}

fn index_name(table: &Table, column: &Column) -> String {
    format!("{}__{}", table.logical, column.name)
}

fn indexes(table: &Table) -> impl Iterator<Item = String> {
    indexed(table).map(|column| {
        format!(
            "CREATE INDEX IF NOT EXISTS {name} ON {table} ({column}) WHERE {column} IS NOT NULL",
            name = index_name(table, column),
            table = table.logical,
            column = column.name
        )
    })
}

/// Look-ups that a deleted parent's cascade or a collection navigation property follows.
fn is_followed(table: &Table, column: &Column) -> bool {
    const PARENTS: [&str; 7] = [
        "account",
        "contact",
        "lead",
        "incident",
        "task",
        "phonecall",
        "duplicaterule",
    ];
    let to_parent =
        |parent: &Parent| parent.column == column.name && PARENTS.contains(&parent.target.as_str());
    table.description.is_intersect && column.kind == Kind::Guid
        || column.kind == Kind::Lookup && table.parents.iter().any(to_parent)
}

fn sql_type(column: &Column) -> String {
    match column.kind {
        Kind::Text | Kind::MultiChoice => format!("TEXT COLLATE {}", text::COLLATION),
        Kind::Integer | Kind::BigInt | Kind::Boolean | Kind::Choice => "INTEGER".to_owned(),
        Kind::Decimal | Kind::Double | Kind::Money => "REAL".to_owned(),
        Kind::DateTime | Kind::Date | Kind::Guid | Kind::Lookup => "TEXT".to_owned(),
    }
}

/// A whole row as its columns' values, for the write rules. Null columns are left out.
pub(crate) type Fields = std::collections::BTreeMap<String, Value>;

/// Reads a whole row.
pub(crate) async fn load(
    connection: &mut SqliteConnection,
    table: &Table,
    id: &str,
) -> Result<Option<Fields>, sqlx::Error> {
    let names = column_names(table);
    let text = format!(
        "SELECT {} FROM {} WHERE {} = ?",
        names.join(", "),
        table.logical,
        table.id
    );
    let Some(row) = Statement::new(text)
        .with(id)
        .query()
        .fetch_optional(connection)
        .await?
    else {
        return Ok(None);
    };
    let mut fields = Fields::new();
    for (index, name) in names.into_iter().enumerate() {
        let value = Value::at(&row, index)?;
        if !value.is_null() {
            fields.insert(name, value);
        }
    }
    Ok(Some(fields))
}

fn column_names(table: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for column in &table.columns {
        names.push(column.name.clone());
        if column.is_polymorphic() {
            names.push(column.type_name());
        }
    }
    if table.column("versionnumber").is_none() {
        names.push("versionnumber".to_owned());
    }
    names
}

/// Inserts a row.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    table: &Table,
    fields: &Fields,
) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    let marks = vec!["?"; names.len()].join(", ");
    let mut statement = Statement::new(format!(
        "INSERT INTO {} ({}) VALUES ({marks})",
        table.logical,
        names.join(", ")
    ));
    statement.values = fields.values().cloned().collect();
    statement.query().execute(connection).await?;
    Ok(())
}

/// Rows that one statement inserts: few enough for SQLite's 32,766 bound values with the widest of our tables.
const AT_ONCE: usize = 100;

/// Inserts many rows with few statements. What they leave out is null.
pub(crate) async fn insert_all(
    connection: &mut SqliteConnection,
    table: &Table,
    rows: &[Fields],
) -> Result<(), sqlx::Error> {
    let names: BTreeSet<&str> = rows
        .iter()
        .flat_map(Fields::keys)
        .map(String::as_str)
        .collect();
    let marks = format!("({})", vec!["?"; names.len()].join(", "));
    let start = format!(
        "INSERT INTO {} ({}) VALUES ",
        table.logical,
        names.iter().copied().collect::<Vec<_>>().join(", ")
    );
    for chunk in rows.chunks(AT_ONCE) {
        let mut statement =
            Statement::new(start.clone() + &vec![marks.as_str(); chunk.len()].join(", "));
        statement.values.reserve(names.len() * chunk.len());
        for row in chunk {
            let values = names.iter().map(|name| row.get(*name).cloned());
            statement
                .values
                .extend(values.map(|value| value.unwrap_or(Value::Null)));
        }
        statement.query().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Takes the indexes from a table that is about to be filled: sorting all rows once is much faster than placing each.
/// [`shape`] gives them back.
pub(crate) async fn drop_indexes(
    connection: &mut SqliteConnection,
    table: &Table,
) -> Result<(), sqlx::Error> {
    for column in indexed(table) {
        Statement::new(format!(
            "DROP INDEX IF EXISTS {}",
            index_name(table, column)
        ))
        .query()
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Changes columns of a row.
pub(crate) async fn update(
    connection: &mut SqliteConnection,
    table: &Table,
    id: &str,
    fields: &Fields,
) -> Result<(), sqlx::Error> {
    let assignments: Vec<String> = fields.keys().map(|name| format!("{name} = ?")).collect();
    let mut statement = Statement::new(format!(
        "UPDATE {} SET {} WHERE {} = ?",
        table.logical,
        assignments.join(", "),
        table.id
    ));
    statement.values = fields.values().cloned().collect();
    statement.bind(id);
    statement.query().execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::table;
    use crate::query::{Asker, Query};

    #[tokio::test]
    async fn looking_somebody_up_needs_no_scan() {
        let store = Store::open(None).await.unwrap();
        let asker = Asker {
            user: String::new(),
            business_unit: String::new(),
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        for (set, filter) in [
            ("contact", "emailaddress1 eq 'x'"),
            (
                "contact",
                "emailaddress1 eq 'x' or emailaddress2 eq 'x' or emailaddress3 eq 'x'",
            ),
            ("contact", "emailaddress1 eq 'x' and statecode eq 0"),
            ("lead", "telephone1 eq 'x' or mobilephone eq 'x'"),
            (
                "incident",
                "_customerid_value eq 6f1c0000-0000-4000-8000-000000000001",
            ),
        ] {
            let mut query = Query::new(table(set))
                .filter(filter, &|_| None, &asker)
                .unwrap();
            query.limit = Some(5001);
            let mut statement = query.select("t0.versionnumber");
            statement.text.insert_str(0, "EXPLAIN QUERY PLAN ");
            let plan = statement.query().fetch_all(store.pool()).await.unwrap();
            for step in &plan {
                let step = Value::at(step, 3).unwrap();
                assert!(
                    !step.text().unwrap().starts_with("SCAN"),
                    "{filter}: {step:?}"
                );
            }
        }
    }
}
