//! Starting and stopping everything.

use std::sync::Arc;

use store::{Cache, Store};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bridge::{Bridge, BridgeOptions, ConsoleDesk, ShownVisitor};
use crate::clock::{Clock, SystemClock};
use crate::connection;
use crate::controller::{self, Channels, Parts};
use crate::data::{LocalData, Lock};
use crate::files::{Files, OpenedStore};
use crate::handle::Handle;
use crate::links::Links;
use crate::person::PersonsSignIn;
use crate::practice::{PracticeConsole, SampleVisitor};
use crate::problem::Problem;
use crate::recognise::Rules;
use crate::recorder::{self, Jitter, Recorder, RecorderParts};
use crate::schema;
use crate::search::Search;
use crate::secrets::Secrets;
use crate::settings::{ConnectionKind, ConnectionSettings, Settings};
use crate::view::{CardState, ConnectionKindView, RecognitionState, View};

/// What to start with.
#[derive(Debug)]
pub struct Options {
    /// The settings.
    pub settings: Settings,
    /// The secrets of the connection.
    pub secrets: Secrets,
    /// Why the settings or the secrets cannot be used. There is no connection then, and the view says why.
    pub settings_problem: Option<Problem>,
    /// Where the files lie.
    pub files: Files,
    /// Sample visitors for the practice console; empty without it.
    pub samples: Vec<SampleVisitor>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What spreads the waits before something is tried again.
    pub jitter: Jitter,
    /// Whether consoles can connect. A command that ends at once need not be reached.
    pub listens: bool,
}

impl Options {
    /// Settings and secrets with files in memory, no practice console, and the computer's clock.
    #[must_use]
    pub fn new(settings: Settings, secrets: Secrets) -> Options {
        Options {
            settings,
            secrets,
            settings_problem: None,
            files: Files::Memory,
            samples: Vec::new(),
            clock: Arc::new(SystemClock),
            jitter: Jitter::default(),
            listens: true,
        }
    }
}

/// The running back end.
#[derive(Debug)]
pub struct Backend {
    handle: Handle,
    bridge: Option<Bridge>,
    cache: Cache,
    store: Store,
    store_refused: Option<Problem>,
    /// Keeps another one from taking what consoles say with the same files.
    _claim: Option<std::fs::File>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Backend {
    /// Starts everything. What is wrong with the connection, the bridge or the files is no reason not to
    /// start: it stands in the view.
    ///
    /// # Errors
    /// If SQLite cannot open any database at all.
    pub async fn start(options: Options) -> Result<Backend, Problem> {
        let Options {
            settings,
            secrets,
            settings_problem,
            files,
            samples,
            clock,
            jitter,
            listens,
        } = options;
        // A command that ends at once may share the files with the one that consoles are connected to.
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
        let file_problems = notices.into_iter().chain(cache_problem).collect();
        let desk = ConsoleDesk::open(store.clone(), Arc::clone(&clock))
            .await
            .map_err(|error| Problem::from_store(&error))?;

        let client = match settings_problem {
            Some(problem) => Err(problem),
            None => connection::client(&settings.connection, &secrets, clock.now()),
        };
        let known = match &client {
            Ok(client) => schema::known(&cache, client).await.map(Arc::new),
            Err(_) => None,
        };
        let columns = known.as_deref().map(schema::columns).unwrap_or_default();
        let data_organization = place(&client, &settings.connection);
        let data_clock = Arc::clone(&clock);
        let country = settings.identification.default_country.clone();
        let (schema_in, schema) = watch::channel(known);
        let recorder = Recorder::new(RecorderParts {
            store: store.clone(),
            clock: Arc::clone(&clock),
            jitter,
            organization: place(&client, &settings.connection),
            client: client.clone(),
            identification: settings.identification.clone(),
            fields: settings.fields.clone(),
            recording: settings.recording.clone(),
            schema: schema.clone(),
        });

        let links = Links {
            recorder: recorder.clone(),
            cache: cache.clone(),
        };

        let (events_in, events) = mpsc::channel(64);
        let (commands_in, commands) = mpsc::channel(64);
        let (shown_in, shown) = watch::channel(ShownVisitor::default());
        let bridge = BridgeOptions {
            port: settings.bridge.port,
            console_origins: settings.bridge.console_origins.clone(),
            allowed_origins: settings.bridge.allowed_origins.clone(),
            desk: desk.clone(),
            recorder: recorder.clone(),
            events: events_in,
            shown,
        };
        let (bridge, bridge_problem) = match listens.then(|| Bridge::open(bridge)) {
            None => (None, None),
            Some(opened) => match opened.await {
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
        let bridge_address = bridge.as_ref().map_or_else(
            || format!("127.0.0.1:{}", settings.bridge.port),
            |bridge| bridge.address().to_string(),
        );
        let practice = (!samples.is_empty()).then(|| {
            PracticeConsole::new(
                samples,
                desk.clone(),
                bridge_address.clone(),
                Arc::clone(&clock),
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
            client,
            rules: Arc::new(Rules {
                identification: settings.identification,
                fields: settings.fields,
                columns,
            }),
            cache: cache.clone(),
            schema: schema_in,
            clock,
            desk: desk.clone(),
            bridge_address,
            bridge_problem,
            file_problems,
            practice: practice.clone(),
            person,
            recorder: recorder.clone(),
            links: links.clone(),
        };
        let (view_in, view) = watch::channel(Arc::new(controller::first_view(&parts)));
        let handle = Handle {
            commands: commands_in,
            view,
            desk,
            schema,
            practice,
            recorder: recorder.clone(),
            links,
            search: Search::new(recorder.clone(), cache.clone()),
            data: LocalData {
                files,
                cache: cache.clone(),
                store: store.clone(),
                clock: data_clock,
                organization: data_organization,
                country,
            },
            lock: Lock::default(),
        };

        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        // The first number costs much more than the others; the first visitor should not wait for that.
        tasks.spawn_blocking(|| integration::phone::Number::parse("+1 202 555 0100", None));
        tasks.spawn(controller::run(
            parts,
            Channels {
                events,
                commands,
                view: view_in,
            },
            stop.clone(),
        ));
        tasks.spawn(recorder::run(recorder, stop.clone()));
        tasks.spawn(tell_consoles(handle.watch(), shown_in, stop.clone()));
        Ok(Backend {
            handle,
            bridge,
            cache,
            store,
            store_refused: refused,
            _claim: claim,
            stop,
            tasks,
        })
    }

    /// Why what must not be lost is in memory only, where files were asked for. The view says so too; whoever has nobody to
    /// look at it refuses to go on.
    #[must_use]
    pub fn store_refused(&self) -> Option<&Problem> {
        self.store_refused.as_ref()
    }

    /// The way to it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where the console bridge listens, if it does.
    #[must_use]
    pub fn bridge_address(&self) -> Option<std::net::SocketAddr> {
        self.bridge.as_ref().map(Bridge::address)
    }

    /// Stops everything and waits until it has.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Some(bridge) = self.bridge {
            bridge.close().await;
        }
        self.tasks.close();
        self.tasks.wait().await;
        self.cache.close().await;
        self.store.close().await;
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
