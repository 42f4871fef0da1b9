//! Which row a key in parentheses names (protocol page `crud.md`, section "Keys in URLs").

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sandbox_syntax::is_guid;
use sandbox_syntax::path::{self, Key, KeyValue};
use serde_json::Value as JsonValue;
use sqlx::SqliteConnection;

use crate::errors::ApiError;
use crate::metadata::{Column, Kind, Table};
use crate::store::Fields;
use crate::value::{Statement, Value};
use crate::write;

/// What is encoded where a key is repeated in a header.
const IN_KEY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b'#')
    .add(b'?')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'{')
    .add(b'}');

/// A row as a key names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    /// The id, also of a primary key that no row has. `None` where no row has the alternate key's values.
    id: Option<String>,
    /// Values of an alternate key; empty for a primary key.
    pub(crate) values: Fields,
    /// What stands between the parentheses, fit for a URL.
    pub(crate) text: String,
}

impl Named {
    /// The row with this id.
    pub(crate) fn primary(id: &str) -> Named {
        Named {
            id: Some(id.to_owned()),
            values: Fields::new(),
            text: id.to_owned(),
        }
    }

    /// The id, if it is known. That it is known does not mean that there is such a row.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The id of the row; 404 `0x80060891` where no row has the alternate key's values.
    pub(crate) fn existing(&self, table: &Table) -> Result<&str, ApiError> {
        self.id.as_deref().ok_or_else(|| {
            ApiError::new(
                404,
                "0x80060891",
                format!(
                    "A record with the specified key values does not exist in {} entity",
                    table.logical
                ),
            )
        })
    }
}

/// Finds the row that a key names.
///
/// # Errors
/// 400 where the key is not the table's primary key and none of its alternate keys, or a value does not fit its column.
pub(crate) async fn named(
    connection: &mut SqliteConnection,
    table: &Table,
    key: &str,
) -> Result<Named, ApiError> {
    let parts = match path::key(key)? {
        Key::Primary(id) => return Ok(Named::primary(&id)),
        Key::Named(parts) => parts,
    };
    let declared = match table.logical.as_str() {
        "systemuser" | "team" => "ownerid",
        _ => &table.id,
    };
    if let [(name, id)] = parts.as_slice()
        && name == declared
        && !id.is_quoted
        && is_guid(&id.text)
    {
        return Ok(Named::primary(&id.text.to_ascii_lowercase()));
    }
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    if table.alternate_key(&names).is_none() {
        return Err(undeclared(table));
    }
    let mut values = Fields::new();
    for (name, written) in &parts {
        let column = table.property(name).ok_or_else(|| undeclared(table))?;
        values.insert(column.name.clone(), value(table, column, written)?);
    }
    let conditions: Vec<String> = values.keys().map(|name| format!("{name} = ?")).collect();
    let mut statement = Statement::new(format!(
        "SELECT {} FROM {} WHERE {}",
        table.id,
        table.logical,
        conditions.join(" AND ")
    ));
    statement.values = values.values().cloned().collect();
    let row = statement.query().fetch_optional(connection).await?;
    let id = match row {
        Some(row) => Value::at(&row, 0)?.text().map(str::to_owned),
        None => None,
    };
    Ok(Named {
        id,
        values,
        text: utf8_percent_encode(key, IN_KEY).to_string(),
    })
}

fn undeclared(table: &Table) -> ApiError {
    ApiError::request(format!(
        "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.{}'. Ensure that the names and \
         number of key properties match the declared or alternate key properties for the resource '{}'.",
        table.logical, table.set
    ))
}

/// A key's value as the column keeps it.
fn value(table: &Table, column: &Column, written: &KeyValue) -> Result<Value, ApiError> {
    if written.is_quoted != matches!(column.kind, Kind::Text | Kind::MultiChoice) {
        return Err(ApiError::request("Bad Request - Error in query syntax."));
    }
    let text = written.text.as_str();
    if column.kind == Kind::Lookup {
        return if is_guid(text) {
            Ok(Value::from(text.to_ascii_lowercase()))
        } else {
            Err(undeclared(table))
        };
    }
    let plain = JsonValue::String(text.to_owned());
    let is_written_bare = matches!(
        column.kind,
        Kind::Integer
            | Kind::BigInt
            | Kind::Choice
            | Kind::Decimal
            | Kind::Double
            | Kind::Money
            | Kind::Boolean
    );
    let json = if is_written_bare {
        serde_json::from_str(text).unwrap_or(plain)
    } else {
        plain
    };
    write::typed(table, column, &json)
}

/// Refuses a row whose values another row has in an alternate key: 412 `0x80060892`. A key with a null does not count.
pub(crate) async fn unique(
    connection: &mut SqliteConnection,
    table: &Table,
    id: &str,
    fields: &Fields,
) -> Result<(), ApiError> {
    for key in &table.alternate_keys {
        let values: Vec<Value> = key
            .columns
            .iter()
            .filter_map(|name| fields.get(name).filter(|value| !value.is_null()))
            .cloned()
            .collect();
        if values.len() != key.columns.len() {
            continue;
        }
        let conditions: Vec<String> = key
            .columns
            .iter()
            .map(|name| format!("{name} = ?"))
            .collect();
        let mut statement = Statement::new(format!(
            "SELECT 1 FROM {} WHERE {} AND {} <> ? LIMIT 1",
            table.logical,
            conditions.join(" AND "),
            table.id
        ));
        statement.values = values;
        statement.bind(id);
        let taken = statement
            .query()
            .fetch_optional(&mut *connection)
            .await?
            .is_some();
        if taken {
            let labels: Vec<&str> = key
                .columns
                .iter()
                .filter_map(|name| table.column(name))
                .map(|column| column.label.as_str())
                .collect();
            return Err(ApiError::new(
                412,
                "0x80060892",
                format!(
                    "Entity Key {} violated. A record with the same value for {} already exists. A duplicate record cannot \
                     be created. Select one or more unique values and try again.",
                    key.label,
                    labels.join(", ")
                ),
            ));
        }
    }
    Ok(())
}
