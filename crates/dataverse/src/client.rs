//! A connection to one organization, and the way of every operation.

use crate::batch;
use crate::call::{Call, Target};
use crate::error::{Error, Result};
use crate::sign_in::{Ask, BrowserSignIn, DeviceSignIn, SignIn, TokenSource, configured_endpoints};
use crate::traffic::Limits;
use crate::transport::{Answer, RetryPolicy, TimeOuts, Transport};
use crate::url::OrganizationUrl;
use reqwest::StatusCode;
use reqwest::header::AUTHORIZATION;
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
    /// How much of the organization this connection takes.
    pub limits: Limits,
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
            limits: Limits::default(),
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
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A connection to one organization. Clones share the token and the connections.
///
/// Dropping the future of an operation cancels it.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    transport: Transport,
}

struct Inner {
    organization: OrganizationUrl,
    tokens: Arc<TokenSource>,
    wait_budget: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("organization", &self.inner.organization.web_root().as_str())
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

/// A URL in a batch may have this many characters (protocol page `query.md`, section "URL length").
const LONGEST_URL: usize = 65_536;

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
            limits,
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
            limits,
        )?;
        let tokens = TokenSource::new(
            sign_in,
            &organization,
            transport.clone(),
            wait_budget,
            endpoints,
        );
        let inner = Arc::new(Inner {
            organization,
            tokens: Arc::new(tokens),
            wait_budget,
        });
        Ok(Self { inner, transport })
    }

    /// The organization's addresses.
    pub fn organization(&self) -> &OrganizationUrl {
        &self.inner.organization
    }

    /// The same connection for work that nobody waits for: each of its requests waits while any other is queued or under
    /// way, and some places are never taken by them (see [`Limits`]).
    #[must_use]
    pub fn background(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            transport: self.transport.in_background(),
        }
    }

    /// Makes sure there is a token, asking the sign-in service even if it refused a moment ago. The next request goes
    /// through even if the organization asked to wait or has been left alone for a while: this is what "try again" does.
    ///
    /// # Errors
    ///
    /// [`Error::SignIn`], or why the sign-in service could not be reached.
    pub async fn sign_in(&self) -> Result<()> {
        self.transport.let_through();
        self.inner.tokens.token(Ask::Now).await.map(|_| ())
    }

    /// Begins a sign-in as a person in the system's browser; the caller opens its page. One at a time.
    ///
    /// # Errors
    ///
    /// [`Error::SignIn`] if another one is under way or nobody can sign in here as a person; or why the organization
    /// could not be asked for its sign-in service.
    pub async fn sign_in_with_browser(&self) -> Result<BrowserSignIn> {
        BrowserSignIn::begin(&self.inner.tokens).await
    }

    /// Begins a sign-in as a person who types a code on another device. One at a time.
    ///
    /// # Errors
    ///
    /// As for [`Client::sign_in_with_browser`], and what the sign-in service answers.
    pub async fn sign_in_with_device_code(&self) -> Result<DeviceSignIn> {
        DeviceSignIn::begin(&self.inner.tokens).await
    }

    /// Forgets whoever is signed in, here and where the refresh token is kept. The sign-in service is not told: it has no
    /// address for that.
    pub async fn sign_out(&self) {
        self.inner.tokens.sign_out().await;
    }

    /// Knocks at the organization without a token, so that what is wrong on the way there is told apart from
    /// what is wrong with the sign-in. It is expected to ask for a token (protocol page `auth.md`, section 6).
    ///
    /// # Errors
    ///
    /// Any [`Error`] of sending; any answer but success or 401 as what it says.
    pub async fn knock(&self) -> Result<()> {
        let request = Call::read("knock", None, self.url("WhoAmI", "")?).without_token()?;
        let mut budget = self.inner.wait_budget;
        let answer = self.transport.send(&request, &mut budget).await?;
        if answer.status.is_success() || answer.status == StatusCode::UNAUTHORIZED {
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

    /// Sends an operation; the answer is a success.
    pub(crate) async fn execute(&self, call: Call) -> Result<Answer> {
        self.answer(call).await?.into_success()
    }

    /// Sends with a token and, if that is refused, once more with a new one.
    pub(crate) async fn answer(&self, call: Call) -> Result<Answer> {
        let tokens = &self.inner.tokens;
        let mut budget = self.inner.wait_budget;
        let (call, unwrap): (Call, fn(Answer) -> Result<Answer>) = if call.is_long_read() {
            (batch::wrapped(self, &call)?, batch::unwrapped)
        } else {
            (call, Ok)
        };
        let token = tokens.token(Ask::IfNotRefused).await?;
        let mut request = call.with_token(token.header()?)?;
        let mut answer = self
            .transport
            .send_through(&request, &mut budget, unwrap)
            .await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            let token = tokens.replace(&token, &answer).await?;
            request.headers.insert(AUTHORIZATION, token.header()?);
            answer = self
                .transport
                .send_through(&request, &mut budget, unwrap)
                .await?;
            if answer.status == StatusCode::UNAUTHORIZED {
                return Err(tokens.refuse(&token, &answer));
            }
        }
        Ok(answer)
    }

    /// What a path under the service's root is sent to.
    pub(crate) fn target(&self, path: &str, query_string: &str) -> Result<Target> {
        self.url(path, query_string).map(Target::Url)
    }

    /// An address under the service's root; both parts are percent-encoded already.
    pub(crate) fn url(&self, path: &str, query_string: &str) -> Result<Url> {
        let root = self.inner.organization.api_root();
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
