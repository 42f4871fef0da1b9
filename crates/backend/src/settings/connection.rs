//! The section `[connection]`.

use std::path::PathBuf;

use jiff::civil;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use uuid::Uuid;

use super::Fault;
use crate::connection;
use crate::problem::Problem;

/// The connection to Dynamics 365 (guide, Step 3a).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ConnectionSettings {
    /// What kind of organization it is.
    pub kind: ConnectionKind,
    /// The organization's address, for example `https://contoso.crm4.dynamics.com`. An on-premises
    /// organization older than 9.x has its version behind it: `…/api/data/v8.2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    pub organization_url: Option<String>,
    /// Directory (tenant) id; cloud only. It may be left out where a person signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    pub tenant_id: Option<String>,
    /// Application (client) id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    pub client_id: Option<String>,
    /// Cloud: the sign-in service, `https://login.microsoftonline.com` if left out. On-premises: the
    /// token endpoint of AD FS, for example `https://fs.contoso.com/adfs/oauth2/token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    pub authority_url: Option<String>,
    /// Login e-mail of the Dynamics user; on-premises only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    pub login_email: Option<String>,
    /// How to sign in.
    pub sign_in: SignInKind,
    /// A file with the certificates (PEM) of a private certificate authority, trusted beside the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable)]
    pub ca_file: Option<PathBuf>,
    /// The last day on which the application secret is good, as the Azure portal shows it: `2027-01-31`. The companion warns
    /// before it comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    #[ts(type = "string", optional = nullable)]
    pub secret_expires_on: Option<civil::Date>,
}

/// What kind of organization the companion works with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(rename = "ConnectionSettingsKind")]
pub enum ConnectionKind {
    /// Dynamics 365 in Microsoft's cloud.
    Cloud,
    /// Dynamics 365 on-premises behind AD FS.
    OnPremises,
    /// The embedded practice organization: nothing leaves this computer.
    #[default]
    Practice,
}

/// How the companion signs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "kebab-case")]
pub enum SignInKind {
    /// With the application secret (cloud), or login e-mail and password (on-premises).
    #[default]
    Secret,
    /// As the person who sits here, in the system's browser; cloud only. The application needs no secret, and tenant and
    /// sign-in service are learnt from the organization where they are left out.
    #[serde(rename = "self")]
    Yourself,
    /// As a person who types a code on another device, for computers without a browser; otherwise like `self`.
    Device,
}
impl ConnectionSettings {
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let mut fault = |key: &str, problem: Problem| {
            faults.push(Fault::new(format!("connection.{key}"), problem))
        };
        let required: &[(&str, &Option<String>)] = match self.kind {
            ConnectionKind::Cloud if self.sign_in == SignInKind::Secret => &[
                ("organization_url", &self.organization_url),
                ("tenant_id", &self.tenant_id),
                ("client_id", &self.client_id),
            ],
            ConnectionKind::Cloud => &[
                ("organization_url", &self.organization_url),
                ("client_id", &self.client_id),
            ],
            ConnectionKind::OnPremises => &[
                ("organization_url", &self.organization_url),
                ("authority_url", &self.authority_url),
                ("client_id", &self.client_id),
                ("login_email", &self.login_email),
            ],
            ConnectionKind::Practice => return,
        };
        for (key, value) in required {
            if value.as_deref().is_some_and(|text| !text.trim().is_empty()) {
                continue;
            }
            fault(
                key,
                Problem::new(
                    "settings_missing_key",
                    format!(
                        "The key `connection.{key}` is missing: this kind of connection needs it."
                    ),
                    "Add it; the integration guide says where to find the value.",
                ),
            );
        }
        if self.kind == ConnectionKind::OnPremises && self.sign_in != SignInKind::Secret {
            fault(
                "sign_in",
                Problem::new(
                    "settings_sign_in_unfit",
                    "The key `connection.sign_in` cannot be used: on-premises, the companion signs in with login e-mail and password.",
                    "Remove the key, or set it to \"secret\".",
                ),
            );
        }
        let tenant = self.tenant_id.as_deref().map(str::trim);
        let is_wrong = |id: &str| !id.is_empty() && !is_tenant(id);
        if self.kind == ConnectionKind::Cloud && tenant.is_some_and(is_wrong) {
            fault(
                "tenant_id",
                Problem::new(
                    "settings_tenant_invalid",
                    "The key `connection.tenant_id` is neither an id nor a domain.",
                    "Copy the Directory (tenant) ID from the application's page in the Azure portal.",
                ),
            );
        }
        let login = self.login_email.as_deref().map(str::trim);
        let has_blank = |login: &str| login.contains(|c: char| c.is_whitespace() || c.is_control());
        if self.kind == ConnectionKind::OnPremises && login.is_some_and(has_blank) {
            fault(
                "login_email",
                Problem::new(
                    "settings_login_invalid",
                    "The key `connection.login_email` is no login: it has a blank in it.",
                    "Write it as the user signs in to Dynamics: name@contoso.com or CONTOSO\\name.",
                ),
            );
        }
        for (key, problem) in connection::check_addresses(self) {
            fault(key, problem);
        }
    }
}

/// `00000000-0000-4000-8000-000000000001` or `contoso.onmicrosoft.com`.
fn is_tenant(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let is_domain = labels.len() > 1 && text.len() <= 253 && labels.iter().all(is_label);
    is_domain
        || Uuid::try_parse(text).is_ok_and(|id| id.hyphenated().to_string() == text.to_lowercase())
}
