//! What lies on the disk can be read by nobody who has not the key.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use secrecy::ExposeSecret;
use store::{Cache, CachedAnswer, CachedRecord, Error, Key, Store};
use uuid::Uuid;

/// What must not be found in any file.
const PERSONAL: &str = "dana.vermeer@example.com";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

async fn put(cache: &Cache) {
    let answer = CachedAnswer {
        body: PERSONAL.to_owned(),
        read_at: at(1),
    };
    let record = CachedRecord {
        entity: "contact".to_owned(),
        id: "1".to_owned(),
        body: PERSONAL.to_owned(),
        read_at: at(1),
        ..CachedRecord::default()
    };
    cache
        .put("organization", b"digest", &answer, &[record])
        .await
        .unwrap();
}

/// Both files with personal values in them, still open, so that the values stand in the write-ahead logs too.
async fn filled(folder: &Path, key: &Key) -> (Cache, Store) {
    let (cache, _) = Cache::open(&folder.join("cache.sqlite"), key)
        .await
        .unwrap();
    put(&cache).await;
    let store = Store::open(&folder.join("store.sqlite"), key)
        .await
        .unwrap();
    store
        .add_console(Uuid::nil(), PERSONAL, b"hash", at(1))
        .await
        .unwrap();
    (cache, store)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

fn holds(path: &Path, text: &str) -> bool {
    std::fs::read(path)
        .unwrap()
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn no_file_holds_plain_text_nor_the_key_nor_a_plain_header() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::random();
    let opened = filled(folder.path(), &key).await;
    let files = files(folder.path());
    assert!(files.len() >= 4, "two files and their logs: {files:?}");
    for file in &files {
        for text in [
            PERSONAL,
            "CREATE TABLE",
            "SQLite format 3",
            key.digits().expose_secret(),
        ] {
            assert!(!holds(file, text), "{} holds {text}", file.display());
        }
    }
    drop(opened);
    store::close_all().await;
}

#[tokio::test]
async fn with_another_key_the_store_is_left_as_it_is_and_the_cache_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (key, other) = (Key::random(), Key::random());
    let (cache, store) = filled(folder.path(), &key).await;
    cache.close().await;
    store.close().await;
    let path = folder.path().join("store.sqlite");
    let before = std::fs::read(&path).unwrap();
    let refused = Store::open(&path, &other).await;
    assert!(matches!(refused, Err(Error::WrongKey)), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let store = Store::open(&path, &key).await.unwrap();
    assert_eq!(store.consoles().await.unwrap()[0].name, PERSONAL);

    let (cache, why) = Cache::open(&folder.path().join("cache.sqlite"), &other)
        .await
        .unwrap();
    assert!(matches!(why, Some(Error::WrongKey)), "{why:?}");
    let found = cache.answer("organization", b"digest").await.unwrap();
    assert_eq!(found, None);
    store::close_all().await;
}

#[tokio::test]
async fn a_file_in_plain_text_is_refused_and_a_plain_cache_does_not_stay() {
    use sqlx::ConnectOptions;
    let folder = tempfile::tempdir().unwrap();
    let key = Key::random();
    let plain = async |name: &str| {
        let path = folder.path().join(name);
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .connect()
            .await
            .unwrap();
        sqlx::raw_sql("CREATE TABLE a (b TEXT); INSERT INTO a VALUES ('dana.vermeer@example.com')")
            .execute(&mut connection)
            .await
            .unwrap();
        sqlx::Connection::close(connection).await.unwrap();
        path
    };
    let path = plain("store.sqlite").await;
    let before = std::fs::read(&path).unwrap();
    let refused = Store::open(&path, &key).await;
    assert!(matches!(refused, Err(Error::NotEncrypted)), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = plain("cache.sqlite").await;
    let (cache, why) = Cache::open(&path, &key).await.unwrap();
    assert!(matches!(why, Some(Error::NotEncrypted)), "{why:?}");
    put(&cache).await;
    for file in files(folder.path()) {
        if !file.ends_with("store.sqlite") {
            assert!(!holds(&file, PERSONAL), "{}", file.display());
        }
    }
    store::close_all().await;
}

#[tokio::test]
async fn the_key_is_in_no_line_of_the_log() {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut lines = self.0.lock().map_err(|_| std::io::ErrorKind::Other)?;
            lines.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let quiet = tracing::subscriber::set_default(subscriber);
    tracing::trace!("everything is heard");
    let folder = tempfile::tempdir().unwrap();
    let key = Key::random();
    let opened = filled(folder.path(), &key).await;
    // The cache of another key is told of.
    let path = folder.path().join("cache.sqlite");
    Cache::open(&path, &Key::random()).await.unwrap();
    drop((opened, quiet));
    let told = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(told.contains("everything is heard"), "{told}");
    assert!(told.contains("store_key_wrong"), "{told}");
    assert!(!told.contains(key.digits().expose_secret()));
    assert!(!told.contains(PERSONAL));
    store::close_all().await;
}
