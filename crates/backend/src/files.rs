//! Where the cache and the store lie, and the key that they are encrypted with: from the environment (servers), else from the
//! system's keyring, where it is made at the first start.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

pub use store::close_all;
use store::{Cache, Key, Salvaged, Store};

use crate::keyring::{self, Keyring};
use crate::problem::Problem;
use crate::secrets::from_environment;

/// The variable that holds the key of the encrypted files.
pub const STORE_KEY: &str = "COMPANION_STORE_KEY";

pub(crate) const CACHE: &str = "cache.sqlite";
pub(crate) const STORE: &str = "store.sqlite";

/// Where the cache and the store lie.
#[derive(Clone, Debug)]
pub enum Files {
    /// Encrypted, in a folder.
    Folder {
        /// The folder; it is made if it is missing.
        folder: PathBuf,
        /// What the store is encrypted with.
        key: Key,
        /// What the cache is encrypted with.
        cache_key: CacheKey,
        /// What a person should know of them.
        notice: Option<Problem>,
    },
    /// Gone with the process.
    Memory,
    /// Gone with the process, since there is no key.
    Refused(Problem),
}

/// What the cache is encrypted with. While the companion is locked nobody has its key; the store's is needed then, since
/// chats that end are still taken over.
#[derive(Clone, Debug)]
pub enum CacheKey {
    /// The store's key: on a server, where the environment has it all the time.
    OfStore,
    /// A key of its own, read from the keyring whenever the cache is opened, and made if it is missing.
    InKeyring {
        /// The keyring.
        keyring: Keyring,
        /// The name of its entry.
        entry: String,
    },
}

impl Files {
    /// Files in this folder under the key of the environment or of the system's keyring.
    ///
    /// # Errors
    /// `store_key_missing` where there is neither; `store_key_invalid`, `secret_unreadable`, `keyring_locked`,
    /// `keyring_failed`, `store_unavailable`.
    pub async fn in_folder(folder: PathBuf) -> Result<Files, Problem> {
        let variable = |name: &str| std::env::var(name).ok();
        Files::with_key(folder, variable, &Keyring::of_the_system()).await
    }

    /// The same from the variables that `variable` knows and this keyring.
    ///
    /// # Errors
    /// As for [`Files::in_folder`].
    pub async fn with_key(
        folder: PathBuf,
        variable: impl Fn(&str) -> Option<String>,
        keyring: &Keyring,
    ) -> Result<Files, Problem> {
        if let Some(given) = from_environment(STORE_KEY, &variable)? {
            return Ok(Files::Folder {
                folder,
                key: parse(&given)?,
                cache_key: CacheKey::OfStore,
                notice: None,
            });
        }
        // The path as others write it is the same folder.
        let folder = std::path::absolute(&folder).map_err(|error| unusable(&error))?;
        let entry = format!("store-key {}", folder.display());
        let cache_key = CacheKey::InKeyring {
            keyring: keyring.clone(),
            entry: format!("cache-key {}", folder.display()),
        };
        if let Some(key) = read(keyring, &entry).await? {
            return Ok(Files::Folder {
                folder,
                key,
                cache_key,
                notice: None,
            });
        }
        // Of two that start for the first time one makes the key, and the other one finds it.
        let lock = lock_keys(&folder).await?;
        let (key, notice) = match read(keyring, &entry).await? {
            Some(key) => (key, None),
            None => {
                let key = Key::random();
                keyring.keep(&entry, key.digits().clone()).await?;
                (key, set_aside(&folder).map_err(|error| unusable(&error))?)
            }
        };
        drop(lock);
        Ok(Files::Folder {
            folder,
            key,
            cache_key,
            notice,
        })
    }

    /// Opens the cache, and says why the former one was not taken.
    ///
    /// # Errors
    /// Only if SQLite cannot open any database at all.
    pub async fn cache(&self) -> Result<(Cache, Option<Problem>), Problem> {
        let refused = match self.cache_key().await {
            Ok(Some((path, key))) => {
                let (cache, why) = Cache::open(&path, &key).await.map_err(from_store)?;
                return Ok((cache, why.map(|why| made_anew(&why))));
            }
            Ok(None) => None,
            Err(problem) => Some(problem),
        };
        Ok((Cache::memory().await.map_err(from_store)?, refused))
    }

