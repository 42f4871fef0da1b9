//! Sign-in: as an application, as a person, or at AD FS. Tokens are asked for once for everybody who waits, kept in
//! memory, and renewed in time.
//!
//! Of a person only the refresh token outlives the process: [`RefreshTokens`] says where it is kept.

mod browser;
mod callback;
mod device;
mod endpoints;
mod exchange;
mod listener;
mod refusal;
mod token;

pub use browser::BrowserSignIn;
pub use device::DeviceSignIn;
pub(crate) use refusal::refusal_of;
pub(crate) use token::Token;

use crate::error::{Endpoint, Error, Result, ServiceAnswer, SignInProblem};
use crate::transport::{Answer, Request, Transport};
use crate::url::OrganizationUrl;
use endpoints::Endpoints;
use exchange::{Exchange, application};
use oauth2::{
    ErrorResponse, RefreshToken, RequestTokenError, ResourceOwnerPassword, ResourceOwnerUsername,
    Scope,
};
use refusal::Asking;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use token::Given;
use tokio::sync::{OnceCell, OwnedMutexGuard};
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

/// How to sign in.
#[derive(Clone)]
pub enum SignIn {
    /// Microsoft Entra ID, as an application user (protocol page `auth.md`, section 2).
    Cloud {
        /// `https://login.microsoftonline.com`, or that of a national cloud.
        authority_url: String,
        /// The tenant's GUID or domain.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// The value of its secret.
        client_secret: SecretString,
    },
    /// Microsoft Entra ID, as the person who sits here (protocol page `auth.md`, sections 3 and 4). Until somebody has
    /// signed in, every request is [`SignInProblem::SignInRequired`].
    Person {
        /// As for the cloud; none takes what the organization's challenge names.
        authority_url: Option<String>,
        /// The tenant's GUID or domain; none takes what the organization's challenge names.
        tenant_id: Option<String>,
        /// The id of an application that is registered as a public client.
        client_id: String,
        /// Where the refresh token is kept.
        refresh_tokens: RefreshTokens,
    },
    /// AD FS, as a person (protocol page `auth.md`, section 7).
    OnPremises {
        /// The AD FS token endpoint: `https://fs.example.com/adfs/oauth2/token`.
        authority_url: String,
        /// The id of the application registered there.
        client_id: String,
        /// Its secret, if it has one.
        client_secret: Option<SecretString>,
        /// The person's login.
        login_email: String,
        /// The person's password.
        password: SecretString,
    },
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cloud { .. } => "Cloud",
            Self::Person { .. } => "Person",
            Self::OnPremises { .. } => "OnPremises",
        })
    }
}

/// Where the refresh token of a person is kept beyond this process.
#[derive(Clone)]
pub struct RefreshTokens {
    known: Option<SecretString>,
    keep: Keep,
}

type Keep = Arc<dyn Fn(Option<SecretString>) + Send + Sync>;

impl RefreshTokens {
    /// `known` was kept before. `keep` is called with every newer one, and with none when it is of no use any more. It
    /// may take its time: it is called where that keeps nobody else waiting.
    pub fn new(
        known: Option<SecretString>,
        keep: impl Fn(Option<SecretString>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            known,
            keep: Arc::new(keep),
        }
    }

    /// Kept nowhere: the sign-in lasts as long as the client.
    pub fn in_memory_only() -> Self {
        Self::new(None, |_| {})
    }
}

/// Where every request gets its token.
pub(crate) struct TokenSource {
    transport: Transport,
    sign_in: SignIn,
    /// Learnt from the organization when it is first needed, where the settings do not say it.
    endpoints: OnceCell<Endpoints>,
    organization: OrganizationUrl,
    wait_budget: Duration,
    /// Whoever holds this asks the sign-in service; if its future is dropped, the next one takes over.
    turn: tokio::sync::Mutex<()>,
    /// Whoever holds this waits for a person to sign in.
    attempt: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
}

struct State {
    token: Option<Arc<Token>>,
    /// The newest one; of AD FS too, where it is kept nowhere else.
    refresh_token: Option<SecretString>,
    failure: Option<Failure>,
    /// How many attempts have come to an end.
    finished: u64,
    /// What AD FS calls the organization.
    resource: String,
}

struct Failure {
    error: Error,
    remembered_until: Instant,
}

/// Whether a refusal that is remembered counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// For a request: it does.
    IfNotRefused,
    /// A person wants to know now: it does not.
    Now,
}

fn nothing_sent() -> ServiceAnswer {
    ServiceAnswer::new(None, None, None, None)
}

