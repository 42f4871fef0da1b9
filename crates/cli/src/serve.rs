//! `companion serve`

use std::net::SocketAddr;

use backend::{Backend, Problem, connection};
use serde_json::json;

use crate::{Context, only_this_computer, stop_order};

/// How to serve.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where to listen; only addresses of this computer are taken. `bridge.port` on 127.0.0.1 if left out.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Open a pairing at the start and print its code on the first line.
    #[arg(long)]
    pair: bool,
}

pub(crate) async fn run(context: &Context, arguments: Arguments) -> Result<(), Problem> {
    let stop = stop_order()?;
    let mut options = context.options().await?;
    if let Some(listen) = arguments.listen {
        only_this_computer(listen)?;
        options.settings.bridge.port = listen.port();
    }
    let (options, organization) = practice::prepare(options).await?;
    // The window can show what is missing and be corrected; here nobody looks, so it is refused at once.
    connection::client(
        &options.settings.connection,
        &options.secrets,
        options.clock.now(),
    )?;
    let backend = Backend::start(options).await?;
    let handle = backend.handle();
    let refused = backend.store_refused().cloned();
    if let Some(problem) = refused.or_else(|| handle.view().console.problem.clone()) {
        backend.stop().await;
        return Err(problem);
    }
    let address = backend.bridge_address().map(|address| address.to_string());
    let code = if arguments.pair {
        handle.start_pairing().await;
        let mut view = handle.watch();
        let paired = view
            .wait_for(|view| view.console.pairing.is_some())
            .await
            .ok()
            .map(|view| view.console.pairing.clone());
        paired.flatten().map(|pairing| pairing.code)
    } else {
        None
    };
    let organization_url = organization
        .as_ref()
        .map(|organization| organization.description().organization_url.clone());
    context.output.announce(&json!({ "bridge": address, "pairing_code": code, "practice_organization_url": organization_url }))?;
    stop.await;
    backend.stop().await;
    if let Some(organization) = organization {
        organization.stop().await;
    }
    Ok(())
}
