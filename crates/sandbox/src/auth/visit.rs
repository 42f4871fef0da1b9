//! The pages on which a person signs in: account, password, second proof, consent. Plain forms that post to their own
//! address: they work by keyboard and without JavaScript.

use jiff::Timestamp;

use super::refusal::Refusal;
use super::registration::{Client, Person, Policies};
use super::{Authority, Form, held, later, random_secret};
use crate::pages::escaped;
use crate::server::Answer;

/// How long a person may take from one page to the next, in seconds.
const PATIENCE: i64 = 600;

/// A person whose password was right, between two pages.
#[derive(Clone)]
pub(super) struct Flow {
    person: Person,
    client: String,
    mfa: bool,
    expires: Timestamp,
}

/// A sign-in in a browser.
pub(super) struct Visit<'a> {
    pub(super) client: &'a Client,
    /// Who may sign in here.
    pub(super) accounts: &'a [Person],
    /// The account to begin with.
    pub(super) hint: Option<&'a str>,
    pub(super) policies: Policies,
    /// The application wants to be consented to, whatever is known.
    pub(super) ask_consent: bool,
    /// A sentence over the form that says what is signed in to.
    pub(super) purpose: &'a str,
    /// Fields that every form carries along.
    pub(super) carried: &'a [(&'a str, &'a str)],
    pub(super) now: Timestamp,
}

/// Where a sign-in has come to.
pub(super) enum Step {
    Page(Answer),
    /// The person is in; a second proof was given or not.
    Admitted {
        person: Person,
        mfa: bool,
    },
    Refused(Refusal),
}

impl Authority {
    /// The next step of a sign-in, by what the last page sent.
    pub(super) fn visit(&self, visit: &Visit<'_>, form: &Form) -> Step {
        if form.has("cancel") {
            return Step::Refused(Refusal::declined());
        }
        if let Some(flow) = form.get("flow") {
            return self.resume(visit, form, flow);
        }
        let email = match form.get("email").or(visit.hint) {
            Some(email) if !form.has("back") => email,
            Some(_) | None => return Step::Page(visit.account_page(None)),
        };
        // Field and button are both there after the password page; before it only the account is.
        if !form.has("password") {
            return Step::Page(visit.password_page(email, None));
        }
        let account = visit
            .accounts
            .iter()
            .find(|person| person.email.eq_ignore_ascii_case(email.trim()));
        let Some(person) = account else {
            let text = "We couldn't find an account with that username. (AADSTS50034)";
            return Step::Page(visit.account_page(Some(text)));
        };
        if form.get("password") != Some(person.password.as_str()) {
            let text = "Your account or password is incorrect. (AADSTS50126)";
            return Step::Page(visit.password_page(email, Some(text)));
        }
        if let Err(refusal) = visit.policies.admits(&visit.client.id) {
            return Step::Page(visit.blocked_page(&refusal));
        }
        self.proceed(
            visit,
            Flow {
                person: person.clone(),
                client: visit.client.id.clone(),
                mfa: false,
                expires: visit.now,
            },
            false,
        )
    }

    fn resume(&self, visit: &Visit<'_>, form: &Form, flow: &str) -> Step {
        let known = held(&self.flows).remove(flow);
        let Some(mut flow) =
            known.filter(|flow| flow.expires > visit.now && flow.client == visit.client.id)
        else {
            let text = "Your sign-in took too long. Please sign in again.";
            return Step::Page(visit.account_page(Some(text)));
        };
        flow.mfa |= form.has("approve");
        self.proceed(visit, flow, form.has("accept"))
    }

    /// The next page for somebody whose password was right, or through.
    fn proceed(&self, visit: &Visit<'_>, flow: Flow, accepted: bool) -> Step {
        if visit.policies.mfa && !flow.mfa {
            let email = flow.person.email.clone();
            let key = self.keep(visit, flow);
            return Step::Page(visit.proof_page(&email, &key));
        }
        let consent = (visit.client.id.clone(), flow.person.user.clone());
        let asked =
            visit.ask_consent || visit.policies.consent && !held(&self.consents).contains(&consent);
        if asked && !accepted {
            let email = flow.person.email.clone();
            let key = self.keep(visit, flow);
            return Step::Page(visit.consent_page(&email, &key));
        }
        if accepted {
            held(&self.consents).insert(consent);
        }
        Step::Admitted {
            person: flow.person,
            mfa: flow.mfa,
        }
    }

    fn keep(&self, visit: &Visit<'_>, flow: Flow) -> String {
        let key = random_secret();
        let mut flows = held(&self.flows);
        flows.retain(|_, flow| flow.expires > visit.now);
        let expires = later(visit.now, PATIENCE);
        flows.insert(key.clone(), Flow { expires, ..flow });
        key
    }
}

