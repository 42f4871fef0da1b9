//! Query options: `$select $filter $orderby $expand $top $count $skiptoken` and parameter aliases.
//!
//! Names are case-sensitive and may arrive percent-encoded (`%24filter`); spaces as `%20` or `+`
//! (protocol pages `query.md` and `clients.md`).

use std::collections::HashMap;

use percent_encoding::percent_decode_str;

use crate::error::SyntaxError;

/// More navigation properties in one query are refused.
const MOST_EXPANDS: usize = 15;

/// The options of a request, or of one `$expand`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `None`: every column.
    pub select: Option<Vec<String>>,
    /// `$filter`, unparsed.
    pub filter: Option<String>,
    /// `$orderby`
    pub order: Vec<OrderItem>,
    /// `$expand`
    pub expand: Vec<Expand>,
    /// `$top`, at most 5000.
    pub top: Option<u32>,
    /// `$count=true`
    pub count: bool,
    /// `$skiptoken`, unread.
    pub skip_token: Option<String>,
    /// Parameter aliases and whatever else is no option: `@p1`.
    pub aliases: HashMap<String, String>,
}

/// One item of a `$orderby`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderItem {
    /// A property, behind single-valued navigation properties.
    pub path: Vec<String>,
    /// `desc`
    pub descending: bool,
}

/// One item of a `$expand`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expand {
    /// The navigation property.
    pub navigation: String,
    /// `$expand=nav/$ref`.
    pub reference: bool,
    /// What stands in its parentheses.
    pub options: Options,
}

/// Splits a raw query string into decoded names and values.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// A whole query in another language than query options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whole {
    /// `fetchXml=`
    FetchXml(String),
    /// `savedQuery=`: the id of a system view.
    SavedQuery(String),
    /// `userQuery=`: the id of a personal view.
    UserQuery(String),
    /// `sql=`
    Sql(String),
}

/// The whole query of a request that has one, and whether it has `$count=true` beside it.
///
/// # Errors
/// 400 for any other query option beside it.
pub fn whole(query: &str) -> Result<Option<(Whole, bool)>, SyntaxError> {
    let mut found = None;
    let mut count = false;
    let mut others = Vec::new();
    let mut paged = false;
    for (name, value) in pairs(query) {
        let whole = match name.as_str() {
            "fetchXml" => Whole::FetchXml(value),
            "savedQuery" => Whole::SavedQuery(value),
            "userQuery" => Whole::UserQuery(value),
            "sql" => Whole::Sql(value),
            "$count" => {
                count = value == "true";
                continue;
            }
            "$skiptoken" => {
                paged = true;
                continue;
            }
            _ => {
                others.push(name);
                continue;
            }
        };
        if found.replace(whole).is_some() {
            others.push(name);
        }
    }
    // Only SQL goes on by a next link; FetchXML has its cookie.
    if paged && !matches!(found, Some(Whole::Sql(_))) {
        others.push("$skiptoken".to_owned());
    }
    match (found, others.iter().find(|name| !name.starts_with('@'))) {
        (Some(_), Some(other)) => Err(SyntaxError::request(format!(
            "The query parameter {other} cannot be combined with fetchXml, savedQuery, userQuery or sql"
        ))),
        (found, _) => Ok(found.map(|found| (found, count))),
    }
}

impl Options {
    /// Reads the options of a request from its raw query string.
    ///
    /// # Errors
    /// 400 for an option that is unknown, unreadable or unsupported; 501 for one that is not simulated.
    pub fn read(query: &str) -> Result<Options, SyntaxError> {
        let mut options = Options::default();
        for (name, value) in pairs(query) {
            options.set(&name, value, true)?;
        }
        if options.expands() > MOST_EXPANDS {
            return Err(SyntaxError::request(format!(
                "The number of $expand segments exceeded the maximum of {MOST_EXPANDS}."
            )));
        }
        Ok(options)
    }

    fn expands(&self) -> usize {
        self.expand
            .iter()
            .map(|expand| 1 + expand.options.expands())
            .sum()
    }

    fn set(&mut self, name: &str, value: String, outermost: bool) -> Result<(), SyntaxError> {
        let unsupported = |name: &str| {
            SyntaxError::request(format!("The query parameter {name} is not supported"))
        };
        match name {
            "$select" => {
                let names = value
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .filter(|name| !name.is_empty());
                let names: Vec<String> = names.collect();
                self.select = (!names.iter().any(|name| name == "*")).then_some(names);
            }
            "$filter" => self.filter = Some(value),
            "$orderby" => self.order = order(&value)?,
            "$expand" => self.expand = expand(&value)?,
            "$top" => {
                let top = value.trim().parse().ok().filter(|top| *top <= 5000);
                self.top = Some(top.ok_or_else(|| {
                    SyntaxError::request(format!("Invalid value '{value}' for $top query option found. The $top query option requires a non-negative integer value."))
                })?);
            }
            "$count" => {
                self.count = match value.as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        return Err(SyntaxError::request(format!(
                            "Invalid value '{value}' for $count query option found. Valid values are true and false."
                        )));
                    }
                }
            }
            "$skiptoken" if outermost => self.skip_token = Some(value),
            "$skip" => return Err(SyntaxError::request("Skip Clause is not supported in CRM")),
            "$apply" | "$deltatoken" if outermost => return Err(SyntaxError::not_simulated(name)),
            "fetchXml" | "savedQuery" | "userQuery" | "sql" if outermost => {
                return Err(SyntaxError::request(format!(
                    "The query parameter {name} is not supported here"
                )));
            }
            name if name.starts_with('$') => return Err(unsupported(name)),
            name if outermost => {
                self.aliases.insert(name.to_owned(), value);
            }
            name => return Err(unsupported(name)),
        }
        Ok(())
    }
}

