//! Identification rules and field settings as an administrator writes them.

use comm100::Field;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use ts_rs::TS;

use crate::record::Table;

/// How visitors are identified: an ordered list of rules for each table; the first match wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct Identification {
    /// Country (two letters) of telephone numbers written without a country code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    pub default_country: Option<String>,
    /// Rules for contacts.
    pub contact: Vec<Rule>,
    /// Rules for accounts. Where none matches, the contact's account is shown.
    pub account: Vec<Rule>,
    /// Rules for leads.
    pub lead: Vec<Rule>,
}

impl Identification {
    /// The rules of one table, in order. Cases and tasks are not identified.
    #[must_use]
    pub fn rules(&self, table: Table) -> &[Rule] {
        match table {
            Table::Contact => &self.contact,
            Table::Account => &self.account,
            Table::Lead => &self.lead,
            Table::Incident | Table::Task => &[],
        }
    }
}

/// Same e-mail in any of the e-mail columns, then same telephone number in any of the phone columns.
impl Default for Identification {
    fn default() -> Self {
        let rules = |phones: &[&str]| {
            vec![
                Rule::any_of(
                    "Same e-mail",
                    &["emailaddress1", "emailaddress2", "emailaddress3"],
                    "visitor.email",
                ),
                Rule::any_of("Same phone", phones, "visitor.phone"),
            ]
        };
        let person = ["telephone1", "mobilephone", "telephone2", "telephone3"];
        Identification {
            default_country: None,
            contact: rules(&person),
            account: rules(&["telephone1", "telephone2", "telephone3"]),
            lead: rules(&person),
        }
    }
}

/// One identification rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[schemars(deny_unknown_fields)]
pub struct Rule {
    /// What the agent reads as the reason.
    pub name: String,
    /// Whether it is switched off: it stays in the list and asks nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(as = "Option<_>", optional = nullable)]
    pub off: bool,
    /// Conditions that must all be met. Either this or `any`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<_>", optional = nullable)]
    pub all: Vec<Condition>,
    /// Conditions of which one must be met. Either this or `all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<_>", optional = nullable)]
    pub any: Vec<Condition>,
}

impl Rule {
    fn any_of(name: &str, columns: &[&str], field: &str) -> Rule {
        let field: Field = field
            .parse()
            .expect("the default rules name fields of the catalogue");
        let condition = |column: &&str| Condition {
            column: (*column).to_owned(),
            operator: Operator::Equals,
            field: field.clone(),
        };
        Rule {
            name: name.to_owned(),
            off: false,
            all: Vec::new(),
            any: columns.iter().map(condition).collect(),
        }
    }

    /// All conditions, whichever list they stand in.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.all.iter().chain(&self.any)
    }

    /// What the type cannot say: every fault, and for a column the list and place of its condition.
    #[must_use]
    pub fn faults(&self) -> Vec<(Option<(&'static str, usize)>, RuleError)> {
        let mut faults = Vec::new();
        if self.name.trim().is_empty() {
            faults.push((None, RuleError::NoName));
        }
        match (self.all.is_empty(), self.any.is_empty()) {
            (true, true) => faults.push((None, RuleError::NoConditions)),
            (false, false) => faults.push((None, RuleError::AllAndAny)),
            (true, false) | (false, true) => {}
        }
        for (list, conditions) in [("all", &self.all), ("any", &self.any)] {
            for (place, condition) in conditions.iter().enumerate() {
                if let Err(fault) = check_column(&condition.column) {
                    faults.push((Some((list, place)), fault));
                }
            }
        }
        faults
    }
}

/// A column's logical name holds lower-case letters, digits and underscores, and begins with a letter.
///
/// # Errors
/// [`RuleError::BadColumn`] otherwise.
pub(crate) fn check_column(column: &str) -> Result<(), RuleError> {
    let good = column.starts_with(|first: char| first.is_ascii_lowercase())
        && column
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if good {
        Ok(())
    } else {
        Err(RuleError::BadColumn(column.to_owned()))
    }
}

/// A column of Dynamics compared with a field of Comm100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[schemars(deny_unknown_fields)]
pub struct Condition {
    /// The column's logical name, for example `emailaddress1`. A lookup stands under its own name.
    pub column: String,
    /// How the two are compared.
    pub operator: Operator,
    /// The Comm100 field, for example `visitor.email`. If it is empty the condition is not met.
    #[schemars(with = "String")]
    #[ts(type = "string")]
    pub field: Field,
}

/// How a column is compared with a field: without regard to upper and lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Operator {
    /// The same value. For a telephone column: the same number, however either side is written.
    Equals,
    /// The column begins with the field's value.
    BeginsWith,
    /// The column ends with the field's value.
    EndsWith,
    /// The column contains the field's value.
    Contains,
}

impl Operator {
    /// As it reads in a sentence: "Email *is* …".
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Operator::Equals => "is",
            Operator::BeginsWith => "begins with",
            Operator::EndsWith => "ends with",
            Operator::Contains => "contains",
        }
    }
}

/// What is wrong with a rule or a field setting.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RuleError {
    /// The rule has no name.
    #[error("it has no name")]
    NoName,
    /// The rule has neither `all` nor `any`.
    #[error("it has no conditions: give it `all = […]` or `any = […]`")]
    NoConditions,
    /// The rule has both `all` and `any`.
    #[error("it has both `all` and `any`: keep one of them")]
    AllAndAny,
    /// The column is not a logical name.
    #[error("`{0}` is not the logical name of a column (lower-case letters, digits and _)")]
    BadColumn(String),
    /// More than one source for one column.
    #[error("`{0}` has several sources: keep one of `from`, `value` and `template`")]
    SeveralSources(String),
    /// A column stands twice in a list.
    #[error("`{0}` stands twice")]
    Twice(String),
}

