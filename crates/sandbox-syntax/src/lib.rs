//! Reading what clients send to the practice organization: the resource path, the query options, the `$filter`
//! language, FetchXML, SQL and the parts of a `$batch` (protocol pages `query.md`, `fetchxml.md`, `crud.md`, `clients.md`,
//! `batch.md`).
//!
//! Pure functions over texts: nothing here knows the tables, reads a clock or touches a file. The crate `sandbox` gives
//! what is read its meaning. Any text may come: a reader answers with a [`SyntaxError`], it never panics, and it refuses
//! deep nesting instead of following it.

pub mod batch;
mod error;
pub mod fetch;
pub mod filter;
mod lexer;
pub mod operator;
pub mod options;
pub mod path;
pub mod sql;
mod xml;

pub use error::SyntaxError;
pub use lexer::is_guid;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_fetch_makes_the_reader_panic(
            inner in "(<(entity|attribute|filter|condition|link-entity|order|value)( (name|operator|value|link-type|alias|from)='[a-z %&;#0-9]{0,6}')*(/>|>)|</(entity|filter|condition|fetch)>|&amp;|&#[0-9]{1,7};|<!--|]]>|[a-z ]{1,3}){0,30}",
        ) {
            let _ = fetch::read(&inner);
            let _ = fetch::read(&format!("<fetch>{inner}</fetch>"));
            let _ = fetch::read(&format!("<fetch><entity name='a'>{inner}</entity></fetch>"));
        }

        #[test]
        fn no_select_makes_the_reader_panic(
            words in prop::collection::vec("(select|from|where|join|left|on|group by|order by|top|distinct|and|or|not|in|like|is null|between|count|as|[a-c]|[a-c]\\.[a-c]|'[a-z%]{0,3}'|[0-9]{1,4}|\\(|\\)|,|=|<|\\*|-|;)", 0..25),
        ) {
            let text = words.join(" ");
            let _ = sql::read(&text);
            let _ = sql::read(&format!("SELECT a FROM b {text}"));
            let _ = sql::read(&format!("SELECT a FROM b WHERE {text}"));
        }

        #[test]
        fn no_input_makes_a_reader_panic(
            free in ".{0,80}",
            likely in "([a-z@]{1,4}|eq|and|or|not|any|null|[0-9]{1,3}|\\(|\\)|'|,|/|:|=|\\[|\\]|\"|;|\\$[a-z]{3,6}| ){0,40}",
        ) {
            for text in [&free, &likely] {
                let _ = filter::parse(text, &|_| None);
                let _ = filter::parse(text, &|_| Some(free.clone()));
                let _ = path::key(text);
                let _ = fetch::read(text);
                let _ = fetch::PagingCookie::read(text);
                let _ = sql::read(text);
                let _ = path::segments(text);
                for option in ["$filter", "$expand", "$orderby", "$select", "$top", "$count", "$skiptoken"] {
                    let _ = options::Options::read(&format!("{option}={text}"));
                }
            }
        }
    }
}
