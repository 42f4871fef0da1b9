//! What is known of the columns: kind, label, choices. [`Columns`] holds what the organization says of its own; where
//! it has not said anything yet, the standard columns with their English labels take its place. What neither knows
//! is treated as text and shown under its logical name.

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
    /// Any number of choices: their numbers as text, separated by commas.
    MultiChoice,
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

/// Whether a column must have a value (protocol page `metadata.md`, section "Attributes").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Required {
    /// No.
    #[default]
    None,
    /// It is recommended.
    Recommended,
    /// Forms insist on it; the Web API does not.
    Application,
    /// The system insists on it, or gives it a value itself.
    System,
}

/// What the time zone means for a date (protocol page `metadata.md`, section "Attributes").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateBehavior {
    /// A moment, shown in the user's time zone.
    #[default]
    UserLocal,
    /// A day without time.
    DateOnly,
    /// The same clock time for everybody.
    Zoneless,
}

/// What a value must be like so that a column takes it. What is not known is not limited.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Whether it must have a value.
    pub required: Required,
    /// Whether it can be given when a row is created.
    pub create: bool,
    /// Whether it can be changed.
    pub update: bool,
    /// The longest text, in UTF-16 code units, as .NET and SQL Server count.
    pub max_length: Option<u32>,
    /// Whether a text may have several lines.
    pub lines: bool,
    /// The smallest number.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// The digits behind the point.
    pub precision: Option<u32>,
    /// Of a date: what the time zone means.
    pub date: DateBehavior,
    /// The tables that a lookup can point to, by logical name.
    pub targets: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            required: Required::None,
            create: true,
            update: true,
            max_length: None,
            lines: false,
            min: None,
            max: None,
            precision: None,
            date: DateBehavior::UserLocal,
            targets: Vec::new(),
        }
    }
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
    /// The rest of its line in the catalogue: required, settable, limits.
    rest: [&'static str; 3],
}

impl Column {
    /// What a value must be like, as it is before anybody customised the table.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let [required, settable, limits] = self.rest;
        let mut words = limits.split(' ').filter(|word| *word != "-");
        let mut found = Limits {
            required: match required {
                "recommended" => Required::Recommended,
                "application" => Required::Application,
                "system" => Required::System,
                _ => Required::None,
            },
            create: settable.contains('C'),
            update: settable.contains('U'),
            ..Limits::default()
        };
        match self.kind {
            Kind::Text | Kind::Email | Kind::Phone | Kind::Url => {
                found.lines = words.next() == Some("lines");
                found.max_length = words.next().and_then(|length| length.parse().ok());
            }
            Kind::Integer | Kind::Number | Kind::Money => {
                found.min = words.next().and_then(|min| min.parse().ok());
                found.max = words.next().and_then(|max| max.parse().ok());
                found.precision = words.next().and_then(|digits| digits.parse().ok());
            }
            Kind::Date | Kind::DateTime => {
                found.date = match words.next() {
                    Some("date-only") => DateBehavior::DateOnly,
                    Some("zoneless") => DateBehavior::Zoneless,
                    Some(_) | None => DateBehavior::UserLocal,
                };
            }
            Kind::Lookup => found.targets = words.map(str::to_owned).collect(),
            Kind::Choice | Kind::MultiChoice | Kind::Boolean | Kind::Id => {}
        }
        found
    }
}

/// A column as the organization describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnColumn {
    /// The label in the user's language.
    pub label: String,
    /// What it holds.
    pub kind: Kind,
    /// The choices of a choice or yes/no column; empty for others.
    pub choices: Vec<OwnChoice>,
    /// What a value must be like.
    pub limits: Limits,
    /// Of a lookup: where the names of the rows that it can point to stand, as a filter on this table has it
    /// (`new_TierId/new_name`). Empty if that is not known, and for other columns.
    pub names: Vec<String>,
}

/// A choice as the organization describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnChoice {
    /// The number that is stored; yes is 1, no is 0.
    pub value: i64,
    /// The label in the user's language.
    pub label: String,
    /// The labels in every language.
    pub labels: Vec<String>,
}

/// The columns of the tables, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns(BTreeMap<Table, BTreeMap<String, OwnColumn>>);

impl Columns {
    /// What an organization says of its tables. A table that is not among them is known by its standard columns.
    #[must_use]
    pub fn of_organization(tables: BTreeMap<Table, BTreeMap<String, OwnColumn>>) -> Columns {
        Columns(tables)
    }

    /// What a column holds, if it is known. Organizations call most telephone columns plain text, so that for
    /// text the standard column is asked as well.
    #[must_use]
    pub fn kind(&self, table: Table, column: &str) -> Option<Kind> {
        let standard = standard(table, column).map(|standard| standard.kind);
        match self.own(table, column).map(|own| own.kind) {
            Some(Kind::Text) => Some(match standard {
                Some(special @ (Kind::Email | Kind::Phone | Kind::Url)) => special,
                _ => Kind::Text,
            }),
            Some(kind) => Some(kind),
            None => standard,
        }
    }

    /// The label to show for a column.
    #[must_use]
    pub fn label(&self, table: Table, column: &str) -> String {
        self.own(table, column)
            .map_or_else(|| label(table, column), |own| own.label.clone())
    }

    /// What a value of a column must be like: what the organization says, else what holds for the standard column. A
    /// column that neither knows has no limits.
    #[must_use]
    pub fn limits(&self, table: Table, column: &str) -> Limits {
        match self.own(table, column) {
            Some(own) => own.limits.clone(),
            None => standard(table, column).map_or_else(Limits::default, |found| found.limits()),
        }
    }