    /// Opens the cache again after it was closed. Where the key cannot be had it stays closed.
    ///
    /// # Errors
    /// `keyring_unavailable`, `keyring_locked`, `keyring_failed`, and the cache's.
    pub(crate) async fn reopen(&self, cache: &Cache) -> Result<(), Problem> {
        let opened = match self.cache_key().await? {
            Some((path, key)) => Cache::open(&path, &key).await.map(|(cache, _)| cache),
            None => Cache::memory().await,
        };
        cache.reopen(opened.map_err(from_store)?);
        Ok(())
    }

    /// Where the cache lies, and its key.
    async fn cache_key(&self) -> Result<Option<(PathBuf, Key)>, Problem> {
        let Files::Folder {
            folder,
            key,
            cache_key,
            ..
        } = self
        else {
            return Ok(None);
        };
        let key = match cache_key {
            CacheKey::OfStore => key.clone(),
            CacheKey::InKeyring { keyring, entry } => {
                if let Some(kept) = keyring.read(entry).await? {
                    parse(&kept)?
                } else {
                    let _lock = lock_keys(folder).await?;
                    match keyring.read(entry).await? {
                        Some(kept) => parse(&kept)?,
                        None => {
                            let key = Key::random();
                            keyring.keep(entry, key.digits().clone()).await?;
                            key
                        }
                    }
                }
            }
        };
        Ok(Some((folder.join(CACHE), key)))
    }

    /// Opens the store, or one in memory where that cannot be done.
    pub(crate) async fn store(&self) -> Result<OpenedStore, Problem> {
        let refused = match self {
            Files::Folder {
                folder,
                key,
                notice,
                ..
            } => match Store::open_or_salvage(&folder.join(STORE), key).await {
                Ok((store, salvaged)) => {
                    let salvaged = salvaged.map(|salvaged| rescued(&salvaged));
                    return Ok(OpenedStore {
                        store,
                        refused: None,
                        notices: notice.clone().into_iter().chain(salvaged).collect(),
                    });
                }
                Err(error) => {
                    tracing::error!(error.code = error.code(), error.chain = ?error, "the store cannot be opened");
                    Some(Problem::from_store(&error))
                }
            },
            Files::Memory => None,
            Files::Refused(problem) => Some(problem.clone()),
        };
        let store = Store::memory()
            .await
            .map_err(|error| Problem::from_store(&error))?;
        let notices = refused.clone().map(|problem| Problem {
            message: format!(
                "{} Until this is mended, what you record is gone when the companion is closed before it was sent.",
                problem.message
            ),
            ..problem
        });
        Ok(OpenedStore {
            store,
            refused,
            notices: notices.into_iter().collect(),
        })
    }

    /// For the one that takes what consoles say: keeps others from doing so with the same files, as long as the answer lives.
    /// If another one does already, these files are refused to it.
    pub(crate) fn claimed(self) -> (Files, Option<File>) {
        let Files::Folder { folder, .. } = &self else {
            return (self, None);
        };
        let claim = || {
            let lock = store::private_folder(folder)
                .and_then(|()| File::create(folder.join("running.lock")))
                .map_err(TryLockError::Error)?;
            lock.try_lock().map(|()| lock)
        };
        let problem = match claim() {
            Ok(lock) => return (self, Some(lock)),
            Err(TryLockError::WouldBlock) => Problem::new(
                "already_running",
                "The companion runs already with this data folder.",
                "Use the one that runs, or close it first. Another one beside it needs its own folder, named with --data-dir.",
            ),
            Err(TryLockError::Error(error)) => unusable(&error),
        };
        tracing::error!(
            error.code = problem.code,
            "the data folder is not for this companion"
        );
        (Files::Refused(problem), None)
    }
}

/// The store as it was opened.
#[derive(Debug)]
pub(crate) struct OpenedStore {
    pub(crate) store: Store,
    /// Why it is in memory and not where it was asked for.
    pub(crate) refused: Option<Problem>,
    /// What a person should know of it.
    pub(crate) notices: Vec<Problem>,
}

async fn read(keyring: &Keyring, entry: &str) -> Result<Option<Key>, Problem> {
    match keyring.read(entry).await {
        Ok(kept) => kept.as_ref().map(parse).transpose(),
        Err(problem) if problem.code == keyring::UNAVAILABLE => Err(Problem::new(
            "store_key_missing",
            "The companion's files are encrypted, and there is neither a keyring that has their key nor COMPANION_STORE_KEY.",
            "Set COMPANION_STORE_KEY to 64 hex digits, for example those that `openssl rand -hex 32` prints, and keep them; or start the system's keyring.",
        )),
        Err(problem) => Err(problem),
    }
}

