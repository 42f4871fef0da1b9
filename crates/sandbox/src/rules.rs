//! What the server itself does to a row, table by table (protocol page `entities.md`, section "Server-side rules").

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sqlx::SqliteConnection;

use crate::actions;
use crate::api::Call;
use crate::errors::ApiError;
use crate::metadata::{self, Kind, Table};
use crate::organization::ids;
use crate::store::{self, Fields};
use crate::value::{Statement, Value};

/// Attachments with these extensions are refused, as by default.
const BLOCKED_EXTENSIONS: [&str; 20] = [
    "ade", "adp", "app", "asp", "bat", "chm", "cmd", "com", "cpl", "exe", "hta", "jar", "js",
    "lnk", "msi", "ps1", "reg", "scr", "vbs", "wsf",
];

/// State Cancelled of a case.
const CANCELLED: i64 = 2;

/// 400 `0x80048408`.
pub(crate) fn wrong_state(table: &Table) -> ApiError {
    ApiError::new(
        400,
        "0x80048408",
        format!(
            "State code is invalid or state code is valid but status code is invalid for a specified state code. (entity \
             '{}')",
            table.logical
        ),
    )
}

fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::text)
}

fn set(table: &Table, fields: &mut Fields, name: &str, value: impl Into<Value>) {
    if table.column(name).is_some() {
        fields.insert(name.to_owned(), value.into());
    }
}

