//! What a column holds, as SQLite keeps it: dates and GUIDs as text that sorts right, Booleans as 0 and 1.

use jiff::Timestamp;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, TypeInfo, ValueRef};

/// One value of a row or a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Text(String),
    Integer(i64),
    Real(f64),
}

impl Value {
    pub(crate) fn is_null(&self) -> bool {
        *self == Value::Null
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Null | Value::Integer(_) | Value::Real(_) => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Value::Integer(integer) => Some(*integer),
            Value::Null | Value::Text(_) | Value::Real(_) => None,
        }
    }

    /// The value at `index` of a row, whatever its type.
    pub(crate) fn at(row: &SqliteRow, index: usize) -> Result<Value, sqlx::Error> {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            return Ok(Value::Null);
        }
        let kind = raw.type_info().name().to_owned();
        Ok(match kind.as_str() {
            "INTEGER" | "BOOLEAN" => Value::Integer(row.try_get_unchecked(index)?),
            "REAL" => Value::Real(row.try_get_unchecked(index)?),
            _ => Value::Text(row.try_get_unchecked(index)?),
        })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Value {
        Value::Integer(integer)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Value {
        Value::Integer(i64::from(truth))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Real(number)
    }
}

/// A point in time as it is kept and written: UTC, whole seconds.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A statement with its bound values. The text never holds a value.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(text: impl Into<String>) -> Statement {
        Statement {
            text: text.into(),
            values: Vec::new(),
        }
    }

    pub(crate) fn bind(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
    }

    pub(crate) fn with(mut self, value: impl Into<Value>) -> Statement {
        self.bind(value);
        self
    }

    /// The query to run. The text is put together from our own names of tables and columns only.
    pub(crate) fn query(self) -> sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments> {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(self.text));
        for value in self.values {
            query = match value {
                Value::Null => query.bind(None::<String>),
                Value::Text(text) => query.bind(text),
                Value::Integer(integer) => query.bind(integer),
                Value::Real(number) => query.bind(number),
            };
        }
        query
    }
}
