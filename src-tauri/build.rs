//! Declares the commands, so that each needs a permission of its own.

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&[
        "view",
        "refresh",
        "choose",
        "start_pairing",
        "cancel_pairing",
        "revoke_console",
        "play_visitor",
        "open_record",
        "reconnect",
        "sign_in",
        "cancel_sign_in",
        "sign_out",
        "draft",
        "create",
        "add_to_case",
        "duplicates",
        "find",
        "search",
        "link",
        "unlink",
        "outbox",
        "retry",
        "discard",
        "choose_person",
        "undo",
        "activity",
        "export_activity",
        "lock",
        "unlock",
        "local_data",
        "traces",
        "forget",
        "wipe",
        "make_recovery",
        "use_recovery",
    ]);
    let attributes = tauri_build::Attributes::new().app_manifest(commands);
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}
