//! The Tauri shell: the window and that of the settings, commands that pass on what the page asks for, and one event that brings the
//! page what to show. It decides nothing; everything that matters lives in the back end.

mod commands;
mod logging;
mod settings;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use backend::secrets::Secrets;
use backend::settings::ConnectionKind;
use backend::{Backend, Files, Handle, Installation, Options, Settings, folders};
use clap::Parser;
use tauri::{AppHandle, Emitter, Manager, RunEvent, Runtime, WindowEvent};
use tauri_plugin_deep_link::DeepLinkExt;

pub use commands::with_commands;

/// The desktop application.
#[derive(Debug, Default, Parser)]
#[command(name = "dynamics-companion", version)]
struct Arguments {
    /// The settings file; this user's own if left out, the practice organization if there is none.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// The folder of the cache and the store. A companion with a folder of its own runs beside others.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A `dynamics-companion://` link, as a hyperlink in the Agent Console opens it.
    link: Option<String>,
}

/// Runs the application until its window is closed.
///
/// # Errors
/// If the back end cannot start, or there is no display.
pub fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let _log = logging::start(arguments.data_dir.as_deref());
    let options = options(&arguments)?;
    let (backend, organization) = tauri::async_runtime::block_on(async {
        // Settings that are wrong are no wish to practise: the window says what is wrong with them.
        let (options, organization) = if options.settings_problem.is_none() {
            practice::prepare(options).await?
        } else {
            (options, None)
        };
        let backend = Backend::start(options).await?;
        anyhow::Ok((backend, organization))
    })?;
    let handle = backend.handle();
    let mut builder = tauri::Builder::default();
    if arguments.data_dir.is_none() {
        builder = builder
            .plugin(tauri_plugin_single_instance::init(|app, _, _| show(app)))
            .plugin(tauri_plugin_window_state::Builder::new().build());
    }
    let link = arguments.link;
    let follows_links = arguments.data_dir.is_none();
    let app = with_commands(builder)
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_opener::init())
        .setup(move |app| {
            bring_views(app.handle().clone(), &handle);
            settings::bring_views(app.handle().clone(), &handle);
            if let Some(link) = link {
                follow(&handle, link);
            }
            let followed = handle.clone();
            app.deep_link().on_open_url(move |event| {
                for link in event.urls() {
                    follow(&followed, link.to_string());
                }
            });
            if follows_links {
                register(app.handle().clone());
            }
            app.manage(handle);
            Ok(())
        })
        .build(tauri::generate_context!())
        .context("the window cannot be opened")?;
    app.run_return(|app, event| {
        // The settings are no companion of their own.
        if let RunEvent::WindowEvent {
            label,
            event: WindowEvent::Destroyed,
            ..
        } = event
            && label == "main"
            && let Some(settings) = app.get_webview_window(settings::WINDOW)
            && let Err(error) = settings.close()
        {
            tracing::warn!(%error, "the settings' window could not be closed");
        }
    });
    tauri::async_runtime::block_on(async {
        backend.stop().await;
        if let Some(organization) = organization {
            organization.stop().await;
        }
    });
    Ok(())
}

/// What is wrong with the settings or the secrets is shown in the window, where the agent looks.
fn options(arguments: &Arguments) -> anyhow::Result<Options> {
    let usable = Settings::in_force(arguments.settings.as_deref()).and_then(|(settings, _)| {
        let secrets = tauri::async_runtime::block_on(Secrets::of(&settings.connection))?;
        Ok((settings, secrets))
    });
    let mut options = match usable {
        Ok((settings, secrets)) => Options::new(settings, secrets),
        Err(problem) => {
            tracing::error!(error.code = problem.code, "the settings cannot be used");
            let mut settings = Settings::default();
            settings.connection.kind = ConnectionKind::Cloud;
            let mut options = Options::new(settings, Secrets::default());
            options.settings_problem = Some(problem);
            options
        }
    };
    let mut installation =
        Installation::of_this_user(arguments.settings.clone(), arguments.data_dir.clone());
    installation.practice = Some(Arc::new(practice::Embedded));
    options.installation = Some(installation);
    let folder = arguments
        .data_dir
        .clone()
        .or_else(folders::data)
        .context("there is no folder for the companion's files")?;
    let is_practice = options.settings.connection.kind == ConnectionKind::Practice;
    options.files = if is_practice {
        Files::Memory
    } else {
        tauri::async_runtime::block_on(Files::in_folder(folder)).unwrap_or_else(|problem| {
            tracing::error!(
                error.code = problem.code,
                "there is no key for the companion's files"
            );
            Files::Refused(problem)
        })
    };
    Ok(options)
}

/// Sends the page every new view. A page that comes later asks for the one that stands.
fn bring_views<R: Runtime>(app: AppHandle<R>, handle: &Handle) {
    let mut views = handle.watch();
    tauri::async_runtime::spawn(async move {
        while views.changed().await.is_ok() {
            let view = Arc::clone(&views.borrow_and_update());
            if let Err(error) = app.emit("view", &*view) {
                tracing::warn!(%error, "the page could not be told");
            }
        }
    });
}

fn follow(handle: &Handle, link: String) {
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        if let Err(problem) = handle.open_link(&link).await {
            tracing::warn!(error.code = problem.code, "a link could not be followed");
        }
    });
}

/// Tells the desktop that `dynamics-companion://` links are for this program. On macOS the installed package does.
#[cfg(any(target_os = "linux", windows))]
fn register<R: Runtime>(app: AppHandle<R>) {
    // On Linux it calls other programs and waits for them.
    tauri::async_runtime::spawn_blocking(move || {
        if let Err(error) = app.deep_link().register_all() {
            tracing::warn!(%error, "the desktop does not bring dynamics-companion:// links here");
        }
    });
}

#[cfg(not(any(target_os = "linux", windows)))]
fn register<R: Runtime>(_app: AppHandle<R>) {}

/// Brings the window of the running companion to the front when it is started again.
fn show<R: Runtime>(app: &AppHandle<R>) {
    let Some(window) = app.get_webview_window("main") else {
        return;
    };
    if let Err(error) = window.unminimize().and_then(|()| window.set_focus()) {
        tracing::warn!(%error, "the window could not be brought to the front");
    }
}
