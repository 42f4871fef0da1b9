//! The page in an ordinary browser, over the real back end: for development, for tests, and for machines
//! without a display. It is never shipped: whoever reaches its port may do what the page may do.
//!
//! `page-host --practice` serves until it is stopped. `page-host --practice --play ID --render FILE.png`
//! plays a sample visitor, prints who was recognised, renders the page to a picture and ends.

mod browser;
mod host;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use backend::secrets::Secrets;
use backend::view::{Card, RecognitionState, RecordView, View};
use backend::{Backend, Handle, Installation, Options, Settings};
use clap::Parser;
use serde_json::json;
use tracing_subscriber::EnvFilter;

/// How long the practice organization may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Arguments {
    /// Use the practice organization, whatever the settings say.
    #[arg(long)]
    practice: bool,
    /// The settings file.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The folder with the built page.
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/dist"))]
    page: PathBuf,
    /// The port to serve on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Play this sample visitor.
    #[arg(long, value_name = "ID")]
    play: Option<String>,
    /// Render the page to this picture, then end.
    #[arg(long, value_name = "FILE", requires = "play")]
    render: Option<PathBuf>,
    /// Render it dark.
    #[arg(long)]
    dark: bool,
    /// One JSON document on standard output.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let filter =
        EnvFilter::try_from_env("COMPANION_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();

    let mut settings = match (&arguments.settings, arguments.practice) {
        (Some(file), false) if file.exists() => Settings::load(file)?,
        (_, false | true) => Settings::default(),
    };
    settings.bridge.port = 0;
    let secrets = Secrets::of(&settings.connection).await?;
    let (mut options, organization) = practice::prepare(Options::new(settings, secrets)).await?;
    // What is saved in a page is gone with the host, unless a file is named.
    let folder = tempfile::tempdir()?;
    let file = match &arguments.settings {
        Some(file) => file.clone(),
        None => folder.path().join("settings.toml"),
    };
    let mut installation = Installation::of_this_user(Some(file), None);
    installation.folder = None;
    installation.practice = Some(Arc::new(practice::Embedded));
    options.installation = Some(installation);
    let backend = Backend::start(options).await?;
    let url = host::serve(backend.handle(), &arguments.page, arguments.port).await?;

    let view = match &arguments.play {
        Some(id) => Some(play(&backend.handle(), id).await?),
        None => None,
    };
    if let (Some(file), Some(view)) = (&arguments.render, &view) {
        browser::render(&url, view, file, arguments.dark).await?;
    }
    print(&arguments, &url, view.as_deref())?;
    if arguments.render.is_none() {
        tokio::signal::ctrl_c().await?;
    }
    backend.stop().await;
    if let Some(organization) = organization {
        organization.stop().await;
    }
    Ok(())
}

/// Plays a sample visitor and waits until it is settled who that is.
async fn play(handle: &Handle, id: &str) -> anyhow::Result<Arc<View>> {
    handle.play_visitor(id).await?;
    let mut views = handle.watch();
    let settled = views.wait_for(|view| {
        view.practice
            .as_ref()
            .is_some_and(|practice| practice.selected.as_deref() == Some(id))
            && matches!(
                view.recognition.state,
                RecognitionState::Live
                    | RecognitionState::Failed
                    | RecognitionState::Unidentifiable
            )
    });
    let view = tokio::time::timeout(PATIENCE, settled)
        .await
        .context("the visitor was not recognised in time")??;
    let view = Arc::clone(&view);
    if let Some(problem) = &view.recognition.problem {
        bail!("{problem}");
    }
    Ok(view)
}

#[expect(clippy::print_stdout, reason = "a program for people and scripts")]
fn print(arguments: &Arguments, url: &str, view: Option<&View>) -> anyhow::Result<()> {
    let rendered = arguments
        .render
        .as_deref()
        .map(std::path::absolute)
        .transpose()?;
    if arguments.json {
        println!(
            "{}",
            json!({ "url": url, "recognition": view.map(|view| &view.recognition), "rendered": rendered })
        );
        return Ok(());
    }
    if let Some(view) = view {
        let name = view
            .visitor
            .as_ref()
            .map(|visitor| visitor.name.as_str())
            .unwrap_or_default();
        println!("Visitor: {name}");
        for (title, card) in [
            ("Contact", &view.recognition.contact),
            ("Account", &view.recognition.account),
            ("Lead", &view.recognition.lead),
        ] {
            println!("{}", card_text(title, card));
        }
    }
    match rendered {
        Some(file) => println!("The page was rendered to {}", file.display()),
        None => println!("The page is at {url} (Ctrl+C ends it)"),
    }
    Ok(())
}

fn card_text(title: &str, card: &Card) -> String {
    let Some(RecordView {
        name,
        rule,
        reason,
        fields,
        ..
    }) = &card.record
    else {
        return format!("{title}: none");
    };
    let mut lines = vec![format!("{title}: {name}  ({rule}: {reason})")];
    for field in fields {
        let value = field.formatted.as_ref().or(field.value.as_ref());
        lines.push(format!(
            "    {:<28} {}",
            field.label,
            value.map_or("–", String::as_str)
        ));
    }
    lines.join("\n")
}
