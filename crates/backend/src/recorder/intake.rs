//! From what the consoles tell to entries of the outbox. An entry is durable before the console is told that its event was
//! taken over.

use comm100::{ChatStatus, ConsoleEvent, Conversation, EventKind};
use integration::plan::{Cause, Intent, Wish};
use jiff::{SignedDuration, Timestamp};
use store::{Change, Entry, NewEntry, NewLine, State};
use uuid::Uuid;

use super::kept::{Read, json, parse, visitor};
use super::{Recorder, locked};
use crate::links;
use crate::problem::Problem;

/// How long a chat that was reopened may go on without a word from the console before it is written down as it is known
/// then; what comes later is added.
const REOPENED: SignedDuration = SignedDuration::from_mins(30);

/// The name space of entries.
const NAMESPACE: Uuid = Uuid::from_u128(0x1f7b_5c1e_83c4_4a0b_8f0e_2d8d_90b1_6c55);

/// What tells the chat or message; none if it has no id.
pub(crate) fn subject(conversation: &Conversation) -> Option<String> {
    conversation.subject()
}

/// The entry of a chat and what it is put in for: the same for whoever puts it in again.
pub(super) fn entry_id(organization: &str, subject: &str, cause: &str) -> Uuid {
    let name = serde_json::json!([organization, subject, cause]).to_string();
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

impl Recorder {
    /// Takes over an event of a console. When this returns, what has to be written down is durable. The answer is the entry
    /// that the event led to or changed.
    ///
    /// # Errors
    /// The store's: then the event was not taken over.
    pub(crate) async fn observe(&self, event: &ConsoleEvent) -> Result<Option<Uuid>, Problem> {
        let kind = event.kind.clone();
        let taken = locked(&self.0.conversations).take(event.clone());
        let Some((subject, conversation)) = taken else {
            return Ok(None);
        };
        if !self.is_automatic() || self.organization().is_empty() {
            return Ok(None);
        }
        match kind {
            EventKind::Ended => self
                .ended(subject, conversation, Cause::ChatEnd)
                .await
                .map(Some),
            EventKind::WrapUp => {
                let id = entry_id(self.organization(), &subject, word(Cause::ChatEnd));
                let is_over = status(&conversation) == Some(&ChatStatus::Ended);
                if is_over || self.find_entry(id).await?.is_some() {
                    self.ended(subject, conversation, Cause::ChatEnd)
                        .await
                        .map(Some)
                } else {
                    Ok(None)
                }
            }
            EventKind::Started | EventKind::Selected | EventKind::Updated => {
                let is_live = matches!(
                    status(&conversation),
                    Some(
                        ChatStatus::Chatting
                            | ChatStatus::Transferring
                            | ChatStatus::AudioChatting
                            | ChatStatus::VideoChatting
                    )
                );
                if is_live {
                    self.reopened(&subject, conversation).await
                } else {
                    Ok(None)
                }
            }
            EventKind::OfflineMessage => self
                .ended(subject, conversation, Cause::OfflineMessage)
                .await
                .map(Some),
            EventKind::Requested | EventKind::Agent | EventKind::Other(_) => Ok(None),
        }
    }

    /// What the settings say to do by itself.
    fn automatic(&self) -> Wish {
        let recording = &self.parts().recording;
        Wish::Automatic {
            action: recording.action,
            update: recording.update,
            when_ambiguous: recording.when_ambiguous,
            owner: recording.owner,
            chosen: None,
        }
    }

    /// A chat is over, or has come to an end once more, or a message was left.
    async fn ended(
        &self,
        subject: String,
        conversation: Conversation,
        cause: Cause,
    ) -> Result<Uuid, Problem> {
        let id = entry_id(self.organization(), &subject, word(cause));
        let now = self.now();
        let (state, due_at) = match cause {
            Cause::ChatEnd => {
                let grace = SignedDuration::from_secs(self.parts().recording.grace_seconds.into());
                (State::Waiting, now.checked_add(grace).unwrap_or(now))
            }
            Cause::OfflineMessage | Cause::Button => (State::Queued, now),
        };
        let intent = Intent {
            cause,
            conversation,
            wish: self.automatic(),
        };
        self.put(id, subject, intent, state, due_at).await?;
        Ok(id)
    }

    /// Puts something into the outbox; what is there already takes over what is new of it.
    pub(super) async fn put(
        &self,
        id: Uuid,
        subject: String,
        intent: Intent,
        state: State,
        due_at: Timestamp,
    ) -> Result<(), Problem> {
        let _desk = self.0.desk.lock().await;
        let now = self.now();
        loop {
            let Some(entry) = self.find_entry(id).await? else {
                let entry = NewEntry {
                    id,
                    organization: self.organization().to_owned(),
                    subject: subject.clone(),
                    person_key: person_key(&intent.conversation, &subject, self.country()),
                    state,
                    due_at,
                    intent: json(&intent)?,
                };
                let line = NewLine {
                    organization: self.organization().to_owned(),
                    at: now,
                    what: "queued".to_owned(),
                    visitor: visitor(&intent.conversation),
                    detail: queued(intent.cause).to_owned(),
                    chat: Some(subject.clone()),
                    entry: Some(id),
                    ..NewLine::default()
                };
                if self.stored(self.store().put_entry(&entry, &[line], now).await)? {
                    break;
                }
                continue;
            };
            let Some(entry) = self.revised(entry, &intent, state, due_at)? else {
                break;
            };
            let change = Change {
                entry,
                lines: Vec::new(),
            };
            if self.stored(self.store().change_entries(&[change], now).await)? == [true] {
                break;
            }
        }
        self.tell();
        Ok(())
    }

    /// The entry with what is new; none if nothing is.
    fn revised(
        &self,
        mut entry: Entry,
        later: &Intent,
        state: State,
        due_at: Timestamp,
    ) -> Result<Option<Entry>, Problem> {
        let before: Intent = parse(&entry.intent)?;
        let mut intent = before.clone();
        intent.conversation.update(later.conversation.clone());
        if later.cause == Cause::Button {
            intent.wish = later.wish.clone();
        }
        let is_new = intent != before;
        entry.intent = json(&intent)?;
        entry.person_key = person_key(&intent.conversation, &entry.subject, self.country());
        match entry.state {
            State::Waiting => entry.due_at = Some(due_at),
            // What a person discarded stays so, unless the person asks for it again.
            State::Discarded if later.cause != Cause::Button => return Ok(None),
            State::Discarded => {
                entry.state = state;
                entry.due_at = Some(due_at);
                entry.plan = None;
                entry.outcome = None;
                entry.problem = None;
            }
            _ if !(is_new || later.cause == Cause::Button && entry.state == State::Attention) => {
                return Ok(None);
            }
            State::Queued | State::Sending => {}
            State::Attention if later.cause != Cause::Button => {}
            State::Done | State::Nothing | State::Attention => {
                entry.state = state;
                entry.due_at = Some(due_at);
                entry.problem = None;
            }
        }
        if is_new && entry.plan.is_some() {
            entry.revised = entry.revised.saturating_add(1);
        }
        entry.attempts = 0;
        Ok(Some(entry))
    }

    /// A chat that waits for the end of its grace time goes on.
    async fn reopened(
        &self,
        subject: &str,
        conversation: Conversation,
    ) -> Result<Option<Uuid>, Problem> {
        let id = entry_id(self.organization(), subject, word(Cause::ChatEnd));
        let _desk = self.0.desk.lock().await;
        let now = self.now();
        loop {
            let Some(mut entry) = self
                .find_entry(id)
                .await?
                .filter(|entry| entry.state == State::Waiting)
            else {
                return Ok(None);
            };
            let mut intent: Intent = parse(&entry.intent)?;
            intent.conversation.update(conversation.clone());
            entry.intent = json(&intent)?;
            entry.due_at = Some(now.checked_add(REOPENED).unwrap_or(now));
            let change = Change {
                entry,
                lines: Vec::new(),
            };
            if self.stored(self.store().change_entries(&[change], now).await)? == [true] {
                self.tell();
                return Ok(Some(id));
            }
        }
    }

    pub(super) async fn find_entry(&self, id: Uuid) -> Result<Option<Entry>, Problem> {
        self.stored(self.store().entry(id).await)
    }

    /// An entry of this organization.
    pub(super) async fn read_entry(&self, id: Uuid) -> Result<Read, Problem> {
        let entry = self.find_entry(id).await?;
        let entry = entry.filter(|entry| entry.organization == self.organization());
        Read::of(entry.ok_or_else(|| {
            Problem::new(
                "entry_unknown",
                "There is no such entry in the outbox.",
                "Look at the outbox again.",
            )
        })?)
    }

    pub(super) fn stored<T>(&self, answer: Result<T, store::Error>) -> Result<T, Problem> {
        answer.map_err(|error| {
            tracing::error!(error.code = error.code(), %error, "the outbox cannot be read or written");
            Problem::from_store(&error)
        })
    }

    fn country(&self) -> Option<&str> {
        self.parts().identification.default_country.as_deref()
    }
}

fn status(conversation: &Conversation) -> Option<&ChatStatus> {
    conversation.chat.as_ref().map(|chat| &chat.status)
}

fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::ChatEnd => "chat-end",
        Cause::OfflineMessage => "offline-message",
        Cause::Button => "button",
    }
}

fn queued(cause: Cause) -> &'static str {
    match cause {
        Cause::ChatEnd => "The chat ended.",
        Cause::OfflineMessage => "An offline message was left.",
        Cause::Button => "Asked for by the agent.",
    }
}

/// What tells the person, so that what is written about one person keeps its order.
fn person_key(conversation: &Conversation, subject: &str, country: Option<&str>) -> String {
    links::identity(conversation, country).unwrap_or_else(|| format!("chat:{subject}"))
}
