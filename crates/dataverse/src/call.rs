//! One operation as it is sent, by itself or in a batch.

use crate::body::ContentId;
use crate::error::{Endpoint, Result};
use crate::odata::invalid;
use crate::transport::Request;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_NONE_MATCH};
use serde_json::{Map, Value};
use url::Url;

/// One operation, before it has a token.
pub(crate) struct Call {
    /// What is done, for the log.
    pub operation: &'static str,
    /// On which entity set, for the log.
    pub entity_set: Option<String>,
    pub method: Method,
    pub target: Target,
    pub headers: HeaderMap,
    pub body: Option<String>,
    /// Whether sending it twice has the effect of sending it once.
    pub repeatable: bool,
}

/// What an operation is sent to.
pub(crate) enum Target {
    Url(Url),
    /// What an earlier item of the change set writes, and the path from there.
    Item(ContentId, String),
}

/// A read with a longer address travels in a batch. Dataverse itself reads 32,768 characters, but what stands in front of
/// it often reads 8,192 (protocol page `query.md`, section "URL length": move well before).
const LONGEST_READ: usize = 4_000;

impl Call {
    /// Whether the address is too long for a request line.
    pub fn is_long_read(&self) -> bool {
        let Target::Url(url) = &self.target else {
            return false;
        };
        self.method == Method::GET && url.as_str().len() > LONGEST_READ
    }

    pub fn read(operation: &'static str, entity_set: Option<&str>, url: Url) -> Self {
        // The literal text "null" keeps Dataverse from answering expanded collections out of its cache.
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static("null"))]);
        Self {
            operation,
            entity_set: entity_set.map(str::to_owned),
            method: Method::GET,
            target: Target::Url(url),
            headers,
            body: None,
            repeatable: true,
        }
    }

    pub fn prefer(mut self, preferences: Option<String>) -> Result<Self> {
        if let Some(preferences) = preferences {
            self.headers
                .insert("Prefer", header("a preference", &preferences)?);
        }
        Ok(self)
    }

    pub fn json(mut self, members: &Map<String, Value>) -> Result<Self> {
        let body = serde_json::to_string(members)
            .map_err(|_| invalid("a record is written as a JSON object"))?;
        self.body = Some(body);
        self.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        Ok(self)
    }

    pub fn with_token(self, token: HeaderValue) -> Result<Request> {
        let mut request = self.without_token()?;
        request.headers.insert(AUTHORIZATION, token);
        Ok(request)
    }

    pub fn without_token(self) -> Result<Request> {
        let Self {
            operation,
            entity_set,
            method,
            target,
            mut headers,
            body,
            repeatable,
        } = self;
        let Target::Url(url) = target else {
            return Err(invalid(
                "an item of a change set can be named only in that change set",
            ));
        };
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json"));
        headers.insert("OData-MaxVersion", HeaderValue::from_static("4.0"));
        headers.insert("OData-Version", HeaderValue::from_static("4.0"));
        Ok(Request {
            endpoint: Endpoint::Organization,
            operation,
            entity_set,
            method,
            url,
            headers,
            body,
            repeatable,
        })
    }
}

pub(crate) fn header(what: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(value).map_err(|_| invalid(format!("{what} cannot be sent as a header")))
}
