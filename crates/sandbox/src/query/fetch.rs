//! What FetchXML means on these tables (protocol page `fetchxml.md`).

use sandbox_syntax::fetch::{
    self, Aggregate, Attribute, DateGrouping, Entity, Fetch, Link, LinkKind, Order, PagingCookie,
};
use sandbox_syntax::filter::Operator;
use sandbox_syntax::operator::Test;

use super::condition::Condition;
use super::test::{self, argument, class};
use super::{Asker, At, Join, Query, Source, Term, name_of, ranks};
use crate::errors::ApiError;
use crate::metadata::{Column, Kind, Table, catalog};
use crate::value::Value;

/// A compiled query and what its answer looks like.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) query: Query,
    pub(crate) outputs: Vec<Output>,
    /// Every row is one of the base table: it has its key and its version.
    pub(crate) has_key: bool,
    /// What a paging cookie holds; `None` where there is none.
    pub(crate) cookie: Option<Vec<CookieColumn>>,
}

/// A member of the answer's rows.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) key: String,
    pub(crate) at: At,
    pub(crate) kind: OutputKind,
    /// Was the key chosen by the client?
    pub(crate) aliased: bool,
    /// Does the column belong to the base table?
    pub(crate) of_base: bool,
}

/// What a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputKind {
    Value,
    Aggregate(Aggregate, bool),
    DateGroup(DateGrouping),
    Children,
}

/// A column in a paging cookie, in the order of the rows.
#[derive(Debug, Clone)]
pub(crate) struct CookieColumn {
    pub(crate) name: String,
    /// The value that the cookie keeps.
    pub(crate) sql: String,
    at: At,
    term: Term,
    descending: bool,
}

impl Output {
    /// The SQL of its value; look-ups have the table and the name behind it.
    pub(crate) fn columns(&self) -> Vec<String> {
        let value = self.value();
        let is_lookup = self.kind == OutputKind::Value && self.at.column.kind == Kind::Lookup;
        if !is_lookup {
            return vec![value];
        }
        let column = self.at.column;
        let of = if column.is_polymorphic() {
            format!("{}.{}", self.at.source(), column.type_name())
        } else {
            "NULL".to_owned()
        };
        vec![value, of, name_of(column, &self.at.source())]
    }

    fn value(&self) -> String {
        let column = self.at.sql();
        match self.kind {
            OutputKind::Value => column,
            OutputKind::Aggregate(aggregate, distinct) => {
                let of = |function: &str| format!("{function}({column})");
                match aggregate {
                    Aggregate::Count => "COUNT(*)".to_owned(),
                    Aggregate::CountColumn if distinct => format!("COUNT(DISTINCT {column})"),
                    Aggregate::CountColumn => of("COUNT"),
                    // The mean of whole numbers is a whole number.
                    Aggregate::Average
                        if matches!(self.at.column.kind, Kind::Integer | Kind::BigInt) =>
                    {
                        format!("CAST({} AS INTEGER)", of("AVG"))
                    }
                    Aggregate::Average => of("AVG"),
                    Aggregate::Max => of("MAX"),
                    Aggregate::Min => of("MIN"),
                    Aggregate::Sum => of("SUM"),
                }
            }
            OutputKind::DateGroup(grouping) => {
                let part =
                    |format: &str| format!("CAST(strftime('{format}', {column}) AS INTEGER)");
                let quarter = format!("({} + 2) / 3", part("%m"));
                match grouping {
                    DateGrouping::Day => part("%d"),
                    DateGrouping::Week => format!(
                        "({} - 1 + CAST(strftime('%w', {column}, 'start of year') AS INTEGER)) / 7 + 1",
                        part("%j")
                    ),
                    DateGrouping::Month => part("%m"),
                    DateGrouping::Quarter => quarter,
                    DateGrouping::Year | DateGrouping::FiscalYear => part("%Y"),
                    // Year and period in one number; the answer takes them apart.
                    DateGrouping::FiscalPeriod => format!("{} * 10 + {quarter}", part("%Y")),
                }
            }
            OutputKind::Children => {
                let alias = self.at.source();
                match test::hierarchy_of(self.at) {
                    Some((table, id, parent)) => {
                        format!("(SELECT COUNT(*) FROM {table} c WHERE c.{parent} = {alias}.{id})")
                    }
                    None => "0".to_owned(),
                }
            }
        }
    }
}