impl Visit<'_> {
    fn account_page(&self, error: Option<&str>) -> Answer {
        let accounts: String = self
            .accounts
            .iter()
            .map(|person| {
                format!(
                    "<li><button name=\"email\" value=\"{email}\">{name}<br><small>{email}</small></button></li>",
                    email = escaped(&person.email),
                    name = escaped(&person.name)
                )
            })
            .collect();
        let other = self.form(
            "<label for=\"email\">Use another account</label>\
             <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\" required>\
             <button class=\"first\">Next</button><button name=\"cancel\" value=\"1\" formnovalidate>Cancel</button>",
        );
        let list = self.form(&format!("<ul>{accounts}</ul>"));
        self.page("Pick an account", error, &format!("{list}{other}"))
    }

    fn password_page(&self, email: &str, error: Option<&str>) -> Answer {
        let form = self.form(&format!(
            "<p>{email}</p><input type=\"hidden\" name=\"email\" value=\"{email}\">\
             <label for=\"password\">Password</label>\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required \
             autofocus>\
             <button class=\"first\">Sign in</button>\
             <button name=\"back\" value=\"1\" formnovalidate>Back</button>\
             <button name=\"cancel\" value=\"1\" formnovalidate>Cancel</button>",
            email = escaped(email)
        ));
        self.page("Enter password", error, &form)
    }

    fn proof_page(&self, email: &str, flow: &str) -> Answer {
        let form = self.form(&format!(
            "<p>{}</p><p>Approve the request that was sent to your phone.</p>\
             <input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
             <button class=\"first\" name=\"approve\" value=\"1\" autofocus>I have approved it</button>\
             <button name=\"cancel\" value=\"1\">Cancel</button>",
            escaped(email)
        ));
        self.page("Approve sign in request", None, &form)
    }

    fn consent_page(&self, email: &str, flow: &str) -> Answer {
        let form = self.form(&format!(
            "<p>{}</p><p>{} wants to access Dynamics 365 as you, and to keep that access.</p>\
             <input type=\"hidden\" name=\"flow\" value=\"{flow}\">\
             <button class=\"first\" name=\"accept\" value=\"1\" autofocus>Accept</button>\
             <button name=\"cancel\" value=\"1\">Cancel</button>",
            escaped(email),
            escaped(&self.client.name)
        ));
        self.page("Permissions requested", None, &form)
    }

    fn blocked_page(&self, refusal: &Refusal) -> Answer {
        let form = self.form("<button name=\"cancel\" value=\"1\" autofocus>Cancel</button>");
        self.page(
            "You cannot access this right now",
            Some(&refusal.sentence()),
            &form,
        )
    }

    fn form(&self, content: &str) -> String {
        let carried: String = self
            .carried
            .iter()
            .map(|(name, value)| {
                format!(
                    "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                    escaped(name),
                    escaped(value)
                )
            })
            .collect();
        format!("<form method=\"post\">{carried}{content}</form>")
    }

    fn page(&self, title: &str, error: Option<&str>, content: &str) -> Answer {
        let error = error.map_or_else(String::new, |error| {
            format!("<p role=\"alert\">{}</p>", escaped(error))
        });
        page(
            200,
            title,
            &format!("<p>{}</p>{error}{content}", escaped(self.purpose)),
        )
    }
}

/// A page of the sign-in service. `content` is HTML.
pub(super) fn page(status: u16, title: &str, content: &str) -> Answer {
    let title = escaped(title);
    let body = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} - Practice sign-in</title><style>\
         :root{{color-scheme:light dark}}body{{font:16px system-ui;max-width:26em;margin:3em auto;padding:0 1em}}\
         h1{{font-size:1.4em}}form{{margin:1em 0}}ul{{list-style:none;padding:0}}li button{{width:100%;text-align:left}}\
         label,input{{display:block}}input{{width:100%;box-sizing:border-box;font:inherit;padding:.5em;margin:.3em 0 1em}}\
         button{{font:inherit;padding:.5em 1em;margin:0 .5em .5em 0}}.first{{font-weight:bold}}\
         :focus-visible{{outline:3px solid;outline-offset:2px}}[role=alert]{{color:light-dark(#a4262c,#ff99a4)}}</style>\
         </head><body><main><p>Practice organization</p><h1>{title}</h1>{content}</main></body></html>"
    );
    Answer::new(status, "text/html; charset=utf-8", body)
        .header("cache-control", "no-store, no-cache")
        .header("referrer-policy", "no-referrer")
        // `form-action` is left open: browsers apply it to the redirect back to the application, too.
        .header(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        )
}
