//! A query that has the form of FetchXML, and whether the organization's tables have what it names.

use super::operator::Operator;
use super::tree::{Element, Fault, shortened};
use crate::metadata::Schema;
use std::collections::BTreeSet;
use std::fmt;

/// The most linked tables, and the most conditions and linked tables together (protocol page `fetchxml.md`, section
/// "Limits").
const MOST_LINKS: usize = 15;
const MOST_CONDITIONS: usize = 500;
/// The most rows in a page.
const LARGEST_PAGE: u32 = 5000;

const STRUCTURE: &str = "fetchxml_structure";

/// A query that has the form of FetchXML.
#[derive(Clone, PartialEq)]
pub struct Fetch {
    root: Element,
}

/// The table alone: conditions hold personal values.
impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch")
            .field("table", &self.table())
            .finish_non_exhaustive()
    }
}

impl Fetch {
    /// Reads a text, for example one that an administrator wrote or a saved view holds.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, with its line and column.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        Self::of(Element::read(text)?)
    }

    pub(super) fn of(root: Element) -> Result<Self, Fault> {
        check_form(&root)?;
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Element {
        &self.root
    }

    pub(super) fn into_root(self) -> Element {
        self.root
    }

    /// The logical name of the table that it reads.
    pub fn table(&self) -> &str {
        let entity = self.root.children.first();
        entity.and_then(|entity| entity.get("name")).unwrap_or("")
    }

    /// The tables that it names, the linked ones included: what [`Fetch::check`] has to know.
    pub fn tables(&self) -> BTreeSet<&str> {
        tables(&self.root)
    }

    /// Holds it against the tables of the organization: every table and column that it names must be there and be
    /// readable. The schema has to hold all of [`Fetch::tables`].
    ///
    /// # Errors
    ///
    /// `fetchxml_table_unknown` or `fetchxml_column_unknown` for the first that is not there.
    pub fn check(&self, schema: &Schema) -> Result<(), Fault> {
        against(&self.root, schema)
    }

    /// The query as XML.
    ///
    /// # Errors
    ///
    /// A value holds a character that XML cannot hold.
    pub fn to_xml(&self) -> Result<String, Fault> {
        self.root.write()
    }
}

pub(super) fn tables(element: &Element) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    if matches!(element.name.as_str(), "entity" | "link-entity") {
        found.extend(element.get("name"));
    }
    for child in &element.children {
        found.extend(tables(child));
    }
    found
}

// ---- the form -----------------------------------------------------------------------------------------

/// What an element may hold.
struct Form {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
}

