//! FetchXML (protocol page `fetchxml.md`): its whole grammar, with the errors that the page names. Which tables and
//! columns there are is not known here.

use crate::error::SyntaxError;
use crate::operator::Test;
use crate::xml::{self, Element, Unreadable};

/// Deeper nesting is refused.
const DEEPEST: usize = 64;
/// Longer texts are refused: no URL and no part of a batch is longer.
const LONGEST: usize = 65_536;
/// More links are `0x8004430d`.
const MOST_LINKS: usize = 15;
/// More conditions and links are `0x8004430c`.
const MOST_CONDITIONS: usize = 500;
/// The largest `top` and `count`.
const LARGEST_PAGE: u32 = 5000;

/// A whole query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fetch {
    /// At most so many rows; not together with paging.
    pub top: Option<u32>,
    /// Rows of a page.
    pub count: Option<u32>,
    /// The page, from 1.
    pub page: Option<u32>,
    /// The inner paging cookie: an XML text.
    pub paging_cookie: Option<String>,
    /// `returntotalrecordcount`
    pub total: bool,
    /// `distinct`
    pub distinct: bool,
    /// `aggregate`
    pub aggregate: bool,
    /// `aggregatelimit`
    pub aggregate_limit: Option<u32>,
    /// `useraworderby`: choices are ordered by value instead of label.
    pub raw_order: bool,
    /// What is asked for.
    pub entity: Entity,
}

/// A table with what is asked of it: `<entity>`, or what stands in a `<link-entity>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entity {
    /// Logical name of the table.
    pub name: String,
    /// `<all-attributes/>`
    pub all_attributes: bool,
    /// `<attribute>`
    pub attributes: Vec<Attribute>,
    /// `<order>`
    pub orders: Vec<Order>,
    /// `<filter>`: all of them must hold.
    pub filters: Vec<Filter>,
    /// `<link-entity>`
    pub links: Vec<Link>,
}

/// A column that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attribute {
    /// Logical name.
    pub name: String,
    /// The key in the answer.
    pub alias: Option<String>,
    /// What is computed over the rows.
    pub aggregate: Option<Aggregate>,
    /// `groupby`
    pub group_by: bool,
    /// `distinct`, with `countcolumn`.
    pub distinct: bool,
    /// How dates are grouped.
    pub date_grouping: Option<DateGrouping>,
    /// `rowaggregate='CountChildren'`
    pub count_children: bool,
}

/// What is computed over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// The mean.
    Average,
    /// The number of rows.
    Count,
    /// The number of values.
    CountColumn,
    /// The greatest value.
    Max,
    /// The least value.
    Min,
    /// The sum.
    Sum,
}

/// How dates are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DateGrouping {
    Day,
    Week,
    Month,
    Quarter,
    Year,
    FiscalPeriod,
    FiscalYear,
}

/// An order of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// Logical name of a column.
    pub attribute: Option<String>,
    /// The alias of an attribute, in aggregate queries.
    pub alias: Option<String>,
    /// From the greatest.
    pub descending: bool,
    /// The alias of the link that has the column.
    pub entity_name: Option<String>,
}

/// Conditions that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// `type='or'`
    pub any: bool,
    /// `<condition>`
    pub conditions: Vec<Condition>,
    /// `<filter>`
    pub filters: Vec<Filter>,
    /// `<link-entity>`: any, not any, all, not all.
    pub links: Vec<Link>,
}

/// A condition on a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Logical name of the column.
    pub attribute: String,
    /// What is asked of it.
    pub test: Test,
    /// The operator as it was written.
    pub operator: String,
    /// The values, as written.
    pub values: Vec<String>,
    /// Another column instead of a value: `column` or `alias.column`.
    pub value_of: Option<String>,
    /// The alias of the link that has the column.
    pub entity_name: Option<String>,
}

/// Another table that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// How it takes part.
    pub kind: LinkKind,
    /// Column of the linked table.
    pub from: Option<String>,
    /// Column of the enclosing table.
    pub to: Option<String>,
    /// The name under which its columns appear.
    pub alias: Option<String>,
    /// The linked table with what is asked of it.
    pub entity: Entity,
}