/// The fields of each table: what is shown to the agent and what a chat is written into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct DisplaySettings {
    /// Contact.
    pub contact: Vec<FieldSetting>,
    /// Account (display only).
    pub account: Vec<FieldSetting>,
    /// Lead.
    pub lead: Vec<FieldSetting>,
    /// Case.
    pub case: Vec<FieldSetting>,
    /// Task.
    pub task: Vec<FieldSetting>,
}

impl DisplaySettings {
    /// The field settings of a table, in order.
    #[must_use]
    pub fn of(&self, table: Table) -> &[FieldSetting] {
        match table {
            Table::Contact => &self.contact,
            Table::Account => &self.account,
            Table::Lead => &self.lead,
            Table::Incident => &self.case,
            Table::Task => &self.task,
        }
    }
}

/// The guide's default mapping ("Entity Field Mapping and Display in Comm100"), with what an agent
/// wants to see first switched on for display.
impl Default for DisplaySettings {
    fn default() -> Self {
        let mapped = |column: &str, from: &str, display: bool| FieldSetting {
            column: column.to_owned(),
            source: Some(Source::From(
                from.parse()
                    .expect("the default mapping names fields of the catalogue"),
            )),
            display,
        };
        let shown = |column: &str| FieldSetting {
            column: column.to_owned(),
            source: None,
            display: true,
        };
        DisplaySettings {
            contact: vec![
                mapped("lastname", "visitor.name", false),
                mapped("emailaddress1", "visitor.email", true),
                mapped("telephone1", "prechat.phone", true),
                shown("mobilephone"),
                shown("jobtitle"),
                shown("parentcustomerid"),
                shown("address1_city"),
                shown("address1_country"),
                shown("ownerid"),
            ],
            account: [
                "accountnumber",
                "accountcategorycode",
                "industrycode",
                "telephone1",
                "websiteurl",
                "revenue",
                "address1_city",
                "primarycontactid",
                "ownerid",
            ]
            .iter()
            .map(|column| shown(column))
            .collect(),
            lead: vec![
                mapped("lastname", "visitor.name", false),
                shown("subject"),
                mapped("companyname", "prechat.company", true),
                mapped("emailaddress1", "visitor.email", true),
                mapped("telephone1", "prechat.phone", true),
                shown("leadqualitycode"),
                shown("statuscode"),
                shown("createdon"),
                shown("ownerid"),
            ],
            case: vec![mapped("description", "transcript", false)],
            task: vec![mapped("description", "transcript", false)],
        }
    }
}

/// One Dynamics field: where its value comes from when a chat is written down, and whether it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(try_from = "FieldSettingText", into = "FieldSettingText")]
#[schemars(with = "FieldSettingText")]
#[ts(as = "FieldSettingText")]
pub struct FieldSetting {
    /// The column's logical name.
    pub column: String,
    /// Where its value comes from; `None` for a field that is only shown.
    pub source: Option<Source>,
    /// Whether the agent sees it.
    pub display: bool,
}

impl FieldSetting {
    /// Whether the column can be one.
    ///
    /// # Errors
    /// [`RuleError::BadColumn`].
    pub fn check(&self) -> Result<(), RuleError> {
        check_column(&self.column)
    }
}

/// Where a column's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A Comm100 field.
    From(Field),
    /// A fixed value.
    Fixed(String),
    /// Text with fields in braces: `"Chat of {visitor.name}"`.
    Template(String),
}

/// A [`FieldSetting`] as it stands in the document.
#[derive(Clone, Serialize, Deserialize, JsonSchema, TS)]
#[schemars(deny_unknown_fields)]
#[ts(rename = "FieldSetting")]
struct FieldSettingText {
    /// The column's logical name, for example `lastname`.
    column: String,
    /// The Comm100 field that it is filled from, for example `visitor.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    #[ts(as = "Option<String>", optional = nullable)]
    from: Option<Field>,
    /// A fixed value to fill it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    value: Option<String>,
    /// Text with Comm100 fields in braces to fill it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    template: Option<String>,
    /// Whether the agent sees it.
    #[serde(default)]
    #[ts(as = "Option<_>", optional = nullable)]
    display: bool,
}

impl TryFrom<FieldSettingText> for FieldSetting {
    type Error = RuleError;

    fn try_from(text: FieldSettingText) -> Result<Self, RuleError> {
        let source = match (text.from, text.value, text.template) {
            (None, None, None) => None,
            (Some(field), None, None) => Some(Source::From(field)),
            (None, Some(value), None) => Some(Source::Fixed(value)),
            (None, None, Some(template)) => Some(Source::Template(template)),
            _ => return Err(RuleError::SeveralSources(text.column)),
        };
        Ok(FieldSetting {
            column: text.column,
            source,
            display: text.display,
        })
    }
}

impl From<FieldSetting> for FieldSettingText {
    fn from(setting: FieldSetting) -> Self {
        let (from, value, template) = match setting.source {
            None => (None, None, None),
            Some(Source::From(field)) => (Some(field), None, None),
            Some(Source::Fixed(value)) => (None, Some(value), None),
            Some(Source::Template(template)) => (None, None, Some(template)),
        };
        FieldSettingText {
            column: setting.column,
            from,
            value,
            template,
            display: setting.display,
        }
    }
}
