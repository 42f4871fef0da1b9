//! Create, update, upsert, delete (protocol page `crud.md`).
//!
//! Every operation runs on a connection that is inside a transaction of the caller's, so that several of them can be one:
//! a change set, a bulk action, a deep insert.

use std::collections::HashSet;

use futures_util::future::BoxFuture;
use sandbox_syntax::is_guid;
use serde_json::Value as JsonValue;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::api::{Call, keys};
use crate::associate::{self, Far};
use crate::duplicates;
use crate::errors::ApiError;
use crate::metadata::{Column, Kind, OnDelete, Table, catalog};
use crate::references;
use crate::rules;
use crate::security::Access;
use crate::server::Answer;
use crate::store::{self, Fields};
use crate::value::{Statement, Value, moment};

/// Tables that clients do not write.
const MANAGED: [&str; 11] = [
    "systemuser",
    "team",
    "transactioncurrency",
    "role",
    "organization",
    "privilege",
    "teammembership",
    "systemuserroles",
    "activitypointer",
    "sdkmessage",
    "sdkmessagefilter",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Create,
    Update,
}

/// `POST contacts`.
pub(crate) async fn create(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
) -> Result<Answer, ApiError> {
    let body = object(call, table)?;
    let id = insert_body(call, connection, table, None, Fields::new(), &body).await?;
    written(
        call,
        connection,
        table,
        &keys::Named::primary(&id),
        &id,
        true,
    )
    .await
}

/// Creates a row from a body, with the rows nested in it, and returns its id. `given` are values that the body may
/// overrule.
pub(crate) fn insert_body<'a>(
    call: &'a Call<'_>,
    connection: &'a mut SqliteConnection,
    table: &'static Table,
    id: Option<&'a str>,
    given: Fields,
    body: &'a Body,
) -> BoxFuture<'a, Result<String, ApiError>> {
    Box::pin(async move {
        writable(call, table, Access::Create)?;
        let mut changes = read_changes(call, connection, table, body, Purpose::Create).await?;
        for (name, value) in given {
            changes.fields.entry(name).or_insert(value);
        }
        insert_row(call, connection, table, id, changes).await
    })
}

/// `PATCH contacts(id)`: update, or upsert where no precondition forbids it.
pub(crate) async fn patch(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    named: &keys::Named,
) -> Result<Answer, ApiError> {
    let body = object(call, table)?;
    let (id, created) = write_row(call, connection, table, named, body).await?;
    written(call, connection, table, named, &id, created).await
}

/// `PUT contacts(id)/jobtitle`.
pub(crate) async fn put_property(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    property: &str,
) -> Result<Answer, ApiError> {
    if table.property(property).is_none() {
        return Err(ApiError::no_segment(property));
    }
    let mut body = object(call, table)?;
    let value = body
        .remove("value")
        .ok_or_else(|| ApiError::payload(table, "The property 'value' is missing."))?;
    set_existing(
        call,
        connection,
        table,
        id,
        [(property.to_owned(), value)].into_iter().collect(),
    )
    .await
}

/// `DELETE contacts(id)/jobtitle`.
pub(crate) async fn clear_property(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    property: &str,
) -> Result<Answer, ApiError> {
    if table.property(property).is_none() {
        return Err(ApiError::no_segment(property));
    }
    set_existing(
        call,
        connection,
        table,
        id,
        [(property.to_owned(), JsonValue::Null)]
            .into_iter()
            .collect(),
    )
    .await
}

/// `PUT contacts(id)/parentcustomerid_account/$ref`.
pub(crate) async fn put_reference(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    navigation: &str,
) -> Result<Answer, ApiError> {
    if table.link(navigation).is_none() {
        return Err(ApiError::no_segment(navigation));
    }
    let mut body = object(call, table)?;
    let reference = body
        .remove("@odata.id")
        .ok_or_else(|| ApiError::payload(table, "The annotation '@odata.id' is missing."))?;
    set_existing(
        call,
        connection,
        table,
        id,
        [(format!("{navigation}@odata.bind"), reference)]
            .into_iter()
            .collect(),
    )
    .await
}

