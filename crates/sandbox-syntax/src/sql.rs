//! SQL (`GET contacts?sql=SELECT …`): the subset that the published Python client documents in `client.query.sql`, as the
//! [`Fetch`] that means the same.
//!
//! `SELECT [DISTINCT] [TOP n] columns FROM table [alias]`, `INNER` and `LEFT JOIN … ON`, `WHERE` with comparisons, `LIKE`,
//! `IN`, `IS NULL`, `BETWEEN`, `AND`, `OR`; `GROUP BY`, `COUNT`, `SUM`, `AVG`, `MIN`, `MAX`; `ORDER BY`; `OFFSET … FETCH NEXT`.
//! Everything else that SQL has is refused.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of the parser's large grammar all that is not documented is refused alike"
)]

use sqlparser::ast::{
    BinaryOperator, Distinct, DuplicateTreatment, Expr, FunctionArg, FunctionArgExpr,
    FunctionArguments, GroupByExpr, Ident, InTarget, Join, JoinConstraint, JoinOperator,
    LimitClause, ObjectName, OrderByExpr, OrderByKind, OrderBySort, Query, Select, SelectItem,
    SetExpr, Statement, TableFactor, TopQuantity, UnaryOperator, Value,
};
use sqlparser::dialect::MsSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::SyntaxError;
use crate::fetch::{Aggregate, Attribute, Condition, Entity, Fetch, Filter, Link, LinkKind, Order};
use crate::filter::Operator;
use crate::operator::{Place, Test};

/// Longer statements are refused: what is parsed is as deep as it is long.
const MOST_TOKENS: usize = 4000;
/// Deeper nesting is refused.
const DEEPEST: usize = 50;
/// The largest `TOP` and `FETCH NEXT`.
const LARGEST: u32 = 5000;
/// Stands for any column of a table where rows are counted: the query's meaning knows the table's key.
pub const ANY_COLUMN: &str = "*";

/// A statement: the query that it means, and how many rows it leaves out first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// The query. Its conditions are those of the base table; the columns of joined tables go by the alias.
    pub fetch: Fetch,
    /// Rows to leave out.
    pub offset: u32,
}

/// Reads a `SELECT` statement.
///
/// # Errors
/// 400 `0x80060888` for what cannot be read and for what is not supported.
pub fn read(text: &str) -> Result<Sql, SyntaxError> {
    let dialect = MsSqlDialect {};
    let wrong = |error: &dyn std::fmt::Display| {
        SyntaxError::request(format!("The sql query cannot be read. {error}"))
    };
    let tokens = Tokenizer::new(&dialect, text)
        .tokenize()
        .map_err(|error| wrong(&error))?;
    let counted = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)));
    if counted.count() > MOST_TOKENS {
        return Err(SyntaxError::request("The sql query is too long."));
    }
    let mut statements = Parser::new(&dialect)
        .with_recursion_limit(DEEPEST)
        .with_tokens(tokens)
        .parse_statements()
        .map_err(|error| wrong(&error))?;
    let (Some(Statement::Query(query)), None) = (statements.pop(), statements.pop()) else {
        return Err(unsupported("anything but one SELECT statement"));
    };
    let Query {
        body,
        order_by,
        limit_clause,
        fetch,
        with: None,
        for_clause: None,
        ..
    } = *query
    else {
        return Err(unsupported("WITH and FOR"));
    };
    let SetExpr::Select(select) = *body else {
        return Err(unsupported("UNION and the like"));
    };
    let mut reading = Reading::from(&select)?;
    reading.columns(&select)?;
    if let Some(selection) = &select.selection {
        reading.where_ = Some(reading.filter(selection)?);
    }
    match order_by.map(|order| order.kind) {
        None => {}
        Some(OrderByKind::Expressions(items)) => {
            for item in &items {
                let order = reading.order(item)?;
                reading.orders.push(order);
            }
        }
        Some(OrderByKind::All(_)) => return Err(unsupported("ORDER BY ALL")),
    }
    let offset = match limit_clause {
        None => 0,
        Some(LimitClause::LimitOffset {
            limit: None,
            offset: Some(offset),
            ..
        }) => whole(&offset.value)?,
        Some(_) => return Err(unsupported("LIMIT")),
    };
    let next = match fetch {
        None => None,
        Some(fetch) if !fetch.percent && !fetch.with_ties => {
            fetch.quantity.as_ref().map(whole).transpose()?
        }
        Some(_) => return Err(unsupported("FETCH with PERCENT or TIES")),
    };
    let top = top(&select)?;
    if top.is_some() && (next.is_some() || offset > 0) {
        return Err(unsupported("TOP together with OFFSET"));
    }
    let top = top.or(next);
    if top.is_some_and(|top| top > LARGEST) {
        return Err(SyntaxError::request(format!(
            "At most {LARGEST} rows can be asked for by TOP and FETCH NEXT."
        )));
    }
    Ok(Sql {
        fetch: reading.finish(top, matches!(select.distinct, Some(Distinct::Distinct))),
        offset,
    })
}

