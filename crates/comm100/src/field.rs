use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::read::bounded;
use crate::transcript::transcript;
use crate::{Chat, ChatStatus, Conversation, Error, NamedValue, Page, Visitor};

/// The name of a Comm100 value that a rule or a mapping can use: one of [`Field::catalogue`], `prechat.<custom field>` or
/// `custom_variable.<name>`. In settings it is a string; names are read in any case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field(Source);

/// A field of the catalogue, for a list to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldInfo {
    /// The field.
    pub field: Field,
    /// Its label in the integration guide's scheme, e.g. `Visitor Name`.
    pub label: &'static str,
    /// Its Comm100 macro without the braces, e.g. `Visitor.Name`.
    pub macro_name: &'static str,
}

impl Field {
    /// All fields with a fixed name, in the order in which a list shows them.
    pub fn catalogue() -> Vec<FieldInfo> {
        KNOWN
            .iter()
            .enumerate()
            .map(|(index, known)| FieldInfo {
                field: Field(Source::Known(index)),
                label: known.label,
                macro_name: known.macro_name,
            })
            .collect()
    }

    /// The label in the integration guide's scheme, e.g. `Pre-chat Phone` or `Custom Variable PlanName`.
    pub fn label(&self) -> String {
        match &self.0 {
            Source::Known(index) => KNOWN
                .get(*index)
                .map_or_else(String::new, |known| known.label.to_owned()),
            Source::Prechat(name) => format!("Pre-chat {name}"),
            Source::CustomVariable(name) => format!("Custom Variable {name}"),
        }
    }

    pub(crate) fn read(&self, conversation: &Conversation) -> Option<String> {
        match &self.0 {
            Source::Known(index) => (KNOWN.get(*index)?.read)(conversation),
            Source::Prechat(name) => named(&conversation.chat.as_ref()?.fields, name),
            Source::CustomVariable(name) => {
                named(&conversation.visitor.as_ref()?.custom_variables, name)
            }
        }
    }
}

