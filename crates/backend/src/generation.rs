//! One run of the back end with the same settings. Other settings are another generation; what must go on over it (the
//! channels to the pages, the files, the shown visitor) is carried from one to the next.

use std::net::SocketAddr;
use std::sync::Arc;

use dataverse::Client;
use dataverse::metadata::Schema;
use store::{Cache, Store};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bridge::{Bridge, BridgeOptions, ConsoleDesk, ShownVisitor};
use crate::clock::Clock;
use crate::connection;
use crate::controller::{self, Channels, Command, FromConsole, Parts, Remembered};
use crate::data::{LocalData, Lock};
use crate::files::{Files, OpenedStore};
use crate::installation::Practised;
use crate::links::Links;
use crate::person::PersonsSignIn;
use crate::practice::PracticeConsole;
use crate::problem::Problem;
use crate::recognise::Rules;
use crate::recorder::{self, Jitter, Recorder, RecorderParts};
use crate::schema;
use crate::search::Search;
use crate::secrets::Secrets;
use crate::settings::{ConnectionKind, ConnectionSettings, Settings};
use crate::synchronise::{self, Synchroniser, SynchroniserParts};
use crate::view::{CardState, ConnectionKindView, RecognitionState, View};

/// What all generations share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) commands: mpsc::Sender<Command>,
    events: mpsc::Sender<FromConsole>,
    pub(crate) view: watch::Sender<Arc<View>>,
    pub(crate) schema: watch::Sender<Option<Arc<Schema>>>,
    /// Where the console bridge listens, if it does.
    pub(crate) bridge: watch::Sender<Option<SocketAddr>>,
    pub(crate) clock: Arc<dyn Clock>,
    jitter: Jitter,
    pub(crate) listens: bool,
    /// Whether the page is shown nothing.
    pub(crate) lock: Lock,
}

/// What one generation hands to the next.
#[derive(Debug)]
pub(crate) struct Carried {
    channels: Channels,
    remembered: Remembered,
    /// The recorder before, which knows the chats that go on.
    recorder: Option<Recorder>,
}

impl Core {
    pub(crate) fn new(clock: Arc<dyn Clock>, jitter: Jitter, listens: bool) -> (Core, Carried) {
        let (events_in, events) = mpsc::channel(64);
        let (commands_in, commands) = mpsc::channel(64);
        let core = Core {
            commands: commands_in,
            events: events_in,
            view: watch::Sender::new(Arc::new(controller::nothing_yet())),
            schema: watch::Sender::new(None),
            bridge: watch::Sender::new(None),
            clock,
            jitter,
            listens,
            lock: Lock::default(),
        };
        let carried = Carried {
            channels: Channels {
                events,
                commands,
                view: core.view.clone(),
            },
            remembered: Remembered::default(),
            recorder: None,
        };
        (core, carried)
    }
}

/// The files as they were opened, and what hangs on them.
#[derive(Debug)]
pub(crate) struct Opened {
    files: Files,
    pub(crate) cache: Cache,
    pub(crate) store: Store,
    /// Why the store is in memory and not where it was asked for.
    pub(crate) refused: Option<Problem>,
    /// What a person should know of the files.
    problems: Vec<Problem>,
    /// Keeps another one from taking what consoles say with the same files.
    _claim: Option<std::fs::File>,
    desk: ConsoleDesk,
}

impl Opened {
    /// Opens the files; whoever `listens` to consoles claims them.
    ///
    /// # Errors
    /// If SQLite cannot open any database at all.
    pub(crate) async fn open(
        files: Files,
        listens: bool,
        clock: &Arc<dyn Clock>,
    ) -> Result<Opened, Problem> {
        let (files, claim) = if listens {
            files.claimed()
        } else {
            (files, None)
        };
        let (cache, cache_problem) = files.cache().await?;
        let OpenedStore {
            store,
            refused,
            notices,
        } = files.store().await?;
        let desk = ConsoleDesk::open(store.clone(), Arc::clone(clock))
            .await
            .map_err(|error| Problem::from_store(&error))?;
        Ok(Opened {
            files,
            cache,
            store,
            refused,
            problems: notices.into_iter().chain(cache_problem).collect(),
            _claim: claim,
            desk,
        })
    }

    /// Closes them.
    pub(crate) async fn close(self) {
        self.cache.close().await;
        self.store.close().await;
    }
}

/// What a generation works with.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) secrets: Secrets,
    /// Why the settings or the secrets cannot be used.
    pub(crate) settings_problem: Option<Problem>,
    /// The practice organization, if one was started.
    pub(crate) practised: Option<Practised>,
}

