//! The one door to the network: bounds in time and size, `Retry-After`, repetition, and what a failure means.

use crate::error::{Endpoint, Error, Result, ServiceAnswer};
use crate::traffic::{Limits, Traffic, Urgency};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value};
use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use url::Url;

/// How long to wait for the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOuts {
    /// For a connection; 10 seconds by default.
    pub connect: Duration,
    /// For one whole request with its answer; 30 seconds by default.
    pub request: Duration,
}

impl Default for TimeOuts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(30),
        }
    }
}

/// How a failed request is repeated where the service does not say when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is repeated after 502, 503, 504 or a broken connection; twice by default. Only reads and
    /// conditional writes are repeated.
    pub repeats: u32,
    /// The longest delay before the first repetition, doubled for each further one; 250 ms by default. The real delay is
    /// drawn between half of it and the whole.
    pub first_delay: Duration,
    /// How long a refused sign-in is remembered, so that a wrong password is not tried until the account locks; 30
    /// seconds by default. [`crate::Client::sign_in`] asks at once.
    pub refused_sign_in: Duration,
    /// Where the drawn delays begin, so that they can be drawn again; none takes the system's randomness.
    pub seed: Option<u64>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            repeats: 2,
            first_delay: Duration::from_millis(250),
            refused_sign_in: Duration::from_secs(30),
            seed: None,
        }
    }
}

impl RetryPolicy {
    /// `drawn` lies between 0 and 1.
    fn delay(&self, repeated: u32, drawn: f64) -> Duration {
        let longest = self.first_delay.saturating_mul(1 << repeated.min(6));
        longest.mul_f64(0.5 + drawn / 2.0)
    }
}

/// No answer is larger than this: 32 MiB.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;
/// A service that says "again in 0 seconds" does not keep us busy forever.
const MOST_WAITS: u32 = 10;

#[derive(Clone)]
pub(crate) struct Transport {
    http: reqwest::Client,
    pub(crate) retry: RetryPolicy,
    random: Arc<Mutex<StdRng>>,
    traffic: Arc<Traffic>,
    urgency: Urgency,
}

/// One request, as often as it has to be sent.
pub(crate) struct Request {
    pub endpoint: Endpoint,
    /// What is done, for the log: `query`, `upsert`, `sign_in`.
    pub operation: &'static str,
    /// On which entity set, for the log.
    pub entity_set: Option<String>,
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<String>,
    /// Whether sending it twice has the effect of sending it once.
    pub repeatable: bool,
}

