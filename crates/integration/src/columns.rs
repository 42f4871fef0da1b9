//! The standard columns: kind and English label. Organizations add columns and rename labels; what is
//! not listed here is treated as text and shown under its logical name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;

use crate::record::Table;

/// What a column holds, as far as comparing and showing it needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Plain text, one line or many.
    Text,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
    /// A choice, state or status: a number with a label.
    Choice,
    /// Yes or no.
    Boolean,
    /// A whole number.
    Integer,
    /// A number with decimals.
    Number,
    /// An amount of money.
    Money,
    /// A day.
    Date,
    /// A moment (UTC on the wire).
    DateTime,
    /// A reference to another row.
    Lookup,
    /// A row's own id.
    Id,
}

/// A standard column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The logical name.
    pub name: &'static str,
    /// The English label.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
}

static COLUMNS: LazyLock<BTreeMap<Table, BTreeMap<&'static str, Column>>> = LazyLock::new(|| {
    let mut tables = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (table, column) in include_str!("columns.tsv").lines().filter_map(read) {
        tables.entry(table).or_default().insert(column.name, column);
    }
    tables
});

fn read(line: &'static str) -> Option<(Table, Column)> {
    let mut cells = line.split('\t');
    let table = Table::from_logical_name(cells.next()?)?;
    let name = cells.next()?;
    let kind = kind(cells.next()?)?;
    Some((
        table,
        Column {
            name,
            label: cells.next()?,
            kind,
        },
    ))
}

/// The standard column of this name, if it is one.
#[must_use]
pub fn standard(table: Table, column: &str) -> Option<Column> {
    COLUMNS.get(&table)?.get(column).copied()
}

/// All standard columns of a table, by name.
pub fn of(table: Table) -> impl Iterator<Item = Column> {
    COLUMNS
        .get(&table)
        .into_iter()
        .flat_map(|columns| columns.values().copied())
}

/// The label to show for a column: the English one of a standard column, else the logical name.
#[must_use]
pub fn label(table: Table, column: &str) -> String {
    standard(table, column).map_or_else(|| column.to_owned(), |found| found.label.to_owned())
}

fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "text" => Kind::Text,
        "email" => Kind::Email,
        "phone" => Kind::Phone,
        "url" => Kind::Url,
        "choice" => Kind::Choice,
        "boolean" => Kind::Boolean,
        "integer" => Kind::Integer,
        "number" => Kind::Number,
        "money" => Kind::Money,
        "date" => Kind::Date,
        "datetime" => Kind::DateTime,
        "lookup" => Kind::Lookup,
        "id" => Kind::Id,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_catalogue_is_read() {
        let lines = include_str!("columns.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .count();
        assert_eq!(COLUMNS.values().map(BTreeMap::len).sum::<usize>(), lines);
        assert!(lines > 600);
    }

    #[test]
    fn a_standard_column_has_its_label_and_kind() {
        let phone = standard(Table::Contact, "telephone1").unwrap();
        assert_eq!((phone.label, phone.kind), ("Business Phone", Kind::Phone));
        assert_eq!(standard(Table::Lead, "parentcustomerid"), None);
        assert_eq!(label(Table::Contact, "new_loyalty"), "new_loyalty");
    }
}
