//! The query model: tables that take part, conditions, order, and how that becomes SQL. Every value is bound.
//!
//! `odata` compiles `$filter` and `$orderby` to a [`Query`], `fetch` compiles FetchXML; both name the same tests, to which
//! `test` gives their meaning and `time` their dates. `condition` writes conditions as SQL.

mod condition;
pub(crate) mod fetch;
mod odata;
mod test;
mod time;

use jiff::Timestamp;

use crate::metadata::{Column, Kind, Table, catalog};
use crate::security::Within;
use crate::value::{Statement, Value};
use condition::Condition;
use sandbox_syntax::filter::Operator;

/// A table that takes part in a query; its alias in SQL is `t<index>`.
#[derive(Debug, Clone)]
struct Source {
    table: &'static Table,
    /// How it is reached. `None` for the base and for the first table of a sub-query.
    join: Option<Join>,
    /// The source in whose `FROM` this one appears: 0, or a sub-query's.
    root: usize,
    /// Only these of its rows take part.
    within: Option<Within>,
}

impl Source {
    fn new(table: &'static Table, join: Option<Join>, root: usize) -> Source {
        Source {
            table,
            join,
            root,
            within: None,
        }
    }

    /// The table in a `FROM`, under its alias.
    fn write(&self, index: usize, statement: &mut Statement) {
        let table = &self.table.logical;
        let Some(within) = &self.within else {
            statement.text.push_str(&format!("{table} t{index}"));
            return;
        };
        let marks = vec!["?"; within.values.len()].join(", ");
        statement.text.push_str(&format!(
            "(SELECT * FROM {table} WHERE {} IN ({marks})) t{index}",
            within.column.name
        ));
        statement.values.extend(within.values.iter().cloned());
    }
}

/// How a source is joined to another.
#[derive(Debug, Clone)]
struct Join {
    parent: usize,
    /// Column of the parent.
    to: &'static Column,
    /// Column of the joined table.
    from: &'static Column,
    /// Rows of the parent without a partner stay.
    optional: bool,
    on: Option<Condition>,
    /// Only the first row of this sub-query, which has the conditions.
    first_of: Option<usize>,
}

/// A column of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    source: usize,
    pub(crate) column: &'static Column,
}

/// What rows are ordered by.
#[derive(Debug, Clone)]
pub(crate) enum Term {
    /// A column's value.
    Column(At),
    /// A choice's label.
    Label(At),
    /// The name of the row that a look-up points to.
    Name(At),
    /// An expression over our own names.
    Expression(String),
}

impl Term {
    fn sql(&self) -> String {
        match self {
            Term::Column(at) => at.sql(),
            Term::Label(at) => {
                let ranks: String = ranks(at.column)
                    .iter()
                    .map(|(value, rank)| format!(" WHEN {value} THEN {rank}"))
                    .collect();
                if ranks.is_empty() {
                    at.sql()
                } else {
                    format!("CASE {}{ranks} END", at.sql())
                }
            }
            Term::Name(at) => name_of(at.column, &format!("t{}", at.source)),
            Term::Expression(sql) => sql.clone(),
        }
    }
}

/// The values of a choice, each with its place in the order of the labels.
fn ranks(column: &Column) -> Vec<(i64, usize)> {
    let mut choices: Vec<_> = column
        .choices
        .iter()
        .map(|choice| (choice.label.as_str(), choice.value))
        .collect();
    choices.sort_by(|left, right| crate::text::compare(left.0, right.0).then(left.1.cmp(&right.1)));
    choices
        .into_iter()
        .enumerate()
        .map(|(rank, (_, value))| (value, rank))
        .collect()
}

/// Who asks, and when: some tests need it.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) user: String,
    pub(crate) business_unit: String,
    /// The organization's clock. Days and weeks are those of UTC: every user's time zone is UTC here.
    pub(crate) now: Timestamp,
}

