//! Queries, and the one place where text becomes part of a URL.
//!
//! Visitor text reaches Dataverse only as a [`Literal`], in the text of a `Contains`, `StartsWith` or `EndsWith`, or as a
//! literal piece of a [`LikePattern`]; each is encoded for what it means there. Column names come from settings: they are
//! checked, never encoded, so that a wrong one is an error and not a different query.

use crate::error::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::fmt::Write as _;
use uuid::Uuid;

/// What to read from one entity set (protocol page `query.md`).
#[derive(Clone, Debug)]
pub struct Query {
    entity_set: String,
    select: Vec<String>,
    filter: Option<Filter>,
    expand: Vec<Expand>,
    order: Vec<(String, Direction)>,
    top: Option<u32>,
    page_size: Option<u32>,
    count: bool,
    formatted_values: bool,
}

impl Query {
    /// Everything in an entity set, such as `contacts`.
    pub fn new(entity_set: impl Into<String>) -> Self {
        Self {
            entity_set: entity_set.into(),
            select: Vec::new(),
            filter: None,
            expand: Vec::new(),
            order: Vec::new(),
            top: None,
            page_size: None,
            count: false,
            formatted_values: false,
        }
    }

    /// Reads only these columns; a lookup is named `_x_value`. Without it, every column is read.
    #[must_use]
    pub fn select<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.select.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Reads only the rows for which this is true; a second filter narrows the first.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(match self.filter {
            None => filter,
            Some(first) => Filter::And(vec![first, filter]),
        });
        self
    }

    /// Reads related rows along.
    #[must_use]
    pub fn expand(mut self, expand: Expand) -> Self {
        self.expand.push(expand);
        self
    }

    /// Orders by a column, after the columns named before.
    #[must_use]
    pub fn order_by(mut self, column: impl Into<String>, direction: Direction) -> Self {
        self.order.push((column.into(), direction));
        self
    }

    /// Reads at most this many rows, in one page. Not together with [`Query::page_size`], which would make Dataverse
    /// ignore it.
    #[must_use]
    pub fn top(mut self, rows: u32) -> Self {
        self.top = Some(rows);
        self
    }

    /// Reads pages of this many rows (at most 5000, which is also what Dataverse does without it).
    #[must_use]
    pub fn page_size(mut self, rows: u32) -> Self {
        self.page_size = Some(rows);
        self
    }

    /// Asks for the number of all rows, which Dataverse counts up to 5000.
    #[must_use]
    pub fn count(mut self, count: bool) -> Self {
        self.count = count;
        self
    }

    /// Asks for the formatted values, and for the table and name behind every lookup.
    #[must_use]
    pub fn formatted_values(mut self, formatted_values: bool) -> Self {
        self.formatted_values = formatted_values;
        self
    }

    /// The entity set that is read.
    pub fn entity_set(&self) -> &str {
        &self.entity_set
    }

    /// The part of the URL behind `?`, percent-encoded: what stands in a request. It holds visitor text; never log it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidQuery`] for a column, number or filter that cannot be asked for.
    pub fn query_string(&self) -> Result<String> {
        if self.top.is_some() && self.page_size.is_some() {
            return Err(invalid("top and page_size exclude each other"));
        }
        let mut options = Options::default();
        options.select(&self.select)?;
        options.filter(self.filter.as_ref())?;
        options.expand(&self.expand)?;
        options.order(&self.order)?;
        options.top(self.top);
        if self.count {
            options.0.push(("$count", "true".to_owned()));
        }
        Ok(options
            .0
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect::<Vec<_>>()
            .join("&"))
    }

    /// The same for a single row, which has no filter, order or pages.
    pub(crate) fn single_row_query_string(&self) -> Result<String> {
        if self.filter.is_some() || !self.order.is_empty() || self.top.is_some() || self.count {
            return Err(invalid("a single row takes select and expand only"));
        }
        self.query_string()
    }

    /// The value of the `Prefer` header, if anything is preferred.
    pub(crate) fn prefer(&self) -> Option<String> {
        let mut preferences = Vec::new();
        if self.formatted_values {
            preferences.push(format!(
                "odata.include-annotations=\"{FORMATTED_VALUE},{LOOKUP_LOGICAL_NAME}\""
            ));
        }
        if let Some(rows) = self.page_size {
            preferences.push(format!("odata.maxpagesize={rows}"));
        }
        (!preferences.is_empty()).then(|| preferences.join(","))
    }
}

/// The annotation that carries a formatted value.
pub(crate) const FORMATTED_VALUE: &str = "OData.Community.Display.V1.FormattedValue";
/// The annotation that carries the table which a lookup points to.
pub(crate) const LOOKUP_LOGICAL_NAME: &str = "Microsoft.Dynamics.CRM.lookuplogicalname";

