//! The Web API: which request means what (protocol pages `service.md`, `crud.md`, `query.md`).
//!
//! [`Call::handle`] is the one table of routes; a feature is one arm of it and one module. `access`: who may do what.
//! `answers`: preferences, errors, JSON. `functions`: `WhoAmI` and the like. `read`: lists and single rows. `beneath`: what lies below a row. `fetch`,
//! `sql`: the other languages. `paging`: next links. `tracking`: changes. `keys`: which row a key in parentheses names.

mod access;
mod answers;
mod beneath;
mod fetch;
mod functions;
pub(crate) mod keys;
mod paging;
mod read;
mod sql;
pub(crate) mod tracking;

use axum::body::Bytes;
use axum::http::HeaderMap;
use sandbox_syntax::options::whole;
use sandbox_syntax::path::{self, Segment};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::actions;
use crate::associate;
use crate::auth::Deployment;
use crate::batch::{self, References};
use crate::bulk;
use crate::definitions::{self, changes, csdl, customize};
use crate::duplicates;
use crate::errors::ApiError;
use crate::metadata::{Table, catalog, within};
use crate::organization::Organization;
use crate::query::Query;
use crate::security::{Caller, Impersonation};
use crate::server::Answer;
use crate::write;

use answers::error_body;
pub(crate) use answers::{JSON, Level, Preferences, challenge, error_answer};

/// A request to the Web API.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// `scheme://host`.
    pub(crate) origin: String,
    /// `scheme://host[/organization]/api/data/vX.Y`.
    pub(crate) base: String,
    pub(crate) deployment: Deployment,
    /// The path behind the base, still percent-encoded.
    pub(crate) resource: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Answers a request.
pub(crate) async fn answer(organization: &Organization, request: &Request) -> Answer {
    within(
        organization.schema.current(),
        answered(organization, request),
    )
    .await
}

async fn answered(organization: &Organization, request: &Request) -> Answer {
    let now = organization.clock.now();
    let Some(user) =
        organization
            .authority
            .user(request.header("authorization"), request.deployment, now)
    else {
        return challenge(organization, request.deployment, &request.origin);
    };
    let preferences = Preferences::read(&request.headers);
    let handled = match caller(organization, request, &user).await {
        Ok(caller) => {
            let call = Call {
                organization,
                request,
                caller,
                preferences: preferences.clone(),
                references: &References::new(),
            };
            call.handle().await
        }
        Err(error) => Err(error),
    };
    let answer = match handled {
        Ok(answer) => answer,
        Err(error) => error_body(&error, request.deployment, preferences.annotations.all),
    };
    let id = Uuid::new_v4().to_string();
    answer
        .header("req_id", id.as_str())
        .header("x-ms-service-request-id", id)
}

/// The user whose request it is, with all that is needed to judge what they may do.
async fn caller(
    organization: &Organization,
    request: &Request,
    user: &str,
) -> Result<Caller, ApiError> {
    let mut caller = organization
        .directory
        .caller_for(user, &Impersonation::read(&request.headers))?;
    caller.know_units(organization.store.pool()).await?;
    Ok(caller)
}

/// A request with everything known about it.
pub(crate) struct Call<'a> {
    pub(crate) organization: &'a Organization,
    pub(crate) request: &'a Request,
    pub(crate) caller: Caller,
    pub(crate) preferences: Preferences,
    /// Rows that earlier operations of the same change set wrote.
    pub(crate) references: &'a References,
}

