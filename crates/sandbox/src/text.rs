//! How the organization compares text: without regard to case in any script, and with SQL Server's LIKE wildcards in
//! `contains`, `startswith` and `endswith` (protocol page `query.md`, section `$filter`).
//!
//! Comparison runs in SQLite as a collation; LIKE patterns are translated to SQLite's `GLOB`, which knows character
//! classes. Accents count: `Bjorn` is not `Björn` (the protocol leaves this to the organization's collation).

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The collation's name in the schema.
pub(crate) const COLLATION: &str = "FOLD";

/// SQLite refuses longer `GLOB` patterns (its default limit, in bytes).
const LONGEST_GLOB: usize = 50_000;

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
}

/// What a LIKE pattern comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// A pattern for SQLite's `GLOB`.
    Glob(String),
    /// No text of the column can match: the pattern is longer than the column, or has an unfinished `[`.
    Nothing,
    /// The pattern is too long to be searched for.
    TooLong,
}

/// Translates a LIKE pattern for a column of at most `longest` characters.
pub(crate) fn pattern(like: &str, place: Place, longest: usize) -> Pattern {
    let mut glob = String::new();
    let mut shortest_match = 0;
    if place != Place::Start {
        glob.push('*');
    }
    let mut rest = like.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            shortest_match += 1;
        }
        match c {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '[' => {
                let mut class: Vec<char> = Vec::new();
                loop {
                    match rest.next() {
                        Some(']') => break,
                        Some(member) => class.push(member),
                        None => return Pattern::Nothing,
                    }
                }
                match glob_class(&class) {
                    Some(text) => glob.push_str(&text),
                    None => return Pattern::Nothing,
                }
            }
            '*' | '?' => {
                glob.push('[');
                glob.push(c);
                glob.push(']');
            }
            _ => match variants(c).as_slice() {
                [one] => glob.push(*one),
                several => {
                    glob.push('[');
                    glob.extend(several);
                    glob.push(']');
                }
            },
        }
    }
    if place != Place::End {
        glob.push('*');
    }
    if shortest_match > longest {
        return Pattern::Nothing;
    }
    if glob.len() > LONGEST_GLOB {
        return Pattern::TooLong;
    }
    Pattern::Glob(glob)
}

fn glob_class(class: &[char]) -> Option<String> {
    let (negated, members) = match class {
        ['^', members @ ..] => (true, members),
        members => (false, members),
    };
    if members.is_empty() {
        return None;
    }
    let mut text = String::from(if negated { "[^" } else { "[" });
    let mut single = Vec::new();
    let mut index = 0;
    while let Some(&first) = members.get(index) {
        match (members.get(index + 1), members.get(index + 2)) {
            (Some('-'), Some(&last)) => {
                for (low, high) in [
                    (first, last),
                    (fold(first), fold(last)),
                    (first.to_ascii_uppercase(), last.to_ascii_uppercase()),
                ] {
                    text.extend([low, '-', high]);
                }
                index += 3;
            }
            _ => {
                single.extend(variants(first));
                index += 1;
            }
        }
    }
    // A hyphen stands for itself only at the end, and a caret anywhere but at the start.
    let (hyphens, others): (Vec<char>, Vec<char>) = single.into_iter().partition(|c| *c == '-');
    let (carets, others): (Vec<char>, Vec<char>) = others.into_iter().partition(|c| *c == '^');
    if text == "[" && others.is_empty() && hyphens.is_empty() && !carets.is_empty() {
        return Some("^".to_owned());
    }
    text.extend(others);
    if text == "[" && !hyphens.is_empty() {
        text.push('-');
        text.extend(carets);
    } else {
        text.extend(carets);
        if !hyphens.is_empty() {
            text.push('-');
        }
    }
    text.push(']');
    Some(text)
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
    fn patterns_become_globs() {
        let glob = |like, place| pattern(like, place, 100);
        assert_eq!(glob("a%_", Place::Start), Pattern::Glob("[aA]*?*".into()));
        assert_eq!(
            glob("*?", Place::Anywhere),
            Pattern::Glob("*[*][?]*".into())
        );
        assert_eq!(glob("[%]", Place::End), Pattern::Glob("*[%]".into()));
        assert_eq!(
            glob("[^0-9]", Place::End),
            Pattern::Glob("*[^0-90-90-9]".into())
        );
        assert_eq!(glob("[abc", Place::End), Pattern::Nothing);
        assert_eq!(pattern("12345", Place::Anywhere, 4), Pattern::Nothing);
    }
}