/// A complete answer.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Transport {
    /// `uses_tls` says whether any of the addresses is https: reading the system's certificates takes time, which the
    /// practice organization can do without.
    pub fn new(
        time_outs: TimeOuts,
        extra_roots_pem: Option<&[u8]>,
        uses_tls: bool,
        uses_proxy: bool,
        retry: RetryPolicy,
        limits: Limits,
    ) -> Result<Self> {
        // Whoever comes first installs it; that there is one already is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("dynamics-companion/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(time_outs.connect)
            .timeout(time_outs.request)
            .redirect(reqwest::redirect::Policy::none());
        if !uses_proxy {
            builder = builder.no_proxy();
        }
        if !uses_tls {
            builder = builder.tls_certs_only([]);
        } else if let Some(pem) = extra_roots_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|error| Error::InvalidRootCertificates(Some(Arc::new(error))))?;
            if roots.is_empty() {
                return Err(Error::InvalidRootCertificates(None));
            }
            builder = builder.tls_certs_merge(roots);
        }
        let http = builder.build().map_err(|error| match extra_roots_pem {
            Some(_) => Error::InvalidRootCertificates(Some(Arc::new(error))),
            None => Error::NoRootCertificates(Arc::new(error)),
        })?;
        let seed = retry.seed.unwrap_or_else(rand::random);
        Ok(Self {
            http,
            retry,
            random: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))),
            traffic: Arc::new(Traffic::new(limits)),
            urgency: Urgency::Asked,
        })
    }

    /// The same door for work that nobody waits for.
    pub fn in_background(&self) -> Self {
        Self {
            urgency: Urgency::Background,
            ..self.clone()
        }
    }

    /// Lets the next request to the organization through, whatever was noted about it.
    pub fn let_through(&self) {
        self.traffic.let_through();
    }

    /// Sends a request until there is an answer to keep. `budget` is what may still be spent on `Retry-After`.
    pub async fn send(&self, request: &Request, budget: &mut Duration) -> Result<Answer> {
        self.send_through(request, budget, Ok).await
    }

    /// The same, where the answer that counts is inside the one that comes.
    pub async fn send_through(
        &self,
        request: &Request,
        budget: &mut Duration,
        unwrap: fn(Answer) -> Result<Answer>,
    ) -> Result<Answer> {
        self.repeat(request, budget, || async {
            self.exchange(request).await.and_then(unwrap)
        })
        .await
    }

    /// Everything but the exchange itself: places, waits, repetitions.
    pub async fn repeat<E>(
        &self,
        request: &Request,
        budget: &mut Duration,
        exchange: impl Fn() -> E,
    ) -> Result<Answer>
    where
        E: Future<Output = Result<Answer>>,
    {
        let mut repeated = 0;
        let mut waited = 0;
        let mut last = None;
        let _asked = match request.endpoint {
            Endpoint::Organization => self.traffic.asked(self.urgency),
            Endpoint::SignInService => None,
        };
        loop {
            let outcome = match request.endpoint {
                Endpoint::SignInService => exchange().await,
                Endpoint::Organization => match self.traffic.enter(self.urgency, budget).await {
                    Ok(pass) => {
                        let outcome = exchange().await;
                        pass.ended(&outcome);
                        outcome
                    }
                    // What was answered says more than that it is not asked again.
                    Err(error) => return last.unwrap_or(Err(error)),
                },
            };
            match next(&outcome) {
                Next::Wait(wait) if wait <= *budget && waited < MOST_WAITS => {
                    waited += 1;
                    *budget -= wait;
                    sleep(wait).await;
                }
                Next::Repeat if request.repeatable && repeated < self.retry.repeats => {
                    sleep(self.retry.delay(repeated, self.draw())).await;
                    repeated += 1;
                }
                Next::Keep | Next::Wait(_) | Next::Repeat => return outcome,
            }
            last = Some(outcome);
        }
    }

    fn draw(&self) -> f64 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.random_range(0.0..=1.0)
    }

    async fn exchange(&self, request: &Request) -> Result<Answer> {
        let started = Instant::now();
        let outcome = self.exchange_unlogged(request).await;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (operation, entity_set) = (request.operation, request.entity_set.as_deref());
        match &outcome {
            Ok(answer) => tracing::debug!(
                operation,
                entity_set,
                status = answer.status.as_u16(),
                duration_ms,
                request_id = answer.service_answer(None, None).request_id(),
                "answered"
            ),
            Err(error) => tracing::debug!(
                operation,
                entity_set,
                code = error.code(),
                duration_ms,
                "no answer"
            ),
        }
        outcome
    }

    async fn exchange_unlogged(&self, request: &Request) -> Result<Answer> {
        let mut builder = self
            .http
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let failed = |error| failure(request, error);
        let mut response = builder.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Error::AnswerTooLarge {
                    limit: LARGEST_ANSWER,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

/// What to do after one exchange.
enum Next {
    Keep,
    Wait(Duration),
    Repeat,
}

fn next(outcome: &Result<Answer>) -> Next {
    match outcome {
        Ok(answer) => match (answer.status.as_u16(), answer.retry_after()) {
            (429 | 503, Some(wait)) => Next::Wait(wait),
            (429 | 502..=504, _) => Next::Repeat,
            (500, _) if answer.passes_by_itself() => Next::Repeat,
            _ => Next::Keep,
        },
        // After a time-out the person has waited long enough; a certificate does not get better.
        Err(
            Error::DnsFailed { .. } | Error::HostUnreachable { .. } | Error::ConnectionLost { .. },
        ) => Next::Repeat,
        Err(_) => Next::Keep,
    }
}

impl Answer {
    pub fn request_id(&self) -> Option<&str> {
        [
            "req_id",
            "x-ms-service-request-id",
            "x-ms-request-id",
            "client-request-id",
        ]
        .iter()
        .find_map(|name| self.headers.get(*name)?.to_str().ok())
    }

    /// How long to wait: seconds, or a date, which is read against the service's own clock where it tells it.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = value.parse::<u32>() {
            return Some(Duration::from_secs(seconds.into()));
        }
        let until = http_date(value)?;
        let now = self
            .headers
            .get(DATE)
            .and_then(|date| http_date(date.to_str().ok()?))
            .unwrap_or_else(Timestamp::now);
        Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
    }

    /// The bearer challenge of a 401, whose parameters are neither quoted nor separated as the standard asks (protocol
    /// page `auth.md`, section 6).
    pub fn challenge(&self, parameter: &str) -> Option<String> {
        self.headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok()?.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .flat_map(|(_, parameters)| parameters.split(','))
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(parameter))
            .map(|(_, value)| value.trim().trim_matches('"').to_owned())
            .filter(|value| !value.is_empty())
    }

    /// The body as a JSON object; none if it is something else.
    pub fn json_object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(self.body_without_mark()).ok()
    }

    /// This answer if it is a success, otherwise the error it stands for.
    pub fn into_success(self) -> Result<Self> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(self.into_error())
        }
    }

    /// The plain number of a success, as `/$count` gives it.
    pub fn into_number(self) -> Result<u64> {
        std::str::from_utf8(self.body_without_mark())
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .ok_or_else(|| self.not_dataverse())
    }

    /// The JSON object of a success, or why there is none.
    pub fn into_success_object(self) -> Result<Map<String, Value>> {
        match serde_json::from_slice::<Value>(self.body_without_mark()) {
            Ok(Value::Object(members)) => Ok(members),
            Ok(_) => Err(self.not_dataverse()),
            Err(_) if self.looks_like_json() => Err(Error::InvalidAnswer {
                reason: "the JSON is cut off or damaged",
                request_id: self
                    .service_answer(None, None)
                    .request_id()
                    .map(str::to_owned),
            }),
            Err(_) => Err(self.not_dataverse()),
        }
    }

    /// A time-out of the database or a lock that another one held (protocol page `errors-and-limits.md`, section "Code
    /// table").
    fn passes_by_itself(&self) -> bool {
        matches!(
            self.error().dataverse_code(),
            Some("0x80044151" | "0x80044339")
        )
    }

    /// The error that an answer which is no success stands for.
    pub fn into_error(self) -> Error {
        self.error()
    }

    /// The same, of an answer that is still needed.
    pub fn error(&self) -> Error {
        let object = self.json_object();
        let error = object
            .as_ref()
            .and_then(|members| members.get("error")?.as_object());
        let member = |name| error.and_then(|error| error.get(name)?.as_str());
        let answer = self.service_answer(member("code"), member("message"));
        Error::from_answer(answer, error.is_some(), self.retry_after())
    }

    pub fn service_answer(&self, code: Option<&str>, text: Option<&str>) -> ServiceAnswer {
        ServiceAnswer::new(Some(self.status.as_u16()), code, text, self.request_id())
    }

    fn not_dataverse(&self) -> Error {
        Error::NotDataverse {
            answer: Some(self.service_answer(None, None)),
        }
    }

    /// The body without a byte order mark.
    pub fn body_without_mark(&self) -> &[u8] {
        self.body
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&self.body)
    }

    fn looks_like_json(&self) -> bool {
        self.body_without_mark().trim_ascii_start().first() == Some(&b'{')
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|date| date.timestamp())
}