/// What others reach of a generation.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) desk: ConsoleDesk,
    pub(crate) practice: Option<PracticeConsole>,
    pub(crate) recorder: Recorder,
    pub(crate) links: Links,
    pub(crate) search: Search,
    pub(crate) data: LocalData,
    pub(crate) synchroniser: Synchroniser,
    pub(crate) client: Result<Client, Problem>,
    pub(crate) store: Store,
    /// With the addresses of the practice organization in practice.
    pub(crate) settings: Arc<Settings>,
}

/// One run with the same settings.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) plan: Plan,
    running: Running,
    /// Why consoles cannot connect.
    pub(crate) bridge_problem: Option<Problem>,
    bridge: Option<Bridge>,
    pub(crate) opened: Opened,
    stop: CancellationToken,
    controller: JoinHandle<(Channels, Remembered)>,
    tasks: TaskTracker,
}

/// What is left of a generation that was stopped.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) plan: Plan,
    pub(crate) opened: Opened,
    pub(crate) carried: Carried,
}

impl Generation {
    pub(crate) async fn start(
        core: &Core,
        plan: Plan,
        opened: Opened,
        carried: Carried,
    ) -> Generation {
        let Plan {
            settings,
            secrets,
            settings_problem,
            practised,
        } = plan.clone();
        let clock = &core.clock;
        let client = match settings_problem {
            Some(problem) => Err(problem),
            None => connection::client(&settings.connection, &secrets, clock.now()),
        };
        let known = match &client {
            Ok(client) => schema::known(&opened.cache, client).await.map(Arc::new),
            Err(_) => None,
        };
        let columns = known.as_deref().map(schema::columns).unwrap_or_default();
        core.schema.send_replace(known);
        let recorder = Recorder::new(RecorderParts {
            store: opened.store.clone(),
            clock: Arc::clone(clock),
            jitter: core.jitter,
            organization: place(&client, &settings.connection),
            client: client.clone(),
            identification: settings.identification.clone(),
            fields: settings.fields.clone(),
            recording: settings.recording.clone(),
            schema: core.schema.subscribe(),
        });
        if let Some(before) = &carried.recorder {
            recorder.take_conversations_of(before);
        }

        let links = Links {
            recorder: recorder.clone(),
            cache: opened.cache.clone(),
        };
        let synchroniser = Synchroniser::new(SynchroniserParts {
            client: client.clone(),
            cache: opened.cache.clone(),
            clock: Arc::clone(clock),
            jitter: core.jitter,
            offline: settings.offline.clone(),
            identification: settings.identification.clone(),
            fields: settings.fields.clone(),
            schema: core.schema.subscribe(),
        });
        let (shown_in, shown) = watch::channel(ShownVisitor::default());
        let options = BridgeOptions {
            port: settings.bridge.port,
            console_origins: settings.bridge.console_origins.clone(),
            allowed_origins: settings.bridge.allowed_origins.clone(),
            desk: opened.desk.clone(),
            recorder: recorder.clone(),
            events: core.events.clone(),
            shown,
        };
        let (bridge, bridge_problem) = match core.listens.then(|| Bridge::open(options)) {
            None => (None, None),
            Some(opening) => match opening.await {
                Ok(bridge) => (Some(bridge), None),
                Err(problem) => {
                    tracing::warn!(
                        error.code = problem.code,
                        "the console bridge does not listen"
                    );
                    (None, Some(problem))
                }
            },
        };
        let address = bridge.as_ref().map(Bridge::address);
        core.bridge.send_replace(address);
        let bridge_address = address.map_or_else(
            || format!("127.0.0.1:{}", settings.bridge.port),
            |address| address.to_string(),
        );
        let practises = practised.filter(|practised| practised.connection == settings.connection);
        let practice = practises.map(|practised| {
            PracticeConsole::new(
                practised.samples,
                opened.desk.clone(),
                bridge_address.clone(),
                Arc::clone(clock),
            )
        });

        let organization = match &client {
            Ok(client) => client.organization().host().to_owned(),
            // Only the host: an address that was refused may hold anything, a password too.
            Err(_) => settings
                .connection
                .organization_url
                .as_deref()
                .and_then(|address| url::Url::parse(address).ok())
                .and_then(|address| address.host_str().map(str::to_owned))
                .unwrap_or_default(),
        };
        let person = connection::is_person(&settings.connection)
            .then(|| PersonsSignIn::new(secrets.person.clone(), settings.connection.sign_in));
        let kind = if practice.is_some() {
            ConnectionKindView::Practice
        } else {
            kind_view(settings.connection.kind)
        };
        let parts = Parts {
            kind,
            organization,
            client: client.clone(),
            rules: Arc::new(Rules {
                identification: settings.identification.clone(),
                fields: settings.fields.clone(),
                columns,
            }),
            cache: opened.cache.clone(),
            schema: core.schema.clone(),
            clock: Arc::clone(clock),
            desk: opened.desk.clone(),
            bridge_address,
            bridge_problem: bridge_problem.clone(),
            file_problems: opened.problems.clone(),
            practice: practice.clone(),
            person,
            recorder: recorder.clone(),
            links: links.clone(),
            synchroniser: synchroniser.clone(),
        };
        let running = Running {
            desk: opened.desk.clone(),
            practice,
            recorder: recorder.clone(),
            links,
            search: Search::new(recorder.clone(), opened.cache.clone()),
            data: LocalData {
                files: opened.files.clone(),
                cache: opened.cache.clone(),
                store: opened.store.clone(),
                clock: Arc::clone(clock),
                organization: place(&client, &settings.connection),
                country: settings.identification.default_country.clone(),
            },
            synchroniser: synchroniser.clone(),
            client,
            store: opened.store.clone(),
            settings: Arc::new(settings),
        };
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        // The first number costs much more than the others; the first visitor should not wait for that.
        tasks.spawn_blocking(|| integration::phone::Number::parse("+1 202 555 0100", None));
        let first = controller::first_view(&parts, core.view.borrow().revision + 1);
        core.view.send_replace(Arc::new(first));
        let Carried {
            channels,
            remembered,
            ..
        } = carried;
        let controller = tokio::spawn(controller::run(parts, channels, remembered, stop.clone()));
        tasks.spawn(recorder::run(recorder, stop.clone()));
        // A command that ends at once leaves it to the companion that goes on.
        if core.listens {
            tasks.spawn(synchronise::run(synchroniser, stop.clone()));
        }
        tasks.spawn(tell_consoles(core.view.subscribe(), shown_in, stop.clone()));
        Generation {
            plan,
            running,
            bridge_problem,
            bridge,
            opened,
            stop,
            controller,
            tasks,
        }
    }

