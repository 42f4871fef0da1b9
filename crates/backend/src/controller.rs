//! The one task that knows who the visitor is now.
//!
//! Messages go in (console events, commands, news of lookups and of the connection), whole views come out.
//! A lookup carries the number of the visitor it was started for; news of an earlier number are dropped, so
//! that a late answer never overwrites a newer visitor.

mod lock;
mod lookup;
mod recording;
mod timeline;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use comm100::{ChatStatus, ConsoleEvent, Conversation, EventKind};
use dataverse::Client;
use dataverse::metadata::Schema;
use futures_util::StreamExt;
use integration::{Outcome, Recognition, Record, Table, identify};
use jiff::Timestamp;
use store::Cache;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::{info, warn};
use url::Url;
use uuid::Uuid;

use crate::bridge::{ConsoleDesk, Consoles};
use crate::cached;
use crate::clock::Clock;
use crate::data::Whom;
use crate::links::{Linked, Links, Whose};
use crate::local;
use crate::person::{PersonsSignIn, SignInNews};
use crate::practice::PracticeConsole;
use crate::problem::Problem;
use crate::recognise::{self, Rules};
use crate::recorder::{Current, Recorder};
use crate::schema;
use crate::synchronise::{self, Synchroniser};
use crate::view::{
    self, AgentView, Card, CardState, ConnectionKindView, ConnectionState, ConnectionView,
    ConsoleView, OfflineState, OfflineView, PairedConsole, PairingView, PracticeView,
    RecognitionState, RecognitionView, RecordingView, TimelineView, View, VisitorView,
};

use lookup::Lookup;
use recording::{RecordingNews, ShownRecording};
use timeline::{ShownTimeline, TimelineNews};

/// How long the first wait is before Dynamics is tried again, and the longest one.
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// The longest wait that Dynamics may ask for.
const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(600);
/// How long the organization's tables count as known before it is asked whether they have changed.
const SCHEMA_AGE: Duration = Duration::from_secs(30 * 60);

/// An event, and the console it came from.
#[derive(Debug)]
pub struct FromConsole {
    /// The socket it came through: two windows of one console are two.
    pub socket: Uuid,
    /// What happened there.
    pub event: ConsoleEvent,
}

/// What the controller works with.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) kind: ConnectionKindView,
    pub(crate) organization: String,
    /// The client, or why there is none.
    pub(crate) client: Result<Client, Problem>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) cache: Cache,
    /// What the organization's tables look like, as far as it is known.
    pub(crate) schema: watch::Sender<Option<Arc<Schema>>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) desk: ConsoleDesk,
    pub(crate) bridge_address: String,
    pub(crate) bridge_problem: Option<Problem>,
    pub(crate) file_problems: Vec<Problem>,
    pub(crate) practice: Option<PracticeConsole>,
    /// The person's sign-in, where one signs in.
    pub(crate) person: Option<PersonsSignIn>,
    pub(crate) recorder: Recorder,
    pub(crate) links: Links,
    pub(crate) synchroniser: Synchroniser,
}

/// The channels into and out of the controller.
#[derive(Debug)]
pub(crate) struct Channels {
    pub(crate) events: mpsc::Receiver<FromConsole>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) view: watch::Sender<Arc<View>>,
}

/// What the page (or whoever holds a [`Handle`]) asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Refresh,
    Reconnect,
    Choose {
        table: Table,
        id: String,
        answer: oneshot::Sender<Result<(), Problem>>,
    },
    RecordUrl {
        table: Table,
        id: String,
        answer: oneshot::Sender<Result<String, Problem>>,
    },
    /// What the agent looks at; none without a chat.
    Current {
        answer: oneshot::Sender<Result<Option<Current>, Problem>>,
    },
    /// A record was linked to a visitor.
    Linked {
        whose: Whose,
        linked: Box<Linked>,
    },
    /// The link of a visitor was taken back.
    Unlinked {
        whose: Whose,
        table: Table,
    },
    Event {
        event: Box<ConsoleEvent>,
    },
    Link {
        event: Box<ConsoleEvent>,
    },
    Practising {
        visitor: String,
    },
    SignIn {
        answer: oneshot::Sender<Result<Option<Url>, Problem>>,
    },
    CancelSignIn,
    SignOut,
    /// Shows nothing personal any more.
    Lock {
        answer: oneshot::Sender<Result<(), Problem>>,
    },
    Unlock {
        answer: oneshot::Sender<Result<(), Problem>>,
    },
    /// Whoever is shown is not shown any more if it is this person, or whoever it is, and nothing of them is still being kept.
    Forget {
        whom: Option<Box<Whom>>,
        answer: oneshot::Sender<Result<(), Problem>>,
    },
    /// The stores whose key was lost were taken over.
    Recovered {
        answer: oneshot::Sender<Result<(), Problem>>,
    },
}

pub(crate) fn record_not_shown() -> Problem {
    Problem::new(
        "record_not_shown",
        "This record is not shown any more.",
        "Select the chat again.",
    )
}

/// Nobody answers any more.
pub(crate) fn stopping() -> Problem {
    Problem::new(
        "companion_stopping",
        "The companion is being closed.",
        "Start it again.",
    )
}

