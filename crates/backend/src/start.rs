//! Starting and stopping everything.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::clock::{Clock, SystemClock};
use crate::files::Files;
use crate::generation::{Core, Generation, Opened, Plan};
use crate::handle::Handle;
use crate::installation::{Installation, Practised};
use crate::manage::Management;
use crate::practice::SampleVisitor;
use crate::problem::Problem;
use crate::recorder::Jitter;
use crate::secrets::Secrets;
use crate::settings::Settings;

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
    /// Where other settings are saved and what they are started with; without it they cannot be changed.
    pub installation: Option<Installation>,
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
            installation: None,
        }
    }
}

/// The running back end.
#[derive(Debug)]
pub struct Backend {
    handle: Handle,
    core: Arc<Core>,
    generation: Arc<Mutex<Option<Generation>>>,
    store_refused: Option<Problem>,
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
            installation,
        } = options;
        // A command that ends at once may share the files with the one that consoles are connected to.
        let opened = Opened::open(files, listens, &clock).await?;
        let store_refused = opened.refused.clone();
        let practised = (!samples.is_empty()).then(|| Practised {
            connection: settings.connection.clone(),
            secrets: secrets.clone(),
            samples,
            organization: None,
        });
        let plan = Plan {
            settings,
            secrets,
            settings_problem,
            practised,
        };
        let (core, carried) = Core::new(clock, jitter, listens);
        let core = Arc::new(core);
        let generation = Generation::start(&core, plan, opened, carried).await;
        let running = generation.running();
        let generation = Arc::new(Mutex::new(Some(generation)));
        let running = Arc::new(tokio::sync::RwLock::new(running));
        let management = Management::new(
            installation,
            Arc::clone(&core),
            Arc::clone(&running),
            Arc::clone(&generation),
        );
        let handle = Handle {
            commands: core.commands.clone(),
            view: core.view.subscribe(),
            schema: core.schema.subscribe(),
            lock: core.lock.clone(),
            running,
            management,
        };
        Ok(Backend {
            handle,
            core,
            generation,
            store_refused,
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
    pub fn bridge_address(&self) -> Option<SocketAddr> {
        *self.core.bridge.borrow()
    }

    /// Stops everything and waits until it has.
    pub async fn stop(self) {
        let generation = self.generation.lock().await.take();
        if let Some(generation) = generation {
            let stopped = generation.stop().await;
            stopped.opened.close().await;
        }
    }
}