/// `DELETE contacts(id)/parentcustomerid_account/$ref`.
pub(crate) async fn clear_reference(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    navigation: &str,
) -> Result<Answer, ApiError> {
    if table.link(navigation).is_none() {
        return Err(ApiError::no_segment(navigation));
    }
    set_existing(
        call,
        connection,
        table,
        id,
        [(navigation.to_owned(), JsonValue::Null)]
            .into_iter()
            .collect(),
    )
    .await
}

/// `DELETE contacts(id)`.
pub(crate) async fn delete(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
) -> Result<Answer, ApiError> {
    writable(call, table, Access::Delete)?;
    let existing = store::load(connection, table, id)
        .await?
        .ok_or_else(|| call.no_row(table, id))?;
    call.caller
        .require_access(Access::Delete, table, id, &existing)?;
    check_version(call, table, &existing)?;
    delete_row(connection, table, id).await?;
    Ok(Answer::empty(204).header("odata-version", "4.0"))
}

/// A JSON object of a request.
pub(crate) type Body = serde_json::Map<String, JsonValue>;

pub(crate) fn object(call: &Call<'_>, table: &Table) -> Result<Body, ApiError> {
    let kind = call
        .request
        .header("content-type")
        .unwrap_or("application/json");
    if !kind
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("application/json")
    {
        return Err(ApiError::new(
            415,
            crate::errors::REQUEST,
            format!(
                "A supported MIME type could not be found that matches the content type '{kind}'."
            ),
        ));
    }
    match serde_json::from_slice(&call.request.body) {
        Ok(JsonValue::Object(body)) => Ok(body),
        Ok(_) => Err(ApiError::payload(
            table,
            "A value was found where a JSON object was expected.",
        )),
        Err(error) => Err(ApiError::payload(table, format!("Invalid JSON. {error}"))),
    }
}

/// Is the table one that only the platform writes?
pub(crate) fn is_managed(table: &Table) -> bool {
    MANAGED.contains(&table.logical.as_str())
}

pub(crate) fn writable(call: &Call<'_>, table: &Table, access: Access) -> Result<(), ApiError> {
    call.caller.require(access, table)?;
    if is_managed(table) {
        return Err(ApiError::not_simulated(format!(
            "writing to the table '{}'",
            table.logical
        )));
    }
    Ok(())
}

/// Changes a row that must exist.
async fn set_existing(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    body: Body,
) -> Result<Answer, ApiError> {
    writable(call, table, Access::Write)?;
    let existing = store::load(connection, table, id)
        .await?
        .ok_or_else(|| call.no_row(table, id))?;
    call.caller
        .require_access(Access::Write, table, id, &existing)?;
    check_version(call, table, &existing)?;
    let changes = read_changes(call, connection, table, &body, Purpose::Update).await?;
    permitted(call, table, id, &existing, changes.needs_for(&existing))?;
    update_row(call, connection, table, id, &existing, changes.fields).await?;
    Ok(Answer::empty(204).header("odata-version", "4.0"))
}

