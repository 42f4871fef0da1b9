//! `POST $batch`: several requests in one, some of them as a transaction (protocol page `batch.md`).
//!
//! Operations run one after the other in their order. Each has its answer's part; a change set that failed has one part,
//! the error of the operation that failed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sandbox_syntax::batch::{self, Operation, Part};
use uuid::Uuid;

use crate::api::{Call, Preferences, Request};
use crate::errors::ApiError;
use crate::faults::{Fault, Hit, Incoming, Level};
use crate::metadata::within;
use crate::requests;
use crate::server::{self, Answer};

/// What `$1` stands for in a change set: the URL of the row that the operation with that `Content-ID` wrote.
pub(crate) type References = BTreeMap<String, String>;

/// Headers of the outer request that say something about the outer request only.
const OUTER_ONLY: [&str; 8] = [
    "content-type",
    "content-length",
    "transfer-encoding",
    "prefer",
    "if-match",
    "if-none-match",
    "mscrm.suppressduplicatedetection",
    "expect",
];

/// The headers of a part in the order in which they are written, as they are spelled there.
const SPELLED: [(&str, &str); 8] = [
    ("req_id", "REQ_ID"),
    ("content-type", "Content-Type"),
    ("odata-version", "OData-Version"),
    ("location", "Location"),
    ("odata-entityid", "OData-EntityId"),
    ("etag", "ETag"),
    ("preference-applied", "Preference-Applied"),
    ("retry-after", "Retry-After"),
];

/// The longest URL of an operation (protocol page `errors-and-limits.md`).
const LONGEST_URL: usize = 65_536;

/// Answers `POST $batch`.
pub(crate) async fn run(call: &Call<'_>) -> Result<Answer, ApiError> {
    if call.request.method != "POST" {
        return Err(call.wrong_method());
    }
    let content_type = call.request.header("content-type").unwrap_or_default();
    let parts = batch::read(content_type, &call.request.body)?;
    let goes_on = call.preferences.continue_on_error;
    let boundary = format!("batchresponse_{}", Uuid::new_v4());
    let mut body = String::new();
    let mut status = 200;
    let mut operations = Vec::new();
    for part in &parts {
        let (text, failed) = match part {
            Part::Single(operation) => {
                let Some(answer) = alone(call, operation, &mut operations).await else {
                    return Ok(broken_off(operations));
                };
                (
                    http_part(None, &answer),
                    (answer.status >= 400).then_some(answer.status),
                )
            }
            Part::ChangeSet(set) => {
                let schema = call.organization.schema.current();
                let done = within(schema, change_set(call, set, &mut operations)).await?;
                match done {
                    Some(done) => done,
                    None => return Ok(broken_off(operations)),
                }
            }
        };
        let _ = write!(body, "--{boundary}\r\n{text}\r\n");
        if let Some(failed) = failed
            && !goes_on
        {
            status = failed;
            break;
        }
    }
    let _ = write!(body, "--{boundary}--\r\n");
    let mut answer = Answer::new(
        status,
        &format!("multipart/mixed; boundary={boundary}"),
        body,
    )
    .header("odata-version", "4.0");
    if goes_on {
        answer = answer.header("preference-applied", "odata.continue-on-error");
    }
    answer.operations = operations;
    Ok(answer)
}

/// The connection is closed in place of an answer. What has been done by then stays.
fn broken_off(operations: Vec<requests::Operation>) -> Answer {
    let mut answer = Answer::empty(500);
    answer.operations = operations;
    answer.reset = true;
    answer
}

/// An operation outside change sets: its own transaction. No answer if a fault breaks the connection.
async fn alone(
    call: &Call<'_>,
    operation: &Operation,
    operations: &mut Vec<requests::Operation>,
) -> Option<Answer> {
    let references = References::new();
    let (answer, hit) = match inner_request(call, operation, &references) {
        Err(error) => (Some(call.refusal(&error)), None),
        Ok(request) => {
            let inner = inner_call(call, &request, &references);
            let hit = injected(call, &request);
            // An operation before this one may have changed the schema.
            let work = within(call.organization.schema.current(), inner.alone());
            (answered(&inner, hit, work).await, hit)
        }
    };
    operations.push(logged(operation, answer.as_ref(), hit));
    answer.filter(|_| !breaks_after(hit))
}

