//! AD FS: `POST /adfs/oauth2/token` and `/adfs/oauth2/authorize` (protocol page `auth.md`, section 7).

use jiff::Timestamp;
use serde_json::json;

use super::authorize::{Back, CODE_LIFE, Challenge, redirect};
use super::registration::{Client, Credential, Person, Policies};
use super::visit::{Step, Visit, page};
use super::{Authority, Deployment, Form, Subject, TokenRequest, held, later, random_secret};
use crate::pages::escaped;
use crate::server::{Answer, ON_PREMISES};

/// How long a refresh token lives, in seconds.
const REFRESH_LIFE: i64 = 28_799;

/// A code of the authorization endpoint. It serves once.
pub(super) struct Code {
    client: String,
    user: String,
    audience: Option<String>,
    redirect_uri: String,
    challenge: Option<Challenge>,
    expires: Timestamp,
}

/// A refresh token. It serves once.
pub(super) struct RefreshToken {
    client: String,
    user: String,
    expires: Timestamp,
}

/// Why AD FS says no.
struct No(&'static str, &'static str);

const CLIENT_UNKNOWN: No = No(
    "invalid_client",
    "MSIS9607: The 'client_id' parameter in the request is invalid. No registered client is found with this identifier.",
);
const CLIENT_REFUSED: No = No(
    "invalid_client",
    "MSIS9622: Client authentication failed. Please verify the credential provided for client authentication is valid.",
);
const LOGIN_WRONG: No = No(
    "invalid_grant",
    "MSIS9659: Invalid 'username' or 'password'.",
);
const REFRESH_TOKEN_BAD: No = No(
    "invalid_grant",
    "MSIS9615: The refresh token received in 'refresh_token' parameter is invalid or has expired.",
);
const CODE_BAD: No = No(
    "invalid_grant",
    "MSIS9612: The authorization code received in 'code' parameter is invalid.",
);
const CODE_EXPIRED: No = No(
    "invalid_grant",
    "MSIS9614: The authorization code received in 'code' parameter has expired.",
);
const REDIRECT_WRONG: No = No(
    "invalid_grant",
    "MSIS9609: The 'redirect_uri' parameter is invalid. No redirect uri with the specified value is registered for the \
     received 'client_id'.",
);
const VERIFIER_WRONG: No = No(
    "invalid_grant",
    "MSIS9680: The 'code_verifier' parameter does not match the 'code_challenge' of the authorization request.",
);
const RESOURCE_WRONG: No = No(
    "invalid_resource",
    "MSIS9602: The received 'resource' parameter is invalid. The authorization server can not find a registered resource \
     with the specified identifier.",
);
const GRANT_UNSUPPORTED: No = No(
    "unsupported_grant_type",
    "MSIS9611: The authorization server does not support the requested 'grant_type'. The authorization server only \
     supports 'authorization_code', 'refresh_token', 'client_credentials' or 'password'.",
);
const RESPONSE_UNSUPPORTED: No = No(
    "unsupported_response_type",
    "MSIS9603: The authorization server does not support the requested 'response_type'. It only supports 'code'.",
);

impl No {
    fn answer(&self) -> Answer {
        let body = json!({"error": self.0, "error_description": self.1}).to_string();
        // AD FS writes apostrophes so.
        let body = body.replace('\'', "\\u0027");
        Answer::new(400, "application/json;charset=UTF-8", body).header("cache-control", "no-store")
    }
}

impl Authority {
    /// `POST /adfs/oauth2/token`.
    pub(crate) fn adfs_token(&self, request: &TokenRequest<'_>) -> Answer {
        self.give_adfs_token(request)
            .unwrap_or_else(|no| no.answer())
    }

    fn give_adfs_token(&self, request: &TokenRequest<'_>) -> Result<Answer, No> {
        let form = Form::read(request);
        let known = &self.on_premises;
        let id = form.get("client_id").unwrap_or("");
        let native = id.eq_ignore_ascii_case(&known.native_client_id);
        let client = if native {
            &known.native_client_id
        } else if id.eq_ignore_ascii_case(&known.client_id) {
            &known.client_id
        } else {
            return Err(CLIENT_UNKNOWN);
        };
        if !native && form.get("client_secret") != Some(&known.client_secret) {
            return Err(CLIENT_REFUSED);
        }
        let mut audience = None;
        let user = match form.get("grant_type") {
            Some("password") => {
                let login = form.get("username").unwrap_or("");
                let account = self
                    .on_premises_accounts()
                    .into_iter()
                    .find(|person| person.email.eq_ignore_ascii_case(login))
                    .filter(|person| form.get("password") == Some(&person.password));
                account.ok_or(LOGIN_WRONG)?.user
            }
            Some("refresh_token") => {
                let token = form.get("refresh_token").unwrap_or("");
                let mut tokens = held(&self.on_premises_refresh_tokens);
                let ours = tokens
                    .get(token)
                    .is_some_and(|token| token.client == *client && token.expires > request.now);
                let token = tokens.remove(token).filter(|_| ours);
                token.ok_or(REFRESH_TOKEN_BAD)?.user
            }
            Some("authorization_code") => {
                let code = self.redeem_adfs_code(client, &form, request.now)?;
                audience = code.audience;
                code.user
            }
            Some("client_credentials") if !native => known.user.clone(),
            Some("client_credentials") => return Err(CLIENT_REFUSED),
            Some(_) | None => return Err(GRANT_UNSUPPORTED),
        };
        if let Some(resource) = form.get("resource") {
            if !is_resource(resource, request.origins) {
                return Err(RESOURCE_WRONG);
            }
            audience = Some(resource.to_owned());
        }
        // Without `resource` (a v2-style `scope`) AD FS issues a token that Dynamics then rejects.
        let deployment = audience.as_ref().map(|_| Deployment::OnPremises);
        let audience = audience.unwrap_or_else(|| "urn:microsoft:userinfo".to_owned());
        let subject = Subject {
            user: &user,
            client,
            audience: &audience,
            deployment,
            person: None,
        };
        let (token, lifetime) = self.issue(&subject, request.now);
        let refresh = random_secret();
        held(&self.on_premises_refresh_tokens).insert(
            refresh.clone(),
            RefreshToken {
                client: client.clone(),
                user,
                expires: later(request.now, REFRESH_LIFE),
            },
        );
        Ok(Answer::plain_json(
            200,
            &json!({
                "access_token": token, "token_type": "bearer", "expires_in": lifetime, "resource": audience,
                "refresh_token": refresh, "refresh_token_expires_in": REFRESH_LIFE, "scope": "openid",
            }),
        )
        .header("cache-control", "no-store"))
    }

