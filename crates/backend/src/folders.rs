//! Where settings and files lie if nobody says otherwise: the system's own folders for this user.

use std::path::PathBuf;

use directories::{ProjectDirs, UserDirs};

/// The settings file of this user. It need not exist: without it the companion practises.
#[must_use]
pub fn settings_file() -> Option<PathBuf> {
    Some(project()?.config_dir().join("settings.toml"))
}

/// The variable that names the settings of an administrator where the system has none in their place.
pub const MANAGED_SETTINGS: &str = "COMPANION_MANAGED_SETTINGS";

/// The settings that an administrator may have laid down for everybody on this computer.
#[must_use]
pub fn managed_settings_file() -> Option<PathBuf> {
    let folder = if cfg!(windows) {
        PathBuf::from(std::env::var_os("ProgramData")?)
    } else if cfg!(target_os = "macos") {
        PathBuf::from("/Library/Application Support")
    } else {
        PathBuf::from("/etc")
    };
    let file = folder.join("dynamics-companion").join("settings.toml");
    if std::fs::symlink_metadata(&file).is_ok() {
        return Some(file);
    }
    std::env::var_os(MANAGED_SETTINGS)
        .filter(|named| !named.is_empty())
        .map(PathBuf::from)
}

/// The folder of the cache and the store.
#[must_use]
pub fn data() -> Option<PathBuf> {
    Some(project()?.data_local_dir().to_owned())
}

/// The folder of the log files.
#[must_use]
pub fn logs() -> Option<PathBuf> {
    Some(project()?.data_local_dir().join("logs"))
}

/// Where this person keeps documents; without such a folder their own one.
#[must_use]
pub fn documents() -> Option<PathBuf> {
    let user = UserDirs::new()?;
    let documents = user.document_dir().filter(|folder| folder.is_dir());
    Some(documents.unwrap_or_else(|| user.home_dir()).to_owned())
}

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "dynamics-companion")
}
