//! The chats of the consoles, as far as their events have told: the end of a chat may be told with no more than its id.

use comm100::{ConsoleEvent, Conversation};

/// How many chats are remembered; an agent has a handful at a time.
const MOST: usize = 200;

/// Chats, the most recently mentioned last.
#[derive(Debug, Default)]
pub(super) struct Conversations(Vec<(String, Conversation)>);

impl Conversations {
    /// A chat, if it is known.
    pub(super) fn get(&self, subject: &str) -> Option<Conversation> {
        let found = self.0.iter().find(|(known, _)| known == subject);
        found.map(|(_, conversation)| conversation.clone())
    }

    /// Forgets chats; says how many.
    pub(super) fn forget(&mut self, is_meant: impl Fn(&Conversation) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|(_, conversation)| !is_meant(conversation));
        before - self.0.len()
    }

    /// Takes over what an event tells and gives the chat as it is known now; none for an event that names no chat.
    pub(super) fn take(&mut self, event: ConsoleEvent) -> Option<(String, Conversation)> {
        let told = Conversation::from(event);
        let subject = super::intake::subject(&told)?;
        let known = match self.0.iter().position(|(known, _)| *known == subject) {
            Some(place) => {
                let (_, mut known) = self.0.remove(place);
                known.update(told);
                known
            }
            None => told,
        };
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((subject.clone(), known.clone()));
        Some((subject, known))
    }
}
