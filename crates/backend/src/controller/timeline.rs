//! The timeline of the people that are shown: from the cache as soon as it is known who they are, from Dynamics when the
//! recognition has come to its end, so that nothing of it waits.

use std::sync::Arc;

use integration::Table;
use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;

use super::{Controller, News};
use crate::cached;
use crate::problem::Problem;
use crate::timeline::{self, Line, People, What};
use crate::view::{RecognitionState, TimelineLine, TimelineState, TimelineView, ValueSource};

/// The timeline as it is shown.
#[derive(Default)]
pub(super) struct ShownTimeline {
    of: People,
    state: TimelineState,
    source: Option<ValueSource>,
    as_of: Option<Timestamp>,
    lines: Vec<Line>,
    problem: Option<Problem>,
    /// The lookup behind which Dynamics was asked.
    asked_in: Option<u64>,
    from_cache: Option<AbortOnDropHandle<()>>,
    from_dynamics: Option<AbortOnDropHandle<()>>,
}

/// What was read for people.
#[derive(Debug)]
pub(super) struct TimelineNews {
    of: People,
    read: Read,
}

#[derive(Debug)]
enum Read {
    /// From the cache: the lines, and since when they are known.
    Cached(Option<(Vec<Line>, Timestamp)>),
    /// From Dynamics.
    Live(timeline::Read, Timestamp),
}

impl Controller {
    /// Reads the timeline of the people that are shown now.
    pub(super) fn follow_people(&mut self) {
        let of = People::of(&self.lookup.recognition);
        if of != self.timeline.of {
            self.timeline = ShownTimeline {
                of: of.clone(),
                ..ShownTimeline::default()
            };
            if !of.is_nobody() {
                self.timeline.state = TimelineState::Loading;
                self.read_cached_timeline(of);
            }
        }
        let is_settled = matches!(
            self.lookup.state,
            RecognitionState::Live | RecognitionState::Offline | RecognitionState::Failed
        );
        if self.timeline.of.is_nobody()
            || !is_settled
            || self.timeline.asked_in == Some(self.lookup.number)
        {
            return;
        }
        self.timeline.asked_in = Some(self.lookup.number);
        if self.lookup.state == RecognitionState::Live {
            self.read_timeline();
        } else if self.timeline.from_cache.is_none() {
            self.timeline.settle_without_dynamics();
        }
    }

    fn read_cached_timeline(&mut self, of: People) {
        let Ok(client) = self.parts.client.clone() else {
            return;
        };
        let (cache, news) = (self.parts.cache.clone(), self.news.clone());
        let task = tokio::spawn(async move {
            let known = timeline::cached(&cache, cached::organization(&client), &of).await;
            let read = Read::Cached(known);
            // Nobody listens only while the back end is being stopped.
            let _ = news
                .send(News::Timeline(Box::new(TimelineNews { of, read })))
                .await;
        });
        self.timeline.from_cache = Some(AbortOnDropHandle::new(task));
    }

    fn read_timeline(&mut self) {
        let Ok(client) = self.parts.client.clone() else {
            return;
        };
        let of = self.timeline.of.clone();
        let (cache, news) = (self.parts.cache.clone(), self.news.clone());
        let rules = Arc::clone(&self.parts.rules);
        let clock = Arc::clone(&self.parts.clock);
        let task = tokio::spawn(async move {
            let now = clock.now();
            let read = timeline::of(&client, &rules, &of, now).await;
            if read.refused.is_none() {
                let organization = cached::organization(&client);
                timeline::keep(&cache, organization, &rules, &of, &read, now).await;
            }
            let read = Read::Live(read, now);
            // Nobody listens only while the back end is being stopped.
            let _ = news
                .send(News::Timeline(Box::new(TimelineNews { of, read })))
                .await;
        });
        self.timeline.from_dynamics = Some(AbortOnDropHandle::new(task));
    }

    /// News of other people than those that are shown are dropped.
    pub(super) fn timeline_news(&mut self, news: TimelineNews) {
        if news.of != self.timeline.of {
            return;
        }
        let asked = self.timeline.asked_in.is_some();
        let is_lost = self.lookup.state != RecognitionState::Live;
        match news.read {
            Read::Cached(known) => {
                self.timeline.from_cache = None;
                if self.timeline.source.is_none()
                    && let Some((lines, as_of)) = known
                {
                    self.timeline.lines = lines;
                    self.timeline.source = Some(ValueSource::Cache);
                    self.timeline.as_of = Some(as_of);
                }
                if asked && is_lost {
                    self.timeline.settle_without_dynamics();
                }
            }
            Read::Live(read, at) => {
                self.timeline.from_dynamics = None;
                self.timeline.problem = read
                    .refused
                    .as_ref()
                    .map(|error| Problem::from_dataverse(error, self.parts.clock.now()));
                if read.is_answered {
                    self.timeline.lines = read.lines;
                    self.timeline.source = Some(ValueSource::Live);
                    self.timeline.as_of = Some(at);
                    self.timeline.state = TimelineState::Known;
                } else {
                    self.timeline.settle_without_dynamics();
                }
            }
        }
    }

    /// Until Dynamics has told all of it, the open cases that were read along with the people stand in it.
    pub(super) fn timeline_view(&self) -> TimelineView {
        let timeline = &self.timeline;
        let lines = if timeline.source == Some(ValueSource::Live) {
            timeline.lines.clone()
        } else {
            let mut lines = timeline::lines_of_cases(&self.lookup.open_cases, &timeline.of);
            lines.extend(timeline.lines.iter().cloned());
            timeline::in_order(lines)
        };
        for line in &lines {
            self.parts.recorder.note_shown(&line.page.0, line.page.1);
        }
        let account = self.lookup.recognition.account.matched.as_ref();
        let company = account.map(|matched| matched.record.name());
        TimelineView {
            state: timeline.state,
            source: timeline.source.unwrap_or(ValueSource::Cache),
            as_of: timeline.as_of.map(|at| at.to_string()),
            lines: lines
                .iter()
                .map(|line| line_view(line, company.as_deref()))
                .collect(),
            problem: timeline.problem.clone(),
        }
    }
}

fn line_view(line: &Line, company: Option<&str>) -> TimelineLine {
    TimelineLine {
        id: line.id.to_string(),
        kind: match &line.what {
            What::Case => "case".to_owned(),
            What::Note => "note".to_owned(),
            What::Activity(table) => table.clone(),
        },
        title: line.title.clone(),
        detail: line.detail.clone(),
        status: line.status.clone(),
        open: line.is_open,
        due_at: line.due_at.map(|at| at.to_string()),
        at: line.at.map(|at| at.to_string()),
        company: company
            .filter(|_| line.of == Table::Account)
            .map(str::to_owned),
        table: line.page.0.clone(),
        record: line.page.1.to_string(),
    }
}

impl ShownTimeline {
    /// Something of it has changed in Dynamics.
    pub(super) fn ask_again(&mut self) {
        self.asked_in = None;
    }

    /// What the cache has is all there is for now.
    fn settle_without_dynamics(&mut self) {
        self.state = if self.source.is_some() {
            TimelineState::Known
        } else {
            TimelineState::Failed
        };
    }
}
