//! The tenant's token endpoint: `POST /{tenant}/oauth2/v2.0/token` (protocol page `auth.md`, sections 2 to 5).

use jiff::Timestamp;
use serde_json::json;

use super::authorize::Grant;
use super::refusal::Refusal;
use super::registration::{Client, Credential};
use super::scopes::{Scopes, is_organization};
use super::{
    Authority, Deployment, Form, Subject, TokenRequest, held, later, object_id, part, random_secret,
};
use crate::server::Answer;

/// How long a refresh token lives unused, in seconds: 90 days.
const REFRESH_LIFE: i64 = 90 * 86_400;

/// A refresh token. Entra ID gives a new one at each use and leaves the old one valid until it expires.
pub(super) struct RefreshToken {
    grant: Grant,
    issued: Timestamp,
    used: Timestamp,
    state: RefreshState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RefreshState {
    Valid,
    Expired,
    Revoked,
}

impl Authority {
    /// `POST /{tenant}/oauth2/v2.0/token`.
    pub(crate) fn cloud_token(&self, tenant: &str, request: &TokenRequest<'_>) -> Answer {
        self.give_cloud_token(tenant, request)
            .unwrap_or_else(|refusal| refusal.answer(request.now))
    }

    fn give_cloud_token(
        &self,
        tenant: &str,
        request: &TokenRequest<'_>,
    ) -> Result<Answer, Refusal> {
        self.check_tenant(tenant)?;
        let form = Form::read(request);
        let needed = |name: &str| form.get(name).ok_or_else(|| Refusal::missing(name));
        let grant_type = needed("grant_type")?;
        const GRANTS: [&str; 5] = [
            "client_credentials",
            "authorization_code",
            "refresh_token",
            "password",
            DEVICE,
        ];
        if !GRANTS.contains(&grant_type) {
            return Err(Refusal::grant_type(grant_type));
        }
        let client = self.client(needed("client_id")?)?;
        authenticate(&client, &form)?;
        let now = request.now;
        match grant_type {
            "client_credentials" => self.application_token(tenant, &client, &form, request),
            "authorization_code" => {
                let grant = self.redeem_code(&client, &form, now)?;
                self.delegated(grant, &client, &form, request)
            }
            DEVICE => {
                let grant = self.redeem_device_code(&client, needed("device_code")?, now)?;
                self.delegated(grant, &client, &form, request)
            }
            "refresh_token" => {
                let grant = self.refreshed(&client, needed("refresh_token")?, &form, request)?;
                self.delegated(grant, &client, &form, request)
            }
            _ => {
                let (email, password) = (needed("username")?, needed("password")?);
                let person = self
                    .person(email)
                    .ok_or_else(|| Refusal::user_unknown(&self.tenant))?;
                if person.password != password {
                    return Err(Refusal::password_wrong());
                }
                let grant = Grant {
                    client: client.id.clone(),
                    user: person.user.clone(),
                    scopes: Scopes::read(needed("scope")?, request.origins)?,
                    mfa: false,
                    nonce: None,
                };
                self.delegated(grant, &client, &form, request)
            }
        }
    }

    /// A token of the application itself.
    fn application_token(
        &self,
        tenant: &str,
        client: &Client,
        form: &Form,
        request: &TokenRequest<'_>,
    ) -> Result<Answer, Refusal> {
        let Some(user) = &client.user else {
            return Err(Refusal::secret_missing());
        };
        if ["common", "organizations"].contains(&tenant.to_ascii_lowercase().as_str()) {
            return Err(Refusal::tenant_needed());
        }
        let scope = form.get("scope").ok_or_else(|| Refusal::missing("scope"))?;
        let resource = scope
            .strip_suffix("/.default")
            .ok_or_else(|| Refusal::scope_not_default(scope))?;
        if url::Url::parse(resource).is_err() || resource.contains(char::is_whitespace) {
            return Err(Refusal::scope_malformed(scope));
        }
        if !is_organization(resource, request.origins) {
            return Err(Refusal::resource_unknown(resource));
        }
        let subject = Subject {
            user,
            client: &client.id,
            audience: resource,
            deployment: Some(Deployment::Cloud),
            person: None,
        };
        let (token, lifetime) = self.issue(&subject, request.now);
        Ok(Answer::plain_json(
            200,
            &json!({
                "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token,
            }),
        )
        .header("cache-control", "no-store, no-cache"))
    }

    fn redeem_code(&self, client: &Client, form: &Form, now: Timestamp) -> Result<Grant, Refusal> {
        let needed = |name: &str| form.get(name).ok_or_else(|| Refusal::missing(name));
        let (key, redirect_uri) = (needed("code")?, needed("redirect_uri")?);
        let mut codes = held(&self.codes);
        let code = codes.get_mut(key).ok_or_else(Refusal::grant_malformed)?;
        if code.grant.client != client.id {
            return Err(Refusal::grant_of_another_client());
        }
        if code.used {
            return Err(Refusal::code_used());
        }
        if code.expires <= now {
            return Err(Refusal::code_expired());
        }
        if code.redirect_uri != redirect_uri {
            return Err(Refusal::redirect_mismatch(redirect_uri, &client.id));
        }
        if let Some(challenge) = &code.challenge {
            let verifier = needed("code_verifier")?;
            if !challenge.is_met(verifier) {
                // Whoever guesses gets one guess.
                code.used = true;
                return Err(Refusal::verifier_wrong());
            }
        }
        code.used = true;
        Ok(code.grant.clone())
    }