    /// The choices of a choice or yes/no column that the organization has described.
    #[must_use]
    pub fn choices(&self, table: Table, column: &str) -> &[OwnChoice] {
        self.own(table, column)
            .map_or(&[], |own| own.choices.as_slice())
    }

    /// The columns of a table by name: the organization's, else the standard ones.
    #[must_use]
    pub fn names(&self, table: Table) -> Vec<&str> {
        match self.0.get(&table) {
            Some(own) => own.keys().map(String::as_str).collect(),
            None => of(table).map(|column| column.name).collect(),
        }
    }

    /// Whether the organization has described the table and the column is not there.
    #[must_use]
    pub fn is_missing(&self, table: Table, column: &str) -> bool {
        self.0
            .get(&table)
            .is_some_and(|columns| !columns.contains_key(column))
    }

    /// The label of a raw value of a choice or yes/no column.
    #[must_use]
    pub fn choice_label(
        &self,
        table: Table,
        column: &str,
        raw: &serde_json::Value,
    ) -> Option<&str> {
        let value = raw.as_i64().or_else(|| raw.as_bool().map(i64::from))?;
        let mut choices = self.own(table, column)?.choices.iter();
        choices
            .find(|choice| choice.value == value)
            .map(|choice| choice.label.as_str())
    }

    /// The number of the choice that a text names: by its number, or by its label in any language. A label that two
    /// choices have names neither.
    #[must_use]
    pub fn choice_value(&self, table: Table, column: &str, text: &str) -> Option<i64> {
        let text = text.trim();
        if let Ok(value) = text.parse() {
            return Some(value);
        }
        let wanted = text.to_lowercase();
        let is_it = |choice: &&OwnChoice| {
            choice
                .labels
                .iter()
                .any(|label| label.trim().to_lowercase() == wanted)
        };
        let mut found = self.own(table, column)?.choices.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some(choice), None) => Some(choice.value),
            _ => None,
        }
    }

    /// Where the names of the rows stand that a lookup can point to ([`OwnColumn::names`]).
    #[must_use]
    pub fn names_of_rows(&self, table: Table, lookup: &str) -> &[String] {
        self.own(table, lookup)
            .map_or(&[], |own| own.names.as_slice())
    }

    fn own(&self, table: Table, column: &str) -> Option<&OwnColumn> {
        self.0.get(&table)?.get(column)
    }
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
            rest: [cells.next()?, cells.next()?, cells.next()?],
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
        "multichoice" => Kind::MultiChoice,
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

    #[test]
    fn a_standard_column_has_its_limits() {
        let columns = Columns::default();
        let limits = |table, column| columns.limits(table, column);
        let name = limits(Table::Contact, "lastname");
        assert_eq!(
            (name.required, name.max_length, name.lines, name.create),
            (Required::Application, Some(50), false, true)
        );
        let description = limits(Table::Incident, "description");
        assert_eq!(
            (description.max_length, description.lines),
            (Some(2000), true)
        );
        let customer = limits(Table::Incident, "customerid");
        assert_eq!(customer.required, Required::System);
        assert_eq!(customer.targets, ["account", "contact"]);
        let latitude = limits(Table::Contact, "address1_latitude");
        assert_eq!(
            (latitude.min, latitude.max, latitude.precision),
            (Some(-90.0), Some(90.0), Some(5))
        );
        assert_eq!(
            limits(Table::Contact, "birthdate").date,
            DateBehavior::DateOnly
        );
        assert!(!limits(Table::Contact, "fullname").update);
        assert_eq!(limits(Table::Contact, "new_unknown"), Limits::default());
    }

    #[test]
    fn the_organization_is_asked_before_the_catalogue() {
        let own = |label: &str, kind| OwnColumn {
            label: label.to_owned(),
            kind,
            choices: Vec::new(),
            limits: Limits::default(),
            names: Vec::new(),
        };
        let choice = |value, label: &str, other: &str| OwnChoice {
            value,
            label: label.to_owned(),
            labels: vec![label.to_owned(), other.to_owned()],
        };
        let contact = BTreeMap::from([
            ("telephone1".to_owned(), own("Telefon", Kind::Text)),
            ("new_mail".to_owned(), own("Post", Kind::Email)),
            (
                "new_tier".to_owned(),
                OwnColumn {
                    choices: vec![
                        choice(7, "Gold", "Or"),
                        choice(8, "Silber", "Argent"),
                        choice(9, "Silber", "Bronze"),
                    ],
                    ..own("Stufe", Kind::Choice)
                },
            ),
        ]);
        let columns = Columns::of_organization(BTreeMap::from([(Table::Contact, contact)]));
        let table = Table::Contact;
        assert_eq!(columns.label(table, "telephone1"), "Telefon");
        assert_eq!(columns.kind(table, "telephone1"), Some(Kind::Phone));
        assert_eq!(columns.kind(table, "new_mail"), Some(Kind::Email));
        assert!(columns.is_missing(table, "emailaddress1"));
        assert_eq!(columns.label(table, "emailaddress1"), "Email");
        assert!(!columns.is_missing(Table::Lead, "anything"));
        assert_eq!(columns.kind(Table::Lead, "subject"), Some(Kind::Text));
        assert_eq!(
            columns.choice_label(table, "new_tier", &7.into()),
            Some("Gold")
        );
        for (text, value) in [
            ("or", Some(7)),
            (" 12 ", Some(12)),
            ("Silber", None),
            ("x", None),
        ] {
            assert_eq!(
                columns.choice_value(table, "new_tier", text),
                value,
                "{text}"
            );
        }
    }
}
