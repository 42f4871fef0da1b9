//! The sign-in of the person who sits here, as the controller sees it: one at a time, in the browser or on another
//! device, until it ends or is cancelled.

use std::sync::Arc;

use dataverse::Client;
use store::Cache;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{info, warn};
use url::Url;

use crate::clock::Clock;
use crate::controller::wipe;
use crate::problem::Problem;
use crate::secrets::Person;
use crate::settings::SignInKind;
use crate::view::{DeviceCodeView, PersonView};

/// What a sign-in that is under way tells the controller.
#[derive(Debug)]
pub(crate) struct SignInNews {
    number: u64,
    event: Event,
}

#[derive(Debug)]
enum Event {
    /// There is a code to type.
    Device(DeviceCodeView),
    /// It came to an end.
    Ended(Result<(), Problem>),
}

/// The person's sign-in.
#[derive(Debug)]
pub(crate) struct PersonsSignIn {
    person: Person,
    kind: SignInKind,
    /// Rises with every attempt; news of earlier ones are dropped.
    number: u64,
    under_way: Option<JoinHandle<()>>,
    device: Option<DeviceCodeView>,
}

impl PersonsSignIn {
    pub(crate) fn new(person: Person, kind: SignInKind) -> PersonsSignIn {
        PersonsSignIn {
            person,
            kind,
            number: 0,
            under_way: None,
            device: None,
        }
    }

    /// Begins; an attempt that was under way ends first.
    pub(crate) fn begin<T: Future<Output = ()> + Send>(
        &mut self,
        client: Client,
        cache: Cache,
        clock: Arc<dyn Clock>,
        tell: impl Fn(SignInNews) -> T + Send + Sync + 'static,
        answer: oneshot::Sender<Result<Option<Url>, Problem>>,
    ) {
        let former = self.under_way.take();
        self.number += 1;
        self.device = None;
        let (number, kind) = (self.number, self.kind);
        self.under_way = Some(tokio::spawn(async move {
            if let Some(former) = former {
                former.abort();
                // That it was aborted is what was wanted.
                let _ = former.await;
            }
            let attempt = Attempt {
                client: &client,
                clock: &*clock,
                number,
                tell: &tell,
            };
            let outcome = match kind {
                SignInKind::Device => attempt.on_another_device(answer).await,
                SignInKind::Secret | SignInKind::Yourself => attempt.in_browser(answer).await,
            };
            if outcome.is_ok() {
                // It may be somebody else than before.
                wipe(&cache).await;
            }
            attempt.tell(Event::Ended(outcome)).await;
        }));
    }

    /// Ends the attempt that is under way.
    pub(crate) fn cancel(&mut self) {
        self.number += 1;
        self.device = None;
        if let Some(under_way) = self.under_way.take() {
            under_way.abort();
        }
    }

    /// Takes news; says how an attempt ended, if one did.
    pub(crate) fn take(&mut self, news: SignInNews) -> Option<Result<(), Problem>> {
        if news.number != self.number {
            return None;
        }
        match news.event {
            Event::Device(device) => {
                self.device = Some(device);
                None
            }
            Event::Ended(outcome) => {
                self.device = None;
                self.under_way = None;
                Some(outcome)
            }
        }
    }

    pub(crate) fn view(&self) -> PersonView {
        PersonView {
            waiting: self.under_way.is_some(),
            device: self.device.clone(),
            session_only: self.person.session_only(),
        }
    }
}

struct Attempt<'a, F> {
    client: &'a Client,
    clock: &'a dyn Clock,
    number: u64,
    tell: &'a F,
}

impl<T: Future<Output = ()>, F: Fn(SignInNews) -> T> Attempt<'_, F> {
    async fn in_browser(
        &self,
        answer: oneshot::Sender<Result<Option<Url>, Problem>>,
    ) -> Result<(), Problem> {
        match self.client.sign_in_with_browser().await {
            Ok(attempt) => {
                let _ = answer.send(Ok(Some(attempt.url().clone())));
                self.ended(attempt.finish().await)
            }
            Err(error) => self.not_begun(&error, answer),
        }
    }

    async fn on_another_device(
        &self,
        answer: oneshot::Sender<Result<Option<Url>, Problem>>,
    ) -> Result<(), Problem> {
        match self.client.sign_in_with_device_code().await {
            Ok(attempt) => {
                self.tell(Event::Device(DeviceCodeView {
                    code: attempt.user_code().to_owned(),
                    page: attempt.page().to_string(),
                }))
                .await;
                let _ = answer.send(Ok(None));
                self.ended(attempt.finish().await)
            }
            Err(error) => self.not_begun(&error, answer),
        }
    }

    fn not_begun(
        &self,
        error: &dataverse::Error,
        answer: oneshot::Sender<Result<Option<Url>, Problem>>,
    ) -> Result<(), Problem> {
        let problem = self.problem(error);
        let _ = answer.send(Err(problem.clone()));
        Err(problem)
    }

    fn ended(&self, outcome: Result<(), dataverse::Error>) -> Result<(), Problem> {
        if outcome.is_ok() {
            info!("a person signed in");
        }
        outcome.map_err(|error| self.problem(&error))
    }

    fn problem(&self, error: &dataverse::Error) -> Problem {
        warn!(error.code = error.code(), error.chain = %error, "nobody signed in");
        Problem::from_dataverse(error, self.clock.now())
    }

    async fn tell(&self, event: Event) {
        let number = self.number;
        (self.tell)(SignInNews { number, event }).await;
    }
}
