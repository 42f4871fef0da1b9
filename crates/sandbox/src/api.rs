//! The Web API: which request means what, and what its answer looks like (protocol pages `service.md`, `crud.md`,
//! `query.md`, `errors-and-limits.md`).

use std::collections::HashMap;

use axum::body::Bytes;
use axum::http::HeaderMap;
use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::auth::Deployment;
use crate::errors::ApiError;
use crate::json::Json;
use crate::metadata::{Table, catalog};
use crate::odata::options::{Options, pairs};
use crate::odata::path::{self, Key, Segment};
use crate::organization::{Organization, ids};
use crate::query::Query;
use crate::rows::{self, Annotations, LARGEST_PAGE, Reading, Selection};
use crate::security::{Access, Caller, privilege_id};
use crate::server::Answer;
use crate::value::{Statement, Value};
use crate::write;

/// The content type of all JSON answers.
pub(crate) const JSON: &str = "application/json; odata.metadata=minimal";

/// The version that `RetrieveVersion` reports.
const CLOUD_VERSION: &str = "9.2.24051.00190";
const ON_PREMISES_VERSION: &str = "9.1.0.1034";

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

/// What the `Prefer` headers ask for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preferences {
    pub(crate) representation: bool,
    pub(crate) page_size: Option<u32>,
    pub(crate) annotations: Annotations,
    include_annotations: Option<String>,
}

impl Preferences {
    fn read(headers: &HeaderMap) -> Preferences {
        let mut preferences = Preferences::default();
        for header in headers.get_all("prefer") {
            for preference in split_outside_quotes(header.to_str().unwrap_or("")) {
                let (name, value) = preference.split_once('=').unwrap_or((&preference, ""));
                let value = value.trim().trim_matches('"');
                match name.trim() {
                    "return" => preferences.representation = value == "representation",
                    "odata.maxpagesize" => {
                        preferences.page_size = value
                            .parse()
                            .ok()
                            .filter(|size| *size > 0)
                            .map(|size: u32| size.min(LARGEST_PAGE));
                    }
                    "odata.include-annotations" => {
                        preferences.annotations = Annotations::read(value);
                        preferences.include_annotations = Some(value.to_owned());
                    }
                    // A preference that is not understood is ignored.
                    _ => {}
                }
            }
        }
        preferences
    }

    fn applied(&self, paged: bool, representation: bool) -> Option<String> {
        let mut applied = Vec::new();
        if representation && self.representation {
            applied.push("return=representation".to_owned());
        }
        if paged && let Some(size) = self.page_size {
            applied.push(format!("odata.maxpagesize={size}"));
        }
        if let Some(patterns) = &self.include_annotations {
            applied.push(format!("odata.include-annotations=\"{patterns}\""));
        }
        (!applied.is_empty()).then(|| applied.join(","))
    }
}

