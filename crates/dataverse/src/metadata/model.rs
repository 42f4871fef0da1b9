//! Tables and columns as they are, free of how the Web API writes them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A label in the languages of the organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The label in the signed-in user's language, if it has one in that language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<LocalizedLabel>,
    /// The label in every language in which there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<LocalizedLabel>,
}

impl Label {
    /// The label to show: in the user's language, else the first one.
    pub fn text(&self) -> Option<&str> {
        self.user
            .as_ref()
            .or_else(|| self.all.first())
            .map(|label| label.text.as_str())
    }

    /// The label in this language (an LCID such as 1033), if there is one.
    pub fn in_language(&self, language: u32) -> Option<&str> {
        self.texts()
            .find(|label| label.language == language)
            .map(|label| label.text.as_str())
    }

    /// Whether this is the label in any language, without regard to case and surrounding space.
    pub fn is(&self, text: &str) -> bool {
        let wanted = text.trim().to_lowercase();
        self.texts()
            .any(|label| label.text.trim().to_lowercase() == wanted)
    }

    fn texts(&self) -> impl Iterator<Item = &LocalizedLabel> {
        self.user.iter().chain(&self.all)
    }
}

/// A label in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalizedLabel {
    /// The language as Windows numbers it (LCID): 1033 is English, 1031 German.
    pub language: u32,
    /// The label.
    pub text: String,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its id, by which a deletion is told.
    pub id: Option<Uuid>,
    /// The logical name: `contact`.
    pub logical_name: String,
    /// The schema name: `Contact`.
    pub schema_name: String,
    /// The entity set, the name in URLs: `contacts`. None for a table that the Web API does not give.
    pub entity_set: Option<String>,
    /// The name for one row.
    pub label: Label,
    /// The name for several rows.
    pub plural_label: Label,
    /// The primary key column: `contactid`.
    pub primary_id: String,
    /// The column that a row is called by: `fullname`.
    pub primary_name: Option<String>,
    /// Who may own a row.
    pub ownership: Ownership,
    /// The number of the table, which differs between organizations for custom ones.
    pub object_type_code: Option<i32>,
    /// Whether its rows are activities (tasks, phone calls).
    pub is_activity: bool,
    /// Whether changes can be followed (protocol page `sync.md`).
    pub change_tracking: bool,
    /// Whether `If-Match` with a version works.
    pub optimistic_concurrency: bool,
    /// Whether duplicate detection can be asked for.
    pub duplicate_detection: bool,
    /// The columns by logical name.
    pub columns: BTreeMap<String, Column>,
    /// The alternate keys.
    pub keys: Vec<AlternateKey>,
    /// Where its lookups point to: one for every lookup and target.
    pub many_to_one: Vec<ManyToOne>,
    /// The N:N relationships that it takes part in.
    pub many_to_many: Vec<ManyToMany>,
}

impl Table {
    /// The name to show: in the user's language, else the first label, else the schema name.
    pub fn name(&self) -> &str {
        self.label.text().unwrap_or(&self.schema_name)
    }
}

/// Who may own a row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    /// A user or a team.
    User,
    /// The organization as a whole.
    Organization,
    /// A business unit.
    BusinessUnit,
    /// Nobody, or in a way of its own.
    None,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its id, by which a deletion is told.
    pub id: Option<Uuid>,
    /// The logical name: `emailaddress1`.
    pub logical_name: String,
    /// The schema name: `EMailAddress1`.
    pub schema_name: String,
    /// The label.
    pub label: Label,
    /// Whether a form asks for a value. The Web API itself insists on `SystemRequired` only.
    pub required: Required,
    /// Whether it can be given when a row is created.
    pub valid_for_create: bool,
    /// Whether it can be changed.
    pub valid_for_update: bool,
    /// Whether it can be read. A column that cannot is no property of the Web API.
    pub valid_for_read: bool,
    /// Whether the organization added it.
    pub is_custom: bool,
    /// The column that this one helps to show (`parentcustomeridname` of `parentcustomerid`); people are not shown it.
    pub attribute_of: Option<String>,
    /// What it holds.
    pub kind: ColumnType,
}

impl Column {
    /// The label to show: in the user's language, else the first one, else the schema name.
    pub fn name(&self) -> &str {
        self.label.text().unwrap_or(&self.schema_name)
    }

    /// Whether it refers to another row: it is read as `_x_value` and written by its navigation property.
    pub fn is_lookup(&self) -> bool {
        matches!(
            self.kind,
            ColumnType::Lookup { .. } | ColumnType::Customer { .. } | ColumnType::Owner { .. }
        )
    }

    /// The name under which the Web API reads it (protocol page `crud.md`, section "Retrieve").
    pub fn property(&self) -> String {
        if self.is_lookup() {
            format!("_{}_value", self.logical_name)
        } else {
            self.logical_name.clone()
        }
    }

    /// The choices of a choice, state, status, multi-select or yes/no column.
    pub fn choices(&self) -> Option<&ChoiceSet> {
        if let ColumnType::Choice(choices)
        | ColumnType::MultiChoice(choices)
        | ColumnType::State(choices)
        | ColumnType::Status(choices)
        | ColumnType::Boolean(choices) = &self.kind
        {
            Some(choices)
        } else {
            None
        }
    }

    /// The tables that a lookup can point to; empty for other columns. An owner is a `systemuser` or a `team`.
    pub fn targets(&self) -> &[String] {
        if let ColumnType::Lookup { targets }
        | ColumnType::Customer { targets }
        | ColumnType::Owner { targets } = &self.kind
        {
            targets
        } else {
            &[]
        }
    }
}