/// Which of our errors a failure of the HTTP library is. Its URL, which holds the filter, is taken out.
fn failure(request: &Request, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let endpoint = request.endpoint;
    let host = request.url.host_str().unwrap_or_default().to_owned();
    let is_tls = chain_has(&error, &|cause| cause.is::<rustls::Error>());
    let is_io = |kinds: &[io::ErrorKind]| {
        chain_has(&error, &|cause| {
            cause
                .downcast_ref::<io::Error>()
                .is_some_and(|e| kinds.contains(&e.kind()))
        })
    };
    let is_unreachable = is_io(&[
        io::ErrorKind::ConnectionRefused,
        io::ErrorKind::HostUnreachable,
        io::ErrorKind::NetworkUnreachable,
        io::ErrorKind::NetworkDown,
        io::ErrorKind::NotConnected,
        io::ErrorKind::AddrNotAvailable,
    ]);
    let is_cut_off_at_connect = error.is_connect();
    let (is_dns, is_timeout) = (error.is_dns(), error.is_timeout());
    let source = Arc::new(error);
    if is_dns {
        Error::DnsFailed {
            endpoint,
            host,
            source,
        }
    } else if is_tls {
        Error::TlsFailed {
            endpoint,
            host,
            source,
        }
    } else if is_timeout {
        Error::TimedOut {
            endpoint,
            host,
            source,
        }
    } else if is_unreachable || is_cut_off_at_connect {
        Error::HostUnreachable {
            endpoint,
            host,
            source,
        }
    } else {
        Error::ConnectionLost {
            endpoint,
            host,
            source,
        }
    }
}

/// Walks a chain of causes. `io::Error` keeps the error it wraps out of `source`, so it is looked into as well.
fn chain_has(
    error: &(dyn StdError + 'static),
    fits: &dyn Fn(&(dyn StdError + 'static)) -> bool,
) -> bool {
    if fits(error) {
        return true;
    }
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(inner) => chain_has(inner, fits),
        None => error.source().is_some_and(|source| chain_has(source, fits)),
    }
}
