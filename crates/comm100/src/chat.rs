use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::after::{Attachment, WrapUp, identifier};
use crate::read::{MAX_MESSAGES, Object, parse_guid};
use crate::redact::{Hidden, redacted_debug};
use crate::{NamedValue, Page};

/// A chat, in the shape of the console's SDK. Texts are empty where nothing is known.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chat {
    /// The chat's identifiers.
    pub id: ChatId,
    /// The visitor's id.
    pub visitor_id: Option<Uuid>,
    /// How far the chat is.
    pub status: ChatStatus,
    /// Name from the pre-chat form, as edited by the agent since.
    pub name: String,
    /// E-mail address from the pre-chat form, as edited by the agent since.
    pub email: String,
    /// Company from the pre-chat form, as edited by the agent since.
    pub company: String,
    /// Phone number from the pre-chat form, as edited by the agent since; however the visitor wrote it.
    pub phone: String,
    /// Product or service from the pre-chat form.
    pub product_service: String,
    /// The department's name.
    pub department: String,
    /// The skill that was asked for, by its identifier; empty if unknown.
    pub skill: String,
    /// The ticket's number from the pre-chat form.
    pub ticket_id: String,
    /// How the chat came about: `chatButton`, `autoInvitation`, …; only some sources tell.
    pub source: String,
    /// The campaign, by its identifier or name; only some sources tell.
    pub campaign: String,
    /// Custom fields of the pre-chat form.
    pub fields: Vec<NamedValue>,
    /// Custom fields of the post-chat survey.
    pub post_chat_fields: Vec<NamedValue>,
    /// Custom variables that a source gives with the chat and not with the visitor.
    pub custom_variables: Vec<NamedValue>,
    /// The visitor's rating, if the console sent one.
    pub rating: Option<Rating>,
    /// Names of the agents who took part.
    pub agents: Vec<String>,
    /// The page on which the visitor asked for the chat.
    pub request_page: Option<Page>,
    /// When the visitor asked for the chat.
    pub request_time: Option<Timestamp>,
    /// When an agent took the chat, where the source says it.
    pub start_time: Option<Timestamp>,
    /// When the chat ended, where the source says it.
    pub end_time: Option<Timestamp>,
    /// Seconds from the request to the first agent.
    pub waiting_seconds: Option<u64>,
    /// Seconds that the chat has lasted.
    pub duration_seconds: Option<u64>,
    /// What was said so far, at most [`crate::MAX_MESSAGES`] messages.
    pub messages: Vec<Message>,
    /// What was said, as lines of text, from sources that give it so (webhooks); empty from others.
    pub transcript: String,
    /// The agent's wrap-up, if it is known.
    pub wrapup: Option<WrapUp>,
    /// The agent's comment, of older platforms.
    pub agent_comment: String,
    /// Files that were sent.
    pub attachments: Vec<Attachment>,
}

impl Chat {
    /// How many messages the visitor wrote. In a transcript of lines it is told by the names: the lines of those who
    /// are not among the agents.
    pub fn visitor_messages(&self) -> usize {
        if !self.messages.is_empty() {
            let by_visitor = |message: &&Message| {
                message.sender_type.eq_ignore_ascii_case("visitor")
                    && !message.content.trim().is_empty()
            };
            return self.messages.iter().filter(by_visitor).count();
        }
        let is_agent = |name: &str| self.agents.iter().any(|agent| agent.trim() == name.trim());
        let senders = self.transcript.lines().filter_map(sender);
        senders.filter(|name| !is_agent(name)).count()
    }

