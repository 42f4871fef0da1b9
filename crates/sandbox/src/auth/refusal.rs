//! Refusals of Entra ID: code, status and text (protocol page `auth.md`, section 5).

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::server::Answer;

/// Why Entra ID says no: in the body of a token answer, or in the redirect of a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    error: &'static str,
    code: u32,
    text: String,
    suberror: Option<&'static str>,
}

impl Refusal {
    fn new(status: u16, error: &'static str, code: u32, text: impl Into<String>) -> Refusal {
        Refusal {
            status,
            error,
            code,
            text: text.into(),
            suberror: None,
        }
    }

    fn grant(code: u32, text: impl Into<String>) -> Refusal {
        Refusal::new(400, "invalid_grant", code, text)
    }

    fn request(code: u32, text: impl Into<String>) -> Refusal {
        Refusal::new(400, "invalid_request", code, text)
    }

    fn scope(code: u32, text: impl Into<String>) -> Refusal {
        Refusal::new(400, "invalid_scope", code, text)
    }

    fn client(code: u32, text: impl Into<String>) -> Refusal {
        Refusal::new(401, "invalid_client", code, text)
    }

    pub(super) fn missing(name: &str) -> Refusal {
        Refusal::request(
            900_144,
            format!("The request body must contain the following parameter: '{name}'."),
        )
    }

    pub(super) fn tenant_identifier(tenant: &str) -> Refusal {
        Refusal::request(
            900_023,
            format!(
                "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."
            ),
        )
    }

