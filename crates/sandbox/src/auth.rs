//! Sign-in: the tenant's v2 token endpoint (cloud), the AD FS token endpoint (on-premises), and the tokens they give
//! out (protocol page `auth.md`). Tokens look like JWTs but mean nothing outside this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use sandbox_syntax::is_guid;
use sandbox_syntax::options::pairs;
use serde_json::json;
use uuid::Uuid;

use crate::server::Answer;

/// Which deployment a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deployment {
    Cloud,
    OnPremises,
}

/// An application registered in the tenant.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) secret_expired: bool,
    /// The `systemuser` that stands for it.
    pub(crate) user: String,
}

/// The application and the user known to AD FS.
pub(crate) struct OnPremisesLogin {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) login_email: String,
    pub(crate) password: String,
    pub(crate) user: String,
}

#[derive(Clone)]
struct Token {
    user: String,
    expires: Timestamp,
    deployment: Option<Deployment>,
}

/// The authority of both deployments.
pub(crate) struct Authority {
    pub(crate) tenant: String,
    pub(crate) clients: Vec<Client>,
    pub(crate) on_premises: OnPremisesLogin,
    /// Life of an access token, in seconds.
    pub(crate) lifetime: AtomicI64,
    tokens: Mutex<HashMap<String, Token>>,
    refresh_tokens: Mutex<HashMap<String, String>>,
}

/// What a token request brings along.
pub(crate) struct TokenRequest<'a> {
    pub(crate) authorization: Option<&'a str>,
    pub(crate) body: &'a str,
    pub(crate) now: Timestamp,
    /// Origins under which the organization is known: `http://127.0.0.1:1234`, `http://localhost:1234`.
    pub(crate) origins: &'a [String],
}

struct Form {
    fields: HashMap<String, String>,
}

impl Form {
    fn read(request: &TokenRequest<'_>) -> Form {
        let mut fields: HashMap<String, String> = pairs(request.body).into_iter().collect();
        let basic = request
            .authorization
            .and_then(|header| header.strip_prefix("Basic "));
        if let Some(decoded) = basic.and_then(|text| STANDARD.decode(text).ok())
            && let Ok(text) = String::from_utf8(decoded)
            && let Some((id, secret)) = text.split_once(':')
        {
            let decode = |text: &str| {
                pairs(&format!("x={text}"))
                    .pop()
                    .map(|(_, value)| value)
                    .unwrap_or_default()
            };
            fields
                .entry("client_id".to_owned())
                .or_insert_with(|| decode(id));
            fields
                .entry("client_secret".to_owned())
                .or_insert_with(|| decode(secret));
        }
        Form { fields }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

/// Random text of 40 URL-safe characters.
pub(crate) fn random_secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 30]>())
}

impl Authority {
    pub(crate) fn new(
        tenant: String,
        clients: Vec<Client>,
        on_premises: OnPremisesLogin,
    ) -> Authority {
        Authority {
            tenant,
            clients,
            on_premises,
            lifetime: AtomicI64::new(3599),
            tokens: Mutex::default(),
            refresh_tokens: Mutex::default(),
        }
    }

    /// The user behind an `Authorization` header, if its token is good for the deployment now.
    pub(crate) fn user(
        &self,
        header: Option<&str>,
        deployment: Deployment,
        now: Timestamp,
    ) -> Option<String> {
        let (scheme, token) = header?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens
            .get(token.trim())
            .filter(|token| token.deployment == Some(deployment) && token.expires > now)
            .map(|token| token.user.clone())
    }

    /// Makes every token worthless, as a revocation does.
    pub(crate) fn revoke_all(&self) {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn issue(
        &self,
        user: &str,
        client: &str,
        audience: &str,
        deployment: Option<Deployment>,
        now: Timestamp,
    ) -> (String, i64) {
        let lifetime = self.lifetime.load(Ordering::SeqCst);
        let expires = now
            .checked_add(SignedDuration::from_secs(lifetime))
            .unwrap_or(now);
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!(
            "{}.{}.{}",
            part(json!({"typ": "JWT", "alg": "RS256", "kid": "practice"})),
            part(json!({
                "aud": audience, "iss": format!("https://sts.windows.net/{}/", self.tenant), "appid": client,
                "oid": Uuid::new_v5(&Uuid::NAMESPACE_OID, user.as_bytes()).to_string(), "tid": self.tenant,
                "iat": now.as_second(), "nbf": now.as_second(), "exp": expires.as_second(), "ver": "1.0",
            })),
            random_secret()
        );
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| token.expires > now);
        tokens.insert(
            token.clone(),
            Token {
                user: user.to_owned(),
                expires,
                deployment,
            },
        );
        (token, lifetime)
    }

