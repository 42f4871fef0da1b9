//! Places, waits and rests on a clock that stands still until everybody waits.

use super::*;
use crate::error::Endpoint;
use crate::transport::{Request, RetryPolicy, TimeOuts, Transport};
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use url::Url;

const SECOND: Duration = Duration::from_secs(1);
const BUDGET: Duration = Duration::from_secs(20);

fn transport(limits: Limits) -> Transport {
    transport_with(
        limits,
        RetryPolicy {
            repeats: 0,
            ..RetryPolicy::default()
        },
    )
}

fn transport_with(limits: Limits, retry: RetryPolicy) -> Transport {
    Transport::new(TimeOuts::default(), None, false, false, retry, limits).unwrap()
}

fn request() -> Request {
    Request {
        endpoint: Endpoint::Organization,
        operation: "query",
        entity_set: None,
        method: Method::GET,
        url: Url::parse("http://127.0.0.1/").unwrap(),
        headers: HeaderMap::new(),
        body: None,
        repeatable: true,
    }
}

fn answer(status: u16, retry_after: Option<u64>) -> Result<Answer> {
    let headers = retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds)));
    Ok(Answer {
        status: StatusCode::from_u16(status).unwrap_or_default(),
        headers: HeaderMap::from_iter(headers),
        body: Vec::new(),
    })
}

async fn send<E: Future<Output = Result<Answer>>>(
    transport: &Transport,
    exchange: impl Fn() -> E,
) -> Result<Answer> {
    transport
        .repeat(&request(), &mut BUDGET.clone(), exchange)
        .await
}

/// How many exchanges are under way, and how many were at most.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    async fn exchange(&self) -> Result<Answer> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        sleep(SECOND).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        answer(200, None)
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_there_are_places() {
    let limits = Limits {
        concurrent: 3,
        kept_free: 1,
        ..Limits::default()
    };
    for (in_background, most, seconds) in [(false, 3, 4), (true, 2, 5)] {
        let transport = transport(limits);
        let transport = if in_background {
            transport.in_background()
        } else {
            transport
        };
        let crowd = Crowd::default();
        let started = Instant::now();
        let all = (0..10).map(|_| send(&transport, || crowd.exchange()));
        for outcome in futures_util::future::join_all(all).await {
            outcome.unwrap();
        }
        assert_eq!(crowd.most.load(Ordering::SeqCst), most);
        assert_eq!(started.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn background_work_waits_while_a_person_does() {
    let transport = transport(Limits {
        concurrent: 4,
        kept_free: 2,
        ..Limits::default()
    });
    let background = transport.in_background();
    let started = Instant::now();
    let asked = async |begins: u32, lasts: u32| {
        sleep(SECOND * begins).await;
        let exchange = || async {
            sleep(SECOND * lasts).await;
            answer(200, None)
        };
        send(&transport, exchange).await.unwrap();
    };
    let in_background = async {
        sleep(SECOND).await;
        let sent_at = std::sync::Mutex::new(Vec::new());
        let exchange = || async {
            sent_at.lock().unwrap().push(started.elapsed().as_secs());
            answer(200, None)
        };
        send(&background, exchange).await.unwrap();
        sent_at.into_inner().unwrap()
    };
    // The second one begins while the first is under way, so there is no gap.
    let ((), (), sent_at) = tokio::join!(asked(0, 5), asked(4, 3), in_background);
    assert_eq!(sent_at, [7]);
}

#[tokio::test(start_paused = true)]
async fn what_the_service_asks_to_wait_holds_for_everybody() {
    let transport = transport(Limits::default());
    let started = Instant::now();
    let sent = std::sync::Mutex::new(Vec::new());
    let exchange = |who: &'static str| {
        let sent = &sent;
        move || async move {
            let at = started.elapsed();
            sent.lock().unwrap().push((who, at.as_secs()));
            answer(
                if at < SECOND { 429 } else { 200 },
                (at < SECOND).then_some(7),
            )
        }
    };
    let later = async {
        sleep(SECOND * 2).await;
        send(&transport, exchange("later")).await.unwrap();
    };
    let background = transport.in_background();
    let in_background = async {
        sleep(SECOND).await;
        send(&background, exchange("background")).await.unwrap();
    };
    let first = async { send(&transport, exchange("first")).await.unwrap() };
    let _ = tokio::join!(first, later, in_background);
    let mut sent = sent.into_inner().unwrap();
    assert_eq!(sent.pop(), Some(("background", 7)), "it goes last");
    sent.sort_unstable();
    assert_eq!(sent, [("first", 0), ("first", 7), ("later", 7)]);
    // A millisecond for the clock's own grain.
    assert!(started.elapsed() <= SECOND * 7 + Duration::from_millis(2));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_budget_it_is_said_when() {
    let transport = transport(Limits::default());
    let sent = AtomicUsize::new(0);
    let exchange = || async {
        sent.fetch_add(1, Ordering::SeqCst);
        answer(429, Some(60))
    };
    let refused = send(&transport, exchange).await.unwrap();
    assert_eq!(refused.retry_after(), Some(SECOND * 60));
    sleep(SECOND * 15).await;
    let error = send(&transport, exchange).await.map(|_| ()).unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after()),
        ("throttled", Some(SECOND * 45))
    );
    assert_eq!(error.next_step(), "Try again in 45 seconds.");
    assert_eq!(sent.load(Ordering::SeqCst), 1);
    // What is left now fits.
    sleep(SECOND * 26).await;
    let _ = send(&transport, exchange).await.unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 2);
    // A person who wants to know now does.
    transport.let_through();
    let _ = send(&transport, exchange).await.unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), 3);
}

