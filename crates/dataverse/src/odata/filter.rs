//! Conditions on rows.

use super::functions::QueryFunction;
use super::literal::{Literal, write_quoted};
use super::{invalid, path, push};
use crate::error::Result;
use std::fmt;

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
    /// A query function of Dataverse is true of the column (protocol page `query.md`, section "$filter").
    Function {
        /// The column, or path to it.
        column: String,
        /// What is true of it.
        function: QueryFunction,
    },
    /// At least one related row exists; with a filter, one for which that is true.
    Any {
        /// The collection-valued navigation property, such as `Account_Tasks`, or path to it.
        collection: String,
        /// What is true of the related row; its columns are named as in its own table.
        filter: Option<Box<Filter>>,
    },
    /// All related rows fit, also if there are none.
    All {
        /// The collection-valued navigation property, or path to it.
        collection: String,
        /// What is true of every related row.
        filter: Box<Filter>,
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

    /// A query function is true of the column.
    pub fn function(column: impl Into<String>, function: QueryFunction) -> Self {
        Self::Function {
            column: column.into(),
            function,
        }
    }

    /// At least one related row fits.
    pub fn any(collection: impl Into<String>, filter: Filter) -> Self {
        Self::Any {
            collection: collection.into(),
            filter: Some(Box::new(filter)),
        }
    }

    /// There is a related row.
    pub fn any_at_all(collection: impl Into<String>) -> Self {
        Self::Any {
            collection: collection.into(),
            filter: None,
        }
    }

    /// Every related row fits.
    pub fn all(collection: impl Into<String>, filter: Filter) -> Self {
        Self::All {
            collection: collection.into(),
            filter: Box::new(filter),
        }
    }

    /// Writes a condition on the rows that are read.
    pub(super) fn write_row(&self, out: &mut String) -> Result<()> {
        self.write(Scope(0), out)
    }

    fn write(&self, scope: Scope, out: &mut String) -> Result<()> {
        match self {
            Self::Compare {
                column,
                operator,
                value,
            } => {
                scope.write_path(column, out)?;
                out.push_str(operator.text());
                value.write(out)
            }
            Self::Contains { column, text } => write_like(
                scope,
                "contains",
                column,
                &LikePattern::new().text(text),
                out,
            ),
            Self::StartsWith { column, text } => write_like(
                scope,
                "startswith",
                column,
                &LikePattern::new().text(text),
                out,
            ),
            Self::EndsWith { column, text } => write_like(
                scope,
                "endswith",
                column,
                &LikePattern::new().text(text),
                out,
            ),
            Self::ContainsPattern { column, pattern } => {
                write_like(scope, "contains", column, pattern, out)
            }
            Self::Function { column, function } => {
                if scope != Scope(0) {
                    return Err(invalid(
                        "query functions are not known to work on related rows",
                    ));
                }
                function.write(path(column)?, out)
            }
            Self::Any { collection, filter } => {
                write_lambda(scope, "any", collection, filter.as_deref(), out)
            }
            Self::All { collection, filter } => {
                write_lambda(scope, "all", collection, Some(filter), out)
            }
            Self::And(filters) => write_group(scope, " and ", filters, out),
            Self::Or(filters) => write_group(scope, " or ", filters, out),
            Self::Not(filter) => {
                out.push_str("not (");
                filter.write(scope, out)?;
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
            Self::Function { column, function } => write!(f, "{function:?}({column})"),
            Self::Any { collection, filter } => match filter {
                Some(filter) => write!(f, "{collection}/any({filter:?})"),
                None => write!(f, "{collection}/any()"),
            },
            Self::All { collection, filter } => write!(f, "{collection}/all({filter:?})"),
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

/// How many collections the condition stands in: each names its row by a variable of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Scope(u8);

impl Scope {
    fn write_path(self, column: &str, out: &mut String) -> Result<()> {
        if let Self(depth @ 1..) = self {
            push(out, format_args!("r{depth}/"));
        }
        out.push_str(path(column)?);
        Ok(())
    }
}

fn write_lambda(
    scope: Scope,
    operator: &str,
    collection: &str,
    filter: Option<&Filter>,
    out: &mut String,
) -> Result<()> {
    scope.write_path(collection, out)?;
    push(out, format_args!("/{operator}("));
    if let Some(filter) = filter {
        let inner = Scope(scope.0.saturating_add(1));
        push(out, format_args!("r{}:", inner.0));
        filter.write(inner, out)?;
    }
    out.push(')');
    Ok(())
}

fn write_group(scope: Scope, operator: &str, filters: &[Filter], out: &mut String) -> Result<()> {
    match filters {
        [] => Err(invalid("a group of conditions is empty")),
        [only] => only.write(scope, out),
        [first, rest @ ..] => {
            out.push('(');
            first.write(scope, out)?;
            out.push(')');
            for filter in rest {
                out.push_str(operator);
                out.push('(');
                filter.write(scope, out)?;
                out.push(')');
            }
            Ok(())
        }
    }
}

fn write_like(
    scope: Scope,
    function: &str,
    column: &str,
    pattern: &LikePattern,
    out: &mut String,
) -> Result<()> {
    if !pattern.has_text {
        return Err(invalid(format!(
            "{function} is asked for with an empty text, which every row fits"
        )));
    }
    push(out, format_args!("{function}("));
    scope.write_path(column, out)?;
    out.push(',');
    write_quoted(&pattern.escaped, out);
    out.push(')');
    Ok(())
}