    fn refreshed(
        &self,
        client: &Client,
        token: &str,
        form: &Form,
        request: &TokenRequest<'_>,
    ) -> Result<Grant, Refusal> {
        let mut tokens = held(&self.refresh_tokens);
        let known = tokens.get_mut(token).ok_or_else(Refusal::grant_malformed)?;
        if known.grant.client != client.id {
            return Err(Refusal::grant_of_another_client());
        }
        match known.state {
            RefreshState::Revoked => return Err(Refusal::refresh_token_revoked()),
            RefreshState::Valid if later(known.used, REFRESH_LIFE) > request.now => {}
            RefreshState::Valid | RefreshState::Expired => {
                return Err(Refusal::refresh_token_expired(known.issued));
            }
        }
        known.used = request.now;
        let mut grant = known.grant.clone();
        if let Some(scope) = form.get("scope") {
            grant.scopes = Scopes::read(scope, request.origins)?;
            // A refresh token is always answered with the next one.
            grant.scopes.offline = true;
        }
        Ok(grant)
    }

    /// The tokens for what a person granted, if the administrator's policies still allow it.
    fn delegated(
        &self,
        grant: Grant,
        client: &Client,
        form: &Form,
        request: &TokenRequest<'_>,
    ) -> Result<Answer, Refusal> {
        let person = self
            .person_of(&grant.user)
            .ok_or_else(|| Refusal::user_unknown(&self.tenant))?;
        let policies = self.policies();
        policies.admits(&client.id)?;
        let resource = grant.scopes.resource.clone();
        if policies.mfa && !grant.mfa {
            return Err(Refusal::mfa_required(resource.as_deref().unwrap_or("")));
        }
        let consent = (client.id.clone(), grant.user.clone());
        if policies.consent && !held(&self.consents).contains(&consent) {
            return Err(Refusal::consent_required(&client.id));
        }

        let now = request.now;
        let subject = Subject {
            user: &grant.user,
            client: &client.id,
            audience: resource
                .as_deref()
                .unwrap_or("00000003-0000-0000-c000-000000000000"),
            deployment: resource.as_ref().map(|_| Deployment::Cloud),
            person: Some(person),
        };
        let (token, lifetime) = self.issue(&subject, now);
        let mut body = json!({
            "token_type": "Bearer", "scope": grant.scopes.granted(), "expires_in": lifetime,
            "ext_expires_in": lifetime, "access_token": token,
        });
        let object = object_id(&grant.user);
        if let Some(members) = body.as_object_mut() {
            if grant.scopes.openid {
                let mut claims = json!({
                    "aud": client.id, "iss": format!("{}/{}/v2.0", request.origin(), self.tenant),
                    "iat": now.as_second(), "nbf": now.as_second(), "exp": later(now, 3600).as_second(),
                    "name": person.name, "preferred_username": person.email, "oid": object, "sub": object,
                    "tid": self.tenant, "ver": "2.0",
                });
                if let (Some(nonce), Some(claims)) = (&grant.nonce, claims.as_object_mut()) {
                    claims.insert("nonce".to_owned(), json!(nonce));
                }
                let header = json!({"typ": "JWT", "alg": "RS256", "kid": "practice"});
                let id_token = format!("{}.{}.{}", part(&header), part(&claims), random_secret());
                members.insert("id_token".to_owned(), json!(id_token));
            }
            if form.get("client_info") == Some("1") {
                let info = part(&json!({"uid": object, "utid": self.tenant}));
                members.insert("client_info".to_owned(), json!(info));
            }
            if grant.scopes.offline {
                members.insert(
                    "refresh_token".to_owned(),
                    json!(self.refresh_token(grant, now)),
                );
            }
        }
        Ok(Answer::plain_json(200, &body).header("cache-control", "no-store, no-cache"))
    }

    fn refresh_token(&self, grant: Grant, now: Timestamp) -> String {
        let token = random_secret();
        held(&self.refresh_tokens).insert(
            token.clone(),
            RefreshToken {
                grant,
                issued: now,
                used: now,
                state: RefreshState::Valid,
            },
        );
        token
    }

    /// Lets all refresh tokens of both deployments expire (700082), or revokes them (70043).
    pub(crate) fn end_refresh_tokens(&self, revoked: bool) {
        let state = if revoked {
            RefreshState::Revoked
        } else {
            RefreshState::Expired
        };
        for token in held(&self.refresh_tokens).values_mut() {
            token.state = state;
        }
        held(&self.on_premises_refresh_tokens).clear();
    }
}

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Is the application who it says it is?
fn authenticate(client: &Client, form: &Form) -> Result<(), Refusal> {
    let assertion = form.has("client_assertion");
    match (&client.credential, form.get("client_secret")) {
        (Credential::Public, None) if !assertion => Ok(()),
        (Credential::Public, Some(_) | None) => Err(Refusal::secret_on_public_client(&client.id)),
        (Credential::Secret { .. }, None) if assertion => {
            Err(Refusal::certificate_unknown(&client.id))
        }
        (Credential::Secret { .. }, None) => Err(Refusal::secret_missing()),
        (Credential::Secret { secret, .. }, Some(sent)) if sent != secret => {
            Err(Refusal::secret_wrong(&client.id))
        }
        (Credential::Secret { expired: true, .. }, Some(_)) => {
            Err(Refusal::secret_expired(&client.id))
        }
        (Credential::Secret { expired: false, .. }, Some(_)) => Ok(()),
    }
}