/// A change set: its part of the answer, and the status of the operation that failed it. None if a fault breaks the
/// connection.
async fn change_set(
    call: &Call<'_>,
    set: &[Operation],
    operations: &mut Vec<requests::Operation>,
) -> Result<Option<(String, Option<u16>)>, ApiError> {
    let boundary = format!("changesetresponse_{}", Uuid::new_v4());
    let mut body = String::new();
    let mut references = References::new();
    let mut transaction = call.organization.store.write().await?;
    let mut failed = None;
    let mut breaks = false;
    for operation in set {
        let (answer, hit) = match inner_request(call, operation, &references) {
            Err(error) => (Some(call.refusal(&error)), None),
            Ok(request) => {
                let inner = inner_call(call, &request, &references);
                let hit = injected(call, &request);
                (answered(&inner, hit, inner.on(&mut transaction)).await, hit)
            }
        };
        operations.push(logged(operation, answer.as_ref(), hit));
        // A connection that breaks "after the commit" breaks after that of the whole set.
        breaks = breaks || breaks_after(hit);
        let Some(answer) = answer else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let id = operation.content_id.as_deref();
        let part = format!("--{boundary}\r\n{}\r\n", http_part(id, &answer));
        if answer.status >= 400 {
            // Of a change set that failed only the failure is told.
            body = part;
            failed = Some(answer.status);
            break;
        }
        body.push_str(&part);
        if let (Some(id), Some(url)) = (id, answer.entity) {
            references.insert(id.to_owned(), url);
        }
    }
    match failed {
        Some(_) => transaction.rollback().await?,
        None => transaction.commit().await?,
    }
    let text =
        format!("Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{body}--{boundary}--");
    Ok((!breaks).then_some((text, failed)))
}

/// The fault that the admin door asked for, if it hits this operation.
fn injected(call: &Call<'_>, request: &Request) -> Option<Hit> {
    let target = if request.query.is_empty() {
        format!("/{}", request.resource)
    } else {
        format!("/{}?{}", request.resource, request.query)
    };
    call.organization.faults.take(Incoming {
        level: Level::Operations,
        method: &request.method,
        target: &target,
        body: &request.body,
    })
}

/// An operation's answer under an injected fault. None if the connection breaks before the operation.
async fn answered(
    inner: &Call<'_>,
    hit: Option<Hit>,
    work: impl Future<Output = Result<Answer, ApiError>>,
) -> Option<Answer> {
    if let Some(hit) = hit {
        if hit.fault == Fault::ResetBeforeCommit {
            return None;
        }
        if hit.fault == Fault::Slow {
            tokio::time::sleep(hit.delay()).await;
        }
        if let Some(instead) = hit.answer(inner.organization) {
            return Some(instead);
        }
    }
    Some(work.await.unwrap_or_else(|error| inner.refusal(&error)))
}

fn breaks_after(hit: Option<Hit>) -> bool {
    hit.is_some_and(|hit| hit.fault == Fault::ResetAfterCommit)
}

fn logged(operation: &Operation, answer: Option<&Answer>, hit: Option<Hit>) -> requests::Operation {
    let path = operation.url.split('?').next().unwrap_or_default();
    requests::Operation {
        method: operation.method.clone(),
        path: path.to_owned(),
        status: answer.map(|answer| answer.status),
        fault: hit.map(|hit| hit.fault),
    }
}

fn inner_call<'a>(call: &Call<'a>, request: &'a Request, references: &'a References) -> Call<'a> {
    Call {
        organization: call.organization,
        request,
        caller: call.caller.clone(),
        preferences: Preferences::read(&request.headers),
        references,
    }
}

