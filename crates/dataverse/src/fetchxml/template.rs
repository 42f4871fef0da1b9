//! Queries with placeholders.
//!
//! A placeholder is a name in two pairs of braces, `{{visitor.email}}`. It stands for a value, so it may stand in the
//! `value` of a `condition` and in the text of a `<value>`, alone or among other text (`value="%{{name}}%"`), and nowhere
//! else: a parameter can never change which table, column or operator a query is about.

use super::build::literal;
use super::check::Fetch;
use super::operator::Operator;
use super::tree::{Element, Fault, shortened};
use crate::metadata::Schema;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A query with placeholders.
#[derive(Clone, Debug)]
pub struct Template {
    root: Element,
    names: BTreeSet<String>,
}

/// What a placeholder stands for.
#[derive(Clone, PartialEq, Eq)]
pub enum Parameter {
    /// Text that is meant literally: in a `like` operator none of it is a wildcard.
    Text(String),
    /// A pattern of `like` operators, with wildcards.
    Pattern(String),
}

/// Values are personal.
impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Pattern(_) => "Pattern(…)",
        })
    }
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// What is wrong with it as FetchXML, or a placeholder that stands where none may.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let root = Fetch::parse(text)?.into_root();
        let mut names = BTreeSet::new();
        collect(&root, &mut names)?;
        Ok(Self { root, names })
    }

    /// The names of the placeholders.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The tables that the query names.
    pub fn tables(&self) -> BTreeSet<&str> {
        super::check::tables(&self.root)
    }

    /// Holds the query against the tables of the organization.
    ///
    /// # Errors
    ///
    /// As for [`Fetch::check`].
    pub fn check(&self, schema: &Schema) -> Result<(), Fault> {
        super::check::against(&self.root, schema)
    }

    /// Puts values in the place of the placeholders.
    ///
    /// # Errors
    ///
    /// `fetchxml_parameter`: a placeholder has no value, or an empty one in a `like` operator, which everything would
    /// fit. `fetchxml_malformed`: XML cannot hold a character of the value.
    pub fn fill(&self, parameters: &BTreeMap<String, Parameter>) -> Result<Fetch, Fault> {
        let mut root = self.root.clone();
        fill(&mut root, parameters)?;
        let fetch = Fetch::of(root)?;
        fetch.to_xml()?;
        Ok(fetch)
    }
}

/// A piece of a text with placeholders.
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Fault> {
    let wrong = |reason: String| Fault::new("fetchxml_parameter", reason);
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after
            .split_once("}}")
            .ok_or_else(|| wrong("a placeholder is not closed".to_owned()))?;
        let name = name.trim();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(wrong(format!(
                "`{}` is no name for a placeholder",
                shortened(name)
            )));
        }
        pieces.extend([Piece::Text(before), Piece::Name(name)]);
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

fn collect(element: &Element, names: &mut BTreeSet<String>) -> Result<(), Fault> {
    for (attribute, value) in &element.attributes {
        if element.name == "condition" && attribute == "value" {
            take_names(value, names).map_err(|fault| fault.at(element).of(attribute))?;
        } else if value.contains("{{") || attribute.contains("{{") {
            return Err(Fault::new(
                "fetchxml_parameter",
                "a placeholder may stand in the `value` of a condition or in a `<value>` only",
            )
            .at(element)
            .of(attribute));
        }
    }
    if element.name == "value" {
        take_names(&element.text, names).map_err(|fault| fault.at(element))?;
    }
    element
        .children
        .iter()
        .try_for_each(|child| collect(child, names))
}

fn take_names(text: &str, names: &mut BTreeSet<String>) -> Result<(), Fault> {
    for piece in pieces(text)? {
        if let Piece::Name(name) = piece {
            names.insert(name.to_owned());
        }
    }
    Ok(())
}

fn fill(element: &mut Element, parameters: &BTreeMap<String, Parameter>) -> Result<(), Fault> {
    if element.name == "condition" {
        let operator = element.get("operator").and_then(Operator::from_name);
        let is_like = operator.is_some_and(Operator::is_like);
        if let Some(value) = element.get("value") {
            let filled = filled(value, parameters, is_like)
                .map_err(|fault| fault.at(element).of("value"))?;
            element.set("value", filled);
        }
        for child in &mut element.children {
            let filled =
                filled(&child.text, parameters, is_like).map_err(|fault| fault.at(child))?;
            child.text = filled;
        }
        return Ok(());
    }
    element
        .children
        .iter_mut()
        .try_for_each(|child| fill(child, parameters))
}

fn filled(
    text: &str,
    parameters: &BTreeMap<String, Parameter>,
    is_like: bool,
) -> Result<String, Fault> {
    let mut filled = String::new();
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Name(name) => {
                let wrong = |what: &str| {
                    Fault::new(
                        "fetchxml_parameter",
                        format!("the placeholder `{name}` {what}"),
                    )
                };
                let parameter = parameters.get(name).ok_or_else(|| wrong("has no value"))?;
                let (Parameter::Text(value) | Parameter::Pattern(value)) = parameter;
                if is_like && value.is_empty() {
                    return Err(wrong("is empty, and every row would fit"));
                }
                match parameter {
                    Parameter::Text(text) if is_like => filled.push_str(&literal(text)),
                    Parameter::Text(text) | Parameter::Pattern(text) => filled.push_str(text),
                }
            }
        }
    }
    Ok(filled)
}