/// How a linked table takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// `inner` and `natural`
    Inner,
    /// `outer`
    Outer,
    /// `exists`
    Exists,
    /// `in`
    In,
    /// `matchfirstrowusingcrossapply`
    FirstRow,
    /// In a filter: a related row that meets the conditions exists.
    Any,
    /// In a filter: no such row exists.
    NotAny,
    /// In a filter: related rows exist, none of them meets the conditions.
    All,
    /// In a filter: the same as `any`.
    NotAll,
}

/// Reads a query.
///
/// # Errors
/// 400 with the code of protocol page `fetchxml.md`, section "Errors".
pub fn read(text: &str) -> Result<Fetch, SyntaxError> {
    let root = xml::read(text, LONGEST, DEEPEST).map_err(|unreadable| match unreadable {
        Unreadable::Malformed => SyntaxError::new("0x80040201", "Invalid XML."),
        Unreadable::TooLarge => SyntaxError::new(
            "0x80040203",
            format!("Invalid argument. A query is at most {LONGEST} characters long and {DEEPEST} elements deep."),
        ),
    })?;
    if root.name != "fetch" {
        return Err(invalid_element(&root.name));
    }
    let fetch = fetch(&root)?;
    limits(&fetch.entity)?;
    Ok(fetch)
}

fn fetch(root: &Element) -> Result<Fetch, SyntaxError> {
    known(
        root,
        &[
            "top",
            "count",
            "page",
            "paging-cookie",
            "returntotalrecordcount",
            "distinct",
            "aggregate",
            "aggregatelimit",
            "latematerialize",
            "no-lock",
            "useraworderby",
            "options",
            "datasource",
            "version",
            "mapping",
            "output-format",
            "utc-offset",
            "min-active-row-version",
        ],
    )?;
    let mut entities = root.children.iter();
    let (Some(entity), None) = (entities.next(), entities.next()) else {
        return Err(argument("A fetch has exactly one entity."));
    };
    if entity.name != "entity" {
        return Err(invalid_element(&entity.name));
    }
    let read = Fetch {
        top: number(root, "top")?,
        count: number(root, "count")?,
        page: number(root, "page")?,
        paging_cookie: root
            .attribute("paging-cookie")
            .filter(|cookie| !cookie.is_empty())
            .map(str::to_owned),
        total: boolean(root, "returntotalrecordcount")?,
        distinct: boolean(root, "distinct")?,
        aggregate: boolean(root, "aggregate")?,
        aggregate_limit: number(root, "aggregatelimit")?,
        raw_order: boolean(root, "useraworderby")?,
        entity: {
            known(
                entity,
                &["name", "enableprefiltering", "prefilterparametername"],
            )?;
            body(entity)?
        },
    };
    if read.top.is_some() {
        if read.count.is_some() || read.page.is_some() || read.paging_cookie.is_some() {
            return Err(argument(
                "The top attribute can't be specified with paging attribute page or count.",
            ));
        }
        if read.total {
            return Err(argument(
                "The top attribute can't be specified with returntotalrecordcount.",
            ));
        }
    }
    for (name, value) in [("top", read.top), ("count", read.count)] {
        if value.is_some_and(|value| value == 0 || value > LARGEST_PAGE) {
            return Err(argument(format!(
                "The value of '{name}' must be between 1 and {LARGEST_PAGE}."
            )));
        }
    }
    if read.page == Some(0) {
        return Err(argument("The value of 'page' must be 1 or more."));
    }
    Ok(read)
}

fn body(element: &Element) -> Result<Entity, SyntaxError> {
    let mut entity = Entity {
        name: required(element, "name")?.to_owned(),
        ..Entity::default()
    };
    for child in &element.children {
        match child.name.as_str() {
            "all-attributes" => entity.all_attributes = true,
            "no-attrs" => {}
            "attribute" => entity.attributes.push(attribute(child)?),
            "order" => entity.orders.push(order(child)?),
            "filter" => entity.filters.push(filter(child)?),
            "link-entity" => {
                let link = link(child)?;
                if link.kind.is_in_filter() {
                    return Err(wrong_link_type());
                }
                entity.links.push(link);
            }
            other => return Err(invalid_element(other)),
        }
    }
    Ok(entity)
}