    fn redeem_adfs_code(&self, client: &str, form: &Form, now: Timestamp) -> Result<Code, No> {
        let code = form.get("code").unwrap_or("");
        let code = held(&self.on_premises_codes)
            .remove(code)
            .filter(|code| code.client == client)
            .ok_or(CODE_BAD)?;
        if code.expires <= now {
            return Err(CODE_EXPIRED);
        }
        if form.get("redirect_uri") != Some(&code.redirect_uri) {
            return Err(REDIRECT_WRONG);
        }
        let verifier = form.get("code_verifier").unwrap_or("");
        if code
            .challenge
            .as_ref()
            .is_some_and(|challenge| !challenge.is_met(verifier))
        {
            return Err(VERIFIER_WRONG);
        }
        Ok(code)
    }

    /// `/adfs/oauth2/authorize`: a person signs in to the native application.
    pub(crate) fn adfs_authorize(&self, query: &str, request: &TokenRequest<'_>) -> Answer {
        let form = Form::parse(query);
        let client = Client {
            id: self.on_premises.native_client_id.clone(),
            name: "the application".to_owned(),
            credential: Credential::Public,
            user: None,
            redirect_uris: vec!["http://localhost".to_owned(), "http://127.0.0.1".to_owned()],
        };
        let id = form.get("client_id").unwrap_or("");
        if !id.eq_ignore_ascii_case(&client.id) {
            return trouble(&CLIENT_UNKNOWN);
        }
        let redirect_uri = form.get("redirect_uri").unwrap_or("");
        if !client.redirects_to(redirect_uri) {
            return trouble(&REDIRECT_WRONG);
        }
        let back = Back {
            redirect_uri: redirect_uri.to_owned(),
            state: form.get("state").map(str::to_owned),
            fragment: false,
        };
        let refused = |no: &No| {
            redirect(&back.address(&[
                ("error", no.0.to_owned()),
                ("error_description", no.1.to_owned()),
            ]))
        };
        if form.get("response_type") != Some("code") {
            return refused(&RESPONSE_UNSUPPORTED);
        }
        let audience = form.get("resource").map(str::to_owned);
        if audience
            .as_deref()
            .is_some_and(|resource| !is_resource(resource, request.origins))
        {
            return refused(&RESOURCE_WRONG);
        }
        let accounts = self.on_premises_accounts();
        let visit = Visit {
            client: &client,
            accounts: &accounts,
            hint: form.get("login_hint"),
            policies: Policies::default(),
            ask_consent: false,
            purpose: "Sign in with your organizational account",
            carried: &[],
            now: request.now,
        };
        match self.visit(&visit, &Form::parse(request.body)) {
            Step::Page(page) => page,
            Step::Refused(_) => refused(&No(
                "access_denied",
                "MSIS9604: The sign-in was cancelled by the user.",
            )),
            Step::Admitted { person, .. } => {
                let key = random_secret();
                let code = Code {
                    client: client.id.clone(),
                    user: person.user,
                    audience,
                    redirect_uri: redirect_uri.to_owned(),
                    challenge: Challenge::offered(&form),
                    expires: later(request.now, CODE_LIFE),
                };
                held(&self.on_premises_codes).insert(key.clone(), code);
                redirect(&back.address(&[("code", key)]))
            }
        }
    }

    /// Who has an account in the Windows domain: the people, and the user of the integration.
    fn on_premises_accounts(&self) -> Vec<Person> {
        let mut accounts = self.people.clone();
        accounts.push(Person {
            email: self.on_premises.login_email.clone(),
            password: self.on_premises.password.clone(),
            name: "Integration User".to_owned(),
            user: self.on_premises.user.clone(),
        });
        accounts
    }
}

/// Is this an identifier of the organization? The guide registers its URL with the version behind it; the challenge names
/// its origin.
fn is_resource(resource: &str, origins: &[String]) -> bool {
    let resource = resource.trim_end_matches('/');
    let resource = resource
        .rsplit_once("/api/data/")
        .map_or(resource, |(start, _)| start);
    let resource = resource
        .strip_suffix(ON_PREMISES)
        .and_then(|start| start.strip_suffix('/'))
        .unwrap_or(resource);
    origins
        .iter()
        .any(|origin| origin.eq_ignore_ascii_case(resource))
}

fn trouble(no: &No) -> Answer {
    page(
        400,
        "An error occurred",
        &format!("<p role=\"alert\">{}</p>", escaped(no.1)),
    )
}
