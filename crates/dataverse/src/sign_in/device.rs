//! Sign-in as a person on another device, for computers without a browser (protocol page `auth.md`, section 4).

use super::exchange::{OAuth, application};
use super::refusal::Asking;
use super::token::Given;
use super::{TokenSource, nothing_sent};
use crate::error::{Error, Result, SignInProblem};
use crate::url::{Security, check_security};
use oauth2::{
    AsyncHttpClient, DeviceAuthorizationUrl, DeviceCodeErrorResponse, RequestTokenError, Scope,
    StandardDeviceAuthorizationResponse,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

/// Longer than any service lets a code live or wants to be left alone.
const AN_HOUR: Duration = Duration::from_secs(60 * 60);

/// A sign-in that waits for the person to type a code elsewhere. Dropping it cancels it.
pub struct DeviceSignIn {
    tokens: Arc<TokenSource>,
    client_id: String,
    token_endpoint: Url,
    details: StandardDeviceAuthorizationResponse,
    page: Url,
    expires_at: Instant,
    _only: OwnedMutexGuard<()>,
}

impl fmt::Debug for DeviceSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSignIn").finish_non_exhaustive()
    }
}

impl DeviceSignIn {
    pub(crate) async fn begin(tokens: &Arc<TokenSource>) -> Result<Self> {
        let (client_id, only) = tokens.begin_attempt()?;
        let endpoints = tokens.endpoints(&mut tokens.wait_budget()).await?;
        let token_endpoint = endpoints.token.clone();
        let application = application(&client_id, None, &token_endpoint)
            .set_device_authorization_url(DeviceAuthorizationUrl::from_url(
                endpoints.device_code.clone(),
            ));
        let exchange = tokens.exchange(Asking::Person, true);
        let asked_at = Instant::now();
        let details: StandardDeviceAuthorizationResponse = exchange.outcome(
            application
                .exchange_device_code()
                .add_scopes(tokens.scopes_of_a_person().map(Scope::new))
                .request_async(&exchange)
                .await,
        )?;
        let page = details.verification_uri().url().clone();
        let is_safe = matches!(check_security(&page), Security::Safe);
        if !is_safe || details.interval() > AN_HOUR || details.user_code().secret().is_empty() {
            return Err(exchange.not_understood());
        }
        Ok(Self {
            tokens: Arc::clone(tokens),
            client_id,
            token_endpoint,
            page,
            expires_at: asked_at + details.expires_in().min(AN_HOUR),
            details,
            _only: only,
        })
    }

    /// What the person types there. Whoever learns it may sign in here: it belongs in no log.
    pub fn user_code(&self) -> &str {
        self.details.user_code().secret()
    }

    /// The page on which to type it.
    pub fn page(&self) -> &Url {
        &self.page
    }

    /// When the code ends.
    pub fn expires_at(&self) -> Instant {
        self.expires_at
    }

    /// Waits until the person has signed in elsewhere. From then on requests go out as that person.
    ///
    /// # Errors
    ///
    /// [`Error::SignIn`]: declined, refused, or too late.
    pub async fn finish(self) -> Result<()> {
        let application = application(&self.client_id, None, &self.token_endpoint);
        // Asking is repeated anyway.
        let exchange = self.tokens.exchange(Asking::Person, false);
        let asking = until_answered(&application, &self.details, &exchange);
        timeout_at(self.expires_at, self.tokens.take_over(&exchange, asking))
            .await
            .unwrap_or_else(|_| Err(Error::sign_in(SignInProblem::TookTooLong, nothing_sent())))
    }
}

/// Asks as often as the service allows, until it says more than that the person has not signed in yet. The caller ends
/// it when the code has expired.
fn until_answered<'a, C: AsyncHttpClient<'a>>(
    application: &'a OAuth,
    details: &'a StandardDeviceAuthorizationResponse,
    http: &'a C,
) -> impl Future<
    Output = std::result::Result<Given, RequestTokenError<C::Error, DeviceCodeErrorResponse>>,
> + 'a {
    const AT_LEAST: Duration = Duration::from_secs(1);
    application
        .exchange_device_access_token(details)
        .request_async(http, |wait| sleep(wait.max(AT_LEAST)), Some(2 * AN_HOUR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use oauth2::http::Response;
    use oauth2::{HttpRequest, TokenResponse};
    use serde_json::json;
    use std::sync::Mutex;

    /// When it was asked, in seconds, and what came of it.
    async fn asked(interval: u64, answers: &[(u16, &str)]) -> (Vec<u64>, Option<String>) {
        let application = application("id", None, &"https://x.example/token".parse().unwrap());
        let details = json!({
            "user_code": "AB12", "device_code": "d", "verification_uri": "https://x.example/device",
            "expires_in": 900, "interval": interval,
        });
        let details = serde_json::from_value(details).unwrap();
        let start = Instant::now();
        let times = Mutex::new(Vec::new());
        let http = |request: HttpRequest| {
            let body = String::from_utf8(request.into_body()).unwrap();
            assert!(body.contains("device_code=d") && !body.contains("client_secret"));
            let mut times = times.lock().unwrap();
            let (status, error) = answers[times.len()];
            times.push(start.elapsed().as_secs());
            let answer = match status {
                200 => Ok(json!({"access_token": "t", "token_type": "Bearer"})),
                0 => Err(std::io::Error::other("cut off")),
                _ => Ok(json!({"error": error})),
            };
            let answer = answer.map(|body| {
                let body = body.to_string().into_bytes();
                Response::builder().status(status).body(body).unwrap()
            });
            async move { answer }
        };
        let outcome = until_answered(&application, &details, &http).await;
        let token = outcome
            .ok()
            .map(|given| given.access_token().secret().clone());
        (times.into_inner().unwrap(), token)
    }

    const PENDING: (u16, &str) = (400, "authorization_pending");
    const SLOWER: (u16, &str) = (400, "slow_down");
    const TOKEN: (u16, &str) = (200, "");

    #[tokio::test(start_paused = true)]
    async fn it_asks_no_faster_than_the_service_wants() {
        let yes = Some("t".to_owned());
        assert_eq!(
            asked(5, &[PENDING, PENDING, SLOWER, PENDING, TOKEN]).await,
            (vec![0, 5, 10, 20, 30], yes.clone())
        );
        assert_eq!(
            asked(0, &[PENDING, PENDING, TOKEN]).await,
            (vec![0, 1, 2], yes.clone())
        );
        // A broken connection is no answer.
        assert_eq!(
            asked(4, &[(0, ""), PENDING, TOKEN]).await,
            (vec![0, 8, 16], yes)
        );
        for error in [
            "authorization_declined",
            "expired_token",
            "bad_verification_code",
            "else",
        ] {
            assert_eq!(
                asked(5, &[PENDING, (400, error)]).await,
                (vec![0, 5], None),
                "{error}"
            );
        }
    }
}