fn split_outside_quotes(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut in_quotes = false;
    for c in text.chars() {
        in_quotes ^= c == '"';
        if c == ',' && !in_quotes {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// Answers a request.
pub(crate) async fn answer(organization: &Organization, request: &Request) -> Answer {
    let now = organization.clock.now();
    let Some(user) =
        organization
            .authority
            .user(request.header("authorization"), request.deployment, now)
    else {
        return challenge(organization, request.deployment, &request.origin);
    };
    let preferences = Preferences::read(&request.headers);
    let handled = match organization.directory.caller(&user, ids::BUSINESS_UNIT) {
        Ok(caller) => {
            let call = Call {
                organization,
                request,
                caller,
                preferences: preferences.clone(),
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
    let answer = answer
        .header("req_id", id.as_str())
        .header("x-ms-service-request-id", id);
    match request.deployment {
        Deployment::Cloud => answer
            .header("x-ms-ratelimit-burst-remaining-xrm-requests", "5999")
            .header("x-ms-ratelimit-time-remaining-xrm-requests", "1,199.97"),
        Deployment::OnPremises => answer,
    }
}

/// 401 with the challenge of protocol page `auth.md`, section 6.
pub(crate) fn challenge(
    organization: &Organization,
    deployment: Deployment,
    origin: &str,
) -> Answer {
    let challenge = match deployment {
        Deployment::Cloud => format!(
            "Bearer authorization_uri={origin}/{}/oauth2/authorize, resource_id={origin}/",
            organization.authority.tenant
        ),
        Deployment::OnPremises => {
            format!(
                "Bearer authorization_uri={origin}/adfs/oauth2/authorize, resource_id={origin}/"
            )
        }
    };
    Answer::new(
        401,
        "text/html; charset=utf-8",
        "HTTP Error 401 - Unauthorized: Access is denied".to_owned(),
    )
    .header("www-authenticate", challenge)
    .header("req_id", Uuid::new_v4().to_string())
}

/// An error as the cloud writes it.
pub(crate) fn error_answer(error: &ApiError) -> Answer {
    error_body(error, Deployment::Cloud, false)
}

fn error_body(error: &ApiError, deployment: Deployment, details: bool) -> Answer {
    let mut members = vec![
        ("code".to_owned(), Json::text(error.code)),
        ("message".to_owned(), Json::text(error.message.as_str())),
    ];
    match deployment {
        Deployment::OnPremises => {
            let inner = [
                ("message", error.message.as_str()),
                (
                    "type",
                    "System.ServiceModel.FaultException`1[[Microsoft.Xrm.Sdk.OrganizationServiceFault, Microsoft.Xrm.Sdk, \
                     Version=9.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35]]",
                ),
                (
                    "stacktrace",
                    "   at Microsoft.Crm.Extensibility.OData.CrmODataExecutionContext",
                ),
            ];
            let inner = inner.map(|(name, text)| (name.to_owned(), Json::text(text)));
            members.push(("innererror".to_owned(), Json::Object(inner.into())));
        }
        Deployment::Cloud if details => {
            let code = error.code.strip_prefix("0x").unwrap_or(error.code);
            let link = format!(
                "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a{code}&client=platform"
            );
            members.push((
                "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus".to_owned(),
                Json::text("0"),
            ));
            members.push((
                "@Microsoft.PowerApps.CDS.HelpLink".to_owned(),
                Json::Text(link),
            ));
            members.push((
                "@Microsoft.PowerApps.CDS.InnerError.Message".to_owned(),
                Json::text(error.message.as_str()),
            ));
        }
        Deployment::Cloud => {}
    }
    let body = Json::Object(vec![("error".to_owned(), Json::Object(members))]);
    Answer::new(error.status, JSON, body.to_string()).header("odata-version", "4.0")
}

/// A request with everything known about it.
pub(crate) struct Call<'a> {
    pub(crate) organization: &'a Organization,
    pub(crate) request: &'a Request,
    pub(crate) caller: Caller,
    pub(crate) preferences: Preferences,
}

impl Call<'_> {
    async fn handle(&self) -> Result<Answer, ApiError> {
        let segments = path::segments(&self.request.resource)?;
        let names: Vec<&str> = segments
            .iter()
            .map(|segment| segment.name.as_str())
            .collect();
        let method = self.request.method.as_str();
        match (method, names.as_slice()) {
            ("GET", []) => return Ok(self.service_document()),
            ("GET", ["WhoAmI"]) => return Ok(self.who_am_i()),
            ("GET", ["RetrieveVersion"]) => return Ok(self.retrieve_version()),
            (_, ["WhoAmI" | "RetrieveVersion"]) => {
                return Err(ApiError::new(
                    404,
                    "",
                    format!(
                        "No HTTP resource was found that matches the request URI '{}/{}'.",
                        self.request.base, self.request.resource
                    ),
                ));
            }
            (
                _,
                [
                    "$batch"
                    | "$metadata"
                    | "EntityDefinitions"
                    | "RelationshipDefinitions"
                    | "GlobalOptionSetDefinitions"
                    | "RetrieveDuplicates"
                    | "RetrieveMetadataChanges"
                    | "CloseIncident"
                    | "BulkDelete",
                    ..,
                ],
            ) => {
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
            None => self.set(table, rest).await,
            Some(key) => {
                let id = primary_key(table, key)?;
                self.row(table, &id, rest).await
            }
        }
    }

    async fn set(&self, table: &'static Table, rest: &[Segment]) -> Result<Answer, ApiError> {
        match (self.request.method.as_str(), rest) {
            ("GET", []) => {
                let mut connection = self.organization.store.pool().acquire().await?;
                self.list(&mut connection, table, Query::new(table)).await
            }
            ("GET", [count]) if count.name == "$count" => {
                let mut connection = self.organization.store.pool().acquire().await?;
                self.count(&mut connection, Query::new(table)).await
            }
            ("POST", []) => write::create(self, table).await,
            (_, []) => Err(self.wrong_method()),
            (_, [other, ..]) => Err(ApiError::no_segment(&other.name)),
        }
    }

    async fn row(
        &self,
        table: &'static Table,
        id: &str,
        rest: &[Segment],
    ) -> Result<Answer, ApiError> {
        let names: Vec<&str> = rest.iter().map(|segment| segment.name.as_str()).collect();
        match (self.request.method.as_str(), names.as_slice()) {
            ("GET", []) => {
                let mut connection = self.organization.store.pool().acquire().await?;
                self.single(&mut connection, table, id).await
            }
            ("GET", _) => self.beneath(table, id, &names).await,
            ("PATCH", []) => write::patch(self, table, id).await,
            ("DELETE", []) => write::delete(self, table, id).await,
            ("PUT", [property]) => write::put_property(self, table, id, property).await,
            ("DELETE", [property]) => write::clear_property(self, table, id, property).await,
            ("PUT", [navigation, "$ref"]) => {
                write::put_reference(self, table, id, navigation).await
            }
            ("DELETE", [navigation, "$ref"]) => {
                write::clear_reference(self, table, id, navigation).await
            }
            ("POST", [_, "$ref"]) => {
                Err(ApiError::not_simulated("association through a collection"))
            }
            ("POST", [other, ..]) => Err(ApiError::no_segment(other)),
            _ => Err(self.wrong_method()),
        }
    }

    fn wrong_method(&self) -> ApiError {
        ApiError::new(
            405,
            crate::errors::REQUEST,
            format!(
                "The requested resource does not support http method '{}'.",
                self.request.method
            ),
        )
    }

    fn context(&self, of: &str) -> (String, Json) {
        (
            "@odata.context".to_owned(),
            Json::Text(format!("{}/$metadata#{of}", self.request.base)),
        )
    }

    pub(crate) fn json(&self, status: u16, body: Json) -> Answer {
        Answer::new(status, JSON, body.to_string()).header("odata-version", "4.0")
    }

    fn service_document(&self) -> Answer {
        let sets = catalog().tables.iter().map(|table| {
            let text = |text: &str| Json::text(text);
            Json::Object(vec![
                ("name".to_owned(), text(&table.set)),
                ("kind".to_owned(), text("EntitySet")),
                ("url".to_owned(), text(&table.set)),
            ])
        });
        let context = (
            "@odata.context".to_owned(),
            Json::Text(format!("{}/$metadata", self.request.base)),
        );
        self.json(
            200,
            Json::Object(vec![
                context,
                ("value".to_owned(), Json::Array(sets.collect())),
            ]),
        )
    }

    fn who_am_i(&self) -> Answer {
        let id = |name: &str, id: &str| (name.to_owned(), Json::text(id));
        self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.WhoAmIResponse"),
                id("BusinessUnitId", &self.caller.business_unit),
                id("UserId", &self.caller.id),
                id("OrganizationId", ids::ORGANIZATION),
            ]),
        )
    }

    fn retrieve_version(&self) -> Answer {
        let version = match self.request.deployment {
            Deployment::Cloud => CLOUD_VERSION,
            Deployment::OnPremises => ON_PREMISES_VERSION,
        };
        self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.RetrieveVersionResponse"),
                ("Version".to_owned(), Json::text(version)),
            ]),
        )
    }

    fn reading<'r>(&'r self, aliases: &'r HashMap<String, String>) -> Reading<'r> {
        Reading {
            caller: &self.caller,
            aliases,
            annotations: self.preferences.annotations,
            base: &self.request.base,
        }
    }

    fn is_not_modified(&self, options: &Options, etag: &str) -> bool {
        options.expand.is_empty()
            && self.preferences.include_annotations.is_none()
            && self
                .request
                .header("if-none-match")
                .is_some_and(|known| known == etag)
    }

    async fn list(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        base: Query,
    ) -> Result<Answer, ApiError> {
        let options = Options::read(&self.request.query)?;
        let selection = Selection::read(table, &options, false)?;
        let reading = self.reading(&options.aliases);
        let mut query = reading.query(base, &options)?;
        let page_size = self.preferences.page_size.unwrap_or(LARGEST_PAGE);
        let place = options
            .skip_token
            .as_deref()
            .map(PagePlace::read)
            .transpose()?
            .unwrap_or_default();
        // With a page size, `$top` is ignored.
        let top = options.top.filter(|_| self.preferences.page_size.is_none());
        query.limit = Some(top.unwrap_or(page_size + 1));
        query.offset = place.rows;
        let mut records = rows::fetch(connection, &query, &selection, reading.annotations).await?;
        let more = top.is_none() && records.len() > page_size as usize;
        if more {
            records.truncate(page_size as usize);
        }
        let next = more.then(|| self.next_link(table, &place, &records));
        let rendered =
            rows::render(connection, &records, &selection, &options.expand, &reading).await?;

        let mut body = vec![self.context(&selection.context())];
        let counted = if options.count {
            Some(count(connection, &query).await?)
        } else {
            None
        };
        if let Some(counted) = counted {
            body.push(("@odata.count".to_owned(), Json::Number(counted.to_string())));
        }
        if reading.annotations.all {
            let total = counted.unwrap_or(-1);
            let annotation = |name: &str| format!("@Microsoft.Dynamics.CRM.{name}");
            body.push((
                annotation("totalrecordcount"),
                Json::Number(total.to_string()),
            ));
            body.push((
                annotation("totalrecordcountlimitexceeded"),
                Json::Boolean(total >= i64::from(LARGEST_PAGE)),
            ));
            body.push((annotation("globalmetadataversion"), Json::text("80887417")));
        }
        body.push((
            "value".to_owned(),
            Json::Array(rendered.into_iter().map(Json::Object).collect()),
        ));
        if let Some(next) = next {
            body.push(("@odata.nextLink".to_owned(), Json::Text(next)));
        }
        let mut answer = self.json(200, Json::Object(body));
        if let Some(applied) = self.preferences.applied(true, false) {
            answer = answer.header("preference-applied", applied);
        }
        Ok(answer)
    }

    fn next_link(&self, table: &Table, place: &PagePlace, records: &[rows::Record]) -> String {
        let kept = self.request.query.split('&').filter(|pair| {
            !pair.is_empty()
                && pairs(pair)
                    .first()
                    .is_some_and(|(name, _)| name != "$skiptoken")
        });
        let mut parts: Vec<String> = kept.map(str::to_owned).collect();
        parts.push(format!("$skiptoken={}", place.after(table, records)));
        format!(
            "{}/{}?{}",
            self.request.base,
            self.request.resource,
            parts.join("&")
        )
    }

    async fn count(
        &self,
        connection: &mut SqliteConnection,
        base: Query,
    ) -> Result<Answer, ApiError> {
        let options = Options::read(&self.request.query)?;
        let query = self.reading(&options.aliases).query(base, &options)?;
        let counted = count(connection, &query).await?;
        Ok(Answer::new(200, "text/plain", format!("\u{feff}{counted}"))
            .header("odata-version", "4.0"))
    }

    async fn single(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        id: &str,
    ) -> Result<Answer, ApiError> {
        match self.read_row(connection, table, id, 200).await? {
            Some(answer) => Ok(answer),
            None => Err(self.no_row(table, id)),
        }
    }

    /// 404 in the wording of the deployment.
    pub(crate) fn no_row(&self, table: &Table, id: &str) -> ApiError {
        let mut error = ApiError::no_row(table, id);
        if self.request.deployment == Deployment::OnPremises {
            error.message = format!("{} With Id = {id} Does Not Exist", table.logical);
        }
        error
    }

    /// One row as an answer with its ETag; `None` if there is no such row.
    pub(crate) async fn read_row(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        id: &str,
        status: u16,
    ) -> Result<Option<Answer>, ApiError> {
        let options = Options::read(&self.request.query)?;
        self.read_row_with(connection, table, id, status, &options)
            .await
    }

    async fn read_row_with(
        &self,
        connection: &mut SqliteConnection,
        table: &'static Table,
        id: &str,
        status: u16,
        options: &Options,
    ) -> Result<Option<Answer>, ApiError> {
        if let Some(option) = single_row_misuse(options) {
            return Err(ApiError::request(format!(
                "The query specified in the URI is not valid. Query option '{option}' cannot be applied to the requested \
                 resource."
            )));
        }
        let selection = Selection::read(table, options, true)?;
        let reading = self.reading(&options.aliases);
        let query = reading.query(Query::new(table), options)?;
        let Some(key) = table.column(&table.id) else {
            return Ok(None);
        };
        let records = rows::fetch(
            connection,
            &query.only(key, id),
            &selection,
            reading.annotations,
        )
        .await?;
        let Some(record) = records.first() else {
            return Ok(None);
        };
        let etag = record.etag();
        if self.request.method == "GET"
            && table.optimistic_concurrency
            && self.is_not_modified(options, &etag)
        {
            return Ok(Some(
                Answer::empty(304)
                    .header("etag", etag)
                    .header("odata-version", "4.0"),
            ));
        }
        let rendered =
            rows::render(connection, &records, &selection, &options.expand, &reading).await?;
        let mut members = vec![self.context(&format!("{}/$entity", selection.context()))];
        members.extend(rendered.into_iter().next().unwrap_or_default());
        let mut answer = self
            .json(status, Json::Object(members))
            .header("etag", etag);
        if let Some(applied) = self
            .preferences
            .applied(false, self.request.method != "GET")
        {
            answer = answer.header("preference-applied", applied);
        }
        Ok(Some(answer))
    }

    /// What lies beneath a row: a property, or where a navigation property leads.
    async fn beneath(
        &self,
        table: &'static Table,
        id: &str,
        names: &[&str],
    ) -> Result<Answer, ApiError> {
        let Some((first, rest)) = names.split_first() else {
            return Err(ApiError::no_segment(""));
        };
        let mut connection = self.organization.store.pool().acquire().await?;
        if let Some(column) = table.property(first) {
            self.caller.require(Access::Read, table)?;
            let value = self
                .column_of(&mut connection, table, id, &column.name)
                .await?;
            return match rest {
                [] if value.is_null() => Ok(Answer::empty(204).header("odata-version", "4.0")),
                [] => Ok(self.json(
                    200,
                    Json::Object(vec![
                        self.context(&format!("{}({id})/{first}", table.set)),
                        ("value".to_owned(), rows::json(column, &value)),
                    ]),
                )),
                ["$value"] => {
                    let text = value
                        .text()
                        .map_or_else(|| rows::json(column, &value).to_string(), str::to_owned);
                    Ok(Answer::new(200, "text/plain", text).header("odata-version", "4.0"))
                }
                [other, ..] => Err(ApiError::no_segment(other)),
            };
        }
        if let Some((link, column)) = table.link(first) {
            self.caller.require(Access::Read, table)?;
            let target_id = self
                .column_of(&mut connection, table, id, &column.name)
                .await?;
            let kind = if column.is_polymorphic() {
                self.column_of(&mut connection, table, id, &column.type_name())
                    .await?
                    .text()
                    .map(str::to_owned)
            } else {
                column.targets.first().cloned()
            };
            let kind = kind.filter(|kind| link.target == "owner" || *kind == link.target);
            let (Some(target_id), Some(kind)) = (target_id.text(), kind) else {
                return Ok(Answer::empty(204).header("odata-version", "4.0"));
            };
            let target = catalog()
                .table(&kind)
                .ok_or_else(|| ApiError::not_simulated(format!("the table '{kind}'")))?;
            return match rest {
                [] => self.single(&mut connection, target, target_id).await,
                ["$ref"] => Ok(self.json(
                    200,
                    Json::Object(vec![
                        self.context("$ref"),
                        (
                            "@odata.id".to_owned(),
                            Json::Text(format!(
                                "{}/{}({target_id})",
                                self.request.base, target.set
                            )),
                        ),
                    ]),
                )),
                _ => Err(ApiError::not_simulated(
                    "a path behind a single-valued navigation property",
                )),
            };
        }
        let function = first
            .strip_prefix("Microsoft.Dynamics.CRM.")
            .unwrap_or(first);
        if table.logical == "systemuser" && function == "RetrieveUserPrivileges" && rest.is_empty()
        {
            return self.user_privileges(table, id);
        }
        if table.collection(first).is_none() {
            return Err(ApiError::no_segment(first));
        }
        self.caller.require(Access::Read, table)?;
        self.column_of(&mut connection, table, id, &table.id)
            .await?;
        let (child, column) = rows::children(table, first)?;
        let query = Query::new(child).only(column, id);
        match rest {
            [] => self.list(&mut connection, child, query).await,
            ["$count"] => self.count(&mut connection, query).await,
            [other, ..] => Err(ApiError::no_segment(other)),
        }
    }

    /// `systemusers(id)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()` (protocol page `security.md`).
    fn user_privileges(&self, table: &Table, id: &str) -> Result<Answer, ApiError> {
        self.caller.require(Access::Read, table)?;
        let names = self.organization.directory.privileges(id);
        let names = names.ok_or_else(|| self.no_row(table, id))?;
        let privileges = names.iter().map(|name| {
            let mut members = vec![
                ("Depth".to_owned(), Json::text("Global")),
                (
                    "PrivilegeId".to_owned(),
                    Json::Text(privilege_id(name).to_string()),
                ),
                (
                    "BusinessUnitId".to_owned(),
                    Json::text(self.caller.business_unit.as_str()),
                ),
            ];
            // On-premises the name is left out.
            if self.request.deployment == Deployment::Cloud {
                members.push(("PrivilegeName".to_owned(), Json::text(name.as_str())));
            }
            Json::Object(members)
        });
        Ok(self.json(
            200,
            Json::Object(vec![
                self.context("Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse"),
                (
                    "RolePrivileges".to_owned(),
                    Json::Array(privileges.collect()),
                ),
            ]),
        ))
    }

    async fn column_of(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
        id: &str,
        column: &str,
    ) -> Result<Value, ApiError> {
        let text = format!(
            "SELECT {column} FROM {} WHERE {} = ?",
            table.logical, table.id
        );
        let row = Statement::new(text)
            .with(id)
            .query()
            .fetch_optional(connection)
            .await?;
        let row = row.ok_or_else(|| self.no_row(table, id))?;
        Ok(Value::at(&row, 0)?)
    }
}

