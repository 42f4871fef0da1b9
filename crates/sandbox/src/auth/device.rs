//! Device code: a program without a browser shows a code, a person enters it elsewhere, the program asks until that has
//! happened (protocol page `auth.md`, section 4).

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::authorize::Grant;
use super::refusal::Refusal;
use super::registration::Client;
use super::scopes::Scopes;
use super::visit::{Step, Visit, page};
use super::{Authority, Form, TokenRequest, held, later, random_secret};
use crate::pages::escaped;
use crate::server::Answer;

/// Life of a device code, in seconds.
const LIFE: i64 = 900;

/// Letters and digits that are not taken for one another, and make no words.
const ALPHABET: &[u8] = b"BCDFGHJKLMNPQRSTVWXYZ23456789";

/// A device code that was given out.
pub(super) struct Device {
    device_code: String,
    user_code: String,
    client: String,
    scopes: Scopes,
    expires: Timestamp,
    /// Seconds that must pass between two questions.
    interval: i64,
    asked: Option<Timestamp>,
    state: State,
}

enum State {
    Pending,
    Declined,
    Approved { user: String, mfa: bool },
    Redeemed,
}

/// A device code that waits for a person, as the admin door shows it.
#[derive(Serialize)]
pub(crate) struct Waiting {
    user_code: String,
    client_id: String,
    state: &'static str,
}

impl Authority {
    /// `POST /{tenant}/oauth2/v2.0/devicecode`.
    pub(crate) fn device_code(&self, tenant: &str, request: &TokenRequest<'_>) -> Answer {
        self.give_device_code(tenant, request)
            .unwrap_or_else(|refusal| refusal.answer(request.now))
    }

    fn give_device_code(
        &self,
        tenant: &str,
        request: &TokenRequest<'_>,
    ) -> Result<Answer, Refusal> {
        self.check_tenant(tenant)?;
        let form = Form::read(request);
        let id = form
            .get("client_id")
            .ok_or_else(|| Refusal::missing("client_id"))?;
        let client = self.client(id)?;
        let scopes = Scopes::read(form.get("scope").unwrap_or(""), request.origins)?;
        let interval = self.device_interval.load(Ordering::SeqCst);
        let device = Device {
            device_code: random_secret(),
            user_code: user_code(),
            client: client.id,
            scopes,
            expires: later(request.now, LIFE),
            interval,
            asked: None,
            state: State::Pending,
        };
        let uri = format!("{}/common/oauth2/deviceauth", request.origin());
        let answer = Answer::plain_json(
            200,
            &json!({
                "user_code": device.user_code, "device_code": device.device_code, "verification_uri": uri,
                "expires_in": LIFE, "interval": interval,
                "message": format!(
                    "To sign in, use a web browser to open the page {uri} and enter the code {} to authenticate.",
                    device.user_code
                ),
            }),
        );
        let mut devices = held(&self.devices);
        devices.retain(|device| later(device.expires, 86_400) > request.now);
        devices.push(device);
        Ok(answer.header("cache-control", "no-store, no-cache"))
    }

    /// The grant behind a device code, once somebody has approved it.
    pub(super) fn redeem_device_code(
        &self,
        client: &Client,
        code: &str,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        let mut devices = held(&self.devices);
        let device = devices
            .iter_mut()
            .find(|device| device.device_code == code && device.client == client.id)
            .ok_or_else(Refusal::device_unknown)?;
        if device.expires <= now {
            return Err(Refusal::device_expired());
        }
        // A second of tolerance, for what a request is under way.
        let early = device
            .asked
            .is_some_and(|asked| later(asked, device.interval - 1) > now);
        device.asked = Some(now);
        let (user, mfa) = match &device.state {
            State::Pending if early => {
                device.interval += 5;
                return Err(Refusal::device_too_fast());
            }
            State::Pending => return Err(Refusal::device_pending()),
            State::Declined => return Err(Refusal::device_declined()),
            State::Redeemed => return Err(Refusal::code_used()),
            State::Approved { user, mfa } => (user.clone(), *mfa),
        };
        device.state = State::Redeemed;
        Ok(Grant {
            client: device.client.clone(),
            user,
            scopes: device.scopes.clone(),
            mfa,
            nonce: None,
        })
    }

