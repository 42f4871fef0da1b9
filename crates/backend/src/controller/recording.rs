//! What the window shows of the recording: read in the background whenever the outbox or the current chat changes.

use std::collections::BTreeSet;

use integration::{Match, Table};
use tokio::sync::mpsc;

use super::{Controller, News};
use crate::problem::Problem;
use crate::recorder::{BUTTONS, Current, Recorder};
use crate::view::{ConnectionState, EntryState, RecordingView};

/// The recording as it is shown.
pub(super) struct ShownRecording {
    view: RecordingView,
    /// The chat whose entries are shown.
    subject: Option<String>,
    /// Whether they were read since the chat was selected.
    is_known: bool,
    is_being_read: bool,
    /// Something changed while it was being read.
    is_outdated: bool,
    /// Who was last noted as recognised, so that it is noted once.
    noted: Option<String>,
}

/// The recording as it was just read.
#[derive(Debug)]
pub(super) struct RecordingNews {
    subject: Option<String>,
    view: Result<RecordingView, Problem>,
}

impl ShownRecording {
    pub(super) fn new(recorder: &Recorder) -> ShownRecording {
        ShownRecording {
            view: recorder.settings_view(),
            subject: None,
            is_known: false,
            is_being_read: false,
            is_outdated: false,
            noted: None,
        }
    }

    pub(super) fn refresh(
        &mut self,
        recorder: &Recorder,
        subject: Option<String>,
        news: &mpsc::Sender<News>,
    ) {
        if self.is_being_read {
            self.is_outdated = true;
            return;
        }
        self.is_being_read = true;
        self.is_outdated = false;
        let (recorder, news) = (recorder.clone(), news.clone());
        tokio::spawn(async move {
            let view = recorder.view(subject.as_deref()).await;
            let read = Box::new(RecordingNews { subject, view });
            // Nobody listens only while the back end is being stopped.
            let _ = news.send(News::Recording(read)).await;
        });
    }
}

impl Controller {
    fn subject(&self) -> Option<String> {
        self.conversation
            .as_ref()
            .and_then(crate::recorder::subject)
    }

    pub(super) fn refresh_recording(&mut self) {
        let subject = self.subject();
        self.recording
            .refresh(&self.parts.recorder, subject, &self.news);
    }

    /// Reads the entries of the chat that the agent looks at now.
    pub(super) fn follow_chat(&mut self) {
        let subject = self.subject();
        if self.recording.subject != subject {
            self.recording.subject = subject;
            self.recording.view.chat = Vec::new();
            self.recording.is_known = false;
            self.refresh_recording();
        }
    }

    pub(super) fn recording_news(&mut self, news: RecordingNews) {
        self.recording.is_being_read = false;
        let is_other = news.subject != self.recording.subject;
        // A failure was logged where it happened, and the next change reads it again.
        if let Ok(mut view) = news.view {
            if is_other {
                view.chat = Vec::new();
            }
            if !is_other {
                let (before, now) = (written(&self.recording.view), written(&view));
                let changed: Vec<_> = before.symmetric_difference(&now).collect();
                // What was written or taken back belongs to the timeline.
                if !changed.is_empty() {
                    self.timeline.ask_again();
                }
                let is_person = |(_, table): &&(String, String)| {
                    Table::from_logical_name(table)
                        .is_some_and(|table| Table::RECOGNISED.contains(&table))
                };
                // Who the visitor is may be somebody else now. What was written before the chat was selected is no news.
                if self.recording.is_known && changed.into_iter().any(|one| is_person(&one)) {
                    self.look_up_again();
                }
                self.recording.is_known = true;
            }
            self.recording.view = view;
        }
        if is_other || self.recording.is_outdated {
            self.refresh_recording();
        }
    }

    pub(super) fn recording_view(&self) -> RecordingView {
        RecordingView {
            buttons: if self.conversation.is_some() {
                BUTTONS.to_vec()
            } else {
                Vec::new()
            },
            ..self.recording.view.clone()
        }
    }

    /// What the recorder sent gave reason to doubt the connection: Dynamics is asked, and what it says is told as at the
    /// start.
    pub(super) fn connection_doubted(&mut self) {
        if self.connection == ConnectionState::Online {
            self.connect(std::time::Duration::ZERO);
        }
        self.refresh_recording();
    }

    pub(super) fn current(&self) -> Option<Current> {
        Some(Current {
            conversation: self.conversation.clone()?,
            recognition: self.lookup.recognition.clone(),
        })
    }

    /// Notes who was recognised, once for each chat and answer.
    pub(super) fn note_recognised(&mut self) {
        let Some(conversation) = &self.conversation else {
            return;
        };
        let found: Vec<(Table, Match)> = Table::RECOGNISED
            .into_iter()
            .filter_map(|table| {
                let matched = self.lookup.recognition.of(table)?.matched.clone()?;
                Some((table, matched))
            })
            .collect();
        let ids: Vec<&str> = found
            .iter()
            .map(|(_, found)| found.record.id.as_str())
            .collect();
        let mark = format!("{:?} {}", self.subject(), ids.join(" "));
        if found.is_empty() || self.recording.noted.as_ref() == Some(&mark) {
            return;
        }
        self.recording.noted = Some(mark);
        let (recorder, conversation) = (self.parts.recorder.clone(), conversation.clone());
        self.keeping
            .spawn(async move { recorder.note_recognised(&conversation, &found).await });
    }
}

/// Which entries of the chat are written, and into which tables.
fn written(view: &RecordingView) -> BTreeSet<(String, String)> {
    let done = view
        .chat
        .iter()
        .filter(|entry| entry.state == EntryState::Done);
    done.flat_map(|entry| {
        let tables = entry.records.iter().map(|record| record.table.clone());
        tables.map(|table| (entry.id.clone(), table))
    })
    .collect()
}