/// Whether a form asks for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Required {
    /// No.
    None,
    /// It is recommended.
    Recommended,
    /// Forms insist on it; the Web API does not.
    Application,
    /// The system insists on it.
    System,
}

/// What a column holds (protocol page `metadata.md`, section "Attributes").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ColumnType {
    /// One line of text.
    Text {
        /// The most characters.
        max_length: Option<u32>,
        /// What the text is.
        format: TextFormat,
    },
    /// Several lines of text.
    Memo {
        /// The most characters.
        max_length: Option<u32>,
    },
    /// A whole number of 32 bits.
    Integer {
        /// The smallest value.
        min: Option<f64>,
        /// The largest value.
        max: Option<f64>,
    },
    /// A whole number of 64 bits.
    BigInt,
    /// A decimal number.
    Decimal {
        /// The smallest value.
        min: Option<f64>,
        /// The largest value.
        max: Option<f64>,
        /// The digits behind the point.
        precision: Option<u32>,
    },
    /// A floating-point number.
    Double {
        /// The smallest value.
        min: Option<f64>,
        /// The largest value.
        max: Option<f64>,
        /// The digits behind the point.
        precision: Option<u32>,
    },
    /// An amount of money in the row's currency.
    Money {
        /// The smallest value.
        min: Option<f64>,
        /// The largest value.
        max: Option<f64>,
        /// The digits behind the point.
        precision: Option<u32>,
        /// Where the precision comes from: 0 this column, 1 the organization, 2 the currency.
        precision_source: Option<u32>,
    },
    /// Yes or no, as the choices 1 and 0.
    Boolean(ChoiceSet),
    /// A day, or a moment.
    DateTime {
        /// Whether only the day is shown.
        date_only: bool,
        /// What the time zone means for it.
        behavior: DateBehavior,
    },
    /// One of several choices.
    Choice(ChoiceSet),
    /// Any number of several choices.
    MultiChoice(ChoiceSet),
    /// The state of a row (`statecode`).
    State(ChoiceSet),
    /// The reason for the state (`statuscode`).
    Status(ChoiceSet),
    /// A reference to a row.
    Lookup {
        /// The tables it can point to.
        targets: Vec<String>,
    },
    /// A reference to an account or a contact.
    Customer {
        /// The tables it can point to.
        targets: Vec<String>,
    },
    /// The owner of the row.
    Owner {
        /// The tables it can point to.
        targets: Vec<String>,
    },
    /// The people of an activity; a collection of its own in the Web API.
    PartyList,
    /// An id.
    UniqueIdentifier,
    /// The logical name of a table.
    TableName,
    /// A picture.
    Image,
    /// A file.
    File,
    /// Something else; the Web API's own name for it.
    Other(String),
}

/// What a line of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextFormat {
    /// Plain text.
    Plain,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
    /// Several lines.
    TextArea,
    /// Something else: a ticker symbol, JSON, rich text, a version.
    Other,
}

/// What the time zone means for a date (protocol page `metadata.md`, section "Attributes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateBehavior {
    /// A moment, shown in the user's time zone.
    UserLocal,
    /// A day without time.
    DateOnly,
    /// The same clock time for everybody.
    TimeZoneIndependent,
}

/// The choices of a column, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceSet {
    /// The name under which several columns share them, if they do.
    pub global_name: Option<String>,
    /// The choices.
    pub choices: Vec<Choice>,
}

impl ChoiceSet {
    /// The choice with this number.
    pub fn by_value(&self, value: i64) -> Option<&Choice> {
        self.choices
            .iter()
            .find(|choice| i64::from(choice.value) == value)
    }

    /// The choice with this label in any language, without regard to case. Where two have it, there is no answer.
    pub fn by_label(&self, label: &str) -> Option<&Choice> {
        let mut found = self.choices.iter().filter(|choice| choice.label.is(label));
        match (found.next(), found.next()) {
            (Some(choice), None) => Some(choice),
            _ => None,
        }
    }
}

/// One choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The number that is stored.
    pub value: i32,
    /// The label.
    pub label: Label,
    /// Of a status: the state that it belongs to.
    pub state: Option<i32>,
    /// Of a state: the status that a row gets with it.
    pub default_status: Option<i32>,
}

/// An alternate key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlternateKey {
    /// Its id, by which a deletion is told.
    pub id: Option<Uuid>,
    /// The logical name.
    pub logical_name: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// Whether its index is ready, so that it can be used.
    pub is_active: bool,
}

/// Where a lookup points to, for one of its targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManyToOne {
    /// Its id, by which a deletion is told.
    pub id: Option<Uuid>,
    /// The relationship's schema name.
    pub schema_name: String,
    /// The lookup.
    pub column: String,
    /// The table that it points to.
    pub target: String,
    /// The target's column that it holds.
    pub target_column: String,
    /// The navigation property of the lookup, for `@odata.bind` and `$expand`.
    pub navigation: String,
    /// The navigation property from the target to the rows that point to it.
    pub target_navigation: Option<String>,
}

/// A relationship of many rows with many rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManyToMany {
    /// Its id, by which a deletion is told.
    pub id: Option<Uuid>,
    /// The relationship's schema name.
    pub schema_name: String,
    /// The table in between.
    pub intersect_table: String,
    /// The one table, and the navigation property to the other.
    pub first: (String, String),
    /// The other table, and the navigation property to the first.
    pub second: (String, String),
}