/// What a controller leaves to the next one, so that other settings show the same visitor.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    agent: Option<AgentView>,
    conversation: Option<Conversation>,
    selected_at: Option<Timestamp>,
    ended: bool,
    practising: Option<String>,
}

/// What is shown before there is anything to show.
pub(crate) fn nothing_yet() -> View {
    let idle = || Card::empty(CardState::Idle);
    View {
        revision: 0,
        version: crate::VERSION.to_owned(),
        locked: false,
        connection: ConnectionView {
            kind: ConnectionKindView::Practice,
            state: ConnectionState::Connecting,
            organization: String::new(),
            user_name: None,
            problem: None,
            person: None,
        },
        console: ConsoleView::default(),
        files: Vec::new(),
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
        recording: RecordingView::default(),
        offline: OfflineView {
            state: OfflineState::Off,
            tables: Vec::new(),
            problem: None,
        },
        practice: None,
    }
}

/// What is shown before anything has happened.
pub(crate) fn first_view(parts: &Parts, revision: u64) -> View {
    View {
        revision,
        version: crate::VERSION.to_owned(),
        connection: ConnectionView {
            kind: parts.kind,
            state: ConnectionState::Connecting,
            organization: parts.organization.clone(),
            user_name: None,
            problem: None,
            person: parts.person.as_ref().map(PersonsSignIn::view),
        },
        console: ConsoleView {
            address: parts.bridge_address.clone(),
            problem: parts.bridge_problem.clone(),
            ..ConsoleView::default()
        },
        files: parts.file_problems.clone(),
        recording: parts.recorder.settings_view(),
        offline: parts.synchroniser.watch().borrow().clone(),
        ..nothing_yet()
    }
}

/// Runs until `stop`; the channels and what is shown are for the next one.
pub(crate) async fn run(
    parts: Parts,
    mut channels: Channels,
    remembered: Remembered,
    stop: CancellationToken,
) -> (Channels, Remembered) {
    let (news_in, mut news) = mpsc::channel(64);
    let mut consoles = parts.desk.watch();
    let known = consoles.borrow_and_update().clone();
    let mut outbox = parts.recorder.changes();
    let mut doubts = parts.recorder.doubts();
    let mut copies = parts.synchroniser.watch();
    let mut copies_doubts = parts.synchroniser.doubts();
    let mut controller = Controller::new(parts, known, news_in);
    controller.revision = channels.view.borrow().revision;
    controller.connect(Duration::ZERO);
    controller.remember(remembered);
    controller
        .recording
        .refresh(&controller.parts.recorder, None, &controller.news);
    controller.publish(&channels.view);
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut schema_tick = tokio::time::interval(SCHEMA_AGE);
    schema_tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return (channels, controller.remembered()),
            Some(from) = channels.events.recv() => controller.console_event(Some(from.socket), from.event),
            Some(command) = channels.commands.recv() => controller.command(command),
            Some(news) = news.recv() => controller.news(news),
            Ok(()) = outbox.changed() => controller.refresh_recording(),
            Ok(()) = doubts.changed() => controller.connection_doubted(),
            Ok(()) = copies.changed() => {}
            Ok(()) = copies_doubts.changed() => controller.connection_doubted(),
            Ok(()) = consoles.changed() => controller.consoles = consoles.borrow_and_update().clone(),
            _ = schema_tick.tick(), if controller.connection == ConnectionState::Online => controller.refresh_schema(),
            _ = tick.tick(), if controller.consoles.pairing.is_some() => controller.parts.desk.close_expired().await,
        }
        controller.follow_chat();
        controller.follow_people();
        controller.publish(&channels.view);
    }
}

/// What the controller's own tasks tell it.
#[derive(Debug)]
enum News {
    /// The sign-in and the first question went well.
    Connected { attempt: u64, me: dataverse::WhoAmI },
    /// The name of the user that is signed in, if it may be read.
    UserName { attempt: u64, name: Option<String> },
    /// The sign-in or the first question did not go well.
    NotConnected {
        attempt: u64,
        error: Box<dataverse::Error>,
    },
    /// The cache knows this visitor.
    Cached {
        lookup: u64,
        recognition: Option<Box<Recognition>>,
    },
    /// Dynamics answered for a table.
    Answered {
        lookup: u64,
        table: Table,
        answer: Result<Outcome, dataverse::Error>,
    },
    /// What is linked to the visitor, as far as this computer knows it.
    Linked { lookup: u64, linked: Vec<Linked> },
    /// Dynamics answered for a linked record; none if it is not there any more.
    LinkAnswered {
        lookup: u64,
        table: Table,
        record: Option<Box<Record>>,
    },
    /// Open cases that may be the visitor's.
    OpenCases { lookup: u64, cases: Vec<Record> },
    /// Dynamics answered for all tables.
    Finished { lookup: u64 },
    /// What happened around the people that were recognised.
    Timeline(Box<TimelineNews>),
    /// Dynamics told what its tables look like.
    Schema { schema: Arc<Schema> },
    /// It did not tell.
    NoSchema,
    /// A person's sign-in went on.
    SignIn(SignInNews),
    /// The outbox was looked at.
    Recording(Box<RecordingNews>),
}

/// Nobody listens only while the back end is being stopped.
async fn tell(news: &mpsc::Sender<News>, told: News) {
    drop(news.send(told).await);
}

