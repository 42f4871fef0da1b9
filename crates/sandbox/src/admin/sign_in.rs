//! The admin door to the sign-in services.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::Shared;
use crate::auth::{Credential, Decision, PolicyChange, TokenRequest};
use crate::organization::Organization;
use crate::server::Answer;

pub(super) fn router() -> Router<Arc<Organization>> {
    Router::new()
        .route("/sign-ins", get(waiting).post(decide))
        .route("/policies", patch(policies))
        .route("/clients", patch(client))
        .route("/refresh-tokens", post(end_refresh_tokens))
}

async fn waiting(State(organization): Shared) -> Answer {
    let waiting = organization.authority.waiting(organization.clock.now());
    Answer::plain_json(200, &json!(waiting))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    authorize_url: Option<String>,
    user_code: Option<String>,
    email: Option<String>,
    #[serde(default)]
    deny: bool,
}

async fn decide(State(organization): Shared, Json(sign_in): Json<SignIn>) -> Answer {
    let authority = &organization.authority;
    let email = sign_in
        .email
        .as_deref()
        .unwrap_or_else(|| authority.first_account());
    let now = organization.clock.now();
    match (&sign_in.authorize_url, &sign_in.user_code) {
        (Some(address), None) => {
            let decision = if sign_in.deny {
                Decision::Deny
            } else {
                Decision::Approve { email }
            };
            let request = TokenRequest {
                authorization: None,
                body: "",
                now,
                origins: &organization.origins,
            };
            match authority.decide(address, &decision, &request) {
                Ok(redirect) => Answer::plain_json(200, &json!({"redirect": redirect})),
                Err(refusal) => refusal.answer(now),
            }
        }
        (None, Some(code)) => {
            let found = authority.answer_device(code, (!sign_in.deny).then_some(email), now);
            Answer::empty(if found { 204 } else { 404 })
        }
        (Some(_), Some(_)) | (None, None) => Answer::plain_json(
            400,
            &json!({"error": "Give either 'authorize_url' or 'user_code'."}),
        ),
    }
}

async fn policies(State(organization): Shared, Json(change): Json<PolicyChange>) -> Answer {
    organization.authority.change_policies(&change);
    Answer::empty(204)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientChange {
    client_id: String,
    secret_expired: Option<bool>,
    redirect_uris: Option<Vec<String>>,
}

async fn client(State(organization): Shared, Json(change): Json<ClientChange>) -> Answer {
    let found = organization
        .authority
        .change_client(&change.client_id, |client| {
            if let (Some(now), Credential::Secret { expired, .. }) =
                (change.secret_expired, &mut client.credential)
            {
                *expired = now;
            }
            if let Some(redirect_uris) = change.redirect_uris {
                client.redirect_uris = redirect_uris;
            }
        });
    Answer::empty(if found { 204 } else { 404 })
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Expired,
    Revoked,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshTokens {
    end: End,
}

async fn end_refresh_tokens(
    State(organization): Shared,
    Json(tokens): Json<RefreshTokens>,
) -> Answer {
    let revoked = matches!(tokens.end, End::Revoked);
    organization.authority.end_refresh_tokens(revoked);
    Answer::empty(204)
}
