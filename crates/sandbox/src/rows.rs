//! From a query to JSON rows: columns, annotations, formatted values, `$expand` (protocol page `query.md`).

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use sandbox_syntax::options::{Expand, Options};
use sqlx::SqliteConnection;

use crate::associate::Far;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Column, Kind, Table, catalog};
use crate::query::{Asker, Query, name_of};
use crate::security::{Access, Caller};
use crate::value::Value;

/// The most rows of a page, and the most that `$count` counts.
pub(crate) const LARGEST_PAGE: u32 = 5000;

pub(crate) const FORMATTED: &str = "OData.Community.Display.V1.FormattedValue";
pub(crate) const LOOKUP_TABLE: &str = "Microsoft.Dynamics.CRM.lookuplogicalname";
pub(crate) const METADATA_VERSION: &str = "Microsoft.Dynamics.CRM.globalmetadataversion";
pub(crate) const NAVIGATION: &str = "Microsoft.Dynamics.CRM.associatednavigationproperty";

/// Which annotations the client asked for (`Prefer: odata.include-annotations`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Annotations {
    pub(crate) formatted: bool,
    pub(crate) lookup_table: bool,
    pub(crate) navigation: bool,
    pub(crate) metadata_version: bool,
    /// `*`: whole-result annotations and error details too.
    pub(crate) all: bool,
}

impl Annotations {
    /// Reads the list of patterns.
    pub(crate) fn read(patterns: &str) -> Annotations {
        let mut annotations = Annotations::default();
        for pattern in patterns.split(',').map(str::trim) {
            let matches = |name: &str| match pattern.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == pattern,
            };
            annotations.formatted |= matches(FORMATTED);
            annotations.lookup_table |= matches(LOOKUP_TABLE);
            annotations.navigation |= matches(NAVIGATION);
            annotations.metadata_version |= matches(METADATA_VERSION);
            annotations.all |= pattern == "*";
        }
        annotations
    }
}

/// What a reader needs to know about the request.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) caller: &'a Caller,
    /// The organization's clock.
    pub(crate) now: jiff::Timestamp,
    pub(crate) aliases: &'a HashMap<String, String>,
    pub(crate) annotations: Annotations,
    /// Types and addresses too: `odata.metadata=full`.
    pub(crate) full: bool,
    /// `scheme://host/api/data/vX.Y`, no slash behind it.
    pub(crate) base: &'a str,
}

impl Reading<'_> {
    pub(crate) fn asker(&self) -> Asker {
        Asker {
            user: self.caller.id.clone(),
            business_unit: self.caller.business_unit.clone(),
            now: self.now,
        }
    }

    /// A query with the `$filter` and `$orderby` of `options`, its privileges checked.
    pub(crate) fn query(&self, base: Query, options: &Options) -> Result<Query, ApiError> {
        let asker = self.asker();
        let alias = |name: &str| self.aliases.get(name).cloned();
        let mut query = base.order(&options.order, &asker)?;
        if let Some(filter) = &options.filter {
            query = query.filter(filter, &alias, &asker)?;
        }
        for table in query.tables() {
            self.caller.require(Access::Read, table)?;
        }
        Ok(self.caller.within_reach(query))
    }
}

/// A column of an answer.
#[derive(Debug, Clone, Copy)]
struct Field {
    property: &'static str,
    column: &'static Column,
    /// Hidden columns serve `$expand`.
    visible: bool,
}

/// Which columns of a table an answer has.
#[derive(Debug)]
pub(crate) struct Selection {
    table: &'static Table,
    fields: Vec<Field>,
    /// The text between the parentheses of the context, `None` for all columns.
    context: Option<String>,
}