struct Controller {
    parts: Parts,
    news: mpsc::Sender<News>,
    consoles: Consoles,
    connection: ConnectionState,
    connection_problem: Option<Problem>,
    user_name: Option<String>,
    connecting: Option<AbortHandle>,
    /// The refresh of the schema that is under way, or was last.
    refreshing: Option<AbortOnDropHandle<()>>,
    /// The number of the last attempt to connect; news of earlier ones are dropped.
    attempt: u64,
    /// The last wait before Dynamics was tried again; none while all is well.
    backoff: Duration,
    agent: Option<AgentView>,
    conversation: Option<Conversation>,
    selected_at: Option<Timestamp>,
    /// The socket that the shown chat was selected through.
    selected_in: Option<Uuid>,
    ended: bool,
    lookup: Lookup,
    /// What is being kept of what was found, while nobody waits for it.
    keeping: TaskTracker,
    timeline: ShownTimeline,
    practising: Option<String>,
    recording: ShownRecording,
    /// Whether nothing personal is shown.
    is_locked: bool,
    revision: u64,
}

impl Controller {
    fn new(parts: Parts, consoles: Consoles, news: mpsc::Sender<News>) -> Controller {
        Controller {
            recording: ShownRecording::new(&parts.recorder),
            parts,
            news,
            consoles,
            connection: ConnectionState::Connecting,
            connection_problem: None,
            user_name: None,
            connecting: None,
            refreshing: None,
            attempt: 0,
            backoff: Duration::ZERO,
            agent: None,
            conversation: None,
            selected_at: None,
            selected_in: None,
            ended: false,
            lookup: Lookup::default(),
            keeping: TaskTracker::new(),
            timeline: ShownTimeline::default(),
            practising: None,
            is_locked: false,
            revision: 0,
        }
    }

    /// Goes on with the visitor that was shown with other settings.
    fn remember(&mut self, remembered: Remembered) {
        let Remembered {
            agent,
            conversation,
            selected_at,
            ended,
            practising,
        } = remembered;
        self.agent = agent;
        self.conversation = conversation;
        self.selected_at = selected_at;
        self.ended = ended;
        self.practising = practising.filter(|_| self.parts.practice.is_some());
        if self.conversation.is_some() {
            self.start_lookup();
        }
    }

    fn remembered(self) -> Remembered {
        Remembered {
            agent: self.agent,
            conversation: self.conversation,
            selected_at: self.selected_at,
            ended: self.ended,
            practising: self.practising,
        }
    }

    // ---- the connection ---------------------------------------------------------------------------

