//! The practice mode: with `connection.kind = "practice"` the embedded practice organization is started and
//! the back end is pointed at it, so that everything can be tried without Dynamics and nothing leaves this
//! computer. The window, the command line and the tests all practise through this door.

use backend::practice::SampleVisitor;
use backend::secrets::Secrets;
use backend::settings::{ConnectionKind, ConnectionSettings};
use std::sync::Arc;

use backend::installation::{Practised, StartPractice, Starting};
use backend::{Files, Options, Problem};
use sandbox::{Description, Sandbox};

/// Starts the practice organization if the settings ask for it, and points `options` at it. The returned
/// organization must be kept for as long as the back end runs.
///
/// Practice data are made anew with every start, so cache and store stay in memory.
///
/// # Errors
/// `practice_not_started` if the practice organization cannot be started.
pub async fn prepare(mut options: Options) -> Result<(Options, Option<Sandbox>), Problem> {
    if options.settings.connection.kind != ConnectionKind::Practice {
        return Ok((options, None));
    }
    let organization = start().await?;
    let (connection, secrets) = connection(organization.description());
    options.settings.connection = connection;
    options.secrets = secrets;
    options.samples = samples();
    options.files = Files::Memory;
    Ok((options, Some(organization)))
}

async fn start() -> Result<Sandbox, Problem> {
    Sandbox::start(sandbox::Options::default()).await.map_err(|error| {
        tracing::error!(%error, "the practice organization cannot be started");
        Problem::new(
            "practice_not_started",
            "The practice organization cannot be started.",
            "Check that this computer has memory and disk space left, then start the companion again.",
        )
    })
}

/// Starts the practice organization when settings that are applied ask for it.
#[derive(Clone, Copy, Debug)]
pub struct Embedded;

impl StartPractice for Embedded {
    fn start(&self) -> Starting {
        Box::pin(async {
            let organization = start().await?;
            let (connection, secrets) = connection(organization.description());
            Ok(Practised {
                connection,
                secrets,
                samples: samples(),
                organization: Some(Arc::new(organization)),
            })
        })
    }
}

/// The connection to a practice organization as a cloud organization.
#[must_use]
pub fn connection(organization: &Description) -> (ConnectionSettings, Secrets) {
    let settings = ConnectionSettings {
        kind: ConnectionKind::Cloud,
        organization_url: Some(organization.organization_url.clone()),
        tenant_id: Some(organization.tenant_id.clone()),
        client_id: Some(organization.client_id.clone()),
        authority_url: Some(organization.authority_url.clone()),
        ..ConnectionSettings::default()
    };
    let secrets = Secrets {
        client_secret: Some(organization.client_secret.clone().into()),
        ..Secrets::default()
    };
    (settings, secrets)
}

/// The connection to a practice organization as an on-premises organization.
#[must_use]
pub fn on_premises_connection(organization: &Description) -> (ConnectionSettings, Secrets) {
    let on_premises = &organization.on_premises;
    let settings = ConnectionSettings {
        kind: ConnectionKind::OnPremises,
        organization_url: Some(on_premises.organization_url.clone()),
        client_id: Some(on_premises.client_id.clone()),
        authority_url: Some(on_premises.authority_url.clone()),
        login_email: Some(on_premises.login_email.clone()),
        ..ConnectionSettings::default()
    };
    let secrets = Secrets {
        client_secret: Some(on_premises.client_secret.clone().into()),
        password: Some(on_premises.password.clone().into()),
        ..Secrets::default()
    };
    (settings, secrets)
}

/// The visitors to practise with.
#[must_use]
pub fn samples() -> Vec<SampleVisitor> {
    sandbox::demo::sample_visitors()
        .into_iter()
        .map(|sample| SampleVisitor {
            id: sample.id.to_owned(),
            note: sample.note,
            chat: sample.chat,
            visitor: sample.visitor,
        })
        .collect()
}
