//! The log: standard error, and a file a day of which a week's are kept. `COMPANION_LOG` sets what is told
//! (`info` if it is not set). No personal data are logged at info or above.

use std::path::Path;

use backend::folders;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

const FILES_KEPT: usize = 7;

/// What is told where nobody says otherwise.
const DEFAULT: &str = "info";

/// Starts logging. What is logged last reaches the file when the guard is dropped.
pub(crate) fn start(data_dir: Option<&Path>) -> Option<WorkerGuard> {
    let (filter, wrong) = filter();
    let file = data_dir
        .map(|folder| folder.join("logs"))
        .or_else(folders::logs)
        .ok_or_else(|| "this user has no folder for it".to_owned())
        .and_then(|folder| log_file(&folder));
    let (file, no_file) = match file {
        Ok(file) => (Some(file), None),
        Err(reason) => (None, Some(reason)),
    };
    let (file, guard) = file.map(tracing_appender::non_blocking).unzip();
    let to_file = file.map(|file| fmt::layer().with_writer(file).with_ansi(false));
    tracing_subscriber::registry()
        .with(filter)
        .with(fmt::layer().with_writer(std::io::stderr))
        .with(to_file)
        .init();
    if let Some(wrong) = wrong {
        tracing::warn!("COMPANION_LOG is not understood, `{DEFAULT}` is taken: {wrong}");
    }
    if let Some(reason) = no_file {
        tracing::warn!("no log file is kept: {reason}");
    }
    guard
}

/// What is told, and what is wrong with `COMPANION_LOG` if something is.
fn filter() -> (EnvFilter, Option<String>) {
    let told = std::env::var("COMPANION_LOG").unwrap_or_default();
    if told.is_empty() {
        return (EnvFilter::new(DEFAULT), None);
    }
    match EnvFilter::try_new(told) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT), Some(error.to_string())),
    }
}

fn log_file(folder: &Path) -> Result<RollingFileAppender, String> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| error.kind().to_string())?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("companion")
        .filename_suffix("log")
        .max_log_files(FILES_KEPT)
        .build(folder)
        .map_err(|error| error.to_string())
}