/// Updates the row that a key names or creates it. Returns its id, and whether it was created.
pub(crate) async fn write_row(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    named: &keys::Named,
    mut body: Body,
) -> Result<(String, bool), ApiError> {
    let existing = match named.id() {
        Some(id) => store::load(connection, table, id)
            .await?
            .map(|row| (id.to_owned(), row)),
        None => None,
    };
    match existing {
        Some((id, existing)) => {
            if precondition(call, "if-none-match") == Some("*") {
                return Err(matching_key());
            }
            check_version(call, table, &existing)?;
            writable(call, table, Access::Write)?;
            call.caller
                .require_access(Access::Write, table, &id, &existing)?;
            // Values of an alternate key say which row is meant; they do not change it.
            body.retain(|name, _| {
                let column = table.property(name);
                !column.is_some_and(|column| named.values.contains_key(&column.name))
            });
            let changes = read_changes(call, connection, table, &body, Purpose::Update).await?;
            permitted(call, table, &id, &existing, changes.needs_for(&existing))?;
            update_row(call, connection, table, &id, &existing, changes.fields).await?;
            Ok((id, false))
        }
        None => {
            if precondition(call, "if-match").is_some() {
                let id = named.existing(table)?;
                return Err(call.no_row(table, id));
            }
            let given = named.values.clone();
            let id = insert_body(call, connection, table, named.id(), given, &body).await?;
            Ok((id, true))
        }
    }
}

/// 403 unless the caller may do all this to a row.
fn permitted(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    row: &Fields,
    needs: impl IntoIterator<Item = Access>,
) -> Result<(), ApiError> {
    needs
        .into_iter()
        .try_for_each(|access| call.caller.require_access(access, table, id, row))
}

/// Changes columns of a row that exists.
pub(crate) async fn change(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    fields: Fields,
) -> Result<(), ApiError> {
    let existing = store::load(connection, table, id)
        .await?
        .ok_or_else(|| call.no_row(table, id))?;
    update_row(call, connection, table, id, &existing, fields).await
}

fn matching_key() -> ApiError {
    ApiError::new(
        412,
        "0x80040237",
        "A record with matching key values already exists.",
    )
}

/// A precondition header; the literal text `null` counts as absent.
fn precondition<'a>(call: &'a Call<'_>, name: &str) -> Option<&'a str> {
    call.request
        .header(name)
        .map(str::trim)
        .filter(|value| !value.is_empty() && *value != "null")
}

fn check_version(call: &Call<'_>, table: &Table, existing: &Fields) -> Result<(), ApiError> {
    let Some(wanted) = precondition(call, "if-match").filter(|wanted| *wanted != "*") else {
        return Ok(());
    };
    if !table.optimistic_concurrency {
        return Err(ApiError::new(
            400,
            "0x8006088d",
            format!(
                "Optimistic concurrency isn't enabled for entity type {}.",
                table.logical
            ),
        ));
    }
    let version = existing
        .get("versionnumber")
        .and_then(Value::integer)
        .unwrap_or(0);
    if wanted != format!("W/\"{version}\"") {
        return Err(ApiError::other_version());
    }
    Ok(())
}

/// The answer to a create or an update. It repeats the key by which the row was named.
pub(crate) async fn written(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    named: &keys::Named,
    id: &str,
    created: bool,
) -> Result<Answer, ApiError> {
    let url = format!("{}/{}({})", call.request.base, table.set, named.text);
    if call.preferences.representation {
        let status = if created { 201 } else { 200 };
        let answer = call.read_row(connection, table, id, status).await?;
        let mut answer = answer.ok_or_else(|| call.no_row(table, id))?;
        answer.entity = Some(url);
        return Ok(answer);
    }
    let mut answer = Answer::empty(204)
        .header("odata-version", "4.0")
        .header("odata-entityid", url.as_str());
    answer.entity = Some(url.clone());
    Ok(if created {
        answer.header("location", url)
    } else {
        answer
    })
}

/// What a body says about a row.
#[derive(Debug, Default)]
struct Changes {
    fields: Fields,
    /// What the caller must be allowed to do to the row for that, beside writing it.
    needs: Vec<Access>,
    /// Deep insert: new rows for collection-valued navigation properties.
    nested: Vec<(String, Vec<Body>)>,
    /// Existing rows for collection-valued navigation properties.
    bound: Vec<(String, Vec<String>)>,
}

impl Changes {
    /// What the caller must be allowed to do to an existing row. An owner who stays one is not assigned.
    fn needs_for<'c>(&'c self, existing: &Fields) -> impl Iterator<Item = Access> + use<'c> {
        let stays = self.fields.get("ownerid") == existing.get("ownerid");
        let needs = self.needs.iter().copied();
        needs.filter(move |access| !(stays && *access == Access::Assign))
    }
}

