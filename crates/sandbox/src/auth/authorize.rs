//! `/{tenant}/oauth2/v2.0/authorize`: a person signs in, and the browser brings a code back to the application
//! (protocol page `auth.md`, section 3).

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

use super::refusal::Refusal;
use super::registration::{Client, Credential};
use super::scopes::Scopes;
use super::visit::{Step, Visit, page};
use super::{Authority, Form, TokenRequest, held, later, random_secret};
use crate::pages::escaped;
use crate::server::Answer;

/// Life of a code, in seconds.
pub(super) const CODE_LIFE: i64 = 600;

/// What a person granted to an application.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) client: String,
    pub(super) user: String,
    pub(super) scopes: Scopes,
    pub(super) mfa: bool,
    pub(super) nonce: Option<String>,
}

/// A code that waits to be redeemed, or has been.
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<Challenge>,
    pub(super) expires: Timestamp,
    pub(super) used: bool,
}

/// What proves at redemption that the same program asked for the code (PKCE).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    text: String,
    hashed: bool,
}

impl Challenge {
    /// Reads `code_challenge` and its method. Public clients must send one with S256.
    fn read(form: &Form, public: bool) -> Result<Option<Challenge>, Refusal> {
        let hashed = match form.get("code_challenge_method") {
            Some("S256") => true,
            None | Some("plain") if !public => false,
            Some(_) | None => {
                return match form.get("code_challenge") {
                    None if !public => Ok(None),
                    Some(_) | None => Err(Refusal::challenge_missing()),
                };
            }
        };
        let Some(text) = form.get("code_challenge") else {
            return if public || hashed {
                Err(Refusal::challenge_missing())
            } else {
                Ok(None)
            };
        };
        if !(43..=128).contains(&text.len()) {
            return Err(Refusal::challenge_size());
        }
        Ok(Some(Challenge {
            text: text.to_owned(),
            hashed,
        }))
    }

    /// The challenge of a native application of AD FS, which takes them where they are sent.
    pub(super) fn offered(form: &Form) -> Option<Challenge> {
        form.get("code_challenge").map(|text| Challenge {
            text: text.to_owned(),
            hashed: form.get("code_challenge_method") == Some("S256"),
        })
    }

    pub(super) fn is_met(&self, verifier: &str) -> bool {
        if self.hashed {
            self.text == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
        } else {
            self.text == verifier
        }
    }
}

/// How the answer gets back to the application.
#[derive(Clone)]
pub(super) struct Back {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) fragment: bool,
}

impl Back {
    /// The address that the browser is sent to.
    pub(super) fn address(&self, parameters: &[(&str, String)]) -> String {
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return self.redirect_uri.clone();
        };
        let state = self.state.as_ref().map(|state| ("state", state.clone()));
        let all = parameters
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .chain(state);
        if self.fragment {
            let mut text = url::form_urlencoded::Serializer::new(String::new());
            text.extend_pairs(all);
            url.set_fragment(Some(&text.finish()));
        } else {
            url.query_pairs_mut().extend_pairs(all);
        }
        url.into()
    }
}

/// A redirect of the browser.
pub(super) fn redirect(address: &str) -> Answer {
    Answer::empty(302)
        .header("location", address)
        .header("cache-control", "no-store, no-cache")
        .header("referrer-policy", "no-referrer")
}

/// What the application asks for in the address that it opens.
struct Asked {
    client: Client,
    back: Back,
    scopes: Scopes,
    challenge: Option<Challenge>,
    prompt: String,
    hint: Option<String>,
    nonce: Option<String>,
}

/// Why the request for a sign-in is refused, and who hears it.
enum Trouble {
    /// The person: the application cannot be trusted to be told.
    Person(Refusal),
    Application(Refusal, Back),
}

/// What the admin door does with a request for a sign-in.
pub(crate) enum Decision<'a> {
    Approve { email: &'a str },
    Deny,
}

impl Authority {
    /// The page that a person sees, or the redirect back. `form` is what the page before sent, empty at first.
    pub(crate) fn authorize(
        &self,
        tenant: &str,
        query: &str,
        request: &TokenRequest<'_>,
    ) -> Answer {
        let asked = match self.read_authorize(tenant, query, request) {
            Ok(asked) => asked,
            Err(Trouble::Person(refusal)) => return error_page(&refusal),
            Err(Trouble::Application(refusal, back)) => {
                return redirect(&back.address(&refusal.parameters()));
            }
        };
        if asked.prompt == "none" {
            let refusal = Refusal::login_required();
            return redirect(&asked.back.address(&refusal.parameters()));
        }
        let purpose = format!("to continue to {}", asked.client.name);
        let visit = Visit {
            client: &asked.client,
            accounts: &self.people,
            hint: asked.hint.as_deref(),
            policies: self.policies(),
            ask_consent: asked.prompt == "consent",
            purpose: &purpose,
            carried: &[],
            now: request.now,
        };
        match self.visit(&visit, &Form::parse(request.body)) {
            Step::Page(page) => page,
            Step::Refused(refusal) => redirect(&asked.back.address(&refusal.parameters())),
            Step::Admitted { person, mfa } => {
                redirect(&self.code(&asked, &person.user, mfa, request.now))
            }
        }
    }