    /// What others reach of it.
    pub(crate) fn running(&self) -> Running {
        self.running.clone()
    }

    /// Stops it and waits until it has.
    pub(crate) async fn stop(self) -> Stopped {
        self.stop.cancel();
        if let Some(bridge) = self.bridge {
            bridge.close().await;
        }
        let (channels, remembered) = match self.controller.await {
            Ok(carried) => carried,
            // It panicked: then so does whoever waits for it.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => unreachable!("nobody aborts the controller: {error}"),
            },
        };
        self.tasks.close();
        self.tasks.wait().await;
        Stopped {
            plan: self.plan,
            opened: self.opened,
            carried: Carried {
                channels,
                remembered,
                recorder: Some(self.running.recorder),
            },
        }
    }
}
/// Where the organization is, as text: entries of the outbox are for one. Empty if it is not known.
fn place(client: &Result<dataverse::Client, Problem>, settings: &ConnectionSettings) -> String {
    match client {
        Ok(client) => client.organization().web_root().to_string(),
        Err(_) => organization(settings),
    }
}

/// Where the organization of these settings is, as text. Empty if it is not known.
#[must_use]
pub fn organization(settings: &ConnectionSettings) -> String {
    settings
        .organization_url
        .as_deref()
        .and_then(|address| dataverse::OrganizationUrl::parse(address, "v9.2").ok())
        .map(|url| url.web_root().to_string())
        .unwrap_or_default()
}

fn kind_view(kind: ConnectionKind) -> ConnectionKindView {
    match kind {
        ConnectionKind::Cloud => ConnectionKindView::Cloud,
        ConnectionKind::OnPremises => ConnectionKindView::OnPremises,
        ConnectionKind::Practice => ConnectionKindView::Practice,
    }
}

/// Tells the consoles what is shown.
async fn tell_consoles(
    mut view: watch::Receiver<Arc<View>>,
    shown: watch::Sender<ShownVisitor>,
    stop: CancellationToken,
) {
    loop {
        let now = shown_visitor(&view.borrow_and_update());
        shown.send_if_modified(|before| {
            let changed = *before != now;
            *before = now;
            changed
        });
        tokio::select! {
            () = stop.cancelled() => return,
            changed = view.changed() => if changed.is_err() { return },
        }
    }
}

fn shown_visitor(view: &View) -> ShownVisitor {
    let cards = [
        &view.recognition.contact,
        &view.recognition.account,
        &view.recognition.lead,
    ];
    let found = cards.iter().any(|card| card.state == CardState::Found);
    let settled = matches!(
        view.recognition.state,
        RecognitionState::Live | RecognitionState::Unidentifiable
    ) && view.recognition.problem.is_none();
    ShownVisitor {
        chat_id: view
            .visitor
            .as_ref()
            .and_then(|visitor| visitor.chat_id.clone()),
        recognized: if found {
            Some(true)
        } else {
            settled.then_some(false)
        },
    }
}
