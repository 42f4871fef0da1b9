//! What was said, as plain text.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{Conversation, Message};

/// The transcript of a chat: the date, then a line for each message, `[14:02:11] Robin: Hello`, times in UTC; system
/// messages stand without a name, and where a day ends within the chat the next one is named. A source that gives a text
/// of lines has them as they are. For an offline message it is its subject and content. `None` if nothing was said.
pub(crate) fn transcript(conversation: &Conversation) -> Option<String> {
    let text = match (&conversation.chat, &conversation.offline_message) {
        (_, Some(message)) => {
            let parts = [message.subject.trim(), message.content.trim()];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            parts.join("\n\n")
        }
        (Some(chat), None) if !chat.messages.is_empty() => {
            let first = chat.messages.iter().find_map(|message| message.time);
            of_messages(&chat.messages, first.map(day))
        }
        (Some(chat), None) if !chat.transcript.trim().is_empty() => {
            match chat.start_time.or(chat.request_time).or(chat.end_time) {
                Some(time) => format!("{}\n{}", day(time), chat.transcript),
                None => chat.transcript.clone(),
            }
        }
        (Some(_), None) | (None, None) => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn day(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

fn of_messages(messages: &[Message], first: Option<Date>) -> String {
    let mut text = String::new();
    let mut today = first;
    for message in messages {
        let content = html_to_text(&message.content);
        if content.is_empty() {
            continue;
        }
        if text.is_empty() {
            if let Some(first) = first {
                text.push_str(&format!("{first} (times in UTC)\n"));
            }
        } else {
            text.push('\n');
        }
        if let Some(time) = message.time {
            let date = day(time);
            if today.is_some_and(|today| today != date) {
                text.push_str(&format!("{date}\n"));
                today = Some(date);
            }
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
///
/// A full parser is no help here: one that builds a tree can be nested until its stack or time ends, a tokenizer compares
/// each attribute with all before it, and both drop what stands in a tag that is never closed, which would lose words.
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
    let decoded = html_escape::decode_html_entities(html);
    // No-break spaces only kept the layout of the page.
    text.extend(decoded.chars().map(|c| if c == '\u{A0}' { ' ' } else { c }));
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
            ("caf&eacute;&nbsp;&hellip;", "café …"),
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
