//! How the organization compares text: without regard to case in any script, and with SQL Server's LIKE wildcards in
//! `contains`, `startswith`, `endswith` and `like` (protocol pages `query.md`, section `$filter`, and `fetchxml.md`).
//!
//! Comparison runs in SQLite as a collation; LIKE patterns are translated to regular expressions, which see the whole text:
//! SQLite's own `LIKE` and `GLOB` end at the first NUL character. Accents count: `Bjorn` is not `Björn` (the protocol
//! leaves this to the organization's collation).

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The collation's name in the schema.
pub(crate) const COLLATION: &str = "FOLD";

/// Longer expressions are not tried (in bytes).
const LONGEST: usize = 50_000;

/// The case-folded form of one character: always exactly one character, so that the wildcard `_` keeps its meaning.
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let only = |mut mapped: Box<dyn Iterator<Item = char>>| match (mapped.next(), mapped.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    };
    let upper = only(Box::new(c.to_uppercase())).unwrap_or(c);
    only(Box::new(upper.to_lowercase())).unwrap_or(upper)
}

/// Orders two texts as the organization does: by folded characters.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    left.chars().map(fold).cmp(right.chars().map(fold))
}

/// All characters that fold to the same one, for those that have company.
static COMPANIONS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut companions: HashMap<char, Vec<char>> = HashMap::new();
    for c in '\u{80}'..=char::MAX {
        let folded = fold(c);
        if folded != c {
            companions.entry(folded).or_default().push(c);
        }
    }
    for (folded, others) in &mut companions {
        others.push(*folded);
        if folded.is_ascii() {
            others.push(folded.to_ascii_uppercase());
        }
    }
    companions
});

fn variants(c: char) -> Vec<char> {
    if let Some(all) = COMPANIONS.get(&fold(c)) {
        return all.clone();
    }
    if c.is_ascii_alphabetic() {
        return vec![c.to_ascii_lowercase(), c.to_ascii_uppercase()];
    }
    vec![c]
}

/// Where a pattern must be found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Anywhere,
    Start,
    End,
    Whole,
}

/// What a LIKE pattern comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// A regular expression.
    Expression(String),
    /// No text of the column can match: the pattern is longer than the column, or has an unfinished `[`.
    Nothing,
    /// The pattern is too long to be searched for.
    TooLong,
}

/// Translates a LIKE pattern for a column of at most `longest` characters.
pub(crate) fn pattern(like: &str, place: Place, longest: usize) -> Pattern {
    let mut expression = String::from("(?s)");
    let mut shortest_match = 0;
    if matches!(place, Place::Start | Place::Whole) {
        expression.push_str("\\A");
    }
    let mut rest = like.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            shortest_match += 1;
        }
        match c {
            '%' => expression.push_str(".*"),
            '_' => expression.push('.'),
            '[' => {
                let mut class: Vec<char> = Vec::new();
                loop {
                    match rest.next() {
                        Some(']') => break,
                        Some(member) => class.push(member),
                        None => return Pattern::Nothing,
                    }
                }
                match class_expression(&class) {
                    Some(text) => expression.push_str(&text),
                    None => return Pattern::Nothing,
                }
            }
            _ => match variants(c).as_slice() {
                [one] => expression.push_str(&regex::escape(one.encode_utf8(&mut [0; 4]))),
                several => {
                    expression.push('[');
                    for one in several {
                        push_member(&mut expression, *one);
                    }
                    expression.push(']');
                }
            },
        }
    }
    if matches!(place, Place::End | Place::Whole) {
        expression.push_str("\\z");
    }
    if shortest_match > longest {
        return Pattern::Nothing;
    }
    // The database compiles it again; an expression that is too large for that is refused here, with an answer.
    if expression.len() > LONGEST || regex::Regex::new(&expression).is_err() {
        return Pattern::TooLong;
    }
    Pattern::Expression(expression)
}

/// A member of a class, whatever it means in the language of expressions.
fn push_member(expression: &mut String, member: char) {
    expression.push_str(&format!("\\x{{{:x}}}", u32::from(member)));
}

/// A class of characters; `None` if no character can be in it.
fn class_expression(class: &[char]) -> Option<String> {
    let (negated, members) = match class {
        ['^', members @ ..] => (true, members),
        members => (false, members),
    };
    let mut text = String::from(if negated { "[^" } else { "[" });
    let mut is_empty = true;
    let mut index = 0;
    while let Some(&first) = members.get(index) {
        match (members.get(index + 1), members.get(index + 2)) {
            (Some('-'), Some(&last)) => {
                for (low, high) in [
                    (first, last),
                    (fold(first), fold(last)),
                    (first.to_ascii_uppercase(), last.to_ascii_uppercase()),
                ] {
                    // A range the wrong way round has no members.
                    if low <= high {
                        push_member(&mut text, low);
                        text.push('-');
                        push_member(&mut text, high);
                        is_empty = false;
                    }
                }
                index += 3;
            }
            _ => {
                for variant in variants(first) {
                    push_member(&mut text, variant);
                }
                is_empty = false;
                index += 1;
            }
        }
    }
    text.push(']');
    (!is_empty).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_one_character_for_one() {
        assert_eq!(compare("STRASSE", "strasse"), Ordering::Equal);
        assert_eq!(compare("ΟΔΥΣΣΕΥΣ", "οδυσσευς"), Ordering::Equal);
        assert_eq!(compare("МОСКВА", "москва"), Ordering::Equal);
        assert_ne!(compare("bjorn", "Björn"), Ordering::Equal);
        assert_ne!(compare("ß", "ss"), Ordering::Equal);
    }

    #[test]
    fn patterns_become_expressions() {
        let finds = |like: &str, place, text: &str| match pattern(like, place, 100) {
            Pattern::Expression(expression) => {
                regex::Regex::new(&expression).unwrap().is_match(text)
            }
            Pattern::Nothing | Pattern::TooLong => false,
        };
        for (like, place, text, expected) in [
            ("a%_", Place::Start, "Abc", true),
            ("a%_", Place::Start, "a", false),
            ("*?", Place::Anywhere, "x*?y", true),
            ("*?", Place::Anywhere, "xy", false),
            ("[%]", Place::End, "100%", true),
            ("[%]", Place::End, "100", false),
            ("[^0-9]", Place::End, "1a", true),
            ("[^0-9]", Place::End, "a1", false),
            ("[a-c]x", Place::Whole, "BX", true),
            ("[a-c]x", Place::Whole, "BXy", false),
            ("[c-a]", Place::Anywhere, "b", false),
            ("[\\d]", Place::Whole, "5", false),
            ("[-^]", Place::Whole, "^", true),
            ("a.c", Place::Whole, "abc", false),
            ("a_c", Place::Whole, "a\nc", true),
            ("x\0y", Place::Anywhere, "x", false),
            ("x\0y", Place::Anywhere, "ax\0Yb", true),
            ("[abc", Place::End, "abc", false),
            ("öB", Place::Start, "Öberg", true),
        ] {
            assert_eq!(finds(like, place, text), expected, "{like:?} {text:?}");
        }
        assert_eq!(pattern("12345", Place::Anywhere, 4), Pattern::Nothing);
        assert_eq!(
            pattern(&"_".repeat(60_000), Place::Anywhere, usize::MAX),
            Pattern::TooLong
        );
    }
}