/// Reads a body into column values. Null values clear. Rows nested under single-valued navigation properties are created.
async fn read_changes(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    body: &Body,
    purpose: Purpose,
) -> Result<Changes, ApiError> {
    let mut changes = Changes::default();
    for (name, value) in body {
        if let Some(navigation) = name.strip_suffix("@odata.bind") {
            if is_collection(table, navigation) {
                only_on_create(purpose)?;
                let bound = bound(table, name, value)?;
                changes.bound.push((navigation.to_owned(), bound));
            } else {
                let fields = &mut changes.fields;
                let needed =
                    references::bind(call, connection, table, navigation, value, fields).await?;
                changes.needs.extend(needed);
            }
            continue;
        }
        // Other annotations (`@odata.type`, `@odata.etag`, formatted values of a row sent back) say nothing here.
        if name.contains('@') {
            continue;
        }
        if let Some((link, column)) = table.link(name).filter(|_| table.property(name).is_none()) {
            if value.is_null() {
                clear(table, column, &mut changes.fields)?;
                continue;
            }
            only_on_create(purpose)?;
            let target = catalog().table(&link.target).ok_or_else(|| {
                ApiError::payload(table, format!("A new row cannot be nested in '{name}'."))
            })?;
            let body = nested(table, name, value)?;
            call.caller.require(Access::AppendTo, target)?;
            changes.needs.push(Access::Append);
            let id = insert_body(call, connection, target, None, Fields::new(), body).await?;
            changes.fields.insert(column.name.clone(), Value::from(id));
            if column.is_polymorphic() {
                let of = Value::from(target.logical.as_str());
                changes.fields.insert(column.type_name(), of);
            }
            continue;
        }
        if is_collection(table, name) {
            only_on_create(purpose)?;
            let rows = value.as_array().ok_or_else(|| {
                ApiError::payload(table, format!("The value of '{name}' must be an array."))
            })?;
            let rows: Result<Vec<Body>, ApiError> = rows
                .iter()
                .map(|row| nested(table, name, row).cloned())
                .collect();
            changes.nested.push((name.clone(), rows?));
            continue;
        }
        let Some(column) = table.property(name) else {
            return Err(ApiError::payload(
                table,
                format!(
                    "Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.{}'.",
                    table.logical
                ),
            ));
        };
        if column.kind == Kind::Lookup {
            return Err(ApiError::request(
                "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.",
            ));
        }
        let value = typed(table, column, value)?;
        let settable = match purpose {
            Purpose::Create => column.creatable,
            Purpose::Update => column.updatable,
        };
        // Columns that are not valid for the operation are accepted and left alone.
        if settable {
            changes.fields.insert(column.name.clone(), value);
        }
    }
    Ok(changes)
}

fn is_collection(table: &Table, navigation: &str) -> bool {
    table.collection(navigation).is_some() || table.association(navigation).is_some()
}

fn only_on_create(purpose: Purpose) -> Result<(), ApiError> {
    match purpose {
        Purpose::Create => Ok(()),
        Purpose::Update => Err(ApiError::request(
            "Deep update of navigation properties is not allowed.",
        )),
    }
}

fn nested<'a>(table: &Table, name: &str, value: &'a JsonValue) -> Result<&'a Body, ApiError> {
    value.as_object().ok_or_else(|| {
        ApiError::payload(table, format!("The value of '{name}' must be an object."))
    })
}

fn bound(table: &Table, name: &str, value: &JsonValue) -> Result<Vec<String>, ApiError> {
    let references = value.as_array().ok_or_else(|| {
        ApiError::payload(
            table,
            format!("The value of '{name}' must be an array of resource references."),
        )
    })?;
    references
        .iter()
        .map(|reference| references::text(table, name, reference).map(str::to_owned))
        .collect()
}