async fn count(connection: &mut SqliteConnection, query: &Query) -> Result<i64, ApiError> {
    let row = query
        .count(i64::from(LARGEST_PAGE))
        .query()
        .fetch_one(connection)
        .await?;
    Ok(Value::at(&row, 0)?.integer().unwrap_or(0))
}

fn single_row_misuse(options: &Options) -> Option<&'static str> {
    if options.filter.is_some() {
        Some("$filter")
    } else if !options.order.is_empty() {
        Some("$orderby")
    } else if options.top.is_some() {
        Some("$top")
    } else if options.count {
        Some("$count")
    } else {
        None
    }
}

/// The id that a key in parentheses names.
pub(crate) fn primary_key(table: &Table, key: &str) -> Result<String, ApiError> {
    let undeclared = || {
        ApiError::request(format!(
            "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.{}'. Ensure that the names and \
             number of key properties match the declared or alternate key properties for the resource '{}'.",
            table.logical, table.set
        ))
    };
    match path::key(key)? {
        Key::Primary(id) => Ok(id),
        Key::Named(parts) => {
            let declared = match table.logical.as_str() {
                "systemuser" | "team" => "ownerid",
                _ => &table.id,
            };
            match parts.as_slice() {
                [(name, value)] if name == declared => match path::key(value) {
                    Ok(Key::Primary(id)) => Ok(id),
                    Ok(Key::Named(_)) | Err(_) => Err(undeclared()),
                },
                _ => Err(undeclared()),
            }
        }
    }
}

