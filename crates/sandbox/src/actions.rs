//! Actions that are more than a write: resolving a case, qualifying a lead (protocol page `crud.md`, section "Activity
//! lifecycle and case resolution").

use sandbox_syntax::options::Options;
use serde_json::Value as JsonValue;
use sqlx::SqliteConnection;

use crate::api::{Call, keys};
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{self, Table, catalog};
use crate::query::Query;
use crate::references;
use crate::rows::{self, Selection};
use crate::rules;
use crate::security::Access;
use crate::server::Answer;
use crate::store::{self, Fields};
use crate::value::{Statement, Value, moment};
use crate::write::{self, Body};

const OPEN: i64 = 0;
/// State Resolved of a case, Qualified of a lead, Completed of an activity.
const DONE: i64 = 1;
/// Status Closed of a case resolution.
const CLOSED: i64 = 2;

/// `POST CloseIncident`: resolves a case and keeps the resolution as an activity.
pub(crate) async fn close_incident(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
) -> Result<Answer, ApiError> {
    let incident = metadata::table("incident");
    let resolution = metadata::table("incidentresolution");
    let mut body = write::object(call, incident)?;
    let Some(JsonValue::Object(mut given)) = body.remove("IncidentResolution") else {
        return Err(missing(incident, "IncidentResolution"));
    };
    let status = body.get("Status").and_then(JsonValue::as_i64);
    let status = status.ok_or_else(|| missing(incident, "Status"))?;
    let id = case_of(call, connection, resolution, &mut given).await?;
    let case = store::load(connection, incident, &id)
        .await?
        .ok_or_else(|| call.no_row(incident, &id))?;
    call.caller
        .require_access(Access::Write, incident, &id, &case)?;
    match case.get("statecode").and_then(Value::integer) {
        Some(OPEN) | None => {}
        Some(DONE) => {
            return Err(ApiError::new(
                400,
                "0x800404cf",
                "The case has already been resolved.",
            ));
        }
        Some(_) => {
            return Err(ApiError::new(
                400,
                "0x80044411",
                "The incident is already closed or cancelled.",
            ));
        }
    }
    if any_open(connection, incident, "parentcaseid", &id).await? {
        return Err(ApiError::new(
            400,
            "0x8003f452",
            "Close all active child cases before you close this case.",
        ));
    }
    if has_open_activities(connection, &id).await? {
        return Err(ApiError::new(
            400,
            "0x8004f456",
            "This case can't be closed because it has open activities.",
        ));
    }
    let status = status_of(incident, DONE, status)?;
    given.remove("incidentid");
    given.remove("incidentid@odata.bind");
    let mut fields = Fields::new();
    fields.insert("incidentid".to_owned(), Value::from(id.as_str()));
    let activity = write::insert_body(call, connection, resolution, None, fields, &given).await?;
    let mut ended = Fields::new();
    ended.insert("statecode".to_owned(), Value::Integer(DONE));
    ended.insert("statuscode".to_owned(), Value::Integer(CLOSED));
    let now = moment(call.organization.clock.now());
    ended.insert("actualend".to_owned(), Value::from(now));
    ended.retain(|name, _| resolution.column(name).is_some());
    store::update(connection, resolution, &activity, &ended).await?;
    put_into_state(call, connection, incident, &id, DONE, status, Fields::new()).await?;
    // An action's 204 has no OData-EntityId.
    Ok(Answer::empty(204).header("odata-version", "4.0"))
}

fn missing(table: &Table, parameter: &str) -> ApiError {
    ApiError::payload(
        table,
        format!("The parameter '{parameter}' is missing or is not of its type."),
    )
}

/// The case that a resolution names: bound, or as a nested object with its id.
async fn case_of(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    resolution: &Table,
    given: &mut Body,
) -> Result<String, ApiError> {
    let incident = metadata::table("incident");
    let bound = [
        "incidentid@odata.bind",
        "incidentid_incidentresolution@odata.bind",
    ]
    .iter()
    .find_map(|name| given.remove(*name));
    if let Some(reference) = bound {
        let reference = references::text(resolution, "incidentid@odata.bind", &reference)?;
        let (of, named) = references::resolve(call, connection, resolution, reference).await?;
        if of.logical != incident.logical {
            return Err(references::misfit(resolution, "incidentid", reference));
        }
        return Ok(named.existing(incident)?.to_owned());
    }
    let id = given
        .get("incidentid")
        .and_then(|case| case.get("incidentid"))
        .and_then(JsonValue::as_str)
        .ok_or_else(|| missing(resolution, "incidentid"))?;
    let named = keys::named(connection, incident, id).await?;
    Ok(named.existing(incident)?.to_owned())
}