impl TokenSource {
    pub fn new(
        sign_in: SignIn,
        organization: &OrganizationUrl,
        transport: Transport,
        wait_budget: Duration,
        endpoints: Option<Endpoints>,
    ) -> Self {
        let refresh_token = match &sign_in {
            SignIn::Person { refresh_tokens, .. } => refresh_tokens.known.clone(),
            SignIn::Cloud { .. } | SignIn::OnPremises { .. } => None,
        };
        let state = State {
            token: None,
            refresh_token,
            failure: None,
            finished: 0,
            resource: organization.web_root().to_string(),
        };
        Self {
            transport,
            sign_in,
            endpoints: endpoints
                .map_or_else(OnceCell::new, |known| OnceCell::new_with(Some(known))),
            organization: organization.clone(),
            wait_budget,
            turn: tokio::sync::Mutex::new(()),
            attempt: Arc::default(),
            state: Mutex::new(state),
        }
    }

    /// A token that is good for now: the one in memory, or a new one that everybody who waits shares.
    pub async fn token(&self, ask: Ask) -> Result<Arc<Token>> {
        let finished_before = {
            let state = self.state();
            if let Some(outcome) = state.held(ask) {
                return outcome;
            }
            state.finished
        };
        let _turn = self.turn.lock().await;
        {
            let state = self.state();
            if state.finished != finished_before {
                // Somebody asked while this request waited: that answer, also a failure, is the answer for all.
                if let Some(outcome) = state.shared() {
                    return outcome;
                }
            }
        }
        let outcome = self.ask().await;
        self.state()
            .conclude(outcome, self.transport.retry.refused_sign_in)
    }

    /// A new token in place of one that the organization refused, unless somebody has replaced it already.
    pub async fn replace(&self, refused: &Arc<Token>, answer: &Answer) -> Result<Arc<Token>> {
        {
            let mut state = self.state();
            if state.is_current(refused) {
                state.token = None;
                if let Some(resource) = answer.challenge("resource_id") {
                    state.resource = resource;
                }
            }
        }
        self.token(Ask::IfNotRefused).await
    }

