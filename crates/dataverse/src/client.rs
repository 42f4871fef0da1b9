//! The operations.

use crate::error::{Endpoint, Error, Result};
use crate::odata::{Query, column, invalid};
use crate::row::{NextLink, Page, Row};
use crate::sign_in::{Ask, BrowserSignIn, DeviceSignIn, SignIn, TokenSource, configured_endpoints};
use crate::transport::{Answer, Request, RetryPolicy, TimeOuts, Transport};
use crate::url::OrganizationUrl;
use reqwest::Method;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH,
};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// How to reach an organization.
#[derive(Clone)]
pub struct Connection {
    /// The organization's address; one that ends in `/api/data/vX.Y` chooses the version.
    pub organization_url: String,
    /// How to sign in.
    pub sign_in: SignIn,
    /// Root certificates (PEM) that are trusted beside the system's.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// How long to wait for the other side.
    pub time_outs: TimeOuts,
    /// How long one operation may wait in all because of `Retry-After`; beyond it the error says when to try again.
    pub wait_budget: Duration,
}

impl Connection {
    /// A connection with the usual time-outs: 10 s to connect, 30 s for a request, 20 s of `Retry-After`.
    pub fn new(organization_url: impl Into<String>, sign_in: SignIn) -> Self {
        Self {
            organization_url: organization_url.into(),
            sign_in,
            extra_roots_pem: None,
            time_outs: TimeOuts::default(),
            wait_budget: Duration::from_secs(20),
        }
    }
}

/// The kind of connection. Addresses are left out: until they are checked, somebody may have put a password into one.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("sign_in", &self.sign_in)
            .field("time_outs", &self.time_outs)
            .field("wait_budget", &self.wait_budget)
            .finish_non_exhaustive()
    }
}

/// A connection to one organization. Clones share the token and the connections.
///
/// Dropping the future of an operation cancels it.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    organization: OrganizationUrl,
    transport: Transport,
    tokens: Arc<TokenSource>,
    wait_budget: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("organization", &self.0.organization.web_root().as_str())
            .finish_non_exhaustive()
    }
}

/// Who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WhoAmI {
    /// The user (`systemuser`).
    pub user_id: Uuid,
    /// The user's business unit.
    pub business_unit_id: Uuid,
    /// The organization.
    pub organization_id: Uuid,
}

/// What has to be true for a write to happen (protocol page `crud.md`, section "Upsert and conditional requests").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: the record is created or updated. Such a write is never repeated by itself.
    None,
    /// There is no such record: it is created, or it is [`Error::RecordExists`].
    OnlyCreate,
    /// There is such a record: it is updated, or it is [`Error::NotFound`].
    OnlyUpdate,
    /// The record still has this ETag: it is updated, or it is [`Error::RecordChanged`]. Such a write is never repeated by
    /// itself, for our own change would look like somebody else's.
    IfUnchanged(String),
}

/// A write that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What happened.
    pub outcome: Outcome,
    /// The record's new version, if Dataverse gave it: always with [`Client::upsert_and_read`].
    pub etag: Option<String>,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The record is new.
    Created,
    /// The record was there.
    Updated,
    /// One of both: Dataverse does not tell without being asked for the record.
    CreatedOrUpdated,
}

/// A GET may have a URL of this many characters (protocol page `query.md`, section "URL length").
const LONGEST_URL: usize = 32_768;

impl Client {
    /// Prepares a connection; nothing is sent yet. The version is v9.2 in the cloud and v9.1 on-premises unless the URL
    /// names one.
    ///
    /// # Errors
    ///
    /// The organization's or the sign-in service's address is invalid, or the root certificates cannot be read.
    pub fn new(connection: Connection) -> Result<Self> {
        Self::with_retry_policy(connection, RetryPolicy::default())
    }

