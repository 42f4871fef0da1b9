//! Sign-in as a person in the system's browser: authorization code with PKCE (protocol page `auth.md`, section 3).

use super::callback;
use super::endpoints::Endpoints;
use super::exchange::application;
use super::listener::Listener;
use super::refusal::Asking;
use super::{TokenSource, nothing_sent};
use crate::error::{Error, Result, SignInProblem};
use oauth2::{AuthUrl, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// A person may have to find a telephone first.
const LIFE_OF_AN_ATTEMPT: Duration = Duration::from_secs(10 * 60);

/// A sign-in that waits for the person in the browser. Dropping it cancels it.
pub struct BrowserSignIn {
    tokens: Arc<TokenSource>,
    endpoints: Endpoints,
    client_id: String,
    listener: Listener,
    redirect: RedirectUrl,
    url: Url,
    state: CsrfToken,
    verifier: PkceCodeVerifier,
    expires_at: Instant,
    _only: OwnedMutexGuard<()>,
}

impl fmt::Debug for BrowserSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserSignIn").finish_non_exhaustive()
    }
}

impl BrowserSignIn {
    pub(crate) async fn begin(tokens: &Arc<TokenSource>) -> Result<Self> {
        let (client_id, only) = tokens.begin_attempt()?;
        let endpoints = tokens.endpoints(&mut tokens.wait_budget()).await?.clone();
        let listener = Listener::open().await.map_err(|error| {
            tracing::warn!(%error, "the sign-in cannot listen for the browser");
            Error::sign_in(SignInProblem::NoListener, nothing_sent())
        })?;
        let redirect = RedirectUrl::new(listener.redirect_uri())
            .map_err(|_| Error::sign_in(SignInProblem::NoListener, nothing_sent()))?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = application(&client_id, None, &endpoints.token)
            .set_auth_uri(AuthUrl::from_url(endpoints.authorize.clone()))
            .authorize_url(CsrfToken::new_random)
            .set_redirect_uri(Cow::Borrowed(&redirect))
            .set_pkce_challenge(challenge)
            .add_scopes(tokens.scopes_of_a_person().map(Scope::new))
            .add_extra_param("response_mode", "query")
            .add_extra_param("prompt", "select_account")
            .url();
        Ok(Self {
            tokens: Arc::clone(tokens),
            endpoints,
            client_id,
            listener,
            redirect,
            url,
            state,
            verifier,
            expires_at: Instant::now() + LIFE_OF_AN_ATTEMPT,
            _only: only,
        })
    }

    /// The page to open in the system's browser. It is for this attempt alone and belongs in no log.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Waits until the person has signed in, for ten minutes at most. From then on requests go out as that person.
    ///
    /// # Errors
    ///
    /// [`Error::SignIn`]: declined, refused, too late, or answered by somebody else's page.
    pub async fn finish(self) -> Result<()> {
        let took_too_long = || Error::sign_in(SignInProblem::TookTooLong, nothing_sent());
        let heard = timeout_at(self.expires_at, self.listener.callback())
            .await
            .map_err(|_| took_too_long())?;
        let callback = heard.map_err(|error| {
            tracing::warn!(%error, "the sign-in cannot listen for the browser");
            Error::sign_in(SignInProblem::NoListener, nothing_sent())
        })?;
        let outcome = match callback::code(&callback.query, &self.state) {
            Ok(code) => {
                let application = application(&self.client_id, None, &self.endpoints.token);
                let request = application
                    .exchange_code(code)
                    .set_redirect_uri(Cow::Borrowed(&self.redirect))
                    .set_pkce_verifier(self.verifier)
                    .add_extra_param("scope", self.tokens.scope_of_a_token());
                let exchange = self.tokens.exchange(Asking::Person, false);
                self.tokens
                    .take_over(&exchange, request.request_async(&exchange))
                    .await
            }
            Err(error) => Err(error),
        };
        callback.answer(outcome.is_ok()).await;
        outcome
    }
}
