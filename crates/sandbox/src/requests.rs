//! The log of requests that tests read: how many there were, and how many had to wait for one another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::faults::Fault;

/// One request, as `GET /admin/requests` shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    sequence: u64,
    method: String,
    path: String,
    query: String,
    entity_set: Option<String>,
    started: u64,
    ended: Option<u64>,
    status: Option<u16>,
    /// What was injected into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
    /// What a `$batch` held; left out for other requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    operations: Vec<Operation>,
}

/// One operation of a `$batch`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// As it was sent, without its query.
    pub(crate) path: String,
    /// None if the connection was closed before it.
    pub(crate) status: Option<u16>,
    /// What was injected into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<Fault>,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    ticks: AtomicU64,
    sequence: AtomicU64,
    entries: Mutex<Vec<Entry>>,
}

impl RequestLog {
    /// Notes the start of a request. Its end is noted when the answer is known, or when the client goes away.
    pub(crate) fn start(
        self: &Arc<Self>,
        method: &str,
        path: &str,
        query: &str,
        entity_set: Option<String>,
    ) -> Running {
        let sequence = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        let entry = Entry {
            sequence,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            entity_set,
            started: self.tick(),
            ended: None,
            status: None,
            fault: None,
            operations: Vec::new(),
        };
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
        Running {
            log: Arc::clone(self),
            sequence,
            status: None,
            fault: None,
            operations: Vec::new(),
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn clear(&self) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// A request on its way; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Running {
    log: Arc<RequestLog>,
    sequence: u64,
    pub(crate) status: Option<u16>,
    pub(crate) fault: Option<Fault>,
    pub(crate) operations: Vec<Operation>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let tick = self.log.tick();
        let mut entries = self
            .log
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries
            .iter_mut()
            .rev()
            .find(|entry| entry.sequence == self.sequence)
        {
            entry.ended = Some(tick);
            entry.status = self.status;
            entry.fault = self.fault;
            entry.operations = std::mem::take(&mut self.operations);
        }
    }
}
