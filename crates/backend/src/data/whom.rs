//! Whom a text is about: the person who is to be forgotten, told by an e-mail address or a telephone number and by what has
//! been found of them since.

use std::collections::BTreeSet;

use integration::identify::fold;
use integration::phone::Number;
use integration::{Record, Table};
use uuid::Uuid;

use crate::problem::Problem;

/// The longest address that is taken, in characters.
const LONGEST: usize = 320;
/// Shorter ids are not looked for inside of texts, in characters.
const SHORTEST_ID: usize = 32;
/// The most digits of a number with its country code (E.164).
const MOST_DIGITS: usize = 15;
/// Of how many groups of digits a telephone number may consist.
const MOST_GROUPS: usize = 8;

/// The person.
#[derive(Clone)]
pub struct Whom {
    identity: Identity,
    country: Option<String>,
    /// Contacts and leads that are this person, in lower case.
    pub(super) records: BTreeSet<String>,
    /// Chats and messages of this person.
    pub(super) subjects: BTreeSet<String>,
    /// Entries of the outbox about this person.
    pub(super) entries: BTreeSet<Uuid>,
}

#[derive(Clone)]
enum Identity {
    /// Folded.
    Email(String),
    Phone(Number),
}

/// Personal values stay out of logs.
impl std::fmt::Debug for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Whom(…)")
    }
}

impl Whom {
    /// The person with this e-mail address or telephone number; `country` is that of numbers without a country code.
    ///
    /// # Errors
    /// `forget_whom` if it is neither one nor the other, `email_malformed`, `phone_malformed`.
    pub fn of(
        email: Option<&str>,
        phone: Option<&str>,
        country: Option<&str>,
    ) -> Result<Whom, Problem> {
        let given = |text: Option<&str>| {
            text.map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let identity = match (given(email), given(phone)) {
            (Some(email), None) => email_address(&email)?,
            (None, Some(phone)) => Number::parse(&phone, country)
                .map(Identity::Phone)
                .ok_or_else(|| {
                    Problem::new(
                        "phone_malformed",
                        "This is not a telephone number.",
                        "Give the whole number, best with its country code.",
                    )
                })?,
            (Some(_), Some(_)) | (None, None) => {
                return Err(Problem::new(
                    "forget_whom",
                    "A person is forgotten by one e-mail address or one telephone number.",
                    "Give either; run it again for the other one.",
                ));
            }
        };
        Ok(Whom {
            identity,
            country: country.map(str::to_owned),
            records: BTreeSet::new(),
            subjects: BTreeSet::new(),
            entries: BTreeSet::new(),
        })
    }

    /// `email` or `phone`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.identity {
            Identity::Email(_) => "email",
            Identity::Phone(_) => "phone",
        }
    }

    /// What the digest of a receipt is made of: whoever knows the address or number can make it too.
    pub(super) fn normalised(&self) -> &str {
        match &self.identity {
            Identity::Email(email) => email,
            Identity::Phone(number) => number.e164().unwrap_or(number.digits()),
        }
    }

    /// Whether a value as a whole is this person's address or number.
    #[must_use]
    pub fn has(&self, value: &str) -> bool {
        match &self.identity {
            Identity::Email(email) => fold(value) == *email,
            Identity::Phone(number) => Number::parse(value, self.country.as_deref())
                .is_some_and(|other| number.is_same(&other)),
        }
    }

    /// Whether a record is this person: a contact or lead that has the address or number in a column of its own.
    #[must_use]
    pub fn is(&self, record: &Record) -> bool {
        matches!(record.table, Table::Contact | Table::Lead)
            && record
                .values
                .values()
                .filter_map(|value| value.raw.as_str())
                .any(|value| self.has(value))
    }

    /// Whether a text names this person anywhere: by the address or number, or by the id of a record, chat or entry.
    #[must_use]
    pub fn is_named_in(&self, text: &str) -> bool {
        let by_identity = match &self.identity {
            Identity::Email(email) => has_address(&text.to_lowercase(), email),
            Identity::Phone(number) => self.has_number(text, number),
        };
        by_identity || self.is_pointed_at(text)
    }

    /// Whether a text has the id of one of this person's records, chats or entries.
    #[must_use]
    pub fn is_pointed_at(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let has = |id: &str| !id.is_empty() && contains_whole(&text, &id.to_ascii_lowercase());
        self.records.iter().any(|id| has(id))
            || self
                .subjects
                .iter()
                // A short number may be anything.
                .any(|id| id.len() >= SHORTEST_ID && has(id))
            || self.entries.iter().any(|id| has(&id.to_string()))
    }

    fn has_number(&self, text: &str, number: &Number) -> bool {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let readings: Vec<&str> = number.keys().collect();
        if !readings.iter().any(|reading| digits.contains(reading)) {
            return false;
        }
        runs(text).any(|(run, extension)| {
            let groups: Vec<&str> = run.split_whitespace().collect();
            (0..groups.len())
                .filter(|&first| may_begin(&groups, first))
                .any(|first| {
                    (first..groups.len().min(first + MOST_GROUPS)).any(|last| {
                        let mut written = groups.get(first..=last).unwrap_or_default().join(" ");
                        if last + 1 == groups.len() {
                            written.push(' ');
                            written.push_str(extension);
                        }
                        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
                        readings.iter().any(|reading| digits.contains(reading))
                            && self.has(&written)
                    })
                })
        })
    }
}

