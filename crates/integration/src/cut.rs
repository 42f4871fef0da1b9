//! Text as Dynamics stores it: how long it is, where it may be cut, and which characters it cannot hold.
//!
//! Lengths are UTF-16 code units: .NET and SQL Server (`nvarchar`) count them, so that one emoji counts two or more.

use unicode_segmentation::UnicodeSegmentation;

/// How long Dynamics takes a text to be.
#[must_use]
pub fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The longest beginning of the text that is no longer than `most`. It ends between two characters as a reader sees them
/// (grapheme clusters); one that alone is too long is cut between its parts.
#[must_use]
pub fn beginning(text: &str, most: usize) -> &str {
    let (start, _) = split(text, most);
    start
}

/// The text in pieces that are no longer than `most`, cut as [`beginning`] does; joined they are the text again. No
/// piece is empty.
#[must_use]
pub fn pieces(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (mut piece, mut behind) = split(rest, most);
        if piece.is_empty() {
            // Not even one character fits: a limit that no text column has.
            (piece, behind) = (rest, "");
        }
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

fn split(text: &str, most: usize) -> (&str, &str) {
    // A text never has more code units than bytes, so that a short one needs no counting.
    if text.len() <= most {
        return (text, "");
    }
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += length(grapheme);
        if used > most {
            let end = if at == 0 {
                fitting_chars(text, most)
            } else {
                at
            };
            return text.split_at(end);
        }
    }
    (text, "")
}

/// The bytes of the characters that fit.
fn fitting_chars(text: &str, most: usize) -> usize {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += character.len_utf16();
        if used > most {
            return at;
        }
    }
    text.len()
}

/// The text without the characters that XML 1.0 has no place for and that Dynamics therefore refuses: each control
/// character becomes the picture that Unicode has for it (`␀`, `␛`), each non-character `U+FFFD`. Tabs and line ends
/// stay. The length stays the same.
#[must_use]
pub fn storable(text: &str) -> String {
    text.chars().map(storable_char).collect()
}

fn storable_char(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' => character,
        '\u{0}'..='\u{1F}' => {
            char::from_u32(0x2400 + u32::from(character)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\u{FFFE}' | '\u{FFFF}' => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

/// The text on one line: line ends and tabs become single blanks.
#[must_use]
pub fn one_line(text: &str) -> String {
    let is_break = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\t' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let parts = text.split(is_break).map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_reader_sees_as_one_character_stays_whole() {
        let family = "👨\u{200D}👩\u{200D}👧";
        assert_eq!(length(family), 8);
        for (text, most, expected) in [
            ("abc", 2, "ab"),
            ("abc", 3, "abc"),
            ("a👋b", 2, "a"),
            ("a👋b", 3, "a👋"),
            ("ae\u{301}x", 2, "a"),
            ("שלום", 3, "שלו"),
        ] {
            assert_eq!(beginning(text, most), expected, "{text} {most}");
        }
        assert_eq!(beginning(&format!("a{family}"), 8), "a");
        assert_eq!(beginning(family, 3), "👨\u{200D}");
    }

    #[test]
    fn a_character_without_end_is_cut_all_the_same() {
        let text = format!("e{}", "\u{301}".repeat(250_000));
        let pieces = pieces(&text, 100_000);
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces.concat(), text);
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(
            storable("a\u{0}b\u{1B}[0m\tc\r\n\u{FFFF}"),
            "a␀b␛[0m\tc\r\n\u{FFFD}"
        );
        assert_eq!(one_line(" a\r\n\n b\tc "), "a b c");
    }

    proptest! {
        #[test]
        fn pieces_are_the_text(text in any::<String>(), most in 0_usize..12) {
            let pieces = pieces(&text, most);
            prop_assert_eq!(pieces.concat(), text.as_str());
            if most >= 2 {
                prop_assert!(pieces.iter().all(|piece| length(piece) <= most && !piece.is_empty()));
            }
        }

        #[test]
        fn storable_text_keeps_its_length(text in any::<String>()) {
            let stored = storable(&text);
            prop_assert_eq!(length(&stored), length(&text));
            prop_assert!(stored.chars().all(|c| c >= ' ' || matches!(c, '\t' | '\n' | '\r')));
            prop_assert_eq!(storable(&stored), stored);
        }
    }
}
