//! Queries made in code.

use super::check::Fetch;
use super::operator::Operator;
use super::tree::{Element, Fault};
use crate::odata::Direction;

/// A query in the making. What is wrong with it is told by [`Builder::build`].
#[derive(Clone, Debug)]
pub struct Builder {
    fetch: Element,
    entity: Element,
}

impl Builder {
    /// A query over a table, by its logical name. Without a column, all are read.
    pub fn new(table: &str) -> Self {
        Self {
            fetch: Element::new("fetch"),
            entity: Element::new("entity").with("name", table),
        }
    }

    /// Reads a column.
    #[must_use]
    pub fn attribute(mut self, column: &str) -> Self {
        self.entity.children.push(attribute(column));
        self
    }

    /// Reads a column under another name.
    #[must_use]
    pub fn attribute_as(mut self, column: &str, alias: &str) -> Self {
        let attribute = attribute(column).with("alias", alias);
        self.entity.children.push(attribute);
        self
    }

    /// Computes a value over all rows, or over each group.
    #[must_use]
    pub fn aggregate(mut self, column: &str, alias: &str, aggregate: Aggregate) -> Self {
        self.fetch.set("aggregate", "true");
        let mut attribute = attribute(column).with("alias", alias);
        attribute.set("aggregate", aggregate.name());
        if aggregate == Aggregate::CountDistinct {
            attribute.set("distinct", "true");
        }
        self.entity.children.push(attribute);
        self
    }

    /// Groups by a column.
    #[must_use]
    pub fn group_by(mut self, column: &str, alias: &str) -> Self {
        self.fetch.set("aggregate", "true");
        let attribute = attribute(column).with("alias", alias);
        self.entity.children.push(attribute.with("groupby", "true"));
        self
    }

    /// Groups by a part of a date.
    #[must_use]
    pub fn group_by_date(mut self, column: &str, alias: &str, grouping: DateGrouping) -> Self {
        self = self.group_by(column, alias);
        if let Some(last) = self.entity.children.last_mut() {
            last.set("dategrouping", grouping.name());
        }
        self
    }

    /// Reads the rows for which this is true; a second condition narrows the first.
    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        self.entity.children.push(condition.into_filter());
        self
    }

    /// Orders by a column, after those named before.
    #[must_use]
    pub fn order_by(mut self, column: &str, direction: Direction) -> Self {
        let order = Element::new("order").with("attribute", column);
        self.entity.children.push(directed(order, direction));
        self
    }

    /// Orders by an alias, as queries that compute have to.
    #[must_use]
    pub fn order_by_alias(mut self, alias: &str, direction: Direction) -> Self {
        let order = Element::new("order").with("alias", alias);
        self.entity.children.push(directed(order, direction));
        self
    }

    /// Reads related rows along, or only rows that have some.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.entity.children.push(link.element);
        self
    }

    /// Reads at most this many rows, in one page.
    #[must_use]
    pub fn top(mut self, rows: u32) -> Self {
        self.fetch.set("top", rows.to_string());
        self
    }

    /// Reads pages of this many rows, at most 5000.
    #[must_use]
    pub fn page_size(mut self, rows: u32) -> Self {
        self.fetch.set("count", rows.to_string());
        self
    }

    /// Leaves out rows that are equal to others.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.fetch.set("distinct", "true");
        self
    }

    /// Asks for the number of all rows, which Dataverse counts up to 5000.
    #[must_use]
    pub fn total_count(mut self) -> Self {
        self.fetch.set("returntotalrecordcount", "true");
        self
    }

    /// The query.
    ///
    /// # Errors
    ///
    /// What is wrong with it; a value that XML cannot hold is told when it is run or written.
    pub fn build(self) -> Result<Fetch, Fault> {
        let mut fetch = self.fetch;
        fetch.children.push(self.entity);
        Fetch::of(fetch)
    }
}

fn attribute(column: &str) -> Element {
    Element::new("attribute").with("name", column)
}

fn directed(order: Element, direction: Direction) -> Element {
    match direction {
        Direction::Ascending => order,
        Direction::Descending => order.with("descending", "true"),
    }
}

/// What is computed over rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// The mean.
    Average,
    /// The number of rows.
    Count,
    /// The number of rows in which the column is not empty.
    CountColumn,
    /// The number of different values.
    CountDistinct,
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// The sum.
    Sum,
}

impl Aggregate {
    fn name(self) -> &'static str {
        match self {
            Self::Average => "avg",
            Self::Count => "count",
            Self::CountColumn | Self::CountDistinct => "countcolumn",
            Self::Max => "max",
            Self::Min => "min",
            Self::Sum => "sum",
        }
    }
}

/// By which part of a date rows are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateGrouping {
    /// The day of the month.
    Day,
    /// The week of the year.
    Week,
    /// The month.
    Month,
    /// The quarter.
    Quarter,
    /// The year.
    Year,
    /// The period of the fiscal year.
    FiscalPeriod,
    /// The fiscal year.
    FiscalYear,
}

impl DateGrouping {
    fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::FiscalPeriod => "fiscal-period",
            Self::FiscalYear => "fiscal-year",
        }
    }
}

/// What has to be true of a row.
#[derive(Clone, Debug)]
pub struct Condition(Element);

