//! What a copy of a record can be found by: keys for the identification rules, words for a person who searches.

use std::collections::BTreeSet;

use deunicode::deunicode;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use crate::columns::{Columns, Kind};
use crate::identify::{Filter, Scalar, fold, kind};
use crate::phone::Number;
use crate::record::{Record, Table};
use crate::rules::{Identification, Operator, Rule};

/// The column that names the account of a contact, and the customer of a case.
#[must_use]
pub fn parent_column(table: Table) -> Option<&'static str> {
    match table {
        Table::Contact => Some("parentcustomerid"),
        Table::Incident => Some("customerid"),
        Table::Account | Table::Lead | Table::Task => None,
    }
}

/// The columns that a person searches in.
#[must_use]
pub fn searched_columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Contact => &[
            "fullname",
            "parentcustomerid",
            "emailaddress1",
            "telephone1",
            "mobilephone",
        ],
        Table::Account => &["name", "accountnumber", "emailaddress1", "telephone1"],
        Table::Lead => &[
            "fullname",
            "companyname",
            "emailaddress1",
            "telephone1",
            "mobilephone",
        ],
        Table::Incident => &["title", "ticketnumber", "customerid"],
        Table::Task => &["subject"],
    }
}

/// The name of the key that holds a column as text, folded for case.
#[must_use]
pub fn text_key(column: &str) -> String {
    column.to_owned()
}

/// The name of the key that holds a column's telephone number as digits.
#[must_use]
pub fn digits_key(column: &str) -> String {
    format!("{column} digits")
}

/// The name of the key that holds the name of the row that a lookup points to, folded for case.
#[must_use]
pub fn name_key(lookup: &str) -> String {
    format!("{lookup} name")
}

/// What an identification rule can find a record by: names and values of its keys. Which keys there are depends on the
/// rules, the kinds of the columns and the default country; when they change, the keys do.
#[must_use]
pub fn keys(
    identification: &Identification,
    known: &Columns,
    record: &Record,
) -> BTreeSet<(String, String)> {
    let table = record.table;
    let mut keys = BTreeSet::new();
    for condition in identification
        .rules(table)
        .iter()
        .flat_map(Rule::conditions)
    {
        let Some(value) = record.text(&condition.column) else {
            continue;
        };
        let compares_numbers =
            condition.operator == Operator::Equals && kind(table, condition, known) == Kind::Phone;
        if compares_numbers {
            let country = identification.default_country.as_deref();
            let number = Number::parse(&value, country);
            for digits in number.iter().flat_map(Number::keys) {
                keys.insert((digits_key(&condition.column), digits.to_owned()));
            }
        } else {
            keys.insert((text_key(&condition.column), fold(&value)));
            if kind(table, condition, known) == Kind::Lookup
                && let Some(name) = record.row_name(&condition.column)
            {
                keys.insert((name_key(&condition.column), fold(&name)));
            }
        }
    }
    if let Some(column) = parent_column(table)
        && let Some(id) = record.text(column)
    {
        keys.insert((text_key(column), fold(&id)));
    }
    keys
}

/// The value that a filter's scalar has as a key.
#[must_use]
pub fn scalar_key(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Text(text) | Scalar::Id(text) | Scalar::RowName(text) => fold(text),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Boolean(yes) => yes.to_string(),
    }
}

/// Whether the filter asks for the record's own id.
#[must_use]
pub fn asked_id(table: Table, filter: &Filter) -> Option<String> {
    match filter {
        Filter::Is(column, scalar) if column == table.key_column() => Some(scalar_key(scalar)),
        Filter::Is(..)
        | Filter::BeginsWith(..)
        | Filter::EndsWith(..)
        | Filter::Contains(..)
        | Filter::HasDigits(..)
        | Filter::All(_)
        | Filter::Any(_) => None,
    }
}

/// The words that a record can be found by, each once. A telephone number is one word, its digits, with and without its
/// country; an e-mail address is one whole word beside its parts.
#[must_use]
pub fn words_of(record: &Record, country: Option<&str>) -> Vec<String> {
    let mut found = BTreeSet::new();
    for column in searched_columns(record.table) {
        let value = record.values.get(*column);
        // A lookup is shown by the name of what it points to.
        let text = value.and_then(|value| value.formatted.clone().or_else(|| value.text()));
        let Some(text) = text else { continue };
        if column.contains("phone")
            && let Some(number) = Number::parse(&text, country)
        {
            found.extend(number.keys().map(str::to_owned));
            let e164 = number.e164().and_then(|e164| e164.strip_prefix('+'));
            found.extend(e164.map(str::to_owned));
        } else {
            found.extend(words(&text));
        }
    }
    found.into_iter().collect()
}

/// The words of a text, without regard to case and accents. Beside a word in another script than the Latin stands how it
/// is written in that; a script that has no spaces is taken apart character by character.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let plain: String = text
        .nfkd()
        .filter(|character| !is_combining_mark(*character))
        .flat_map(char::to_lowercase)
        .collect();
    let mut words = Vec::new();
    for word in plain
        .split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric())
        .flat_map(UnicodeSegmentation::unicode_words)
    {
        words.push(word.to_owned());
        if !word.is_ascii() {
            let latin = deunicode(word).to_lowercase();
            let parts = latin.split(|c: char| !c.is_ascii_alphanumeric());
            words.extend(parts.filter(|part| !part.is_empty()).map(str::to_owned));
        }
    }
    words
}