fn unsupported(what: &str) -> SyntaxError {
    SyntaxError::request(format!("The sql query is not supported: {what}."))
}

/// A table of the statement.
struct Source {
    table: String,
    /// The name that columns have before them.
    alias: String,
    /// How it is joined; none for the first.
    join: Option<Joined>,
}

struct Joined {
    parent: usize,
    from: String,
    to: String,
    outer: bool,
    filter: Option<Filter>,
}

/// A column with the table that it belongs to.
type At = (usize, String);

struct Reading {
    sources: Vec<Source>,
    attributes: Vec<(usize, Attribute)>,
    aggregate: bool,
    where_: Option<Filter>,
    orders: Vec<Order>,
}

impl Reading {
    fn from(select: &Select) -> Result<Reading, SyntaxError> {
        if select.having.is_some() || select.into.is_some() || select.qualify.is_some() {
            return Err(unsupported("HAVING and INTO"));
        }
        let [from] = select.from.as_slice() else {
            return Err(unsupported("anything but one table behind FROM; use JOIN"));
        };
        let (table, alias) = table(&from.relation)?;
        let mut reading = Reading {
            sources: vec![Source {
                table,
                alias,
                join: None,
            }],
            attributes: Vec::new(),
            aggregate: false,
            where_: None,
            orders: Vec::new(),
        };
        for join in &from.joins {
            reading.join(join)?;
        }
        Ok(reading)
    }

    fn join(&mut self, join: &Join) -> Result<(), SyntaxError> {
        let (on, outer) = match &join.join_operator {
            JoinOperator::Join(JoinConstraint::On(on))
            | JoinOperator::Inner(JoinConstraint::On(on)) => (on, false),
            JoinOperator::Left(JoinConstraint::On(on))
            | JoinOperator::LeftOuter(JoinConstraint::On(on)) => (on, true),
            _ => {
                return Err(unsupported(
                    "a join that is neither INNER JOIN … ON nor LEFT JOIN … ON",
                ));
            }
        };
        let (table, alias) = table(&join.relation)?;
        if self.sources.iter().any(|source| source.alias == alias) {
            return Err(SyntaxError::request(format!(
                "The table or alias '{alias}' is there twice."
            )));
        }
        let new = self.sources.len();
        self.sources.push(Source {
            table,
            alias,
            join: None,
        });
        let mut ends = None;
        let mut others = Vec::new();
        for term in chain(on, &BinaryOperator::And) {
            if ends.is_none()
                && let Expr::BinaryOp {
                    left,
                    op: BinaryOperator::Eq,
                    right,
                } = bare(term)
                && let (Ok(left), Ok(right)) = (self.column(left), self.column(right))
                && (left.0 == new) != (right.0 == new)
            {
                ends = Some(if left.0 == new {
                    (left, right)
                } else {
                    (right, left)
                });
            } else {
                others.push(self.filter(term)?);
            }
        }
        let Some(((_, from), (parent, to))) = ends else {
            return Err(unsupported(
                "a join without equality of a column with one of a table before it",
            ));
        };
        // A link's own conditions name no other link.
        let own = self.sources.get(new).map(|source| source.alias.clone());
        for other in &mut others {
            localize(other, own.as_deref())?;
        }
        let joined = Joined {
            parent,
            from,
            to,
            outer,
            filter: (!others.is_empty()).then(|| Filter {
                filters: others,
                ..Filter::default()
            }),
        };
        if let Some(source) = self.sources.get_mut(new) {
            source.join = Some(joined);
        }
        Ok(())
    }

