//! What networks do: limits, outages, broken connections, wrong certificates, silence.

use crate::common::*;
use axum_server::tls_rustls::RustlsConfig;
use dataverse::{Client, Connection, Endpoint, Query, RetryPolicy, TimeOuts};
use serde_json::json;
use std::error::Error as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

fn limit(retry_after: &str) -> ResponseTemplate {
    dataverse_error(
        429,
        "0x80072322",
        "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
    )
    .insert_header("Retry-After", retry_after)
}

async fn first(server: &MockServer, times: u64, template: ResponseTemplate) {
    Mock::given(method("GET"))
        .respond_with(template)
        .up_to_n_times(times)
        .mount(server)
        .await;
}

#[tokio::test]
async fn retry_after_is_waited_for_exactly() {
    for status in [429, 503] {
        let server = MockServer::start().await;
        give_tokens(&server).await;
        let busy = ResponseTemplate::new(status).insert_header("Retry-After", "1");
        first(&server, 1, busy).await;
        answer(&server, "GET", "WhoAmI", who_am_i()).await;
        let client = client(&server);
        client.sign_in().await.unwrap();
        let started = Instant::now();
        client.who_am_i().await.unwrap();
        let waited = started.elapsed();
        assert!(
            waited >= Duration::from_secs(1) && waited < Duration::from_secs(3),
            "{waited:?}"
        );
        assert_eq!(count(&server, "/WhoAmI").await, 2);
    }
}

#[tokio::test]
async fn beyond_the_budget_the_error_says_when() {
    let server = organization("WhoAmI", limit("21")).await;
    let error = client(&server).who_am_i().await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after()),
        ("throttled", Some(Duration::from_secs(21)))
    );
    assert_eq!(error.dataverse_code(), Some("0x80072322"));
    assert!(error.next_step().contains("21 seconds") && !error.is_offline());
    assert_eq!(count(&server, "/WhoAmI").await, 1);

    let server = organization(
        "WhoAmI",
        ResponseTemplate::new(503).insert_header("Retry-After", "3600"),
    )
    .await;
    let error = client(&server).who_am_i().await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after()),
        ("organization_unavailable", Some(Duration::from_secs(3600)))
    );
    assert!(error.is_offline());
}

#[tokio::test]
async fn the_budget_is_for_the_whole_operation() {
    let server = organization("WhoAmI", limit("1")).await;
    let mut connection = cloud(&server);
    connection.wait_budget = Duration::from_secs(1);
    let error = Client::with_retry_policy(connection, quick())
        .unwrap()
        .who_am_i()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "throttled");
    assert_eq!(count(&server, "/WhoAmI").await, 2);
}

#[tokio::test]
async fn retry_after_may_be_a_date_by_the_servers_clock() {
    let dated = limit("Wed, 01 May 2024 10:00:30 GMT")
        .insert_header("Date", "Wed, 01 May 2024 10:00:00 GMT");
    let server = organization("WhoAmI", dated).await;
    let error = client(&server).who_am_i().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));

    // A date that is over means now, but not for ever.
    let server = organization("WhoAmI", limit("Wed, 01 May 2024 10:00:30 GMT")).await;
    let error = client(&server).who_am_i().await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after()),
        ("throttled", Some(Duration::ZERO))
    );
    assert_eq!(count(&server, "/WhoAmI").await, 11);
}

#[tokio::test]
async fn an_outage_is_repeated_twice_at_most() {
    for status in [502, 503, 504, 429] {
        let server = MockServer::start().await;
        give_tokens(&server).await;
        first(&server, 2, ResponseTemplate::new(status)).await;
        answer(&server, "GET", "WhoAmI", who_am_i()).await;
        client(&server).who_am_i().await.unwrap();

        let server = organization("WhoAmI", ResponseTemplate::new(status)).await;
        client(&server).who_am_i().await.unwrap_err();
        assert_eq!(count(&server, "/WhoAmI").await, 3);
    }
    let server = organization("WhoAmI", ResponseTemplate::new(500)).await;
    client(&server).who_am_i().await.unwrap_err();
    assert_eq!(count(&server, "/WhoAmI").await, 1);
}

#[tokio::test]
async fn only_writes_that_may_be_repeated_are() {
    use dataverse::Condition;
    let table = [
        (Condition::None, 1),
        (Condition::OnlyCreate, 3),
        (Condition::OnlyUpdate, 3),
        (Condition::IfUnchanged("W/\"1\"".to_owned()), 1),
    ];
    for (condition, sent) in table {
        let server = MockServer::start().await;
        give_tokens(&server).await;
        answer(
            &server,
            "PATCH",
            &format!("contacts({})", Uuid::nil()),
            ResponseTemplate::new(502),
        )
        .await;
        let error = client(&server)
            .upsert("contacts", Uuid::nil(), &json!({}), condition)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "organization_unavailable");
        assert_eq!(count(&server, ")").await, sent);
    }
}