/// Related rows to read along (protocol page `query.md`, section "$expand").
#[derive(Clone, Debug)]
pub struct Expand {
    navigation: String,
    select: Vec<String>,
    filter: Option<Filter>,
    order: Vec<(String, Direction)>,
    top: Option<u32>,
    expand: Vec<Expand>,
}

impl Expand {
    /// The rows behind a navigation property, such as `parentcustomerid_account`.
    pub fn new(navigation: impl Into<String>) -> Self {
        Self {
            navigation: navigation.into(),
            select: Vec::new(),
            filter: None,
            order: Vec::new(),
            top: None,
            expand: Vec::new(),
        }
    }

    /// Reads only these columns of the related rows.
    #[must_use]
    pub fn select<C: Into<String>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.select.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Reads only the related rows for which this is true (collections only).
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Orders the related rows (collections only).
    #[must_use]
    pub fn order_by(mut self, column: impl Into<String>, direction: Direction) -> Self {
        self.order.push((column.into(), direction));
        self
    }

    /// Reads at most this many related rows (collections only).
    #[must_use]
    pub fn top(mut self, rows: u32) -> Self {
        self.top = Some(rows);
        self
    }

    /// Reads what is related to the related rows.
    #[must_use]
    pub fn expand(mut self, expand: Expand) -> Self {
        self.expand.push(expand);
        self
    }

    fn text(&self) -> Result<String> {
        let mut options = Options::default();
        options.select(&self.select)?;
        options.filter(self.filter.as_ref())?;
        options.order(&self.order)?;
        options.top(self.top);
        options.expand(&self.expand)?;
        let navigation = column(&self.navigation)?;
        if options.0.is_empty() {
            return Ok(navigation.to_owned());
        }
        let options: Vec<_> = options
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Ok(format!("{navigation}({})", options.join(";")))
    }
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A condition on a row (protocol page `query.md`, section "$filter"). Text compares without regard to case.
///
/// A column may be a path through lookups: `primarycontactid/fullname`.
#[derive(Clone, PartialEq)]
pub enum Filter {
    /// The column compares so with the value.
    Compare {
        /// The column, or path to it.
        column: String,
        /// How it compares.
        operator: Comparison,
        /// With what.
        value: Literal,
    },
    /// The column contains the text, taken literally.
    Contains {
        /// The column, or path to it.
        column: String,
        /// The text; not empty, for every row contains that.
        text: String,
    },
    /// The column begins with the text, taken literally.
    StartsWith {
        /// The column, or path to it.
        column: String,
        /// The text; not empty.
        text: String,
    },
    /// The column ends with the text, taken literally.
    EndsWith {
        /// The column, or path to it.
        column: String,
        /// The text; not empty.
        text: String,
    },
    /// The column contains something that fits the pattern.
    ContainsPattern {
        /// The column, or path to it.
        column: String,
        /// The pattern.
        pattern: LikePattern,
    },
    /// All of these are true. An empty list is an error, so that a rule without conditions cannot match everybody.
    And(Vec<Filter>),
    /// At least one of these is true. An empty list is an error.
    Or(Vec<Filter>),
    /// This is not true.
    Not(Box<Filter>),
}

impl Filter {
    /// The column equals the value.
    pub fn equals(column: impl Into<String>, value: impl Into<Literal>) -> Self {
        Self::compare(column, Comparison::Eq, value)
    }

    /// The column compares so with the value.
    pub fn compare(
        column: impl Into<String>,
        operator: Comparison,
        value: impl Into<Literal>,
    ) -> Self {
        Self::Compare {
            column: column.into(),
            operator,
            value: value.into(),
        }
    }

    /// The column contains the text, taken literally.
    pub fn contains(column: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Contains {
            column: column.into(),
            text: text.into(),
        }
    }

    /// The column begins with the text, taken literally.
    pub fn starts_with(column: impl Into<String>, text: impl Into<String>) -> Self {
        Self::StartsWith {
            column: column.into(),
            text: text.into(),
        }
    }

    /// The column ends with the text, taken literally.
    pub fn ends_with(column: impl Into<String>, text: impl Into<String>) -> Self {
        Self::EndsWith {
            column: column.into(),
            text: text.into(),
        }
    }

    /// The column contains something that fits the pattern.
    pub fn contains_pattern(column: impl Into<String>, pattern: LikePattern) -> Self {
        Self::ContainsPattern {
            column: column.into(),
            pattern,
        }
    }