pub(crate) fn clear(table: &Table, column: &Column, changes: &mut Fields) -> Result<(), ApiError> {
    if column.system_required && table.logical != "incident" {
        return Err(cannot_be_null(table, column));
    }
    changes.insert(column.name.clone(), Value::Null);
    if column.is_polymorphic() {
        changes.insert(column.type_name(), Value::Null);
    }
    Ok(())
}

fn cannot_be_null(table: &Table, column: &Column) -> ApiError {
    ApiError::new(
        400,
        "0x80040200",
        format!(
            "Attribute '{}' of the '{}' entity cannot be set to NULL.",
            column.name, table.logical
        ),
    )
}

/// A JSON value as the column keeps it, checked against the column's type and range.
pub(crate) fn typed(table: &Table, column: &Column, value: &JsonValue) -> Result<Value, ApiError> {
    let wrong = || {
        ApiError::payload(
            table,
            format!(
                "Cannot convert the literal '{}' to the expected type '{}'.",
                shown(value),
                column.kind.edm()
            ),
        )
    };
    if value.is_null() {
        let state = column.name == "statecode";
        if column.kind == Kind::Boolean || state || column.system_required {
            return Err(cannot_be_null(table, column));
        }
        return Ok(Value::Null);
    }
    match column.kind {
        Kind::Text => {
            let text = value.as_str().ok_or_else(wrong)?;
            if let Some(most) = column.max_length
                && text.encode_utf16().count() > most
            {
                return Err(ApiError::new(
                    400,
                    "0x80044331",
                    format!(
                        "A validation error occurred.  The length of the '{}' attribute of the '{}' entity exceeded the \
                         maximum allowed length of '{most}'.",
                        column.name, table.logical
                    ),
                ));
            }
            Ok(if text.is_empty() {
                Value::Null
            } else {
                Value::from(text)
            })
        }
        Kind::Integer | Kind::BigInt => {
            let number = value
                .as_i64()
                .or_else(|| value.as_str()?.parse().ok())
                .ok_or_else(wrong)?;
            #[expect(
                clippy::cast_precision_loss,
                reason = "a range check against the metadata's doubles"
            )]
            in_range(table, column, number as f64)?;
            Ok(Value::Integer(number))
        }
        Kind::Decimal | Kind::Double | Kind::Money => {
            let number = value.as_f64().ok_or_else(wrong)?;
            in_range(table, column, number)?;
            Ok(Value::Real(number))
        }
        Kind::Boolean => value.as_bool().map(Value::from).ok_or_else(wrong),
        Kind::MultiChoice => {
            let text = value.as_str().ok_or_else(wrong)?;
            let mut chosen = Vec::new();
            for part in text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
            {
                let option: i64 = part.parse().map_err(|_| wrong())?;
                if !column.choices.iter().any(|choice| choice.value == option) {
                    return Err(no_option(table, column, option));
                }
                if !chosen.contains(&option) {
                    chosen.push(option);
                }
            }
            chosen.sort_unstable();
            let chosen: Vec<String> = chosen.iter().map(i64::to_string).collect();
            Ok(if chosen.is_empty() {
                Value::Null
            } else {
                Value::from(chosen.join(","))
            })
        }
        Kind::Choice => {
            let chosen = value
                .as_i64()
                .or_else(|| value.as_str()?.parse().ok())
                .ok_or_else(wrong)?;
            if column.choices.iter().any(|choice| choice.value == chosen) {
                return Ok(Value::Integer(chosen));
            }
            if ["statecode", "statuscode"].contains(&column.name.as_str()) {
                return Err(rules::wrong_state(table));
            }
            Err(no_option(table, column, chosen))
        }
        Kind::Guid => {
            let text = value.as_str().ok_or_else(wrong)?;
            if is_guid(text) {
                Ok(Value::from(text.to_ascii_lowercase()))
            } else {
                Err(wrong())
            }
        }
        Kind::DateTime => {
            let text = value.as_str().ok_or_else(wrong)?;
            let at = match (
                text.parse::<jiff::Timestamp>(),
                text.parse::<jiff::civil::Date>(),
            ) {
                (Ok(at), _) => moment(at),
                (Err(_), Ok(date)) if text.len() == 10 => format!("{date}T00:00:00Z"),
                (Err(_), _) => return Err(wrong()),
            };
            in_calendar(&at)?;
            Ok(Value::from(at))
        }
        Kind::Date => {
            let text = value
                .as_str()
                .filter(|text| text.len() == 10)
                .ok_or_else(wrong)?;
            let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
            in_calendar(text)?;
            Ok(Value::from(date.to_string()))
        }
        Kind::Lookup => Err(wrong()),
    }
}

