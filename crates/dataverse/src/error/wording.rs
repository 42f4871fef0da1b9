//! What a failure is in words for the agent.

use super::Error;
use std::time::Duration;

impl Error {
    /// One sentence that an agent understands.
    pub fn message(&self) -> String {
        match self {
            Self::InvalidOrganizationUrl { reason } => {
                format!("The address of Dynamics 365 cannot be used: {reason}.")
            }
            Self::InsecureOrganizationUrl => {
                "The address of Dynamics 365 is not protected by https.".to_owned()
            }
            Self::InvalidAuthorityUrl { reason } => {
                format!("The address of the sign-in service cannot be used: {reason}.")
            }
            Self::InsecureAuthorityUrl => {
                "The address of the sign-in service is not protected by https.".to_owned()
            }
            Self::InvalidRootCertificates(_) => {
                "The file with additional certificates cannot be read.".to_owned()
            }
            Self::NoRootCertificates(_) => {
                "This computer trusts no certificates, so no protected connection is possible."
                    .to_owned()
            }
            Self::InvalidQuery { reason } => {
                format!("Dynamics 365 cannot be asked this: {reason}.")
            }
            Self::RequestTooLong { .. } => {
                "What should be looked up in Dynamics 365 is too long.".to_owned()
            }
            Self::DnsFailed { endpoint, host, .. } => {
                format!(
                    "{} {host} cannot be found in the network.",
                    endpoint.subject()
                )
            }
            Self::HostUnreachable { endpoint, host, .. } => {
                format!("{} {host} cannot be reached.", endpoint.subject())
            }
            Self::TlsFailed { endpoint, host, .. } => {
                format!(
                    "{} {host} did not prove its identity, so nothing was sent.",
                    endpoint.subject()
                )
            }
            Self::TimedOut { endpoint, host, .. } => {
                format!("{} {host} did not answer in time.", endpoint.subject())
            }
            Self::ConnectionLost { endpoint, host, .. } => {
                format!("The connection to {} {host} broke.", endpoint.object())
            }
            Self::SignIn { problem, .. } => problem.message().to_owned(),
            Self::NotAMember(_) => {
                "Dynamics 365 does not know the user that this companion signs in as.".to_owned()
            }
            Self::UserDisabled(_) => {
                "The user that this companion signs in as is disabled in Dynamics 365.".to_owned()
            }
            Self::NoLicence(_) => {
                "The user that this companion signs in as has no Dynamics 365 licence.".to_owned()
            }
            Self::NoRole(_) => {
                "The user that this companion signs in as has no security role in Dynamics 365."
                    .to_owned()
            }
            Self::MissingPrivilege {
                privilege: Some(privilege),
                ..
            } => {
                format!(
                    "The security role in Dynamics 365 does not allow this: the privilege {privilege} is missing."
                )
            }
            Self::MissingPrivilege {
                privilege: None, ..
            } => "The security role in Dynamics 365 does not allow this.".to_owned(),
            Self::NoAccessToRecord(_) => {
                "Dynamics 365 does not allow access to this record.".to_owned()
            }
            Self::Forbidden(_) => "Dynamics 365 does not allow this.".to_owned(),
            Self::NotFound(_) => "The record does not exist in Dynamics 365 any more.".to_owned(),
            Self::UnknownTable(_) => "Dynamics 365 does not know this table.".to_owned(),
            Self::RecordChanged(_) => {
                "The record was changed in Dynamics 365 in the meantime.".to_owned()
            }
            Self::RecordExists(_) => "The record exists in Dynamics 365 already.".to_owned(),
            Self::AlternateKeyExists(_) => {
                "A record with the same key exists in Dynamics 365 already.".to_owned()
            }
            Self::Duplicates(_) => "Dynamics 365 found a record that looks the same.".to_owned(),
            Self::StillReferenced(_) => {
                "Other records in Dynamics 365 depend on this one.".to_owned()
            }
            Self::InvalidValue(answer) => match answer.text() {
                Some(text) => format!("Dynamics 365 does not accept a value: {text}"),
                None => "Dynamics 365 does not accept a value.".to_owned(),
            },
            Self::InvalidState(answer) => match answer.text() {
                Some(text) => format!("The record's state does not allow this: {text}"),
                None => "The record's state does not allow this.".to_owned(),
            },
            Self::DeltaExpired(_) => {
                "What is kept of Dynamics 365 is too old to be brought up to date.".to_owned()
            }
            Self::NoChangeTracking(_) => {
                "Dynamics 365 does not keep track of the changes of this table.".to_owned()
            }
            Self::Resting { cause, .. } => cause.message(),
            Self::NotCarriedOut => {
                "This was not done, because something before it failed.".to_owned()
            }
            Self::PreconditionFailed(_) => {
                "The record in Dynamics 365 is not as expected.".to_owned()
            }
            Self::Throttled { .. } => {
                "Dynamics 365 asks to wait because of too many requests.".to_owned()
            }
            Self::OrganizationUnavailable { .. } => {
                "Dynamics 365 is not available at the moment.".to_owned()
            }
            Self::BusinessRule(answer) => match answer.text() {
                Some(text) => format!("A rule in Dynamics 365 stopped this: {text}"),
                None => "A rule in Dynamics 365 stopped this.".to_owned(),
            },
            Self::BadRequest(_) => "Dynamics 365 did not accept the request.".to_owned(),
            Self::ServerFailed(_) => "Dynamics 365 had an internal failure.".to_owned(),
            Self::NotDataverse { .. } => {
                "The address of Dynamics 365 answers, but not as Dynamics 365.".to_owned()
            }
            Self::InvalidAnswer { .. } => {
                "The answer of Dynamics 365 arrived incomplete or damaged.".to_owned()
            }
            Self::AnswerTooLarge { .. } => "The answer of Dynamics 365 is too large.".to_owned(),
        }
    }