impl Call<'_> {
    async fn handle(&self) -> Result<Answer, ApiError> {
        if self.request.resource.trim_end_matches('/') == "$batch" {
            return batch::run(self).await;
        }
        self.alone().await
    }

    /// Answers a request that is no `$batch`; what it writes is a transaction of its own.
    pub(crate) async fn alone(&self) -> Result<Answer, ApiError> {
        if customize::is_change(self) {
            return customize::run(self).await;
        }
        if self.request.method == "GET" {
            let mut connection = self.organization.store.pool().acquire().await?;
            return self.on(&mut connection).await;
        }
        let mut transaction = self.organization.store.write().await?;
        let answer = self.on(&mut transaction).await?;
        transaction.commit().await?;
        Ok(answer)
    }

    /// Answers a request that is no `$batch` on a connection. A request that writes needs one inside a transaction.
    pub(crate) async fn on(&self, connection: &mut SqliteConnection) -> Result<Answer, ApiError> {
        let segments = path::segments(&self.request.resource)?;
        let names: Vec<&str> = segments
            .iter()
            .map(|segment| segment.name.as_str())
            .collect();
        let method = self.request.method.as_str();
        match (method, names.as_slice()) {
            (_, ["$batch", ..]) => {
                return Err(ApiError::request("A batch cannot hold another batch."));
            }
            ("GET", []) => return Ok(self.service_document()),
            ("GET", ["WhoAmI"]) => return Ok(self.who_am_i()),
            ("GET", ["RetrieveVersion"]) => return Ok(self.retrieve_version()),
            ("GET", ["RetrieveDuplicates"]) => {
                let parameters = segments.first().and_then(|segment| segment.key.as_deref());
                return duplicates::retrieve(self, connection, parameters).await;
            }
            ("GET", ["RetrieveProvisionedLanguages"]) => return Ok(self.provisioned_languages()),
            ("GET", ["RetrieveAvailableLanguages"]) => return Ok(self.available_languages()),
            ("GET", ["$metadata"]) => return csdl::get(self),
            ("GET", ["RetrieveMetadataChanges"]) => {
                let inline = segments.first().and_then(|segment| segment.key.as_deref());
                return changes::get(self, connection, inline).await;
            }
            ("GET", [first, ..]) if definitions::is_metadata(first) => {
                return definitions::get(self, connection, &segments).await;
            }
            _ if customize::is_change(self) => {
                return Err(ApiError::request(
                    "The definition of tables and columns cannot be changed in a change set.",
                ));
            }
            ("GET", ["RetrieveCurrentOrganization"]) => return Ok(self.current_organization()),
            ("GET", ["RetrieveTotalRecordCount"]) => {
                let parameters = segments.first().and_then(|segment| segment.key.as_deref());
                return self.total_record_count(connection, parameters).await;
            }
            ("POST", ["CloseIncident"]) => return actions::close_incident(self, connection).await,
            ("POST", ["BulkDelete"]) => return bulk::delete(self, connection).await,
            (
                _,
                [
                    "WhoAmI"
                    | "RetrieveVersion"
                    | "RetrieveCurrentOrganization"
                    | "RetrieveTotalRecordCount"
                    | "RetrieveDuplicates"
                    | "RetrieveProvisionedLanguages"
                    | "RetrieveAvailableLanguages"
                    | "RetrieveMetadataChanges"
                    | "CloseIncident"
                    | "BulkDelete",
                ],
            ) => {
                return Err(ApiError::new(
                    404,
                    "",
                    format!(
                        "No HTTP resource was found that matches the request URI '{}/{}'.",
                        self.request.base, self.request.resource
                    ),
                ));
            }
            (_, ["RetrieveDuplicates", ..]) => {
                return Err(ApiError::not_simulated(
                    names.first().copied().unwrap_or_default(),
                ));
            }
            _ => {}
        }
        let Some((first, rest)) = segments.split_first() else {
            return Err(ApiError::new(
                405,
                crate::errors::REQUEST,
                "The requested resource does not support the method.",
            ));
        };
        let table = catalog()
            .set(&first.name)
            .ok_or_else(|| ApiError::no_segment(&first.name))?;
        match &first.key {
            None => self.set(connection, table, rest).await,
            Some(key) => {
                let named = keys::named(connection, table, key).await?;
                self.row(connection, table, &named, rest).await
            }
        }
    }

    async fn set(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        rest: &[Segment],
    ) -> Result<Answer, ApiError> {
        match (self.request.method.as_str(), rest) {
            ("GET", []) if tracking::is_asked(self.request) => {
                self.tracked_list(connection, table).await
            }
            ("GET", [count]) if count.name == "$count" && tracking::is_asked(self.request) => {
                self.tracked_count(connection, table).await
            }
            ("GET", []) => self.rows(connection, table, Query::new(table)).await,
            ("GET", [count]) if count.name == "$count" => {
                self.count(connection, Query::new(table)).await
            }
            ("POST", []) => write::create(self, connection, table).await,
            ("POST", [action]) => {
                bulk::run(self, connection, table, unqualified(&action.name)).await
            }
            (_, []) => Err(self.wrong_method()),
            (_, [other, ..]) => Err(ApiError::no_segment(&other.name)),
        }
    }

    /// Lists rows of `base`, by query options or by a query in another language.
    async fn rows(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        base: Query,
    ) -> Result<Answer, ApiError> {
        match whole(&self.request.query)? {
            None => self.list(connection, table, base).await,
            Some((query, count)) => {
                self.whole_query(connection, table, &base, query, count)
                    .await
            }
        }
    }

    async fn row(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        named: &keys::Named,
        rest: &[Segment],
    ) -> Result<Answer, ApiError> {
        let method = self.request.method.as_str();
        if (method, rest) == ("PATCH", &[]) {
            return write::patch(self, connection, table, named).await;
        }
        let id = named.existing(table)?;
        let names: Vec<&str> = rest.iter().map(|segment| segment.name.as_str()).collect();
        match (method, names.as_slice()) {
            ("GET", _) => self.beneath(connection, table, id, rest).await,
            ("DELETE", []) => write::delete(self, connection, table, id).await,
            ("PUT", [property]) => write::put_property(self, connection, table, id, property).await,
            ("DELETE", [property]) => {
                write::clear_property(self, connection, table, id, property).await
            }
            ("PUT", [navigation, "$ref"]) => {
                write::put_reference(self, connection, table, id, navigation).await
            }
            ("DELETE", [navigation, "$ref"]) if table.link(navigation).is_some() => {
                write::clear_reference(self, connection, table, id, navigation).await
            }
            ("DELETE", [navigation, "$ref"]) => {
                let key = rest.first().and_then(|segment| segment.key.as_deref());
                associate::remove(self, connection, table, id, navigation, key).await
            }
            ("POST", [navigation, "$ref"]) => {
                associate::add(self, connection, table, id, navigation).await
            }
            ("POST", [action])
                if table.logical == "lead" && unqualified(action) == "QualifyLead" =>
            {
                actions::qualify_lead(self, connection, id).await
            }
            ("POST", [navigation]) => {
                associate::create(self, connection, table, id, navigation).await
            }
            ("POST", [other, ..]) => Err(ApiError::no_segment(other)),
            _ => Err(self.wrong_method()),
        }
    }

    pub(crate) fn wrong_method(&self) -> ApiError {
        ApiError::new(
            405,
            crate::errors::REQUEST,
            format!(
                "The requested resource does not support http method '{}'.",
                self.request.method
            ),
        )
    }
}

/// The name of a bound action or function without its namespace; clients send both forms (protocol page `clients.md`).
fn unqualified(name: &str) -> &str {
    name.strip_prefix("Microsoft.Dynamics.CRM.").unwrap_or(name)
}