impl Compiled {
    /// What is selected: the version where rows have a key, the outputs, what the cookie keeps.
    pub(crate) fn columns(&self) -> String {
        let mut parts = Vec::new();
        if self.has_key {
            parts.push("t0.versionnumber".to_owned());
        }
        for output in &self.outputs {
            parts.extend(output.columns());
        }
        for column in self.cookie.iter().flatten() {
            parts.push(column.sql.clone());
        }
        parts.join(", ")
    }

    /// Begins behind the last row of the page that a cookie comes from.
    ///
    /// # Errors
    /// 400 `0x80041129` where its columns are not those of this query.
    pub(crate) fn continue_after(&mut self, cookie: &PagingCookie) -> Result<bool, ApiError> {
        let mismatch = || {
            ApiError::new(
                400,
                "0x80041129",
                "Order by columns do not match those in paging cookie.",
            )
        };
        let Some(columns) = &self.cookie else {
            return Ok(false);
        };
        if columns.len() != cookie.last.len()
            || columns
                .iter()
                .zip(&cookie.last)
                .any(|(column, (name, _))| column.name != *name)
        {
            return Err(mismatch());
        }
        let mut same: Vec<Condition> = Vec::new();
        let mut after: Vec<Condition> = Vec::new();
        for (column, (_, last)) in columns.iter().zip(&cookie.last) {
            let is_null = || Condition::TermIsNull(column.term.clone());
            let compare = |operator, value: &Value| {
                Condition::CompareTerm(column.term.clone(), operator, value.clone())
            };
            let value = last
                .as_deref()
                .map(|text| column.sort_value(text).ok_or_else(mismatch))
                .transpose()?;
            // Nulls come first.
            let behind = match (&value, column.descending) {
                (Some(value), false) => Some(compare(Operator::GreaterThan, value)),
                (Some(value), true) => Some(Condition::Any(vec![
                    compare(Operator::LessThan, value),
                    is_null(),
                ])),
                (None, false) => Some(Condition::not(is_null())),
                (None, true) => None,
            };
            if let Some(behind) = behind {
                let mut all = same.clone();
                all.push(behind);
                after.push(Condition::All(all));
            }
            same.push(match &value {
                Some(value) => compare(Operator::Equal, value),
                None => is_null(),
            });
        }
        self.query.conditions.push(Condition::Any(after));
        Ok(true)
    }
}

impl CookieColumn {
    /// Does it keep a GUID? Those are written in braces and capitals.
    pub(crate) fn is_id(&self) -> bool {
        matches!(self.at.column.kind, Kind::Guid | Kind::Lookup)
            && !matches!(self.term, Term::Name(_))
    }

    /// What the order compares, from the text that the cookie kept.
    fn sort_value(&self, text: &str) -> Option<Value> {
        match &self.term {
            Term::Name(_) => Some(Value::from(text)),
            Term::Label(_) => {
                let value: i64 = text.parse().ok()?;
                let rank = ranks(self.at.column)
                    .into_iter()
                    .find(|(known, _)| *known == value)?
                    .1;
                i64::try_from(rank).ok().map(Value::Integer)
            }
            Term::Column(_) | Term::Expression(_) => {
                test::value_from_text(self.at.column, text).ok()
            }
        }
    }
}

/// Compiles a query. Privileges are for the caller to check.
///
/// # Errors
/// 400 with the codes of protocol page `fetchxml.md`, section "Errors".
pub(crate) fn compile(fetch: &Fetch, asker: &Asker) -> Result<Compiled, ApiError> {
    let base = table_named(&fetch.entity.name)?;
    let mut compiler = Compiler {
        query: Query::new(base),
        links: Vec::new(),
        outputs: Vec::new(),
        names: Vec::new(),
        ordinal: 0,
        fetch,
        asker,
    };
    compiler.join_all(0, &fetch.entity, true)?;
    compiler.outputs(0, None, &fetch.entity)?;
    compiler.conditions(0, &fetch.entity)?;
    compiler.finish()
}

