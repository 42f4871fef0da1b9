//! The query model: what a filter means on these tables, and how it becomes SQL. Every value is bound.
//!
//! `$filter` is parsed by [`sandbox_syntax::filter`] and given meaning here; anything else that selects rows (FetchXML)
//! is to compile to the same [`Query`].

use sandbox_syntax::filter::{self, Argument, ArgumentValue, Expression, Literal, Operator};
use sandbox_syntax::is_guid;
use sandbox_syntax::options::OrderItem;

use crate::errors::ApiError;
use crate::metadata::{Column, Kind, Table, catalog};
use crate::text::{self, Pattern, Place};
use crate::value::{Statement, Value};

/// A table that takes part in a query; its alias in SQL is `t<index>`.
#[derive(Debug, Clone)]
struct Source {
    table: &'static Table,
    /// The row that a look-up of another source points to. `None` for the base and for sub-queries.
    joined: Option<(usize, &'static Column)>,
    /// The source in whose `FROM` this one appears: 0, or a sub-query's.
    root: usize,
}

/// A column of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    source: usize,
    column: &'static Column,
}

#[derive(Debug, Clone)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(At, Operator, Value),
    CompareColumns(At, Operator, At),
    IsNull(At),
    Matches(At, String),
    Nothing,
    In(At, Vec<Value>),
    Between(At, Value, Value),
    /// Rows of `source` whose look-up `column` points to `parent`, and for which the condition holds.
    Exists {
        source: usize,
        column: &'static Column,
        parent: usize,
        condition: Option<Box<Condition>>,
    },
}

/// Who asks, and when: some query functions need it.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub(crate) user: String,
    pub(crate) business_unit: String,
}

/// A query over one table and what it joins.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    sources: Vec<Source>,
    conditions: Vec<Condition>,
    order: Vec<(At, bool)>,
    pub(crate) limit: Option<u32>,
    pub(crate) offset: u64,
}