fn parse(digits: &secrecy::SecretString) -> Result<Key, Problem> {
    use secrecy::ExposeSecret;
    Key::parse(digits.expose_secret()).map_err(|error| Problem::from_store(&error))
}

fn from_store(error: store::Error) -> Problem {
    Problem::from_store(&error)
}

/// Keeps others from making keys for this folder, as long as the answer lives.
async fn lock_keys(folder: &Path) -> Result<File, Problem> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || locked(&folder))
        .await
        .map_err(io::Error::other)
        .flatten()
        .map_err(|error| unusable(&error))
}

fn locked(folder: &Path) -> io::Result<File> {
    store::private_folder(folder)?;
    let lock = File::create(folder.join("key.lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// A store whose key is lost makes room for a new one and stays beside it: the key may be found again. The cache needs no
/// such care.
fn set_aside(folder: &Path) -> io::Result<Option<Problem>> {
    let Some(aside) = store::set_aside(&folder.join(STORE), "lost")? else {
        return Ok(None);
    };
    let file = name(&aside);
    tracing::error!(
        file,
        "the key of the store is lost, it was set aside for a new one"
    );
    Ok(Some(Problem::new(
        "store_key_lost",
        format!(
            "The keyring does not have the key of the companion's files any more. What was waiting to be sent, the paired consoles and the activity were set aside as {file}."
        ),
        format!(
            "If you have made a recovery file, use it under \"Data on this computer\" or with `companion recovery use`: then all of it is there again. Otherwise pair the Agent Console again, and keep {file} for whoever finds the former key."
        ),
    )))
}

/// What became of a damaged store, for a person.
fn rescued(salvaged: &Salvaged) -> Problem {
    let file = name(&salvaged.kept);
    let entries = match salvaged.entries {
        1 => "1 entry of the outbox was".to_owned(),
        entries => format!("{entries} entries of the outbox were"),
    };
    if salvaged.rows == 0 {
        return Problem::new(
            "store_damaged",
            format!(
                "The companion's store was damaged, and nothing in it could be read. A new one was begun; the damaged file is kept as {file}."
            ),
            "Pair the Agent Console again, look in Dynamics 365 for the chats that had not been sent yet, and have the disk examined.",
        );
    }
    let (missing, next_step) = if salvaged.is_whole {
        ("Nothing is missing", "Have the disk examined.")
    } else {
        (
            "Some may be missing",
            "Look in Dynamics 365 whether the last chats are there, and have the disk examined.",
        )
    };
    Problem::new(
        "store_salvaged",
        format!(
            "The companion's store was damaged: {entries} saved. {missing}; the damaged file is kept as {file}."
        ),
        next_step,
    )
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Why the cache was made anew, for a person.
fn made_anew(why: &store::Error) -> Problem {
    let problem = Problem::from_store(why);
    Problem {
        message: "What was kept of Dynamics for working offline could not be read and is fetched anew.".to_owned(),
        next_step: "There is nothing to do. If this comes again at every start, check that the disk is not full and that the data folder can be written to.".to_owned(),
        ..problem
    }
}

fn unusable(error: &io::Error) -> Problem {
    tracing::error!(error = %error.kind(), "the data folder cannot be used");
    Problem::from_store(&store::Error::Folder(error.kind().into()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyring_core::{CredentialStore, mock};
    use secrecy::ExposeSecret;

    use super::*;

    fn mocked() -> Keyring {
        let store: Arc<CredentialStore> = mock::Store::new().unwrap();
        Keyring::given(store)
    }

    fn key(files: &Files) -> String {
        let Files::Folder { key, .. } = files else {
            panic!("no key: {files:?}");
        };
        key.digits().expose_secret().to_owned()
    }

    #[tokio::test]
    async fn the_key_is_made_once_for_each_folder_and_the_environment_wins() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let keyring = mocked();
        let files = async |folder: &Path| {
            Files::with_key(folder.to_owned(), |_| None, &keyring)
                .await
                .unwrap()
        };
        let made = key(&files(one.path()).await);
        assert_eq!(key(&files(one.path()).await), made);
        assert_ne!(key(&files(other.path()).await), made);
        let digits = "0123456789abcdef".repeat(4);
        let given = |name: &str| (name == STORE_KEY).then(|| digits.clone());
        let from_environment = Files::with_key(one.path().to_owned(), given, &keyring)
            .await
            .unwrap();
        assert_eq!(key(&from_environment), digits);
    }

    #[tokio::test]
    async fn two_first_starts_at_once_end_with_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = mocked();
        let start = || Files::with_key(folder.path().to_owned(), |_| None, &keyring);
        let started = tokio::join!(start(), start(), start(), start());
        let made = key(&started.0.unwrap());
        for files in [started.1, started.2, started.3] {
            assert_eq!(key(&files.unwrap()), made);
        }
    }

    #[tokio::test]
    async fn without_a_key_it_is_refused_and_a_wrong_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Files::with_key(folder.path().to_owned(), |_| None, &Keyring::none()).await;
        let problem = refused.unwrap_err();
        assert_eq!(problem.code, "store_key_missing");
        let opened = Files::Refused(problem.clone()).store().await.unwrap();
        assert_eq!(opened.refused, Some(problem));
        assert!(opened.notices[0].message.contains("is gone when"));

        let short = |name: &str| (name == STORE_KEY).then(|| "abc".to_owned());
        let refused = Files::with_key(folder.path().to_owned(), short, &Keyring::none()).await;
        assert_eq!(refused.unwrap_err().code, "store_key_invalid");
    }

    #[tokio::test]
    async fn a_damaged_store_is_told_of_once() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = mocked();
        let files = Files::with_key(folder.path().to_owned(), |_| None, &keyring)
            .await
            .unwrap();
        let opened = files.store().await.unwrap();
        assert_eq!(opened.notices, []);
        let now = jiff::Timestamp::UNIX_EPOCH;
        let paired = opened
            .store
            .add_console(uuid::Uuid::nil(), "Console", b"hash", now);
        paired.await.unwrap();
        opened.store.close().await;
        drop(opened);
        let path = folder.path().join(STORE);
        let clean = std::fs::read(&path).unwrap();
        // The last page and the first one.
        for (start, code) in [
            (clean.len() - 4000, "store_salvaged"),
            (100, "store_damaged"),
        ] {
            let mut damaged = clean.clone();
            damaged[start] ^= 1;
            std::fs::write(&path, damaged).unwrap();
            let opened = files.store().await.unwrap();
            assert_eq!(opened.refused, None);
            assert_eq!(opened.notices.len(), 1);
            assert_eq!(opened.notices[0].code, code);
            opened.store.close().await;
            drop(opened);
            let opened = files.store().await.unwrap();
            assert_eq!(opened.notices, []);
            opened.store.close().await;
        }
        assert!(folder.path().join("store.sqlite.damaged-2").exists());
    }

    #[tokio::test]
    async fn one_companion_claims_a_folder_and_others_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = mocked();
        let files = Files::with_key(folder.path().to_owned(), |_| None, &keyring)
            .await
            .unwrap();
        let (_, first) = files.clone().claimed();
        assert!(first.is_some());
        let (refused, second) = files.clone().claimed();
        assert!(second.is_none());
        let opened = refused.store().await.unwrap();
        assert_eq!(opened.refused.unwrap().code, "already_running");
        drop(first);
        assert!(files.claimed().1.is_some());
    }

    #[tokio::test]
    async fn a_lost_key_leaves_the_store_aside_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let open = async |keyring: &Keyring| {
            let files = Files::with_key(folder.path().to_owned(), |_| None, keyring)
                .await
                .unwrap();
            let OpenedStore {
                store, mut notices, ..
            } = files.store().await.unwrap();
            let (cache, made_anew) = files.cache().await.unwrap();
            store.close().await;
            cache.close().await;
            (key(&files), notices.pop(), made_anew)
        };
        let keyring = mocked();
        let (former, notice, made_anew) = open(&keyring).await;
        assert_eq!((notice, made_anew), (None, None));
        let (_, notice, made_anew) = open(&mocked()).await;
        assert_eq!(notice.unwrap().code, "store_key_lost");
        assert_eq!(made_anew.unwrap().code, "store_key_wrong");

        let aside = folder.path().join("store.sqlite.lost-1");
        let former = Key::parse(&former).unwrap();
        Store::open(&aside, &former).await.unwrap();
        // The key is there again in the keyring: the new store is not its.
        let files = Files::with_key(folder.path().to_owned(), |_| None, &keyring)
            .await
            .unwrap();
        let refused = files.store().await.unwrap().refused;
        assert_eq!(refused.unwrap().code, "store_key_wrong");
        store::close_all().await;
    }
}