/// Is there an open row of `table` whose look-up points to a row?
async fn any_open(
    connection: &mut SqliteConnection,
    table: &Table,
    column: &str,
    id: &str,
) -> Result<bool, ApiError> {
    let statement = Statement::new(format!(
        "SELECT 1 FROM {} WHERE {column} = ? AND statecode = {OPEN} LIMIT 1",
        table.logical
    ));
    let row = statement
        .with(id)
        .query()
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Has a case an activity that is not completed?
pub(crate) async fn has_open_activities(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<bool, ApiError> {
    let activities = catalog().tables.iter().filter(|table| {
        table.is_activity && !table.is_view() && table.column("regardingobjectid").is_some()
    });
    for table in activities {
        if any_open(connection, table, "regardingobjectid", id).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A status of a state; `-1` stands for the state's default.
fn status_of(table: &Table, state: i64, status: i64) -> Result<i64, ApiError> {
    let choices = |name: &str| table.column(name).map(|column| &column.choices);
    if status == -1 {
        return choices("statecode")
            .and_then(|states| states.iter().find(|choice| choice.value == state))
            .and_then(|choice| choice.default_status)
            .ok_or_else(|| rules::wrong_state(table));
    }
    choices("statuscode")
        .and_then(|statuses| statuses.iter().find(|choice| choice.value == status))
        .filter(|choice| choice.state == Some(state))
        .map(|choice| choice.value)
        .ok_or_else(|| rules::wrong_state(table))
}

/// Puts a row into a state that a plain update may not put it into.
async fn put_into_state(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &Table,
    id: &str,
    state: i64,
    status: i64,
    mut fields: Fields,
) -> Result<(), ApiError> {
    let now = moment(call.organization.clock.now());
    let actor = call.caller.acted_by.as_deref();
    for (name, value) in [
        ("modifiedonbehalfby", actor.map_or(Value::Null, Value::from)),
        ("statecode", Value::Integer(state)),
        ("statuscode", Value::Integer(status)),
        ("modifiedon", Value::from(now)),
        ("modifiedby", Value::from(call.caller.id.as_str())),
        (
            "versionnumber",
            Value::Integer(call.organization.store.next_version()),
        ),
    ] {
        fields.insert(name.to_owned(), value);
    }
    store::update(connection, table, id, &fields).await?;
    Ok(())
}

/// Columns that a lead hands to the account that is made of it.
const TO_ACCOUNT: [(&str, &str); 14] = [
    ("companyname", "name"),
    ("telephone1", "telephone1"),
    ("fax", "fax"),
    ("websiteurl", "websiteurl"),
    ("sic", "sic"),
    ("industrycode", "industrycode"),
    ("numberofemployees", "numberofemployees"),
    ("description", "description"),
    ("address1_line1", "address1_line1"),
    ("address1_line2", "address1_line2"),
    ("address1_city", "address1_city"),
    ("address1_stateorprovince", "address1_stateorprovince"),
    ("address1_postalcode", "address1_postalcode"),
    ("address1_country", "address1_country"),
];

/// Columns that a lead hands to the contact that is made of it.
const TO_CONTACT: [&str; 19] = [
    "firstname",
    "middlename",
    "lastname",
    "salutation",
    "jobtitle",
    "emailaddress1",
    "emailaddress2",
    "emailaddress3",
    "telephone1",
    "telephone2",
    "telephone3",
    "mobilephone",
    "websiteurl",
    "address1_line1",
    "address1_line2",
    "address1_city",
    "address1_stateorprovince",
    "address1_postalcode",
    "address1_country",
];

/// `POST leads(id)/Microsoft.Dynamics.CRM.QualifyLead`: makes an account and a contact of a lead and closes it.
pub(crate) async fn qualify_lead(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<Answer, ApiError> {
    let lead = metadata::table("lead");
    let body = write::object(call, lead)?;
    let asked = |name: &str| {
        body.get(name)
            .and_then(JsonValue::as_bool)
            .ok_or_else(|| missing(lead, name))
    };
    let (account, contact) = (asked("CreateAccount")?, asked("CreateContact")?);
    if asked("CreateOpportunity")? {
        return Err(ApiError::not_simulated("the table 'opportunity'"));
    }
    let status = body.get("Status").and_then(JsonValue::as_i64);
    let status = status.ok_or_else(|| missing(lead, "Status"))?;
    let row = store::load(connection, lead, id)
        .await?
        .ok_or_else(|| call.no_row(lead, id))?;
    call.caller.require_access(Access::Write, lead, id, &row)?;
    if row.get("statecode").and_then(Value::integer) != Some(OPEN) {
        return Err(ApiError::new(
            400,
            "0x80040519",
            "The lead is already closed.",
        ));
    }
    let status = status_of(lead, DONE, status)?;
    let from_lead = |target: &Table, pairs: &mut dyn Iterator<Item = (&str, &str)>| {
        let mut fields = Fields::new();
        for (from, to) in pairs {
            if let Some(value) = row.get(from)
                && target.column(to).is_some()
            {
                fields.insert(to.to_owned(), value.clone());
            }
        }
        fields.insert("originatingleadid".to_owned(), Value::from(id));
        fields
    };
    let mut created = Vec::new();
    let mut closing = Fields::new();
    let empty = Body::new();
    if account {
        let table = metadata::table("account");
        let mut fields = from_lead(table, &mut TO_ACCOUNT.into_iter());
        if !fields.contains_key("name")
            && let Some(name) = row.get("fullname")
        {
            fields.insert("name".to_owned(), name.clone());
        }
        let new = write::insert_body(call, connection, table, None, fields, &empty).await?;
        closing.insert("parentaccountid".to_owned(), Value::from(new.as_str()));
        created.push((table, new));
    }
    if contact {
        let table = metadata::table("contact");
        let mut fields = from_lead(table, &mut TO_CONTACT.into_iter().map(|name| (name, name)));
        let parent = closing
            .get("parentaccountid")
            .or_else(|| row.get("parentaccountid"));
        if let Some(parent) = parent {
            fields.insert("parentcustomerid".to_owned(), parent.clone());
            fields.insert("parentcustomerid__type".to_owned(), Value::from("account"));
        }
        let new = write::insert_body(call, connection, table, None, fields, &empty).await?;
        closing.insert("parentcontactid".to_owned(), Value::from(new.as_str()));
        created.push((table, new));
    }
    put_into_state(call, connection, lead, id, DONE, status, closing).await?;
    let mut value = Vec::new();
    for (table, id) in created {
        value.push(rendered(call, connection, table, &id).await?);
    }
    Ok(call.json(
        200,
        Json::Object(vec![
            call.context("Collection(Microsoft.Dynamics.CRM.crmbaseentity)"),
            ("value".to_owned(), Json::Array(value)),
        ]),
    ))
}

/// A whole row with its type, as one of rows of several tables.
async fn rendered(
    call: &Call<'_>,
    connection: &mut SqliteConnection,
    table: &'static Table,
    id: &str,
) -> Result<Json, ApiError> {
    let options = Options::default();
    let selection = Selection::read(table, &options, false)?;
    let reading = call.reading(&options.aliases);
    let key = table
        .column(&table.id)
        .ok_or_else(|| call.no_row(table, id))?;
    let query = Query::new(table).only(key, id);
    let records = rows::fetch(connection, &query, &selection, reading.annotations).await?;
    let rows = rows::render(connection, &records, &selection, &[], &reading).await?;
    let mut members = vec![(
        "@odata.type".to_owned(),
        Json::Text(format!("#Microsoft.Dynamics.CRM.{}", table.logical)),
    )];
    members.extend(rows.into_iter().next().unwrap_or_default());
    Ok(Json::Object(members))
}