    /// Signs in and asks who we are, after a wait.
    fn connect(&mut self, wait: Duration) {
        let client = match &self.parts.client {
            Ok(client) => client.clone(),
            Err(problem) => {
                self.connection = ConnectionState::Failed;
                self.connection_problem = Some(problem.clone());
                return;
            }
        };
        if let Some(former) = self.connecting.take() {
            former.abort();
        }
        self.attempt += 1;
        let attempt = self.attempt;
        let news = self.news.clone();
        let cache = self.parts.cache.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            // Asked for by itself, so that a sign-in that was refused a moment ago is tried anew.
            let me = match client.sign_in().await {
                Ok(()) => client.who_am_i().await,
                Err(error) => Err(error),
            };
            // Nobody listens to any of this only while the back end is being stopped.
            match me {
                Ok(me) => {
                    if let Err(error) = synchronise::own(&cache, &client, &me).await {
                        warn!(error.code = error.code(), %error, "whose the cache is could not be noted");
                    }
                    let _ = news.send(News::Connected { attempt, me }).await;
                    let name = user_name(&client, me.user_id).await;
                    let _ = news.send(News::UserName { attempt, name }).await;
                }
                Err(error) => {
                    let error = Box::new(error);
                    let _ = news.send(News::NotConnected { attempt, error }).await;
                }
            }
        });
        self.connecting = Some(task.abort_handle());
    }

    fn connected(&mut self, me: dataverse::WhoAmI) {
        let was_online = self.connection == ConnectionState::Online;
        self.parts.synchroniser.connected(me);
        self.connection = ConnectionState::Online;
        self.connection_problem = None;
        info!("connected to Dynamics");
        self.refresh_schema();
        // Where the connection was only doubted, what waits keeps its own pace: else what fails would go on at once, forever.
        if !was_online || self.parts.recorder.is_paused() {
            let recorder = self.parts.recorder.clone();
            tokio::spawn(async move { recorder.resume().await });
        }
        if matches!(
            self.lookup.state,
            RecognitionState::Offline | RecognitionState::Failed
        ) {
            self.look_up_again();
        } else if self.lookup.lost.is_none() {
            // A lookup that has lost the connection goes on; when it ends, it is tried again.
            self.backoff = Duration::ZERO;
        }
    }

    /// Dynamics could not be reached or refused: the state says so, and it is tried again after longer and
    /// longer waits. Only a refused sign-in is left to a person, so that no account gets locked.
    fn not_connected(&mut self, error: &dataverse::Error) {
        let problem = Problem::from_dataverse(error, self.parts.clock.now());
        warn!(error.code = problem.code, error.chain = %error, "not connected to Dynamics");
        self.connection = connection_state(error);
        self.connection_problem = Some(problem);
        self.parts.synchroniser.disconnected();
        if self.connection == ConnectionState::SignedOut {
            if let Some(former) = self.connecting.take() {
                former.abort();
            }
        } else {
            let asked = error.retry_after().unwrap_or_default();
            self.connect_later(asked.min(LONGEST_ASKED_WAIT));
        }
    }

    /// Tries again after a longer wait than the last one, and not before `asked`.
    fn connect_later(&mut self, asked: Duration) {
        self.backoff = (self.backoff * 2).clamp(FIRST_RETRY, LONGEST_RETRY);
        self.connect(self.backoff.max(asked));
    }

    // ---- the organization's tables ----------------------------------------------------------------

    /// Asks in the background what has changed of the organization's tables. That it fails is no reason to stop:
    /// what was known stays.
    fn refresh_schema(&mut self) {
        if self
            .refreshing
            .as_ref()
            .is_some_and(|running| !running.is_finished())
        {
            return;
        }
        let Ok(client) = self.parts.client.as_ref().map(Client::background) else {
            return;
        };
        let known = self.parts.schema.borrow().clone();
        let cache = self.parts.cache.clone();
        let clock = Arc::clone(&self.parts.clock);
        let news = self.news.clone();
        let task = tokio::spawn(async move {
            match schema::current(&client, &cache, &*clock, known.as_deref()).await {
                Ok(schema) => {
                    let schema = Arc::new(schema);
                    let _ = news.send(News::Schema { schema }).await;
                }
                Err(error) => {
                    warn!(error.code = error.code(), error.chain = %error, "the organization's tables cannot be read");
                    let _ = news.send(News::NoSchema).await;
                }
            }
        });
        self.refreshing = Some(AbortOnDropHandle::new(task));
    }

    /// Labels and kinds of columns are those of the organization from now on. If that changes what is asked about the
    /// current visitor, it is asked again.
    fn take_schema(&mut self, schema: Arc<Schema>) {
        let columns = schema::columns(&schema);
        self.parts.schema.send_replace(Some(schema));
        self.parts.synchroniser.tables_asked();
        if columns == self.parts.rules.columns {
            return;
        }
        let before = Arc::clone(&self.parts.rules);
        let Rules {
            identification,
            fields,
            ..
        } = &*before;
        for missing in schema::missing(&columns, identification, fields) {
            warn!(
                key = missing.key,
                column = missing.column,
                table = missing.table.logical_name(),
                "the organization has no such column"
            );
        }
        let rules = Rules {
            columns,
            ..(*before).clone()
        };
        let asks_the_same = self
            .conversation
            .as_ref()
            .is_none_or(|conversation| rules.ask_like(&before, conversation));
        self.parts.rules = Arc::new(rules);
        if asks_the_same {
            return;
        }
        if self.lookup.state == RecognitionState::Unidentifiable {
            self.start_lookup();
        } else {
            self.look_up_again();
        }
    }

    // ---- the person -------------------------------------------------------------------------------

    fn sign_in(&mut self, answer: oneshot::Sender<Result<Option<Url>, Problem>>) {
        let begun = match (&self.parts.client, &mut self.parts.person) {
            (Ok(client), Some(person)) => {
                let (news, clock) = (self.news.clone(), Arc::clone(&self.parts.clock));
                let tell = move |told| {
                    let news = news.clone();
                    async move { drop(news.send(News::SignIn(told)).await) }
                };
                person.begin(
                    client.clone(),
                    self.parts.cache.clone(),
                    clock,
                    tell,
                    answer,
                );
                return;
            }
            (Err(problem), _) => Err(problem.clone()),
            (Ok(_), None) => Err(Problem::new(
                "sign_in_not_for_persons",
                "This connection signs in by itself, not as a person.",
                "Set `connection.sign_in` to \"self\" to sign in as yourself.",
            )),
        };
        // A page that no longer waits needs no answer.
        let _ = answer.send(begun);
    }

    fn sign_in_news(&mut self, news: SignInNews) {
        let Some(person) = &mut self.parts.person else {
            return;
        };
        match person.take(news) {
            None => {}
            Some(Ok(())) => {
                self.user_name = None;
                self.backoff = Duration::ZERO;
                self.connection = ConnectionState::Connecting;
                self.connection_problem = None;
                // What the person before saw need not be for this one.
                self.parts.synchroniser.disconnected();
                self.start_lookup();
                self.connect(Duration::ZERO);
            }
            Some(Err(problem)) => self.connection_problem = Some(problem),
        }
    }

    fn sign_out(&mut self) {
        let (Ok(client), Some(person)) = (&self.parts.client, &mut self.parts.person) else {
            return;
        };
        person.cancel();
        self.parts.synchroniser.disconnected();
        if let Some(former) = self.connecting.take() {
            former.abort();
        }
        if let Some(task) = self.lookup.task.take() {
            task.abort();
        }
        self.attempt += 1;
        self.lookup = Lookup {
            number: self.lookup.number + 1,
            ..Lookup::default()
        };
        self.user_name = None;
        self.connection = ConnectionState::Connecting;
        let attempt = self.attempt;
        let (client, cache, news) = (client.clone(), self.parts.cache.clone(), self.news.clone());
        let task = tokio::spawn(async move {
            client.sign_out().await;
            wipe(&cache).await;
            // That nobody is signed in is told as it is told at the start.
            if let Err(error) = client.sign_in().await {
                let error = Box::new(error);
                let _ = news.send(News::NotConnected { attempt, error }).await;
            }
        });
        // It goes on whatever the person asks for next.
        drop(task);
    }

    // ---- the visitor ------------------------------------------------------------------------------

    fn console_event(&mut self, socket: Option<Uuid>, event: ConsoleEvent) {
        if let Some(agent) = &event.agent {
            self.agent = Some(AgentView {
                name: agent.name.clone(),
            });
        }
        match event.kind {
            EventKind::Selected => self.selected(socket, event),
            EventKind::Started => {
                // The chat that starts need not be the one that the agent looks at.
                if self.conversation.is_none() || self.ended || self.is_current(&event) {
                    self.selected(socket, event);
                }
            }
            EventKind::Updated | EventKind::WrapUp | EventKind::Requested => {
                if self.is_current(&event) {
                    self.updated(event);
                }
            }
            EventKind::Ended => {
                if self.is_current(&event) {
                    self.updated(event);
                    self.ended = true;
                }
            }
            EventKind::OfflineMessage | EventKind::Agent | EventKind::Other(_) => {}
        }
    }

    /// The agent looks at another chat, or at none.
    fn selected(&mut self, socket: Option<Uuid>, event: ConsoleEvent) {
        // A clock that is ahead must not lock out everything that comes after it, nor one that was set back.
        let now = self.parts.clock.now();
        let sent_at = event.sent_at.map(|sent_at| sent_at.min(now));
        let last = self.selected_at.filter(|last| *last <= now);
        if sent_at.is_some_and(|sent_at| last.is_some_and(|last| sent_at < last)) {
            info!("a selection that is older than the shown one is left aside");
            return;
        }
        if event.chat.is_none() && event.visitor.is_none() {
            // A second console window without a chat says nothing of the one that has one.
            if self.selected_in == socket {
                self.selected_at = sent_at.or(self.selected_at);
                self.conversation = None;
                self.ended = false;
                self.start_lookup();
            }
            return;
        }
        self.selected_at = sent_at.or(self.selected_at);
        self.selected_in = socket;
        if self.is_current(&event) {
            self.updated(event);
            return;
        }
        self.ended = event
            .chat
            .as_ref()
            .is_some_and(|chat| chat.status == ChatStatus::Ended);
        self.conversation = Some(Conversation::from(event));
        self.start_lookup();
    }

    /// The same chat with other words: Dynamics is asked again only if the rules see a difference.
    fn updated(&mut self, event: ConsoleEvent) {
        let before = self.evidence();
        if let Some(conversation) = &mut self.conversation {
            conversation.update(Conversation::from(event));
            self.ended = conversation
                .chat
                .as_ref()
                .is_some_and(|chat| chat.status == ChatStatus::Ended);
        }
        if self.evidence() != before {
            self.start_lookup();
        }
    }

    fn evidence(&self) -> BTreeMap<String, String> {
        let rules = &self.parts.rules.identification;
        self.conversation
            .as_ref()
            .map(|conversation| identify::evidence(rules, &self.parts.rules.columns, conversation))
            .unwrap_or_default()
    }

    fn is_current(&self, event: &ConsoleEvent) -> bool {
        let Some(current) = &self.conversation else {
            return false;
        };
        match (&current.chat, &event.chat) {
            (Some(current), Some(other)) if !current.id.is_empty() && !other.id.is_empty() => {
                current.id.same_chat(&other.id)
            }
            _ => {
                let id = |conversation: &Option<comm100::Visitor>| {
                    conversation.as_ref().and_then(|visitor| visitor.id)
                };
                id(&current.visitor).is_some() && id(&current.visitor) == id(&event.visitor)
            }
        }
    }

    // ---- the lookup -------------------------------------------------------------------------------

    /// Begins anew for the current visitor.
    fn start_lookup(&mut self) {
        let number = self.lookup.number + 1;
        if let Some(task) = self.lookup.task.take() {
            task.abort();
        }
        self.lookup = Lookup {
            number,
            ..Lookup::default()
        };
        let Some(conversation) = self.conversation.clone().filter(|_| !self.is_locked) else {
            return;
        };
        // Who gave nothing may be linked to somebody.
        self.lookup.state = if self.evidence().is_empty() {
            RecognitionState::Unidentifiable
        } else {
            RecognitionState::Looking
        };
        self.spawn_lookup(conversation);
    }

    /// Asks again for the same visitor; what is shown stays until the answers are there.
    fn look_up_again(&mut self) {
        let Some(conversation) = self.conversation.clone().filter(|_| {
            !self.is_locked && (!self.evidence().is_empty() || !self.lookup.links.is_empty())
        }) else {
            return;
        };
        if let Some(task) = self.lookup.task.take() {
            task.abort();
        }
        self.lookup.begin_again();
        self.lookup.state = if self.lookup.recognition.found_any() {
            RecognitionState::Cached
        } else {
            RecognitionState::Looking
        };
        self.spawn_lookup(conversation);
    }

    fn spawn_lookup(&mut self, conversation: Conversation) {
        let Ok(client) = self.parts.client.clone() else {
            self.lookup.state = RecognitionState::Failed;
            self.lookup.problem = self.parts.client.as_ref().err().cloned();
            return;
        };
        let rules = Arc::clone(&self.parts.rules);
        let cache = self.parts.cache.clone();
        let links = self.parts.links.clone();
        let clock = Arc::clone(&self.parts.clock);
        let news = self.news.clone();
        let lookup = self.lookup.number;
        let is_unidentifiable = self.lookup.state == RecognitionState::Unidentifiable;
        let task = tokio::spawn(async move {
            let linked = links.of(&conversation).await;
            if is_unidentifiable && linked.is_empty() {
                return;
            }
            tell(
                &news,
                News::Linked {
                    lookup,
                    linked: linked.clone(),
                },
            )
            .await;
            let from_cache = async {
                let recognition = cached::get(&cache, &client, &rules, &conversation).await;
                let recognition = recognition.map(Box::new);
                tell(
                    &news,
                    News::Cached {
                        lookup,
                        recognition,
                    },
                )
                .await;
            };
            let from_dynamics = async {
                let mut answers =
                    std::pin::pin!(recognise::live(&client, &rules, &conversation, &*clock));
                while let Some((table, answer)) = answers.next().await {
                    tell(
                        &news,
                        News::Answered {
                            lookup,
                            table,
                            answer,
                        },
                    )
                    .await;
                }
            };
            let links_from_dynamics = async {
                let mut answers = std::pin::pin!(links.live(&client, &rules, &linked));
                while let Some((table, record)) = answers.next().await {
                    let record = record.map(Box::new);
                    tell(
                        &news,
                        News::LinkAnswered {
                            lookup,
                            table,
                            record,
                        },
                    )
                    .await;
                }
            };
            let recognition = async {
                tokio::join!(from_cache, from_dynamics, links_from_dynamics);
                tell(&news, News::Finished { lookup }).await;
            };
            let open_cases = async {
                let mut answers = std::pin::pin!(crate::timeline::open_cases(
                    &client,
                    &rules,
                    &conversation,
                    &*clock
                ));
                while let Some(cases) = answers.next().await {
                    tell(&news, News::OpenCases { lookup, cases }).await;
                }
            };
            tokio::join!(recognition, open_cases);
        });
        self.lookup.task = Some(task.abort_handle());
    }

    fn news(&mut self, news: News) {
        match news {
            News::Connected { attempt, me } if attempt == self.attempt => self.connected(me),
            News::UserName { attempt, name } if attempt == self.attempt => self.user_name = name,
            News::NotConnected { attempt, error } if attempt == self.attempt => {
                self.not_connected(&error);
            }
            News::Cached {
                lookup,
                recognition,
            } if lookup == self.lookup.number => self.take_cached(recognition),
            News::Answered {
                lookup,
                table,
                answer,
            } if lookup == self.lookup.number => self.take_answer(table, answer),
            News::Linked { lookup, linked } if lookup == self.lookup.number => {
                self.take_links(linked);
            }
            News::LinkAnswered {
                lookup,
                table,
                record,
            } if lookup == self.lookup.number => self.take_linked(table, record),
            News::OpenCases { lookup, cases } if lookup == self.lookup.number => {
                self.lookup.open_cases.extend(cases);
            }
            News::Finished { lookup } if lookup == self.lookup.number => self.finish(),
            News::Timeline(news) => self.timeline_news(*news),
            News::Schema { schema } => self.take_schema(schema),
            News::NoSchema => self.parts.synchroniser.tables_asked(),
            News::SignIn(news) => self.sign_in_news(news),
            News::Recording(news) => self.recording_news(*news),
            News::Connected { .. }
            | News::UserName { .. }
            | News::NotConnected { .. }
            | News::Cached { .. }
            | News::Answered { .. }
            | News::Linked { .. }
            | News::LinkAnswered { .. }
            | News::OpenCases { .. }
            | News::Finished { .. } => {}
        }
    }

    /// The cached answer fills the tables that Dynamics has not answered for, however far the lookup is: a
    /// refusal can be faster than the file.
    fn take_cached(&mut self, recognition: Option<Box<Recognition>>) {
        let Some(recognition) = recognition else {
            return;
        };
        self.lookup.take_known(&recognition);
        if self.lookup.state == RecognitionState::Looking {
            self.lookup.state = RecognitionState::Cached;
        }
    }

    fn take_answer(&mut self, table: Table, answer: Result<Outcome, dataverse::Error>) {
        match answer {
            Ok(outcome) => {
                self.lookup.live.insert(table, outcome);
                self.lookup.show();
            }
            Err(error) => {
                let problem = Problem::from_dataverse(&error, self.parts.clock.now());
                warn!(error.code = problem.code, error.chain = %error, table = table.logical_name(), "Dynamics did not answer");
                self.lookup.refused.insert(table, problem.clone());
                if matches!(
                    connection_state(&error),
                    ConnectionState::Offline | ConnectionState::SignedOut
                ) && self.lookup.lost.is_none()
                {
                    self.lookup.lost = Some(connection_state(&error));
                    self.not_connected(&error);
                }
                self.lookup.problem.get_or_insert(problem);
            }
        }
    }

    fn finish(&mut self) {
        self.lookup.task = None;
        let answered = self.lookup.live.len();
        self.lookup.state = match (self.lookup.lost, answered) {
            (Some(ConnectionState::Offline), _) => RecognitionState::Offline,
            (_, 0) => RecognitionState::Failed,
            _ => RecognitionState::Live,
        };
        if self.lookup.lost.is_none() && answered > 0 {
            self.backoff = Duration::ZERO;
            if self.connection != ConnectionState::Online {
                self.connect(Duration::ZERO);
            }
        }
        if self.lookup.lost == Some(ConnectionState::Offline)
            && self.connection == ConnectionState::Online
        {
            self.connect_later(Duration::ZERO);
        }
        if answered > 0 {
            self.note_recognised();
        }
        if answered > 0
            && let (Some(conversation), Ok(client)) = (&self.conversation, &self.parts.client)
        {
            let key = cached::key(&self.parts.rules, conversation);
            let now = self.parts.clock.now();
            let answer = self.lookup.to_be_cached();
            let linked = self.lookup.linked_live();
            let (cache, client) = (self.parts.cache.clone(), client.clone());
            let rules = Arc::clone(&self.parts.rules);
            // The file may be held by another process; the agent does not wait for that. An older answer
            // that is written later is refused by its time.
            self.keeping.spawn(async move {
                cached::put(&cache, &client, &rules, &key, &answer, now).await;
                local::keep(&cache, cached::organization(&client), &rules, &linked).await;
            });
        }
    }

    // ---- commands ---------------------------------------------------------------------------------

    fn command(&mut self, command: Command) {
        match command {
            Command::Refresh => self.look_up_again(),
            Command::Reconnect => {
                self.connection = ConnectionState::Connecting;
                self.connect(Duration::ZERO);
            }
            Command::Choose { table, id, answer } => {
                let done = self.lookup.recognition.choose(table, &id);
                if done {
                    self.lookup.chosen.insert(table, id);
                    self.lookup.show();
                }
                let gone = || {
                    Problem::new(
                        "candidate_gone",
                        "This record is no longer among those found.",
                        "Look at the list again.",
                    )
                };
                // A page that no longer waits needs no answer.
                let _ = answer.send(if done { Ok(()) } else { Err(gone()) });
            }
            Command::RecordUrl { table, id, answer } => {
                let shown = self
                    .lookup
                    .recognition
                    .of(table)
                    .into_iter()
                    .flat_map(|outcome| outcome.matched.iter().chain(&outcome.others));
                let url = shown
                    .map(|found| &found.record)
                    .find(|record| record.id == id)
                    .map(|record| self.record_url(record))
                    .filter(|url| !url.is_empty());
                let _ = answer.send(url.ok_or_else(record_not_shown));
            }
            Command::Current { answer } => {
                let _ = answer.send(Ok(self.current()));
            }
            Command::Linked { whose, linked } => self.linked(&whose, *linked),
            Command::Unlinked { whose, table } => self.unlinked(&whose, table),
            Command::Event { event } | Command::Link { event } => self.console_event(None, *event),
            Command::Practising { visitor } => self.practising = Some(visitor),
            Command::SignIn { answer } => self.sign_in(answer),
            Command::CancelSignIn => {
                if let Some(person) = &mut self.parts.person {
                    person.cancel();
                }
            }
            Command::SignOut => self.sign_out(),
            Command::Lock { answer } => {
                self.lock();
                let _ = answer.send(Ok(()));
            }
            Command::Unlock { answer } => {
                self.unlock();
                let _ = answer.send(Ok(()));
            }
            Command::Forget { whom, answer } => {
                self.forget(whom.as_deref());
                let keeping = self.keeping.clone();
                tokio::spawn(async move {
                    keeping.close();
                    keeping.wait().await;
                    keeping.reopen();
                    // Whoever does not wait any more needs no answer.
                    let _ = answer.send(Ok(()));
                });
            }
            Command::Recovered { answer } => {
                self.parts
                    .file_problems
                    .retain(|problem| problem.code != "store_key_lost");
                let _ = answer.send(Ok(()));
            }
        }
    }

    fn record_url(&self, record: &Record) -> String {
        match (&self.parts.client, record.id.parse()) {
            (Ok(client), Ok(id)) => client
                .organization()
                .record_url(record.table.logical_name(), id)
                .to_string(),
            _ => String::new(),
        }
    }

    // ---- the view ---------------------------------------------------------------------------------

    fn publish(&mut self, view: &watch::Sender<Arc<View>>) {
        let fresh = self.view();
        let changed = View {
            revision: self.revision,
            ..fresh
        } != **view.borrow();
        if changed {
            self.revision += 1;
            view.send_replace(Arc::new(self.view()));
        }
    }

    fn view(&self) -> View {
        if self.is_locked {
            return self.locked_view();
        }
        View {
            revision: self.revision,
            version: crate::VERSION.to_owned(),
            locked: false,
            connection: ConnectionView {
                kind: self.parts.kind,
                state: self.connection,
                organization: self.parts.organization.clone(),
                user_name: self.user_name.clone(),
                problem: self.connection_problem.clone(),
                person: self.parts.person.as_ref().map(PersonsSignIn::view),
            },
            console: self.console_view(),
            files: self.parts.file_problems.clone(),
            agent: self.agent.clone(),
            visitor: self
                .conversation
                .as_ref()
                .map(|conversation| visitor_view(conversation, self.ended)),
            recognition: RecognitionView {
                state: self.lookup.state,
                account: self.card(Table::Account),
                contact: self.card(Table::Contact),
                lead: self.card(Table::Lead),
                problem: self.lookup.problem.clone(),
            },
            timeline: self.timeline_view(),
            recording: self.recording_view(),
            offline: self.parts.synchroniser.watch().borrow().clone(),
            practice: self.parts.practice.as_ref().map(|practice| PracticeView {
                visitors: practice.samples(),
                selected: self.practising.clone(),
            }),
        }
    }

    fn card(&self, table: Table) -> Card {
        let lookup = &self.lookup;
        // The account may be the contact's, so it is settled only with both.
        let asked: &[Table] = match table {
            Table::Account => &[Table::Account, Table::Contact],
            Table::Contact | Table::Lead | Table::Incident | Table::Task => &[table],
        };
        let settled = asked.iter().all(|table| lookup.live.contains_key(table));
        let found = lookup
            .recognition
            .of(table)
            .filter(|outcome| outcome.matched.is_some());
        let mut card = match (found, lookup.state) {
            (Some(outcome), _) => {
                let is_contacts = outcome
                    .matched
                    .as_ref()
                    .is_some_and(integration::Match::is_account_of_contact);
                let from = if is_contacts { Table::Contact } else { table };
                let source = lookup.source(from);
                let chosen = lookup.chosen.get(&table).map(String::as_str);
                let url = |record: &Record| self.record_url(record);
                let rules = &self.parts.rules;
                view::card(&rules.fields, &rules.columns, outcome, source, chosen, &url)
            }
            (None, RecognitionState::Idle | RecognitionState::Unidentifiable) => {
                Card::empty(CardState::Idle)
            }
            (None, _) if settled => Card::empty(CardState::None),
            (None, RecognitionState::Looking | RecognitionState::Cached) => {
                Card::empty(CardState::Loading)
            }
            (None, RecognitionState::Live) => Card::empty(CardState::Failed),
            // What is wrong then is said once, for all tables.
            (None, RecognitionState::Offline | RecognitionState::Failed) => {
                Card::empty(CardState::Idle)
            }
        };
        if lookup.state == RecognitionState::Live {
            card.problem = asked
                .iter()
                .find_map(|table| lookup.refused.get(table).cloned());
        }
        card
    }

    fn console_view(&self) -> ConsoleView {
        let paired = self.consoles.paired.iter().map(|console| PairedConsole {
            id: console.id.to_string(),
            name: console.name.clone(),
            paired_at: console.paired_at.to_string(),
            last_seen_at: console.last_seen.map(|at| at.to_string()),
            connected: self.consoles.connected.contains_key(&console.id),
        });
        ConsoleView {
            address: self.parts.bridge_address.clone(),
            connected: !self.consoles.connected.is_empty(),
            consoles: paired.collect(),
            pairing: self.consoles.pairing.as_ref().map(|pairing| PairingView {
                code: pairing.code.clone(),
                expires_at: pairing.expires_at.to_string(),
            }),
            problem: self.parts.bridge_problem.clone(),
        }
    }
}

