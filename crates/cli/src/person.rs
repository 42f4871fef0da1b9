//! `companion sign-in`, `companion sign-out`: the person's own sign-in, kept in the keyring for the window and for
//! every other command.

use backend::keyring::Keyring;
use backend::secrets::Kept;
use backend::settings::SignInKind;
use backend::{Problem, connection, doctor, person_signs_in};
use serde_json::json;

use crate::Context;
use crate::output::line;

/// How to sign in.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Type a code on another device, where this computer has no browser.
    #[arg(long)]
    device_code: bool,
}

pub(crate) async fn sign_in(context: &Context, arguments: Arguments) -> Result<(), Problem> {
    let options = context.options().await?;
    let settings = &options.settings.connection;
    if !person_signs_in(settings) {
        return Err(not_for_persons());
    }
    // A sign-in that nothing keeps would be over with this command.
    if let Some(problem) = options.secrets.person.session_only() {
        return Err(problem);
    }
    let client = connection::client(settings, &options.secrets, options.clock.now())?;
    let told = |error| Problem::from_dataverse(&error, options.clock.now());
    if arguments.device_code || settings.sign_in == SignInKind::Device {
        let attempt = client.sign_in_with_device_code().await.map_err(told)?;
        let (code, page) = (attempt.user_code(), attempt.page().as_str());
        context.output.result(
            &json!({ "user_code": code, "verification_url": page }),
            || format!("Open {} on any device and type {}", line(page), line(code)),
        )?;
        attempt.finish().await.map_err(told)?;
    } else {
        let attempt = client.sign_in_with_browser().await.map_err(told)?;
        let page = attempt.url().as_str();
        context.output.result(&json!({ "sign_in_url": page }), || {
            format!("Sign in in the browser. If it does not open, open this page in it:\n{page}")
        })?;
        // A script opens the page itself.
        if !context.output.json
            && let Err(error) = open::that_detached(page)
        {
            tracing::warn!(%error, "the browser could not be opened");
        }
        attempt.finish().await.map_err(told)?;
    }
    options
        .files
        .cache()
        .await?
        .0
        .wipe()
        .await
        .map_err(|error| Problem::from_store(&error))?;
    if let Some(problem) = options.secrets.person.session_only() {
        return Err(problem);
    }
    let me = client.who_am_i().await.map_err(told)?;
    let user = doctor::user_name(&client, me.user_id).await;
    context
        .output
        .result(&json!({ "signed_in_as": user }), || match &user {
            Some(user) => format!("Signed in as {}.", line(user)),
            None => "Signed in.".to_owned(),
        })
}

pub(crate) async fn sign_out(context: &Context) -> Result<(), Problem> {
    let (settings, _) = context.settings()?;
    if !person_signs_in(&settings.connection) {
        return Err(not_for_persons());
    }
    let entry = Kept::RefreshToken.entry(&settings.connection)?;
    let was_signed_in = Keyring::of_the_system().remove(&entry).await?;
    let (cache, _) = context.files().await?.cache().await?;
    cache
        .wipe()
        .await
        .map_err(|error| Problem::from_store(&error))?;
    context
        .output
        .result(&json!({ "was_signed_in": was_signed_in }), || {
            if was_signed_in {
                "Signed out.".to_owned()
            } else {
                "Nobody was signed in.".to_owned()
            }
        })
}

fn not_for_persons() -> Problem {
    Problem::new(
        "sign_in_not_for_persons",
        "This connection signs in by itself, not as a person.",
        "Set `connection.sign_in` to \"self\" to sign in as yourself.",
    )
}
