//! One conversation with a sign-in service: the `oauth2` library says what is asked, our transport asks it, and what a
//! refusal means is read from the whole answer.

use super::refusal::{Asking, refusal};
use super::token::Given;
use crate::error::{Endpoint, Error, Result, ServiceAnswer, SignInProblem};
use crate::transport::{Request, Transport};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
};
use oauth2::http::{self, header::CONTENT_TYPE};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ErrorResponse,
    HttpRequest, HttpResponse, RequestTokenError, StandardRevocableToken, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// The library's client, with our reading of the answers.
pub(super) type OAuth = oauth2::Client<
    BasicErrorResponse,
    Given,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// An application at a token endpoint. A public one has no secret, and sends none.
pub(super) fn application(client_id: &str, secret: Option<&SecretString>, token: &Url) -> OAuth {
    let client = oauth2::Client::new(ClientId::new(client_id.to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(token.clone()));
    match secret {
        Some(secret) => {
            client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        }
        None => client,
    }
}

/// The way to the sign-in service for one attempt.
pub(super) struct Exchange {
    transport: Transport,
    asking: Asking,
    /// Whether asking twice has the effect of asking once. A code works only once.
    repeatable: bool,
    heard: Mutex<Heard>,
}

struct Heard {
    /// What may still be spent on `Retry-After`.
    budget: Duration,
    /// The last answer, as far as support needs it.
    answer: ServiceAnswer,
    /// What that answer means, if it was a refusal.
    refusal: Option<Error>,
}

impl Exchange {
    pub fn new(transport: &Transport, asking: Asking, repeatable: bool, budget: Duration) -> Self {
        Self {
            transport: transport.clone(),
            asking,
            repeatable,
            heard: Mutex::new(Heard {
                budget,
                answer: ServiceAnswer::new(None, None, None, None),
                refusal: None,
            }),
        }
    }

    /// What the library makes of an attempt, in our words.
    pub fn outcome<T, E: ErrorResponse + 'static>(
        &self,
        outcome: std::result::Result<T, RequestTokenError<Error, E>>,
    ) -> Result<T> {
        outcome.map_err(|error| {
            let heard = self.heard();
            match error {
                RequestTokenError::Request(error) => error,
                RequestTokenError::ServerResponse(_)
                | RequestTokenError::Parse(..)
                | RequestTokenError::Other(_) => heard.refusal.clone().unwrap_or_else(|| {
                    Error::sign_in(SignInProblem::WrongAuthority, heard.answer.clone())
                }),
            }
        })
    }

    /// A success that says nothing that can be used.
    pub fn not_understood(&self) -> Error {
        Error::sign_in(SignInProblem::WrongAuthority, self.heard().answer.clone())
    }

    pub fn budget(&self) -> Duration {
        self.heard().budget
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse> {
        let (parts, body) = request.into_parts();
        let not_understood = || self.not_understood();
        let request = Request {
            endpoint: Endpoint::SignInService,
            operation: "sign_in",
            entity_set: None,
            method: parts.method,
            url: Url::parse(&parts.uri.to_string()).map_err(|_| not_understood())?,
            headers: parts.headers,
            body: Some(String::from_utf8(body).map_err(|_| not_understood())?),
            repeatable: self.repeatable,
        };
        let mut budget = self.heard().budget;
        let sent = self.transport.send(&request, &mut budget).await;
        let mut heard = self.heard();
        heard.budget = budget;
        let answer = sent?;
        heard.answer = answer.service_answer(None, None);
        heard.refusal = (!answer.status.is_success()).then(|| refusal(&answer, self.asking));
        // Who waits for a person asks again after a while.
        if let Some(refusal) = heard
            .refusal
            .as_ref()
            .filter(|refusal| refusal.is_offline())
        {
            return Err(refusal.clone());
        }
        drop(heard);
        let mut response = http::Response::builder().status(answer.status);
        if let Some(kind) = answer.headers.get(CONTENT_TYPE) {
            response = response.header(CONTENT_TYPE, kind);
        }
        response
            .body(answer.body_without_mark().to_vec())
            .map_err(|_| not_understood())
    }
}

impl<'c> AsyncHttpClient<'c> for Exchange {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