    /// A token fresh from the sign-in service was refused too: that is remembered, and is the error.
    pub fn refuse(&self, refused: &Arc<Token>, answer: &Answer) -> Error {
        let problem = if self.tenant_differs(answer) {
            SignInProblem::WrongOrganization
        } else {
            SignInProblem::TokenRefused
        };
        let error = Error::sign_in(problem, answer.service_answer(None, None));
        let mut state = self.state();
        if state.is_current(refused) {
            state.token = None;
            state.remember(error.clone(), self.transport.retry.refused_sign_in);
        }
        error
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the organization's challenge names another tenant than the settings do.
    fn tenant_differs(&self, answer: &Answer) -> bool {
        let tenant_id = match &self.sign_in {
            SignIn::Cloud { tenant_id, .. } => Some(tenant_id),
            SignIn::Person { tenant_id, .. } => tenant_id.as_ref(),
            SignIn::OnPremises { .. } => None,
        };
        let challenge = answer
            .challenge("authorization_uri")
            .and_then(|uri| Url::parse(&uri).ok());
        let theirs = challenge
            .as_ref()
            .and_then(|uri| Uuid::parse_str(uri.path_segments()?.next()?).ok());
        let ours = tenant_id.and_then(|tenant_id| Uuid::parse_str(tenant_id).ok());
        theirs.is_some() && ours.is_some() && theirs != ours
    }

    /// Asks the sign-in service.
    async fn ask(&self) -> Result<Token> {
        match &self.sign_in {
            SignIn::Cloud {
                client_id,
                client_secret,
                ..
            } => {
                let exchange = self.exchange(Asking::Application, true);
                let endpoints = self.endpoints(&mut self.wait_budget()).await?;
                let application = application(client_id, Some(client_secret), &endpoints.token);
                let request = application
                    .exchange_client_credentials()
                    .add_scope(Scope::new(self.organization.scope()));
                self.given(&exchange, request.request_async(&exchange))
                    .await
            }
            SignIn::Person { client_id, .. } => self.refresh_person(client_id).await,
            SignIn::OnPremises { .. } => self.ask_ad_fs().await,
        }
    }

    /// A new token for the person who signed in before.
    async fn refresh_person(&self, client_id: &str) -> Result<Token> {
        let Some(refresh_token) = self.state().refresh_token.clone() else {
            return Err(Error::sign_in(
                SignInProblem::SignInRequired,
                nothing_sent(),
            ));
        };
        let mut budget = self.wait_budget();
        let endpoints = self.endpoints(&mut budget).await?;
        // Entra ID lets a refresh token be used again when its answer was lost.
        let exchange = Exchange::new(&self.transport, Asking::Person, true, budget);
        let refresh_token = RefreshToken::new(refresh_token.expose_secret().to_owned());
        let application = application(client_id, None, &endpoints.token);
        let request = application
            .exchange_refresh_token(&refresh_token)
            .add_extra_param("scope", self.scope_of_a_token());
        let outcome = self
            .given(&exchange, request.request_async(&exchange))
            .await;
        let is_over = |error: &Error| {
            matches!(
                error,
                Error::SignIn {
                    problem: SignInProblem::Expired,
                    ..
                }
            )
        };
        if outcome.as_ref().is_err_and(is_over) {
            self.hold_refresh_token(None).await;
        }
        outcome
    }

    /// When AD FS does not know the organization by our name, it is asked once more by the name that the organization
    /// itself gives.
    async fn ask_ad_fs(&self) -> Result<Token> {
        let mut budget = self.wait_budget();
        let resource = self.state().resource.clone();
        let outcome = self.ask_ad_fs_for(&resource, &mut budget).await;
        let unknown = matches!(
            &outcome,
            Err(Error::SignIn {
                problem: SignInProblem::WrongOrganization,
                ..
            })
        );
        if !unknown {
            return outcome;
        }
        let challenge = self.challenge(&mut budget).await;
        match challenge
            .ok()
            .and_then(|answer| answer.challenge("resource_id"))
        {
            Some(theirs) if theirs != resource => {
                self.state().resource.clone_from(&theirs);
                self.ask_ad_fs_for(&theirs, &mut budget).await
            }
            _ => outcome,
        }
    }

    /// By the refresh token if AD FS gave one, else by the password.
    async fn ask_ad_fs_for(&self, resource: &str, budget: &mut Duration) -> Result<Token> {
        let SignIn::OnPremises {
            client_id,
            client_secret,
            login_email,
            password,
            ..
        } = &self.sign_in
        else {
            return Err(Error::sign_in(SignInProblem::Refused, nothing_sent()));
        };
        let endpoints = self.endpoints(budget).await?;
        let application = application(client_id, client_secret.as_ref(), &endpoints.token);
        let held = self.state().refresh_token.take();
        if let Some(held) = held {
            let exchange = Exchange::new(&self.transport, Asking::Application, false, *budget);
            let held = RefreshToken::new(held.expose_secret().to_owned());
            let request = application
                .exchange_refresh_token(&held)
                .add_extra_param("resource", resource);
            let outcome = self
                .given(&exchange, request.request_async(&exchange))
                .await;
            *budget = exchange.budget();
            match outcome {
                Err(error) if error.is_sign_in() && !error.is_offline() => {
                    tracing::info!(
                        code = error.code(),
                        "the refresh token is not taken; the password is"
                    );
                }
                outcome => return outcome,
            }
        }
        let exchange = Exchange::new(&self.transport, Asking::Application, true, *budget);
        let (login, password) = (
            ResourceOwnerUsername::new(login_email.clone()),
            ResourceOwnerPassword::new(password.expose_secret().to_owned()),
        );
        let request = application
            .exchange_password(&login, &password)
            .add_scope(Scope::new("openid".to_owned()))
            .add_extra_param("resource", resource);
        let outcome = self
            .given(&exchange, request.request_async(&exchange))
            .await;
        *budget = exchange.budget();
        outcome
    }

    /// The token of an exchange. A refresh token that came along is kept before the one in use is let go.
    async fn given<E: ErrorResponse + 'static>(
        &self,
        exchange: &Exchange,
        answer: impl Future<Output = std::result::Result<Given, RequestTokenError<Error, E>>>,
    ) -> Result<Token> {
        let asked_at = Instant::now();
        let given = exchange.outcome(answer.await)?;
        let token = Token::of(&given, asked_at).ok_or_else(|| exchange.not_understood())?;
        if let Some(refresh_token) = given.refresh() {
            self.hold_refresh_token(Some(refresh_token)).await;
        }
        Ok(token)
    }

