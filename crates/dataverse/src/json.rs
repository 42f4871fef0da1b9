//! Reading what is neither a row nor a page of rows.

use crate::call::{Call, header};
use crate::client::Client;
use crate::error::Result;
use reqwest::header::HeaderName;
use serde_json::{Map, Value};

impl Client {
    /// Reads a JSON object at a path of the Web API; the query string is encoded already. The log names the path's
    /// first segment, without its key. Header names are lower case.
    pub(crate) async fn read_json(
        &self,
        operation: &'static str,
        path: &str,
        query_string: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Map<String, Value>> {
        let resource = path.split(['(', '/']).next();
        let mut call = Call::read(operation, resource, self.url(path, query_string)?);
        for (name, value) in headers {
            call.headers.insert(
                HeaderName::from_static(name),
                header("a request header", value)?,
            );
        }
        self.execute(call).await?.into_success_object()
    }
}