    /// The table and the name of a column, which has its table before it or belongs to the first.
    fn column(&self, expression: &Expr) -> Result<At, SyntaxError> {
        match bare(expression) {
            Expr::Identifier(name) => Ok((0, lower(name))),
            Expr::CompoundIdentifier(names) => {
                let [table, name] = names.as_slice() else {
                    return Err(unsupported("a column with more than its table before it"));
                };
                let alias = lower(table);
                let place = self.sources.iter().position(|source| source.alias == alias);
                let place = place.ok_or_else(|| {
                    SyntaxError::request(format!("The table or alias '{alias}' is unknown."))
                })?;
                Ok((place, lower(name)))
            }
            _ => Err(unsupported("an expression in the place of a column")),
        }
    }

    /// How a condition names the table of a column.
    fn entity_name(&self, source: usize) -> Option<String> {
        let joined = self.sources.get(source).filter(|_| source > 0)?;
        Some(joined.alias.clone())
    }

    fn columns(&mut self, select: &Select) -> Result<(), SyntaxError> {
        let GroupByExpr::Expressions(groups, modifiers) = &select.group_by else {
            return Err(unsupported("GROUP BY ALL"));
        };
        if !modifiers.is_empty() {
            return Err(unsupported("GROUP BY with more than columns"));
        }
        let groups = groups
            .iter()
            .map(|group| self.column(group))
            .collect::<Result<Vec<At>, SyntaxError>>()?;
        let mut names: Vec<String> = Vec::new();
        for item in &select.projection {
            let (expression, alias) = match item {
                SelectItem::UnnamedExpr(expression) => (expression, None),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.value.clone())),
                _ => return Err(unsupported("SELECT *; name the columns")),
            };
            let (source, mut attribute) = match expression {
                Expr::Function(_) => self.function(expression)?,
                _ => {
                    let (source, name) = self.column(expression)?;
                    let attribute = Attribute {
                        group_by: groups.contains(&(source, name.clone())),
                        name,
                        ..Attribute::default()
                    };
                    (source, attribute)
                }
            };
            let name = alias.clone().unwrap_or_else(|| match attribute.aggregate {
                Some(aggregate) => function_name(aggregate).to_owned(),
                None => attribute.name.clone(),
            });
            if names.contains(&name) {
                return Err(SyntaxError::request(format!(
                    "The column '{name}' is selected twice; give one of them an alias."
                )));
            }
            self.aggregate |= attribute.aggregate.is_some();
            if alias.is_some() || source > 0 || attribute.aggregate.is_some() {
                attribute.alias = Some(name.clone());
            }
            names.push(name);
            self.attributes.push((source, attribute));
        }
        self.aggregate |= !groups.is_empty();
        if !self.aggregate {
            return Ok(());
        }
        for (_, attribute) in &mut self.attributes {
            if attribute.aggregate.is_none() && !attribute.group_by {
                return Err(SyntaxError::request(format!(
                    "The column '{}' is neither in an aggregate function nor in GROUP BY.",
                    attribute.name
                )));
            }
            attribute
                .alias
                .get_or_insert_with(|| attribute.name.clone());
        }
        let selected = |(source, name): &At| {
            let mut attributes = self.attributes.iter();
            attributes.any(|(of, attribute)| of == source && attribute.name == *name)
        };
        if !groups.iter().all(selected) {
            return Err(unsupported("GROUP BY a column that is not selected"));
        }
        Ok(())
    }

    fn function(&self, expression: &Expr) -> Result<(usize, Attribute), SyntaxError> {
        let other = || unsupported("functions other than COUNT, SUM, AVG, MIN and MAX");
        let Expr::Function(function) = expression else {
            return Err(other());
        };
        let FunctionArguments::List(arguments) = &function.args else {
            return Err(other());
        };
        let plain = function.over.is_none()
            && function.filter.is_none()
            && function.within_group.is_empty()
            && arguments.clauses.is_empty();
        let [FunctionArg::Unnamed(argument)] = arguments.args.as_slice() else {
            return Err(other());
        };
        let distinct = arguments.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        let name = single(&function.name)?;
        let aggregate = match (name.as_str(), argument) {
            ("count", FunctionArgExpr::Wildcard) if plain && !distinct => {
                let attribute = Attribute {
                    name: ANY_COLUMN.to_owned(),
                    aggregate: Some(Aggregate::Count),
                    ..Attribute::default()
                };
                return Ok((0, attribute));
            }
            ("count", _) => Aggregate::CountColumn,
            ("sum", _) => Aggregate::Sum,
            ("avg", _) => Aggregate::Average,
            ("min", _) => Aggregate::Min,
            ("max", _) => Aggregate::Max,
            _ => return Err(other()),
        };
        let FunctionArgExpr::Expr(argument) = argument else {
            return Err(other());
        };
        if !plain || distinct && aggregate != Aggregate::CountColumn {
            return Err(other());
        }
        let (source, name) = self.column(argument)?;
        let attribute = Attribute {
            name,
            aggregate: Some(aggregate),
            distinct,
            ..Attribute::default()
        };
        Ok((source, attribute))
    }

    /// A condition as a filter.
    fn filter(&self, expression: &Expr) -> Result<Filter, SyntaxError> {
        let expression = bare(expression);
        for (operator, any) in [(BinaryOperator::And, false), (BinaryOperator::Or, true)] {
            let terms = chain(expression, &operator);
            if terms.len() > 1 {
                let mut filter = Filter {
                    any,
                    ..Filter::default()
                };
                for term in terms {
                    filter.filters.push(self.filter(term)?);
                }
                return Ok(filter);
            }
        }
        Ok(Filter {
            conditions: vec![self.condition(expression)?],
            ..Filter::default()
        })
    }

    fn condition(&self, expression: &Expr) -> Result<Condition, SyntaxError> {
        let tested = |column: &Expr, test: Test, values: Vec<String>| {
            let (source, attribute) = self.column(column)?;
            Ok(Condition {
                attribute,
                test,
                operator: String::new(),
                values,
                value_of: None,
                entity_name: self.entity_name(source),
            })
        };
        match expression {
            Expr::IsNull(column) => tested(column, Test::Null, Vec::new()),
            Expr::IsNotNull(column) => tested(column, Test::NotNull, Vec::new()),
            Expr::In {
                expr,
                target: InTarget::List(list),
                negated,
                global: false,
            } => {
                let values = list.iter().map(literal).collect::<Result<_, _>>()?;
                let test = if *negated { Test::NotIn } else { Test::In };
                tested(expr, test, values)
            }
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let test = match negated {
                    true => Test::NotBetween,
                    false => Test::Between,
                };
                tested(expr, test, vec![literal(low)?, literal(high)?])
            }
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => {
                let test = match negated {
                    true => Test::NotLike(Place::Whole),
                    false => Test::Like(Place::Whole),
                };
                tested(expr, test, vec![literal(pattern)?])
            }
            Expr::BinaryOp { left, op, right } => {
                let operator = comparison(op)?;
                match (literal(left), literal(right)) {
                    (Err(_), Ok(value)) => tested(left, Test::Compare(operator), vec![value]),
                    (Ok(value), Err(_)) => {
                        tested(right, Test::Compare(operator.mirrored()), vec![value])
                    }
                    (Ok(_), Ok(_)) => Err(unsupported("a comparison of two literals")),
                    (Err(_), Err(_)) => {
                        let mut condition = tested(left, Test::Compare(operator), Vec::new())?;
                        let (source, other) = self.column(right)?;
                        // The base table goes by its name, whatever its alias.
                        let of = self.entity_name(source).or_else(|| {
                            let base = self.sources.first()?;
                            Some(base.table.clone())
                        });
                        condition.value_of = Some(format!("{}.{other}", of.unwrap_or_default()));
                        Ok(condition)
                    }
                }
            }
            _ => Err(unsupported(
                "a condition other than a comparison, LIKE, IN, IS NULL, BETWEEN, AND, OR",
            )),
        }
    }

    fn order(&self, item: &OrderByExpr) -> Result<Order, SyntaxError> {
        let descending = match &item.options.sort {
            None | Some(OrderBySort::Asc) => false,
            Some(OrderBySort::Desc) => true,
            Some(OrderBySort::Using(_)) => return Err(unsupported("ORDER BY … USING")),
        };
        if item.options.nulls_first.is_some() {
            return Err(unsupported("ORDER BY … NULLS"));
        }
        let by_alias = |alias: String| Order {
            alias: Some(alias),
            descending,
            ..Order::default()
        };
        if let Expr::Identifier(name) = &item.expr {
            let mut attributes = self.attributes.iter();
            let aliased = attributes.find_map(|(_, attribute)| {
                let alias = attribute.alias.as_ref()?;
                alias.eq_ignore_ascii_case(&name.value).then_some(alias)
            });
            if let Some(alias) = aliased {
                return Ok(by_alias(alias.clone()));
            }
        }
        let (source, wanted) = match &item.expr {
            Expr::Function(_) => self.function(&item.expr)?,
            column => {
                let (source, name) = self.column(column)?;
                let attribute = Attribute {
                    name,
                    ..Attribute::default()
                };
                (source, attribute)
            }
        };
        if !self.aggregate {
            return Ok(Order {
                attribute: Some(wanted.name),
                alias: None,
                descending,
                entity_name: self.entity_name(source),
            });
        }
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(of, known)| {
            *of == source
                && known.name == wanted.name
                && known.aggregate == wanted.aggregate
                && known.distinct == wanted.distinct
        });
        let alias = found.and_then(|(_, attribute)| attribute.alias.clone());
        alias
            .map(by_alias)
            .ok_or_else(|| unsupported("ORDER BY something that is not selected, with GROUP BY"))
    }

    fn finish(self, top: Option<u32>, distinct: bool) -> Fetch {
        let mut entities: Vec<Entity> = self
            .sources
            .iter()
            .map(|source| Entity {
                name: source.table.clone(),
                ..Entity::default()
            })
            .collect();
        for (source, attribute) in self.attributes {
            if let Some(entity) = entities.get_mut(source) {
                entity.attributes.push(attribute);
            }
        }
        // A table is joined to one before it: from the last to the first each finds all that hangs on it.
        for source in self.sources.into_iter().skip(1).rev() {
            let Some(mut entity) = entities.pop() else {
                break;
            };
            let Some(join) = source.join else { continue };
            entity.filters.extend(join.filter);
            let link = Link {
                kind: match join.outer {
                    true => LinkKind::Outer,
                    false => LinkKind::Inner,
                },
                from: Some(join.from),
                to: Some(join.to),
                alias: Some(source.alias),
                entity,
            };
            if let Some(parent) = entities.get_mut(join.parent) {
                parent.links.insert(0, link);
            }
        }
        let mut entity = entities.pop().unwrap_or_default();
        entity.filters.extend(self.where_);
        entity.orders = self.orders;
        Fetch {
            top,
            distinct,
            aggregate: self.aggregate,
            raw_order: true,
            entity,
            ..Fetch::default()
        }
    }
}