    pub(super) fn tenant_unknown(tenant: &str) -> Refusal {
        Refusal::request(
            90_002,
            format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
                 correct cloud. Check with your subscription administrator, this may happen if there are no active \
                 subscriptions for the tenant."
            ),
        )
    }

    /// An application asks for its own token without naming its tenant.
    pub(super) fn tenant_needed() -> Refusal {
        Refusal::request(
            50_059,
            "No tenant-identifying information found in either the request or implied by any provided credentials.",
        )
    }

    pub(super) fn grant_type(grant: &str) -> Refusal {
        Refusal::new(
            400,
            "unsupported_grant_type",
            70_003,
            format!("The app requested an unsupported grant type '{grant}'."),
        )
    }

    pub(super) fn response_type(kind: &str) -> Refusal {
        Refusal::new(
            400,
            "unsupported_response_type",
            700_051,
            format!("response_type '{kind}' is not enabled for the application."),
        )
    }

    pub(super) fn response_mode(mode: &str) -> Refusal {
        Refusal::request(
            70_007,
            format!("'{mode}' is not a supported value of 'response_mode' when requesting a code."),
        )
    }

    pub(super) fn client_unknown(client: &str) -> Refusal {
        Refusal::new(
            400,
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{client}' was not found in the directory 'Practice'. This can happen if the \
                 application has not been installed by the administrator of the tenant or consented to by any user in the \
                 tenant. You may have sent your authentication request to the wrong tenant."
            ),
        )
    }

    pub(super) fn secret_missing() -> Refusal {
        Refusal::client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    }

    pub(super) fn secret_on_public_client(client: &str) -> Refusal {
        Refusal::client(
            700_025,
            format!(
                "Client is public so neither 'client_assertion' nor 'client_secret' should be presented. (application \
                 '{client}')"
            ),
        )
    }

    pub(super) fn secret_wrong(client: &str) -> Refusal {
        Refusal::client(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
                 not the client secret ID, for a secret added to app '{client}'."
            ),
        )
    }

    pub(super) fn secret_expired(client: &str) -> Refusal {
        Refusal::client(
            7_000_222,
            format!(
                "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys \
                 for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added \
                 security: https://aka.ms/certCreds."
            ),
        )
    }

    /// No application of the practice tenant has a certificate.
    pub(super) fn certificate_unknown(client: &str) -> Refusal {
        Refusal::client(
            700_027,
            format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. \
                 [Reason - The key was not found., Please visit the Azure Portal for your app '{client}'.]"
            ),
        )
    }

    pub(super) fn scope_not_default(scope: &str) -> Refusal {
        Refusal::scope(
            1_002_012,
            format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
                 /.default suffixed to the resource identifier (application ID URI)."
            ),
        )
    }

    pub(super) fn scope_malformed(scope: &str) -> Refusal {
        Refusal::scope(
            70_011,
            format!(
                "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
                 'scope' is not valid. The scope {scope} is not valid."
            ),
        )
    }

    pub(super) fn scope_of_several_resources(scope: &str) -> Refusal {
        Refusal::scope(
            28_000,
            format!(
                "Provided value for the input parameter scope is not valid because it contains more than one resource. \
                 Scope {scope} is not valid."
            ),
        )
    }

    pub(super) fn permission_unknown(permission: &str, resource: &str) -> Refusal {
        Refusal::new(
            400,
            "invalid_client",
            650_053,
            format!(
                "The application asked for scope '{permission}' that doesn't exist on the resource '{resource}'. Contact \
                 the app vendor."
            ),
        )
    }

    pub(super) fn resource_unknown(resource: &str) -> Refusal {
        Refusal::new(
            400,
            "invalid_resource",
            500_011,
            format!(
                "The resource principal named {resource} was not found in the tenant named Practice. This can happen if \
                 the application has not been installed by the administrator of the tenant or consented to by any user in \
                 the tenant. You might have sent your authentication request to the wrong tenant."
            ),
        )
    }

    pub(super) fn redirect_mismatch(redirect: &str, client: &str) -> Refusal {
        Refusal::request(
            50_011,
            format!(
                "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for \
                 the application '{client}'. Make sure the redirect URI sent in the request matches one added to your \
                 application in the Azure portal."
            ),
        )
    }

    pub(super) fn challenge_missing() -> Refusal {
        Refusal::request(
            50_147,
            "Missing code challenge: a public client must send 'code_challenge' with 'code_challenge_method' S256.",
        )
    }

    pub(super) fn challenge_size() -> Refusal {
        Refusal::request(501_491, "Invalid size of Code_Challenge parameter.")
    }

    pub(super) fn verifier_wrong() -> Refusal {
        Refusal::grant(
            501_481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        )
    }

    pub(super) fn grant_malformed() -> Refusal {
        Refusal::grant(
            9_002_313,
            "Invalid request. Request is malformed or invalid.",
        )
    }

    pub(super) fn grant_of_another_client() -> Refusal {
        Refusal::grant(
            70_000,
            "Provided grant is invalid or malformed. It was issued to another client.",
        )
    }

    pub(super) fn code_used() -> Refusal {
        Refusal::grant(
            54_005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh \
             token.",
        )
    }

    pub(super) fn code_expired() -> Refusal {
        Refusal::grant(
            70_008,
            "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive \
             authorization request for this user and resource.",
        )
    }

    pub(super) fn refresh_token_expired(issued: Timestamp) -> Refusal {
        Refusal::grant(
            700_082,
            format!(
                "The refresh token has expired due to inactivity. The token was issued on {} and was inactive for \
                 90.00:00:00.",
                issued.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
            ),
        )
    }

    pub(super) fn refresh_token_revoked() -> Refusal {
        Refusal::grant(
            70_043,
            "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token \
             was revoked and a new sign-in is needed.",
        )
    }

    pub(super) fn user_unknown(tenant: &str) -> Refusal {
        Refusal::grant(
            50_034,
            format!(
                "The user account does not exist in the {tenant} directory. To sign into this application, the account \
                 must be added to the directory."
            ),
        )
    }

    pub(super) fn password_wrong() -> Refusal {
        Refusal::grant(
            50_126,
            "Error validating credentials due to invalid username or password.",
        )
    }

    pub(super) fn mfa_required(resource: &str) -> Refusal {
        Refusal {
            suberror: Some("basic_action"),
            ..Refusal::grant(
                50_076,
                format!(
                    "Due to a configuration change made by your administrator, or because you moved to a new location, you \
                     must use multi-factor authentication to access '{resource}'."
                ),
            )
        }
    }

    pub(super) fn consent_required(client: &str) -> Refusal {
        Refusal {
            suberror: Some("consent_required"),
            ..Refusal::grant(
                65_001,
                format!(
                    "The user or administrator has not consented to use the application with ID '{client}'. Send an \
                     interactive authorization request for this user and resource."
                ),
            )
        }
    }

    pub(super) fn conditional_access() -> Refusal {
        Refusal {
            suberror: Some("message_only"),
            ..Refusal::grant(
                53_003,
                "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            )
        }
    }

    pub(super) fn not_assigned(client: &str) -> Refusal {
        Refusal::grant(
            50_105,
            format!(
                "Your administrator has configured the application '{client}' to block users unless they are specifically \
                 granted ('assigned') access to the application. The signed in user is blocked because they are not a \
                 direct member of a group with access, nor had access directly assigned by an administrator."
            ),
        )
    }

    /// The person cancelled the sign-in, or said no to the permissions asked for.
    pub(super) fn declined() -> Refusal {
        Refusal {
            suberror: Some("cancel"),
            ..Refusal::new(
                400,
                "access_denied",
                65_004,
                "User declined to consent to access the app.",
            )
        }
    }

    /// `prompt=none`, and nobody is signed in.
    pub(super) fn login_required() -> Refusal {
        Refusal::new(
            400,
            "login_required",
            50_058,
            "A silent sign-in request was sent but no user is signed in.",
        )
    }

    pub(super) fn device_pending() -> Refusal {
        Refusal::new(
            400,
            "authorization_pending",
            70_016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )
    }

    pub(super) fn device_too_fast() -> Refusal {
        Refusal::new(
            400,
            "slow_down",
            90_055,
            "There are too many incoming requests. Poll five seconds less often.",
        )
    }

    pub(super) fn device_declined() -> Refusal {
        Refusal::new(
            400,
            "authorization_declined",
            70_017,
            "The end user denied the authorization request.",
        )
    }

    pub(super) fn device_expired() -> Refusal {
        Refusal::new(
            400,
            "expired_token",
            70_020,
            "The provided device code has expired. Ask for a new one.",
        )
    }

    pub(super) fn device_unknown() -> Refusal {
        Refusal::new(
            400,
            "bad_verification_code",
            70_019,
            "The provided device code is not known.",
        )
    }

    /// The answer of a token endpoint.
    pub(crate) fn answer(&self, now: Timestamp) -> Answer {
        let (trace, correlation) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
        let stamp = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let code = self.code;
        let mut body = json!({
            "error": self.error,
            "error_description": format!(
                "{}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {stamp}", self.sentence()
            ),
            "error_codes": [code], "timestamp": stamp, "trace_id": trace, "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        });
        if let (Some(suberror), Some(members)) = (self.suberror, body.as_object_mut()) {
            members.insert("suberror".to_owned(), json!(suberror));
        }
        Answer::plain_json(self.status, &body)
            .header("cache-control", "no-store, no-cache")
            .header("x-ms-request-id", trace)
    }

    /// What a browser brings back to the application, as names and values.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("error", self.error.to_owned()),
            ("error_description", self.sentence()),
        ];
        parameters.extend(
            self.suberror
                .map(|suberror| ("error_subcode", suberror.to_owned())),
        );
        parameters
    }

    /// `AADSTS50126: Error validating …`
    pub(super) fn sentence(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }
}