    /// `POST /{tenant}/oauth2/v2.0/token`.
    pub(crate) fn cloud_token(&self, tenant: &str, request: &TokenRequest<'_>) -> Answer {
        let refuse = |status, error, code, text: String| {
            entra_error(status, error, code, &text, request.now)
        };
        if !is_guid(tenant) && !tenant.contains('.') {
            return refuse(
                400,
                "invalid_request",
                900_023,
                format!(
                    "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
                ),
            );
        }
        if !tenant.eq_ignore_ascii_case(&self.tenant) {
            return refuse(
                400,
                "invalid_request",
                90_002,
                format!(
                    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
                 correct cloud. Check with your subscription administrator, this may happen if there are no active \
                 subscriptions for the tenant."
                ),
            );
        }
        let form = Form::read(request);
        let missing = |name: &str| {
            refuse(
                400,
                "invalid_request",
                900_144,
                format!("The request body must contain the following parameter: '{name}'."),
            )
        };
        match form.get("grant_type") {
            Some("client_credentials") => {}
            Some(other) => {
                return refuse(
                    400,
                    "unsupported_grant_type",
                    70_003,
                    format!("The app requested an unsupported grant type '{other}'."),
                );
            }
            None => return missing("grant_type"),
        }
        let Some(client_id) = form.get("client_id") else {
            return missing("client_id");
        };
        let Some(client) = self
            .clients
            .iter()
            .find(|client| client.id.eq_ignore_ascii_case(client_id))
        else {
            return refuse(
                400,
                "unauthorized_client",
                700_016,
                format!(
                    "Application with identifier '{client_id}' was not found in the directory 'Practice'. This can happen if \
                 the application has not been installed by the administrator of the tenant or consented to by any user \
                 in the tenant. You may have sent your authentication request to the wrong tenant."
                ),
            );
        };
        let Some(secret) = form.get("client_secret") else {
            return refuse(
                401,
                "invalid_client",
                7_000_218,
                "The request body must contain the following parameter: \
                 'client_assertion' or 'client_secret'."
                    .to_owned(),
            );
        };
        if secret != client.secret {
            return refuse(
                401,
                "invalid_client",
                7_000_215,
                format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
                 not the client secret ID, for a secret added to app '{}'.",
                    client.id
                ),
            );
        }
        if client.secret_expired {
            return refuse(
                401,
                "invalid_client",
                7_000_222,
                format!(
                    "The provided client secret keys for app '{}' are expired. Visit the Azure portal to create new keys for \
                 your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: \
                 https://aka.ms/certCreds.",
                    client.id
                ),
            );
        }
        let Some(scope) = form.get("scope") else {
            return missing("scope");
        };
        let Some(resource) = scope.strip_suffix("/.default") else {
            return refuse(
                400,
                "invalid_scope",
                1_002_012,
                format!(
                    "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
                 /.default suffixed to the resource identifier (application ID URI)."
                ),
            );
        };
        if url::Url::parse(resource).is_err() || resource.contains(char::is_whitespace) {
            return refuse(
                400,
                "invalid_scope",
                70_011,
                format!(
                    "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
                 'scope' is not valid. The scope {scope} is not valid."
                ),
            );
        }
        if !request
            .origins
            .iter()
            .any(|origin| origin.eq_ignore_ascii_case(resource.trim_end_matches('/')))
        {
            return refuse(
                400,
                "invalid_resource",
                500_011,
                format!(
                    "The resource principal named {resource} was not found in the tenant named Practice. This can happen if \
                 the application has not been installed by the administrator of the tenant or consented to by any user \
                 in the tenant. You might have sent your authentication request to the wrong tenant."
                ),
            );
        }
        let (token, lifetime) = self.issue(
            &client.user,
            &client.id,
            resource,
            Some(Deployment::Cloud),
            request.now,
        );
        Answer::plain_json(200, &json!({
            "token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token,
        }))
        .header("cache-control", "no-store, no-cache")
    }

    /// `POST /adfs/oauth2/token`.
    pub(crate) fn adfs_token(&self, request: &TokenRequest<'_>) -> Answer {
        let form = Form::read(request);
        let known = &self.on_premises;
        if form
            .get("client_id")
            .is_none_or(|id| !id.eq_ignore_ascii_case(&known.client_id))
        {
            return adfs_error(
                "invalid_client",
                "MSIS9607: The 'client_id' parameter in the request is invalid. No \
                 registered client is found with this identifier.",
            );
        }
        if form.get("client_secret") != Some(&known.client_secret) {
            return adfs_error(
                "invalid_client",
                "MSIS9622: Client authentication failed. Please verify the credential \
                 provided for client authentication is valid.",
            );
        }
        match form.get("grant_type") {
            Some("password") => {
                let login = form.get("username").unwrap_or("");
                if !login.eq_ignore_ascii_case(&known.login_email)
                    || form.get("password") != Some(&known.password)
                {
                    return adfs_error(
                        "invalid_grant",
                        "MSIS9659: Invalid 'username' or 'password'.",
                    );
                }
            }
            Some("refresh_token") => {
                let token = form.get("refresh_token").unwrap_or("");
                let known = self
                    .refresh_tokens
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(token);
                if known.is_none() {
                    return adfs_error(
                        "invalid_grant",
                        "MSIS9615: The refresh token received in 'refresh_token' \
                         parameter is invalid or has expired.",
                    );
                }
            }
            Some("client_credentials") => {}
            Some(_) | None => {
                return adfs_error(
                    "unsupported_grant_type",
                    "MSIS9611: The authorization server does not support the \
                     requested 'grant_type'. The authorization server only supports 'authorization_code', \
                     'refresh_token', 'client_credentials' or 'password'.",
                );
            }
        }
        let organization = |resource: &str| {
            let resource = resource.trim_end_matches('/');
            let resource = resource.strip_suffix("/OnPrem").unwrap_or(resource);
            request
                .origins
                .iter()
                .any(|origin| origin.eq_ignore_ascii_case(resource))
        };
        // Without `resource` (a v2-style `scope`) AD FS issues a token that Dynamics then rejects.
        let (audience, deployment) = match form.get("resource") {
            Some(resource) if organization(resource) => (resource, Some(Deployment::OnPremises)),
            Some(_) => {
                return adfs_error(
                    "invalid_resource",
                    "MSIS9602: The received 'resource' parameter is invalid. The \
                     authorization server can not find a registered resource with the specified identifier.",
                );
            }
            None => ("urn:microsoft:userinfo", None),
        };
        let (token, lifetime) = self.issue(
            &known.user,
            &known.client_id,
            audience,
            deployment,
            request.now,
        );
        let refresh = random_secret();
        let mut refresh_tokens = self
            .refresh_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        refresh_tokens.insert(refresh.clone(), known.user.clone());
        Answer::plain_json(200, &json!({
            "access_token": token, "token_type": "bearer", "expires_in": lifetime, "resource": audience,
            "refresh_token": refresh, "refresh_token_expires_in": 28799, "scope": "openid",
        }))
        .header("cache-control", "no-store")
    }
}

fn entra_error(status: u16, error: &str, code: u32, text: &str, now: Timestamp) -> Answer {
    let (trace, correlation) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let stamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    Answer::plain_json(
        status,
        &json!({
            "error": error,
            "error_description": format!(
                "AADSTS{code}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}"
            ),
            "error_codes": [code], "timestamp": stamp, "trace_id": trace, "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        }),
    )
}

fn adfs_error(error: &str, description: &str) -> Answer {
    let body = json!({"error": error, "error_description": description}).to_string();
    let mut answer = Answer::new(
        400,
        "application/json;charset=UTF-8",
        body.replace('\'', "\\u0027"),
    );
    answer
        .headers
        .push(("cache-control", "no-store".to_owned()));
    answer
}
