//! Conditions, and how they read in SQL.

use sandbox_syntax::filter::Operator;

use super::{At, Query, Term};
use crate::metadata::{Column, Table};
use crate::value::{Statement, Value};

/// What rows must meet. Three-valued as in SQL: a null meets neither a condition nor its opposite.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(At, Operator, Value),
    CompareColumns(At, Operator, At),
    /// Where a page starts.
    CompareTerm(Term, Operator, Value),
    IsNull(At),
    TermIsNull(Term),
    /// A regular expression.
    Matches(At, String),
    /// Holds for no value at all.
    Never(At),
    In(At, Vec<Value>),
    Between(At, Value, Value),
    /// A multi-select choice has one of these values.
    HasOneOf(At, Vec<i64>),
    /// A date lies in this quarter of any year.
    InQuarter(At, i64),
    /// The column names one of a user's teams.
    InTeamsOf(At, String),
    /// The column names a row of a tree.
    InTree(At, Tree),
    /// Rows of `source` whose `from` is the value of `to`, and for which the condition holds.
    Exists {
        source: usize,
        from: &'static Column,
        to: At,
        condition: Option<Box<Condition>>,
    },
}

/// Rows above or below a row.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) table: &'static Table,
    /// The look-up to the row above.
    pub(super) parent: &'static Column,
    /// The row from which the tree grows.
    pub(super) root: String,
    /// Its ancestors, or else its descendants.
    pub(super) upwards: bool,
    /// The row itself too.
    pub(super) with_root: bool,
}

impl Condition {
    pub(super) fn not(condition: Condition) -> Condition {
        Condition::Not(Box::new(condition))
    }
}

impl Query {
    /// A balanced tree of conditions: SQLite limits the depth of an expression.
    pub(super) fn chain(
        &self,
        conditions: &[Condition],
        operator: &str,
        statement: &mut Statement,
    ) {
        match conditions {
            [] => statement.text.push('1'),
            [one] => self.condition(one, statement),
            many => {
                let (left, right) = many.split_at(many.len() / 2);
                statement.text.push('(');
                self.chain(left, operator, statement);
                statement.text.push_str(operator);
                self.chain(right, operator, statement);
                statement.text.push(')');
            }
        }
    }

    pub(super) fn condition(&self, condition: &Condition, statement: &mut Statement) {
        let mut write = |text: String, values: &[Value]| {
            statement.text.push_str(&text);
            statement.values.extend(values.iter().cloned());
        };
        match condition {
            Condition::All(all) => self.chain(all, " AND ", statement),
            Condition::Any(any) => self.chain(any, " OR ", statement),
            Condition::Not(inner) => {
                statement.text.push_str("NOT (");
                self.condition(inner, statement);
                statement.text.push(')');
            }
            Condition::Compare(at, operator, value) => write(
                format!("{} {} ?", at.sql(), sql(*operator)),
                std::slice::from_ref(value),
            ),
            Condition::CompareTerm(term, operator, value) => write(
                format!("{} {} ?", term.sql(), sql(*operator)),
                std::slice::from_ref(value),
            ),
            Condition::CompareColumns(left, operator, right) => write(
                format!("{} {} {}", left.sql(), sql(*operator), right.sql()),
                &[],
            ),
            Condition::IsNull(at) => write(format!("{} IS NULL", at.sql()), &[]),
            Condition::TermIsNull(term) => write(format!("{} IS NULL", term.sql()), &[]),
            Condition::Matches(at, pattern) => write(
                format!("{} REGEXP ?", at.sql()),
                &[Value::from(pattern.as_str())],
            ),
            Condition::Never(at) => write(format!("({} IS NULL AND NULL)", at.sql()), &[]),
            Condition::In(at, values) => {
                let marks = vec!["?"; values.len()].join(", ");
                write(format!("{} IN ({marks})", at.sql()), values);
            }
            Condition::Between(at, low, high) => write(
                format!("{} BETWEEN ? AND ?", at.sql()),
                &[low.clone(), high.clone()],
            ),
            Condition::HasOneOf(at, values) => {
                let one = format!("instr(',' || {} || ',', ?) > 0", at.sql());
                let texts: Vec<Value> = values
                    .iter()
                    .map(|value| Value::from(format!(",{value},")))
                    .collect();
                write(
                    format!("({})", vec![one.as_str(); values.len()].join(" OR ")),
                    &texts,
                );
            }
            Condition::InQuarter(at, quarter) => write(
                format!(
                    "(CAST(strftime('%m', {}) AS INTEGER) + 2) / 3 = ?",
                    at.sql()
                ),
                &[Value::Integer(*quarter)],
            ),
            Condition::InTeamsOf(at, user) => write(
                format!(
                    "{} IN (SELECT teamid FROM teammembership WHERE systemuserid = ?)",
                    at.sql()
                ),
                &[Value::from(user.as_str())],
            ),
            Condition::InTree(at, tree) => write(
                format!("{} IN ({})", at.sql(), tree.sql()),
                &[Value::from(tree.root.as_str())],
            ),
            Condition::Exists {
                source,
                from,
                to,
                condition,
            } => {
                statement.text.push_str("EXISTS (SELECT 1");
                self.write_from(*source, statement);
                statement
                    .text
                    .push_str(&format!(" WHERE t{source}.{} = {}", from.name, to.sql()));
                if let Some(condition) = condition {
                    statement.text.push_str(" AND ");
                    self.condition(condition, statement);
                }
                statement.text.push(')');
            }
        }
    }
}

impl Tree {
    /// A recursive select of ids with one bound value; a circle ends it, because every id comes once.
    fn sql(&self) -> String {
        let (table, id, parent) = (&self.table.logical, &self.table.id, &self.parent.name);
        let step = if self.upwards {
            format!(
                "SELECT p.{parent} FROM {table} p JOIN tree ON p.{id} = tree.id WHERE p.{parent} IS NOT NULL"
            )
        } else {
            format!("SELECT p.{id} FROM {table} p JOIN tree ON p.{parent} = tree.id")
        };
        // A table's own condition, so that the root comes out only where it is asked for.
        let first = match (self.with_root, self.upwards) {
            (true, _) => "SELECT ?".to_owned(),
            (false, true) => {
                format!("SELECT {parent} FROM {table} WHERE {id} = ? AND {parent} IS NOT NULL")
            }
            (false, false) => format!("SELECT {id} FROM {table} WHERE {parent} = ?"),
        };
        format!("WITH RECURSIVE tree(id) AS ({first} UNION {step}) SELECT id FROM tree")
    }
}

pub(super) fn sql(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "<>",
        Operator::GreaterThan => ">",
        Operator::GreaterThanOrEqual => ">=",
        Operator::LessThan => "<",
        Operator::LessThanOrEqual => "<=",
    }
}
