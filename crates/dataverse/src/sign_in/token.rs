//! What a sign-in service gives: read leniently where Entra ID and AD FS differ.

use crate::error::{Error, Result, ServiceAnswer, SignInProblem};
use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// An access token and when it ends.
pub(crate) struct Token {
    bearer: SecretString,
    pub(super) renew_at: Instant,
    pub(super) expires_at: Instant,
}

impl Token {
    /// The value of the `Authorization` header.
    pub fn header(&self) -> Result<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.bearer.expose_secret()))
            .map_err(|_| {
            Error::sign_in(
                SignInProblem::WrongAuthority,
                ServiceAnswer::new(None, None, None, None),
            )
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The token of an answer; none if it holds none that can be used. Its life is counted from before it was asked for.
    pub(super) fn of(given: &Given, asked_at: Instant) -> Option<Self> {
        const A_DAY: u64 = 24 * 60 * 60;
        let bearer = given.access_token.secret();
        if bearer.is_empty() || given.token_type != BasicTokenType::Bearer {
            return None;
        }
        // Unsaid, it is taken to be short; the organization's 401 corrects whatever is wrong here.
        let life = Duration::from_secs(given.expires_in.unwrap_or(300).min(A_DAY));
        let use_for = (life / 2).max(life.saturating_sub(Duration::from_secs(300)));
        Some(Self {
            bearer: SecretString::from(bearer.clone()),
            renew_at: asked_at + use_for,
            expires_at: asked_at + life,
        })
    }
}

/// The answer of a token endpoint: AD FS says `bearer` and may write the seconds as text (protocol page `auth.md`,
/// section 7).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Given {
    access_token: AccessToken,
    #[serde(
        default = "bearer",
        deserialize_with = "oauth2::helpers::deserialize_untagged_enum_case_insensitive"
    )]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
}

impl Given {
    /// The refresh token, if one came along.
    pub(super) fn refresh(&self) -> Option<SecretString> {
        self.refresh_token
            .as_ref()
            .map(|token| token.secret())
            .filter(|token| !token.is_empty())
            .map(|token| SecretString::from(token.clone()))
    }
}

impl TokenResponse for Given {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

fn seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn a_token_is_renewed_five_minutes_early_or_at_half_of_a_short_life() {
        let now = Instant::now();
        let seconds = |expires_in: Value| {
            let given = json!({"access_token": "t", "expires_in": expires_in});
            let given: Given = serde_json::from_value(given).unwrap();
            let token = Token::of(&given, now).unwrap();
            (
                (token.renew_at - now).as_secs(),
                (token.expires_at - now).as_secs(),
            )
        };
        assert_eq!(seconds(json!(3599)), (3299, 3599));
        assert_eq!(seconds(json!("3600")), (3300, 3600));
        assert_eq!(seconds(json!(600)), (300, 600));
        assert_eq!(seconds(json!(60)), (30, 60));
        assert_eq!(seconds(json!(0)), (0, 0));
        assert_eq!(seconds(json!(u64::MAX)), (86_100, 86_400));
        for unreadable in [json!(-5), json!("soon"), json!(null), json!([])] {
            assert_eq!(seconds(unreadable), (150, 300));
        }
    }

    #[test]
    fn only_a_bearer_token_is_one() {
        let is_one = |given: Value| {
            serde_json::from_value::<Given>(given)
                .ok()
                .and_then(|given| Token::of(&given, Instant::now()))
                .is_some()
        };
        assert!(is_one(json!({"access_token": "t"})));
        assert!(is_one(json!({"access_token": "t", "token_type": "BEARER"})));
        assert!(!is_one(json!({"access_token": "t", "token_type": "pop"})));
        assert!(!is_one(json!({"access_token": ""})));
        assert!(!is_one(json!({"access_token": 5})));
        assert!(!is_one(json!({"id_token": "t"})));
    }
}