/// Empties the cache, which is full of what somebody else may see.
pub(crate) async fn wipe(cache: &Cache) {
    if let Err(error) = cache.wipe().await {
        warn!(error.code = error.code(), %error, "the cache could not be emptied");
    }
}

/// The user's name, if it may be read: it is a courtesy, so that a refusal is no failure.
pub async fn user_name(client: &Client, user: Uuid) -> Option<String> {
    let query = dataverse::Query::new("systemusers").select(["fullname"]);
    match client.retrieve("systemusers", user, &query).await {
        Ok(row) => row.text("fullname").map(str::to_owned),
        Err(error) => {
            info!(error.code = error.code(), "the user's name cannot be read");
            None
        }
    }
}

/// What an error says about the connection as a whole.
fn connection_state(error: &dataverse::Error) -> ConnectionState {
    if error.is_offline() {
        ConnectionState::Offline
    } else if error.is_sign_in() {
        ConnectionState::SignedOut
    } else {
        ConnectionState::Failed
    }
}

fn visitor_view(conversation: &Conversation, ended: bool) -> VisitorView {
    let field = |name: &str| {
        name.parse()
            .ok()
            .and_then(|field| conversation.field(&field))
            .unwrap_or_default()
    };
    let chat = conversation.chat.as_ref();
    let visitor = conversation.visitor.as_ref();
    let place = visitor.map(|visitor| {
        [
            visitor.location.city.as_str(),
            visitor.location.country.as_str(),
        ]
    });
    let place: Vec<&str> = place
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    VisitorView {
        name: field("visitor.name"),
        email: field("visitor.email"),
        phone: field("visitor.phone"),
        company: field("visitor.company"),
        chat_id: chat.and_then(|chat| {
            chat.id
                .guid
                .map(|guid| guid.to_string())
                .or(chat.id.number.map(|number| number.to_string()))
        }),
        chat_status: chat
            .map(|chat| chat.status.as_str().to_owned())
            .unwrap_or_default(),
        department: chat.map(|chat| chat.department.clone()).unwrap_or_default(),
        page: visitor
            .and_then(|visitor| visitor.current_page.as_ref())
            .map(|page| page.title.clone())
            .unwrap_or_default(),
        location: place.join(", "),
        started_at: chat
            .and_then(|chat| chat.request_time)
            .map(|at| at.to_string()),
        ended,
    }
}