    /// Answers a request for a sign-in without a browser: the address that the browser would be sent to.
    pub(crate) fn decide(
        &self,
        address: &str,
        decision: &Decision<'_>,
        request: &TokenRequest<'_>,
    ) -> Result<String, Refusal> {
        let url = Url::parse(address).map_err(|_| Refusal::missing("authorize_url"))?;
        let tenant = url.path().trim_start_matches('/').split('/').next();
        let asked = self
            .read_authorize(
                tenant.unwrap_or_default(),
                url.query().unwrap_or(""),
                request,
            )
            .map_err(|trouble| match trouble {
                Trouble::Person(refusal) | Trouble::Application(refusal, _) => refusal,
            })?;
        match decision {
            Decision::Deny => Ok(asked.back.address(&Refusal::declined().parameters())),
            Decision::Approve { email } => {
                let person = self
                    .person(email)
                    .ok_or_else(|| Refusal::user_unknown(&self.tenant))?;
                self.policies().admits(&asked.client.id)?;
                held(&self.consents).insert((asked.client.id.clone(), person.user.clone()));
                Ok(self.code(&asked, &person.user, true, request.now))
            }
        }
    }

    fn read_authorize(
        &self,
        tenant: &str,
        query: &str,
        request: &TokenRequest<'_>,
    ) -> Result<Asked, Trouble> {
        let form = Form::parse(query);
        self.check_tenant(tenant).map_err(Trouble::Person)?;
        let needed = |name: &str| {
            form.get(name)
                .ok_or_else(|| Trouble::Person(Refusal::missing(name)))
        };
        let client = self.client(needed("client_id")?).map_err(Trouble::Person)?;
        let redirect_uri = needed("redirect_uri")?;
        if !client.redirects_to(redirect_uri) {
            return Err(Trouble::Person(Refusal::redirect_mismatch(
                redirect_uri,
                &client.id,
            )));
        }
        let mode = form.get("response_mode").unwrap_or("query");
        let back = Back {
            redirect_uri: redirect_uri.to_owned(),
            state: form.get("state").map(str::to_owned),
            fragment: mode == "fragment",
        };
        let told = |refusal| Trouble::Application(refusal, back.clone());
        if !["query", "fragment"].contains(&mode) {
            return Err(told(Refusal::response_mode(mode)));
        }
        match form.get("response_type") {
            Some("code") => {}
            Some(other) => return Err(told(Refusal::response_type(other))),
            None => return Err(told(Refusal::missing("response_type"))),
        }
        let public = matches!(client.credential, Credential::Public);
        let challenge = Challenge::read(&form, public).map_err(told)?;
        let scopes =
            Scopes::read(form.get("scope").unwrap_or(""), request.origins).map_err(told)?;
        Ok(Asked {
            client,
            scopes,
            challenge,
            prompt: form.get("prompt").unwrap_or("").to_owned(),
            hint: form.get("login_hint").map(str::to_owned),
            nonce: form.get("nonce").map(str::to_owned),
            back,
        })
    }

    fn code(&self, asked: &Asked, user: &str, mfa: bool, now: Timestamp) -> String {
        let key = random_secret();
        let code = Code {
            grant: Grant {
                client: asked.client.id.clone(),
                user: user.to_owned(),
                scopes: asked.scopes.clone(),
                mfa,
                nonce: asked.nonce.clone(),
            },
            redirect_uri: asked.back.redirect_uri.clone(),
            challenge: asked.challenge.clone(),
            expires: later(now, CODE_LIFE),
            used: false,
        };
        let mut codes = held(&self.codes);
        forget(&mut codes, now);
        codes.insert(key.clone(), code);
        drop(codes);
        asked
            .back
            .address(&[("code", key), ("session_state", Uuid::new_v4().to_string())])
    }
}

/// Codes are known for a day, so that a late redemption hears that its code has expired.
fn forget(codes: &mut HashMap<String, Code>, now: Timestamp) {
    codes.retain(|_, code| later(code.expires, 86_400) > now);
}

fn error_page(refusal: &Refusal) -> Answer {
    page(
        400,
        "Sorry, but we're having trouble signing you in.",
        &format!("<p role=\"alert\">{}</p>", escaped(&refusal.sentence())),
    )
}
