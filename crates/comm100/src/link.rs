//! The link that opens the companion on a visitor: `dynamics-companion://chat?siteId&chatId&visitorId&name&email&phone&company`.
//!
//! It comes from the button in the companion's tab of the Agent Console, or from the hyperlink of a custom variable that an
//! administrator wrote with macros. Any website can offer such a link too, so all of it is hostile: it is short, no key may
//! come twice, unknown keys are ignored, and it can only ever show a visitor, never change anything.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::read::parse_guid;
use crate::{Chat, ChatId, ConsoleEvent, Error, EventKind, Site, Visitor};

/// The scheme that the companion registers.
pub const SCHEME: &str = "dynamics-companion";
/// The longest link that is read, in characters. Windows and some browsers cut longer ones.
pub const MAX_CHARS: usize = 2_000;

const KEYS: [&str; 7] = [
    "siteId",
    "chatId",
    "visitorId",
    "name",
    "email",
    "phone",
    "company",
];

/// Reads a link as the event that its visitor was selected. Keys may be written in any case; a macro that the console did
/// not fill in (`{!Visitor.Email}`) counts as empty.
///
/// # Errors
/// [`Error::LinkTooLong`], [`Error::LinkMalformed`] (another scheme or host, a value that is no UTF-8 or has control
/// characters) and [`Error::LinkRepeatsKey`].
pub fn parse(link: &str) -> Result<ConsoleEvent, Error> {
    if link.chars().count() > MAX_CHARS {
        return Err(Error::LinkTooLong);
    }
    let url = Url::parse(link.trim()).map_err(|_| Error::LinkMalformed)?;
    let is_chat = url
        .host_str()
        .is_some_and(|host| host.eq_ignore_ascii_case("chat"));
    if url.scheme() != SCHEME || !is_chat || !["", "/"].contains(&url.path()) {
        return Err(Error::LinkMalformed);
    }
    let values = values(url.query().unwrap_or_default())?;
    let [site_id, chat_id, visitor_id, name, email, phone, company] =
        values.map(Option::unwrap_or_default);
    let visitor_id = parse_guid(&visitor_id);
    let id = ChatId::from_text(&chat_id);
    let visitor = Visitor {
        id: visitor_id,
        name: name.clone(),
        email: email.clone(),
        phone: phone.clone(),
        company: company.clone(),
        ..Visitor::default()
    };
    Ok(ConsoleEvent {
        source: "link".to_owned(),
        kind: EventKind::Selected,
        sent_at: None,
        site: (!site_id.is_empty()).then(|| Site {
            site_id,
            domain: String::new(),
        }),
        agent: None,
        chat: (!id.is_empty()).then(|| Chat {
            id,
            visitor_id,
            name,
            email,
            phone,
            company,
            ..Chat::default()
        }),
        visitor: Some(visitor),
        offline_message: None,
        warnings: Vec::new(),
    })
}

/// The values of [`KEYS`] in a query.
fn values(query: &str) -> Result<[Option<String>; KEYS.len()], Error> {
    let mut values = [const { None }; KEYS.len()];
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let known = KEYS
            .iter()
            .zip(values.iter_mut())
            .find(|(name, _)| name.eq_ignore_ascii_case(key));
        let Some((name, slot)) = known else { continue };
        if slot.is_some() {
            return Err(Error::LinkRepeatsKey(name));
        }
        *slot = Some(decode(name, value)?);
    }
    Ok(values)
}

fn decode(key: &str, value: &str) -> Result<String, Error> {
    let value = with_blanks(key, value);
    let value = percent_decode_str(&value)
        .decode_utf8()
        .map_err(|_| Error::LinkMalformed)?;
    if value.chars().any(char::is_control) {
        return Err(Error::LinkMalformed);
    }
    let value = value.trim();
    let unfilled_macro = value.starts_with("{!") && value.ends_with('}');
    Ok(if unfilled_macro {
        String::new()
    } else {
        value.to_owned()
    })
}

/// `+` is a blank where forms wrote the link and a plus sign where a macro was pasted in unencoded. An e-mail address has no
/// blanks, and a phone number has a plus only in front, so both can be told apart there.
fn with_blanks(key: &str, value: &str) -> String {
    match key {
        "email" => value.to_owned(),
        "phone" => match value.strip_prefix('+') {
            Some(rest) => format!("+{}", rest.replace('+', " ")),
            None => value.replace('+', " "),
        },
        _ => value.replace('+', " "),
    }
}