/// Takes the alias from conditions that speak of the link that they stand in.
fn localize(filter: &mut Filter, own: Option<&str>) -> Result<(), SyntaxError> {
    for condition in &mut filter.conditions {
        if condition.entity_name.take().as_deref() != own && own.is_some() {
            return Err(unsupported("a condition on another table behind ON"));
        }
    }
    for inner in &mut filter.filters {
        localize(inner, own)?;
    }
    Ok(())
}

/// The terms that are chained by an operator. The parser nests a chain to the left as deep as it is long.
fn chain<'e>(expression: &'e Expr, operator: &BinaryOperator) -> Vec<&'e Expr> {
    let mut terms = Vec::new();
    let mut rest = bare(expression);
    while let Expr::BinaryOp { left, op, right } = rest
        && op == operator
    {
        terms.push(right.as_ref());
        rest = bare(left);
    }
    terms.push(rest);
    terms.reverse();
    terms
}

/// Without parentheses.
fn bare(mut expression: &Expr) -> &Expr {
    while let Expr::Nested(inner) = expression {
        expression = inner;
    }
    expression
}

/// Logical names are lower case.
fn lower(name: &Ident) -> String {
    name.value.to_lowercase()
}

fn single(name: &ObjectName) -> Result<String, SyntaxError> {
    let [part] = name.0.as_slice() else {
        return Err(unsupported("a name with something before it"));
    };
    let part = part.as_ident().map(lower);
    part.ok_or_else(|| unsupported("a name that is computed"))
}