impl LinkKind {
    /// May it stand in a filter, and nowhere else?
    pub fn is_in_filter(self) -> bool {
        match self {
            LinkKind::Any | LinkKind::NotAny | LinkKind::All | LinkKind::NotAll => true,
            LinkKind::Inner
            | LinkKind::Outer
            | LinkKind::Exists
            | LinkKind::In
            | LinkKind::FirstRow => false,
        }
    }
}

fn attribute(element: &Element) -> Result<Attribute, SyntaxError> {
    known(
        element,
        &[
            "name",
            "alias",
            "aggregate",
            "groupby",
            "distinct",
            "dategrouping",
            "usertimezone",
            "rowaggregate",
            "build",
            "addedby",
        ],
    )?;
    no_children(element)?;
    let aggregate = match element.attribute("aggregate") {
        None => None,
        Some("avg") => Some(Aggregate::Average),
        Some("count") => Some(Aggregate::Count),
        Some("countcolumn") => Some(Aggregate::CountColumn),
        Some("max") => Some(Aggregate::Max),
        Some("min") => Some(Aggregate::Min),
        Some("sum") => Some(Aggregate::Sum),
        Some(other) => return Err(argument(format!("Invalid aggregate '{other}'."))),
    };
    let date_grouping = match element.attribute("dategrouping") {
        None => None,
        Some("day") => Some(DateGrouping::Day),
        Some("week") => Some(DateGrouping::Week),
        Some("month") => Some(DateGrouping::Month),
        Some("quarter") => Some(DateGrouping::Quarter),
        Some("year") => Some(DateGrouping::Year),
        Some("fiscal-period") => Some(DateGrouping::FiscalPeriod),
        Some("fiscal-year") => Some(DateGrouping::FiscalYear),
        Some(other) => {
            return Err(SyntaxError::new(
                "0x80041135",
                format!("An invalid value was specified for dategrouping: '{other}'."),
            ));
        }
    };
    let count_children = match element.attribute("rowaggregate") {
        None => false,
        Some("CountChildren") => true,
        Some(other) => return Err(argument(format!("Invalid rowaggregate '{other}'."))),
    };
    boolean(element, "usertimezone")?;
    Ok(Attribute {
        name: required(element, "name")?.to_owned(),
        alias: alias(element)?,
        aggregate,
        group_by: boolean(element, "groupby")?,
        distinct: boolean(element, "distinct")?,
        date_grouping,
        count_children,
    })
}

/// An alias is a name: letters, digits and underscores, not beginning with a digit.
fn alias(element: &Element) -> Result<Option<String>, SyntaxError> {
    let Some(alias) = element.attribute("alias") else {
        return Ok(None);
    };
    let mut characters = alias.chars();
    let starts = characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if starts && characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        Ok(Some(alias.to_owned()))
    } else {
        Err(argument(format!(
            "Invalid alias '{alias}'. Only characters within the ranges [A-Z], [a-z] or [0-9] or _ are allowed. The first \
             character may only be in the ranges [A-Z], [a-z] or _."
        )))
    }
}

fn order(element: &Element) -> Result<Order, SyntaxError> {
    known(element, &["attribute", "alias", "descending", "entityname"])?;
    no_children(element)?;
    let text = |name: &str| element.attribute(name).map(str::to_owned);
    let order = Order {
        attribute: text("attribute"),
        alias: text("alias"),
        descending: boolean(element, "descending")?,
        entity_name: text("entityname"),
    };
    if order.attribute.is_none() && order.alias.is_none() {
        return Err(argument("An order needs an attribute or an alias."));
    }
    Ok(order)
}