/// Where a page starts, as `$skiptoken` carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PagePlace {
    number: u64,
    /// Rows before it.
    rows: u64,
}

impl Default for PagePlace {
    fn default() -> PagePlace {
        PagePlace { number: 1, rows: 0 }
    }
}

/// What stays unencoded in the outer text of a skip token.
const TOKEN: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'%')
    .add(b'#')
    .add(b'&')
    .add(b'+');

impl PagePlace {
    fn read(token: &str) -> Result<PagePlace, ApiError> {
        let malformed = || ApiError::new(400, "0x80040203", "Malformed XML in the Paging Cookie");
        let attribute = |text: &str, name: &str| {
            let (_, rest) = text.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let number = attribute(token, "pagenumber")
            .and_then(|number| number.parse().ok())
            .ok_or_else(malformed)?;
        let cookie = attribute(token, "pagingcookie").ok_or_else(malformed)?;
        let once = percent_decode_str(&cookie).decode_utf8_lossy().into_owned();
        let twice = percent_decode_str(&once).decode_utf8_lossy().into_owned();
        let rows = attribute(&twice, " rows")
            .and_then(|rows| rows.parse().ok())
            .ok_or_else(malformed)?;
        Ok(PagePlace { number, rows })
    }

    /// The token of the page behind `records`, in the shape of protocol page `query.md`, section "Ordering, top, count,
    /// paging". `rows` is ours: it lets a client change its page size on the way.
    fn after(&self, table: &Table, records: &[rows::Record]) -> String {
        let id = |record: Option<&rows::Record>| {
            record
                .map(|record| format!("{{{}}}", record.id.to_uppercase()))
                .unwrap_or_default()
        };
        let cookie = format!(
            "<cookie page=\"{}\" rows=\"{}\"><{key} last=\"{}\" first=\"{}\" /></cookie>",
            self.number,
            self.rows + records.len() as u64,
            id(records.last()),
            id(records.first()),
            key = table.id,
        );
        let encoded = utf8_percent_encode(&cookie, NON_ALPHANUMERIC)
            .to_string()
            .to_lowercase();
        let outer = format!(
            "<cookie pagenumber=\"{}\" pagingcookie=\"{encoded}\" istracking=\"False\" />",
            self.number + 1
        );
        utf8_percent_encode(&outer, TOKEN).to_string()
    }
}