/// A table's logical name and the name that its columns have before them.
fn table(factor: &TableFactor) -> Result<(String, String), SyntaxError> {
    let TableFactor::Table {
        name,
        alias,
        args: None,
        ..
    } = factor
    else {
        return Err(unsupported(
            "a subquery or function in the place of a table",
        ));
    };
    let name = single(name)?;
    let alias = alias.as_ref().map(|alias| lower(&alias.name));
    Ok((name.clone(), alias.unwrap_or(name)))
}

fn top(select: &Select) -> Result<Option<u32>, SyntaxError> {
    let Some(top) = &select.top else {
        return Ok(None);
    };
    if top.percent || top.with_ties {
        return Err(unsupported("TOP with PERCENT or TIES"));
    }
    match &top.quantity {
        Some(TopQuantity::Constant(number)) => u32::try_from(*number)
            .map(Some)
            .map_err(|_| unsupported("a TOP that large")),
        Some(TopQuantity::Expr(expression)) => whole(expression).map(Some),
        None => Err(unsupported("a TOP without a number")),
    }
}

/// A whole number that is not negative.
fn whole(expression: &Expr) -> Result<u32, SyntaxError> {
    literal(expression)?
        .parse()
        .map_err(|_| unsupported("a number of rows that is no whole number"))
}