fn filter(element: &Element) -> Result<Filter, SyntaxError> {
    known(
        element,
        &[
            "type",
            "hint",
            "isquickfindfields",
            "overridequickfindrecordlimitenabled",
            "overridequickfindrecordlimitdisabled",
        ],
    )?;
    let mut filter = Filter {
        any: match element.attribute("type") {
            None | Some("and") => false,
            Some("or") => true,
            Some(_) => {
                return Err(SyntaxError::new(
                    "0x80041122",
                    "Unsupported filter type. Valid values are 'and', or 'or'.",
                ));
            }
        },
        ..Filter::default()
    };
    for child in &element.children {
        match child.name.as_str() {
            "condition" => filter.conditions.push(condition(child)?),
            "filter" => filter.filters.push(self::filter(child)?),
            "link-entity" => {
                let link = link(child)?;
                if !link.kind.is_in_filter() {
                    return Err(wrong_link_type());
                }
                filter.links.push(link);
            }
            other => return Err(invalid_element(other)),
        }
    }
    Ok(filter)
}

fn condition(element: &Element) -> Result<Condition, SyntaxError> {
    known(
        element,
        &[
            "attribute",
            "operator",
            "value",
            "valueof",
            "entityname",
            "column",
            "aggregate",
            "alias",
            "uiname",
            "uitype",
            "uihidden",
        ],
    )?;
    let operator = required(element, "operator")?;
    let test = Test::of_operator(operator).ok_or_else(|| {
        SyntaxError::new(
            "0x80041120",
            format!("Unsupported condition operator. '{operator}' is not known."),
        )
    })?;
    let mut values: Vec<String> = element
        .attribute("value")
        .map(str::to_owned)
        .into_iter()
        .collect();
    for child in &element.children {
        if child.name != "value" {
            return Err(invalid_element(&child.name));
        }
        no_children(child)?;
        values.push(child.text.clone());
    }
    let value_of = element.attribute("valueof").map(str::to_owned);
    let expected = test.values();
    let right = match &value_of {
        Some(_) => values.is_empty() && matches!(test, Test::Compare(_)),
        // A value beside an operator without one is ignored by designers that write `value=''`.
        None => expected.allows(values.len()) || expected.allows(0) && values == [""],
    };
    if !right {
        return Err(argument(format!(
            "The operator '{operator}' does not take {} values.",
            match value_of {
                Some(_) => "a valueof beside its".to_owned(),
                None => values.len().to_string(),
            }
        )));
    }
    if expected.allows(0) {
        values.clear();
    }
    Ok(Condition {
        attribute: required(element, "attribute")?.to_owned(),
        test,
        operator: operator.to_owned(),
        values,
        value_of,
        entity_name: element.attribute("entityname").map(str::to_owned),
    })
}

fn link(element: &Element) -> Result<Link, SyntaxError> {
    known(
        element,
        &[
            "name",
            "from",
            "to",
            "alias",
            "link-type",
            "intersect",
            "visible",
            "enableprefiltering",
            "prefilterparametername",
        ],
    )?;
    let kind = match element.attribute("link-type") {
        None | Some("inner" | "natural") => LinkKind::Inner,
        Some("outer") => LinkKind::Outer,
        Some("exists") => LinkKind::Exists,
        Some("in") => LinkKind::In,
        Some("matchfirstrowusingcrossapply") => LinkKind::FirstRow,
        Some("any") => LinkKind::Any,
        Some("not any") => LinkKind::NotAny,
        Some("all") => LinkKind::All,
        Some("not all") => LinkKind::NotAll,
        Some(_) => return Err(wrong_link_type()),
    };
    boolean(element, "intersect")?;
    boolean(element, "visible")?;
    Ok(Link {
        kind,
        from: element.attribute("from").map(str::to_owned),
        to: element.attribute("to").map(str::to_owned),
        alias: alias(element)?,
        entity: body(element)?,
    })
}