/// The request that an operation stands for: its own headers over those of the outer request that hold for all.
fn inner_request(
    call: &Call<'_>,
    operation: &Operation,
    references: &References,
) -> Result<Request, ApiError> {
    if operation.url.len() > LONGEST_URL {
        return Err(ApiError::request(format!(
            "The URL of an operation in the batch is longer than {LONGEST_URL} characters."
        )));
    }
    let url = replaced(&operation.url, references)?;
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let (base, resource) = located(call, path)?;
    // Clients that make every URL absolute put the reference behind the service's root.
    let resource = match resource.starts_with('$') {
        true => {
            let replaced = replaced(&resource, references)?;
            located(call, &replaced)?.1
        }
        false => resource,
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &call.request.headers {
        if !OUTER_ONLY.contains(&name.as_str()) {
            headers.append(name, value.clone());
        }
    }
    let own: Vec<(HeaderName, HeaderValue)> = operation
        .headers
        .iter()
        .filter(|(name, _)| name != "authorization")
        .map(|(name, value)| {
            let invalid =
                || ApiError::request(format!("The header '{name}' of an operation is not valid."));
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
            Ok((name, value))
        })
        .collect::<Result<_, ApiError>>()?;
    for (name, _) in &own {
        headers.remove(name);
    }
    for (name, value) in own {
        headers.append(name, value);
    }
    Ok(Request {
        method: operation.method.clone(),
        origin: call.request.origin.clone(),
        base,
        deployment: call.request.deployment,
        resource,
        query: query.to_owned(),
        headers,
        body: operation.body.clone().into(),
    })
}

/// Puts the URL of an earlier operation's row in the place of `$1` at the start of a URL.
pub(crate) fn replaced(url: &str, references: &References) -> Result<String, ApiError> {
    let Some(rest) = url.strip_prefix("/$").or_else(|| url.strip_prefix('$')) else {
        return Ok(url.to_owned());
    };
    let end = rest.find(['/', '?', '(']).unwrap_or(rest.len());
    let (id, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
    match references.get(id) {
        Some(found) => Ok(format!("{found}{behind}")),
        // `$metadata` and the like; they are never a Content-ID.
        None if id.starts_with(|c: char| c.is_ascii_alphabetic()) => Ok(url.to_owned()),
        None => Err(ApiError::request(format!(
            "Content-ID Reference: '${id}' does not exist in the batch context."
        ))),
    }
}

/// Base and resource of an inner URL without its query: absolute, from the host's root, or relative to the service's root.
fn located(call: &Call<'_>, path: &str) -> Result<(String, String), ApiError> {
    let nowhere = || {
        ApiError::new(
            404,
            "",
            format!("No HTTP resource was found that matches the request URI '{path}'."),
        )
    };
    let rooted = if path.starts_with('/') {
        path
    } else if let Some((scheme, rest)) = path.split_once("://") {
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, rooted) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        let known = origin == call.request.origin.to_ascii_lowercase()
            || call.organization.origins.contains(&origin);
        if !known {
            return Err(nowhere());
        }
        rooted
    } else {
        return Ok((call.request.base.clone(), path.to_owned()));
    };
    let (start, resource) =
        server::service_root(rooted, call.request.deployment).ok_or_else(nowhere)?;
    Ok((
        format!("{}{start}", call.request.origin),
        resource.to_owned(),
    ))
}

/// An answer as a part of type `application/http`.
fn http_part(content_id: Option<&str>, answer: &Answer) -> String {
    let mut part =
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n".to_owned();
    if let Some(id) = content_id {
        let _ = write!(part, "Content-ID: {id}\r\n");
    }
    let reason = StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown");
    let _ = write!(part, "\r\nHTTP/1.1 {} {reason}\r\n", answer.status);
    if answer.status >= 400 {
        let _ = write!(part, "REQ_ID: {}\r\n", Uuid::new_v4());
    }
    for (name, spelled) in SPELLED {
        for (_, value) in answer.headers.iter().filter(|(found, _)| *found == name) {
            let _ = write!(part, "{spelled}: {value}\r\n");
        }
    }
    part.push_str("\r\n");
    part.push_str(&answer.body);
    part
}