    /// The same with another retry policy.
    ///
    /// # Errors
    ///
    /// As for [`Client::new`].
    pub fn with_retry_policy(connection: Connection, retry: RetryPolicy) -> Result<Self> {
        let Connection {
            organization_url,
            sign_in,
            extra_roots_pem,
            time_outs,
            wait_budget,
        } = connection;
        let default_version = match sign_in {
            SignIn::Cloud { .. } | SignIn::Person { .. } => "v9.2",
            SignIn::OnPremises { .. } => "v9.1",
        };
        let organization = OrganizationUrl::parse(&organization_url, default_version)?;
        let endpoints = configured_endpoints(&sign_in)?;
        // Where an organization is on TLS, so is the sign-in service that it names.
        let uses_tls = organization.api_root().scheme() == "https"
            || endpoints
                .as_ref()
                .is_some_and(|endpoints| endpoints.uses_tls());
        // A proxy of the environment is for the network; the practice organization is on this machine.
        let uses_proxy = !organization.is_loopback();
        let transport = Transport::new(
            time_outs,
            extra_roots_pem.as_deref(),
            uses_tls,
            uses_proxy,
            retry,
        )?;
        let tokens = TokenSource::new(
            sign_in,
            &organization,
            transport.clone(),
            wait_budget,
            endpoints,
        );
        Ok(Self(Arc::new(Inner {
            organization,
            transport,
            tokens: Arc::new(tokens),
            wait_budget,
        })))
    }

    /// The organization's addresses.
    pub fn organization(&self) -> &OrganizationUrl {
        &self.0.organization
    }

    /// Makes sure there is a token, asking the sign-in service even if it refused a moment ago.
    ///
    /// # Errors
    ///
    /// [`Error::SignIn`], or why the sign-in service could not be reached.
    pub async fn sign_in(&self) -> Result<()> {
        self.0.tokens.token(Ask::Now).await.map(|_| ())
    }

    /// Begins a sign-in as a person in the system's browser; the caller opens its page. One at a time.
    ///
    /// # Errors
    ///
    /// [`Error::SignIn`] if another one is under way or nobody can sign in here as a person; or why the organization
    /// could not be asked for its sign-in service.
    pub async fn sign_in_with_browser(&self) -> Result<BrowserSignIn> {
        BrowserSignIn::begin(&self.0.tokens).await
    }

    /// Begins a sign-in as a person who types a code on another device. One at a time.
    ///
    /// # Errors
    ///
    /// As for [`Client::sign_in_with_browser`], and what the sign-in service answers.
    pub async fn sign_in_with_device_code(&self) -> Result<DeviceSignIn> {
        DeviceSignIn::begin(&self.0.tokens).await
    }

    /// Forgets whoever is signed in, here and where the refresh token is kept. The sign-in service is not told: it has no
    /// address for that.
    pub async fn sign_out(&self) {
        self.0.tokens.sign_out().await;
    }

    /// Knocks at the organization without a token, so that what is wrong on the way there is told apart from
    /// what is wrong with the sign-in. It is expected to ask for a token (protocol page `auth.md`, section 6).
    ///
    /// # Errors
    ///
    /// Any [`Error`] of sending; any answer but success or 401 as what it says.
    pub async fn knock(&self) -> Result<()> {
        let request = Call::read("knock", None, self.url("WhoAmI", "")?).without_token();
        let mut budget = self.0.wait_budget;
        let answer = self.0.transport.send(&request, &mut budget).await?;
        if answer.status.is_success() || answer.status == reqwest::StatusCode::UNAUTHORIZED {
            Ok(())
        } else {
            Err(answer.into_error())
        }
    }

    /// Who is signed in. It needs no privilege, so a success does not prove that the user has a role.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of signing in, sending or answering.
    pub async fn who_am_i(&self) -> Result<WhoAmI> {
        let call = Call::read("who_am_i", None, self.url("WhoAmI", "")?);
        let members = self.execute(call).await?.into_success_object()?;
        let id = |name| {
            members
                .get(name)
                .and_then(Value::as_str)
                .and_then(|text| Uuid::parse_str(text).ok())
        };
        let who = || {
            Some(WhoAmI {
                user_id: id("UserId")?,
                business_unit_id: id("BusinessUnitId")?,
                organization_id: id("OrganizationId")?,
            })
        };
        who().ok_or(Error::NotDataverse { answer: None })
    }

    /// Reads the first page of a query.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the query, signing in, sending or answering.
    pub async fn query(&self, query: &Query) -> Result<Page> {
        let entity_set = column(query.entity_set())?;
        let url = self.url(entity_set, &query.query_string()?)?;
        self.page(entity_set, url, query.prefer()).await
    }