impl Query {
    pub(crate) fn new(table: &'static Table) -> Query {
        Query {
            sources: vec![Source {
                table,
                joined: None,
                root: 0,
            }],
            conditions: Vec::new(),
            order: Vec::new(),
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

    /// Only rows that meet a `$filter`.
    pub(crate) fn filter(
        mut self,
        filter: &str,
        alias: &dyn Fn(&str) -> Option<String>,
        asker: &Asker,
    ) -> Result<Query, ApiError> {
        let expression = filter::parse(filter, alias)?;
        let mut binder = Binder {
            query: &mut self,
            scopes: vec![(String::new(), 0)],
            asker,
        };
        let condition = binder.condition(&expression)?;
        self.conditions.push(condition);
        Ok(self)
    }

    /// In the order of a `$orderby`.
    pub(crate) fn order(mut self, items: &[OrderItem], asker: &Asker) -> Result<Query, ApiError> {
        for item in items {
            let mut binder = Binder {
                query: &mut self,
                scopes: vec![(String::new(), 0)],
                asker,
            };
            let at = binder.path(&item.path)?;
            self.order.push((at, item.descending));
        }
        Ok(self)
    }

    /// Every table that is read: the caller needs the privilege to read each.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &'static Table> {
        self.sources.iter().map(|source| source.table)
    }

    /// `SELECT <columns> FROM … WHERE … ORDER BY … LIMIT …`; `columns` speak of the base as `t0`.
    pub(crate) fn select(&self, columns: &str) -> Statement {
        let mut statement = Statement::new(format!("SELECT {columns}"));
        self.write_from_where(&mut statement);
        statement.text.push_str(" ORDER BY ");
        for (at, descending) in &self.order {
            statement.text.push_str(&name(*at));
            statement
                .text
                .push_str(if *descending { " DESC, " } else { ", " });
        }
        if let Some(base) = self.sources.first() {
            statement.text.push_str(&format!("t0.{}", base.table.id));
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
        let mut statement = Statement::new("SELECT COUNT(*) FROM (SELECT 1");
        self.write_from_where(&mut statement);
        statement.text.push_str(" LIMIT ?)");
        statement.with(most)
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
            statement
                .text
                .push_str(&format!(" FROM {} t{root}", source.table.logical));
        }
        for (index, source) in self.sources.iter().enumerate() {
            if let Some((parent, column)) = source.joined
                && source.root == root
            {
                let text = format!(
                    " LEFT JOIN {table} t{index} ON t{index}.{id} = t{parent}.{column}",
                    table = source.table.logical,
                    id = source.table.id,
                    column = column.name
                );
                statement.text.push_str(&text);
            }
        }
    }

    /// A balanced tree of conditions: SQLite limits the depth of an expression.
    fn chain(&self, conditions: &[Condition], operator: &str, statement: &mut Statement) {
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

    fn condition(&self, condition: &Condition, statement: &mut Statement) {
        match condition {
            Condition::All(all) => self.chain(all, " AND ", statement),
            Condition::Any(any) => self.chain(any, " OR ", statement),
            Condition::Not(inner) => {
                statement.text.push_str("NOT (");
                self.condition(inner, statement);
                statement.text.push(')');
            }
            Condition::Compare(at, operator, value) => {
                statement
                    .text
                    .push_str(&format!("{} {} ?", name(*at), sql(*operator)));
                statement.bind(value.clone());
            }
            Condition::CompareColumns(left, operator, right) => {
                statement.text.push_str(&format!(
                    "{} {} {}",
                    name(*left),
                    sql(*operator),
                    name(*right)
                ));
            }
            Condition::IsNull(at) => statement.text.push_str(&format!("{} IS NULL", name(*at))),
            Condition::Matches(at, glob) => {
                statement.text.push_str(&format!("{} GLOB ?", name(*at)));
                statement.bind(glob.as_str());
            }
            Condition::Nothing => statement.text.push('0'),
            Condition::In(at, values) => {
                let marks = vec!["?"; values.len()].join(", ");
                statement
                    .text
                    .push_str(&format!("{} IN ({marks})", name(*at)));
                statement.values.extend(values.iter().cloned());
            }
            Condition::Between(at, low, high) => {
                statement
                    .text
                    .push_str(&format!("{} BETWEEN ? AND ?", name(*at)));
                statement.values.extend([low.clone(), high.clone()]);
            }
            Condition::Exists {
                source,
                column,
                parent,
                condition,
            } => {
                statement.text.push_str("EXISTS (SELECT 1");
                self.write_from(*source, statement);
                let id = self
                    .sources
                    .get(*parent)
                    .map_or("", |parent| parent.table.id.as_str());
                statement.text.push_str(&format!(
                    " WHERE t{source}.{} = t{parent}.{id}",
                    column.name
                ));
                if let Some(condition) = condition {
                    statement.text.push_str(" AND ");
                    self.condition(condition, statement);
                }
                statement.text.push(')');
            }
        }
    }
}

fn name(at: At) -> String {
    format!("t{}.{}", at.source, at.column.name)
}

fn sql(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "<>",
        Operator::GreaterThan => ">",
        Operator::GreaterThanOrEqual => ">=",
        Operator::LessThan => "<",
        Operator::LessThanOrEqual => "<=",
    }
}

fn kind_name(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "Equal",
        Operator::NotEqual => "NotEqual",
        Operator::GreaterThan => "GreaterThan",
        Operator::GreaterThanOrEqual => "GreaterThanOrEqual",
        Operator::LessThan => "LessThan",
        Operator::LessThanOrEqual => "LessThanOrEqual",
    }
}

/// Gives names their columns, and literals their types.
struct Binder<'q> {
    query: &'q mut Query,
    /// Range variables of lambdas, innermost last; the first is the base.
    scopes: Vec<(String, usize)>,
    asker: &'q Asker,
}

enum Side<'e> {
    Column(At),
    Literal(&'e Literal),
}