/// A query over one table and what it joins.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    sources: Vec<Source>,
    conditions: Vec<Condition>,
    order: Vec<(Term, bool)>,
    /// What decides between rows that the order leaves equal.
    ties: Vec<String>,
    distinct: bool,
    group: Vec<String>,
    pub(crate) limit: Option<u32>,
    pub(crate) offset: u64,
}

impl Query {
    pub(crate) fn new(table: &'static Table) -> Query {
        Query {
            sources: vec![Source::new(table, None, 0)],
            conditions: Vec::new(),
            order: Vec::new(),
            ties: vec![format!("t0.{}", table.id)],
            distinct: false,
            group: Vec::new(),
            limit: None,
            offset: 0,
        }
    }

    /// Only rows whose `column` is `value`.
    pub(crate) fn only(mut self, column: &'static Column, value: impl Into<Value>) -> Query {
        self.conditions.push(Condition::Compare(
            At { source: 0, column },
            Operator::Equal,
            value.into(),
        ));
        self
    }

    /// Only rows whose `column` is one of `values`.
    pub(crate) fn only_in(mut self, column: &'static Column, values: Vec<Value>) -> Query {
        self.conditions
            .push(Condition::In(At { source: 0, column }, values));
        self
    }

    /// Only rows that also meet the conditions of another query over the same table, which joins nothing.
    pub(crate) fn also(mut self, other: &Query) -> Query {
        self.conditions.extend(other.conditions.iter().cloned());
        self
    }

    /// Only those rows of each table that `reach` names for it.
    pub(crate) fn within(mut self, reach: &dyn Fn(&'static Table) -> Option<Within>) -> Query {
        for source in &mut self.sources {
            source.within = reach(source.table);
        }
        self
    }

    /// Every table that is read: the caller needs the privilege to read each.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &'static Table> {
        self.sources.iter().map(|source| source.table)
    }

    /// `SELECT <columns> FROM … WHERE … ORDER BY … LIMIT …`; `columns` speak of the base as `t0`.
    pub(crate) fn select(&self, columns: &str) -> Statement {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let mut statement = Statement::new(format!("SELECT {distinct}{columns}"));
        self.write_rows(&mut statement);
        let ordered = self.order.iter().map(|(term, descending)| {
            let direction = if *descending { " DESC" } else { "" };
            format!("{}{direction}", term.sql())
        });
        let keys: Vec<String> = ordered.chain(self.ties.iter().cloned()).collect();
        if !keys.is_empty() {
            statement.text.push_str(" ORDER BY ");
            statement.text.push_str(&keys.join(", "));
        }
        if let Some(limit) = self.limit {
            statement.text.push_str(" LIMIT ? OFFSET ?");
            statement.bind(i64::from(limit));
            statement.bind(i64::try_from(self.offset).unwrap_or(i64::MAX));
        }
        statement
    }

    /// The number of rows, but no more than `most`.
    pub(crate) fn count(&self, most: i64) -> Statement {
        self.count_of("1", most)
    }

    /// The number of rows of a `SELECT <columns>`, but no more than `most`.
    pub(crate) fn count_of(&self, columns: &str, most: i64) -> Statement {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let mut statement =
            Statement::new(format!("SELECT COUNT(*) FROM (SELECT {distinct}{columns}"));
        self.write_rows(&mut statement);
        statement.text.push_str(" LIMIT ?)");
        statement.with(most)
    }

    /// The number of rows before they are grouped, but no more than `most`.
    pub(crate) fn count_ungrouped(&self, most: i64) -> Statement {
        let mut statement = Statement::new("SELECT COUNT(*) FROM (SELECT 1");
        self.write_from_where(&mut statement);
        statement.text.push_str(" LIMIT ?)");
        statement.with(most)
    }

    fn write_rows(&self, statement: &mut Statement) {
        self.write_from_where(statement);
        if !self.group.is_empty() {
            statement.text.push_str(" GROUP BY ");
            statement.text.push_str(&self.group.join(", "));
        }
    }

