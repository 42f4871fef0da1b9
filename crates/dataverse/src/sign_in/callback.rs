//! What the browser brings back: read once, believed only with the `state` of this attempt (protocol page `auth.md`,
//! section 3).

use super::refusal::refused_in_browser;
use crate::error::{Error, Result, ServiceAnswer, SignInProblem};
use oauth2::{AuthorizationCode, CsrfToken};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;
use url::form_urlencoded;

/// The code of a callback's query string.
pub(super) fn code(query: &str, state: &CsrfToken) -> Result<AuthorizationCode> {
    let mut values = BTreeMap::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        if values.insert(key, value).is_some() {
            return Err(not_ours());
        }
    }
    let is_ours = values
        .get("state")
        .is_some_and(|theirs| bool::from(theirs.as_bytes().ct_eq(state.secret().as_bytes())));
    if !is_ours {
        return Err(not_ours());
    }
    let is_code = |code: &&std::borrow::Cow<'_, str>| {
        !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match (values.get("code").filter(is_code), values.get("error")) {
        (Some(code), None) => Ok(AuthorizationCode::new(code.clone().into_owned())),
        (None, Some(error)) if !values.contains_key("code") => {
            let description = values.get("error_description").map_or("", |text| text);
            Err(refused_in_browser(error, description))
        }
        (Some(_) | None, _) => Err(not_ours()),
    }
}

/// Somebody else's page may have called, so the attempt ends.
fn not_ours() -> Error {
    let nothing_sent = ServiceAnswer::new(None, None, None, None);
    Error::sign_in(SignInProblem::ForeignCallback, nothing_sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATE: &str = "QkVuY2hpbGFkYS1zdGF0ZQ";

    fn outcome(query: &str) -> std::result::Result<String, &'static str> {
        code(query, &CsrfToken::new(STATE.to_owned()))
            .map(|code| code.secret().clone())
            .map_err(|error| error.code())
    }

    #[test]
    fn good_callbacks() {
        for (query, code) in [
            ("code=abc&state=S", "abc"),
            ("state=S&code=abc", "abc"),
            (
                "code=0.AX0A-_~%2F%2B%3D&state=S&session_state=1234",
                "0.AX0A-_~/+=",
            ),
            (
                "code=abc&state=S&session_state=&client_info=x&iss=https%3A%2F%2Fx",
                "abc",
            ),
            ("&code=abc&&state=S&", "abc"),
        ] {
            let query = query.replace("state=S", &format!("state={STATE}"));
            assert_eq!(outcome(&query), Ok(code.to_owned()), "{query}");
        }
    }

    #[test]
    fn bad_callbacks() {
        for query in [
            "",
            "code=abc",
            "state=S",
            "code=&state=S",
            "code=abc&state=",
            "code=abc&state=s",
            "code=abc&state=Sx",
            "code=abc&state=S%00",
            "code=abc&State=S",
            "Code=abc&state=S",
            "code=abc&code=abc&state=S",
            "code=abc&state=S&state=S",
            "code=abc&state=S&state=other",
            "code=abc&state=S&x=1&x=2",
            "code=abc&state=S&error=access_denied",
            "code=&state=S&error=access_denied",
            "error=access_denied",
            "error=access_denied&state=other",
            "error=access_denied&error=other&state=S",
            "code=a%0Ab&state=S",
            "code=a%20b&state=S",
            "code=a+b&state=S",
            "code=%FF%FE&state=S",
            "code[]=abc&state=S",
            "code=abc;state=S",
        ] {
            let query = query.replace("state=S", &format!("state={STATE}"));
            assert_eq!(outcome(&query), Err("sign_in_foreign_callback"), "{query}");
        }
    }

    #[test]
    fn a_refusal_counts_only_with_our_state() {
        assert_eq!(
            outcome(&format!(
                "error=access_denied&error_description=AADSTS65004%3A+No.&state={STATE}"
            )),
            Err("sign_in_declined")
        );
        assert_eq!(
            outcome(&format!("error=server_error&state={STATE}")),
            Err("sign_in_unavailable")
        );
    }

    proptest! {
        #[test]
        fn no_query_harms_and_none_passes_without_the_state(query in "\\PC{0,200}") {
            prop_assert!(query.contains(STATE) || outcome(&query).is_err());
        }

        #[test]
        fn every_code_that_a_service_may_give_arrives(given in "[!-~]{1,300}") {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("state", STATE)
                .append_pair("code", &given)
                .finish();
            prop_assert_eq!(outcome(&query), Ok(given));
        }
    }
}
