//! What is shown while the companion is locked, and how it comes to that.

use integration::Table;

use super::Controller;
use super::lookup::Lookup;
use super::timeline::ShownTimeline;
use crate::data::Whom;
use crate::view::{
    Card, CardState, ConnectionView, ConsoleView, RecognitionState, RecognitionView, RecordingView,
    TimelineView, View,
};

impl Controller {
    /// Lets go of what Dynamics said. The chat stays known: it goes on, and is there when the companion is unlocked.
    pub(super) fn lock(&mut self) {
        self.is_locked = true;
        self.let_go();
    }

    pub(super) fn unlock(&mut self) {
        self.is_locked = false;
        self.parts.synchroniser.now();
        self.start_lookup();
        self.refresh_recording();
    }

    /// A person is erased, or everything: if the agent looks at them, at nobody now. The next word of the console shows
    /// them again.
    pub(super) fn forget(&mut self, whom: Option<&Whom>) {
        if whom.is_none_or(|whom| self.shows(whom)) {
            self.conversation = None;
            self.ended = false;
            self.let_go();
        }
        self.refresh_recording();
    }

    fn shows(&self, whom: &Whom) -> bool {
        let is_selected = self
            .conversation
            .as_ref()
            .is_some_and(|conversation| crate::recorder::is_about(conversation, whom));
        let found = Table::RECOGNISED
            .into_iter()
            .filter_map(|table| self.lookup.recognition.of(table))
            .flat_map(|outcome| outcome.matched.iter().chain(&outcome.others))
            .map(|found| &found.record);
        let mut records = found.chain(self.lookup.links.values().map(|linked| &linked.record));
        is_selected || records.any(|record| whom.is(record))
    }

    fn let_go(&mut self) {
        if let Some(task) = self.lookup.task.take() {
            task.abort();
        }
        self.lookup = Lookup {
            number: self.lookup.number + 1,
            ..Lookup::default()
        };
        self.timeline = ShownTimeline::default();
    }

    /// Written out part by part, so that whatever is added to the view is decided on here.
    pub(super) fn locked_view(&self) -> View {
        let open = self.recording_view();
        let idle = || Card::empty(CardState::Idle);
        View {
            revision: self.revision,
            version: crate::VERSION.to_owned(),
            locked: true,
            connection: ConnectionView {
                kind: self.parts.kind,
                state: self.connection,
                organization: self.parts.organization.clone(),
                user_name: None,
                problem: self.connection_problem.clone(),
                person: None,
            },
            console: ConsoleView {
                address: self.parts.bridge_address.clone(),
                connected: !self.consoles.connected.is_empty(),
                consoles: Vec::new(),
                pairing: None,
                problem: self.parts.bridge_problem.clone(),
            },
            files: self.parts.file_problems.clone(),
            agent: None,
            visitor: None,
            recognition: RecognitionView {
                state: RecognitionState::Idle,
                account: idle(),
                contact: idle(),
                lead: idle(),
                problem: None,
            },
            timeline: TimelineView::empty(),
            // How many wait says nothing of anybody.
            recording: RecordingView {
                buttons: Vec::new(),
                chat: Vec::new(),
                ..open
            },
            // Nor do how many copies there are and how old they are.
            offline: self.parts.synchroniser.watch().borrow().clone(),
            practice: None,
        }
    }
}