impl Selection {
    /// Resolves `$select` and `$expand`. A single row also gets the composite of a selected address part.
    pub(crate) fn read(
        table: &'static Table,
        options: &Options,
        single: bool,
    ) -> Result<Selection, ApiError> {
        let mut fields: Vec<Field> = Vec::new();
        let mut names = Vec::new();
        let mut add = |property: &'static str, column: &'static Column, visible: bool| match fields
            .iter_mut()
            .find(|field| field.property == property)
        {
            Some(field) => field.visible |= visible,
            None => fields.push(Field {
                property,
                column,
                visible,
            }),
        };
        match &options.select {
            None => {
                for column in &table.columns {
                    add(&column.property, column, true);
                }
                if is_principal(table)
                    && let Some(id) = table.column(&table.id)
                {
                    add("ownerid", id, true);
                }
            }
            Some(select) => {
                for name in select {
                    names.push(name.clone());
                    if is_principal(table) && name == "ownerid" {
                        continue;
                    }
                    let Some(column) = table.property(name) else {
                        // Selecting a navigation property selects nothing.
                        if table.is_navigation(name) {
                            continue;
                        }
                        return Err(ApiError::no_property(table, name));
                    };
                    add(&column.property, column, true);
                    if column.kind == Kind::Money
                        && let Some(currency) = table.property("_transactioncurrencyid_value")
                    {
                        add(&currency.property, currency, true);
                    }
                    let address = column
                        .name
                        .split_once('_')
                        .filter(|(start, _)| start.starts_with("address"));
                    if single
                        && let Some((address, _)) = address
                        && let Some(composite) = table.property(&format!("{address}_composite"))
                    {
                        add(&composite.property, composite, true);
                    }
                }
                if let Some(id) = table.column(&table.id) {
                    add(&id.property, id, true);
                    if is_principal(table) {
                        add("ownerid", id, true);
                    }
                }
            }
        }
        let mut context = (options.select.is_some()).then(|| names.join(","));
        for expand in &options.expand {
            if let Some((_, column)) = table.link(&expand.navigation) {
                add(&column.property, column, false);
            } else if !table.is_navigation(&expand.navigation) {
                return Err(ApiError::no_property(table, &expand.navigation));
            }
            let inner = expand
                .options
                .select
                .as_ref()
                .map(|names| names.join(","))
                .unwrap_or_default();
            let text = format!("{}({inner})", expand.navigation);
            context = Some(match context.filter(|names| !names.is_empty()) {
                Some(names) => format!("{names},{text}"),
                None => text,
            });
        }
        Ok(Selection {
            table,
            fields,
            context,
        })
    }

    /// `contacts(fullname,emailaddress1)`: what stands behind `$metadata#`.
    pub(crate) fn context(&self) -> String {
        match &self.context {
            Some(names) => format!("{}({names})", self.table.set),
            None => self.table.set.clone(),
        }
    }

    fn sql(&self, formatted: bool) -> String {
        let mut parts = vec![
            "t0.versionnumber".to_owned(),
            format!("t0.{}", self.table.id),
        ];
        for field in &self.fields {
            let column = field.column;
            parts.push(format!("t0.{}", column.name));
            if column.kind == Kind::Lookup {
                parts.push(if column.is_polymorphic() {
                    format!("t0.{}", column.type_name())
                } else {
                    "NULL".to_owned()
                });
                parts.push(if formatted && field.visible {
                    name_of(column, "t0")
                } else {
                    "NULL".to_owned()
                });
            }
        }
        parts.join(", ")
    }
}

fn is_principal(table: &Table) -> bool {
    ["systemuser", "team"].contains(&table.logical.as_str())
}

/// A row that was read.
#[derive(Debug)]
pub(crate) struct Record {
    version: i64,
    pub(crate) id: String,
    /// For each field of the selection: its value, and for look-ups the table and the name behind it.
    values: Vec<(Value, Option<String>, Option<String>)>,
}

impl Record {
    pub(crate) fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }
}

/// Runs a query.
pub(crate) async fn fetch(
    connection: &mut SqliteConnection,
    query: &Query,
    selection: &Selection,
    annotations: Annotations,
) -> Result<Vec<Record>, ApiError> {
    let rows = query
        .select(&selection.sql(annotations.formatted))
        .query()
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let mut at = 2;
            let mut values = Vec::with_capacity(selection.fields.len());
            for field in &selection.fields {
                let value = Value::at(row, at)?;
                at += 1;
                if field.column.kind == Kind::Lookup {
                    let table = Value::at(row, at)?.text().map(str::to_owned);
                    let table = table.or_else(|| field.column.targets.first().cloned());
                    values.push((
                        value,
                        table,
                        Value::at(row, at + 1)?.text().map(str::to_owned),
                    ));
                    at += 2;
                } else {
                    values.push((value, None, None));
                }
            }
            Ok(Record {
                version: Value::at(row, 0)?.integer().unwrap_or(0),
                id: Value::at(row, 1)?.text().unwrap_or("").to_owned(),
                values,
            })
        })
        .collect()
}