fn down() -> Result<Answer> {
    answer(503, None)
}

async fn bring_down(transport: &Transport, limits: &Limits) {
    for _ in 0..limits.failures {
        assert!(send(transport, || async { down() }).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_is_down_is_left_alone_for_a_while() {
    let limits = Limits::default();
    let transport = transport(limits);
    bring_down(&transport, &limits).await;
    let sent = AtomicUsize::new(0);
    let still_down = || async {
        sent.fetch_add(1, Ordering::SeqCst);
        down()
    };
    for rest in [5, 10, 20, 40, 60, 60] {
        let before = sent.load(Ordering::SeqCst);
        let error = send(&transport, still_down).await.map(|_| ()).unwrap_err();
        assert_eq!(
            (error.code(), error.retry_after(), error.is_offline()),
            ("resting", Some(SECOND * rest), true)
        );
        assert_eq!(error.next_step(), format!("Try again in {rest} seconds."));
        assert_eq!(sent.load(Ordering::SeqCst), before, "nothing was sent");
        sleep(SECOND * rest).await;
        let _ = send(&transport, still_down).await.unwrap();
        assert_eq!(sent.load(Ordering::SeqCst), before + 1);
    }
    // The person's "try again" goes through, and success ends it.
    transport.let_through();
    let _ = send(&transport, || async { answer(200, None) })
        .await
        .unwrap();
    let _ = send(&transport, still_down).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_request_tries_and_the_others_wait_for_what_it_finds() {
    let limits = Limits::default();
    let transport = transport(limits);
    bring_down(&transport, &limits).await;
    sleep(limits.rest).await;
    let crowd = Crowd::default();
    let at_first = AtomicUsize::new(0);
    let started = Instant::now();
    let exchange = || async {
        if started.elapsed() < SECOND {
            at_first.fetch_add(1, Ordering::SeqCst);
        }
        crowd.exchange().await
    };
    let all = (0..5).map(|_| send(&transport, exchange));
    for outcome in futures_util::future::join_all(all).await {
        outcome.unwrap();
    }
    assert_eq!(at_first.load(Ordering::SeqCst), 1);
    assert_eq!(crowd.most.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn when_the_one_that_tries_is_dropped_the_next_takes_over() {
    let limits = Limits::default();
    let transport = transport(limits);
    bring_down(&transport, &limits).await;
    sleep(limits.rest).await;
    let never = send(&transport, || async {
        std::future::pending::<()>().await;
        down()
    });
    let dropped = tokio::time::timeout(SECOND, never);
    let next = send(&transport, || async { answer(200, None) });
    let (dropped, next) = tokio::join!(dropped, next);
    assert!(dropped.is_err());
    assert_eq!(next.unwrap().status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_answers_is_not_down() {
    let limits = Limits::default();
    let transport = transport(limits);
    for _ in 0..3 {
        for _ in 1..limits.failures {
            let _ = send(&transport, || async { down() }).await.unwrap();
        }
        // A refusal, a failure of one request, a limit: somebody is there.
        for status in [404, 500, 429] {
            let _ = send(&transport, || async { answer(status, None) })
                .await
                .unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn delays_grow_and_are_drawn_from_the_seed() {
    let policy = RetryPolicy {
        repeats: 4,
        first_delay: SECOND,
        seed: Some(42),
        ..RetryPolicy::default()
    };
    let run = async || {
        let transport = transport_with(Limits::default(), policy);
        let times = Arc::new(std::sync::Mutex::new(Vec::new()));
        let exchange = || async {
            times.lock().unwrap().push(Instant::now());
            down()
        };
        let _ = send(&transport, exchange).await.unwrap();
        let times = times.lock().unwrap().clone();
        let delays = times.windows(2).map(|pair| pair[1] - pair[0]);
        delays.collect::<Vec<_>>()
    };
    let delays = run().await;
    assert_eq!(delays.len(), 4);
    for (delay, longest) in delays.iter().zip([1, 2, 4, 8]) {
        let longest = SECOND * longest;
        assert!(*delay >= longest / 2 && *delay <= longest + Duration::from_millis(1));
    }
    assert_eq!(run().await, delays);
}

#[tokio::test(start_paused = true)]
async fn a_lock_or_a_slow_database_is_asked_again() {
    for (code, sent) in [("0x80044151", 3), ("0x80044339", 3), ("0x80044150", 1)] {
        let transport = transport_with(Limits::default(), RetryPolicy::default());
        let times = AtomicUsize::new(0);
        let exchange = || async {
            times.fetch_add(1, Ordering::SeqCst);
            let mut answer = answer(500, None)?;
            answer.body = format!("{{\"error\":{{\"code\":\"{code}\"}}}}").into_bytes();
            Ok(answer)
        };
        let _ = send(&transport, exchange).await.unwrap();
        assert_eq!(times.load(Ordering::SeqCst), sent, "{code}");
    }
}
