//! The recovery file: the key of the store, wrapped under a passphrase of the agent's own, for the day when the keyring has
//! lost it.
//!
//! Argon2id makes a key of the passphrase (64 MiB, RFC 9106), XChaCha20-Poly1305 wraps the store's key with it and
//! vouches for all else that stands in the file. A checksum tells a damaged file from a wrong passphrase. The file is text and
//! can be printed.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use jiff::Timestamp;
use rand::RngExt;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::Key;

use crate::problem::Problem;

/// What the file says it is.
const KIND: &str = "dynamics-companion recovery file";
const VERSION: u32 = 1;

/// The fewest characters of a passphrase.
pub const SHORTEST_PASSPHRASE: usize = 12;

/// What deriving costs: RFC 9106, section 4, second choice.
const COST: Cost = Cost {
    memory_kib: 64 * 1024,
    passes: 3,
    lanes: 4,
};
/// No file may ask for more than this, in KiB and in passes.
const MOST_MEMORY: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 16;

/// No recovery file is longer, in bytes.
pub const LONGEST_FILE: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// All that the wrapped key is bound to.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    kind: String,
    version: u32,
    made_at: String,
    derivation: String,
    cost: Cost,
    salt: String,
    nonce: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct RecoveryFile {
    #[serde(flatten)]
    head: Head,
    wrapped_key: String,
    checksum: String,
}

/// The text of a recovery file for this key. It takes about a second and 64 MiB.
///
/// # Errors
/// `recovery_passphrase_short`.
pub fn wrap(key: &Key, passphrase: &SecretString, now: Timestamp) -> Result<String, Problem> {
    check_passphrase(passphrase)?;
    let (salt, nonce): ([u8; 16], [u8; 24]) = (rand::rng().random(), rand::rng().random());
    let head = Head {
        kind: KIND.to_owned(),
        version: VERSION,
        made_at: now.to_string(),
        derivation: "argon2id".to_owned(),
        cost: COST,
        salt: BASE64.encode(salt),
        nonce: BASE64.encode(nonce),
    };
    let cipher = cipher(passphrase, &salt, COST)?;
    let payload = Payload {
        msg: key.digits().expose_secret().as_bytes(),
        aad: &bound(&head)?,
    };
    let wrapped = cipher
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| broken("the key cannot be wrapped"))?;
    let wrapped_key = BASE64.encode(wrapped);
    let checksum = checksum(&head, &wrapped_key)?;
    serde_json::to_string_pretty(&RecoveryFile {
        head,
        wrapped_key,
        checksum,
    })
    .map(|text| text + "\n")
    .map_err(|_| broken("the recovery file has no JSON form"))
}

/// The key that a recovery file holds.
///
/// # Errors
/// `recovery_file_unknown` for what is no recovery file or a newer one, `recovery_file_damaged`,
/// `recovery_passphrase_wrong`.
pub fn unwrap(text: &str, passphrase: &SecretString) -> Result<Key, Problem> {
    let value: serde_json::Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| no_json(text))?;
    if value.get("kind").and_then(serde_json::Value::as_str) != Some(KIND) {
        return Err(unknown());
    }
    if value.get("version").and_then(serde_json::Value::as_u64) > Some(VERSION.into()) {
        return Err(Problem::new(
            "recovery_file_unknown",
            "This recovery file was made by a newer companion.",
            "Update the companion, then use the file again.",
        ));
    }
    let file: RecoveryFile = serde_json::from_value(value).map_err(|_| damaged())?;
    let RecoveryFile {
        head, wrapped_key, ..
    } = &file;
    if checksum(head, wrapped_key)? != file.checksum {
        return Err(damaged());
    }
    let decoded = |text: &str| BASE64.decode(text).map_err(|_| damaged());
    let salt = decoded(&head.salt)?;
    let nonce: [u8; 24] = decoded(&head.nonce)?.try_into().map_err(|_| damaged())?;
    let cost = head.cost;
    if cost.memory_kib > MOST_MEMORY || cost.passes > MOST_PASSES || head.derivation != "argon2id" {
        return Err(damaged());
    }
    let payload = Payload {
        msg: &decoded(wrapped_key)?,
        aad: &bound(head)?,
    };
    let digits = cipher(passphrase, &salt, cost)?
        .decrypt(&XNonce::from(nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| {
            Problem::new(
                "recovery_passphrase_wrong",
                "This is not the passphrase of the recovery file.",
                "Type the passphrase that the file was made with. Capitals and spaces count.",
            )
        })?;
    std::str::from_utf8(&digits)
        .ok()
        .and_then(|digits| Key::parse(digits).ok())
        .ok_or_else(damaged)
}

/// Tells a key from others without telling anything of it.
#[must_use]
pub fn fingerprint(key: &Key) -> String {
    let digest = Sha256::new()
        .chain_update(b"companion recovery ")
        .chain_update(key.digits().expose_secret().to_ascii_lowercase())
        .finalize();
    hex(&digest[..8])
}

fn check_passphrase(passphrase: &SecretString) -> Result<(), Problem> {
    if passphrase.expose_secret().chars().count() >= SHORTEST_PASSPHRASE {
        return Ok(());
    }
    Err(Problem::new(
        "recovery_passphrase_short",
        format!("The passphrase has fewer than {SHORTEST_PASSPHRASE} characters."),
        "Choose a longer one, for example five words that do not belong together.",
    ))
}