/// Whether a number may begin with this group: not if it belongs to one with a country code that began before.
fn may_begin(groups: &[&str], first: usize) -> bool {
    let count = |groups: &[&str]| {
        groups
            .iter()
            .flat_map(|group| group.chars())
            .filter(char::is_ascii_digit)
            .count()
    };
    let before = groups.get(..first).unwrap_or_default();
    let country = before.iter().rposition(|group| {
        group.starts_with('+') || group.starts_with("(+") || group.starts_with("00")
    });
    country.is_none_or(|country| count(before.get(country..).unwrap_or_default()) >= MOST_DIGITS)
}

fn email_address(email: &str) -> Result<Identity, Problem> {
    let is_address = email.chars().count() <= LONGEST
        && !email.chars().any(char::is_whitespace)
        && email
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !is_address {
        return Err(Problem::new(
            "email_malformed",
            "This is not an e-mail address.",
            "Give the whole address.",
        ));
    }
    Ok(Identity::Email(fold(email)))
}

/// Whether a folded text has an address that is not a part of a longer one.
fn has_address(text: &str, address: &str) -> bool {
    let is_local = |before: char| before.is_alphanumeric() || "._%+-'".contains(before);
    text.match_indices(address).any(|(start, found)| {
        let before = text.get(..start).and_then(|text| text.chars().next_back());
        let mut after = text.get(start + found.len()..).unwrap_or_default().chars();
        let goes_on = match after.next() {
            Some(next) if next.is_alphanumeric() || next == '-' => true,
            Some('.') => after.next().is_some_and(char::is_alphanumeric),
            Some(_) | None => false,
        };
        // JSON writes what it cannot have in a text as `\n`: that letter is no part of an address.
        let is_escaped = before.is_some_and(|before| "bfnrt".contains(before))
            && text
                .get(..start - 1)
                .is_some_and(|text| text.ends_with('\\') && !text.ends_with("\\\\"));
        (is_escaped || !before.is_some_and(is_local)) && !goes_on
    })
}

