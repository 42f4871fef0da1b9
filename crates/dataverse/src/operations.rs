//! Dataverse's own functions and actions (protocol pages `service.md`, `crud.md` and `duplicates.md`).

use crate::body::{RecordBody, Reference};
use crate::call::{Call, Target};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::odata::{Literal, column, encode, invalid, record_path};
use crate::row::Row;
use crate::transport::Answer;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value};
use std::fmt;
use uuid::Uuid;

/// A call of a function, which changes nothing: `RetrieveTotalRecordCount`, `RetrieveDuplicates`.
#[derive(Clone)]
pub struct Function {
    name: String,
    on: Option<Reference>,
    arguments: Vec<(String, Argument)>,
}

#[derive(Clone)]
enum Argument {
    Literal(Literal),
    Json(Value),
}

impl Function {
    /// A function by its name; one that is bound to a record by [`Function::on`] is named without its namespace.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            on: None,
            arguments: Vec::new(),
        }
    }

    /// Of this record.
    #[must_use]
    pub fn on(mut self, record: Reference) -> Self {
        self.on = Some(record);
        self
    }

    /// With a simple value.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Literal>) -> Self {
        self.arguments
            .push((name.into(), Argument::Literal(value.into())));
        self
    }

    /// With a list, a record or another structure.
    #[must_use]
    pub fn with_json(mut self, name: impl Into<String>, value: Value) -> Self {
        self.arguments.push((name.into(), Argument::Json(value)));
        self
    }

    /// Every argument goes into an alias of the query string, for an address's path takes less than that.
    pub(crate) fn call(&self, client: &Client) -> Result<Call> {
        let mut names = Vec::new();
        let mut values = Vec::new();
        for (number, (name, argument)) in (1..).zip(&self.arguments) {
            names.push(format!("{}=@p{number}", column(name)?));
            let mut text = String::new();
            match argument {
                Argument::Literal(literal) => literal.write(&mut text)?,
                Argument::Json(value) => text = value.to_string(),
            }
            values.push(format!("@p{number}={}", encode(&text)));
        }
        let path = format!(
            "{}({})",
            path(&self.name, self.on.as_ref())?,
            names.join(",")
        );
        let url = client.url(&path, &values.join("&"))?;
        Ok(Call::read("function", entity_set(self.on.as_ref()), url))
    }
}

/// The name of the function and of its arguments; never their values.
impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        f.debug_list()
            .entries(self.arguments.iter().map(|(name, _)| name))
            .finish()
    }
}

/// A call of an action, which changes something: `CloseIncident`, `QualifyLead`. Never repeated by itself.
#[derive(Clone)]
pub struct Action {
    name: String,
    on: Option<Reference>,
    parameters: Map<String, Value>,
}

impl Action {
    /// An action by its name; one that is bound to a record by [`Action::on`] is named without its namespace.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            on: None,
            parameters: Map::new(),
        }
    }

    /// Of this record.
    #[must_use]
    pub fn on(mut self, record: Reference) -> Self {
        self.on = Some(record);
        self
    }

    /// With a parameter.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// With a parameter that is a record of this table (logical name).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidQuery`] if the body cannot be written.
    pub fn with_record(
        mut self,
        name: impl Into<String>,
        table: &str,
        record: &RecordBody,
    ) -> Result<Self> {
        self.parameters
            .insert(name.into(), typed(table, record.members()?)?);
        Ok(self)
    }

    pub(crate) fn call(&self, client: &Client) -> Result<Call> {
        let call = Call {
            operation: "action",
            entity_set: entity_set(self.on.as_ref()).map(str::to_owned),
            method: Method::POST,
            target: Target::Url(client.url(&path(&self.name, self.on.as_ref())?, "")?),
            headers: HeaderMap::new(),
            body: None,
            repeatable: false,
        };
        call.json(&self.parameters)
    }
}

/// The name of the action and of its parameters; never their values.
impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        f.debug_list().entries(self.parameters.keys()).finish()
    }
}

/// How a case is resolved (protocol page `crud.md`, section "Activity lifecycle and case resolution").
#[derive(Clone, PartialEq, Eq)]
pub struct Resolution {
    /// What the resolution is called.
    pub subject: String,
    /// What was done.
    pub description: Option<String>,
    /// Minutes that are billed.
    pub minutes: Option<u32>,
    /// A status of the state Resolved, such as 5 (Problem Solved); none for the default.
    pub status: Option<i32>,
}

/// Which parts there are; never their text.
impl fmt::Debug for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolution")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// What becomes of a lead (protocol page `crud.md`, section "Activity lifecycle and case resolution").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Qualification {
    /// Creates an account from it.
    pub account: bool,
    /// Creates a contact from it.
    pub contact: bool,
    /// Creates an opportunity from it.
    pub opportunity: bool,
    /// A status of the state Qualified, such as 3.
    pub status: i32,
}