fn order(text: &str) -> Result<Vec<OrderItem>, SyntaxError> {
    text.split(',')
        .map(|item| {
            let wrong =
                || SyntaxError::request(format!("Syntax error in $orderby '{}'.", item.trim()));
            let mut words = item.split_whitespace();
            let path = words.next().ok_or_else(wrong)?;
            let descending = match words.next() {
                None | Some("asc") => false,
                Some("desc") => true,
                Some(_) => return Err(wrong()),
            };
            if words.next().is_some() {
                return Err(wrong());
            }
            Ok(OrderItem {
                path: path.split('/').map(str::to_owned).collect(),
                descending,
            })
        })
        .collect()
}

fn expand(text: &str) -> Result<Vec<Expand>, SyntaxError> {
    expand_within(text, 0)
}

fn expand_within(text: &str, depth: usize) -> Result<Vec<Expand>, SyntaxError> {
    let wrong = || {
        SyntaxError::request(format!(
            "Term '{text}' is not valid in a $select or $expand expression."
        ))
    };
    if depth > MOST_EXPANDS {
        return Err(wrong());
    }
    split_outside(text, ',')
        .ok_or_else(wrong)?
        .into_iter()
        .map(|item| {
            let item = item.trim();
            let (navigation, inner) = match item.split_once('(') {
                None => (item, None),
                Some((navigation, rest)) => {
                    (navigation, Some(rest.strip_suffix(')').ok_or_else(wrong)?))
                }
            };
            let (navigation, reference) = match navigation.strip_suffix("/$ref") {
                Some(navigation) => (navigation, true),
                None => (navigation, false),
            };
            if navigation.is_empty() {
                return Err(wrong());
            }
            let mut options = Options::default();
            for option in split_outside(inner.unwrap_or(""), ';').ok_or_else(wrong)? {
                if option.trim().is_empty() {
                    continue;
                }
                let (name, value) = option.split_once('=').ok_or_else(wrong)?;
                if name.trim() == "$expand" {
                    options.expand = expand_within(value, depth + 1)?;
                } else {
                    options.set(name.trim(), value.to_owned(), false)?;
                }
            }
            Ok(Expand {
                navigation: navigation.trim().to_owned(),
                reference,
                options,
            })
        })
        .collect()
}

/// Splits at a separator that stands outside parentheses and quotes; `None` if those are not balanced.
fn split_outside(text: &str, separator: char) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut depth = 0usize;
    let mut in_quotes = false;
    for c in text.chars() {
        match c {
            '\'' => in_quotes = !in_quotes,
            '(' if !in_quotes => depth += 1,
            ')' if !in_quotes => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if c == separator && depth == 0 && !in_quotes {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    (depth == 0 && !in_quotes).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_spaces_in_both_encodings() {
        let plain = Options::read("$filter=fullname eq 'a b'&$top=3&$count=true").unwrap();
        let encoded =
            Options::read("%24filter=fullname+eq+%27a%20b%27&%24top=3&%24count=true").unwrap();
        assert_eq!(plain, encoded);
        assert_eq!(plain.filter.as_deref(), Some("fullname eq 'a b'"));
        assert_eq!(
            Options::read("$filter=a%2Bb").unwrap().filter.as_deref(),
            Some("a+b")
        );
    }

    #[test]
    fn expand_with_options() {
        let options = Options::read(
            "$expand=primarycontactid($select=fullname),Account_Tasks($select=subject;$filter=subject eq ';)';$orderby=createdon desc;$top=5)",
        )
        .unwrap();
        assert_eq!(options.expand.len(), 2);
        assert_eq!(
            options.expand[1].options.filter.as_deref(),
            Some("subject eq ';)'")
        );
        assert_eq!(options.expand[1].options.top, Some(5));
        assert!(options.expand[1].options.order[0].descending);
    }

    #[test]
    fn refused_options() {
        assert_eq!(
            Options::read("$skip=3").unwrap_err().message,
            "Skip Clause is not supported in CRM"
        );
        for query in [
            "$search=x",
            "$format=json",
            "$top=x",
            "$top=5001",
            "$count=1",
            "$orderby=a b c",
            "$expand=a(",
            "$expand=",
            "$Filter2=1",
        ] {
            assert!(Options::read(query).is_err(), "{query}");
        }
        let many = (0..16)
            .map(|n| format!("n{n}"))
            .collect::<Vec<_>>()
            .join(",");
        assert!(Options::read(&format!("$expand={many}")).is_err());
    }
}