/// Whether a text has an id that is not a part of a longer word.
fn contains_whole(text: &str, id: &str) -> bool {
    let is_word = |character: char| character.is_ascii_alphanumeric();
    text.match_indices(id).any(|(start, found)| {
        let before = text.get(..start).and_then(|text| text.chars().next_back());
        let after = text
            .get(start + found.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The stretches of a text that may be telephone numbers, each with an extension that follows it.
fn runs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |character: char| {
        character.is_ascii_digit()
            || character.is_whitespace()
            || "+()-./\u{2010}\u{2011}\u{2013}".contains(character)
    };
    let mut rest = text;
    std::iter::from_fn(move || {
        let start =
            rest.find(|character: char| character.is_ascii_digit() || "+(".contains(character))?;
        let from = rest.get(start..)?;
        let length = from
            .find(|character| !is_part(character))
            .unwrap_or(from.len());
        let (run, after) = from.split_at(length);
        let extension = extension_of(after);
        rest = after;
        Some((run, extension))
    })
}

/// An extension at the beginning of a text: `ext. 3`, `x3`, `#3`.
fn extension_of(text: &str) -> &str {
    let lower: String = text
        .chars()
        .take(9)
        .collect::<String>()
        .to_ascii_lowercase();
    let word = [";ext=", "extension", "ext", "x", "#"]
        .into_iter()
        .find(|word| lower.starts_with(word));
    let Some(word) = word else {
        return "";
    };
    let behind = text.get(word.len()..).unwrap_or_default();
    let digits = behind.trim_start_matches([' ', '.', ':']);
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return "";
    }
    let end = word.len() + (behind.len() - digits.len()) + count;
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(address: &str) -> Whom {
        Whom::of(Some(address), None, Some("GB")).unwrap()
    }

    fn phone(number: &str) -> Whom {
        Whom::of(None, Some(number), Some("GB")).unwrap()
    }

    #[test]
    fn an_address_is_found_in_any_case_and_not_inside_a_longer_one() {
        let whom = email(" Dana.Vermeer@Example.com ");
        for text in [
            "dana.vermeer@example.com",
            "<DANA.VERMEER@EXAMPLE.COM>",
            "Write to dana.vermeer@example.com.",
            "\"dana.vermeer@example.com\"",
            r#"{"transcript":"Hello\ndana.vermeer@example.com\nbye"}"#,
            "mailto:dana.vermeer@example.com?subject=x",
        ] {
            assert!(whom.is_named_in(text), "{text}");
        }
        for text in [
            "",
            "jordana.vermeer@example.com",
            "x-dana.vermeer@example.com",
            "dana.vermeer@example.com.au",
            "dana.vermeer@example.community",
            "dana.vermeer@example",
        ] {
            assert!(!whom.is_named_in(text), "{text}");
        }
    }

    #[test]
    fn a_number_is_found_however_it_is_written_and_no_other_one() {
        let whom = phone("(020) 7946 0018");
        for text in [
            "+44 20 7946 0018",
            "0044-20-79460018",
            "call 020 79460018 today",
            "020 7946 0018 ext. 3",
            r#"{"telephone1":"(020) 7946-0018","fax":"020 7946 0099"}"#,
            "at 10:15 2026 020 7946 0018",
            "tel:+442079460018;ext=3",
        ] {
            assert!(whom.is_named_in(text), "{text}");
        }
        for text in ["+44 20 7946 0019", "+49 20 7946 0018", "12345", "7 9 4 6"] {
            assert!(!whom.is_named_in(text), "{text}");
        }
        let desk = phone("020 7946 0018 ext. 3");
        assert!(desk.is_named_in("+44 20 7946 0018 x3"));
        assert!(!desk.is_named_in("+44 20 7946 0018 ext. 4"));
        assert!(!desk.is_named_in("+44 20 7946 0018x4"));
    }

    #[test]
    fn ids_count_as_whole_words() {
        let mut whom = email("a@b.c");
        whom.records
            .insert("0f0e0d0c-0000-0000-0000-000000000001".to_owned());
        whom.subjects.insert("17".to_owned());
        whom.subjects
            .insert("5f0e0d0c-0000-0000-0000-000000000002".to_owned());
        assert!(whom.is_named_in("contact 0F0E0D0C-0000-0000-0000-000000000001 read"));
        assert!(whom.is_named_in("\"5f0e0d0c-0000-0000-0000-000000000002\""));
        assert!(!whom.is_named_in("15f0e0d0c-0000-0000-0000-000000000002"));
        assert!(!whom.is_named_in("17 chats"));
    }

    #[test]
    fn what_is_no_person_is_refused() {
        let code = |email, phone| Whom::of(email, phone, None).unwrap_err().code;
        assert_eq!(code(None, None), "forget_whom");
        assert_eq!(code(Some("a@b.c"), Some("+442079460018")), "forget_whom");
        assert_eq!(code(Some(" "), None), "forget_whom");
        assert_eq!(code(Some("nobody"), None), "email_malformed");
        assert_eq!(code(Some("a b@c"), None), "email_malformed");
        assert_eq!(code(None, Some("12")), "phone_malformed");
    }
}
