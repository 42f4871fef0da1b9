//! What the authorities say about themselves (`.well-known/openid-configuration`), and global discovery.

use serde_json::{Value, json};

use super::Authority;
use super::refusal::Refusal;
use crate::organization::ids;

impl Authority {
    /// `/{tenant}/v2.0/.well-known/openid-configuration`.
    pub(super) fn configuration(&self, tenant: &str, origin: &str) -> Result<Value, Refusal> {
        self.check_tenant(tenant)?;
        let base = format!("{origin}/{tenant}");
        // Of `common` and `organizations` the issuer has a placeholder.
        let issuer = match tenant {
            "common" | "organizations" => "{tenantid}",
            _ => &self.tenant,
        };
        Ok(json!({
            "issuer": format!("{origin}/{issuer}/v2.0"),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                "sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "oid",
            ],
            "tenant_region_scope": "EU", "cloud_instance_name": "microsoftonline.com",
        }))
    }

    /// `/adfs/.well-known/openid-configuration`.
    pub(super) fn adfs_configuration(origin: &str) -> Value {
        json!({
            "issuer": format!("{origin}/adfs"),
            "authorization_endpoint": format!("{origin}/adfs/oauth2/authorize/"),
            "token_endpoint": format!("{origin}/adfs/oauth2/token/"),
            "jwks_uri": format!("{origin}/adfs/discovery/keys"),
            "access_token_issuer": format!("{origin}/adfs/services/trust"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", "password"],
            "scopes_supported": ["openid", "user_impersonation"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        })
    }

    /// Which addresses are authorities, for libraries that ask before they trust one.
    pub(super) fn instances(&self, origin: &str) -> Value {
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        json!({
            "tenant_discovery_endpoint": format!("{origin}/{}/v2.0/.well-known/openid-configuration", self.tenant),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        })
    }
}

/// `GET /api/discovery/v2.0/Instances` of global discovery: the organizations of a person. An application has none there
/// (protocol page `auth.md`, section 1).
pub(super) fn instances_of(delegated: bool, origin: &str, tenant: &str) -> Value {
    let organization = json!({
        "Id": ids::ORGANIZATION, "UniqueName": "practice", "UrlName": "practice", "FriendlyName": "Practice",
        "State": 0, "StatusMessage": 0, "Version": "9.2.24051.00190", "Url": origin, "ApiUrl": origin,
        "LastUpdated": "2021-03-01T08:00:00Z", "SchemaType": "Full", "OrganizationType": 0,
        "Region": "EMEA", "TenantId": tenant, "EnvironmentId": ids::ORGANIZATION, "IsUserSysAdmin": false,
        "DatacenterId": null, "DatacenterName": null, "TrialExpirationDate": "0001-01-01T00:00:00Z", "Purpose": "",
    });
    let found = if delegated {
        vec![organization]
    } else {
        Vec::new()
    };
    json!({
        "@odata.context": format!("{origin}/api/discovery/v2.0/$metadata#Instances"),
        "value": found,
    })
}