fn shown(value: &JsonValue) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn no_option(table: &Table, column: &Column, chosen: i64) -> ApiError {
    let accepted: Vec<String> = column
        .choices
        .iter()
        .map(|choice| choice.value.to_string())
        .collect();
    ApiError::new(
        400,
        "0x8004431a",
        format!(
            "A validation error occurred. The value {chosen} of '{}' on record of type '{}' is outside the valid range. \
             Accepted Values: {}",
            column.name,
            table.logical,
            accepted.join(",")
        ),
    )
}

fn in_range(table: &Table, column: &Column, number: f64) -> Result<(), ApiError> {
    if column.min.is_none_or(|min| number >= min) && column.max.is_none_or(|max| number <= max) {
        return Ok(());
    }
    Err(ApiError::new(
        400,
        "0x80044330",
        format!(
            "A validation error occurred. The value {number} of '{}' on record of type '{}' is outside the valid range.",
            column.name, table.logical
        ),
    ))
}

fn in_calendar(text: &str) -> Result<(), ApiError> {
    if ("1753-01-01"..="9999-12-30T23:59:59Z").contains(&text) {
        return Ok(());
    }
    Err(ApiError::new(
        400,
        "0x80040239",
        "The date-time format is invalid, or value is outside the supported range.",
    ))
}

/// Creates a row and returns its id.
async fn insert_row(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: Option<&str>,
    changes: Changes,
) -> Result<String, ApiError> {
    let Changes {
        mut fields,
        mut needs,
        nested,
        bound,
    } = changes;
    let chosen = fields
        .get(&table.id)
        .and_then(Value::text)
        .map(str::to_owned);
    let id = id
        .map(str::to_owned)
        .or(chosen)
        .unwrap_or_else(|| Uuid::new_v4().to_string());
    fields.insert(table.id.clone(), Value::from(id.as_str()));
    if store::load(connection, table, &id).await?.is_some() {
        return Err(matching_key());
    }
    let now = moment(call.organization.clock.now());
    rules::complete(table, &mut fields, &call.caller.id, &now)?;
    call.organization.directory.place(table, &mut fields);
    if let Some(actor) = call.caller.acted_by.as_deref() {
        for name in ["createdonbehalfby", "modifiedonbehalfby"] {
            if table.column(name).is_some() {
                fields.insert(name.to_owned(), Value::from(actor));
            }
        }
    }
    // A row for another owner is theirs from the start: that needs the right to assign, but none over the row.
    needs.retain(|access| *access != Access::Assign);
    needs.push(Access::Create);
    permitted(call, table, &id, &fields, needs)?;
    rules::on_create(call, connection, table, &mut fields).await?;
    duplicates::check(call, connection, table, &id, &fields).await?;
    fields.insert(
        "versionnumber".to_owned(),
        Value::Integer(call.organization.store.next_version()),
    );
    keys::unique(connection, table, &id, &fields).await?;
    store::insert(connection, table, &fields).await?;
    for (navigation, rows) in nested {
        let far = Far::of(table, &navigation)?;
        for row in &rows {
            associate::create_in(call, connection, table, &id, &far, row).await?;
        }
    }
    for (navigation, references) in bound {
        let far = Far::of(table, &navigation)?;
        for reference in &references {
            associate::join(call, connection, table, &id, &navigation, &far, reference).await?;
        }
    }
    Ok(id)
}

