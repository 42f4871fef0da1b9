//! Queries, and the one place where text becomes part of a URL.
//!
//! Visitor text reaches Dataverse only as a [`Literal`], in the text of a `Contains`, `StartsWith` or `EndsWith`, or as a
//! literal piece of a [`LikePattern`]; each is encoded for what it means there. Column names come from settings: they are
//! checked, never encoded, so that a wrong one is an error and not a different query.

mod filter;
mod functions;
mod key;
mod literal;

pub use filter::{Comparison, Filter, LikePattern};
pub use functions::{Period, QueryFunction, RelativeDate, Span};
pub use key::Key;
pub(crate) use key::record_path;
pub use literal::Literal;

use crate::error::{Error, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::fmt::Write as _;

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
        Ok(options.encoded())
    }

    /// The same for a single row, which has no filter, order or pages.
    pub(crate) fn single_row_query_string(&self) -> Result<String> {
        if self.filter.is_some() || !self.order.is_empty() || self.top.is_some() || self.count {
            return Err(invalid("a single row takes select and expand only"));
        }
        self.query_string()
    }

    /// The same for `/$count`, which takes a filter only.
    pub(crate) fn count_query_string(&self) -> Result<String> {
        if !self.expand.is_empty() || !self.order.is_empty() || self.top.is_some() {
            return Err(invalid("only a filter narrows what is counted"));
        }
        let mut options = Options::default();
        options.filter(self.filter.as_ref())?;
        Ok(options.encoded())
    }

    /// The same for the first load of change tracking, which takes columns only.
    pub(crate) fn tracked_query_string(&self) -> Result<String> {
        if self.filter.is_some()
            || !self.order.is_empty()
            || self.top.is_some()
            || !self.expand.is_empty()
        {
            return Err(invalid(
                "with change tracking only columns can be chosen; rows are filtered by whoever reads them",
            ));
        }
        self.query_string()
    }

    /// Whether Dataverse answers a conditional read of this: with related rows or annotations it does not.
    pub(crate) fn may_be_conditional(&self) -> bool {
        self.expand.is_empty() && !self.formatted_values
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
    fn encoded(&self) -> String {
        self.0
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

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
            filter.write_row(&mut text)?;
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

fn push(out: &mut String, value: impl fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}
