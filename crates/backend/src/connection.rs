//! The connection to Dynamics: from settings and secrets to a client, and from records to their pages.

pub use dataverse::Client;
use dataverse::SignIn;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::keyring;
use crate::problem::Problem;
use crate::secrets::{self, Secrets};
use crate::settings::{ConnectionKind, ConnectionSettings, SignInKind};

/// Microsoft's sign-in service for most of the world.
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// Builds the client for the configured organization. Nothing is sent yet.
///
/// # Errors
/// `settings_missing_key`, `secret_missing`, `ca_file_unreadable`, or what the client says of the address.
pub fn client(
    settings: &ConnectionSettings,
    secrets: &Secrets,
    now: Timestamp,
) -> Result<Client, Problem> {
    let organization_url = key("organization_url", settings.organization_url.as_ref())?;
    let mut connection = dataverse::Connection::new(organization_url, sign_in(settings, secrets)?);
    connection.extra_roots_pem = ca_file(settings)?;
    Client::new(connection).map_err(|error| Problem::from_dataverse(&error, now))
}

/// Checks the addresses as the client will, without a secret, a file or a request; what is left out is not looked at.
/// Each fault has the key that it is about.
///
/// The codes are `invalid_organization_url`, `insecure_organization_url`, `invalid_authority_url` and
/// `insecure_authority_url`; the message names the key.
pub(crate) fn check_addresses(settings: &ConnectionSettings) -> Vec<(&'static str, Problem)> {
    let nothing = || Some(SecretString::from(""));
    let secrets = Secrets {
        client_secret: nothing(),
        password: nothing(),
        ..Secrets::default()
    };
    let anything = |value: &Option<String>| Some(said(value.as_ref()).unwrap_or("x".to_owned()));
    let address =
        |value: &Option<String>| Some(said(value.as_ref()).unwrap_or(AUTHORITY.to_owned()));
    let mut tried = ConnectionSettings {
        organization_url: address(&settings.organization_url),
        authority_url: address(&settings.authority_url),
        tenant_id: anything(&settings.tenant_id),
        client_id: anything(&settings.client_id),
        login_email: anything(&settings.login_email),
        ..settings.clone()
    };
    let mut faults = Vec::new();
    for _ in 0..2 {
        let Ok(sign_in) = sign_in(&tried, &secrets) else {
            break;
        };
        let organization_url = tried.organization_url.clone().unwrap_or_default();
        let Err(error) = Client::new(dataverse::Connection::new(organization_url, sign_in)) else {
            break;
        };
        let key = match error.code() {
            "invalid_organization_url" | "insecure_organization_url" => "organization_url",
            "invalid_authority_url" | "insecure_authority_url" => "authority_url",
            // What this computer lacks is no fault of the settings.
            _ => break,
        };
        let message = format!(
            "The key `connection.{key}` cannot be used: {}",
            error.message()
        );
        faults.push((key, Problem::new(error.code(), message, error.next_step())));
        match key {
            "organization_url" => tried.organization_url = Some(AUTHORITY.to_owned()),
            _ => tried.authority_url = Some(AUTHORITY.to_owned()),
        }
    }
    faults
}

fn sign_in(settings: &ConnectionSettings, secrets: &Secrets) -> Result<SignIn, Problem> {
    match settings.kind {
        ConnectionKind::Cloud if is_person(settings) => Ok(SignIn::Person {
            authority_url: said(settings.authority_url.as_ref()),
            tenant_id: said(settings.tenant_id.as_ref()),
            client_id: key("client_id", settings.client_id.as_ref())?,
            refresh_tokens: secrets.person.refresh_tokens(),
        }),
        ConnectionKind::Cloud => Ok(SignIn::Cloud {
            authority_url: settings
                .authority_url
                .clone()
                .unwrap_or_else(|| AUTHORITY.to_owned()),
            tenant_id: key("tenant_id", settings.tenant_id.as_ref())?,
            client_id: key("client_id", settings.client_id.as_ref())?,
            client_secret: secret(
                secrets::CLIENT_SECRET,
                "the application secret",
                secrets.client_secret.as_ref(),
                secrets,
            )?,
        }),
        ConnectionKind::OnPremises => Ok(SignIn::OnPremises {
            authority_url: key("authority_url", settings.authority_url.as_ref())?,
            client_id: key("client_id", settings.client_id.as_ref())?,
            client_secret: secrets.client_secret.clone(),
            login_email: key("login_email", settings.login_email.as_ref())?,
            password: secret(
                secrets::PASSWORD,
                "the password",
                secrets.password.as_ref(),
                secrets,
            )?,
        }),
        ConnectionKind::Practice => Err(Problem::new(
            "practice_not_started",
            "The practice organization is not running.",
            "Start the companion's window, or `companion sandbox` and connect to the addresses that it prints.",
        )),
    }
}

/// Whether a person signs in, in the browser or on another device.
#[must_use]
pub fn is_person(settings: &ConnectionSettings) -> bool {
    settings.kind == ConnectionKind::Cloud && settings.sign_in != SignInKind::Secret
}

pub(crate) fn said(value: Option<&String>) -> Option<String> {
    value
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}

fn key(name: &str, value: Option<&String>) -> Result<String, Problem> {
    value
        .filter(|value| !value.trim().is_empty())
        .map(|value| value.trim().to_owned())
        .ok_or_else(|| {
            Problem::new(
                "settings_missing_key",
                format!(
                    "The key `connection.{name}` is missing: this kind of connection needs it."
                ),
                "Add it; the integration guide says where to find the value.",
            )
        })
}

fn secret(
    variable: &str,
    what: &str,
    value: Option<&SecretString>,
    secrets: &Secrets,
) -> Result<SecretString, Problem> {
    value.cloned().ok_or_else(|| {
        // One that is there but shut may well hold it.
        let shut = secrets
            .keyring_problem
            .as_ref()
            .filter(|problem| problem.code != keyring::UNAVAILABLE);
        let name = match variable {
            secrets::PASSWORD => "password",
            _ => "client-secret",
        };
        shut.cloned().unwrap_or_else(|| {
            Problem::new(
                "secret_missing",
                format!("There is no secret for the connection: {what} is not known."),
                format!(
                    "Keep it in the keyring with `companion secrets set {name}`; on a server set {variable}, or let {variable}_FILE name a file that holds it."
                ),
            )
        })
    })
}

fn ca_file(settings: &ConnectionSettings) -> Result<Option<Vec<u8>>, Problem> {
    let Some(path) = &settings.ca_file else {
        return Ok(None);
    };
    let pem = std::fs::read(path).map_err(|error| {
        Problem::new(
            "ca_file_unreadable",
            format!(
                "The file of `connection.ca_file` cannot be read: {}.",
                error.kind()
            ),
            "Let it name a PEM file that this user may read, or remove the key.",
        )
    })?;
    Ok(Some(pem))
}
