//! The key of the encrypted files.

use std::fmt;

use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// How many hex digits a key has: 32 bytes.
const DIGITS: usize = 64;

/// The key of the encrypted files: 32 random bytes, written as 64 hex digits. `Debug` does not show it.
#[derive(Clone)]
pub struct Key(SecretString);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A new one.
    #[must_use]
    pub fn random() -> Key {
        let bytes: [u8; DIGITS / 2] = rand::rng().random();
        Key(bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            .into())
    }

    /// The key that is written so.
    ///
    /// # Errors
    /// [`Error::InvalidKey`] if these are not 64 hex digits.
    pub fn parse(text: &str) -> Result<Key, Error> {
        let text = text.trim();
        let is_key = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_key
            .then(|| Key(text.to_owned().into()))
            .ok_or(Error::InvalidKey)
    }

    /// Its 64 hex digits, to be kept in a safe place.
    #[must_use]
    pub fn digits(&self) -> &SecretString {
        &self.0
    }

    /// As `PRAGMA key` takes it: 32 bytes that are used as they are, not a passphrase.
    pub(crate) fn pragma(&self) -> String {
        format!("\"{}\"", self.attach())
    }

    /// As `ATTACH … KEY` takes it.
    pub(crate) fn attach(&self) -> String {
        format!("x'{}'", self.0.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hex_digits_and_not_shown() {
        let key = Key::random();
        let digits = key.digits().expose_secret();
        assert_eq!(digits.len(), 64);
        assert_ne!(digits, Key::random().digits().expose_secret());
        assert_eq!(
            Key::parse(&format!("{digits}\n"))
                .unwrap()
                .digits()
                .expose_secret(),
            digits
        );
        assert!(!format!("{key:?}").contains(digits));
        let zeros = "0".repeat(63);
        for wrong in [
            "",
            "abc",
            "'",
            &zeros,
            &format!("{zeros}g"),
            &format!("{zeros}00"),
        ] {
            assert!(matches!(Key::parse(wrong), Err(Error::InvalidKey)));
        }
    }
}
