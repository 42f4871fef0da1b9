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

/// Starts logging. What is logged last reaches the file when the guard is dropped.
pub(crate) fn start(data_dir: Option<&Path>) -> Option<WorkerGuard> {
    let filter =
        EnvFilter::try_from_env("COMPANION_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let folder = data_dir
        .map(|folder| folder.join("logs"))
        .or_else(folders::logs);
    let file = folder.and_then(|folder| {
        RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("companion")
            .filename_suffix("log")
            .max_log_files(FILES_KEPT)
            .build(folder)
            .ok()
    });
    let (file, guard) = file.map(tracing_appender::non_blocking).unzip();
    let to_file = file.map(|file| fmt::layer().with_writer(file).with_ansi(false));
    tracing_subscriber::registry()
        .with(filter)
        .with(fmt::layer().with_writer(std::io::stderr))
        .with(to_file)
        .init();
    guard
}