/// The words of what somebody searches for. A telephone number is one word, however it is written.
#[must_use]
pub fn asked_words(text: &str, country: Option<&str>) -> Vec<String> {
    let is_number = !text.contains(char::is_alphabetic);
    if is_number && let Some(number) = Number::parse(text, country) {
        let digits = number.e164().map_or(number.digits(), |e164| {
            e164.strip_prefix('+').unwrap_or(e164)
        });
        return vec![digits.to_owned()];
    }
    if let Some(digits) = asked_digits(text, country) {
        return vec![digits];
    }
    let plain = |word: &String| word.is_ascii();
    let words = words(text);
    // Of a word in another script its own form is asked for: the Latin one stands beside it in the copies.
    let mut asked = Vec::new();
    for word in text.split_whitespace() {
        let parts = self::words(word);
        let own: Vec<String> = parts.iter().filter(|part| !plain(part)).cloned().collect();
        asked.extend(if own.is_empty() { parts } else { own });
    }
    if asked.is_empty() { words } else { asked }
}

/// The digits that a telephone number has however it is written, if what somebody searches for is one or its beginning.
#[must_use]
pub fn asked_digits(text: &str, country: Option<&str>) -> Option<String> {
    if text.contains(char::is_alphabetic) {
        return None;
    }
    if let Some(number) = Number::parse(text, country) {
        return Some(number.digits().to_owned());
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= FEWEST_DIGITS).then(|| digits.trim_start_matches('0').to_owned())
}

/// So many digits and no letter are taken for the beginning of a telephone number, not for words.
const FEWEST_DIGITS: usize = 4;

/// Whether a word that somebody wrote may stand for one that is known: one slip in a word of four letters or more, two in
/// one of eight or more (a letter too many, too few, another, or two in the wrong order).
#[must_use]
pub fn is_similar(written: &str, known: &str) -> bool {
    let slips = match written.chars().count() {
        0..=3 => return false,
        4..=7 => 1,
        _ => 2,
    };
    strsim::osa_distance(written, known) <= slips
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::record::Value;

    fn contact(values: &[(&str, &str)]) -> Record {
        let value = |(column, text): &(&str, &str)| {
            let value = Value {
                raw: (*text).into(),
                formatted: None,
            };
            ((*column).to_owned(), value)
        };
        Record {
            table: Table::Contact,
            id: "0d5c7e69-f214-4a83-9b7e-c8f1a2d3b455".to_owned(),
            values: values.iter().map(value).collect::<BTreeMap<_, _>>(),
            read_at: Timestamp::UNIX_EPOCH,
            account: None,
        }
    }

    #[test]
    fn keys_are_those_that_the_rules_ask_for() {
        let identification = Identification {
            default_country: Some("GB".to_owned()),
            ..Identification::default()
        };
        let record = contact(&[
            ("emailaddress1", " Dana@Example.COM "),
            ("telephone1", "(020) 7946 0018"),
            ("mobilephone", "call me"),
            ("fullname", "Dana Vermeer"),
            ("parentcustomerid", "AA5C7E69-f214-4a83-9b7e-c8f1a2d3b455"),
        ]);
        let keys = keys(&identification, &Columns::default(), &record);
        let pairs: Vec<(&str, &str)> = keys
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("emailaddress1", "dana@example.com"),
                ("parentcustomerid", "aa5c7e69-f214-4a83-9b7e-c8f1a2d3b455"),
                ("telephone1 digits", "2079460018"),
            ]
        );
    }

    #[test]
    fn words_have_neither_case_nor_accents_and_stand_beside_their_latin_form() {
        assert_eq!(
            words("Müller-Lüdenscheidt, José"),
            ["muller", "ludenscheidt", "jose"]
        );
        assert_eq!(words("Ødegård"), ["ødegard", "odegard"]);
        assert_eq!(words("Иванов"), ["иванов", "ivanov"]);
        assert_eq!(words("張偉"), ["張", "zhang", "偉", "wei"]);
        assert_eq!(words("o'Neil@x.example"), ["o", "neil", "x", "example"]);
        assert_eq!(words(" \u{0} … "), Vec::<String>::new());
    }

    #[test]
    fn what_is_asked_is_found_in_what_is_kept() {
        let record = contact(&[
            ("fullname", "Søren Ødegård 張偉"),
            ("emailaddress1", "soren@nord.example"),
            ("telephone1", "+44 20 7946 0018"),
        ]);
        let kept = words_of(&record, None);
        for asked in [
            "soren",
            "Søren",
            "ODEG",
            "ødegård",
            "張偉",
            "zhang wei",
            "nord.example",
            "soren@nord",
            "+44 20 7946 0018",
            "020 7946 0018",
            "0044-20-7946",
            "2079",
        ] {
            let asked_words = asked_words(asked, None);
            assert!(!asked_words.is_empty(), "{asked}");
            for word in asked_words {
                let found = kept.iter().any(|known| known.starts_with(&word));
                assert!(found, "{asked}: {word} is not in {kept:?}");
            }
        }
    }

    #[test]
    fn one_slip_is_forgiven_in_a_word_of_four() {
        assert!(is_similar("vermeet", "vermeer"));
        assert!(is_similar("evrmeer", "vermeer"));
        assert!(is_similar("jhon", "john"));
        assert!(is_similar("northwidn", "northwind"));
        assert!(!is_similar("dan", "dana"));
        assert!(!is_similar("vermeet", "vermont"));
    }

    proptest! {
        #[test]
        fn a_record_is_found_by_its_own_name(name in "\\PC{1,40}") {
            let record = contact(&[("fullname", &name)]);
            let kept = words_of(&record, None);
            for word in words(&name) {
                prop_assert!(kept.contains(&word));
            }
        }
    }
}