/// Rows as JSON objects, with what they expand.
pub(crate) async fn render(
    connection: &mut SqliteConnection,
    records: &[Record],
    selection: &Selection,
    expands: &[Expand],
    reading: &Reading<'_>,
) -> Result<Vec<Vec<(String, Json)>>, ApiError> {
    let mut objects: Vec<Vec<(String, Json)>> = records
        .iter()
        .map(|record| object(record, selection, reading))
        .collect();
    for expand in expands {
        expand_into(
            connection,
            &mut objects,
            records,
            selection,
            expand,
            reading,
        )
        .await?;
    }
    Ok(objects)
}

fn object(record: &Record, selection: &Selection, reading: &Reading<'_>) -> Vec<(String, Json)> {
    let annotations = reading.annotations;
    let table = selection.table;
    let mut members = Vec::with_capacity(selection.fields.len() + 1);
    let mut control = |name: &str, text: String| {
        members.push((format!("@odata.{name}"), Json::Text(text)));
    };
    let address = format!("{}({})", table.set, record.id);
    if reading.full {
        control("type", format!("#Microsoft.Dynamics.CRM.{}", table.logical));
        control("id", format!("{}/{address}", reading.base));
    }
    control("etag", record.etag());
    if reading.full {
        control("editLink", address);
    }
    for (field, (value, table, name)) in selection.fields.iter().zip(&record.values) {
        if !field.visible {
            continue;
        }
        let column = field.column;
        if reading.full
            && !value.is_null()
            && let Some(kind) = column.kind.told_type()
        {
            let name = format!("{}@odata.type", field.property);
            members.push((name, Json::Text(format!("#{kind}"))));
        }
        if !value.is_null() {
            let mut annotate = |annotation: &str, text: &str| {
                members.push((format!("{}@{annotation}", field.property), Json::text(text)));
            };
            if annotations.formatted
                && let Some(text) = formatted(column, value, name.as_deref())
            {
                annotate(FORMATTED, &text);
            }
            if let Some(table) = table {
                if annotations.navigation
                    && let Some(navigation) = selection.table.navigation_to(column, table)
                {
                    annotate(NAVIGATION, navigation);
                }
                if annotations.lookup_table {
                    annotate(LOOKUP_TABLE, table);
                }
            }
        }
        members.push((field.property.to_owned(), json(column, value)));
    }
    members
}

/// A value in Dataverse's JSON notation.
pub(crate) fn json(column: &Column, value: &Value) -> Json {
    match (column.kind, value) {
        (_, Value::Null) => Json::Null,
        (Kind::Boolean, Value::Integer(truth)) => Json::Boolean(*truth != 0),
        (_, Value::Integer(integer)) => Json::Number(integer.to_string()),
        (Kind::Money, Value::Real(number)) => Json::Number(format!("{number:.4}")),
        (Kind::Decimal, Value::Real(number)) => {
            Json::Number(format!("{number:.*}", column.precision))
        }
        (_, Value::Real(number)) => Json::Number(number.to_string()),
        (_, Value::Text(text)) => Json::text(text.as_str()),
    }
}

pub(crate) fn formatted(column: &Column, value: &Value, name: Option<&str>) -> Option<String> {
    match (column.kind, value) {
        (Kind::Choice, Value::Integer(value)) => column.label_of(*value).map(str::to_owned),
        (Kind::Boolean, Value::Integer(value)) => Some(
            column
                .label_of(*value)
                .unwrap_or(if *value == 0 { "No" } else { "Yes" })
                .to_owned(),
        ),
        (Kind::MultiChoice, Value::Text(values)) => {
            let labels = values
                .split(',')
                .filter_map(|value| column.label_of(value.parse().ok()?));
            Some(labels.collect::<Vec<_>>().join("; "))
        }
        (Kind::Lookup, _) => name.map(str::to_owned),
        (Kind::Integer | Kind::BigInt, Value::Integer(value)) => Some(grouped(&value.to_string())),
        (Kind::Money, Value::Real(value)) => Some(match format!("{value:.2}").strip_prefix('-') {
            Some(positive) => format!("-${}", grouped(positive)),
            None => format!("${}", grouped(&format!("{value:.2}"))),
        }),
        (Kind::Decimal | Kind::Double, Value::Real(value)) => {
            Some(grouped(&format!("{value:.*}", column.precision)))
        }
        (Kind::DateTime, Value::Text(text)) => {
            let at: jiff::Timestamp = text.parse().ok()?;
            Some(at.strftime("%-m/%-d/%Y %-I:%M %p").to_string())
        }
        (Kind::Date, Value::Text(text)) => {
            let date: jiff::civil::Date = text.parse().ok()?;
            Some(date.strftime("%-m/%-d/%Y").to_string())
        }
        _ => None,
    }
}

