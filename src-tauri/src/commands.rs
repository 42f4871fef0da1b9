//! What the page may ask for. Each command passes on and answers; failures are [`Problem`]s.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use backend::view::{
    ActivityFilter, ActivityPage, Draft, Duplicates, EntryView, Filled, Found, LocalDataView,
    Receipt, RecordTable, Recovered, SearchResults, Traces, View, WipeOptions, Wiped,
};
use backend::{Handle, Problem};
use integration::Table;
use tauri::{Builder, Manager, Runtime, State, WebviewUrl, WebviewWindowBuilder};
use tauri_plugin_opener::OpenerExt;

use crate::settings;

/// Gives the commands to an application.
pub fn with_commands<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.invoke_handler(tauri::generate_handler![
        view,
        refresh,
        choose,
        start_pairing,
        cancel_pairing,
        revoke_console,
        play_visitor,
        open_record,
        reconnect,
        sign_in,
        cancel_sign_in,
        sign_out,
        open_settings,
        sync_now,
        draft,
        create,
        add_to_case,
        duplicates,
        find,
        search,
        link,
        unlink,
        outbox,
        retry,
        discard,
        choose_person,
        undo,
        activity,
        export_activity,
        lock,
        unlock,
        local_data,
        traces,
        forget,
        wipe,
        make_recovery,
        use_recovery,
        settings::settings,
        settings::settings_catalogue,
        settings::settings_columns,
        settings::settings_judge,
        settings::settings_explain,
        settings::settings_suggest,
        settings::settings_estimate,
        settings::settings_secrets,
        settings::settings_enter_secret,
        settings::settings_forget_secret,
        settings::settings_test,
        settings::settings_cancel_test,
        settings::settings_save,
        settings::settings_to_text,
        settings::settings_read_text,
        settings::settings_history,
        settings::settings_version,
        settings::settings_rehearse,
        settings::settings_cancel_rehearsal,
        settings::settings_disconnect
    ])
}

#[tauri::command]
fn view(backend: State<'_, Handle>) -> Arc<View> {
    backend.view()
}

#[tauri::command]
async fn refresh(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.refresh().await
}

#[tauri::command]
async fn choose(backend: State<'_, Handle>, table: Table, id: String) -> Result<(), Problem> {
    backend.choose(table, id).await
}

#[tauri::command]
async fn start_pairing(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.start_pairing().await;
    Ok(())
}

#[tauri::command]
async fn cancel_pairing(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.cancel_pairing().await;
    Ok(())
}

#[tauri::command]
async fn revoke_console(backend: State<'_, Handle>, id: String) -> Result<(), Problem> {
    backend.revoke_console(&id).await
}

#[tauri::command]
async fn play_visitor(backend: State<'_, Handle>, id: String) -> Result<(), Problem> {
    backend.play_visitor(&id).await
}

#[tauri::command]
async fn open_record<R: Runtime>(
    app: tauri::AppHandle<R>,
    backend: State<'_, Handle>,
    table: String,
    id: String,
) -> Result<(), Problem> {
    let url = backend.record_url(&table, id).await?;
    open(
        &app,
        url,
        "Open Dynamics 365 yourself and look for the record there.",
    )
}

/// Opens a page in the system's browser.
fn open<R: Runtime>(
    app: &tauri::AppHandle<R>,
    url: String,
    next_step: &str,
) -> Result<(), Problem> {
    app.opener().open_url(url, None::<&str>).map_err(|error| {
        tracing::warn!(%error, "the browser could not be opened");
        Problem::new(
            "browser_not_opened",
            "The web browser could not be opened.",
            next_step,
        )
    })
}

#[tauri::command]
async fn reconnect(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.reconnect().await
}

#[tauri::command]
async fn sign_in<R: Runtime>(
    app: tauri::AppHandle<R>,
    backend: State<'_, Handle>,
) -> Result<(), Problem> {
    let Some(page) = backend.sign_in().await? else {
        return Ok(());
    };
    let next_step = "Choose a web browser in the system's settings, then sign in again.";
    let opened = open(&app, page.into(), next_step);
    if opened.is_err() {
        backend.cancel_sign_in().await?;
    }
    opened
}

#[tauri::command]
async fn cancel_sign_in(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.cancel_sign_in().await
}

#[tauri::command]
async fn sign_out(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.sign_out().await
}

/// Opens the settings in a window of their own, or brings it to the front.
#[tauri::command]
async fn open_settings<R: Runtime>(app: tauri::AppHandle<R>) -> Result<(), Problem> {
    let opened = match app.get_webview_window(settings::WINDOW) {
        Some(window) => window.unminimize().and_then(|()| window.set_focus()),
        None => WebviewWindowBuilder::new(
            &app,
            settings::WINDOW,
            WebviewUrl::App("settings.html".into()),
        )
        .title("Settings – Dynamics Companion")
        .inner_size(1080.0, 800.0)
        .min_inner_size(360.0, 480.0)
        .build()
        .map(drop),
    };
    opened.map_err(|error| {
        tracing::warn!(%error, "the settings' window could not be opened");
        Problem::new(
            "window_not_opened",
            "The settings' window could not be opened.",
            "Close the companion and start it again.",
        )
    })
}