    /// Takes over from what was known what a later report leaves out, so that a report of one thing does not forget
    /// another. What a person may have corrected (name, e-mail, fields) is as the later one says.
    pub(crate) fn fill_from(&mut self, known: Chat) {
        self.visitor_id = self.visitor_id.or(known.visitor_id);
        self.rating = self.rating.take().or(known.rating);
        self.request_page = self.request_page.take().or(known.request_page);
        self.request_time = self.request_time.or(known.request_time);
        self.start_time = self.start_time.or(known.start_time);
        self.end_time = self.end_time.or(known.end_time);
        self.waiting_seconds = self.waiting_seconds.or(known.waiting_seconds);
        self.duration_seconds = self.duration_seconds.or(known.duration_seconds);
        self.wrapup = self.wrapup.take().or(known.wrapup);
        self.id.guid = self.id.guid.or(known.id.guid);
        self.id.number = self.id.number.or(known.id.number);
        for (own, known) in [
            (&mut self.department, known.department),
            (&mut self.skill, known.skill),
            (&mut self.ticket_id, known.ticket_id),
            (&mut self.source, known.source),
            (&mut self.campaign, known.campaign),
            (&mut self.transcript, known.transcript),
            (&mut self.agent_comment, known.agent_comment),
        ] {
            if own.is_empty() {
                *own = known;
            }
        }
        fill(&mut self.messages, known.messages);
        fill(&mut self.agents, known.agents);
        fill(&mut self.attachments, known.attachments);
        fill(&mut self.post_chat_fields, known.post_chat_fields);
        fill(&mut self.custom_variables, known.custom_variables);
    }

    /// Whether it says no more than which chat it is and how far.
    pub(crate) fn is_bare(&self) -> bool {
        let texts = [
            &self.name,
            &self.email,
            &self.company,
            &self.phone,
            &self.product_service,
            &self.department,
        ];
        texts.iter().all(|text| text.is_empty())
            && self.fields.is_empty()
            && self.agents.is_empty()
            && self.messages.is_empty()
            && self.transcript.is_empty()
            && self.wrapup.is_none()
            && self.request_page.is_none()
    }

    /// Takes over how far a bare chat says it is.
    pub(crate) fn update_state(&mut self, later: &Chat) {
        if !later.status.as_str().is_empty() {
            self.status = later.status.clone();
        }
        self.rating = later.rating.clone().or(self.rating.take());
        self.duration_seconds = later.duration_seconds.or(self.duration_seconds);
    }
}

/// The sender in a line of a transcript: `[14:02:40] Dana: …`.
fn sender(line: &str) -> Option<&str> {
    let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let is_time = time.len() == 8
        && time.chars().enumerate().all(|(at, c)| match at {
            2 | 5 => c == ':',
            _ => c.is_ascii_digit(),
        });
    let (name, _) = rest
        .split_once(": ")
        .or_else(|| Some((rest.strip_suffix(':')?, "")))?;
    is_time.then_some(name)
}

fn fill<T>(own: &mut Vec<T>, known: Vec<T>) {
    if own.is_empty() {
        *own = known;
    }
}

redacted_debug!(Chat {
    shown: [
        id,
        visitor_id,
        status,
        rating,
        request_page,
        request_time,
        start_time,
        end_time,
        waiting_seconds,
        duration_seconds,
        skill,
        ticket_id,
        source,
        campaign,
        wrapup
    ],
    hidden: [
        name,
        email,
        company,
        phone,
        product_service,
        department,
        fields,
        post_chat_fields,
        custom_variables,
        agents,
        messages,
        transcript,
        agent_comment,
        attachments
    ]
});