/// A literal as text.
fn literal(expression: &Expr) -> Result<String, SyntaxError> {
    let other = || unsupported("an expression in the place of a value");
    match bare(expression) {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => Ok(number.clone()),
            Value::SingleQuotedString(text) | Value::NationalStringLiteral(text) => {
                Ok(text.clone())
            }
            Value::Boolean(truth) => Ok(truth.to_string()),
            _ => Err(other()),
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match bare(expr) {
            Expr::Value(value) => match &value.value {
                Value::Number(number, _) => Ok(format!("-{number}")),
                _ => Err(other()),
            },
            _ => Err(other()),
        },
        _ => Err(other()),
    }
}

fn comparison(operator: &BinaryOperator) -> Result<Operator, SyntaxError> {
    Ok(match operator {
        BinaryOperator::Eq => Operator::Equal,
        BinaryOperator::NotEq => Operator::NotEqual,
        BinaryOperator::Gt => Operator::GreaterThan,
        BinaryOperator::GtEq => Operator::GreaterThanOrEqual,
        BinaryOperator::Lt => Operator::LessThan,
        BinaryOperator::LtEq => Operator::LessThanOrEqual,
        _ => return Err(unsupported("calculations")),
    })
}

fn function_name(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Average => "avg",
        Aggregate::Count | Aggregate::CountColumn => "count",
        Aggregate::Max => "max",
        Aggregate::Min => "min",
        Aggregate::Sum => "sum",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch;

    /// The same query in FetchXML, which has the same reader's types.
    fn same(sql: &str, xml: &str) {
        let mut expected = fetch::read(xml).unwrap();
        expected.raw_order = true;
        fn plain(filters: &mut [Filter]) {
            for filter in filters {
                for condition in &mut filter.conditions {
                    condition.operator = String::new();
                }
                plain(&mut filter.filters);
            }
        }
        plain(&mut expected.entity.filters);
        for link in &mut expected.entity.links {
            plain(&mut link.entity.filters);
        }
        assert_eq!(read(sql).unwrap().fetch, expected, "{sql}");
    }

    #[test]
    fn a_statement_means_what_fetchxml_means() {
        same(
            "SELECT TOP 2 LastName FROM Contact c WHERE c.lastname LIKE 'O''%' AND statecode <> -1 ORDER BY lastname DESC, createdon",
            "<fetch top='2'><entity name='contact'><attribute name='lastname'/>\
             <order attribute='lastname' descending='true'/><order attribute='createdon'/><filter>\
             <filter><condition attribute='lastname' operator='like' value=\"O'%\"/></filter>\
             <filter><condition attribute='statecode' operator='ne' value='-1'/></filter></filter></entity></fetch>",
        );
        same(
            "SELECT a.name, COUNT(c.contactid) AS cnt FROM account a LEFT JOIN contact c ON a.accountid = c.parentcustomerid AND c.statecode = 0 GROUP BY a.name ORDER BY cnt",
            "<fetch aggregate='true'><entity name='account'><attribute name='name' groupby='true' alias='name'/>\
             <order alias='cnt'/>\
             <link-entity name='contact' from='parentcustomerid' to='accountid' link-type='outer' alias='c'>\
             <attribute name='contactid' aggregate='countcolumn' alias='cnt'/><filter>\
             <filter><condition attribute='statecode' operator='eq' value='0'/></filter></filter></link-entity></entity></fetch>",
        );
    }

    #[test]
    fn rows_are_left_out() {
        let read =
            read("SELECT name FROM account ORDER BY name OFFSET 20 ROWS FETCH NEXT 10 ROWS ONLY")
                .unwrap();
        assert_eq!((read.offset, read.fetch.top), (20, Some(10)));
    }

    #[test]
    fn what_is_not_documented_is_refused() {
        for sql in [
            "",
            "SELECT * FROM account",
            "SELECT a.* FROM account a",
            "SELECT name FROM account; SELECT name FROM account",
            "DELETE FROM account",
            "UPDATE account SET name = 'x'",
            "DROP TABLE account",
            "WITH x AS (SELECT name FROM account) SELECT name FROM x",
            "SELECT name FROM account UNION SELECT fullname FROM contact",
            "SELECT name FROM account, contact",
            "SELECT a.name FROM account a CROSS JOIN contact c",
            "SELECT a.name FROM account a RIGHT JOIN contact c ON a.accountid = c.parentcustomerid",
            "SELECT a.name FROM account a JOIN contact c ON 1 = 1",
            "SELECT name FROM account WHERE accountid IN (SELECT parentcustomerid FROM contact)",
            "SELECT name FROM account WHERE EXISTS (SELECT 1 FROM contact)",
            "SELECT name FROM account GROUP BY name HAVING COUNT(*) > 1",
            "SELECT UPPER(name) FROM account",
            "SELECT CASE WHEN name = 'a' THEN 1 END FROM account",
            "SELECT name FROM account WHERE revenue + 1 = 2",
            "SELECT name FROM account WHERE NOT (name = 'a')",
            "SELECT TOP 5001 name FROM account",
            "SELECT TOP 5 PERCENT name FROM account",
            "SELECT name, COUNT(*) AS n FROM account",
            "SELECT name, name FROM account",
            "SELECT b.name FROM account a",
            "SELECT name FROM sqlite_master.account",
            "SELECT name FROM (SELECT name FROM account) x",
            "SELECT name FROM account WHERE name LIKE 'a' ESCAPE 'b'",
        ] {
            assert_eq!(read(sql).unwrap_err().code, "0x80060888", "{sql}");
        }
        let deep = format!(
            "SELECT a FROM b WHERE {}c = 1{}",
            "(".repeat(500),
            ")".repeat(500)
        );
        read(&deep).unwrap_err();
        let long = format!("SELECT a FROM b WHERE c = 1{}", " OR c = 1".repeat(20_000));
        read(&long).unwrap_err();
        let longest = format!("SELECT a FROM b WHERE c = 1{}", " OR c = 1".repeat(990));
        read(&longest).unwrap();
    }
}