    fn write(&self, out: &mut String) -> Result<()> {
        match self {
            Self::Compare {
                column,
                operator,
                value,
            } => {
                out.push_str(path(column)?);
                out.push_str(operator.text());
                value.write(out)
            }
            Self::Contains { column, text } => {
                write_like("contains", column, &LikePattern::new().text(text), out)
            }
            Self::StartsWith { column, text } => {
                write_like("startswith", column, &LikePattern::new().text(text), out)
            }
            Self::EndsWith { column, text } => {
                write_like("endswith", column, &LikePattern::new().text(text), out)
            }
            Self::ContainsPattern { column, pattern } => {
                write_like("contains", column, pattern, out)
            }
            Self::And(filters) => write_group(" and ", filters, out),
            Self::Or(filters) => write_group(" or ", filters, out),
            Self::Not(filter) => {
                out.push_str("not (");
                filter.write(out)?;
                out.push(')');
                Ok(())
            }
        }
    }
}

/// The shape of the condition without the visitor's text.
impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare {
                column,
                operator,
                value,
            } => write!(f, "{column}{}{value:?}", operator.text()),
            Self::Contains { column, .. } => write!(f, "contains({column},…)"),
            Self::StartsWith { column, .. } => write!(f, "startswith({column},…)"),
            Self::EndsWith { column, .. } => write!(f, "endswith({column},…)"),
            Self::ContainsPattern { column, pattern } => {
                write!(f, "contains({column},{pattern:?})")
            }
            Self::And(filters) => f.debug_tuple("And").field(filters).finish(),
            Self::Or(filters) => f.debug_tuple("Or").field(filters).finish(),
            Self::Not(filter) => f.debug_tuple("Not").field(filter).finish(),
        }
    }
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

impl Comparison {
    fn text(self) -> &'static str {
        match self {
            Self::Eq => " eq ",
            Self::Ne => " ne ",
            Self::Gt => " gt ",
            Self::Ge => " ge ",
            Self::Lt => " lt ",
            Self::Le => " le ",
        }
    }
}

/// A value in a filter.
#[derive(Clone, PartialEq)]
pub enum Literal {
    /// No value.
    Null,
    /// Text, taken as it is.
    Text(String),
    /// An id.
    Guid(Uuid),
    /// A whole number, or the value of a choice.
    Integer(i64),
    /// A decimal number such as `-1200.50`; anything else is an error when the query is sent.
    Decimal(String),
    /// Yes or no.
    Boolean(bool),
    /// A moment.
    DateTime(jiff::Timestamp),
    /// A day.
    Date(jiff::civil::Date),
}

/// The first second of the year 1 in UTC, in seconds since 1970.
const YEAR_ONE: i64 = -62_135_596_800;

impl Literal {
    fn write(&self, out: &mut String) -> Result<()> {
        match self {
            Self::Null => out.push_str("null"),
            Self::Text(text) => write_quoted(text, out),
            Self::Guid(id) => push(out, id.as_hyphenated()),
            Self::Integer(number) => push(out, number),
            Self::Decimal(number) if is_decimal(number) => out.push_str(number),
            Self::Decimal(_) => return Err(invalid("a decimal number is written like -1200.50")),
            Self::Boolean(yes) => push(out, yes),
            Self::DateTime(moment) if moment.as_second() >= YEAR_ONE => push(out, moment),
            Self::Date(day) if day.year() > 0 => push(out, day),
            Self::DateTime(_) | Self::Date(_) => {
                return Err(invalid("Dataverse knows no date before the year 1"));
            }
        }
        Ok(())
    }
}

/// The kind of value, and the value itself only where it cannot be a person's.
impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(yes) => write!(f, "{yes}"),
            Self::Guid(id) => write!(f, "{id}"),
            Self::Text(_) => f.write_str("<text>"),
            Self::Integer(_) => f.write_str("<integer>"),
            Self::Decimal(_) => f.write_str("<decimal>"),
            Self::DateTime(_) => f.write_str("<datetime>"),
            Self::Date(_) => f.write_str("<date>"),
        }
    }
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Literal {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Uuid> for Literal {
    fn from(id: Uuid) -> Self {
        Self::Guid(id)
    }
}

impl From<i64> for Literal {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Literal {
    fn from(yes: bool) -> Self {
        Self::Boolean(yes)
    }
}

impl From<jiff::Timestamp> for Literal {
    fn from(moment: jiff::Timestamp) -> Self {
        Self::DateTime(moment)
    }
}

impl From<jiff::civil::Date> for Literal {
    fn from(day: jiff::civil::Date) -> Self {
        Self::Date(day)
    }
}

/// Literal pieces of text with "anything" in between: the only way to a `LIKE` wildcard.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LikePattern {
    escaped: String,
    has_text: bool,
}

impl LikePattern {
    /// A pattern without any piece yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// These pieces in this order, with anything (or nothing) between two of them: the digits of a phone number,
    /// however it was written down.
    pub fn joined<P: AsRef<str>>(pieces: impl IntoIterator<Item = P>) -> Self {
        pieces
            .into_iter()
            .enumerate()
            .fold(Self::new(), |pattern, (index, piece)| {
                let pattern = if index == 0 {
                    pattern
                } else {
                    pattern.anything()
                };
                pattern.text(piece.as_ref())
            })
    }

    /// Then this text, taken literally.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.has_text |= !text.is_empty();
        for c in text.chars() {
            match c {
                '%' | '_' | '[' => {
                    self.escaped.push('[');
                    self.escaped.push(c);
                    self.escaped.push(']');
                }
                _ => self.escaped.push(c),
            }
        }
        self
    }

    /// Then anything, or nothing.
    #[must_use]
    pub fn anything(mut self) -> Self {
        self.escaped.push('%');
        self
    }
}

