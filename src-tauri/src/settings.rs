//! What the page in the settings' window may ask for, and the event that brings it what to show.

use std::sync::Arc;

use backend::view::{
    Catalogue, ColumnInfo, Explanation, Judgement, OfflineEstimate, ReadDocument, Sample,
    SavedVersion, SecretName, SecretView, SettingsView, Suggestion,
};
use backend::{Handle, Problem};
use serde_json::Value;
use tauri::{AppHandle, Emitter, Runtime, State};

/// The label of the settings' window.
pub(crate) const WINDOW: &str = "settings";

/// Sends the settings' page every new view.
pub(crate) fn bring_views<R: Runtime>(app: AppHandle<R>, handle: &Handle) {
    let mut views = handle.settings().watch();
    tauri::async_runtime::spawn(async move {
        while views.changed().await.is_ok() {
            let view = Arc::clone(&views.borrow_and_update());
            if let Err(error) = app.emit_to(WINDOW, "settings", &*view) {
                tracing::warn!(%error, "the settings' page could not be told");
            }
        }
    });
}

#[tauri::command]
pub(crate) async fn settings(backend: State<'_, Handle>) -> Result<Arc<SettingsView>, Problem> {
    Ok(backend.settings().view().await)
}

#[tauri::command]
pub(crate) async fn settings_catalogue(backend: State<'_, Handle>) -> Result<Catalogue, Problem> {
    backend.settings().catalogue().await
}

#[tauri::command]
pub(crate) async fn settings_columns(
    backend: State<'_, Handle>,
    table: String,
) -> Result<Vec<ColumnInfo>, Problem> {
    backend.settings().columns(&table).await
}

#[tauri::command]
pub(crate) async fn settings_judge(
    backend: State<'_, Handle>,
    draft: Value,
    sample: Option<Sample>,
) -> Result<Judgement, Problem> {
    backend.settings().judge(draft, sample).await
}

#[tauri::command]
pub(crate) async fn settings_explain(
    backend: State<'_, Handle>,
    draft: Value,
    sample: Sample,
) -> Result<Explanation, Problem> {
    backend.settings().explain(draft, sample).await
}

#[tauri::command]
pub(crate) async fn settings_suggest(
    backend: State<'_, Handle>,
    draft: Value,
    table: String,
) -> Result<Vec<Suggestion>, Problem> {
    backend.settings().suggest(draft, &table).await
}

#[tauri::command]
pub(crate) async fn settings_estimate(
    backend: State<'_, Handle>,
    draft: Value,
) -> Result<Vec<OfflineEstimate>, Problem> {
    backend.settings().estimate(draft).await
}

#[tauri::command]
pub(crate) async fn settings_secrets(
    backend: State<'_, Handle>,
    draft: Value,
) -> Result<Vec<SecretView>, Problem> {
    backend.settings().secrets(draft).await
}

#[tauri::command]
pub(crate) async fn settings_enter_secret(
    backend: State<'_, Handle>,
    draft: Value,
    name: SecretName,
    value: String,
) -> Result<Vec<SecretView>, Problem> {
    let value = value.into();
    backend.settings().enter_secret(draft, name, value).await
}

#[tauri::command]
pub(crate) async fn settings_forget_secret(
    backend: State<'_, Handle>,
    draft: Value,
    name: SecretName,
) -> Result<Vec<SecretView>, Problem> {
    backend.settings().forget_secret(draft, name).await
}

#[tauri::command]
pub(crate) async fn settings_test(backend: State<'_, Handle>, draft: Value) -> Result<(), Problem> {
    backend.settings().test_connection(draft).await
}

#[tauri::command]
pub(crate) async fn settings_cancel_test(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.settings().cancel_test().await
}

#[tauri::command]
pub(crate) async fn settings_save(
    backend: State<'_, Handle>,
    draft: Value,
    fingerprint: String,
) -> Result<(), Problem> {
    backend.settings().save(draft, &fingerprint).await
}

#[tauri::command]
pub(crate) async fn settings_to_text(
    backend: State<'_, Handle>,
    draft: Value,
) -> Result<String, Problem> {
    backend.settings().to_text(draft).await
}

#[tauri::command]
pub(crate) async fn settings_read_text(
    backend: State<'_, Handle>,
    text: String,
) -> Result<ReadDocument, Problem> {
    backend.settings().read_text(&text).await
}

#[tauri::command]
pub(crate) async fn settings_history(
    backend: State<'_, Handle>,
) -> Result<Vec<SavedVersion>, Problem> {
    backend.settings().history().await
}

#[tauri::command]
pub(crate) async fn settings_version(
    backend: State<'_, Handle>,
    id: i64,
) -> Result<ReadDocument, Problem> {
    backend.settings().version(id).await
}

#[tauri::command]
pub(crate) async fn settings_rehearse(
    backend: State<'_, Handle>,
    draft: Value,
    chats: Option<String>,
) -> Result<(), Problem> {
    backend.settings().rehearse(draft, chats).await.map(drop)
}

#[tauri::command]
pub(crate) async fn settings_cancel_rehearsal(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.settings().cancel_rehearsal().await
}

#[tauri::command]
pub(crate) async fn settings_disconnect(backend: State<'_, Handle>) -> Result<(), Problem> {
    backend.settings().disconnect().await
}