impl Condition {
    /// A column compares so with these values: as many as the operator takes. For the `like` operators the value is a
    /// pattern; [`Condition::contains`], [`Condition::begins_with`] and [`Condition::ends_with`] take text literally.
    pub fn new<V: Into<String>>(
        column: &str,
        operator: Operator,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let mut values: Vec<String> = values.into_iter().map(Into::into).collect();
        let mut condition = Element::new("condition")
            .with("attribute", column)
            .with("operator", operator.name());
        match (values.as_slice(), operator.values()) {
            ([_], super::operator::Values::One) => condition.set("value", values.remove(0)),
            _ => {
                condition.children = values
                    .into_iter()
                    .map(|value| Element {
                        text: value,
                        ..Element::new("value")
                    })
                    .collect();
            }
        }
        Self(condition)
    }

    /// The column equals the value.
    pub fn equals(column: &str, value: impl Into<String>) -> Self {
        Self::new(column, Operator::Equal, [value.into()])
    }

    /// The column contains the text, taken literally.
    pub fn contains(column: &str, text: &str) -> Self {
        let pattern = ["%", &literal(text), "%"].concat();
        Self::new(column, Operator::Like, [pattern])
    }

    /// The column begins with the text, taken literally.
    pub fn begins_with(column: &str, text: &str) -> Self {
        Self::new(column, Operator::BeginsWith, [literal(text)])
    }

    /// The column ends with the text, taken literally.
    pub fn ends_with(column: &str, text: &str) -> Self {
        Self::new(column, Operator::EndsWith, [literal(text)])
    }

    /// The column compares so with another column: `column`, or `alias.column` of a linked table.
    pub fn columns(column: &str, operator: Operator, other: &str) -> Self {
        Self(
            Element::new("condition")
                .with("attribute", column)
                .with("operator", operator.name())
                .with("valueof", other),
        )
    }

    /// The condition is about the linked table of this alias, after the rows were joined.
    #[must_use]
    pub fn on(mut self, alias: &str) -> Self {
        self.0.set("entityname", alias);
        self
    }

    /// All of these are true.
    pub fn all(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self::group("and", conditions)
    }

    /// One of these is true.
    pub fn any(conditions: impl IntoIterator<Item = Condition>) -> Self {
        Self::group("or", conditions)
    }

    /// There are related rows, or there are none.
    pub fn related(related: Related, link: Link) -> Self {
        Self(link.element.with("link-type", related.name()))
    }

    fn group(kind: &str, conditions: impl IntoIterator<Item = Condition>) -> Self {
        let mut filter = Element::new("filter").with("type", kind);
        filter.children = conditions
            .into_iter()
            .map(|condition| condition.0)
            .collect();
        Self(filter)
    }

    fn into_filter(self) -> Element {
        if self.0.name == "filter" {
            return self.0;
        }
        let mut filter = Element::new("filter");
        filter.children.push(self.0);
        filter
    }
}

/// Text of which nothing is a wildcard of a `like` operator.
pub(super) fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '[') {
            literal.extend(['[', c, ']']);
        } else {
            literal.push(c);
        }
    }
    literal
}

/// What is asked of related rows (protocol page `fetchxml.md`, section "Grammar"). The names of Dataverse mislead, so
/// that these say what is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Related {
    /// One that fits exists (`any`).
    Exists,
    /// None that fits exists (`not any`).
    DoesNotExist,
    /// There are related rows, but none fits (`all`).
    ExistsButNoneFits,
}

impl Related {
    fn name(self) -> &'static str {
        match self {
            Self::Exists => "any",
            Self::DoesNotExist => "not any",
            Self::ExistsButNoneFits => "all",
        }
    }
}

/// How a linked table is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Rows without a related one are left out.
    Inner,
    /// Rows without a related one are kept.
    Outer,
    /// As inner, but a row stands once however many are related, and nothing of those is read.
    Exists,
    /// The same, asked in another way, which can be faster.
    In,
    /// As inner, with at most one related row.
    FirstMatch,
}

/// A linked table.
#[derive(Clone, Debug)]
pub struct Link {
    element: Element,
}

impl Link {
    /// A table whose column `from` equals the column `to` of the table that it is linked to.
    pub fn new(table: &str, from: &str, to: &str) -> Self {
        Self {
            element: Element::new("link-entity")
                .with("name", table)
                .with("from", from)
                .with("to", to),
        }
    }

    /// The name under which its columns come (`alias.column`).
    #[must_use]
    pub fn alias(mut self, alias: &str) -> Self {
        self.element.set("alias", alias);
        self
    }

    /// How it is joined; inner without this.
    #[must_use]
    pub fn join(mut self, join: Join) -> Self {
        let kind = match join {
            Join::Inner => "inner",
            Join::Outer => "outer",
            Join::Exists => "exists",
            Join::In => "in",
            Join::FirstMatch => "matchfirstrowusingcrossapply",
        };
        self.element.set("link-type", kind);
        self
    }

    /// The table stands between two others (N:N).
    #[must_use]
    pub fn intersect(mut self) -> Self {
        self.element.set("intersect", "true");
        self
    }

    /// Reads a column of it.
    #[must_use]
    pub fn attribute(mut self, column: &str) -> Self {
        self.element.children.push(attribute(column));
        self
    }

    /// Joins only rows for which this is true.
    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        self.element.children.push(condition.into_filter());
        self
    }

    /// Orders by a column of it.
    #[must_use]
    pub fn order_by(mut self, column: &str, direction: Direction) -> Self {
        let order = Element::new("order").with("attribute", column);
        self.element.children.push(directed(order, direction));
        self
    }

    /// Links a further table to it.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.element.children.push(link.element);
        self
    }
}