    /// Takes over what a person who signed in just now was given.
    async fn take_over<E: ErrorResponse + 'static>(
        &self,
        exchange: &Exchange,
        answer: impl Future<Output = std::result::Result<Given, RequestTokenError<Error, E>>>,
    ) -> Result<()> {
        let asked_at = Instant::now();
        let given = exchange.outcome(answer.await)?;
        // A device was asked about for minutes: what is certain is only that the token is good now.
        let a_minute_ago = Instant::now().checked_sub(Duration::from_secs(60));
        let counted_from = a_minute_ago.map_or(asked_at, |then| then.max(asked_at));
        let token = Token::of(&given, counted_from).ok_or_else(|| exchange.not_understood())?;
        // Whoever renews the token of the person before comes to an end first.
        let _turn = self.turn.lock().await;
        self.hold_refresh_token(given.refresh()).await;
        let remember = self.transport.retry.refused_sign_in;
        self.state().conclude(Ok(token), remember).map(drop)
    }

    /// Forgets whoever is signed in, here and where the refresh token is kept.
    pub async fn sign_out(&self) {
        let _turn = self.turn.lock().await;
        {
            let mut state = self.state();
            state.token = None;
            state.failure = None;
            state.finished += 1;
        }
        self.hold_refresh_token(None).await;
    }

    /// In memory at once, so that nothing is lost if nobody waits for the rest.
    async fn hold_refresh_token(&self, refresh_token: Option<SecretString>) {
        self.state().refresh_token.clone_from(&refresh_token);
        let SignIn::Person { refresh_tokens, .. } = &self.sign_in else {
            return;
        };
        let keep = Arc::clone(&refresh_tokens.keep);
        if let Err(error) = tokio::task::spawn_blocking(move || keep(refresh_token)).await {
            tracing::error!(%error, "the refresh token could not be kept");
        }
    }

    /// The application that a person signs in with, and the right to be the only attempt.
    fn begin_attempt(&self) -> Result<(String, OwnedMutexGuard<()>)> {
        let SignIn::Person { client_id, .. } = &self.sign_in else {
            return Err(Error::sign_in(SignInProblem::NotForPersons, nothing_sent()));
        };
        let only = Arc::clone(&self.attempt)
            .try_lock_owned()
            .map_err(|_| Error::sign_in(SignInProblem::InProgress, nothing_sent()))?;
        Ok((client_id.clone(), only))
    }

    fn exchange(&self, asking: Asking, repeatable: bool) -> Exchange {
        Exchange::new(&self.transport, asking, repeatable, self.wait_budget)
    }

    fn wait_budget(&self) -> Duration {
        self.wait_budget
    }

    /// What a person is asked to allow (protocol page `auth.md`, section 3).
    fn scopes_of_a_person(&self) -> impl Iterator<Item = String> {
        let scopes = self.scope_of_a_token();
        let scopes: Vec<String> = scopes.split(' ').map(str::to_owned).collect();
        scopes
            .into_iter()
            .chain(["openid".to_owned(), "profile".to_owned()])
    }

    fn scope_of_a_token(&self) -> String {
        format!("{} offline_access", self.organization.person_scope())
    }

    async fn endpoints(&self, budget: &mut Duration) -> Result<&Endpoints> {
        self.endpoints
            .get_or_try_init(|| async {
                let SignIn::Person {
                    authority_url,
                    tenant_id,
                    ..
                } = &self.sign_in
                else {
                    return Err(Error::sign_in(SignInProblem::NotDiscovered, nothing_sent()));
                };
                let answer = self.challenge(budget).await?;
                Endpoints::discovered(
                    answer.challenge("authorization_uri").as_deref(),
                    authority_url.as_deref(),
                    tenant_id.as_deref(),
                    self.organization.is_loopback(),
                )
            })
            .await
    }

    /// How the organization answers a request without a token (protocol page `auth.md`, section 6).
    async fn challenge(&self, budget: &mut Duration) -> Result<Answer> {
        let not_dataverse = |_| Error::NotDataverse { answer: None };
        let request = Request {
            endpoint: Endpoint::Organization,
            operation: "challenge",
            entity_set: None,
            method: Method::GET,
            url: self
                .organization
                .api_root()
                .join("WhoAmI")
                .map_err(not_dataverse)?,
            headers: HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]),
            body: None,
            repeatable: true,
        };
        let answer = self.transport.send(&request, budget).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            Ok(answer)
        } else if answer.status.is_success() {
            Err(Error::NotDataverse {
                answer: Some(answer.service_answer(None, None)),
            })
        } else {
            Err(answer.into_error())
        }
    }
}