impl FromStr for Field {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.trim();
        if let Some(index) = KNOWN
            .iter()
            .position(|known| known.name.eq_ignore_ascii_case(name))
        {
            return Ok(Field(Source::Known(index)));
        }
        match name
            .split_once('.')
            .map(|(group, name)| (group.to_ascii_lowercase(), name.trim()))
        {
            Some((group, name)) if group == "prechat" && !name.is_empty() => {
                Ok(Field(Source::Prechat(name.to_owned())))
            }
            Some((group, name)) if group == "custom_variable" && !name.is_empty() => {
                Ok(Field(Source::CustomVariable(name.to_owned())))
            }
            _ => {
                let (name, _) = bounded(name, 100);
                let nearest = nearest(&name);
                Err(Error::UnknownField { name, nearest })
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Known(index) => f.write_str(KNOWN.get(*index).map_or("", |known| known.name)),
            Source::Prechat(name) => write!(f, "prechat.{name}"),
            Source::CustomVariable(name) => write!(f, "custom_variable.{name}"),
        }
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    /// Index into [`KNOWN`].
    Known(usize),
    Prechat(String),
    CustomVariable(String),
}

struct Known {
    name: &'static str,
    label: &'static str,
    macro_name: &'static str,
    read: fn(&Conversation) -> Option<String>,
}

const fn known(
    name: &'static str,
    label: &'static str,
    macro_name: &'static str,
    read: fn(&Conversation) -> Option<String>,
) -> Known {
    Known {
        name,
        label,
        macro_name,
        read,
    }
}

/// What the console gives, out of Comm100's fields for a chat. The two custom groups are not in this list.
const KNOWN: &[Known] = &[
    known("visitor.name", "Visitor Name", "Visitor.Name", name),
    known("visitor.email", "Visitor Email", "Visitor.Email", email),
    known("visitor.phone", "Visitor Phone", "Visitor.Phone", phone),
    known(
        "visitor.company",
        "Visitor Company",
        "Visitor.Company",
        company,
    ),
    known("visitor.id", "Visitor ID", "Visitor.Id", |c| {
        let id = c.visitor.as_ref().and_then(|visitor| visitor.id);
        Some(id.or_else(|| c.chat.as_ref()?.visitor_id)?.to_string())
    }),
    known("visitor.sso_id", "Visitor SSO ID", "Visitor.SSOId", |c| {
        visitor(c)?.sso_id.clone()
    }),
    known("visitor.ip", "Visitor IP", "Visitor.IP", |c| {
        text(&visitor(c)?.location.ip)
    }),
    known(
        "visitor.country",
        "Visitor Country",
        "Visitor.Country",
        |c| text(&visitor(c)?.location.country),
    ),
    known("visitor.state", "Visitor State", "Visitor.State", |c| {
        text(&visitor(c)?.location.state)
    }),
    known("visitor.city", "Visitor City", "Visitor.City", |c| {
        text(&visitor(c)?.location.city)
    }),
    known(
        "visitor.time_zone",
        "Visitor Time Zone",
        "Visitor.TimeZone",
        |c| text(&visitor(c)?.device.timezone),
    ),
    known(
        "visitor.language",
        "Visitor Language",
        "Visitor.Language",
        |c| text(&visitor(c)?.device.language),
    ),
    known(
        "visitor.browser",
        "Visitor Browser",
        "Visitor.Browser",
        |c| text(&visitor(c)?.device.browser),
    ),
    known(
        "visitor.operating_system",
        "Visitor Operating System",
        "Visitor.OperatingSystem",
        |c| text(&visitor(c)?.device.os),
    ),
    known(
        "visitor.screen_resolution",
        "Visitor Screen Resolution",
        "Visitor.ScreenResolution",
        |c| text(&visitor(c)?.device.screen_resolution),
    ),
    known(
        "visitor.landing_page",
        "Visitor Landing Page",
        "Visitor.LandingPage",
        |c| page_url(visitor(c)?.landing_page.as_ref()),
    ),
    known(
        "visitor.current_page",
        "Visitor Current Page",
        "Visitor.CurrentPage",
        |c| page_url(visitor(c)?.current_page.as_ref()),
    ),
    known(
        "visitor.referrer_url",
        "Visitor Referrer URL",
        "Visitor.ReferrerURL",
        |c| text(&visitor(c)?.referrer),
    ),
    known(
        "visitor.first_visit_time",
        "Visitor First Visit Time",
        "Visitor.FirstVisitTime",
        |c| time(visitor(c)?.history.first_visit_time),
    ),
    known(
        "visitor.visit_time",
        "Visitor Visit Time",
        "Visitor.VisitTime",
        |c| time(visitor(c)?.enter_site_time),
    ),
    known("visitor.visits", "Visitor Visits", "Visitor.Visits", |c| {
        number(visitor(c)?.history.visits)
    }),
    known("visitor.chats", "Visitor Chats", "Visitor.Chats", |c| {
        number(visitor(c)?.history.chats)
    }),
    known(
        "visitor.page_views",
        "Visitor Page Views",
        "Visitor.PageViews",
        |c| number(visitor(c)?.num_of_pages),
    ),
    known(
        "visitor.segments",
        "Visitor Segments",
        "Visitor.Segments",
        |c| Some(visitor(c)?.segments.join(", ")),
    ),
    known("prechat.name", "Pre-chat Name", "PreChat.Name", name),
    known("prechat.email", "Pre-chat Email", "PreChat.Email", email),
    known("prechat.phone", "Pre-chat Phone", "PreChat.Phone", phone),
    known(
        "prechat.company",
        "Pre-chat Company",
        "PreChat.Company",
        company,
    ),
    known(
        "prechat.product_service",
        "Pre-chat Product/Service",
        "PreChat.ProductService",
        |c| text(&chat(c)?.product_service),
    ),
    known(
        "prechat.department",
        "Pre-chat Department",
        "PreChat.Department",
        |c| text(&chat(c)?.department),
    ),
    known("chat.id", "Chat ID", "Chat.Id", |c| {
        Some(chat(c)?.id.to_string())
    }),
    known(
        "chat.request_time",
        "Chat Request Time",
        "Chat.RequestTime",
        |c| time(chat(c)?.request_time),
    ),
    known(
        "chat.start_time",
        "Chat Start Time",
        "Chat.StartTime",
        |c| time(start_time(chat(c)?)),
    ),
    known("chat.end_time", "Chat End Time", "Chat.EndTime", |c| {
        time(end_time(chat(c)?))
    }),
    known(
        "chat.waiting_time",
        "Chat Waiting Time",
        "Chat.WaitingTime",
        |c| number(chat(c)?.waiting_seconds),
    ),
    known("chat.duration", "Chat Duration", "Chat.Duration", |c| {
        number(chat(c)?.duration_seconds)
    }),
    known(
        "chat.request_page_url",
        "Chat Request Page URL",
        "Chat.RequestPageURL",
        |c| page_url(chat(c)?.request_page.as_ref()),
    ),
    known(
        "chat.request_page_title",
        "Chat Request Page Title",
        "Chat.RequestPageTitle",
        |c| text(&chat(c)?.request_page.as_ref()?.title),
    ),
    known("chat.department", "Department", "Chat.Department", |c| {
        text(&chat(c)?.department)
    }),
    known("agent.name", "Agent Name", "Agent.Name", |c| {
        let names = c
            .chat
            .as_ref()
            .map(|chat| chat.agents.join(", "))
            .filter(|names| !names.trim().is_empty());
        names.or_else(|| text(&c.agent.as_ref()?.name))
    }),
    known("transcript", "Transcript", "Chat.Transcript", |c| {
        Some(transcript(&chat(c)?.messages))
    }),
    known(
        "postchat.rating",
        "Post-chat Rating",
        "PostChat.Rating",
        |c| {
            chat(c)?
                .rating
                .as_ref()
                .filter(|rating| rating.score > 0)
                .map(|rating| rating.score.to_string())
        },
    ),
    known(
        "postchat.rating_comment",
        "Post-chat Rating Comment",
        "PostChat.RatingComment",
        |c| text(&chat(c)?.rating.as_ref()?.comment),
    ),
];

fn chat(conversation: &Conversation) -> Option<&Chat> {
    conversation.chat.as_ref()
}

fn visitor(conversation: &Conversation) -> Option<&Visitor> {
    conversation.visitor.as_ref()
}

fn text(value: &str) -> Option<String> {
    (!value.trim().is_empty()).then(|| value.to_owned())
}

fn number(value: Option<u64>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn time(value: Option<Timestamp>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn page_url(page: Option<&Page>) -> Option<String> {
    text(&page?.url)
}

/// The visitor's name; not the IP address that the console shows in place of a name it does not know.
fn name(conversation: &Conversation) -> Option<String> {
    let ip = conversation
        .visitor
        .as_ref()
        .map(|visitor| visitor.location.ip.trim());
    either(conversation, |chat| &chat.name, |visitor| &visitor.name)
        .filter(|name| Some(name.trim()) != ip)
}

fn email(conversation: &Conversation) -> Option<String> {
    either(conversation, |chat| &chat.email, |visitor| &visitor.email)
}

fn phone(conversation: &Conversation) -> Option<String> {
    either(conversation, |chat| &chat.phone, |visitor| &visitor.phone)
}

fn company(conversation: &Conversation) -> Option<String> {
    either(
        conversation,
        |chat| &chat.company,
        |visitor| &visitor.company,
    )
}

fn either(
    conversation: &Conversation,
    of_chat: fn(&Chat) -> &String,
    of_visitor: fn(&Visitor) -> &String,
) -> Option<String> {
    let from_chat = conversation
        .chat
        .as_ref()
        .and_then(|chat| text(of_chat(chat)));
    from_chat.or_else(|| text(of_visitor(conversation.visitor.as_ref()?)))
}

fn start_time(chat: &Chat) -> Option<Timestamp> {
    after(chat.request_time?, chat.waiting_seconds?)
}

fn end_time(chat: &Chat) -> Option<Timestamp> {
    if chat.status == ChatStatus::Ended {
        after(start_time(chat)?, chat.duration_seconds?)
    } else {
        None
    }
}

fn after(time: Timestamp, seconds: u64) -> Option<Timestamp> {
    time.checked_add(SignedDuration::from_secs(i64::try_from(seconds).ok()?))
        .ok()
}

/// The first value that is not empty under this name, in any case.
fn named(values: &[NamedValue], name: &str) -> Option<String> {
    let name = name.to_lowercase();
    values
        .iter()
        .filter(|value| value.name.trim().to_lowercase() == name)
        .find_map(|value| text(&value.value))
}

/// The known name with the fewest letters to change.
fn nearest(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    let names = KNOWN
        .iter()
        .map(|known| known.name)
        .chain(["custom_variable.<name>", "prechat.<name>"]);
    names
        .min_by_key(|known| distance(&name, known))
        .unwrap_or("visitor.name")
}

/// Levenshtein's distance: letters to insert, remove or replace.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((diagonal, above), other) in row.iter().zip(row.iter().skip(1)).zip(&right) {
            let beside = next.last().copied().unwrap_or_default();
            next.push(
                (diagonal + usize::from(letter != *other))
                    .min(above + 1)
                    .min(beside + 1),
            );
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