impl Chat {
    pub(crate) fn read(chat: Object<'_>) -> Chat {
        Chat {
            id: ChatId::read(chat),
            visitor_id: chat.guid(&["visitorId", "visitor_id"]),
            status: ChatStatus::from(chat.word(&["status"]).as_str()),
            name: chat.text(&["name"]),
            email: chat.text(&["email"]),
            company: chat.text(&["company"]),
            phone: chat.text(&["phone"]),
            product_service: chat.text(&["productService", "product_service"]),
            department: chat.text(&["department"]),
            skill: identifier(chat, &["skill", "skillId"]),
            ticket_id: identifier(chat, &["ticketId", "ticket_id", "preChatTicketId"]),
            source: chat.word(&["source"]),
            campaign: identifier(chat, &["campaign", "campaignId"]),
            fields: chat.named_values(&["fields", "custom_fields", "customFields"]),
            post_chat_fields: chat.named_values(&["postChatFields", "post_chat_fields"]),
            custom_variables: chat.named_values(&[
                "customVariables",
                "custom_variables",
                "custom_variable",
            ]),
            rating: chat.object(&["rating"]).map(|rating| Rating {
                score: rating
                    .count(&["score"])
                    .and_then(|score| u8::try_from(score).ok())
                    .unwrap_or_default(),
                comment: rating.text(&["comment"]),
            }),
            agents: chat.words(&["agents"]),
            request_page: chat.page(&["requestPage"]),
            request_time: chat.time(&["requestTime", "requestedTime"]),
            start_time: chat.time(&["startTime", "start_time"]),
            end_time: chat.time(&["endTime", "end_time"]),
            waiting_seconds: chat.count(&["waitingTime", "waiting_time"]),
            duration_seconds: chat.count(&["duration"]),
            messages: chat.list(&["messages"], MAX_MESSAGES, |value, warnings| {
                value
                    .as_object()
                    .map(|message| Message::read(Object::new(message, warnings)))
            }),
            transcript: chat.long_text(&["transcript"]),
            wrapup: chat
                .object(&["wrapup", "wrapUp", "wrap_up"])
                .and_then(WrapUp::read),
            agent_comment: chat.text(&["agentComment"]),
            attachments: Attachment::read_all(chat, &["attachments", "attachment"]),
        }
    }

    /// The chat that a webhook's `visitor` tells about, if it tells about one. Its department is left out: there it is
    /// an identifier, not a name.
    pub(crate) fn read_from_visitor(visitor: Object<'_>) -> Option<Chat> {
        visitor
            .has(&[
                "chat_id",
                "custom_fields",
                "customFields",
                "product_service",
            ])
            .then(|| Chat {
                id: ChatId::read_keys(visitor, &["chat_id"], &[]),
                visitor_id: visitor.guid(&["id"]),
                status: ChatStatus::from(visitor.word(&["status"]).as_str()),
                name: visitor.text(&["name"]),
                email: visitor.text(&["email"]),
                company: visitor.text(&["company"]),
                phone: visitor.text(&["phone"]),
                product_service: visitor.text(&["product_service", "productService"]),
                skill: identifier(visitor, &["skill"]),
                fields: visitor.named_values(&["custom_fields", "customFields"]),
                ..Chat::default()
            })
    }
}

/// The two identifiers that Comm100 has for one chat: a GUID (console, webhooks) and a number (REST API v4). Neither is
/// ever read as the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatId {
    /// The console's and the webhooks' identifier.
    pub guid: Option<Uuid>,
    /// The REST API's identifier, above 0.
    pub number: Option<i64>,
}

impl ChatId {
    /// Whether both tell the same chat: by the GUID if both have one, else by the number if both have one. Without an
    /// identifier in common the answer is no.
    pub fn same_chat(&self, other: &ChatId) -> bool {
        match (self.guid, other.guid) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => self.number.is_some() && self.number == other.number,
        }
    }

    /// Whether neither identifier is known.
    pub fn is_empty(&self) -> bool {
        self.guid.is_none() && self.number.is_none()
    }

    /// The identifier in a text: a GUID written with hyphens, or a number.
    pub fn from_text(text: &str) -> ChatId {
        match parse_guid(text) {
            Some(guid) => ChatId {
                guid: (!guid.is_nil()).then_some(guid),
                number: None,
            },
            None => ChatId {
                guid: None,
                number: text.trim().parse().ok().filter(|number| *number > 0),
            },
        }
    }

    pub(crate) fn read(chat: Object<'_>) -> ChatId {
        ChatId::read_keys(chat, &["id", "chatId", "chat_id"], &["guid"])
    }

    pub(crate) fn read_keys(
        object: Object<'_>,
        keys: &[&'static str],
        guid_keys: &[&'static str],
    ) -> ChatId {
        let mut id = match object.value(keys) {
            Some(Value::Number(number)) => ChatId {
                guid: None,
                number: number.as_i64().filter(|number| *number > 0),
            },
            Some(_) => ChatId::from_text(&object.word(keys)),
            None => ChatId::default(),
        };
        if object.has(keys) && id.is_empty() {
            object.warn("chat.id");
        }
        id.guid = id.guid.or_else(|| object.guid(guid_keys));
        id
    }
}

/// The GUID, else the number, else nothing.
impl fmt::Display for ChatId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.guid, self.number) {
            (Some(guid), _) => guid.fmt(f),
            (None, Some(number)) => number.fmt(f),
            (None, None) => Ok(()),
        }
    }
}

