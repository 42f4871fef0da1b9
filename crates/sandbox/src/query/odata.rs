//! What `$filter` and `$orderby` mean on these tables (protocol page `query.md`).

use sandbox_syntax::filter::{self, Argument, ArgumentValue, Expression, Literal, Operator};
use sandbox_syntax::is_guid;
use sandbox_syntax::operator::{Test, Values};
use sandbox_syntax::options::OrderItem;

use super::condition::Condition;
use super::test::{self, class, is_text};
use super::{Asker, At, Join, Query, Source, Term};
use crate::errors::ApiError;
use crate::metadata::{Association, Column, Kind, Table, catalog};
use crate::text::Place;
use crate::value::Value;

impl Query {
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
            self.order.push((Term::Column(at), item.descending));
        }
        Ok(self)
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
            Expression::Not(inner) => Ok(Condition::not(self.condition(inner)?)),
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
                    Ok(Condition::not(condition))
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
        let (start, rest) = self.start(path);
        let Some((last, steps)) = rest.split_last() else {
            return Err(ApiError::request("The path is empty."));
        };
        // All that the type `principal` declares is its key.
        if let [before @ .., owner] = steps {
            let source = self.walk(start, before)?;
            if let Some((link, column)) = self.source(source)?.table.link(owner)
                && link.target == "owner"
            {
                return if last == "ownerid" {
                    Ok(At { source, column })
                } else {
                    Err(ApiError::request(format!(
                        "Could not find a property named '{last}' on type 'Microsoft.Dynamics.CRM.principal'."
                    )))
                };
            }
        }
        let source = self.walk(start, steps)?;
        let table = self.source(source)?.table;
        let column = table
            .property(last)
            .ok_or_else(|| ApiError::no_property(table, last))?;
        Ok(At { source, column })
    }

    /// The source behind single-valued navigation properties.
    fn walk(&mut self, start: usize, steps: &[String]) -> Result<usize, ApiError> {
        let mut source = start;
        for step in steps {
            let table = self.source(source)?.table;
            let Some((link, column)) = table.link(step) else {
                return Err(ApiError::no_property(table, step));
            };
            if link.target == "owner" {
                return Err(ApiError::request(format!(
                    "Could not find a property named '{step}' on type 'Microsoft.Dynamics.CRM.principal'."
                )));
            }
            let target = catalog()
                .table(&link.target)
                .ok_or_else(|| ApiError::not_simulated(format!("the table '{}'", link.target)))?;
            source = self.join(source, column, target)?;
        }
        Ok(source)
    }

    fn join(
        &mut self,
        parent: usize,
        to: &'static Column,
        table: &'static Table,
    ) -> Result<usize, ApiError> {
        let root = self.source(parent)?.root;
        let same = |source: &Source| {
            source.table.logical == table.logical
                && source
                    .join
                    .as_ref()
                    .is_some_and(|join| join.parent == parent && join.to.name == to.name)
        };
        if let Some(known) = self.query.sources.iter().position(same) {
            return Ok(known);
        }
        let from = table
            .column(&table.id)
            .ok_or_else(|| ApiError::no_property(table, &table.id))?;
        let join = Join {
            parent,
            to,
            from,
            optional: true,
            on: None,
            first_of: None,
        };
        self.query
            .sources
            .push(Source::new(table, Some(join), root));
        Ok(self.query.sources.len() - 1)
    }

    /// The first table of a sub-query.
    fn apart(&mut self, table: &'static Table) -> usize {
        let source = self.query.sources.len();
        self.query.sources.push(Source::new(table, None, source));
        source
    }

    /// A sub-query over an N:N collection: the pairs, their column with this side's id, and the rows of the other side that
    /// are joined to them.
    fn pairs(
        &mut self,
        association: &'static Association,
    ) -> Result<(usize, &'static Column, usize), ApiError> {
        let missing = |name: &str| ApiError::not_simulated(format!("the table '{name}'"));
        let intersect = catalog()
            .table(&association.intersect)
            .ok_or_else(|| missing(&association.intersect))?;
        let other = catalog()
            .table(&association.other)
            .ok_or_else(|| missing(&association.other))?;
        let column = |table: &'static Table, name: &str| {
            table
                .column(name)
                .ok_or_else(|| ApiError::no_property(table, name))
        };
        let own = column(intersect, &association.own_column)?;
        let pairs = self.apart(intersect);
        let join = Join {
            parent: pairs,
            to: column(intersect, &association.other_column)?,
            from: column(other, &other.id)?,
            optional: false,
            on: None,
            first_of: None,
        };
        self.query
            .sources
            .push(Source::new(other, Some(join), pairs));
        Ok((pairs, own, self.query.sources.len() - 1))
    }

    fn lambda(
        &mut self,
        path: &[String],
        any: bool,
        variable: &str,
        condition: Option<&Expression>,
    ) -> Result<Condition, ApiError> {
        let (start, rest) = self.start(path);
        let Some((navigation, steps)) = rest.split_last() else {
            return Err(ApiError::request("The path is empty."));
        };
        let parent = self.walk(start, steps)?;
        let table = self.source(parent)?.table;
        let id = table
            .column(&table.id)
            .ok_or_else(|| ApiError::no_property(table, &table.id))?;
        let (source, column, element) = match table.association(navigation) {
            Some(association) => self.pairs(association)?,
            None => {
                let (child, column) = crate::rows::children(table, navigation)?;
                let source = self.apart(child);
                (source, column, source)
            }
        };
        self.scopes.push((variable.to_owned(), element));
        let condition = condition
            .map(|condition| self.condition(condition))
            .transpose()?;
        self.scopes.pop();
        let exists = |condition: Option<Condition>| Condition::Exists {
            source,
            from: column,
            to: At {
                source: parent,
                column: id,
            },
            condition: condition.map(Box::new),
        };
        Ok(match (any, condition) {
            (true, condition) => exists(condition),
            (false, None) => return Err(ApiError::request("'all' needs a condition.")),
            (false, Some(condition)) => Condition::not(exists(Some(Condition::not(condition)))),
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
        if !is_text(at.column) {
            return Err(wrong());
        }
        test::matches(at, like, place)
            .ok_or_else(|| ApiError::request(format!("The value of '{function}' is too long.")))
    }

    /// `Microsoft.Dynamics.CRM.X(PropertyName='…',PropertyValue=…)`.
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
        let test = Test::of_function(name).ok_or_else(|| unknown_function(full))?;
        let Some(ArgumentValue::Expression(Expression::Literal(Literal::Text(property)))) =
            argument("PropertyName")
        else {
            return Err(unknown_function(full));
        };
        let path: Vec<String> = property.split('/').map(str::to_owned).collect();
        let at = match self.path(&path) {
            Ok(at) => at,
            // The functions also take a look-up's logical name.
            Err(error) => {
                let (start, rest) = self.start(&path);
                let (last, steps) = rest.split_last().ok_or_else(|| error.clone())?;
                let source = self.walk(start, steps).map_err(|_| error.clone())?;
                let column = self.source(source)?.table.column(last).ok_or(error)?;
                At { source, column }
            }
        };
        let one = |name: &str| match argument(name) {
            Some(ArgumentValue::Expression(Expression::Literal(literal))) => {
                literal_text(literal).ok_or_else(|| unknown_function(full))
            }
            Some(ArgumentValue::Expression(_) | ArgumentValue::List(_)) | None => {
                Err(unknown_function(full))
            }
        };
        let values = match (test.values(), argument("PropertyValues")) {
            (Values::None, _) => Vec::new(),
            (Values::One, _) => vec![one("PropertyValue")?],
            (_, Some(ArgumentValue::List(texts))) => texts.clone(),
            (Values::Two, None) => vec![one("PropertyValue1")?, one("PropertyValue2")?],
            (Values::Two | Values::Many, _) => return Err(unknown_function(full)),
        };
        let table = self.source(at.source)?.table;
        test::condition(table, at, test, &values, self.asker)
    }
}

/// A literal as the text that a condition of FetchXML would have.
fn literal_text(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Null => None,
        Literal::Boolean(truth) => Some(truth.to_string()),
        Literal::Text(text)
        | Literal::Guid(text)
        | Literal::Date(text)
        | Literal::DateTime(text) => Some(text.clone()),
        Literal::Integer(integer) => Some(integer.to_string()),
        Literal::Number(number) => Some(number.to_string()),
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

fn compare_literal(at: At, operator: Operator, literal: &Literal) -> Result<Condition, ApiError> {
    if *literal == Literal::Null {
        return match operator {
            Operator::Equal => Ok(Condition::IsNull(at)),
            Operator::NotEqual => Ok(Condition::not(Condition::IsNull(at))),
            Operator::GreaterThan
            | Operator::GreaterThanOrEqual
            | Operator::LessThan
            | Operator::LessThanOrEqual => Ok(Condition::Never(at)),
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