    /// What to do next.
    pub fn next_step(&self) -> String {
        match self {
            Self::InvalidOrganizationUrl { .. } | Self::InsecureOrganizationUrl => {
                "Enter the address as the browser shows it, such as https://contoso.crm4.dynamics.com.".to_owned()
            }
            Self::InvalidAuthorityUrl { .. } | Self::InsecureAuthorityUrl => {
                "Enter the sign-in address, such as https://login.microsoftonline.com, or on-premises the AD FS token \
                 endpoint, such as https://fs.example.com/adfs/oauth2/token."
                    .to_owned()
            }
            Self::InvalidRootCertificates(_) => {
                "Choose a file that holds the certificates as PEM (-----BEGIN CERTIFICATE-----).".to_owned()
            }
            Self::NoRootCertificates(_) => "Install the package ca-certificates.".to_owned(),
            Self::InvalidQuery { .. } => "Correct the rule or field in the settings.".to_owned(),
            Self::RequestTooLong { .. } => "Search for a shorter text.".to_owned(),
            Self::DnsFailed { .. } => "Check the address in the settings, the network and the VPN.".to_owned(),
            Self::HostUnreachable { .. } | Self::TimedOut { .. } | Self::ConnectionLost { .. } => {
                "Check the network and the VPN, then try again.".to_owned()
            }
            Self::TlsFailed { .. } => {
                "If it uses a private certificate authority, name its certificate in ca_file; otherwise ask the \
                 administrator about the certificate or the proxy."
                    .to_owned()
            }
            Self::SignIn { problem, .. } => problem.next_step().to_owned(),
            Self::NotAMember(_) => {
                "Ask the administrator to add it to the environment: Power Platform admin center, Application users."
                    .to_owned()
            }
            Self::UserDisabled(_) => "Ask the administrator to enable the user.".to_owned(),
            Self::NoLicence(_) => "Ask the administrator to assign a licence to the user.".to_owned(),
            Self::NoRole(_) => "Ask the administrator to assign a security role to the user.".to_owned(),
            Self::MissingPrivilege { privilege: Some(privilege), .. } => {
                format!("Ask the administrator to add {privilege} to the user's security role.")
            }
            Self::MissingPrivilege { privilege: None, .. } | Self::Forbidden(_) => {
                "Ask the administrator to extend the user's security role.".to_owned()
            }
            Self::NoAccessToRecord(_) => {
                "Ask the administrator to widen the access level of the user's security role.".to_owned()
            }
            Self::NotFound(_) => "Look the visitor up again.".to_owned(),
            Self::UnknownTable(_) => "Check the name of the table and that the app it belongs to is installed.".to_owned(),
            Self::RecordChanged(_) | Self::PreconditionFailed(_) => "Read the record again and repeat the change.".to_owned(),
            Self::StillReferenced(_) => "Delete those first, or leave the record.".to_owned(),
            Self::InvalidValue(_) => "Correct the value and try again.".to_owned(),
            Self::InvalidState(_) => "Look at the record in Dynamics 365, then try again.".to_owned(),
            Self::DeltaExpired(_) => "Everything is read again.".to_owned(),
            Self::NoChangeTracking(_) => {
                "Ask the administrator to turn on change tracking for the table.".to_owned()
            }
            Self::Resting { again_in, .. } => format!("Try again in {} seconds.", whole_seconds(*again_in)),
            Self::NotCarriedOut => "Correct what failed first, then repeat all that was not done.".to_owned(),
            Self::RecordExists(_) | Self::AlternateKeyExists(_) | Self::Duplicates(_) => {
                "Use the record that exists.".to_owned()
            }
            Self::Throttled { retry_after, .. } | Self::OrganizationUnavailable { retry_after, .. } => match retry_after {
                Some(wait) => format!("Try again in {} seconds.", whole_seconds(*wait)),
                None => "Try again in a minute.".to_owned(),
            },
            Self::BusinessRule(_) => "Follow what the rule says, or ask the administrator of Dynamics 365.".to_owned(),
            Self::BadRequest(_) => {
                "Check that the tables and columns in the settings exist in this organization.".to_owned()
            }
            Self::ServerFailed(_) => "Try again; if it stays, give the request id to support.".to_owned(),
            Self::NotDataverse { .. } => {
                "Check the organization's address, its path and version, and whether a proxy or sign-in page answers \
                 instead."
                    .to_owned()
            }
            Self::InvalidAnswer { .. } => "Try again; if it stays, look for a proxy in between.".to_owned(),
            Self::AnswerTooLarge { .. } => "Ask for fewer rows or columns.".to_owned(),
        }
    }
}

/// Rounded up, so that nobody tries too early.
fn whole_seconds(wait: Duration) -> u64 {
    let begun = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(begun).max(1)
}
