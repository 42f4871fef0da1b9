//! Where the sign-in services are.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::{Authority, Deployment, TokenRequest, discovery};
use crate::api;
use crate::organization::Organization;
use crate::server::{Answer, Arrival, guarded};

type Shared = State<Arc<Organization>>;

pub(crate) fn router() -> Router<Arc<Organization>> {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(cloud_token))
        .route(
            "/{tenant}/oauth2/v2.0/authorize",
            get(authorize).post(authorize),
        )
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device_code))
        .route(
            "/common/oauth2/deviceauth",
            get(device_page).post(device_page),
        )
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(configuration),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/common/discovery/instance", get(instances))
        .route("/api/discovery/v2.0/Instances", get(global_discovery))
        .route("/adfs/oauth2/token", post(adfs_token))
        .route("/adfs/oauth2/token/", post(adfs_token))
        .route(
            "/adfs/oauth2/authorize",
            get(adfs_authorize).post(adfs_authorize),
        )
        .route(
            "/adfs/oauth2/authorize/",
            get(adfs_authorize).post(adfs_authorize),
        )
        .route(
            "/adfs/.well-known/openid-configuration",
            get(adfs_configuration),
        )
        .route("/adfs/discovery/keys", get(keys))
}

async fn cloud_token(
    state: Shared,
    Path(tenant): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(state, &method, &uri, headers, body, |authority, request| {
        authority.cloud_token(&tenant, request)
    })
    .await
}

async fn authorize(
    state: Shared,
    Path(tenant): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = uri.query().unwrap_or("");
    answered(state, &method, &uri, headers, body, |authority, request| {
        authority.authorize(&tenant, query, request)
    })
    .await
}

async fn device_code(
    state: Shared,
    Path(tenant): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(state, &method, &uri, headers, body, |authority, request| {
        authority.device_code(&tenant, request)
    })
    .await
}

async fn device_page(
    state: Shared,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = uri.query().unwrap_or("");
    answered(state, &method, &uri, headers, body, |authority, request| {
        authority.device_page(query, request)
    })
    .await
}

async fn adfs_token(
    state: Shared,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(state, &method, &uri, headers, body, Authority::adfs_token).await
}

async fn adfs_authorize(
    state: Shared,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = uri.query().unwrap_or("");
    answered(state, &method, &uri, headers, body, |authority, request| {
        authority.adfs_authorize(query, request)
    })
    .await
}

/// Answers under the request log, the injected latency and the injected faults.
async fn answered(
    State(organization): Shared,
    method: &Method,
    uri: &Uri,
    headers: HeaderMap,
    body: Bytes,
    answer: impl FnOnce(&Authority, &TokenRequest<'_>) -> Answer,
) -> Response {
    let arrival = Arrival {
        method: method.as_str(),
        uri,
        body: &body,
        entity_set: None,
    };
    let client_gone = std::future::pending();
    guarded(&organization, arrival, client_gone, async {
        let authorization = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let request = TokenRequest {
            authorization,
            body: &String::from_utf8_lossy(&body),
            now: organization.clock.now(),
            origins: &organization.origins,
        };
        answer(&organization.authority, &request)
    })
    .await
}

async fn configuration(State(organization): Shared, Path(tenant): Path<String>) -> Answer {
    let authority = &organization.authority;
    match authority.configuration(&tenant, &organization.origin()) {
        Ok(configuration) => published(&configuration),
        Err(refusal) => refusal.answer(organization.clock.now()),
    }
}

async fn adfs_configuration(State(organization): Shared) -> Answer {
    published(&Authority::adfs_configuration(&organization.origin()))
}

/// Tokens are not signed, so there is no key to check them with.
async fn keys() -> Answer {
    published(&json!({"keys": []}))
}

async fn instances(State(organization): Shared) -> Answer {
    published(&organization.authority.instances(&organization.origin()))
}

async fn global_discovery(State(organization): Shared, headers: HeaderMap) -> Answer {
    let origin = organization.origin();
    let header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let now = organization.clock.now();
    let authority = &organization.authority;
    match authority.bearer(header, Deployment::Cloud, now) {
        Some(token) => published(&discovery::instances_of(
            token.delegated,
            &origin,
            &authority.tenant,
        )),
        None => api::challenge(&organization, Deployment::Cloud, &origin),
    }
}

fn published(body: &Value) -> Answer {
    Answer::plain_json(200, body)
}