impl Binder<'_> {
    fn condition(&mut self, expression: &Expression) -> Result<Condition, ApiError> {
        match expression {
            Expression::And(terms) => Ok(Condition::All(self.conditions(terms)?)),
            Expression::Or(terms) => Ok(Condition::Any(self.conditions(terms)?)),
            Expression::Not(inner) => Ok(Condition::Not(Box::new(self.condition(inner)?))),
            Expression::Compare(left, operator, right) => self.compare(left, *operator, right),
            Expression::Call(function, arguments) => self.call(function, arguments),
            Expression::Lambda {
                path,
                any,
                variable,
                condition,
            } => self.lambda(path, *any, variable, condition.as_deref()),
            Expression::Path(path) => {
                let at = self.path(path)?;
                if at.column.kind != Kind::Boolean {
                    return Err(ApiError::request(
                        "The $filter expression must evaluate to a single boolean value.",
                    ));
                }
                Ok(Condition::Compare(at, Operator::Equal, Value::Integer(1)))
            }
            Expression::Literal(_) => Err(ApiError::request(
                "The $filter expression must evaluate to a single boolean value.",
            )),
        }
    }

    fn conditions(&mut self, terms: &[Expression]) -> Result<Vec<Condition>, ApiError> {
        terms.iter().map(|term| self.condition(term)).collect()
    }

    fn compare(
        &mut self,
        left: &Expression,
        operator: Operator,
        right: &Expression,
    ) -> Result<Condition, ApiError> {
        // `contains(…) eq true`
        if let (
            Expression::Call(..) | Expression::Lambda { .. },
            Expression::Literal(Literal::Boolean(truth)),
        ) = (left, right)
        {
            let condition = self.condition(left)?;
            return match (operator, truth) {
                (Operator::Equal, true) | (Operator::NotEqual, false) => Ok(condition),
                (Operator::Equal, false) | (Operator::NotEqual, true) => {
                    Ok(Condition::Not(Box::new(condition)))
                }
                (
                    Operator::GreaterThan
                    | Operator::GreaterThanOrEqual
                    | Operator::LessThan
                    | Operator::LessThanOrEqual,
                    _,
                ) => Err(incompatible("Edm.Boolean", operator, "Edm.Boolean")),
            };
        }
        match (self.side(left)?, self.side(right)?) {
            (Side::Column(at), Side::Literal(literal)) => compare_literal(at, operator, literal),
            (Side::Literal(literal), Side::Column(at)) => {
                compare_literal(at, operator.mirrored(), literal)
            }
            (Side::Column(left), Side::Column(right)) => {
                if class(left.column.kind) != class(right.column.kind) {
                    return Err(incompatible(
                        left.column.kind.edm(),
                        operator,
                        right.column.kind.edm(),
                    ));
                }
                Ok(Condition::CompareColumns(left, operator, right))
            }
            (Side::Literal(_), Side::Literal(_)) => Err(ApiError::request(
                "A comparison of two literals is not supported in $filter.",
            )),
        }
    }

    fn side<'e>(&mut self, expression: &'e Expression) -> Result<Side<'e>, ApiError> {
        match expression {
            Expression::Path(path) => Ok(Side::Column(self.path(path)?)),
            Expression::Literal(literal) => Ok(Side::Literal(literal)),
            Expression::Call(function, _) => Err(unknown_function(function)),
            Expression::And(_)
            | Expression::Or(_)
            | Expression::Not(_)
            | Expression::Compare(..)
            | Expression::Lambda { .. } => Err(ApiError::request(
                "A comparison takes a property and a literal or another property.",
            )),
        }
    }

    /// The source at which a path starts, and the rest of the path.
    fn start<'p>(&self, path: &'p [String]) -> (usize, &'p [String]) {
        if let Some((first, rest)) = path.split_first()
            && !rest.is_empty()
            && let Some((_, source)) = self
                .scopes
                .iter()
                .skip(1)
                .rev()
                .find(|(variable, _)| variable == first)
        {
            return (*source, rest);
        }
        (0, path)
    }

    fn source(&self, index: usize) -> Result<&Source, ApiError> {
        self.query
            .sources
            .get(index)
            .ok_or_else(|| ApiError::request("The path is not valid."))
    }

    fn path(&mut self, path: &[String]) -> Result<At, ApiError> {
        let (mut source, rest) = self.start(path);
        let Some((last, steps)) = rest.split_last() else {
            return Err(ApiError::request("The path is empty."));
        };
        for (index, step) in steps.iter().enumerate() {
            let table = self.source(source)?.table;
            let Some((link, column)) = table.link(step) else {
                return Err(ApiError::no_property(table, step));
            };
            if link.target == "owner" {
                // All that the type `principal` declares is its key.
                if last == "ownerid" && index + 1 == steps.len() {
                    return Ok(At { source, column });
                }
                return Err(ApiError::request(format!(
                    "Could not find a property named '{last}' on type 'Microsoft.Dynamics.CRM.principal'."
                )));
            }
            let target = catalog()
                .table(&link.target)
                .ok_or_else(|| ApiError::not_simulated(format!("the table '{}'", link.target)))?;
            source = self.join(source, column, target)?;
        }
        let table = self.source(source)?.table;
        let column = table
            .property(last)
            .ok_or_else(|| ApiError::no_property(table, last))?;
        Ok(At { source, column })
    }

    fn join(
        &mut self,
        parent: usize,
        column: &'static Column,
        table: &'static Table,
    ) -> Result<usize, ApiError> {
        let root = self.source(parent)?.root;
        let same = |source: &Source| {
            source.table.logical == table.logical
                && source
                    .joined
                    .is_some_and(|(from, by)| from == parent && by.name == column.name)
        };
        if let Some(known) = self.query.sources.iter().position(same) {
            return Ok(known);
        }
        self.query.sources.push(Source {
            table,
            joined: Some((parent, column)),
            root,
        });
        Ok(self.query.sources.len() - 1)
    }

    fn lambda(
        &mut self,
        path: &[String],
        any: bool,
        variable: &str,
        condition: Option<&Expression>,
    ) -> Result<Condition, ApiError> {
        let (parent, rest) = self.start(path);
        let [navigation] = rest else {
            return Err(ApiError::not_simulated(
                "a lambda behind a single-valued navigation property",
            ));
        };
        let table = self.source(parent)?.table;
        let Some(collection) = table.collection(navigation) else {
            return Err(ApiError::no_property(table, navigation));
        };
        let Some(child) = catalog().table(&collection.table) else {
            return Err(ApiError::not_simulated(format!(
                "the table '{}'",
                collection.table
            )));
        };
        let column = child.column(&collection.column).ok_or_else(|| {
            ApiError::not_simulated(format!("the navigation property '{navigation}'"))
        })?;
        let source = self.query.sources.len();
        self.query.sources.push(Source {
            table: child,
            joined: None,
            root: source,
        });
        self.scopes.push((variable.to_owned(), source));
        let condition = condition
            .map(|condition| self.condition(condition))
            .transpose()?;
        self.scopes.pop();
        let exists = |condition: Option<Condition>| Condition::Exists {
            source,
            column,
            parent,
            condition: condition.map(Box::new),
        };
        Ok(match (any, condition) {
            (true, condition) => exists(condition),
            (false, None) => return Err(ApiError::request("'all' needs a condition.")),
            (false, Some(condition)) => {
                Condition::Not(Box::new(exists(Some(Condition::Not(Box::new(condition))))))
            }
        })
    }

    fn call(&mut self, function: &str, arguments: &[Argument]) -> Result<Condition, ApiError> {
        let place = match function {
            "contains" => Place::Anywhere,
            "startswith" => Place::Start,
            "endswith" => Place::End,
            _ => {
                return match function.strip_prefix("Microsoft.Dynamics.CRM.") {
                    Some(name) => self.query_function(name, function, arguments),
                    None => Err(unknown_function(function)),
                };
            }
        };
        let wrong = || {
            ApiError::request(format!(
                "No function signature for the function with name '{function}' matches the specified arguments. The \
                 function signatures considered are: {function}(Edm.String Nullable=true, Edm.String Nullable=true)."
            ))
        };
        let [
            Argument {
                name: None,
                value: ArgumentValue::Expression(Expression::Path(path)),
            },
            Argument {
                name: None,
                value: ArgumentValue::Expression(Expression::Literal(Literal::Text(like))),
            },
        ] = arguments
        else {
            return Err(wrong());
        };
        let at = self.path(path)?;
        if at.column.kind != Kind::Text {
            return Err(wrong());
        }
        match text::pattern(like, place, at.column.max_length.unwrap_or(usize::MAX)) {
            Pattern::Glob(glob) => Ok(Condition::Matches(at, glob)),
            Pattern::Nothing => Ok(Condition::Nothing),
            Pattern::TooLong => Err(ApiError::request(format!(
                "The value of '{function}' is too long."
            ))),
        }
    }

    fn query_function(
        &mut self,
        name: &str,
        full: &str,
        arguments: &[Argument],
    ) -> Result<Condition, ApiError> {
        let argument = |wanted: &str| {
            arguments
                .iter()
                .find(|argument| argument.name.as_deref() == Some(wanted))
                .map(|argument| &argument.value)
        };
        let Some(ArgumentValue::Expression(Expression::Literal(Literal::Text(property)))) =
            argument("PropertyName")
        else {
            return Err(unknown_function(full));
        };
        let at = match self.path(std::slice::from_ref(property)) {
            Ok(at) => at,
            // The functions also take a look-up's logical name.
            Err(error) => {
                let table = self.source(0)?.table;
                let column = table.column(property).ok_or(error)?;
                At { source: 0, column }
            }
        };
        let values = || match argument("PropertyValues") {
            Some(ArgumentValue::List(texts)) => texts
                .iter()
                .map(|text| value_from_text(at.column, text))
                .collect::<Result<Vec<Value>, ApiError>>(),
            _ => Err(unknown_function(full)),
        };
        let not = |condition| Condition::Not(Box::new(condition));
        Ok(match name {
            "In" => Condition::In(at, values()?),
            "NotIn" => not(Condition::In(at, values()?)),
            "Between" | "NotBetween" => {
                let [low, high] = values()?.try_into().map_err(|_| unknown_function(full))?;
                let between = Condition::Between(at, low, high);
                if name == "Between" {
                    between
                } else {
                    not(between)
                }
            }
            "EqualUserId" => {
                Condition::Compare(at, Operator::Equal, Value::from(self.asker.user.as_str()))
            }
            "NotEqualUserId" => Condition::Compare(
                at,
                Operator::NotEqual,
                Value::from(self.asker.user.as_str()),
            ),
            "EqualBusinessId" => Condition::Compare(
                at,
                Operator::Equal,
                Value::from(self.asker.business_unit.as_str()),
            ),
            _ => {
                return Err(ApiError::not_simulated(format!(
                    "the query function '{full}'"
                )));
            }
        })
    }
}

