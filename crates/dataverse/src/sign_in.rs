//! Tokens: asked for once for everybody who waits, kept in memory, renewed in time.

use crate::client::SignIn;
use crate::error::{Endpoint, Error, Result, ServiceAnswer, SignInProblem};
use crate::transport::{Answer, Request, Transport};
use crate::url::{OrganizationUrl, Security, check_security};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::{Url, form_urlencoded};
use uuid::Uuid;

/// A token and when it ends.
pub(crate) struct Token {
    bearer: SecretString,
    renew_at: Instant,
    expires_at: Instant,
}

impl Token {
    /// The value of the `Authorization` header.
    pub fn header(&self) -> Result<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.bearer.expose_secret()))
            .map_err(|_| {
            Error::sign_in(
                SignInProblem::WrongAuthority,
                ServiceAnswer::new(None, None, None, None),
            )
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Where every request gets its token.
pub(crate) struct TokenSource {
    transport: Transport,
    sign_in: SignIn,
    token_endpoint: Url,
    organization: OrganizationUrl,
    wait_budget: Duration,
    /// Whoever holds this asks the sign-in service; if its future is dropped, the next one takes over.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

struct State {
    token: Option<Arc<Token>>,
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

impl TokenSource {
    pub fn new(
        sign_in: SignIn,
        token_endpoint: Url,
        organization: &OrganizationUrl,
        transport: Transport,
        wait_budget: Duration,
    ) -> Self {
        let state = State {
            token: None,
            failure: None,
            finished: 0,
            resource: organization.web_root().to_string(),
        };
        Self {
            transport,
            sign_in,
            token_endpoint,
            organization: organization.clone(),
            wait_budget,
            turn: tokio::sync::Mutex::new(()),
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
        let SignIn::Cloud { tenant_id, .. } = &self.sign_in else {
            return false;
        };
        let challenge = answer
            .challenge("authorization_uri")
            .and_then(|uri| Url::parse(&uri).ok());
        let theirs = challenge
            .as_ref()
            .and_then(|uri| Uuid::parse_str(uri.path_segments()?.next()?).ok());
        let ours = Uuid::parse_str(tenant_id).ok();
        theirs.is_some() && ours.is_some() && theirs != ours
    }

    /// Asks the sign-in service; when AD FS does not know the organization by our name, once more by the name that the
    /// organization itself gives.
    async fn ask(&self) -> Result<Token> {
        let mut budget = self.wait_budget;
        let resource = self.state().resource.clone();
        let outcome = self.ask_for(&resource, &mut budget).await;
        let unknown = matches!(
            &outcome,
            Err(Error::SignIn {
                problem: SignInProblem::WrongOrganization,
                ..
            })
        );
        if !unknown || matches!(self.sign_in, SignIn::Cloud { .. }) {
            return outcome;
        }
        match self.resource_of_challenge(&mut budget).await {
            Some(theirs) if theirs != resource => {
                self.state().resource.clone_from(&theirs);
                self.ask_for(&theirs, &mut budget).await
            }
            _ => outcome,
        }
    }

    async fn ask_for(&self, resource: &str, budget: &mut Duration) -> Result<Token> {
        let request = Request {
            endpoint: Endpoint::SignInService,
            operation: "sign_in",
            entity_set: None,
            method: Method::POST,
            url: self.token_endpoint.clone(),
            headers: HeaderMap::from_iter([
                (ACCEPT, HeaderValue::from_static("application/json")),
                (
                    CONTENT_TYPE,
                    HeaderValue::from_static("application/x-www-form-urlencoded"),
                ),
            ]),
            body: Some(self.form(resource)),
            repeatable: true,
        };
        // The token's life is counted from before it was asked for.
        let asked_at = Instant::now();
        let answer = self.transport.send(&request, budget).await?;
        let members = answer.json_object();
        if answer.status.is_success() {
            members
                .and_then(|members| token(&members, asked_at))
                .ok_or_else(|| {
                    Error::sign_in(
                        SignInProblem::WrongAuthority,
                        answer.service_answer(None, None),
                    )
                })
        } else {
            Err(refusal(&answer, members.as_ref()))
        }
    }

    /// What is posted to the token endpoint.
    fn form(&self, resource: &str) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match &self.sign_in {
            SignIn::Cloud {
                client_id,
                client_secret,
                ..
            } => {
                form.append_pair("grant_type", "client_credentials")
                    .append_pair("client_id", client_id)
                    .append_pair("client_secret", client_secret.expose_secret())
                    .append_pair("scope", &self.organization.scope());
            }
            SignIn::OnPremises {
                client_id,
                client_secret,
                login_email,
                password,
                ..
            } => {
                form.append_pair("grant_type", "password")
                    .append_pair("resource", resource)
                    .append_pair("client_id", client_id)
                    .append_pair("username", login_email)
                    .append_pair("password", password.expose_secret())
                    .append_pair("scope", "openid");
                if let Some(secret) = client_secret {
                    form.append_pair("client_secret", secret.expose_secret());
                }
            }
        }
        form.finish()
    }

    /// The `resource_id` with which the organization answers a request without a token.
    async fn resource_of_challenge(&self, budget: &mut Duration) -> Option<String> {
        let request = Request {
            endpoint: Endpoint::Organization,
            operation: "challenge",
            entity_set: None,
            method: Method::GET,
            url: self.organization.api_root().join("WhoAmI").ok()?,
            headers: HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]),
            body: None,
            repeatable: true,
        };
        self.transport
            .send(&request, budget)
            .await
            .ok()?
            .challenge("resource_id")
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

/// Cloud: `{authority}/{tenant}/oauth2/v2.0/token`. On-premises the address is the token endpoint; only its host, or
/// `/adfs`, is completed.
pub(crate) fn token_endpoint(sign_in: &SignIn) -> Result<Url> {
    let (SignIn::Cloud { authority_url, .. } | SignIn::OnPremises { authority_url, .. }) = sign_in;
    let invalid = |reason| Error::InvalidAuthorityUrl { reason };
    let mut url =
        Url::parse(authority_url.trim()).map_err(|_| invalid("it is not a web address"))?;
    match check_security(&url) {
        Security::Safe => {}
        Security::NotWeb => return Err(invalid("it does not begin with https://")),
        Security::Insecure => return Err(Error::InsecureAuthorityUrl),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it contains a user name or a password"));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    let path = match sign_in {
        SignIn::Cloud { tenant_id, .. } => {
            let is_tenant = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            if tenant_id.is_empty() || tenant_id.len() > 253 || !tenant_id.chars().all(is_tenant) {
                let nothing_sent = ServiceAnswer::new(None, None, None, None);
                return Err(Error::sign_in(SignInProblem::UnknownTenant, nothing_sent));
            }
            format!("{path}/{tenant_id}/oauth2/v2.0/token")
        }
        SignIn::OnPremises { .. } if path.is_empty() || path == "/adfs" => {
            "/adfs/oauth2/token".to_owned()
        }
        SignIn::OnPremises { .. } => path,
    };
    url.set_path(&path);
    Ok(url)
}

/// Reads `{"access_token", "token_type", "expires_in"}`.
fn token(members: &Map<String, Value>, asked_at: Instant) -> Option<Token> {
    const A_DAY: u64 = 24 * 60 * 60;
    let bearer = members
        .get("access_token")?
        .as_str()
        .filter(|token| !token.is_empty())?;
    if members
        .get("token_type")
        .and_then(Value::as_str)
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
    {
        return None;
    }
    let seconds = match members.get("expires_in") {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    // Unsaid, it is taken to be short; the organization's 401 corrects whatever is wrong here.
    let life = Duration::from_secs(seconds.unwrap_or(300).min(A_DAY));
    let use_for = (life / 2).max(life.saturating_sub(Duration::from_secs(300)));
    Some(Token {
        bearer: SecretString::from(bearer.to_owned()),
        renew_at: asked_at + use_for,
        expires_at: asked_at + life,
    })
}

/// What a refusal of the sign-in service means: by its number, never by its text (protocol page `auth.md`, sections 5
/// and 7).
fn refusal(answer: &Answer, members: Option<&Map<String, Value>>) -> Error {
    let Some(members) = members.filter(|members| members.contains_key("error")) else {
        let problem = match answer.status.as_u16() {
            429 | 500..=599 => SignInProblem::Unavailable,
            _ => SignInProblem::WrongAuthority,
        };
        return Error::SignIn {
            problem,
            retry_after: answer.retry_after(),
            answer: answer.service_answer(None, None),
        };
    };
    let text = |name| members.get(name).and_then(Value::as_str);
    let number = members
        .get("error_codes")
        .and_then(|codes| codes.get(0)?.as_u64());
    let label = number
        .map(|number| format!("AADSTS{number}"))
        .or_else(|| leading_label(text("error_description")?))
        .unwrap_or_default();
    let problem = match (label.as_str(), answer.status.as_u16()) {
        ("AADSTS7000215" | "AADSTS7000218" | "MSIS9622", _) => SignInProblem::WrongSecret,
        ("AADSTS7000222", _) => SignInProblem::SecretExpired,
        ("AADSTS700016" | "AADSTS7000229" | "MSIS9607", _) => SignInProblem::UnknownApplication,
        ("AADSTS90002" | "AADSTS900023", _) => SignInProblem::UnknownTenant,
        ("AADSTS500011" | "AADSTS70011" | "MSIS9602", _) => SignInProblem::WrongOrganization,
        ("AADSTS50126" | "AADSTS50034" | "MSIS9659", _) => SignInProblem::WrongPassword,
        ("AADSTS65001", _) => SignInProblem::ConsentRequired,
        ("AADSTS50076" | "AADSTS50079", _) => SignInProblem::SecondFactorRequired,
        ("AADSTS53003", _) => SignInProblem::BlockedByPolicy,
        ("AADSTS50105" | "MSIS9605" | "MSIS9611", _) => SignInProblem::NotPermitted,
        ("AADSTS70008" | "AADSTS700082" | "AADSTS70043", _) => SignInProblem::Expired,
        (_, 429 | 500..=599) => SignInProblem::Unavailable,
        _ => SignInProblem::Refused,
    };
    let request_id = text("correlation_id")
        .or_else(|| text("trace_id"))
        .or_else(|| answer.request_id());
    Error::SignIn {
        problem,
        retry_after: answer.retry_after(),
        answer: ServiceAnswer::new(
            Some(answer.status.as_u16()),
            Some(&label),
            text("error_description"),
            request_id,
        ),
    }
}

/// AD FS gives its number only at the beginning of the description: `MSIS9659: …`.
fn leading_label(description: &str) -> Option<String> {
    let (label, _) = description.split_once(':')?;
    let digits = label
        .strip_prefix("MSIS")
        .or_else(|| label.strip_prefix("AADSTS"))?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn a_token_is_renewed_five_minutes_early_or_at_half_of_a_short_life() {
        let now = Instant::now();
        let seconds = |expires_in: Value| {
            let members = json!({"access_token": "t", "expires_in": expires_in});
            let token = token(members.as_object().unwrap(), now).unwrap();
            (
                (token.renew_at - now).as_secs(),
                (token.expires_at - now).as_secs(),
            )
        };
        assert_eq!(seconds(json!(3599)), (3299, 3599));
        assert_eq!(seconds(json!("3600")), (3300, 3600));
        assert_eq!(seconds(json!(600)), (300, 600));
        assert_eq!(seconds(json!(60)), (30, 60));
        assert_eq!(seconds(json!(0)), (0, 0));
        assert_eq!(seconds(json!(u64::MAX)), (86_100, 86_400));
        for unreadable in [json!(-5), json!("soon"), json!(null), json!([])] {
            assert_eq!(seconds(unreadable), (150, 300));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_due_but_not_expired_outlives_failures() {
        const HOLD: Duration = Duration::from_secs(30);
        let refusal = || {
            Error::sign_in(
                SignInProblem::WrongSecret,
                ServiceAnswer::new(None, None, None, None),
            )
        };
        let members = json!({"access_token": "t", "expires_in": 3600});
        let mut state = State {
            token: None,
            failure: None,
            finished: 0,
            resource: String::new(),
        };
        state
            .conclude(
                Ok(token(members.as_object().unwrap(), Instant::now()).unwrap()),
                HOLD,
            )
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

    #[test]
    fn only_a_leading_number_is_a_label() {
        assert_eq!(
            leading_label("MSIS9659: Invalid").as_deref(),
            Some("MSIS9659")
        );
        assert_eq!(leading_label("Invalid: MSIS9659"), None);
        assert_eq!(leading_label("MSIS: none"), None);
        assert_eq!(leading_label("MSIS96x9: none"), None);
    }

    #[test]
    fn the_token_endpoint_is_completed_only_where_it_is_clear() {
        let on_premises = |authority_url: &str| {
            let sign_in = SignIn::OnPremises {
                authority_url: authority_url.to_owned(),
                client_id: String::new(),
                client_secret: None,
                login_email: String::new(),
                password: SecretString::from(""),
            };
            token_endpoint(&sign_in).unwrap().to_string()
        };
        assert_eq!(
            on_premises("https://fs.example.com"),
            "https://fs.example.com/adfs/oauth2/token"
        );
        assert_eq!(
            on_premises("https://fs.example.com/adfs/"),
            "https://fs.example.com/adfs/oauth2/token"
        );
        assert_eq!(
            on_premises("https://fs.example.com/other/token"),
            "https://fs.example.com/other/token"
        );
    }
}