/// Puts a comma before every third digit of the whole part.
pub(crate) fn grouped(number: &str) -> String {
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (number, String::new()),
    };
    let digits = whole.len();
    let mut text = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (digits - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + &fraction
}

fn expand_into<'a>(
    connection: &'a mut SqliteConnection,
    objects: &'a mut [Vec<(String, Json)>],
    records: &'a [Record],
    selection: &'a Selection,
    expand: &'a Expand,
    reading: &'a Reading<'_>,
) -> BoxFuture<'a, Result<(), ApiError>> {
    Box::pin(async move {
        if let Some((link, column)) = selection.table.link(&expand.navigation) {
            expand_link(
                connection,
                objects,
                records,
                selection,
                expand,
                reading,
                &link.target,
                column,
            )
            .await
        } else {
            expand_collection(
                connection,
                objects,
                records,
                selection.table,
                expand,
                reading,
            )
            .await
        }
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "one step of a recursion; a struct would only rename the arguments"
)]
async fn expand_link(
    connection: &mut SqliteConnection,
    objects: &mut [Vec<(String, Json)>],
    records: &[Record],
    selection: &Selection,
    expand: &Expand,
    reading: &Reading<'_>,
    target: &str,
    column: &Column,
) -> Result<(), ApiError> {
    if expand.options.filter.is_some()
        || !expand.options.order.is_empty()
        || expand.options.top.is_some()
    {
        return Err(ApiError::request(
            "Only $select and $expand clause can be provided while doing $expand on single-valued navigation property.",
        ));
    }
    let Some(place) = selection
        .fields
        .iter()
        .position(|field| field.column.name == column.name)
    else {
        return Ok(());
    };
    let owner = target == "owner";
    if owner
        && let Some(other) = expand
            .options
            .select
            .iter()
            .flatten()
            .find(|name| *name != "ownerid")
    {
        return Err(ApiError::request(format!(
            "Could not find a property named '{other}' on type 'Microsoft.Dynamics.CRM.principal'."
        )));
    }
    if !owner && catalog().table(target).is_none() {
        return Err(ApiError::not_simulated(format!("the table '{target}'")));
    }
    let mut found: HashMap<String, Json> = HashMap::new();
    for table in &catalog().tables {
        let wanted: Vec<Value> = records
            .iter()
            .filter_map(|record| record.values.get(place))
            .filter(|(_, of, _)| {
                of.as_deref() == Some(&table.logical) && (owner || table.logical == target)
            })
            .map(|(id, _, _)| id.clone())
            .filter(|id| !id.is_null())
            .collect();
        if wanted.is_empty() {
            continue;
        }
        reading.caller.require(Access::Read, table)?;
        let Some(id) = table.column(&table.id) else {
            continue;
        };
        let inner = Selection::read(table, &expand.options, false)?;
        for ids in wanted.chunks(500) {
            let query = Query::new(table).only_in(id, ids.to_vec());
            let query = reading.caller.within_reach(query);
            let rows = fetch(connection, &query, &inner, reading.annotations).await?;
            let rendered =
                render(connection, &rows, &inner, &expand.options.expand, reading).await?;
            for (row, mut members) in rows.iter().zip(rendered) {
                if expand.reference {
                    let url = format!("{}/{}({})", reading.base, table.set, row.id);
                    members = vec![("@odata.id".to_owned(), Json::Text(url))];
                } else if owner {
                    let of = format!("#Microsoft.Dynamics.CRM.{}", table.logical);
                    members.insert(0, ("@odata.type".to_owned(), Json::Text(of)));
                }
                found.insert(row.id.clone(), Json::Object(members));
            }
        }
    }
    if !owner && let Some(table) = catalog().table(target) {
        // Wrong columns are an error even where no row has the link.
        Selection::read(table, &expand.options, false)?;
        reading.caller.require(Access::Read, table)?;
    }
    for (object, record) in objects.iter_mut().zip(records) {
        let json = record
            .values
            .get(place)
            .filter(|(_, of, _)| owner || of.as_deref() == Some(target))
            .and_then(|(id, _, _)| found.get(id.text()?).cloned());
        object.push((expand.navigation.clone(), json.unwrap_or(Json::Null)));
    }
    Ok(())
}