fn set_if_absent(table: &Table, fields: &mut Fields, name: &str, value: impl Into<Value>) {
    if table.column(name).is_some() && !fields.contains_key(name) {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Fills what every new row gets: defaults, owner, state, who and when, computed columns.
pub(crate) fn complete(
    table: &Table,
    fields: &mut Fields,
    user: &str,
    now: &str,
) -> Result<(), ApiError> {
    for column in &table.columns {
        if let Some(default) = &column.default
            && !fields.contains_key(&column.name)
            && !["statecode", "statuscode"].contains(&column.name.as_str())
        {
            fields.insert(column.name.clone(), default.clone());
        }
    }
    if table.user_owned {
        set_if_absent(table, fields, "ownerid", user);
        if !fields.contains_key("ownerid__type") {
            fields.insert("ownerid__type".to_owned(), Value::from("systemuser"));
        }
        own(table, fields);
    }
    // A unit without a parent is the organization's root, of which there is one.
    if table.logical == "businessunit" {
        set_if_absent(table, fields, "parentbusinessunitid", ids::BUSINESS_UNIT);
    }
    state_of_new_row(table, fields)?;
    if let Some(moved) = fields
        .remove("overriddencreatedon")
        .filter(|value| !value.is_null())
    {
        set(table, fields, "overriddencreatedon", Value::from(now));
        set(table, fields, "createdon", moved);
    }
    set_if_absent(table, fields, "createdon", now);
    set_if_absent(table, fields, "createdby", user);
    set_if_absent(table, fields, "modifiedon", now);
    set_if_absent(table, fields, "modifiedby", user);
    compute(table, fields);
    if table.is_activity {
        set(table, fields, "activitytypecode", table.logical.as_str());
        set(table, fields, "isregularactivity", true);
    }
    if table.logical == "annotation" {
        if let Some(of) = text(fields, "objectid__type").map(str::to_owned) {
            set(table, fields, "objecttypecode", of);
        }
        attach(table, fields)?;
    }
    Ok(())
}

/// What follows from the owner.
fn own(table: &Table, fields: &mut Fields) {
    let owner = fields.get("ownerid").cloned().unwrap_or(Value::Null);
    let is_team = text(fields, "ownerid__type") == Some("team");
    set(
        table,
        fields,
        "owninguser",
        if is_team { Value::Null } else { owner.clone() },
    );
    set(
        table,
        fields,
        "owningteam",
        if is_team { owner } else { Value::Null },
    );
    set(table, fields, "owningbusinessunit", ids::BUSINESS_UNIT);
}

fn state_of_new_row(table: &Table, fields: &mut Fields) -> Result<(), ApiError> {
    let (Some(state), Some(status)) = (table.column("statecode"), table.column("statuscode"))
    else {
        return Ok(());
    };
    let wanted = fields
        .get("statecode")
        .and_then(Value::integer)
        .unwrap_or(0);
    let default = state
        .choices
        .iter()
        .find(|choice| choice.value == wanted)
        .and_then(|choice| choice.default_status);
    let chosen = fields
        .get("statuscode")
        .and_then(Value::integer)
        .or(default);
    if let Some(chosen) = chosen {
        let fits = status
            .choices
            .iter()
            .any(|choice| choice.value == chosen && choice.state == Some(wanted));
        if !fits {
            return Err(wrong_state(table));
        }
        fields.insert("statuscode".to_owned(), Value::Integer(chosen));
    }
    fields.insert("statecode".to_owned(), Value::Integer(wanted));
    Ok(())
}

/// Full names, composite addresses, base amounts. `fields` is the whole row.
fn compute(table: &Table, fields: &mut Fields) {
    if ["contact", "lead"].contains(&table.logical.as_str()) {
        let parts: Vec<&str> = ["firstname", "lastname"]
            .into_iter()
            .filter_map(|name| text(fields, name))
            .map(str::trim)
            .collect();
        let full: String = parts.join(" ").trim().chars().take(160).collect();
        set(
            table,
            fields,
            "fullname",
            if full.is_empty() {
                Value::Null
            } else {
                Value::from(full)
            },
        );
    }
    for address in ["address1", "address2", "address3"] {
        let part = |name: &str| text(fields, &format!("{address}_{name}")).map(str::to_owned);
        let town = match (
            part("city"),
            [part("stateorprovince"), part("postalcode")]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" "),
        ) {
            (Some(city), rest) if rest.is_empty() => Some(city),
            (Some(city), rest) => Some(format!("{city}, {rest}")),
            (None, rest) => (!rest.is_empty()).then_some(rest),
        };
        let lines: Vec<String> = [
            part("line1"),
            part("line2"),
            part("line3"),
            town,
            part("country"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let composite = if lines.is_empty() {
            Value::Null
        } else {
            Value::from(lines.join("\r\n"))
        };
        set(table, fields, &format!("{address}_composite"), composite);
    }
    let mut has_money = false;
    for column in &table.columns {
        if column.kind == Kind::Money && !column.name.ends_with("_base") {
            let amount = fields.get(&column.name).cloned().unwrap_or(Value::Null);
            has_money |= !amount.is_null();
            set(table, fields, &format!("{}_base", column.name), amount);
        }
    }
    if has_money {
        if fields
            .get("transactioncurrencyid")
            .is_none_or(Value::is_null)
        {
            set(table, fields, "transactioncurrencyid", ids::CURRENCY);
        }
        set(table, fields, "exchangerate", 1.0);
    }
}

fn attach(table: &Table, fields: &mut Fields) -> Result<(), ApiError> {
    if let Some(extension) = text(fields, "filename")
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, extension)| extension)
        && BLOCKED_EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
    {
        return Err(ApiError::new(
            400,
            "0x80043e09",
            "The attachment is either not a valid type or is too large. It cannot be uploaded or downloaded.",
        ));
    }
    if let Some(body) = text(fields, "documentbody") {
        let size = STANDARD.decode(body).map_err(|_| {
            ApiError::payload(table, "The value of 'documentbody' is not valid base64.")
        })?;
        set(
            table,
            fields,
            "filesize",
            i64::try_from(size.len()).unwrap_or(i64::MAX),
        );
        set(table, fields, "isdocument", true);
    }
    Ok(())
}

/// Rules that look at other rows, for a row about to be created.
pub(crate) async fn on_create(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &Table,
    fields: &mut Fields,
) -> Result<(), ApiError> {
    if table.logical == "incident" {
        customer(connection, table, fields).await?;
        if !fields.contains_key("ticketnumber") || text(fields, "ticketnumber").is_none() {
            let number = call.organization.next_ticket.fetch_add(1, Ordering::SeqCst);
            set(table, fields, "ticketnumber", ticket(number));
        }
    }
    Ok(())
}

/// `CAS-01000-X7K2P9`: the counter, and letters derived from it.
pub(crate) fn ticket(number: u32) -> String {
    const LETTERS: [char; 31] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T',
        'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7', '8', '9',
    ];
    let mut seed = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let suffix: String = (0..6)
        .map(|_| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            LETTERS
                .get((seed >> 33) as usize % LETTERS.len())
                .copied()
                .unwrap_or('A')
        })
        .collect();
    format!("CAS-{number:05}-{suffix}")
}

async fn customer(
    connection: &mut SqliteConnection,
    table: &Table,
    fields: &mut Fields,
) -> Result<(), ApiError> {
    let (Some(id), Some(of)) = (text(fields, "customerid"), text(fields, "customerid__type"))
    else {
        return Err(ApiError::new(
            400,
            "0x80044410",
            "You should specify a parent contact or account.",
        ));
    };
    let (id, of) = (id.to_owned(), of.to_owned());
    let row = store::load(connection, metadata::table(&of), &id).await?;
    if row.and_then(|row| row.get("statecode").and_then(Value::integer)) == Some(1) {
        return Err(ApiError::new(
            400,
            "0x80040517",
            "An inactive customer cannot be set as the parent of an object.",
        ));
    }
    let (account, contact) = if of == "account" {
        (Value::from(id), Value::Null)
    } else {
        (Value::Null, Value::from(id))
    };
    set(table, fields, "accountid", account);
    set(table, fields, "contactid", contact);
    Ok(())
}

