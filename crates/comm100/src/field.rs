use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::read::bounded;
use crate::transcript::transcript;
use crate::{
    Attachment, Chat, ChatStatus, Conversation, Error, NamedValue, OfflineMessage, Page, Visitor,
    WrapUp,
};

/// The name of a Comm100 value that a rule or a mapping can use: one of [`Field::catalogue`], a custom field
/// (`prechat.<name>`, `postchat.<name>`, `wrapup.<name>`, `offline_message.<name>`) or `custom_variable.<name>`. In settings
/// it is a string; names are read in any case.
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
            Source::Named(group, name) => format!("{} {name}", group.label()),
        }
    }

    pub(crate) fn read(&self, conversation: &Conversation) -> Option<String> {
        match &self.0 {
            Source::Known(index) => (KNOWN.get(*index)?.read)(conversation),
            Source::Named(group, name) => group
                .values(conversation)
                .into_iter()
                .find_map(|values| named(values, name)),
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
            Some((group, name)) if !name.is_empty() && Group::from_key(&group).is_some() => {
                let group = Group::from_key(&group).unwrap_or(Group::Prechat);
                Ok(Field(Source::Named(group, name.to_owned())))
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
            Source::Named(group, name) => write!(f, "{}.{name}", group.key()),
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
    Named(Group, String),
}

/// A group of values whose names the customer chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Group {
    Prechat,
    PostChat,
    Wrapup,
    OfflineMessage,
    CustomVariable,
}

impl Group {
    const ALL: [Group; 5] = [
        Group::Prechat,
        Group::PostChat,
        Group::Wrapup,
        Group::OfflineMessage,
        Group::CustomVariable,
    ];

    fn from_key(key: &str) -> Option<Group> {
        Group::ALL.into_iter().find(|group| group.key() == key)
    }

    fn key(self) -> &'static str {
        match self {
            Group::Prechat => "prechat",
            Group::PostChat => "postchat",
            Group::Wrapup => "wrapup",
            Group::OfflineMessage => "offline_message",
            Group::CustomVariable => "custom_variable",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Group::Prechat => "Pre-chat",
            Group::PostChat => "Post-chat",
            Group::Wrapup => "Wrap-up",
            Group::OfflineMessage => "Offline Message",
            Group::CustomVariable => "Custom Variable",
        }
    }

    /// Where its values stand, those that count first in front.
    fn values(self, c: &Conversation) -> Vec<&[NamedValue]> {
        let chat = c.chat.as_ref();
        let message = c.offline_message.as_ref();
        let lists = match self {
            Group::Prechat => [
                chat.map(|chat| chat.fields.as_slice()),
                message.map(|message| message.fields.as_slice()),
                None,
            ],
            Group::PostChat => [
                chat.map(|chat| chat.post_chat_fields.as_slice()),
                None,
                None,
            ],
            Group::Wrapup => [wrapup(c).map(|wrapup| wrapup.fields.as_slice()), None, None],
            Group::OfflineMessage => [message.map(|message| message.fields.as_slice()), None, None],
            Group::CustomVariable => [
                c.visitor
                    .as_ref()
                    .map(|visitor| visitor.custom_variables.as_slice()),
                chat.map(|chat| chat.custom_variables.as_slice()),
                message.map(|message| message.custom_variables.as_slice()),
            ],
        };
        lists.into_iter().flatten().collect()
    }
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

/// Comm100's fields for a chat or an offline message. The custom groups are not in this list.
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
        "visitor.search_engine",
        "Visitor Search Engine",
        "Visitor.SearchEngine",
        |c| text(&visitor(c)?.search_engine),
    ),
    known(
        "visitor.keywords",
        "Visitor Keywords",
        "Visitor.Keywords",
        |c| text(&visitor(c)?.keywords),
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
        department,
    ),
    known(
        "prechat.ticket_id",
        "Pre-chat Ticket ID",
        "PreChat.TicketId",
        |c| text(&chat(c)?.ticket_id),
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
    known(
        "chat.department",
        "Department",
        "Chat.Department",
        department,
    ),
    known("chat.skill", "Skill", "Chat.Skill", |c| {
        text(&chat(c)?.skill)
    }),
    known("chat.source", "Chat Source", "Chat.Source", |c| {
        text(&chat(c)?.source)
    }),
    known("chat.campaign", "Chat Campaign", "Chat.Campaign", |c| {
        text(&chat(c)?.campaign)
    }),
    known("chat.attachment", "Attachment", "Chat.Attachment", |c| {
        Attachment::text(&chat(c)?.attachments)
    }),
    known("agent.name", "Agent Name", "Agent.Name", |c| {
        let names = c
            .chat
            .as_ref()
            .map(|chat| chat.agents.join(", "))
            .filter(|names| !names.trim().is_empty());
        names.or_else(|| text(&c.agent.as_ref()?.name))
    }),
    known("agent.email", "Agent Email", "Agent.Email", |c| {
        text(&c.agent.as_ref()?.email)
    }),
    known("transcript", "Transcript", "Chat.Transcript", transcript),
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
    known(
        "wrapup.category",
        "Wrap-up Category",
        "Wrapup.Category",
        |c| text(&wrapup(c)?.category),
    ),
    known("wrapup.comment", "Wrap-up Comment", "Wrapup.Comment", |c| {
        text(&wrapup(c)?.comment)
    }),
    known(
        "wrapup.agent_comment",
        "Agent Comment",
        "Wrapup.AgentComment",
        |c| text(&chat(c)?.agent_comment),
    ),
    known(
        "offline_message.id",
        "Offline Message ID",
        "OfflineMessage.Id",
        |c| text(&message(c)?.id.to_string()),
    ),
    known(
        "offline_message.name",
        "Offline Message Name",
        "OfflineMessage.Name",
        |c| text(&message(c)?.name),
    ),
    known(
        "offline_message.email",
        "Offline Message Email",
        "OfflineMessage.Email",
        |c| text(&message(c)?.email),
    ),
    known(
        "offline_message.phone",
        "Offline Message Phone",
        "OfflineMessage.Phone",
        |c| text(&message(c)?.phone),
    ),
    known(
        "offline_message.company",
        "Offline Message Company",
        "OfflineMessage.Company",
        |c| text(&message(c)?.company),
    ),
    known(
        "offline_message.subject",
        "Offline Message Subject",
        "OfflineMessage.Subject",
        |c| text(&message(c)?.subject),
    ),
    known(
        "offline_message.content",
        "Offline Message Content",
        "OfflineMessage.Content",
        |c| text(&message(c)?.content),
    ),
    known(
        "offline_message.time",
        "Offline Message Time",
        "OfflineMessage.Time",
        |c| time(message(c)?.time),
    ),
    known(
        "offline_message.department",
        "Offline Message Department",
        "OfflineMessage.Department",
        |c| text(&message(c)?.department),
    ),
    known(
        "offline_message.attachment",
        "Offline Message Attachment",
        "OfflineMessage.Attachment",
        |c| Attachment::text(&message(c)?.attachments),
    ),
    known(
        "offline_message.ticket_id",
        "Offline Message Ticket ID",
        "OfflineMessage.TicketId",
        |c| text(&message(c)?.ticket_id),
    ),
];