#[tokio::test]
async fn silence_ends_in_time() {
    let server = organization("WhoAmI", who_am_i().set_delay(Duration::from_secs(60))).await;
    let mut connection = cloud(&server);
    connection.time_outs = TimeOuts {
        request: Duration::from_millis(200),
        ..TimeOuts::default()
    };
    let error = Client::with_retry_policy(connection, quick())
        .unwrap()
        .who_am_i()
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.endpoint(), error.is_offline()),
        ("timed_out", Some(Endpoint::Organization), true)
    );
    assert_eq!(count(&server, "/WhoAmI").await, 1);
}

/// An organization URL and a sign-in service that both lead here.
fn at(server: &MockServer, organization_url: String) -> Client {
    let connection = Connection {
        organization_url,
        ..cloud(server)
    };
    Client::with_retry_policy(connection, quick()).unwrap()
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    // Bound but not listening, so that nobody else gets the port meanwhile.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let error = at(&server, format!("http://{address}"))
        .who_am_i()
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.is_offline()),
        ("host_unreachable", true)
    );
    assert!(error.source().is_some() && error.message().contains("127.0.0.1"));
}

#[tokio::test]
async fn a_host_without_an_address_is_a_dns_failure() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let error = at(&server, "https://nowhere.invalid".to_owned())
        .who_am_i()
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.endpoint()),
        ("dns_failed", Some(Endpoint::Organization))
    );
    assert!(error.message().contains("nowhere.invalid"));
}

/// A server that reads one request per connection and answers with these bytes; it counts the connections.
async fn raw(answer: &'static [u8]) -> (SocketAddr, tokio::sync::watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, count) = tokio::sync::watch::channel(0);
    tokio::spawn(async move {
        loop {
            let (mut stream, _): (TcpStream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            seen.send_modify(|count| *count += 1);
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, count)
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_lost_connection() {
    let answers: [&'static [u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"value\":[",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"val",
        b"",
    ];
    for answer in answers {
        let (address, count) = raw(answer).await;
        let server = MockServer::start().await;
        give_tokens(&server).await;
        let error = at(&server, format!("http://{address}"))
            .query(&Query::new("contacts"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.code(), error.is_offline()),
            ("connection_lost", true),
            "{error:?}"
        );
        assert_eq!(*count.borrow(), 3);
    }
}

#[tokio::test]
async fn what_does_not_speak_http_or_tls_is_told_apart() {
    let (address, _) = raw(b"220 mail.example ESMTP\r\n").await;
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let error = at(&server, format!("http://{address}"))
        .who_am_i()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "connection_lost");

    let plain = server.uri().replace("http://", "https://");
    let error = at(&server, plain).who_am_i().await.unwrap_err();
    assert_eq!(
        (error.code(), error.is_offline()),
        ("tls_failed", false),
        "{error:?}"
    );
}

/// An https server on this machine under a certificate for these names; gives its PEM.
async fn https(names: &[&str]) -> (SocketAddr, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let certified = rcgen::generate_simple_self_signed(names).unwrap();
    let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let tls = RustlsConfig::from_pem(certificate.clone().into(), key.into())
        .await
        .unwrap();
    let who = json!({
        "BusinessUnitId": Uuid::nil(), "UserId": Uuid::nil(), "OrganizationId": Uuid::nil(),
    });
    let app = axum::Router::new().fallback(move || async move { axum::Json(who) });
    let handle = axum_server::Handle::new();
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    tokio::spawn(
        axum_server::bind_rustls(address, tls)
            .handle(handle.clone())
            .serve(app.into_make_service()),
    );
    (handle.listening().await.unwrap(), certificate)
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_when_it_is_named() {
    let (address, certificate) = https(&["localhost"]).await;
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let url = format!("https://localhost:{}", address.port());
    let error = at(&server, url.clone()).who_am_i().await.unwrap_err();
    assert_eq!(
        (error.code(), error.endpoint()),
        ("tls_failed", Some(Endpoint::Organization)),
        "{error:?}"
    );
    assert!(error.next_step().contains("ca_file"));

    let mut connection = cloud(&server);
    connection.organization_url = url;
    connection.extra_roots_pem = Some(certificate.clone().into_bytes());
    Client::new(connection.clone())
        .unwrap()
        .who_am_i()
        .await
        .unwrap();

    // Trusted, but for another name.
    connection.organization_url = format!("https://127.0.0.1:{}", address.port());
    let error = Client::with_retry_policy(connection, quick())
        .unwrap()
        .who_am_i()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "tls_failed");
}

#[tokio::test]
async fn roots_that_are_none_are_refused() {
    let server = MockServer::start().await;
    for pem in [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let mut connection = cloud(&server);
        connection.organization_url = "https://contoso.crm4.dynamics.com".to_owned();
        connection.extra_roots_pem = Some(pem.into());
        assert_eq!(
            Client::new(connection).unwrap_err().code(),
            "invalid_root_certificates",
            "{pem}"
        );
    }
}

#[tokio::test]
async fn repetitions_are_delayed() {
    let server = organization("WhoAmI", ResponseTemplate::new(502)).await;
    let policy = RetryPolicy {
        first_delay: Duration::from_millis(100),
        ..RetryPolicy::default()
    };
    let client = Client::with_retry_policy(cloud(&server), policy).unwrap();
    let started = Instant::now();
    client.who_am_i().await.unwrap_err();
    // At least half of 100 ms and half of 200 ms.
    assert!(started.elapsed() >= Duration::from_millis(150));
}