    /// Reads the page behind a link, exactly as Dataverse gave it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAnswer`] if the link leads out of the organization's Web API; otherwise as [`Client::query`].
    pub async fn next_page(&self, next: &NextLink) -> Result<Page> {
        let foreign = || Error::InvalidAnswer {
            reason: "the next page is said to be elsewhere",
            request_id: None,
        };
        let url = Url::parse(&next.link).map_err(|_| foreign())?;
        // The token goes where this link leads. Compared after parsing, which resolves "/../".
        if !url
            .as_str()
            .starts_with(self.0.organization.api_root().as_str())
        {
            return Err(foreign());
        }
        self.page(&next.entity_set, url, next.prefer.clone()).await
    }

    /// Reads one record; of the query, `select`, `expand` and `formatted_values` count.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such record; otherwise as [`Client::query`].
    pub async fn retrieve(&self, entity_set: &str, id: Uuid, query: &Query) -> Result<Row> {
        let url = self.url(
            &record_path(entity_set, id)?,
            &query.single_row_query_string()?,
        )?;
        let call = Call::read("retrieve", Some(entity_set), url).prefer(query.prefer())?;
        self.execute(call)
            .await?
            .into_success_object()
            .map(Row::from)
    }

    /// Creates or updates the record with this id.
    ///
    /// A write with [`Condition::OnlyCreate`] may be sent again after a broken connection; then
    /// [`Error::RecordExists`] can mean that the first one arrived.
    ///
    /// # Errors
    ///
    /// The condition's error, or any [`Error`] of signing in, sending or answering.
    pub async fn upsert(
        &self,
        entity_set: &str,
        id: Uuid,
        body: &Value,
        condition: Condition,
    ) -> Result<Written> {
        let url = self.url(&record_path(entity_set, id)?, "")?;
        let answer = self.write(entity_set, url, body, &condition, None).await?;
        Ok(written(&answer, &condition, None))
    }

    /// Creates or updates the record with this id and reads the columns that the query selects, so that it is known
    /// which of both happened and what the new version is.
    ///
    /// # Errors
    ///
    /// As for [`Client::upsert`].
    pub async fn upsert_and_read(
        &self,
        entity_set: &str,
        id: Uuid,
        body: &Value,
        condition: Condition,
        query: &Query,
    ) -> Result<(Written, Row)> {
        let url = self.url(
            &record_path(entity_set, id)?,
            &query.single_row_query_string()?,
        )?;
        let preferences: Vec<_> = ["return=representation".to_owned()]
            .into_iter()
            .chain(query.prefer())
            .collect();
        let answer = self
            .write(
                entity_set,
                url,
                body,
                &condition,
                Some(preferences.join(",")),
            )
            .await?;
        let (status, headers) = (answer.status, answer.headers.clone());
        let row = Row::from(answer.into_success_object()?);
        let answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        Ok((written(&answer, &condition, row.etag()), row))
    }

    async fn page(&self, entity_set: &str, url: Url, prefer: Option<String>) -> Result<Page> {
        let call = Call::read("query", Some(entity_set), url).prefer(prefer.clone())?;
        Page::read(
            self.execute(call).await?.into_success_object()?,
            prefer,
            entity_set,
        )
    }

    async fn write(
        &self,
        entity_set: &str,
        url: Url,
        body: &Value,
        condition: &Condition,
        prefer: Option<String>,
    ) -> Result<Answer> {
        if !body.is_object() {
            return Err(invalid("a record is written as a JSON object"));
        }
        let mut call = Call {
            operation: "upsert",
            entity_set: Some(entity_set.to_owned()),
            method: Method::PATCH,
            url,
            headers: HeaderMap::new(),
            body: Some(body.to_string()),
            repeatable: matches!(condition, Condition::OnlyCreate | Condition::OnlyUpdate),
        }
        .prefer(prefer)?;
        let precondition: Option<(HeaderName, &str)> = match condition {
            Condition::None => None,
            Condition::OnlyCreate => Some((IF_NONE_MATCH, "*")),
            Condition::OnlyUpdate => Some((IF_MATCH, "*")),
            Condition::IfUnchanged(etag) => Some((IF_MATCH, etag)),
        };
        if let Some((name, value)) = precondition {
            call.headers
                .insert(name, header("the version of a record", value)?);
        }
        call.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        // Older servers give no code with a 412; then the condition tells which one failed.
        self.execute(call)
            .await
            .map_err(|error| match (error, condition) {
                (Error::PreconditionFailed(answer), Condition::OnlyCreate) => {
                    Error::RecordExists(answer)
                }
                (Error::PreconditionFailed(answer), Condition::IfUnchanged(_)) => {
                    Error::RecordChanged(answer)
                }
                (error, _) => error,
            })
    }

