//! A chat's messages as plain text.

use crate::Message;

/// One line per message, `[14:02:11] Robin: Hello`, times in UTC; system messages without a name. Empty if nothing was said.
pub(crate) fn transcript(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let content = html_to_text(&message.content);
        if content.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        if let Some(time) = message.time {
            text.push_str(&time.strftime("[%H:%M:%S] ").to_string());
        }
        if message.sender_type != "system" && !message.sender.trim().is_empty() {
            text.push_str(message.sender.trim());
            text.push_str(": ");
        }
        text.push_str(&content);
    }
    text
}

/// The text that a reader of this HTML would see, roughly: tags gone, line-breaking ones as line ends, entities decoded
/// once. The result is text again, so it must be encoded for wherever it goes.
fn html_to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut parts = html.split('<');
    push_decoded(&mut text, parts.next().unwrap_or_default());
    for part in parts {
        match tag(part) {
            Some((name, after)) => {
                if LINE_BREAKING
                    .iter()
                    .any(|tag| tag.eq_ignore_ascii_case(name))
                    && !text.ends_with('\n')
                {
                    text.push('\n');
                }
                push_decoded(&mut text, after);
            }
            None => {
                text.push('<');
                push_decoded(&mut text, part);
            }
        }
    }
    text.trim().to_owned()
}

const LINE_BREAKING: [&str; 5] = ["br", "p", "div", "li", "tr"];

/// The name of the tag whose text after `<` this is, and what follows the tag.
fn tag(part: &str) -> Option<(&str, &str)> {
    if !part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') {
        return None;
    }
    let (tag, after) = part.split_once('>')?;
    let name = tag.trim_start_matches('/');
    Some((
        name.split(|c: char| !c.is_ascii_alphanumeric()).next()?,
        after,
    ))
}

fn push_decoded(text: &mut String, html: &str) {
    let mut parts = html.split('&');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match entity(part) {
            Some((character, after)) => {
                text.push(character);
                text.push_str(after);
            }
            None => {
                text.push('&');
                text.push_str(part);
            }
        }
    }
}

/// The character of the entity whose text after `&` this is, and what follows the entity.
fn entity(part: &str) -> Option<(char, &str)> {
    let (name, after) = part.split_once(';')?;
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((character, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_the_text_a_reader_would_see() {
        let cases = [
            ("My invoice is <b>wrong</b>.", "My invoice is wrong."),
            ("one<br>two<BR/>three", "one\ntwo\nthree"),
            ("<p>one</p><p>two</p>", "one\ntwo"),
            (
                "a &lt;b&gt; &amp;amp; &#39;c&#x27; &quot;",
                "a <b> &amp; 'c' \"",
            ),
            (
                "5 < 6 & 7 > 3 &unknown; &#xFFFFFFFF; &",
                "5 < 6 & 7 > 3 &unknown; &#xFFFFFFFF; &",
            ),
            ("<script>alert(1)</script>", "alert(1)"),
            ("<unclosed", "<unclosed"),
            ("日本<i>語</i>", "日本語"),
        ];
        for (html, text) in cases {
            assert_eq!(html_to_text(html), text, "{html}");
        }
    }

    #[test]
    fn many_unclosed_tags_stay_text() {
        let html = "<a".repeat(50_000);
        assert_eq!(html_to_text(&html), html);
    }
}