fn unknown_function(function: &str) -> ApiError {
    ApiError::request(format!(
        "An unknown function with name '{function}' was found. This may also be a function import or a key lookup on a \
         navigation property, which is not allowed."
    ))
}

fn incompatible(left: &str, operator: Operator, right: &str) -> ApiError {
    ApiError::request(format!(
        "A binary operator with incompatible types was detected. Found operand types '{left}' and '{right}' for \
         operator kind '{}'.",
        kind_name(operator)
    ))
}

/// Kinds that may be compared with each other.
fn class(kind: Kind) -> u8 {
    match kind {
        Kind::Text | Kind::MultiChoice => 0,
        Kind::Integer
        | Kind::BigInt
        | Kind::Decimal
        | Kind::Double
        | Kind::Money
        | Kind::Choice => 1,
        Kind::Boolean => 2,
        Kind::DateTime => 3,
        Kind::Date => 4,
        Kind::Guid | Kind::Lookup => 5,
    }
}

fn compare_literal(at: At, operator: Operator, literal: &Literal) -> Result<Condition, ApiError> {
    if *literal == Literal::Null {
        return match operator {
            Operator::Equal => Ok(Condition::IsNull(at)),
            Operator::NotEqual => Ok(Condition::Not(Box::new(Condition::IsNull(at)))),
            Operator::GreaterThan
            | Operator::GreaterThanOrEqual
            | Operator::LessThan
            | Operator::LessThanOrEqual => Ok(Condition::Nothing),
        };
    }
    let value = match (at.column.kind, literal) {
        (Kind::Text | Kind::MultiChoice, Literal::Text(text)) => Value::from(text.as_str()),
        (Kind::Guid | Kind::Lookup, Literal::Guid(guid)) => Value::from(guid.as_str()),
        (Kind::Guid | Kind::Lookup, Literal::Text(text)) if is_guid(text) => {
            Value::from(text.to_ascii_lowercase())
        }
        (
            Kind::Integer
            | Kind::BigInt
            | Kind::Choice
            | Kind::Decimal
            | Kind::Double
            | Kind::Money,
            Literal::Integer(integer),
        ) => Value::Integer(*integer),
        (
            Kind::Integer
            | Kind::BigInt
            | Kind::Choice
            | Kind::Decimal
            | Kind::Double
            | Kind::Money,
            Literal::Number(number),
        ) => Value::Real(*number),
        (Kind::Boolean, Literal::Boolean(truth)) => Value::from(*truth),
        (Kind::DateTime, Literal::DateTime(moment)) => Value::from(moment.as_str()),
        (Kind::DateTime, Literal::Date(date)) => Value::from(format!("{date}T00:00:00Z")),
        (Kind::Date, Literal::Date(date)) => Value::from(date.as_str()),
        _ => return Err(incompatible(at.column.kind.edm(), operator, literal.edm())),
    };
    Ok(Condition::Compare(at, operator, value))
}