/// Protocol page `fetchxml.md`, section "Grammar"; the attributes whose names begin with `ui` are left by the view
/// designer.
const FORMS: &[Form] = &[
    Form {
        name: "fetch",
        required: &[],
        optional: &[
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
            "savedqueryid",
        ],
        children: &["entity"],
    },
    Form {
        name: "entity",
        required: &["name"],
        optional: &["enableprefiltering", "prefilterparametername"],
        children: PARTS,
    },
    Form {
        name: "link-entity",
        required: &["name", "from", "to"],
        optional: &[
            "alias",
            "link-type",
            "intersect",
            "visible",
            "enableprefiltering",
            "prefilterparametername",
        ],
        children: PARTS,
    },
    Form {
        name: "attribute",
        required: &["name"],
        optional: &[
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
        children: &[],
    },
    Form {
        name: "all-attributes",
        required: &[],
        optional: &[],
        children: &[],
    },
    Form {
        name: "no-attrs",
        required: &[],
        optional: &[],
        children: &[],
    },
    Form {
        name: "order",
        required: &[],
        optional: &["attribute", "alias", "descending", "entityname"],
        children: &[],
    },
    Form {
        name: "filter",
        required: &[],
        optional: &[
            "type",
            "hint",
            "isquickfindfields",
            "overridequickfindrecordlimitenabled",
            "overridequickfindrecordlimitdisabled",
        ],
        children: &["condition", "filter", "link-entity"],
    },
    Form {
        name: "condition",
        required: &["attribute", "operator"],
        optional: &["value", "valueof", "entityname"],
        children: &["value"],
    },
    Form {
        name: "value",
        required: &[],
        optional: &[],
        children: &[],
    },
];

const PARTS: &[&str] = &[
    "all-attributes",
    "attribute",
    "no-attrs",
    "order",
    "filter",
    "link-entity",
];

const YES_NO: &[&str] = &[
    "returntotalrecordcount",
    "distinct",
    "aggregate",
    "latematerialize",
    "no-lock",
    "useraworderby",
    "groupby",
    "usertimezone",
    "descending",
    "intersect",
    "visible",
    "isquickfindfields",
];

/// Attributes of which the values are listed.
const LISTED: &[(&str, &str, &[&str])] = &[
    (
        "attribute",
        "dategrouping",
        &[
            "day",
            "week",
            "month",
            "quarter",
            "year",
            "fiscal-period",
            "fiscal-year",
        ],
    ),
    ("attribute", "rowaggregate", &["CountChildren", "None"]),
    ("filter", "type", &["and", "or"]),
    ("filter", "hint", &["union"]),
    ("fetch", "datasource", &["retained"]),
];

const AGGREGATES: &[&str] = &["avg", "count", "countcolumn", "max", "min", "sum"];
const JOINS: &[&str] = &[
    "inner",
    "outer",
    "exists",
    "in",
    "matchfirstrowusingcrossapply",
    "natural",
];
const RELATED: &[&str] = &["any", "not any", "all", "not all"];

fn check_form(root: &Element) -> Result<(), Fault> {
    if root.name != "fetch" {
        return Err(Fault::new(STRUCTURE, "a query begins with `<fetch>`").at(root));
    }
    let aggregates = root.says("aggregate");
    check_element(root, aggregates, false)?;
    if root.children.len() != 1 {
        return Err(Fault::new(STRUCTURE, "there has to be exactly one `<entity>`").at(root));
    }
    check_paging(root)?;
    let mut names = Names::default();
    names.collect(root, false)?;
    if names.links > MOST_LINKS {
        return Err(Fault::new(
            "fetchxml_limit",
            format!("there are more than {MOST_LINKS} linked tables"),
        ));
    }
    if names.conditions + names.links > MOST_CONDITIONS {
        return Err(Fault::new(
            "fetchxml_limit",
            format!("there are more than {MOST_CONDITIONS} conditions and linked tables"),
        ));
    }
    names.check_references(root, aggregates)
}

fn check_element(element: &Element, aggregates: bool, in_filter: bool) -> Result<(), Fault> {
    let form = FORMS
        .iter()
        .find(|form| form.name == element.name)
        .ok_or_else(|| Fault::new(STRUCTURE, "this element is not known").at(element))?;
    for name in form.required {
        if element
            .get(name)
            .is_none_or(|value| value.trim().is_empty())
        {
            return Err(Fault::new(STRUCTURE, "it is missing").at(element).of(name));
        }
    }
    for (name, value) in &element.attributes {
        let known = form
            .required
            .iter()
            .chain(form.optional)
            .any(|known| known == name);
        if !known && !name.starts_with("ui") {
            return Err(Fault::new(STRUCTURE, "this attribute is not known here")
                .at(element)
                .of(name));
        }
        check_value(element, name, value)?;
    }
    if element.name != "value" && !element.text.trim().is_empty() {
        return Err(
            Fault::new(STRUCTURE, "there is text in it, which has no place here").at(element),
        );
    }
    for child in &element.children {
        if !form.children.contains(&child.name.as_str()) {
            let known = FORMS.iter().any(|form| form.name == child.name);
            let reason = if known {
                format!("it has no place in `{}`", element.name)
            } else {
                "this element is not known".to_owned()
            };
            return Err(Fault::new(STRUCTURE, reason).at(child));
        }
        check_element(child, aggregates, element.name == "filter")?;
    }
    match element.name.as_str() {
        "attribute" => check_attribute(element, aggregates),
        "order" => check_order(element, aggregates),
        "condition" => check_condition(element),
        "link-entity" => check_link(element, in_filter),
        "entity" => check_columns(element),
        _ => Ok(()),
    }
}

fn check_value(element: &Element, name: &str, value: &str) -> Result<(), Fault> {
    let wrong = |reason: String| Fault::new(STRUCTURE, reason).at(element).of(name);
    // Of a column, `aggregate` says what is computed.
    if YES_NO.contains(&name) && !(name == "aggregate" && element.name == "attribute") {
        if !["true", "false", "1", "0"].contains(&value) {
            return Err(wrong("it takes `true` or `false`".to_owned()));
        }
    } else if let Some((_, _, listed)) = LISTED
        .iter()
        .find(|(element_name, attribute, _)| *element_name == element.name && *attribute == name)
        && !listed.contains(&value)
    {
        return Err(wrong(format!("it takes one of: {}", listed.join(", "))));
    } else if element.name == "fetch" && ["top", "count", "page", "aggregatelimit"].contains(&name)
    {
        let number: u32 = value
            .parse()
            .map_err(|_| wrong("it takes a whole number".to_owned()))?;
        if number == 0 || (["top", "count"].contains(&name) && number > LARGEST_PAGE) {
            return Err(Fault::new(
                "fetchxml_limit",
                format!("it takes a number from 1 to {LARGEST_PAGE}"),
            )
            .at(element)
            .of(name));
        }
    } else if ["name", "from", "to", "attribute"].contains(&name) && !is_name(value) {
        return Err(wrong(format!(
            "`{}` is no logical name (lower-case letters, digits and _)",
            shortened(value)
        )));
    } else if name == "alias" && !is_alias(value) {
        return Err(Fault::new(
            "fetchxml_alias",
            format!(
                "`{}` is no alias: it begins with a letter or _ and holds letters, digits and _",
                shortened(value)
            ),
        )
        .at(element)
        .of(name));
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_alias(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn check_paging(root: &Element) -> Result<(), Fault> {
    let excluded = ["count", "page", "paging-cookie", "returntotalrecordcount"];
    let other = excluded.iter().find(|name| root.get(name).is_some());
    match (root.get("top"), other) {
        (Some(_), Some(other)) => Err(Fault::new(STRUCTURE, "it excludes `top`")
            .at(root)
            .of(other)),
        _ => Ok(()),
    }
}

fn check_attribute(element: &Element, aggregates: bool) -> Result<(), Fault> {
    let wrong = |name: &str, reason: &str| Fault::new(STRUCTURE, reason).at(element).of(name);
    let aggregate = element.get("aggregate");
    let groups = element.says("groupby");
    if aggregate.is_some_and(|kind| !AGGREGATES.contains(&kind)) {
        let reason = format!("it takes one of: {}", AGGREGATES.join(", "));
        return Err(wrong("aggregate", &reason));
    }
    if !aggregates {
        let used = ["aggregate", "groupby", "dategrouping"]
            .into_iter()
            .find(|name| element.get(name).is_some());
        return match used {
            Some(name) => Err(wrong(name, "it needs `aggregate=\"true\"` in `<fetch>`")),
            None => Ok(()),
        };
    }
    if aggregate.is_some() == groups {
        return Err(wrong(
            "aggregate",
            "in a query that computes, a column has either `aggregate` or `groupby`",
        ));
    }
    if element.get("dategrouping").is_some() && !groups {
        return Err(wrong("dategrouping", "it needs `groupby=\"true\"`"));
    }
    if element.get("alias").is_none() {
        return Err(
            Fault::new("fetchxml_alias", "what is computed needs an alias")
                .at(element)
                .of("alias"),
        );
    }
    Ok(())
}

fn check_order(element: &Element, aggregates: bool) -> Result<(), Fault> {
    match (element.get("attribute"), element.get("alias")) {
        (Some(_), None) if aggregates => Err(Fault::new(
            "fetchxml_alias",
            "a query that computes is ordered by an alias",
        )
        .at(element)
        .of("attribute")),
        (Some(_), None) | (None, Some(_)) => Ok(()),
        (Some(_), Some(_)) | (None, None) => {
            Err(Fault::new(STRUCTURE, "it has either `attribute` or `alias`").at(element))
        }
    }
}

fn check_condition(element: &Element) -> Result<(), Fault> {
    let name = element.get("operator").unwrap_or_default();
    let wrong = |reason: String| {
        Fault::new("fetchxml_operator", reason)
            .at(element)
            .of("operator")
    };
    let operator = Operator::from_name(name)
        .ok_or_else(|| wrong(format!("`{}` is no operator", shortened(name))))?;
    if element.get("valueof").is_some() {
        let alone = element.get("value").is_none() && element.children.is_empty();
        return if alone && operator.compares_columns() {
            Ok(())
        } else if alone {
            Err(wrong(format!("`{name}` does not compare columns")))
        } else {
            Err(Fault::new(STRUCTURE, "it takes the place of a value")
                .at(element)
                .of("valueof"))
        };
    }
    let values = element.children.len() + usize::from(element.get("value").is_some());
    if element.get("value").is_some() && !element.children.is_empty() {
        return Err(Fault::new(
            STRUCTURE,
            "it has a `value` and `<value>` elements: keep one of both",
        )
        .at(element)
        .of("value"));
    }
    // A value beside an operator that takes none is left by the view designer, which Dataverse overlooks if it is empty.
    let values = if element.get("value") == Some("") && operator.values().fit(0) {
        0
    } else {
        values
    };
    if operator.values().fit(values) {
        Ok(())
    } else {
        Err(wrong(format!(
            "`{name}` takes {}, and there are {values}",
            operator.values().in_words()
        )))
    }
}

fn check_link(element: &Element, in_filter: bool) -> Result<(), Fault> {
    let kinds = if in_filter { RELATED } else { JOINS };
    let kind = element.get("link-type");
    if kind.is_some_and(|kind| !kinds.contains(&kind)) || (in_filter && kind.is_none()) {
        let place = if in_filter { "in a filter" } else { "here" };
        let reason = format!("{place} it takes one of: {}", kinds.join(", "));
        return Err(Fault::new(STRUCTURE, reason).at(element).of("link-type"));
    }
    check_columns(element)
}

fn check_columns(element: &Element) -> Result<(), Fault> {
    let kinds = ["all-attributes", "attribute", "no-attrs"];
    let used = kinds
        .iter()
        .filter(|kind| element.children_of(kind).next().is_some())
        .count();
    if used > 1 {
        Err(Fault::new(
            STRUCTURE,
            "it has either `all-attributes`, or `attribute`s, or `no-attrs`",
        )
        .at(element))
    } else {
        Ok(())
    }
}

/// The aliases of a query, and how much there is in it.
#[derive(Default)]
struct Names<'a> {
    links: usize,
    conditions: usize,
    link_aliases: BTreeSet<&'a str>,
    column_aliases: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn collect(&mut self, element: &'a Element, in_filter: bool) -> Result<(), Fault> {
        let alias = element.get("alias");
        let is_new = match element.name.as_str() {
            "condition" => {
                self.conditions += 1;
                true
            }
            "link-entity" => {
                self.links += 1;
                alias.is_none_or(|alias| in_filter || self.link_aliases.insert(alias))
            }
            "attribute" => alias.is_none_or(|alias| self.column_aliases.insert(alias)),
            _ => true,
        };
        if !is_new {
            return Err(Fault::new(
                "fetchxml_alias",
                format!("the alias `{}` stands twice", alias.unwrap_or_default()),
            )
            .at(element)
            .of("alias"));
        }
        let in_filter = in_filter || element.name == "filter";
        element
            .children
            .iter()
            .try_for_each(|child| self.collect(child, in_filter))
    }

    /// What names an alias names one that there is. A linked table without alias has its name and a number.
    fn check_references(&self, element: &Element, aggregates: bool) -> Result<(), Fault> {
        if let Some(name) = element.get("entityname")
            && !self.link_aliases.contains(name)
            && !name.ends_with(|c: char| c.is_ascii_digit())
        {
            return Err(Fault::new(
                "fetchxml_alias",
                format!(
                    "there is no linked table with the alias `{}`",
                    shortened(name)
                ),
            )
            .at(element)
            .of("entityname"));
        }
        if aggregates
            && element.name == "order"
            && let Some(alias) = element.get("alias")
            && !self.column_aliases.contains(alias)
        {
            return Err(Fault::new(
                "fetchxml_alias",
                format!("no column has the alias `{alias}`"),
            )
            .at(element)
            .of("alias"));
        }
        element
            .children
            .iter()
            .try_for_each(|child| self.check_references(child, aggregates))
    }
}

// ---- the tables ---------------------------------------------------------------------------------------

pub(super) fn against(root: &Element, schema: &Schema) -> Result<(), Fault> {
    let mut aliases = Vec::new();
    linked(root, &mut aliases);
    let Some(entity) = root.children.first() else {
        return Ok(());
    };
    check_table(entity, schema, &aliases)
}

/// The linked tables by alias.
fn linked<'a>(element: &'a Element, aliases: &mut Vec<(&'a str, &'a str)>) {
    if element.name == "link-entity"
        && let (Some(alias), Some(table)) = (element.get("alias"), element.get("name"))
    {
        aliases.push((alias, table));
    }
    for child in &element.children {
        linked(child, aliases);
    }
}

fn check_table(element: &Element, schema: &Schema, aliases: &[(&str, &str)]) -> Result<(), Fault> {
    let table = element.get("name").unwrap_or_default();
    if schema.table(table).is_none() {
        return Err(Fault::new(
            "fetchxml_table_unknown",
            format!("the organization has no table `{}`", shortened(table)),
        )
        .at(element)
        .of("name"));
    }
    check_parts(element, table, schema, aliases)
}

fn check_parts(
    element: &Element,
    table: &str,
    schema: &Schema,
    aliases: &[(&str, &str)],
) -> Result<(), Fault> {
    for child in &element.children {
        match child.name.as_str() {
            "link-entity" => {
                let target = child.get("name").unwrap_or_default();
                if schema.table(target).is_some() {
                    column(child, "from", target, child.get("from"), schema)?;
                }
                column(child, "to", table, child.get("to"), schema)?;
                check_table(child, schema, aliases)?;
            }
            "attribute" => column(child, "name", table, child.get("name"), schema)?,
            "order" | "condition" => {
                // The table of an alias that Dataverse makes up is not known here.
                let named = match child.get("entityname") {
                    None => Some(table),
                    Some(alias) => of_alias(aliases, alias),
                };
                if let Some(named) = named {
                    column(child, "attribute", named, child.get("attribute"), schema)?;
                }
                match child.get("valueof").map(|other| other.split_once('.')) {
                    Some(None) => {
                        let other = named.unwrap_or(table);
                        column(child, "valueof", other, child.get("valueof"), schema)?;
                    }
                    Some(Some((alias, name))) => {
                        if let Some(other) = of_alias(aliases, alias) {
                            column(child, "valueof", other, Some(name), schema)?;
                        }
                    }
                    None => {}
                }
            }
            _ => check_parts(child, table, schema, aliases)?,
        }
    }
    Ok(())
}

fn of_alias<'a>(aliases: &[(&str, &'a str)], alias: &str) -> Option<&'a str> {
    let found = aliases.iter().find(|(known, _)| *known == alias);
    found.map(|(_, table)| *table)
}

fn column(
    element: &Element,
    attribute: &str,
    table: &str,
    name: Option<&str>,
    schema: &Schema,
) -> Result<(), Fault> {
    let Some(name) = name else {
        return Ok(());
    };
    let found = schema.column(table, name);
    if found.is_some_and(|column| column.valid_for_read) {
        return Ok(());
    }
    let reason = if found.is_some() {
        format!("the column `{name}` of the table {table} cannot be read")
    } else {
        format!("the table {table} has no column `{}`", shortened(name))
    };
    Err(Fault::new("fetchxml_column_unknown", reason)
        .at(element)
        .of(attribute))
}