    /// `/common/oauth2/deviceauth`: where a person enters the code and signs in.
    pub(crate) fn device_page(&self, query: &str, request: &TokenRequest<'_>) -> Answer {
        let form = Form::parse(request.body);
        let typed = form.get("user_code").map(normalized);
        let Some(code) = typed else {
            let offered = Form::parse(query);
            let offered = offered.get("user_code").or(offered.get("otc"));
            return code_page(offered.unwrap_or(""), None);
        };
        let found = {
            let devices = held(&self.devices);
            devices
                .iter()
                .find(|device| device.is_open(&code, request.now))
                .map(|device| device.client.clone())
        };
        let client = match found.map(|id| self.client(&id)) {
            Some(Ok(client)) => client,
            Some(Err(_)) | None => {
                let text = "That code didn't work. Check the code and try again. (AADSTS70018)";
                return code_page(&code, Some(text));
            }
        };
        let purpose = format!(
            "You're signing in to {} on another device. Go on only if you asked for this code yourself.",
            client.name
        );
        let visit = Visit {
            client: &client,
            accounts: &self.people,
            hint: None,
            policies: self.policies(),
            ask_consent: false,
            purpose: &purpose,
            carried: &[("user_code", &code)],
            now: request.now,
        };
        match self.visit(&visit, &form) {
            Step::Page(page) => page,
            Step::Refused(_) => {
                self.decide_device(&code, State::Declined, request.now);
                let text = "<p>You declined the sign-in. You can close this window.</p>";
                page(200, "Sign-in cancelled", text)
            }
            Step::Admitted { person, mfa } => {
                let user = person.user;
                self.decide_device(&code, State::Approved { user, mfa }, request.now);
                let text = format!(
                    "<p>You have signed in to {} on your device. You can close this window.</p>",
                    escaped(&client.name)
                );
                page(200, "Signed in", &text)
            }
        }
    }

    /// Approves a device code as a person, or declines it. `false` if no such code waits.
    pub(crate) fn answer_device(
        &self,
        user_code: &str,
        approve_as: Option<&str>,
        now: Timestamp,
    ) -> bool {
        let state = match approve_as {
            None => State::Declined,
            Some(email) => match self.person(email) {
                Some(person) => State::Approved {
                    user: person.user.clone(),
                    mfa: true,
                },
                None => return false,
            },
        };
        self.decide_device(&normalized(user_code), state, now)
    }

    fn decide_device(&self, user_code: &str, state: State, now: Timestamp) -> bool {
        let mut devices = held(&self.devices);
        let device = devices
            .iter_mut()
            .find(|device| device.is_open(user_code, now));
        device.map(|device| device.state = state).is_some()
    }

    /// All device codes that are still known.
    pub(crate) fn waiting(&self, now: Timestamp) -> Vec<Waiting> {
        held(&self.devices)
            .iter()
            .map(|device| Waiting {
                user_code: device.user_code.clone(),
                client_id: device.client.clone(),
                state: match device.state {
                    _ if device.expires <= now => "expired",
                    State::Pending => "pending",
                    State::Declined => "declined",
                    State::Approved { .. } => "approved",
                    State::Redeemed => "redeemed",
                },
            })
            .collect()
    }
}

impl Device {
    fn is_open(&self, user_code: &str, now: Timestamp) -> bool {
        self.user_code == user_code && self.expires > now && matches!(self.state, State::Pending)
    }
}

/// A code as people may type it: in small letters, with spaces or dashes.
fn normalized(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn user_code() -> String {
    rand::random::<[u8; 9]>()
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()))
        .map(|byte| char::from(*byte))
        .collect()
}

fn code_page(code: &str, error: Option<&str>) -> Answer {
    let error = error.map_or_else(String::new, |error| {
        format!("<p role=\"alert\">{}</p>", escaped(error))
    });
    let form = format!(
        "{error}<form method=\"post\"><label for=\"user_code\">Enter the code that your device shows</label>\
         <input id=\"user_code\" name=\"user_code\" value=\"{}\" autocomplete=\"off\" required autofocus>\
         <button class=\"first\">Next</button></form>",
        escaped(code)
    );
    page(200, "Enter code", &form)
}