impl fmt::Debug for LikePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<pattern>")
    }
}

/// Percent-encodes one value of a URL: only unreserved characters and `$` stay; a space is `%20`.
pub(crate) fn encode(text: &str) -> percent_encoding::PercentEncode<'_> {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'$');
    utf8_percent_encode(text, ENCODED)
}

/// A column, table or navigation property: letters, digits and underscores.
pub(crate) fn column(name: &str) -> Result<&str> {
    let fits = !name.is_empty()
        && name.len() <= 128
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fits {
        Ok(name)
    } else {
        Err(invalid(format!(
            "{:?} is not the name of a column or table",
            shortened(name)
        )))
    }
}

fn path(path: &str) -> Result<&str> {
    for segment in path.split('/') {
        column(segment)?;
    }
    Ok(path)
}

fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

pub(crate) fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidQuery {
        reason: reason.into(),
    }
}

/// The options of a query or an expand, before the URL's own encoding.
#[derive(Default)]
struct Options(Vec<(&'static str, String)>);

impl Options {
    fn select(&mut self, columns: &[String]) -> Result<()> {
        if !columns.is_empty() {
            let columns: Vec<_> = columns
                .iter()
                .map(|name| column(name))
                .collect::<Result<_>>()?;
            self.0.push(("$select", columns.join(",")));
        }
        Ok(())
    }

    fn filter(&mut self, filter: Option<&Filter>) -> Result<()> {
        if let Some(filter) = filter {
            let mut text = String::new();
            filter.write(&mut text)?;
            self.0.push(("$filter", text));
        }
        Ok(())
    }

    fn expand(&mut self, expand: &[Expand]) -> Result<()> {
        if !expand.is_empty() {
            let expand: Vec<_> = expand.iter().map(Expand::text).collect::<Result<_>>()?;
            self.0.push(("$expand", expand.join(",")));
        }
        Ok(())
    }

    fn order(&mut self, order: &[(String, Direction)]) -> Result<()> {
        if !order.is_empty() {
            let order: Vec<_> = order
                .iter()
                .map(|(name, direction)| {
                    let suffix = match direction {
                        Direction::Ascending => "asc",
                        Direction::Descending => "desc",
                    };
                    Ok(format!("{} {suffix}", path(name)?))
                })
                .collect::<Result<_>>()?;
            self.0.push(("$orderby", order.join(",")));
        }
        Ok(())
    }

    fn top(&mut self, top: Option<u32>) {
        if let Some(rows) = top {
            self.0.push(("$top", rows.to_string()));
        }
    }
}

fn write_group(operator: &str, filters: &[Filter], out: &mut String) -> Result<()> {
    match filters {
        [] => Err(invalid("a group of conditions is empty")),
        [only] => only.write(out),
        [first, rest @ ..] => {
            out.push('(');
            first.write(out)?;
            out.push(')');
            for filter in rest {
                out.push_str(operator);
                out.push('(');
                filter.write(out)?;
                out.push(')');
            }
            Ok(())
        }
    }
}

fn write_like(function: &str, column: &str, pattern: &LikePattern, out: &mut String) -> Result<()> {
    if !pattern.has_text {
        return Err(invalid(format!(
            "{function} is asked for with an empty text, which every row fits"
        )));
    }
    push(out, format_args!("{function}({},", path(column)?));
    write_quoted(&pattern.escaped, out);
    out.push(')');
    Ok(())
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('\'');
    for c in text.chars() {
        if c == '\'' {
            out.push('\'');
        }
        out.push(c);
    }
    out.push('\'');
}

fn push(out: &mut String, value: impl fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| {
        !part.is_empty() && part.len() <= 40 && part.bytes().all(|b| b.is_ascii_digit())
    };
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    match unsigned.split_once('.') {
        None => digits(unsigned),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
    }
}
