//! One telephone number, however it is written.

use std::collections::BTreeSet;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

/// Longer texts are no telephone numbers; the bound keeps hostile ones cheap.
const LONGEST: usize = 60;
/// Fewer digits than this without a country say too little to name a person.
const FEWEST_DIGITS: usize = 8;
/// How long numbers are inside North America.
const NORTH_AMERICAN_DIGITS: usize = 10;

/// A telephone number taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Number {
    /// `+` and digits, when the country is known.
    e164: Option<String>,
    /// The digits that remain inside the country: no country code, no zeros in front, no extension.
    significant: String,
    /// The digits of the extension, if one is written.
    extension: Option<String>,
}

impl Number {
    /// Reads a number as people write it: with or without country code, `00` or `+`, `(0)`, any
    /// separators, and an extension, which is left out.
    ///
    /// `country` (two letters, ISO 3166-1) is assumed for a number without country code. `None` is
    /// returned for what cannot be a telephone number.
    #[must_use]
    pub fn parse(text: &str, country: Option<&str>) -> Option<Number> {
        if text.chars().count() > LONGEST {
            return None;
        }
        let (number, extension) = split_extension(text);
        let written = digits(number);
        let extension = extension.map(digits).filter(|digits| !digits.is_empty());
        let country = country.and_then(region);
        let parsed = international(&written)
            .and_then(|number| valid(None, &number))
            .or_else(|| country.and_then(|country| valid(Some(country), &written)));
        if let Some(parsed) = parsed {
            let e164 = parsed.format_as(PhoneNumberFormat::E164).into_owned();
            let code = parsed.country_code.to_string();
            // Italy keeps the zero that others drop, so no zero in front ever counts.
            let significant = e164
                .strip_prefix('+')?
                .strip_prefix(&code)?
                .trim_start_matches('0')
                .to_owned();
            return Some(Number {
                e164: Some(e164),
                significant,
                extension,
            });
        }
        let significant = written.trim_start_matches(['+', '0']).to_owned();
        (significant.len() >= FEWEST_DIGITS).then_some(Number {
            e164: None,
            significant,
            extension,
        })
    }

    /// Whether both are the same number.
    ///
    /// Two numbers with a country are compared whole. If one has none, the digits inside the country
    /// decide: `020 7946 0018` is taken for `+44 20 7946 0018`, and `1-202-555-0142` for `(202) 555-0142`.
    #[must_use]
    pub fn is_same(&self, other: &Number) -> bool {
        // Behind one switchboard, another extension is another person; none may be anybody.
        if let (Some(one), Some(two)) = (&self.extension, &other.extension)
            && one != two
        {
            return false;
        }
        match (&self.e164, &other.e164) {
            (Some(one), Some(two)) => one == two,
            (Some(_) | None, _) => self
                .readings()
                .any(|one| other.readings().any(|two| one == two)),
        }
    }

    /// The digits to look for in a stored number, whatever stands between them.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.readings().last().unwrap_or(&self.significant)
    }

    /// Every text that [`Number::digits`] of the same number can be.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let trunk = self
            .significant
            .strip_prefix('1')
            .filter(|rest| rest.len() == NORTH_AMERICAN_DIGITS);
        std::iter::once(self.significant.as_str()).chain(trunk)
    }

    /// The digits inside the country; without a country also without the 1 that North Americans dial in
    /// front, the longest first.
    fn readings(&self) -> impl Iterator<Item = &str> {
        let trunk = self
            .significant
            .strip_prefix('1')
            .filter(|rest| self.e164.is_none() && rest.len() == NORTH_AMERICAN_DIGITS);
        std::iter::once(self.significant.as_str()).chain(trunk)
    }

    /// The number in E.164 form, when the country is known.
    #[must_use]
    pub fn e164(&self) -> Option<&str> {
        self.e164.as_deref()
    }
}

/// Whether this is a country whose numbers are known: two letters, ISO 3166-1.
#[must_use]
pub fn is_country(code: &str) -> bool {
    region(code).is_some()
}

/// The countries whose numbers are known, by their two letters, in alphabetical order.
pub fn countries() -> impl Iterator<Item = String> {
    let known: BTreeSet<Region> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
    known.into_iter().map(|region| region.to_string())
}

/// The country of two letters. The library has a name for every two letters, and numbers for some.
fn region(code: &str) -> Option<Region> {
    let region = Region::from_code(code).ok()?;
    PHONE_NUMBER_UTIL.get_country_code_for_region(region)?;
    (region != Region::World).then_some(region)
}

impl std::fmt::Debug for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Number({} digits)", self.significant.len())
    }
}

fn valid(country: Option<Region>, text: &str) -> Option<PhoneNumber> {
    PHONE_NUMBER_UTIL
        .parse(text, country)
        .ok()
        .filter(PhoneNumber::is_valid)
}