/// How far a chat is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ChatStatus {
    /// Agent and visitor are talking.
    Chatting,
    /// The visitor waits for an agent.
    Waiting,
    /// The chat is on its way to another agent or department.
    Transferring,
    /// The chat is over.
    Ended,
    /// A voice call.
    AudioChatting,
    /// A video call.
    VideoChatting,
    /// The visitor was invited and has not answered.
    Inviting,
    /// A status that this version does not know, as written; empty if none was given.
    Unknown(String),
}

impl Default for ChatStatus {
    fn default() -> Self {
        ChatStatus::Unknown(String::new())
    }
}

impl ChatStatus {
    /// The console's words for this status.
    pub fn as_str(&self) -> &str {
        match self {
            ChatStatus::Chatting => "chatting",
            ChatStatus::Waiting => "waiting",
            ChatStatus::Transferring => "transferring",
            ChatStatus::Ended => "chat ended",
            ChatStatus::AudioChatting => "audio chatting",
            ChatStatus::VideoChatting => "video chatting",
            ChatStatus::Inviting => "inviting",
            ChatStatus::Unknown(word) => word,
        }
    }
}

/// Reads the console's words, the REST API's (`chatEnded`) and the webhooks' visitor numbers (`9`).
impl From<&str> for ChatStatus {
    fn from(word: &str) -> Self {
        match status_key(word).as_str() {
            "chatting" | "2" => ChatStatus::Chatting,
            "waiting" | "waitingforchat" | "0" => ChatStatus::Waiting,
            "transferring" => ChatStatus::Transferring,
            "chatended" | "ended" | "9" => ChatStatus::Ended,
            "audiochatting" | "voicechatting" | "1" => ChatStatus::AudioChatting,
            "videochatting" => ChatStatus::VideoChatting,
            "inviting" | "manuallyinvited" | "autoinvited" | "4" | "5" => ChatStatus::Inviting,
            _ => ChatStatus::Unknown(word.to_owned()),
        }
    }
}

impl From<String> for ChatStatus {
    fn from(word: String) -> Self {
        ChatStatus::from(word.as_str())
    }
}

impl From<ChatStatus> for String {
    fn from(status: ChatStatus) -> String {
        status.as_str().to_owned()
    }
}

impl fmt::Debug for ChatStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChatStatus::Unknown(word) => f.debug_tuple("Unknown").field(&Hidden(word)).finish(),
            ChatStatus::Chatting
            | ChatStatus::Waiting
            | ChatStatus::Transferring
            | ChatStatus::Ended
            | ChatStatus::AudioChatting
            | ChatStatus::VideoChatting
            | ChatStatus::Inviting => f.write_str(self.as_str()),
        }
    }
}

/// A status without what the platforms spell differently: case, blanks, hyphens and underscores.
pub(crate) fn status_key(word: &str) -> String {
    word.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// A visitor's rating of a chat.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rating {
    /// 1 to 5; 0 means not rated.
    pub score: u8,
    /// The visitor's comment.
    pub comment: String,
}

redacted_debug!(Rating {
    shown: [score],
    hidden: [comment]
});

/// One message of a chat.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// The sender's name. A visitor chooses it freely, so it proves nothing.
    pub sender: String,
    /// `system`, `agent` or `visitor`.
    pub sender_type: String,
    /// When it was sent.
    pub time: Option<Timestamp>,
    /// The text as HTML. Hostile: never put it into a page; [`crate::Conversation::field`] gives a transcript as text.
    pub content: String,
}

impl Message {
    fn read(message: Object<'_>) -> Message {
        Message {
            sender: message.text(&["sender", "senderName"]),
            sender_type: message.word(&["senderType"]),
            time: message.time(&["time"]),
            content: message.long_text(&["content"]),
        }
    }
}

redacted_debug!(Message {
    shown: [sender_type, time],
    hidden: [sender, content]
});