fn limits(entity: &Entity) -> Result<(), SyntaxError> {
    let (links, conditions) = size(entity);
    if links > MOST_LINKS {
        return Err(SyntaxError::new(
            "0x8004430d",
            format!("Number of link entities in query exceeded maximum limit of {MOST_LINKS}."),
        ));
    }
    if links + conditions > MOST_CONDITIONS {
        return Err(SyntaxError::new(
            "0x8004430c",
            format!("Number of conditions in query exceeded maximum limit of {MOST_CONDITIONS}."),
        ));
    }
    Ok(())
}

/// Links and conditions within.
fn size(entity: &Entity) -> (usize, usize) {
    let mut sum = (0, 0);
    let mut filters: Vec<&Filter> = entity.filters.iter().collect();
    let mut links: Vec<&Link> = entity.links.iter().collect();
    while let Some(filter) = filters.pop() {
        sum.1 += filter.conditions.len();
        filters.extend(&filter.filters);
        links.extend(&filter.links);
    }
    for link in links {
        let (inner_links, conditions) = size(&link.entity);
        sum.0 += 1 + inner_links;
        sum.1 += conditions;
    }
    sum
}

fn invalid_element(name: &str) -> SyntaxError {
    SyntaxError::new(
        "0x8004111c",
        format!("The element node encountered is invalid. '{name}' does not belong there."),
    )
}

fn wrong_link_type() -> SyntaxError {
    SyntaxError::new(
        "0x80041117",
        "The only valid values for link-type attribute are 'natural', 'inner', 'in', 'exists', \
         'matchfirstrowusingcrossapply' and 'outer', and within a filter 'any', 'not any', 'all' and 'not all'.",
    )
}

/// 400 `0x80040203`.
fn argument(message: impl AsRef<str>) -> SyntaxError {
    SyntaxError::new(
        "0x80040203",
        format!("Invalid argument. {}", message.as_ref()),
    )
}

fn required<'e>(element: &'e Element, name: &str) -> Result<&'e str, SyntaxError> {
    element
        .attribute(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| {
            argument(format!(
                "The attribute '{name}' is missing from the element '{}'.",
                element.name
            ))
        })
}

fn known(element: &Element, names: &[&str]) -> Result<(), SyntaxError> {
    match element
        .attributes
        .iter()
        .find(|(name, _)| !names.contains(&name.as_str()) && !name.starts_with("xmlns"))
    {
        Some((name, _)) => Err(argument(format!(
            "The attribute '{name}' is not valid for the element '{}'.",
            element.name
        ))),
        None => Ok(()),
    }
}

fn no_children(element: &Element) -> Result<(), SyntaxError> {
    match element.children.first() {
        Some(child) => Err(invalid_element(&child.name)),
        None => Ok(()),
    }
}

fn boolean(element: &Element, name: &str) -> Result<bool, SyntaxError> {
    match element.attribute(name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(argument(format!(
            "'{other}' is not a valid value of '{name}': it takes true, false, 1 or 0."
        ))),
    }
}

fn number(element: &Element, name: &str) -> Result<Option<u32>, SyntaxError> {
    element
        .attribute(name)
        .map(|value| {
            value
                .trim()
                .parse()
                .map_err(|_| argument(format!("'{value}' is not a valid value of '{name}'.")))
        })
        .transpose()
}

/// The inner paging cookie that a client sends back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagingCookie {
    /// The page that it was given with.
    pub page: u32,
    /// The columns of the order and the primary key, with the last row's values; `None` is null.
    pub last: Vec<(String, Option<String>)>,
}

impl PagingCookie {
    /// Reads an inner cookie: `<cookie page="1"><fullname last="Zed" first="Ada" /><contactid … /></cookie>`.
    ///
    /// # Errors
    /// 400 `0x8004112a` for anything that is no such cookie.
    pub fn read(text: &str) -> Result<PagingCookie, SyntaxError> {
        let wrong = || SyntaxError::new("0x8004112a", "Invalid page number in paging cookie.");
        let root = xml::read(text, LONGEST, 2)
            .map_err(|_| SyntaxError::new("0x80040203", "Malformed XML in the Paging Cookie"))?;
        let page = root.attribute("page").and_then(|page| page.parse().ok());
        let last = root.children.iter().map(|column| {
            let last = match column.attribute("lastnull") {
                Some("1") => None,
                Some(_) | None => column.attribute("last").map(str::to_owned),
            };
            (column.name.clone(), last)
        });
        Ok(PagingCookie {
            page: page.filter(|page| *page > 0).ok_or_else(wrong)?,
            last: last.collect(),
        })
    }