#[tauri::command]
async fn sync_now(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.sync_now().await;
    Ok(())
}

#[tauri::command]
async fn draft(backend: State<'_, Handle>, table: RecordTable) -> Result<Draft, Problem> {
    backend.draft(table).await
}

#[tauri::command]
async fn create(backend: State<'_, Handle>, filled: Filled) -> Result<EntryView, Problem> {
    backend.create(filled).await
}

#[tauri::command]
async fn add_to_case(
    backend: State<'_, Handle>,
    id: String,
    chat: Option<String>,
) -> Result<EntryView, Problem> {
    backend.add_to_case(&id, chat.as_deref()).await
}

#[tauri::command]
async fn duplicates(backend: State<'_, Handle>, filled: Filled) -> Result<Duplicates, Problem> {
    backend.duplicates(filled).await
}

#[tauri::command]
async fn find(
    backend: State<'_, Handle>,
    targets: Vec<String>,
    text: String,
) -> Result<Vec<Found>, Problem> {
    backend.find(&targets, &text).await
}

#[tauri::command]
async fn search(
    backend: State<'_, Handle>,
    text: String,
    live: bool,
) -> Result<SearchResults, Problem> {
    backend.search(&text, live).await
}

#[tauri::command]
async fn link(
    backend: State<'_, Handle>,
    table: String,
    id: String,
    chat: Option<String>,
) -> Result<(), Problem> {
    backend.link(&table, &id, chat.as_deref()).await
}

#[tauri::command]
async fn unlink(
    backend: State<'_, Handle>,
    table: String,
    chat: Option<String>,
) -> Result<(), Problem> {
    backend.unlink(&table, chat.as_deref()).await
}

#[tauri::command]
async fn outbox(backend: State<'_, Handle>) -> Result<Vec<EntryView>, Problem> {
    backend.outbox().await
}

#[tauri::command]
async fn retry(
    backend: State<'_, Handle>,
    id: String,
    values: BTreeMap<String, String>,
) -> Result<EntryView, Problem> {
    backend.retry(&id, values).await
}

#[tauri::command]
async fn discard(backend: State<'_, Handle>, id: String) -> Result<EntryView, Problem> {
    backend.discard(&id).await
}

#[tauri::command]
async fn choose_person(
    backend: State<'_, Handle>,
    id: String,
    record: Option<String>,
) -> Result<EntryView, Problem> {
    backend.choose_person(&id, record.as_deref()).await
}

#[tauri::command]
async fn undo(backend: State<'_, Handle>, id: String) -> Result<EntryView, Problem> {
    backend.undo(&id).await
}

#[tauri::command]
async fn activity(
    backend: State<'_, Handle>,
    filter: ActivityFilter,
) -> Result<ActivityPage, Problem> {
    backend.activity(filter).await
}

#[tauri::command]
async fn export_activity(
    backend: State<'_, Handle>,
    filter: ActivityFilter,
) -> Result<String, Problem> {
    backend.export_activity(filter).await
}

#[tauri::command]
async fn lock(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.lock().await
}

#[tauri::command]
async fn unlock(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.unlock().await
}

#[tauri::command]
async fn local_data(backend: State<'_, Handle>) -> Result<LocalDataView, Problem> {
    backend.local_data().await
}

#[tauri::command]
async fn traces(
    backend: State<'_, Handle>,
    email: Option<String>,
    phone: Option<String>,
) -> Result<Traces, Problem> {
    backend.traces(email.as_deref(), phone.as_deref()).await
}

#[tauri::command]
async fn forget(
    backend: State<'_, Handle>,
    email: Option<String>,
    phone: Option<String>,
    discard_unsent: bool,
) -> Result<Receipt, Problem> {
    backend
        .forget(email.as_deref(), phone.as_deref(), discard_unsent)
        .await
}

#[tauri::command]
async fn wipe(backend: State<'_, Handle>, options: WipeOptions) -> Result<Wiped, Problem> {
    backend.wipe(options).await
}

#[tauri::command]
async fn make_recovery(
    backend: State<'_, Handle>,
    file: Option<PathBuf>,
    passphrase: String,
) -> Result<PathBuf, Problem> {
    backend
        .make_recovery(file.as_deref(), passphrase.into())
        .await
}

#[tauri::command]
async fn use_recovery(
    backend: State<'_, Handle>,
    text: String,
    passphrase: String,
) -> Result<Recovered, Problem> {
    backend.use_recovery(text, passphrase.into()).await
}
