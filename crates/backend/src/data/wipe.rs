//! Removing what is kept on this computer.

use super::{LOGS, LocalData, aside_files, damaged_cache, logs, name, remove_database, stored};
use crate::problem::Problem;
use crate::view::{WipeOptions, Wiped};

impl LocalData {
    /// Removes the cache and the log files; with the options also the store and what was set aside of it. The files stay,
    /// and are empty. What waits to be sent is never discarded without the word for it.
    ///
    /// # Errors
    /// `unsent_waits`, and the files'.
    pub async fn wipe(&self, options: WipeOptions) -> Result<Wiped, Problem> {
        let kept = stored(self.store.kept().await)?;
        if options.store {
            let unsent = stored(self.store.wipe(options.discard_unsent).await)?;
            if unsent > 0 {
                return Err(unsent_waits(unsent));
            }
        }
        let copies = stored(self.cache.inventory().await)?;
        stored(self.cache.wipe().await)?;
        stored(self.cache.compact().await)?;
        let (log_files, removed) = self
            .elsewhere(move |folder| {
                let log_files = logs::wipe(&folder.join(LOGS))?;
                let mut removed = Vec::new();
                for path in aside_files(folder)? {
                    if path == damaged_cache(folder) || options.set_aside {
                        remove_database(&path)?;
                        removed.push(name(&path));
                    }
                }
                Ok((log_files, removed))
            })
            .await?
            .unwrap_or_default();
        let of_store = |count| if options.store { count } else { 0 };
        let wiped = Wiped {
            copies: copies.iter().map(|table| table.copies).sum(),
            entries: of_store(kept.entries),
            discarded: of_store(kept.unsent),
            lines: of_store(kept.lines),
            consoles: of_store(kept.consoles),
            log_files,
            removed,
        };
        tracing::info!(
            copies = wiped.copies,
            entries = wiped.entries,
            store = options.store,
            "what was kept on this computer was removed"
        );
        Ok(wiped)
    }
}

fn unsent_waits(unsent: u64) -> Problem {
    let waits = match unsent {
        1 => "1 entry of the outbox has".to_owned(),
        unsent => format!("{unsent} entries of the outbox have"),
    };
    Problem::new(
        "unsent_waits",
        format!("{waits} not been sent to Dynamics 365 yet. Nothing was removed."),
        "Send them first (`companion outbox drain`), or say that they are to be discarded (`--discard-unsent`).",
    )
}