/// What stands in front of an extension, in the languages that people write it in.
const EXTENSION_MARKS: [&str; 8] = ["ext", "x", "#", ";", "durchwahl", "poste", "доб", "内線"];

/// The number and its extension. A mark counts only behind the first digits: in front of them it belongs to
/// a word like "Fax".
fn split_extension(text: &str) -> (&str, Option<&str>) {
    let is_marked = |at: usize| {
        text.get(at..).is_some_and(|rest| {
            EXTENSION_MARKS.iter().any(|mark| {
                let mut small = rest.chars().flat_map(char::to_lowercase);
                mark.chars().all(|letter| small.next() == Some(letter))
            })
        })
    };
    let first_digit = text
        .char_indices()
        .find(|(_, character)| digit(*character).is_some());
    let Some((first_digit, _)) = first_digit else {
        return (text, None);
    };
    let mark = text
        .char_indices()
        .map(|(at, _)| at)
        .find(|at| *at > first_digit && is_marked(*at));
    match mark {
        Some(mark) => (text.get(..mark).unwrap_or(text), text.get(mark..)),
        None => (text, None),
    }
}

/// The digits, with a `+` if one stands before the first of them.
fn digits(text: &str) -> String {
    let mut digits = String::new();
    for character in text.chars() {
        match digit(character) {
            Some(digit) => digits.push(digit),
            None if digits.is_empty() && matches!(character, '+' | '＋') => digits.push('+'),
            None => {}
        }
    }
    digits
}

/// The digit that a character stands for: European, Arabic-Indic, Persian, Devanagari or full-width.
fn digit(character: char) -> Option<char> {
    let value = [0x30, 0x660, 0x6F0, 0x966, 0xFF10]
        .iter()
        .find_map(|zero| {
            u32::from(character)
                .checked_sub(*zero)
                .filter(|value| *value < 10)
        })?;
    char::from_digit(value, 10)
}

/// The number with a leading `+` if it is written with its country code (`+…` or `00…`).
fn international(written: &str) -> Option<String> {
    if written.starts_with('+') {
        return Some(written.to_owned());
    }
    written.strip_prefix("00").map(|rest| format!("+{rest}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &str, two: &str, country: Option<&str>) -> bool {
        let one = Number::parse(one, country).unwrap();
        let two = Number::parse(two, country).unwrap();
        assert_eq!(one.is_same(&two), two.is_same(&one));
        one.is_same(&two)
    }

    #[test]
    fn the_spellings_of_one_number_are_one_number() {
        for country in [None, Some("GB"), Some("us")] {
            for spelling in [
                "+44 20 7946 0018",
                "+44 (0)20 7946 0018",
                "0044-20-79460018 ext. 3",
                "00 44 20 7946 0018",
                "+442079460018",
                "tel:+44-20-7946-0018",
            ] {
                assert!(
                    same(spelling, "+442079460018", country),
                    "{spelling} with {country:?}"
                );
            }
        }
        assert!(same("(020) 7946 0018", "+44 20 7946 0018", Some("GB")));
        assert!(same("(020) 7946 0018", "+44 20 7946 0018", None));
        assert!(same("020 7946 0018 x 12", "(020) 79460018", None));
    }

    #[test]
    fn other_numbers_are_other_numbers() {
        assert!(!same("+44 20 7946 0018", "+44 20 7946 0019", None));
        assert!(!same("+44 20 7946 0018", "+1 207 946 0018", None));
        assert!(!same("(020) 7946 0018", "+1 207 946 0018", Some("GB")));
        assert!(!same("+44 20 7946 0018 ext 9", "+44 20 7946 0018 x3", None));
        assert!(same("+44 20 7946 0018 ext 9", "+44 20 7946 0018 x9", None));
        assert!(same("Fax: +31 30 555 0142", "+31 30 555 0142", None));
        assert!(same(
            "Mexico office +31 30 555 0142",
            "+31 30 555 0142",
            None
        ));
        assert!(same(
            "\u{212a}\u{1e9e} +31 30 555 0142",
            "+31 30 555 0142",
            None
        ));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "",
            "call me",
            "12345",
            "+",
            "00",
            &"9".repeat(10_000),
            "' or 1 eq 1",
        ] {
            assert_eq!(
                Number::parse(text, None),
                None,
                "{}",
                text.chars().take(20).collect::<String>()
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*", country in proptest::option::of("[A-Za-z]{0,3}")) {
            let _ = Number::parse(&text, country.as_deref());
        }

        #[test]
        fn what_stands_between_the_digits_does_not_matter(gaps in proptest::collection::vec("[ .\\-]?", 12)) {
            let spelled: String = "442079460018".chars().zip(&gaps).map(|(digit, gap)| format!("{gap}{digit}")).collect();
            let plain = Number::parse("+442079460018", None).unwrap();
            let spelled = Number::parse(&format!("+{}", spelled.trim_start()), None);
            prop_assert!(spelled.is_some_and(|number| number.is_same(&plain)));
        }
    }
}