struct Compiler<'f> {
    query: Query,
    /// Links whose columns can be named: alias, source, the link, and whether every row of it is wanted.
    links: Vec<(String, usize, &'f Link)>,
    outputs: Vec<Output>,
    /// Aliases that are taken.
    names: Vec<String>,
    ordinal: usize,
    fetch: &'f Fetch,
    asker: &'f Asker,
}

impl<'f> Compiler<'f> {
    fn table(&self, source: usize) -> Result<&'static Table, ApiError> {
        self.query
            .sources
            .get(source)
            .map(|source| source.table)
            .ok_or_else(|| argument("A link is not valid."))
    }

    fn at(&self, source: usize, name: &str) -> Result<At, ApiError> {
        let table = self.table(source)?;
        Ok(At {
            source,
            column: column_named(table, name)?,
        })
    }

    fn take_name(&mut self, name: &str) -> Result<(), ApiError> {
        if self.names.iter().any(|taken| taken == name) {
            return Err(ApiError::new(
                400,
                "0x80041130",
                format!("FetchXML should have unique aliases. Redefined alias: {name}."),
            ));
        }
        self.names.push(name.to_owned());
        Ok(())
    }

    /// The columns by which a link belongs to its parent.
    fn ends(
        &self,
        parent: usize,
        link: &Link,
    ) -> Result<(&'static Table, &'static Column, At), ApiError> {
        let table = table_named(&link.entity.name)?;
        let (Some(from), Some(to)) = (&link.from, &link.to) else {
            return Err(argument(format!(
                "The link-entity '{}' needs the attributes 'from' and 'to'.",
                link.entity.name
            )));
        };
        let from = column_named(table, from)?;
        let to = self.at(parent, to)?;
        if class(from.kind) != class(to.column.kind) {
            return Err(argument(format!(
                "The attributes '{}' and '{}' of a link are of different types.",
                from.name, to.column.name
            )));
        }
        Ok((table, from, to))
    }

    /// Adds the sources of all links that are joined, with their own conditions.
    fn join_all(
        &mut self,
        parent: usize,
        entity: &'f Entity,
        always: bool,
    ) -> Result<(), ApiError> {
        for link in &entity.links {
            self.ordinal += 1;
            let alias = match &link.alias {
                Some(alias) => alias.clone(),
                None => format!("{}{}", link.entity.name, self.ordinal),
            };
            self.take_name(&alias)?;
            let (table, from, to) = self.ends(parent, link)?;
            if matches!(link.kind, LinkKind::Exists | LinkKind::In) {
                let exists = self.exists(table, from, to, &link.entity)?;
                self.restrict(parent, always, exists);
                continue;
            }
            let root = self
                .query
                .sources
                .get(parent)
                .map_or(0, |source| source.root);
            let source = self.query.sources.len();
            let join = Join {
                parent,
                to: to.column,
                from,
                optional: link.kind == LinkKind::Outer,
                on: None,
                first_of: None,
            };
            self.query
                .sources
                .push(Source::new(table, Some(join.clone()), root));
            self.links.push((alias, source, link));
            let always = always && link.kind != LinkKind::Outer;
            self.join_all(source, &link.entity, always)?;
            let with_conditions = if link.kind == LinkKind::FirstRow {
                let first = self.query.sources.len();
                self.query
                    .sources
                    .push(Source::new(table, Some(join), first));
                if let Some(Source {
                    join: Some(join), ..
                }) = self.query.sources.get_mut(source)
                {
                    join.first_of = Some(first);
                }
                first
            } else {
                source
            };
            let conditions = self.filters(with_conditions, &link.entity.filters, true)?;
            if !conditions.is_empty() {
                self.restrict(with_conditions, false, Condition::All(conditions));
            }
        }
        Ok(())
    }

    /// Adds a condition: to all rows, or to the join of a source.
    fn restrict(&mut self, source: usize, always: bool, condition: Condition) {
        match self.query.sources.get_mut(source) {
            Some(Source {
                join: Some(join), ..
            }) if !always => {
                join.on = Some(match join.on.take() {
                    None => condition,
                    Some(on) => Condition::All(vec![on, condition]),
                });
            }
            _ => self.query.conditions.push(condition),
        }
    }

    /// Related rows that meet what stands in a link exist.
    fn exists(
        &mut self,
        table: &'static Table,
        from: &'static Column,
        to: At,
        entity: &'f Entity,
    ) -> Result<Condition, ApiError> {
        if !entity.attributes.is_empty() || entity.all_attributes {
            return Err(argument(format!(
                "The link-entity '{}' is only tested for rows; its attributes cannot be returned.",
                entity.name
            )));
        }
        let source = self.query.sources.len();
        self.query.sources.push(Source::new(table, None, source));
        self.join_all(source, entity, false)?;
        let conditions = self.filters(source, &entity.filters, true)?;
        Ok(Condition::Exists {
            source,
            from,
            to,
            condition: (!conditions.is_empty()).then(|| Box::new(Condition::All(conditions))),
        })
    }

    fn conditions(&mut self, source: usize, entity: &'f Entity) -> Result<(), ApiError> {
        let conditions = self.filters(source, &entity.filters, false)?;
        self.query.conditions.extend(conditions);
        Ok(())
    }

    fn filters(
        &mut self,
        source: usize,
        filters: &'f [fetch::Filter],
        within_link: bool,
    ) -> Result<Vec<Condition>, ApiError> {
        let filters = filters
            .iter()
            .filter(|filter| !is_empty(filter))
            .map(|filter| self.filter(source, filter, within_link));
        filters.collect()
    }

    fn filter(
        &mut self,
        source: usize,
        filter: &'f fetch::Filter,
        within_link: bool,
    ) -> Result<Condition, ApiError> {
        let mut terms = Vec::new();
        for condition in &filter.conditions {
            terms.push(self.condition(source, condition, within_link)?);
        }
        terms.extend(self.filters(source, &filter.filters, within_link)?);
        for link in &filter.links {
            self.ordinal += 1;
            let (table, from, to) = self.ends(source, link)?;
            let meeting = self.exists(table, from, to, &link.entity)?;
            terms.push(match link.kind {
                LinkKind::NotAny => Condition::not(meeting),
                LinkKind::All => {
                    let source = self.query.sources.len();
                    self.query.sources.push(Source::new(table, None, source));
                    let any = Condition::Exists {
                        source,
                        from,
                        to,
                        condition: None,
                    };
                    Condition::All(vec![any, Condition::not(meeting)])
                }
                LinkKind::Any
                | LinkKind::NotAll
                | LinkKind::Inner
                | LinkKind::Outer
                | LinkKind::Exists
                | LinkKind::In
                | LinkKind::FirstRow => meeting,
            });
        }
        Ok(if filter.any {
            Condition::Any(terms)
        } else {
            Condition::All(terms)
        })
    }

    fn condition(
        &self,
        source: usize,
        condition: &fetch::Condition,
        within_link: bool,
    ) -> Result<Condition, ApiError> {
        let source = match &condition.entity_name {
            None => source,
            Some(_) if within_link => {
                return Err(argument(
                    "A condition within a link-entity cannot name another link by entityname.",
                ));
            }
            Some(alias) => self.source_named(alias)?,
        };
        let at = self.at(source, &condition.attribute)?;
        let Some(other) = &condition.value_of else {
            return test::condition(
                self.table(source)?,
                at,
                condition.test,
                &condition.values,
                self.asker,
            );
        };
        let Test::Compare(operator) = condition.test else {
            return Err(argument(
                "valueof takes the operators eq, ne, gt, ge, lt and le.",
            ));
        };
        let other = match other.split_once('.') {
            Some((alias, name)) => self.at(self.source_named(alias)?, name)?,
            None => self.at(source, other)?,
        };
        if class(at.column.kind) != class(other.column.kind) {
            return Err(argument(format!(
                "The attributes '{}' and '{}' cannot be compared: they are of different types.",
                at.column.name, other.column.name
            )));
        }
        Ok(Condition::CompareColumns(at, operator, other))
    }

    /// The link with an alias, or else of a table.
    fn source_named(&self, name: &str) -> Result<usize, ApiError> {
        let by_alias = self.links.iter().find(|(alias, _, _)| alias == name);
        let found = by_alias.or_else(|| {
            self.links
                .iter()
                .find(|(_, _, link)| link.alias.is_none() && link.entity.name == name)
        });
        if let Some((_, source, _)) = found {
            return Ok(*source);
        }
        if name == self.fetch.entity.name {
            return Ok(0);
        }
        Err(argument(format!(
            "LinkEntity with name or alias {name} is not found."
        )))
    }

    fn outputs(
        &mut self,
        source: usize,
        alias: Option<&str>,
        entity: &'f Entity,
    ) -> Result<(), ApiError> {
        let table = self.table(source)?;
        if self.fetch.aggregate && entity.all_attributes {
            return Err(argument(
                "all-attributes cannot be used in an aggregate query.",
            ));
        }
        if entity.all_attributes {
            for column in &table.columns {
                self.add_output(At { source, column }, alias, &Attribute::default())?;
            }
        }
        for attribute in &entity.attributes {
            let at = self.at(source, &attribute.name)?;
            if let Some(alias) = &attribute.alias {
                self.take_name(alias)?;
            }
            self.add_output(at, alias, attribute)?;
        }
        if source == 0 {
            for (alias, source, link) in self.links.clone() {
                self.outputs(source, Some(&alias), &link.entity)?;
            }
        }
        Ok(())
    }

    fn add_output(
        &mut self,
        at: At,
        alias: Option<&str>,
        attribute: &Attribute,
    ) -> Result<(), ApiError> {
        let kind = self.kind_of(at, attribute)?;
        let key = match (&attribute.alias, alias) {
            (Some(alias), _) => alias.clone(),
            (None, None) => at.column.property.clone(),
            (None, Some(link)) => format!("{link}.{}", at.column.name),
        };
        if self.outputs.iter().all(|output| output.key != key) {
            self.outputs.push(Output {
                key,
                at,
                kind,
                aliased: attribute.alias.is_some(),
                of_base: at.source == 0,
            });
        }
        Ok(())
    }

    fn kind_of(&self, at: At, attribute: &Attribute) -> Result<OutputKind, ApiError> {
        if attribute.count_children {
            if test::hierarchy_of(at).is_none() || self.fetch.aggregate {
                return Err(argument(
                    "rowaggregate takes the key of a table with a hierarchy, in a query that is not aggregate.",
                ));
            }
            return Ok(OutputKind::Children);
        }
        if !self.fetch.aggregate {
            if attribute.aggregate.is_some() || attribute.group_by {
                return Err(argument(
                    "aggregate and groupby need a fetch with aggregate='true'.",
                ));
            }
            return Ok(OutputKind::Value);
        }
        if attribute.alias.is_none() {
            return Err(argument(format!(
                "The attribute '{}' of an aggregate query needs an alias.",
                attribute.name
            )));
        }
        let is_date = matches!(at.column.kind, Kind::DateTime | Kind::Date);
        match (
            attribute.aggregate,
            attribute.group_by,
            attribute.date_grouping,
        ) {
            (Some(aggregate), false, None) => {
                let needs_number = matches!(aggregate, Aggregate::Average | Aggregate::Sum);
                let is_number = class(at.column.kind) == 1 && at.column.kind != Kind::Choice;
                if needs_number && !is_number {
                    return Err(argument(format!(
                        "The attribute '{}' cannot be summed.",
                        attribute.name
                    )));
                }
                Ok(OutputKind::Aggregate(aggregate, attribute.distinct))
            }
            (None, true, None) => Ok(OutputKind::Value),
            (None, true, Some(grouping)) if is_date => Ok(OutputKind::DateGroup(grouping)),
            (None, true, Some(_)) => Err(ApiError::new(
                400,
                "0x80041135",
                "An invalid value was specified for dategrouping: the attribute holds no date.",
            )),
            _ => Err(argument(format!(
                "The attribute '{}' of an aggregate query needs either aggregate or groupby.",
                attribute.name
            ))),
        }
    }

    fn order(&mut self, source: usize, order: &Order) -> Result<(), ApiError> {
        let raw = self.fetch.raw_order;
        let term_of = |at: At| {
            if !raw && at.column.kind == Kind::Choice {
                Term::Label(at)
            } else if !raw && at.column.kind == Kind::Lookup {
                Term::Name(at)
            } else {
                Term::Column(at)
            }
        };
        let term = match (&order.alias, &order.attribute) {
            (Some(alias), _) => {
                let output = self
                    .outputs
                    .iter()
                    .find(|output| output.aliased && output.key == *alias)
                    .ok_or_else(|| {
                        argument(format!("The alias '{alias}' of an order is unknown."))
                    })?;
                match output.kind {
                    OutputKind::Value => term_of(output.at),
                    OutputKind::Aggregate(..) | OutputKind::DateGroup(_) | OutputKind::Children => {
                        Term::Expression(output.value())
                    }
                }
            }
            (None, _) if self.fetch.aggregate => {
                return Err(ApiError::new(
                    400,
                    "0x80041134",
                    "An alias is required for an order clause for an aggregate Query.",
                ));
            }
            (None, Some(attribute)) => {
                let source = match &order.entity_name {
                    Some(alias) => self.source_named(alias)?,
                    None => source,
                };
                term_of(self.at(source, attribute)?)
            }
            (None, None) => return Ok(()),
        };
        self.query.order.push((term, order.descending));
        Ok(())
    }

    fn finish(mut self) -> Result<Compiled, ApiError> {
        let fetch = self.fetch;
        for order in &fetch.entity.orders {
            self.order(0, order)?;
        }
        for (_, source, link) in self.links.clone() {
            for order in &link.entity.orders {
                self.order(source, order)?;
            }
        }
        let base = self.table(0)?;
        let key = self.at(0, &base.id)?;
        let has_key = !fetch.aggregate && !fetch.distinct;
        if has_key {
            self.add_output(key, None, &Attribute::default())?;
        }
        self.query.distinct = fetch.distinct && !fetch.aggregate;
        let joined = self.query.sources.iter().enumerate();
        let joined = joined.filter(|(_, source)| source.root == 0);
        if fetch.aggregate {
            let groups = self
                .outputs
                .iter()
                .filter(|output| !matches!(output.kind, OutputKind::Aggregate(..)))
                .flat_map(Output::columns);
            self.query.group = groups.filter(|column| column != "NULL").collect();
            self.query.ties = self.query.group.clone();
        } else if fetch.distinct {
            self.query.ties = self.outputs.iter().flat_map(Output::columns).collect();
        } else {
            self.query.ties = joined
                .clone()
                .map(|(index, source)| format!("t{index}.{}", source.table.id))
                .collect();
        }
        // A cookie says where a page ended by the order and the key: it needs rows that are the base table's, once each.
        let once = joined.clone().all(|(_, source)| {
            source
                .join
                .as_ref()
                .is_none_or(|join| join.from.name == source.table.id || join.first_of.is_some())
        });
        let of_base = |term: &Term| match term {
            Term::Column(at) | Term::Label(at) | Term::Name(at) => at.source == 0,
            Term::Expression(_) => false,
        };
        let can_continue =
            has_key && once && self.query.order.iter().all(|(term, _)| of_base(term));
        let cookie = can_continue.then(|| {
            let ordered = self.query.order.iter().cloned();
            ordered
                .chain([(Term::Column(key), false)])
                .filter_map(|(term, descending)| match &term {
                    Term::Column(at) | Term::Label(at) | Term::Name(at) => Some(CookieColumn {
                        name: at.column.name.clone(),
                        sql: match &term {
                            Term::Name(_) => term.sql(),
                            Term::Column(_) | Term::Label(_) | Term::Expression(_) => at.sql(),
                        },
                        at: *at,
                        term,
                        descending,
                    }),
                    Term::Expression(_) => None,
                })
                .collect()
        });
        Ok(Compiled {
            query: self.query,
            outputs: self.outputs,
            has_key,
            cookie,
        })
    }
}

fn is_empty(filter: &fetch::Filter) -> bool {
    filter.conditions.is_empty() && filter.links.is_empty() && filter.filters.iter().all(is_empty)
}

fn table_named(name: &str) -> Result<&'static Table, ApiError> {
    catalog().table(name).ok_or_else(|| {
        ApiError::new(
            400,
            "0x80041102",
            format!(
                "The entity with a name = '{name}' with namemapping = 'Logical' was not found in the MetadataCache."
            ),
        )
    })
}

fn column_named(table: &'static Table, name: &str) -> Result<&'static Column, ApiError> {
    table.column(name).ok_or_else(|| {
        ApiError::new(
            400,
            "0x80041103",
            format!(
                "'{}' entity doesn't contain attribute with Name = '{name}' and NameMapping = 'Logical'.",
                table.logical
            ),
        )
    })
}