fn cipher(
    passphrase: &SecretString,
    salt: &[u8],
    cost: Cost,
) -> Result<XChaCha20Poly1305, Problem> {
    let parameters = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32));
    let parameters = parameters.map_err(|_| damaged())?;
    let mut derived = Zeroizing::new([0_u8; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(
            passphrase.expose_secret().as_bytes(),
            salt,
            derived.as_mut_slice(),
        )
        .map_err(|_| damaged())?;
    XChaCha20Poly1305::new_from_slice(derived.as_slice())
        .map_err(|_| broken("the derived key has a wrong length"))
}

fn bound(head: &Head) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(head).map_err(|_| broken("the recovery file has no JSON form"))
}

fn checksum(head: &Head, wrapped_key: &str) -> Result<String, Problem> {
    let digest = Sha256::new()
        .chain_update(bound(head)?)
        .chain_update(wrapped_key)
        .finalize();
    Ok(hex(&digest[..8]))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What was a recovery file and is cut off names its kind still.
fn no_json(text: &str) -> Problem {
    if text.contains(KIND) {
        damaged()
    } else {
        unknown()
    }
}

pub(super) fn unknown() -> Problem {
    Problem::new(
        "recovery_file_unknown",
        "This is not a recovery file of the companion.",
        "Choose the file that was made with \"Make a recovery file\" or `companion recovery make`.",
    )
}

fn damaged() -> Problem {
    Problem::new(
        "recovery_file_damaged",
        "The recovery file is damaged.",
        "Use another copy of it, if there is one.",
    )
}

fn broken(what: &str) -> Problem {
    tracing::error!(what, "a recovery file cannot be made");
    Problem::new(
        "recovery_failed",
        "The recovery file cannot be made.",
        "Report this to the maker.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, passphrase: &str) -> String {
        unwrap(text, &passphrase.into()).unwrap_err().code
    }

    #[test]
    fn a_key_comes_back_with_its_passphrase_and_with_no_other_one() {
        let key = Key::random();
        let passphrase = SecretString::from("correct horse bättery");
        let text = wrap(&key, &passphrase, Timestamp::UNIX_EPOCH).unwrap();
        let digits = key.digits().expose_secret();
        assert!(!text.contains(digits));
        assert!(!text.contains("horse"));
        let found = unwrap(&text, &passphrase).unwrap();
        assert_eq!(found.digits().expose_secret(), digits);
        assert_eq!(fingerprint(&found), fingerprint(&key));
        assert_ne!(fingerprint(&found), fingerprint(&Key::random()));
        let again = wrap(&key, &passphrase, Timestamp::UNIX_EPOCH).unwrap();
        assert_ne!(text, again, "salt and nonce are new each time");

        assert_eq!(
            code(&text, "correct horse battery"),
            "recovery_passphrase_wrong"
        );
        assert_eq!(code("", "x"), "recovery_file_unknown");
        assert_eq!(code("{\"kind\":\"other\"}", "x"), "recovery_file_unknown");
        assert_eq!(code("PK\u{3}\u{4}", "x"), "recovery_file_unknown");
        let newer = text.replace("\"version\": 1", "\"version\": 2");
        assert_eq!(code(&newer, "x"), "recovery_file_unknown");
    }

    #[test]
    fn whatever_is_changed_or_missing_in_the_file_is_noticed() {
        let passphrase = SecretString::from("correct horse battery");
        let text = wrap(&Key::random(), &passphrase, Timestamp::UNIX_EPOCH).unwrap();
        for length in [text.len() / 2, text.len() - 3] {
            assert_eq!(
                code(text.get(..length).unwrap(), "x"),
                "recovery_file_damaged"
            );
        }
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let head = value.as_object().unwrap();
        for name in head
            .keys()
            .filter(|name| !["kind", "version"].contains(&name.as_str()))
        {
            let mut changed = value.clone();
            changed[name] = match value[name].as_str() {
                Some(text) => format!("A{text}").into(),
                None => serde_json::json!({ "memory_kib": 8, "passes": 1, "lanes": 1 }),
            };
            assert_eq!(
                code(&changed.to_string(), "x"),
                "recovery_file_damaged",
                "{name}"
            );
        }
    }

    #[test]
    fn a_file_that_vouches_for_itself_is_still_bound_to_what_it_says() {
        let passphrase = SecretString::from("correct horse battery");
        let text = wrap(&Key::random(), &passphrase, Timestamp::UNIX_EPOCH).unwrap();
        let mut file: RecoveryFile = serde_json::from_str(&text).unwrap();
        file.head.made_at = "2030-01-01T00:00:00Z".to_owned();
        file.checksum = checksum(&file.head, &file.wrapped_key).unwrap();
        let forged = serde_json::to_string(&file).unwrap();
        let refused = unwrap(&forged, &passphrase).unwrap_err();
        assert_eq!(refused.code, "recovery_passphrase_wrong");
        file.head.cost.memory_kib = u32::MAX;
        file.checksum = checksum(&file.head, &file.wrapped_key).unwrap();
        let greedy = serde_json::to_string(&file).unwrap();
        assert_eq!(
            code(&greedy, "correct horse battery"),
            "recovery_file_damaged"
        );
    }

    #[test]
    fn a_short_passphrase_is_refused() {
        let refused = wrap(&Key::random(), &"eleven char".into(), Timestamp::UNIX_EPOCH);
        assert_eq!(refused.unwrap_err().code, "recovery_passphrase_short");
    }
}
