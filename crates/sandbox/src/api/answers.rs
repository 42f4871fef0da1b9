//! What every answer has in common: preferences, the error body, the challenge, JSON (protocol pages `service.md` and
//! `errors-and-limits.md`).

use axum::http::HeaderMap;
use uuid::Uuid;

use super::Call;
use crate::auth::Deployment;
use crate::errors::ApiError;
use crate::json::Json;
use crate::organization::Organization;
use crate::rows::{Annotations, LARGEST_PAGE};
use crate::server::Answer;

/// The content type of all JSON answers.
pub(crate) const JSON: &str = "application/json; odata.metadata=minimal";

/// How much control information a client accepts: `Accept: application/json; odata.metadata=full` (protocol page
/// `service.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Minimal,
    Full,
    None,
}

impl Level {
    pub(crate) fn read(headers: &HeaderMap) -> Level {
        let accept = headers
            .get("accept")
            .and_then(|accept| accept.to_str().ok());
        let accept = accept.unwrap_or_default().to_ascii_lowercase();
        let wanted = accept.split([',', ';']).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            (name.trim() == "odata.metadata").then(|| value.trim())
        });
        match wanted {
            Some("full") => Level::Full,
            Some("none") => Level::None,
            Some(_) | None => Level::Minimal,
        }
    }
}

/// What the `Prefer` headers ask for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preferences {
    pub(crate) representation: bool,
    pub(crate) page_size: Option<u32>,
    pub(crate) annotations: Annotations,
    /// Of a `$batch`: what follows a failed operation is done all the same.
    pub(crate) continue_on_error: bool,
    pub(super) include_annotations: Option<String>,
}

impl Preferences {
    pub(crate) fn read(headers: &HeaderMap) -> Preferences {
        let mut preferences = Preferences::default();
        for header in headers.get_all("prefer") {
            for preference in split_outside_quotes(header.to_str().unwrap_or("")) {
                let (name, value) = preference.split_once('=').unwrap_or((&preference, ""));
                let value = value.trim().trim_matches('"');
                match name.trim() {
                    "odata.continue-on-error" => {
                        preferences.continue_on_error = value != "false";
                    }
                    "return" => preferences.representation = value == "representation",
                    "odata.maxpagesize" => {
                        preferences.page_size = value
                            .parse()
                            .ok()
                            .filter(|size| *size > 0)
                            .map(|size: u32| size.min(LARGEST_PAGE));
                    }
                    "odata.include-annotations" => {
                        preferences.annotations = Annotations::read(value);
                        preferences.include_annotations = Some(value.to_owned());
                    }
                    // A preference that is not understood is ignored.
                    _ => {}
                }
            }
        }
        preferences
    }

    pub(super) fn applied(&self, paged: bool, representation: bool) -> Option<String> {
        let mut applied = Vec::new();
        if representation && self.representation {
            applied.push("return=representation".to_owned());
        }
        if paged && let Some(size) = self.page_size {
            applied.push(format!("odata.maxpagesize={size}"));
        }
        if let Some(patterns) = &self.include_annotations {
            applied.push(format!("odata.include-annotations=\"{patterns}\""));
        }
        (!applied.is_empty()).then(|| applied.join(","))
    }
}

fn split_outside_quotes(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut in_quotes = false;
    for c in text.chars() {
        in_quotes ^= c == '"';
        if c == ',' && !in_quotes {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// 401 with the challenge of protocol page `auth.md`, section 6.
pub(crate) fn challenge(
    organization: &Organization,
    deployment: Deployment,
    origin: &str,
) -> Answer {
    let challenge = match deployment {
        Deployment::Cloud => format!(
            "Bearer authorization_uri={origin}/{}/oauth2/authorize, resource_id={origin}/",
            organization.authority.tenant
        ),
        Deployment::OnPremises => {
            format!(
                "Bearer authorization_uri={origin}/adfs/oauth2/authorize, resource_id={origin}/"
            )
        }
    };
    Answer::new(
        401,
        "text/html; charset=utf-8",
        "HTTP Error 401 - Unauthorized: Access is denied".to_owned(),
    )
    .header("www-authenticate", challenge)
    .header("req_id", Uuid::new_v4().to_string())
}

/// An error as the cloud writes it.
pub(crate) fn error_answer(error: &ApiError) -> Answer {
    error_body(error, Deployment::Cloud, false)
}

pub(super) fn error_body(error: &ApiError, deployment: Deployment, details: bool) -> Answer {
    let mut members = vec![
        ("code".to_owned(), Json::text(error.code)),
        ("message".to_owned(), Json::text(error.message.as_str())),
    ];
    match deployment {
        Deployment::OnPremises => {
            let inner = [
                ("message", error.message.as_str()),
                (
                    "type",
                    "System.ServiceModel.FaultException`1[[Microsoft.Xrm.Sdk.OrganizationServiceFault, Microsoft.Xrm.Sdk, \
                     Version=9.0.0.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35]]",
                ),
                (
                    "stacktrace",
                    "   at Microsoft.Crm.Extensibility.OData.CrmODataExecutionContext",
                ),
            ];
            let inner = inner.map(|(name, text)| (name.to_owned(), Json::text(text)));
            members.push(("innererror".to_owned(), Json::Object(inner.into())));
        }
        Deployment::Cloud if details => {
            let code = error.code.strip_prefix("0x").unwrap_or(error.code);
            let link = format!(
                "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a{code}&client=platform"
            );
            members.push((
                "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus".to_owned(),
                Json::text("0"),
            ));
            members.push((
                "@Microsoft.PowerApps.CDS.HelpLink".to_owned(),
                Json::Text(link),
            ));
            members.push((
                "@Microsoft.PowerApps.CDS.InnerError.Message".to_owned(),
                Json::text(error.message.as_str()),
            ));
        }
        Deployment::Cloud => {}
    }
    let body = Json::Object(vec![("error".to_owned(), Json::Object(members))]);
    Answer::new(error.status, JSON, body.to_string()).header("odata-version", "4.0")
}

impl Call<'_> {
    pub(crate) fn context(&self, of: &str) -> (String, Json) {
        (
            "@odata.context".to_owned(),
            Json::Text(format!("{}/$metadata#{of}", self.request.base)),
        )
    }

    /// An error as the answer to this request.
    pub(crate) fn refusal(&self, error: &ApiError) -> Answer {
        error_body(
            error,
            self.request.deployment,
            self.preferences.annotations.all,
        )
    }

    pub(crate) fn json(&self, status: u16, body: Json) -> Answer {
        let (kind, body) = match Level::read(&self.request.headers) {
            Level::Minimal => (JSON, body),
            Level::Full => ("application/json; odata.metadata=full", body),
            Level::None => (
                "application/json; odata.metadata=none",
                body.without_control(),
            ),
        };
        Answer::new(status, kind, body.to_string()).header("odata-version", "4.0")
    }
}
