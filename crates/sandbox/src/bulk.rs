//! Bulk actions: `CreateMultiple`, `UpdateMultiple`, `UpsertMultiple`, `BulkDelete` (protocol pages `crud.md`, section "Bulk
//! actions", and `clients.md`). Each is all or nothing.

use serde_json::Value as JsonValue;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::api::{Call, keys};
use crate::auth::Deployment;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Kind, Table, catalog};
use crate::query::{Asker, Query};
use crate::references;
use crate::security::Access;
use crate::server::Answer;
use crate::store::{self, Fields};
use crate::value::Value;
use crate::write::{self, Body};

/// `POST contacts/Microsoft.Dynamics.CRM.CreateMultiple` and its siblings.
pub(crate) async fn run(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    action: &str,
) -> Result<Answer, ApiError> {
    let known = ["CreateMultiple", "UpdateMultiple", "UpsertMultiple"].contains(&action);
    if !known || call.request.deployment == Deployment::OnPremises {
        return Err(ApiError::no_segment(action));
    }
    let mut body = write::object(call, table)?;
    let mut ids = Vec::new();
    for target in targets(table, &mut body)? {
        match action {
            "CreateMultiple" => {
                let id = write::insert_body(call, connection, table, None, Fields::new(), &target)
                    .await
                    .map_err(|error| in_bulk(table, error))?;
                ids.push(Json::Text(id));
            }
            "UpdateMultiple" => {
                let named = named(call, connection, table, &target)
                    .await?
                    .ok_or_else(|| no_key(table))?;
                let id = named.existing(table)?;
                if store::load(connection, table, id).await?.is_none() {
                    return Err(not_found(table, id));
                }
                write::write_row(call, connection, table, &named, target).await?;
            }
            _ => match named(call, connection, table, &target).await? {
                Some(named) => {
                    write::write_row(call, connection, table, &named, target).await?;
                }
                None => {
                    write::insert_body(call, connection, table, None, Fields::new(), &target)
                        .await
                        .map_err(|error| in_bulk(table, error))?;
                }
            },
        }
    }
    if action == "CreateMultiple" {
        return Ok(call.json(
            200,
            Json::Object(vec![
                call.context("Microsoft.Dynamics.CRM.CreateMultipleResponse"),
                ("Ids".to_owned(), Json::Array(ids)),
            ]),
        ));
    }
    Ok(Answer::empty(204).header("odata-version", "4.0"))
}

/// The rows of a bulk action's body.
fn targets(table: &Table, body: &mut Body) -> Result<Vec<Body>, ApiError> {
    let missing = || ApiError::payload(table, "The parameter 'Targets' must be an array of rows.");
    let Some(JsonValue::Array(rows)) = body.remove("Targets") else {
        return Err(missing());
    };
    let mut targets = Vec::new();
    for row in rows {
        let JsonValue::Object(row) = row else {
            return Err(missing());
        };
        if let Some(of) = row.get("@odata.type") {
            let name = of.as_str().unwrap_or_default().trim_start_matches('#');
            if name.strip_prefix("Microsoft.Dynamics.CRM.") != Some(&table.logical) {
                return Err(ApiError::payload(
                    table,
                    format!(
                        "A row of type '{name}' is not of the type of the entity set '{}'.",
                        table.set
                    ),
                ));
            }
        }
        targets.push(row);
    }
    if targets.is_empty() {
        return Err(missing());
    }
    Ok(targets)
}

/// Which row a target means: by `@odata.id`, or by its primary key. `None` if it has neither.
async fn named(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &Table,
    target: &Body,
) -> Result<Option<keys::Named>, ApiError> {
    if let Some(reference) = target.get("@odata.id") {
        let reference = references::text(table, "@odata.id", reference)?;
        let (of, named) = references::resolve(call, connection, table, reference).await?;
        if of.logical != table.logical {
            return Err(references::misfit(table, "@odata.id", reference));
        }
        return Ok(Some(named));
    }
    match target.get(&table.id).and_then(JsonValue::as_str) {
        Some(id) => Ok(Some(keys::named(connection, table, id).await?)),
        None => Ok(None),
    }
}

fn no_key(table: &Table) -> ApiError {
    ApiError::request(format!(
        "A row of UpdateMultiple has neither '{}' nor '@odata.id'.",
        table.id
    ))
}

/// 404 in the words of bulk calls (protocol page `errors-and-limits.md`).
fn not_found(table: &Table, id: &str) -> ApiError {
    ApiError::new(
        404,
        "0x80040217",
        format!("{} With Ids = {id} Do Not Exist", table.schema),
    )
}

/// Bulk calls say otherwise that an id is taken.
fn in_bulk(table: &Table, error: ApiError) -> ApiError {
    if error.code == "0x80040237" {
        return ApiError::new(
            412,
            "0x80040237",
            format!("Cannot insert duplicate key. (entity '{}')", table.logical),
        );
    }
    error
}