/// A value of a query function: always written as text.
fn value_from_text(column: &Column, text: &str) -> Result<Value, ApiError> {
    let wrong = || {
        ApiError::new(
            400,
            "0x80040203",
            format!(
                "The value '{text}' is not valid for the attribute '{}'.",
                column.name
            ),
        )
    };
    match column.kind {
        Kind::Text | Kind::MultiChoice => Ok(Value::from(text)),
        Kind::Guid | Kind::Lookup => {
            let bare = text.trim_matches(['{', '}']);
            if is_guid(bare) {
                Ok(Value::from(bare.to_ascii_lowercase()))
            } else {
                Err(wrong())
            }
        }
        Kind::Integer | Kind::BigInt | Kind::Choice => {
            text.parse().map(Value::Integer).map_err(|_| wrong())
        }
        Kind::Decimal | Kind::Double | Kind::Money => {
            text.parse().map(Value::Real).map_err(|_| wrong())
        }
        Kind::Boolean => match text {
            "true" | "1" => Ok(Value::Integer(1)),
            "false" | "0" => Ok(Value::Integer(0)),
            _ => Err(wrong()),
        },
        Kind::DateTime => match (
            text.parse::<jiff::Timestamp>(),
            text.parse::<jiff::civil::Date>(),
        ) {
            (Ok(moment), _) => Ok(Value::from(crate::value::moment(moment))),
            (Err(_), Ok(date)) => Ok(Value::from(format!("{date}T00:00:00Z"))),
            (Err(_), Err(_)) => Err(wrong()),
        },
        Kind::Date => text
            .parse::<jiff::civil::Date>()
            .map(|date| Value::from(date.to_string()))
            .map_err(|_| wrong()),
    }
}