/// Rules for a change. `changes` is completed with what follows from it.
pub(crate) async fn on_update(
    connection: &mut SqliteConnection,
    table: &Table,
    existing: &Fields,
    changes: &mut Fields,
    now: &str,
) -> Result<(), ApiError> {
    change_state(table, existing, changes, now)?;
    if table.logical == "incident"
        && changes.get("statecode").and_then(Value::integer) == Some(CANCELLED)
        && existing.get("statecode").and_then(Value::integer) != Some(CANCELLED)
        && let Some(id) = text(existing, "incidentid")
        && actions::has_open_activities(connection, id).await?
    {
        return Err(ApiError::new(
            400,
            "0x8004440e",
            "The incident can not be cancelled because there are open activities for this incident.",
        ));
    }
    if changes.contains_key("ownerid") {
        own(table, changes);
    }
    if table.logical == "incident" && changes.contains_key("customerid") {
        customer(connection, table, changes).await?;
    }
    if table.logical == "account"
        && let Some(parent) = text(changes, "parentaccountid").map(str::to_owned)
        && let Some(id) = text(existing, "accountid")
    {
        no_loop(connection, id, parent).await?;
    }
    let mut whole = existing.clone();
    whole.extend(
        changes
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    compute(table, &mut whole);
    if table.logical == "annotation" {
        attach(table, &mut whole)?;
    }
    for (name, value) in whole {
        if existing.get(&name).unwrap_or(&Value::Null) != &value {
            changes.insert(name, value);
        }
    }
    Ok(())
}

fn change_state(
    table: &Table,
    existing: &Fields,
    changes: &mut Fields,
    now: &str,
) -> Result<(), ApiError> {
    let (Some(state), Some(status)) = (table.column("statecode"), table.column("statuscode"))
    else {
        return Ok(());
    };
    let before = existing
        .get("statecode")
        .and_then(Value::integer)
        .unwrap_or(0);
    let wanted_state = changes.get("statecode").and_then(Value::integer);
    let wanted_status = changes.get("statuscode").and_then(Value::integer);
    let state_of = |value: i64| {
        status
            .choices
            .iter()
            .find(|choice| choice.value == value)
            .and_then(|choice| choice.state)
    };
    let default_of = |value: i64| {
        state
            .choices
            .iter()
            .find(|choice| choice.value == value)
            .and_then(|choice| choice.default_status)
    };
    let after = match (wanted_state, wanted_status) {
        (None, None) => before,
        (None, Some(status)) => state_of(status).ok_or_else(|| wrong_state(table))?,
        (Some(state), None) => {
            let default = default_of(state).ok_or_else(|| wrong_state(table))?;
            changes.insert("statuscode".to_owned(), Value::Integer(default));
            state
        }
        (Some(state), Some(status)) if state_of(status) == Some(state) => state,
        (Some(_), Some(_)) => return Err(wrong_state(table)),
    };
    let others = changes
        .keys()
        .any(|name| name != "statecode" && name != "statuscode");
    if before != 0 && after != 0 && others {
        return Err(ApiError::new(
            400,
            "0x80040230",
            "The object cannot be updated because it is inactive. Reactivate it first.",
        ));
    }
    if before == after {
        return Ok(());
    }
    if table.logical == "incident" && after == 1 {
        return Err(ApiError::new(
            400,
            "0x80040233",
            "This message can not be used to set the state of incident to Resolved. In order to set state of incident to \
             Resolved, use the CloseIncidentRequest message instead.",
        ));
    }
    changes.insert("statecode".to_owned(), Value::Integer(after));
    if table.is_activity {
        set(
            table,
            changes,
            "actualend",
            if after == 0 {
                Value::Null
            } else {
                Value::from(now)
            },
        );
    }
    Ok(())
}

/// An account must not be its own ancestor.
async fn no_loop(
    connection: &mut SqliteConnection,
    id: &str,
    parent: String,
) -> Result<(), ApiError> {
    let mut next = Some(parent);
    while let Some(ancestor) = next {
        if ancestor == id {
            return Err(ApiError::new(
                400,
                "0x8004021a",
                "Creating this parental association would create a loop in the account hierarchy.",
            ));
        }
        let statement = Statement::new("SELECT parentaccountid FROM account WHERE accountid = ?")
            .with(ancestor);
        let row = statement.query().fetch_optional(&mut *connection).await?;
        next = match row {
            Some(row) => Value::at(&row, 0)?.text().map(str::to_owned),
            None => None,
        };
    }
    Ok(())
}