/// `POST BulkDelete`. The rows are gone when the answer comes; the job that it names is done.
pub(crate) async fn delete(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
) -> Result<Answer, ApiError> {
    let body: JsonValue = serde_json::from_slice(&call.request.body)
        .map_err(|error| ApiError::request(format!("Invalid JSON. {error}")))?;
    let queries = body
        .get("QuerySet")
        .and_then(JsonValue::as_array)
        .filter(|queries| !queries.is_empty())
        .ok_or_else(|| {
            ApiError::request("The parameter 'QuerySet' must be an array of queries.")
        })?;
    for query in queries {
        let name = query.get("EntityName").and_then(JsonValue::as_str);
        let table = name.and_then(|name| catalog().table(name)).ok_or_else(|| {
            ApiError::new(
                404,
                "0x80040217",
                format!("The entity '{}' does not exist.", name.unwrap_or_default()),
            )
        })?;
        write::writable(call, table, Access::Delete)?;
        call.caller.require(Access::Read, table)?;
        let asker = Asker {
            user: call.caller.id.clone(),
            business_unit: call.caller.business_unit.clone(),
            now: call.organization.clock.now(),
        };
        let mut found = Query::new(table);
        if let Some(filter) = query
            .get("Criteria")
            .map(|criteria| filter(table, criteria, 0))
        {
            let filter = filter?;
            if !filter.is_empty() {
                found = found.filter(&filter, &|_| None, &asker)?;
            }
        }
        let rows = call
            .caller
            .within_reach(found)
            .select(&format!("t0.{}", table.id))
            .query()
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            let Value::Text(id) = Value::at(row, 0)? else {
                continue;
            };
            // What the job may not delete stays, as with the platform's: the job counts it as failed and goes on.
            let allowed = call
                .caller
                .require_row(connection, Access::Delete, table, &id)
                .await;
            match allowed {
                Ok(()) => write::delete_row(connection, table, &id).await?,
                Err(refused) if refused.status == 403 => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(call.json(
        200,
        Json::Object(vec![
            call.context("Microsoft.Dynamics.CRM.BulkDeleteResponse"),
            ("JobId".to_owned(), Json::Text(Uuid::new_v4().to_string())),
        ]),
    ))
}

/// A `FilterExpression` as `$filter` text: its operators are the query functions of OData by the same names.
fn filter(table: &Table, expression: &JsonValue, depth: usize) -> Result<String, ApiError> {
    const DEEPEST: usize = 20;
    if depth > DEEPEST {
        return Err(ApiError::request(
            "The query's filters are nested too deeply.",
        ));
    }
    let list = |name: &str| {
        let items = expression.get(name).and_then(JsonValue::as_array);
        items.cloned().unwrap_or_default()
    };
    let mut parts = Vec::new();
    for condition in &list("Conditions") {
        parts.push(self::condition(table, condition)?);
    }
    for inner in &list("Filters") {
        let inner = filter(table, inner, depth + 1)?;
        if !inner.is_empty() {
            parts.push(format!("({inner})"));
        }
    }
    let joint = match expression.get("FilterOperator").and_then(JsonValue::as_str) {
        Some("Or") => " or ",
        _ => " and ",
    };
    Ok(parts.join(joint))
}

fn condition(table: &Table, condition: &JsonValue) -> Result<String, ApiError> {
    let text = |name: &str| condition.get(name).and_then(JsonValue::as_str);
    let (Some(attribute), Some(operator)) = (text("AttributeName"), text("Operator")) else {
        return Err(ApiError::request(
            "A condition of the query has no 'AttributeName' or no 'Operator'.",
        ));
    };
    let column = table
        .column(attribute)
        .ok_or_else(|| ApiError::no_property(table, attribute))?;
    let property = &column.property;
    let values: Vec<String> = condition
        .get("Values")
        .and_then(JsonValue::as_array)
        .into_iter()
        .flatten()
        .map(|value| {
            let value = value.get("Value").unwrap_or(value);
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        })
        .collect();
    let quoted = |value: &String| format!("'{}'", value.replace('\'', "''"));
    let is_text = matches!(column.kind, Kind::Text | Kind::MultiChoice);
    let literal = |value: &String| match is_text {
        true => quoted(value),
        false => value.clone(),
    };
    let compare = match operator {
        "Equal" => "eq",
        "NotEqual" => "ne",
        "GreaterThan" => "gt",
        "GreaterEqual" => "ge",
        "LessThan" => "lt",
        "LessEqual" => "le",
        "Null" => return Ok(format!("{property} eq null")),
        "NotNull" => return Ok(format!("{property} ne null")),
        "Like" | "NotLike" => {
            let like = values
                .first()
                .and_then(|pattern| like(property, pattern))
                .ok_or_else(|| ApiError::not_simulated("this pattern in a query"))?;
            return Ok(match operator {
                "Like" => like,
                _ => format!("not {like}"),
            });
        }
        other => {
            let is_name = other.chars().all(|c| c.is_ascii_alphanumeric());
            if !is_name {
                return Err(ApiError::request(format!(
                    "The operator '{other}' is not valid."
                )));
            }
            let name = format!("Microsoft.Dynamics.CRM.{other}(PropertyName='{property}'");
            let values: Vec<String> = values.iter().map(quoted).collect();
            let takes_list = ["In", "NotIn", "Between", "NotBetween"].contains(&other);
            return Ok(match values.as_slice() {
                several if takes_list => {
                    format!(
                        "{name},PropertyValues=[{}])",
                        several.join(",").replace('\'', "\"")
                    )
                }
                [] => format!("{name})"),
                [one, ..] => format!("{name},PropertyValue={one})"),
            });
        }
    };
    let value = values.first().ok_or_else(|| {
        ApiError::request(format!("The condition on '{attribute}' needs a value."))
    })?;
    Ok(format!("{property} {compare} {}", literal(value)))
}

/// `%` at the ends of a pattern.
fn like(property: &str, pattern: &str) -> Option<String> {
    let (starts, rest) = match pattern.strip_prefix('%') {
        Some(rest) => (false, rest),
        None => (true, pattern),
    };
    let (ends, middle) = match rest.strip_suffix('%') {
        Some(middle) => (false, middle),
        None => (true, rest),
    };
    if middle.contains(['%', '_', '[']) {
        return None;
    }
    let value = format!("'{}'", middle.replace('\'', "''"));
    Some(match (starts, ends) {
        (true, true) => format!("{property} eq {value}"),
        (true, false) => format!("startswith({property},{value})"),
        (false, true) => format!("endswith({property},{value})"),
        (false, false) => format!("contains({property},{value})"),
    })
}