/// What the settings say about the addresses of the sign-in service; none if the organization has to be asked.
pub(crate) fn configured_endpoints(sign_in: &SignIn) -> Result<Option<Endpoints>> {
    match sign_in {
        SignIn::Cloud {
            authority_url,
            tenant_id,
            ..
        } => Endpoints::cloud(authority_url, tenant_id).map(Some),
        SignIn::Person {
            authority_url: Some(authority_url),
            tenant_id,
            ..
        } => {
            // Also checked where the tenant is still to be learnt.
            let tenant = tenant_id.as_deref().unwrap_or("organizations");
            let endpoints = Endpoints::cloud(authority_url, tenant)?;
            Ok(tenant_id.is_some().then_some(endpoints))
        }
        SignIn::Person {
            authority_url: None,
            ..
        } => Ok(None),
        SignIn::OnPremises { authority_url, .. } => Endpoints::on_premises(authority_url).map(Some),
    }
}

impl State {
    fn is_current(&self, token: &Arc<Token>) -> bool {
        self.token
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, token))
    }

    fn fresh(&self) -> Option<Arc<Token>> {
        self.token
            .clone()
            .filter(|token| Instant::now() < token.renew_at)
    }

    fn still_good(&self) -> Option<Arc<Token>> {
        self.token
            .clone()
            .filter(|token| Instant::now() < token.expires_at)
    }

    /// What can be said without asking.
    fn held(&self, ask: Ask) -> Option<Result<Arc<Token>>> {
        if let Some(token) = self.fresh() {
            return Some(Ok(token));
        }
        let failure = self
            .failure
            .as_ref()
            .filter(|failure| Instant::now() < failure.remembered_until)?;
        match (ask, self.still_good()) {
            (Ask::Now, _) => None,
            (Ask::IfNotRefused, Some(token)) => Some(Ok(token)),
            (Ask::IfNotRefused, None) if failure.error.is_offline() => None,
            (Ask::IfNotRefused, None) => Some(Err(failure.error.clone())),
        }
    }

    /// The outcome of the attempt that just ended.
    fn shared(&self) -> Option<Result<Arc<Token>>> {
        if let Some(token) = self.fresh() {
            return Some(Ok(token));
        }
        let failure = self.failure.as_ref()?;
        Some(self.still_good().ok_or_else(|| failure.error.clone()))
    }

    /// Takes over the outcome of an attempt. A token that is due for renewal but not yet expired outlives a failure.
    fn conclude(&mut self, outcome: Result<Token>, remember: Duration) -> Result<Arc<Token>> {
        self.finished += 1;
        match outcome {
            Ok(token) => {
                let token = Arc::new(token);
                self.token = Some(Arc::clone(&token));
                self.failure = None;
                Ok(token)
            }
            Err(error) => {
                self.remember(error.clone(), remember);
                match self.still_good() {
                    Some(token) => {
                        tracing::warn!(code = error.code(), "the token could not be renewed yet");
                        Ok(token)
                    }
                    None => Err(error),
                }
            }
        }
    }

    fn remember(&mut self, error: Error, duration: Duration) {
        self.failure = Some(Failure {
            error,
            remembered_until: Instant::now() + duration,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_due_but_not_expired_outlives_failures() {
        const HOLD: Duration = Duration::from_secs(30);
        let refusal = || {
            Error::sign_in(
                SignInProblem::WrongSecret,
                ServiceAnswer::new(None, None, None, None),
            )
        };
        let given = json!({"access_token": "t", "expires_in": 3600});
        let given: Given = serde_json::from_value(given).unwrap();
        let mut state = State {
            token: None,
            refresh_token: None,
            failure: None,
            finished: 0,
            resource: String::new(),
        };
        state
            .conclude(Ok(Token::of(&given, Instant::now()).unwrap()), HOLD)
            .unwrap();

        tokio::time::advance(Duration::from_secs(3299)).await;
        assert!(matches!(state.held(Ask::Now), Some(Ok(_))));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(
            state.held(Ask::IfNotRefused).is_none(),
            "due: somebody asks"
        );
        assert!(state.conclude(Err(refusal()), HOLD).is_ok(), "still good");
        assert!(
            matches!(state.held(Ask::IfNotRefused), Some(Ok(_))),
            "not asked again at once"
        );
        assert!(
            state.held(Ask::Now).is_none(),
            "unless a person wants to know"
        );
        tokio::time::advance(HOLD).await;
        assert!(
            state.held(Ask::IfNotRefused).is_none(),
            "asked again after a while"
        );

        tokio::time::advance(Duration::from_secs(270)).await;
        assert!(state.conclude(Err(refusal()), HOLD).is_err(), "expired");
        assert!(
            matches!(state.held(Ask::IfNotRefused), Some(Err(_))),
            "a refusal is remembered"
        );
        tokio::time::advance(HOLD).await;
        assert!(state.held(Ask::IfNotRefused).is_none());
    }
}