    fn write_from_where(&self, statement: &mut Statement) {
        self.write_from(0, statement);
        if !self.conditions.is_empty() {
            statement.text.push_str(" WHERE ");
            self.chain(&self.conditions, " AND ", statement);
        }
    }

    fn write_from(&self, root: usize, statement: &mut Statement) {
        if let Some(source) = self.sources.get(root) {
            statement.text.push_str(" FROM ");
            source.write(root, statement);
        }
        self.write_joins(root, statement);
    }

    /// The joins to a source, and to what they lead to.
    fn write_joins(&self, parent: usize, statement: &mut Statement) {
        for (index, source, join) in self.joined_to(parent) {
            // What is required behind an optional table is required only where that table has a row.
            let together =
                join.optional && self.joined_to(index).any(|(_, _, inner)| !inner.optional);
            statement.text.push_str(if join.optional {
                " LEFT JOIN "
            } else {
                " JOIN "
            });
            if together {
                statement.text.push('(');
                source.write(index, statement);
                self.write_joins(index, statement);
                statement.text.push(')');
            } else {
                source.write(index, statement);
            }
            statement.text.push_str(&format!(
                " ON t{index}.{} = t{parent}.{}",
                join.from.name, join.to.name
            ));
            if let Some(on) = &join.on {
                statement.text.push_str(" AND ");
                self.condition(on, statement);
            }
            if let Some(first) = join.first_of {
                let id = &source.table.id;
                statement
                    .text
                    .push_str(&format!(" AND t{index}.{id} = (SELECT t{first}.{id}"));
                self.write_from(first, statement);
                statement.text.push_str(&format!(
                    " WHERE t{first}.{} = t{parent}.{}",
                    join.from.name, join.to.name
                ));
                if let Some(Join { on: Some(on), .. }) = self
                    .sources
                    .get(first)
                    .and_then(|first| first.join.as_ref())
                {
                    statement.text.push_str(" AND ");
                    self.condition(on, statement);
                }
                statement
                    .text
                    .push_str(&format!(" ORDER BY t{first}.{id} LIMIT 1)"));
            }
            if !together {
                self.write_joins(index, statement);
            }
        }
    }

    fn joined_to(&self, parent: usize) -> impl Iterator<Item = (usize, &Source, &Join)> {
        self.sources
            .iter()
            .enumerate()
            .filter_map(move |(index, source)| {
                let join = source.join.as_ref()?;
                // The first table of a sub-query is no part of its own join.
                (join.parent == parent && source.root != index).then_some((index, source, join))
            })
    }
}

impl At {
    pub(crate) fn sql(self) -> String {
        format!("t{}.{}", self.source, self.column.name)
    }

    /// The alias of its table in SQL.
    pub(crate) fn source(self) -> String {
        format!("t{}", self.source)
    }
}

/// The SQL that finds the primary name of the row a look-up of the table with this alias points to.
pub(crate) fn name_of(column: &Column, alias: &str) -> String {
    if column.kind != Kind::Lookup {
        return "NULL".to_owned();
    }
    let by_table: Vec<(&str, String)> = column
        .targets
        .iter()
        .filter_map(|target| catalog().table(target))
        .map(|table| {
            let select = format!(
                "(SELECT n.{} FROM {} n WHERE n.{} = {alias}.{})",
                table.name, table.logical, table.id, column.name
            );
            (table.logical.as_str(), select)
        })
        .collect();
    match by_table.as_slice() {
        [] => "NULL".to_owned(),
        [(_, select)] if !column.is_polymorphic() => select.clone(),
        several => {
            let cases: Vec<String> = several
                .iter()
                .map(|(table, select)| format!("WHEN '{table}' THEN {select}"))
                .collect();
            format!(
                "CASE {alias}.{} {} END",
                column.type_name(),
                cases.join(" ")
            )
        }
    }
}