async fn update_row(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
    existing: &Fields,
    mut changes: Fields,
) -> Result<(), ApiError> {
    let now = moment(call.organization.clock.now());
    rules::on_update(connection, table, existing, &mut changes, &now).await?;
    call.organization.directory.place(table, &mut changes);
    let mut row = existing.clone();
    row.extend(changes.clone());
    duplicates::check(call, connection, table, id, &row).await?;
    let mut stamp = |name: &str, value: Value| {
        if table.column(name).is_some() {
            changes.insert(name.to_owned(), value);
        }
    };
    stamp("modifiedon", Value::from(now));
    stamp("modifiedby", Value::from(call.caller.id.as_str()));
    let actor = call.caller.acted_by.as_deref();
    stamp("modifiedonbehalfby", actor.map_or(Value::Null, Value::from));
    changes.insert(
        "versionnumber".to_owned(),
        Value::Integer(call.organization.store.next_version()),
    );
    let is_key = |name: &String| {
        let keys = &table.alternate_keys;
        keys.iter().any(|key| key.columns.contains(name))
    };
    if changes.keys().any(is_key) {
        let mut whole = existing.clone();
        whole.extend(changes.clone());
        keys::unique(connection, table, id, &whole).await?;
    }
    store::update(connection, table, id, &changes).await?;
    Ok(())
}

/// Deletes a row and what hangs on it, as the relationships say.
pub(crate) async fn delete_row(
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
) -> Result<(), ApiError> {
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let mut waiting = vec![(table, id.to_owned())];
    while let Some((table, id)) = waiting.pop() {
        if !seen.insert((table.logical.clone(), id.clone())) {
            continue;
        }
        for child in catalog().tables.iter().filter(|child| !child.is_view()) {
            for parent in child
                .parents
                .iter()
                .filter(|parent| parent.target == table.logical)
            {
                let Some(column) = child.column(&parent.column) else {
                    continue;
                };
                let mut condition = format!("{} = ?", column.name);
                if column.is_polymorphic() {
                    condition.push_str(&format!(
                        " AND {} = '{}'",
                        column.type_name(),
                        table.logical
                    ));
                }
                match parent.on_delete {
                    OnDelete::NoCascade => {}
                    OnDelete::RemoveLink => {
                        let also = if column.is_polymorphic() {
                            format!(", {} = NULL", column.type_name())
                        } else {
                            String::new()
                        };
                        let text = format!(
                            "UPDATE {} SET {} = NULL{also} WHERE {condition}",
                            child.logical, column.name
                        );
                        Statement::new(text)
                            .with(id.as_str())
                            .query()
                            .execute(&mut *connection)
                            .await?;
                    }
                    OnDelete::Cascade | OnDelete::Restrict => {
                        let text = format!(
                            "SELECT {} FROM {} WHERE {condition}",
                            child.id, child.logical
                        );
                        let rows = Statement::new(text)
                            .with(id.as_str())
                            .query()
                            .fetch_all(&mut *connection)
                            .await?;
                        if parent.on_delete == OnDelete::Restrict && !rows.is_empty() {
                            return Err(ApiError::new(
                                405,
                                "0x80040227",
                                "The object you tried to delete is associated with another object and cannot be deleted.",
                            ));
                        }
                        for row in &rows {
                            if let Value::Text(id) = Value::at(row, 0)? {
                                waiting.push((child, id));
                            }
                        }
                    }
                }
            }
        }
        let text = format!("DELETE FROM {} WHERE {} = ?", table.logical, table.id);
        Statement::new(text)
            .with(id)
            .query()
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