impl Client {
    /// Calls a function and gives its answer as it is.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if Dataverse has no such function; otherwise as for [`Client::query`].
    pub async fn call(&self, function: &Function) -> Result<Map<String, Value>> {
        self.execute(function.call(self)?)
            .await?
            .into_success_object()
    }

    /// Calls an action and gives its answer as it is, if it has one.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of signing in, sending or answering.
    pub async fn act(&self, action: &Action) -> Result<Option<Map<String, Value>>> {
        acted(self.execute(action.call(self)?).await?)
    }

    /// Resolves a case. A change of its state would be refused by the rules of most organizations; the action works in
    /// all.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidState`] if it is closed already, or activities or cases below it are open; otherwise as for
    /// [`Client::act`].
    pub async fn resolve_case(&self, case: Uuid, resolution: &Resolution) -> Result<()> {
        let mut record = RecordBody::new()
            .set("subject", resolution.subject.as_str())
            .bind("incidentid", Reference::record("incidents", case));
        if let Some(description) = &resolution.description {
            record = record.set("description", description.as_str());
        }
        if let Some(minutes) = resolution.minutes {
            record = record.set("timespent", i64::from(minutes));
        }
        let action = Action::new("CloseIncident")
            .with_record("IncidentResolution", "incidentresolution", &record)?
            .with("Status", resolution.status.unwrap_or(-1));
        self.act(&action).await.map(|_| ())
    }

    /// Turns a lead into what is asked for and gives the records that were created.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidState`] if it is closed already; otherwise as for [`Client::act`].
    pub async fn qualify_lead(&self, lead: Uuid, into: Qualification) -> Result<Vec<Row>> {
        let action = Action::new("QualifyLead")
            .on(Reference::record("leads", lead))
            .with("CreateAccount", into.account)
            .with("CreateContact", into.contact)
            .with("CreateOpportunity", into.opportunity)
            .with("Status", into.status);
        match self.act(&action).await? {
            Some(answer) => rows(answer),
            None => Ok(Vec::new()),
        }
    }

    /// The records that the organization's duplicate rules find for one that is about to be written (protocol page
    /// `duplicates.md`, section "RetrieveDuplicates"): what to ask after [`Error::Duplicates`]. Tables are named by their
    /// logical names (`contact`); `matching` may be another table if a rule pairs both. At most `most` rows, with all
    /// their columns.
    ///
    /// # Errors
    ///
    /// [`Error::BadRequest`] if duplicates are not detected in this organization or table; otherwise as for
    /// [`Client::call`].
    pub async fn duplicates(
        &self,
        table: &str,
        record: &RecordBody,
        matching: &str,
        most: u16,
    ) -> Result<Vec<Row>> {
        // A rule compares columns; a bind is none.
        let columns = record
            .members()?
            .iter()
            .filter(|(name, value)| !name.contains('@') && !value.is_object() && !value.is_array())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let function = Function::new("RetrieveDuplicates")
            .with_json("BusinessEntity", typed(table, &columns)?)
            .with("MatchingEntityName", column(matching)?)
            .with_json(
                "PagingInfo",
                serde_json::json!({"PageNumber": 1, "Count": most}),
            );
        rows(self.call(&function).await?)
    }
}

/// The answer of an action: an object, or nothing.
pub(crate) fn acted(answer: Answer) -> Result<Option<Map<String, Value>>> {
    if answer.status == StatusCode::NO_CONTENT {
        Ok(None)
    } else {
        answer.into_success_object().map(Some)
    }
}

fn rows(mut answer: Map<String, Value>) -> Result<Vec<Row>> {
    let Some(Value::Array(values)) = answer.remove("value") else {
        return Err(Error::NotDataverse { answer: None });
    };
    values.into_iter().map(Row::try_from).collect()
}

/// A record as a parameter names its table.
fn typed(table: &str, members: &Map<String, Value>) -> Result<Value> {
    let mut typed = Map::new();
    let name = format!("Microsoft.Dynamics.CRM.{}", column(table)?);
    typed.insert("@odata.type".to_owned(), name.into());
    typed.extend(members.clone());
    Ok(Value::Object(typed))
}

/// Bound operations carry their namespace, unbound ones do not.
fn path(name: &str, on: Option<&Reference>) -> Result<String> {
    match on {
        None => Ok(column(name)?.to_owned()),
        Some(Reference::Record { entity_set, key }) => Ok(format!(
            "{}/Microsoft.Dynamics.CRM.{}",
            record_path(entity_set, key)?,
            column(name)?
        )),
        Some(Reference::Item(_)) => Err(invalid(
            "functions and actions are called on records that exist",
        )),
    }
}

fn entity_set(on: Option<&Reference>) -> Option<&str> {
    match on {
        Some(Reference::Record { entity_set, .. }) => Some(entity_set),
        Some(Reference::Item(_)) | None => None,
    }
}
