//! The readers of what others answer, without the network in front of them: for the fuzz targets, which feed them with
//! anything, and for nobody else.

use crate::batch::{Batch, Done};
use crate::error::{Error, Result};
use crate::fetchxml::{Fetch, FetchPage};
use crate::row::Page;
use crate::transport::Answer;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// An answer as it came over the network.
pub struct Given(Answer);

impl Given {
    /// None if no HTTP library would let this pass.
    pub fn new(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Option<Self> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_bytes(value.as_bytes()).ok()?,
            );
        }
        Some(Self(Answer {
            status: StatusCode::from_u16(status).ok()?,
            headers: map,
            body: body.to_vec(),
        }))
    }

    /// What it means if it is no success.
    pub fn error(&self) -> Error {
        self.0.error()
    }

    /// What it means if a sign-in service gave it.
    pub fn refusal(&self) -> Error {
        crate::sign_in::refusal_of(&self.0)
    }

    /// The authority that its challenge names.
    pub fn challenge(&self) -> Option<String> {
        self.0.challenge("authorization_uri")
    }

    /// The page of rows in it.
    ///
    /// # Errors
    ///
    /// What it is instead.
    pub fn page(self) -> Result<Page> {
        let envelope = self.0.into_success()?.into_success_object()?;
        Page::read(envelope, None, "contacts")
    }

    /// The page of a FetchXML query in it, and whether another follows.
    ///
    /// # Errors
    ///
    /// What it is instead.
    pub fn fetch_page(self, fetch: &Fetch) -> Result<(FetchPage, bool)> {
        let envelope = self.0.into_success()?.into_success_object()?;
        let (page, next) = crate::fetchxml::read_page(fetch.root(), envelope)?;
        Ok((page, next.is_some()))
    }

    /// The results of a batch in it.
    ///
    /// # Errors
    ///
    /// As for [`Client::batch`](crate::Client::batch).
    pub fn batch(self, batch: &Batch) -> Result<Vec<Result<Done>>> {
        batch.read(self.0)
    }
}