    /// Writes the outer cookie behind a page: the inner one with the first and last value of each column, encoded twice.
    pub fn write(page: u32, columns: &[(&str, Option<String>, Option<String>)]) -> String {
        let mut inner = format!("<cookie page=\"{page}\">");
        for (name, first, last) in columns {
            let attribute = |side: &str, value: &Option<String>| match value {
                None => format!("{side}null=\"1\""),
                Some(value) => format!("{side}=\"{}\"", escaped(value)),
            };
            inner.push_str(&format!(
                "<{name} {} {} />",
                attribute("last", last),
                attribute("first", first)
            ));
        }
        inner.push_str("</cookie>");
        format!(
            "<cookie pagenumber=\"{}\" pagingcookie=\"{}\" istracking=\"False\" />",
            u64::from(page) + 1,
            encoded(&encoded(&inner))
        )
    }
}

/// For an attribute. White space is written as references, or a reader would make blanks of it.
fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text)
        .replace('\n', "&#10;")
        .replace('\r', "&#13;")
        .replace('\t', "&#9;")
}

/// Percent-encoding with small digits, as the service writes it.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02x}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        read(text).map_or_else(|error| error.code, |_| "")
    }

    #[test]
    fn the_whole_grammar_is_read() {
        let fetch = read(
            "<?xml version='1.0'?><!-- c --><fetch version='1.0' mapping='logical' count=\"5\" page='2' distinct='1' \
             paging-cookie='&lt;cookie page=&quot;1&quot;/&gt;' returntotalrecordcount='true' no-lock='true'>\
             <entity name='contact'><all-attributes/><attribute name='fullname' alias='n'/>\
             <order attribute='fullname' descending='true'/>\
             <filter type='or'><condition attribute='lastname' operator='in'><value>A &amp; B</value><value>C&#68;</value></condition>\
             <condition entityname='a' attribute='name' operator='eq' valueof='lastname'/>\
             <filter><condition attribute='statecode' operator='not-null'/>\
             <link-entity name='task' from='regardingobjectid' to='contactid' link-type='not any'/></filter></filter>\
             <link-entity name='account' from='accountid' to='parentcustomerid' alias='a' link-type='outer'>\
             <attribute name='name'/></link-entity></entity></fetch>",
        )
        .unwrap();
        assert_eq!(
            (fetch.count, fetch.page, fetch.distinct, fetch.total),
            (Some(5), Some(2), true, true)
        );
        assert_eq!(fetch.paging_cookie.as_deref(), Some("<cookie page=\"1\"/>"));
        let filter = &fetch.entity.filters[0];
        assert_eq!(filter.conditions[0].values, ["A & B", "CD"]);
        assert_eq!(filter.conditions[1].value_of.as_deref(), Some("lastname"));
        assert_eq!(filter.filters[0].links[0].kind, LinkKind::NotAny);
        assert_eq!(fetch.entity.links[0].entity.attributes[0].name, "name");
    }

    #[test]
    fn errors_have_the_codes_of_the_page() {
        let within =
            |inner: &str| format!("<fetch><entity name='contact'>{inner}</entity></fetch>");
        for (text, expected) in [
            (
                "<fetch><entity name='contact'></fetch>".to_owned(),
                "0x80040201",
            ),
            ("".to_owned(), "0x80040201"),
            ("nothing".to_owned(), "0x80040201"),
            ("<fetch/><fetch/>".to_owned(), "0x80040201"),
            (
                "<!DOCTYPE fetch [<!ENTITY a 'b'>]><fetch/>".to_owned(),
                "0x80040201",
            ),
            (within("<attribute name='&undefined;'/>"), "0x80040201"),
            (within("<attribute name='a' name='b'/>"), "0x80040201"),
            (within("<nothing/>"), "0x8004111c"),
            ("<entity/>".to_owned(), "0x8004111c"),
            ("<fetch/>".to_owned(), "0x80040203"),
            (within("<filter type='xor'/>"), "0x80041122"),
            (
                within("<link-entity name='account' link-type='left'/>"),
                "0x80041117",
            ),
            (
                within("<link-entity name='account' link-type='any'/>"),
                "0x80041117",
            ),
            (
                within("<filter><link-entity name='account' link-type='inner'/></filter>"),
                "0x80041117",
            ),
            (
                within("<filter><condition attribute='a' operator='equals' value='b'/></filter>"),
                "0x80041120",
            ),
            (
                within("<filter><condition attribute='a' operator='eq'/></filter>"),
                "0x80040203",
            ),
            (
                within("<filter><condition attribute='a' operator='between' value='1'/></filter>"),
                "0x80040203",
            ),
            (
                within("<filter><condition attribute='a' operator='like' valueof='b'/></filter>"),
                "0x80040203",
            ),
            (
                within("<attribute name='a' dategrouping='century'/>"),
                "0x80041135",
            ),
            (within("<attribute name='a' alias='a b'/>"), "0x80040203"),
            (
                within(&"<link-entity name='account'/>".repeat(16)),
                "0x8004430d",
            ),
            (
                within(&format!(
                    "<filter>{}</filter>",
                    "<condition attribute='a' operator='null'/>".repeat(501)
                )),
                "0x8004430c",
            ),
            (
                "<fetch top='5001'><entity name='contact'/></fetch>".to_owned(),
                "0x80040203",
            ),
            (
                "<fetch top='5' count='2'><entity name='contact'/></fetch>".to_owned(),
                "0x80040203",
            ),
            (
                "<fetch page='0'><entity name='contact'/></fetch>".to_owned(),
                "0x80040203",
            ),
            (
                "<fetch distinct='yes'><entity name='contact'/></fetch>".to_owned(),
                "0x80040203",
            ),
            (within(&"<filter>".repeat(5000)), "0x80040203"),
        ] {
            assert_eq!(code(&text), expected, "{text}");
        }
    }

    #[test]
    fn paging_cookies() {
        let cookie = PagingCookie::read(
            "<cookie page=\"3\"><fullname last=\"Zed &amp; Co\" first=\"Ada\" /><jobtitle lastnull=\"1\" firstnull=\"1\" /></cookie>",
        )
        .unwrap();
        assert_eq!(cookie.page, 3);
        assert_eq!(
            cookie.last,
            [
                ("fullname".to_owned(), Some("Zed & Co".to_owned())),
                ("jobtitle".to_owned(), None)
            ]
        );
        assert_eq!(
            PagingCookie::read("<cookie page=\"x\"/>").unwrap_err().code,
            "0x8004112a"
        );
        assert!(PagingCookie::read("<cookie").is_err());
        let hostile = "a<\"'&>\n\u{fc}%25";
        let outer = PagingCookie::write(1, &[("x", None, Some(hostile.to_owned()))]);
        assert!(outer.starts_with(
            "<cookie pagenumber=\"2\" pagingcookie=\"%253ccookie%2520page%253d%25221%2522%253e%253cx%2520last%253d%2522a"
        ));
        assert!(outer.ends_with("\" istracking=\"False\" />"));
        let (_, rest) = outer.split_once("pagingcookie=\"").unwrap();
        let (twice, _) = rest.split_once('"').unwrap();
        let once = percent_encoding::percent_decode_str(twice)
            .decode_utf8()
            .unwrap();
        let inner = percent_encoding::percent_decode_str(&once)
            .decode_utf8()
            .unwrap();
        let read = PagingCookie::read(&inner).unwrap();
        assert_eq!(read.last, [("x".to_owned(), Some(hostile.to_owned()))]);
    }
}