    /// Sends with a token and, if that is refused, once more with a new one.
    async fn execute(&self, call: Call) -> Result<Answer> {
        let Inner {
            transport,
            tokens,
            wait_budget,
            ..
        } = &*self.0;
        let mut budget = *wait_budget;
        let token = tokens.token(Ask::IfNotRefused).await?;
        let mut request = call.with_token(token.header()?);
        let mut answer = transport.send(&request, &mut budget).await?;
        if answer.status == reqwest::StatusCode::UNAUTHORIZED {
            let token = tokens.replace(&token, &answer).await?;
            request.headers.insert(AUTHORIZATION, token.header()?);
            answer = transport.send(&request, &mut budget).await?;
            if answer.status == reqwest::StatusCode::UNAUTHORIZED {
                return Err(tokens.refuse(&token, &answer));
            }
        }
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(answer.into_error())
        }
    }

    fn url(&self, path: &str, query_string: &str) -> Result<Url> {
        let root = self.0.organization.api_root();
        let mut url = root.clone();
        url.set_path(&format!("{}{path}", root.path()));
        if !query_string.is_empty() {
            url.set_query(Some(query_string));
        }
        let length = url.as_str().len();
        if length > LONGEST_URL {
            Err(Error::RequestTooLong { length })
        } else {
            Ok(url)
        }
    }
}

/// One operation, before it has a token.
struct Call {
    operation: &'static str,
    entity_set: Option<String>,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
    repeatable: bool,
}

impl Call {
    fn read(operation: &'static str, entity_set: Option<&str>, url: Url) -> Self {
        // The literal text "null" keeps Dataverse from answering expanded collections out of its cache.
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static("null"))]);
        let entity_set = entity_set.map(str::to_owned);
        Self {
            operation,
            entity_set,
            method: Method::GET,
            url,
            headers,
            body: None,
            repeatable: true,
        }
    }

    fn prefer(mut self, preferences: Option<String>) -> Result<Self> {
        if let Some(preferences) = preferences {
            self.headers
                .insert("Prefer", header("a preference", &preferences)?);
        }
        Ok(self)
    }

    fn with_token(self, token: HeaderValue) -> Request {
        let mut request = self.without_token();
        request.headers.insert(AUTHORIZATION, token);
        request
    }

    fn without_token(self) -> Request {
        let Self {
            operation,
            entity_set,
            method,
            url,
            mut headers,
            body,
            repeatable,
        } = self;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert("OData-MaxVersion", HeaderValue::from_static("4.0"));
        headers.insert("OData-Version", HeaderValue::from_static("4.0"));
        Request {
            endpoint: Endpoint::Organization,
            operation,
            entity_set,
            method,
            url,
            headers,
            body,
            repeatable,
        }
    }
}

fn record_path(entity_set: &str, id: Uuid) -> Result<String> {
    Ok(format!("{}({})", column(entity_set)?, id.as_hyphenated()))
}

fn header(what: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(value).map_err(|_| invalid(format!("{what} cannot be sent as a header")))
}

fn written(answer: &Answer, condition: &Condition, etag: Option<&str>) -> Written {
    let outcome = match condition {
        Condition::OnlyCreate => Outcome::Created,
        Condition::OnlyUpdate | Condition::IfUnchanged(_) => Outcome::Updated,
        Condition::None => match answer.status.as_u16() {
            201 => Outcome::Created,
            200 => Outcome::Updated,
            _ => Outcome::CreatedOrUpdated,
        },
    };
    let header = || {
        answer
            .headers
            .get(ETAG)
            .and_then(|value| value.to_str().ok())
    };
    Written {
        outcome,
        etag: etag.or_else(header).map(str::to_owned),
    }
}
