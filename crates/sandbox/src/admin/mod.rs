//! The admin door: `/admin/…` on the same server, for tests and rehearsals. See the crate's documentation for its routes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Credential;
use crate::duplicates;
use crate::faults::{Latency, Plan};
use crate::limits;
use crate::organization::{Organization, ids};
use crate::security::{Depth, Role, guide_role};
use crate::server::Answer;
use crate::value::Statement;

mod sign_in;

type Shared = State<Arc<Organization>>;

pub(crate) fn router() -> Router<Arc<Organization>> {
    Router::new()
        .route("/", get(overview))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route(
            "/latency",
            get(latency).put(set_latency).delete(clear_latency),
        )
        .route("/settings", patch(settings))
        .route("/clock", post(clock))
        .route("/tokens", axum::routing::delete(revoke_tokens))
        .route("/users", patch(user))
        .merge(sign_in::router())
}

async fn overview(State(organization): Shared) -> Answer {
    let clients: Vec<Value> = organization
        .authority
        .clients()
        .iter()
        .map(|client| {
            let (secret, expired) = match &client.credential {
                Credential::Public => (None, false),
                Credential::Secret { secret, expired } => (Some(secret), *expired),
            };
            json!({
                "client_id": client.id, "client_secret": secret, "secret_expired": expired,
                "user_id": client.user, "redirect_uris": client.redirect_uris,
            })
        })
        .collect();
    Answer::plain_json(
        200,
        &json!({
            "tenant_id": organization.authority.tenant,
            "clients": clients,
            "token_lifetime_seconds": organization.authority.lifetime.load(Ordering::SeqCst),
            "device_code_interval_seconds": organization.authority.device_interval.load(Ordering::SeqCst),
            "service_protection": organization.protection.limits(),
            "now": organization.clock.now().to_string(),
            "faults": organization.faults.plans(),
            "latency": organization.faults.latencies(),
        }),
    )
}

async fn requests(State(organization): Shared) -> Answer {
    Answer::plain_json(200, &json!(organization.requests.entries()))
}

async fn clear_requests(State(organization): Shared) -> Answer {
    organization.requests.clear();
    Answer::empty(204)
}

async fn faults(State(organization): Shared) -> Answer {
    Answer::plain_json(200, &json!(organization.faults.plans()))
}

async fn add_fault(State(organization): Shared, Json(plan): Json<Plan>) -> Answer {
    match organization.faults.plan(plan) {
        Ok(()) => Answer::empty(204),
        Err(wrong) => Answer::plain_json(400, &json!({"error": wrong})),
    }
}

async fn clear_faults(State(organization): Shared) -> Answer {
    organization.faults.clear();
    Answer::empty(204)
}

async fn latency(State(organization): Shared) -> Answer {
    Answer::plain_json(200, &json!(organization.faults.latencies()))
}

/// One delay or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Latencies {
    One(Latency),
    Several(Vec<Latency>),
}

async fn set_latency(State(organization): Shared, Json(latencies): Json<Latencies>) -> Answer {
    organization.faults.set_latencies(match latencies {
        Latencies::One(one) => vec![one],
        Latencies::Several(several) => several,
    });
    Answer::empty(204)
}

async fn clear_latency(State(organization): Shared) -> Answer {
    organization.faults.set_latencies(Vec::new());
    Answer::empty(204)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    token_lifetime_seconds: Option<i64>,
    device_code_interval_seconds: Option<i64>,
    service_protection: Option<limits::Setting>,
    duplicate_detection: Option<bool>,
    duplicates_status: Option<u16>,
}

async fn settings(State(organization): Shared, Json(settings): Json<Settings>) -> Answer {
    let authority = &organization.authority;
    if let Some(seconds) = settings.token_lifetime_seconds {
        authority.lifetime.store(seconds, Ordering::SeqCst);
    }
    if let Some(seconds) = settings.device_code_interval_seconds {
        authority.device_interval.store(seconds, Ordering::SeqCst);
    }
    if let Some(setting) = &settings.service_protection {
        organization.protection.set(setting);
    }
    if let Some(status) = settings.duplicates_status {
        organization
            .duplicates_status
            .store(status, Ordering::SeqCst);
    }
    if let Some(on) = settings.duplicate_detection
        && let Err(error) = duplicates::switch(&organization.store, on).await
    {
        tracing::error!(%error, "duplicate detection could not be switched");
        return Answer::empty(500);
    }
    Answer::empty(204)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

async fn clock(State(organization): Shared, Json(advance): Json<Advance>) -> Answer {
    organization.clock.advance(advance.advance_seconds);
    Answer::empty(204)
}

async fn revoke_tokens(State(organization): Shared) -> Answer {
    organization.authority.revoke_all();
    Answer::empty(204)
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum NewRole {
    Guide,
    None,
    SystemAdministrator,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserChange {
    user: Option<String>,
    member: Option<bool>,
    disabled: Option<bool>,
    role: Option<NewRole>,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    add: Vec<String>,
    business_unit: Option<String>,
    #[serde(default)]
    depth: BTreeMap<String, Depth>,
}

async fn user(State(organization): Shared, Json(change): Json<UserChange>) -> Answer {
    let id = match change.user.as_deref() {
        Some("application") | None => Some(ids::APPLICATION_USER.to_owned()),
        Some("on_premises") => Some(ids::ON_PREMISES_USER.to_owned()),
        Some("administrator") => Some(ids::ADMINISTRATOR.to_owned()),
        Some(email) => organization.authority.user_with(email),
    };
    let id = id.unwrap_or_default();
    let unit = change.business_unit.clone();
    let found = organization.directory.change(&id, |principal| {
        principal.member = change.member.unwrap_or(principal.member);
        principal.disabled = change.disabled.unwrap_or(principal.disabled);
        match change.role {
            Some(NewRole::Guide) => principal.role = guide_role(),
            Some(NewRole::None) => principal.role = Role::None,
            Some(NewRole::SystemAdministrator) => principal.role = Role::SystemAdministrator,
            None => {}
        }
        if let Some(unit) = change.business_unit {
            principal.business_unit = unit;
        }
        if let Role::Custom(held) = &mut principal.role {
            for privilege in &change.remove {
                held.remove(privilege);
            }
            let added = change.add.into_iter().map(|name| (name, Depth::Global));
            held.extend(added);
            held.extend(change.depth);
        }
    });
    if let Some(unit) = unit.filter(|_| found)
        && let Err(error) = move_user(&organization, &id, &unit).await
    {
        tracing::error!(%error, "the user's business unit could not be kept");
        return Answer::empty(500);
    }
    Answer::empty(if found { 204 } else { 404 })
}

/// The user's row says the same as the directory.
async fn move_user(organization: &Organization, user: &str, unit: &str) -> Result<(), sqlx::Error> {
    let mut transaction = organization.store.write().await?;
    Statement::new(
        "UPDATE systemuser SET businessunitid = ?, versionnumber = ? WHERE systemuserid = ?",
    )
    .with(unit)
    .with(organization.store.next_version())
    .with(user)
    .query()
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}