fn message(conversation: &Conversation) -> Option<&OfflineMessage> {
    conversation.offline_message.as_ref()
}

fn wrapup(conversation: &Conversation) -> Option<&WrapUp> {
    conversation.chat.as_ref()?.wrapup.as_ref()
}

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
    either(
        conversation,
        |chat| &chat.name,
        |message| &message.name,
        |visitor| &visitor.name,
    )
    .filter(|name| Some(name.trim()) != ip)
}

fn email(conversation: &Conversation) -> Option<String> {
    either(
        conversation,
        |chat| &chat.email,
        |message| &message.email,
        |visitor| &visitor.email,
    )
}

fn phone(conversation: &Conversation) -> Option<String> {
    either(
        conversation,
        |chat| &chat.phone,
        |message| &message.phone,
        |visitor| &visitor.phone,
    )
}

fn company(conversation: &Conversation) -> Option<String> {
    either(
        conversation,
        |chat| &chat.company,
        |message| &message.company,
        |visitor| &visitor.company,
    )
}

fn either(
    conversation: &Conversation,
    of_chat: fn(&Chat) -> &String,
    of_message: fn(&OfflineMessage) -> &String,
    of_visitor: fn(&Visitor) -> &String,
) -> Option<String> {
    let from_chat = conversation
        .chat
        .as_ref()
        .and_then(|chat| text(of_chat(chat)));
    let from_message = || text(of_message(message(conversation)?));
    from_chat
        .or_else(from_message)
        .or_else(|| text(of_visitor(conversation.visitor.as_ref()?)))
}

fn department(conversation: &Conversation) -> Option<String> {
    let from_chat = chat(conversation).and_then(|chat| text(&chat.department));
    from_chat.or_else(|| text(&message(conversation)?.department))
}

fn start_time(chat: &Chat) -> Option<Timestamp> {
    chat.start_time
        .or_else(|| after(chat.request_time?, chat.waiting_seconds?))
}

fn end_time(chat: &Chat) -> Option<Timestamp> {
    if chat.end_time.is_some() {
        chat.end_time
    } else if chat.status == ChatStatus::Ended {
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
    let names = KNOWN.iter().map(|known| known.name).chain([
        "custom_variable.<name>",
        "prechat.<name>",
        "postchat.<name>",
        "wrapup.<name>",
    ]);
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