async fn expand_collection(
    connection: &mut SqliteConnection,
    objects: &mut [Vec<(String, Json)>],
    records: &[Record],
    table: &'static Table,
    expand: &Expand,
    reading: &Reading<'_>,
) -> Result<(), ApiError> {
    if expand.reference {
        return Err(ApiError::request(
            "Expand with $ref is only supported on lookup type navigation property.",
        ));
    }
    if !expand.options.expand.is_empty()
        && (expand.options.top.is_some() || !expand.options.order.is_empty())
    {
        return Err(ApiError::request(
            "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested \
             one-to-many relationship.",
        ));
    }
    let far = Far::of(table, &expand.navigation)?;
    let child = far.table();
    let selection = Selection::read(child, &expand.options, false)?;
    for (object, record) in objects.iter_mut().zip(records) {
        let within = far.within(connection, &record.id).await?;
        let mut query = reading.query(within, &expand.options)?;
        query.limit = Some(expand.options.top.unwrap_or(LARGEST_PAGE));
        let rows = fetch(connection, &query, &selection, reading.annotations).await?;
        let rendered = render(
            connection,
            &rows,
            &selection,
            &expand.options.expand,
            reading,
        )
        .await?;
        object.push((
            expand.navigation.clone(),
            Json::Array(rendered.into_iter().map(Json::Object).collect()),
        ));
        if expand.options.expand.is_empty() {
            object.push((
                format!("{}@odata.nextLink", expand.navigation),
                Json::Text(collection_url(table, &record.id, expand, reading)),
            ));
        }
    }
    Ok(())
}

/// The plain URL of an expanded collection.
fn collection_url(table: &Table, id: &str, expand: &Expand, reading: &Reading<'_>) -> String {
    let mut options = Vec::new();
    if let Some(select) = &expand.options.select {
        options.push(format!("$select={}", select.join(",")));
    }
    if let Some(filter) = &expand.options.filter {
        options.push(format!(
            "$filter={}",
            url::form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>()
        ));
    }
    let url = format!("{}/{}({id})/{}", reading.base, table.set, expand.navigation);
    if options.is_empty() {
        url
    } else {
        format!("{url}?{}", options.join("&"))
    }
}

/// The table and the look-up behind a collection-valued navigation property.
pub(crate) fn children(
    table: &Table,
    navigation: &str,
) -> Result<(&'static Table, &'static Column), ApiError> {
    let collection = table
        .collection(navigation)
        .ok_or_else(|| ApiError::no_property(table, navigation))?;
    let missing = || ApiError::not_simulated(format!("the navigation property '{navigation}'"));
    let child = catalog().table(&collection.table).ok_or_else(missing)?;
    Ok((child, child.column(&collection.column).ok_or_else(missing)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotation_patterns() {
        let asked =
            Annotations::read("OData.Community.Display.V1.FormattedValue,Microsoft.Dynamics.CRM.*");
        assert!(asked.formatted && asked.lookup_table && asked.navigation && !asked.all);
        assert_eq!(
            Annotations::read("*"),
            Annotations {
                formatted: true,
                lookup_table: true,
                navigation: true,
                metadata_version: true,
                all: true
            }
        );
        assert_eq!(Annotations::read("display.*"), Annotations::default());
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped("1234567.80"), "1,234,567.80");
        assert_eq!(grouped("-999"), "-999");
        assert_eq!(grouped("1000"), "1,000");
    }
}
