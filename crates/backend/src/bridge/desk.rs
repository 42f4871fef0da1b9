//! The desk where consoles are paired, known and revoked.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use sha2::{Digest, Sha256};
use store::{Console, Store};
use subtle::ConstantTimeEq;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::clock::Clock;
use crate::problem::Problem;

/// How long a code can be used.
pub const PAIRING_TIME: SignedDuration = SignedDuration::from_mins(5);

/// How many wrong codes close a pairing.
const TRIES: u8 = 5;

/// The longest name that a console may give itself, in characters.
const LONGEST_NAME: usize = 80;

/// The desk. Clones share one.
#[derive(Clone, Debug)]
pub struct ConsoleDesk {
    store: Store,
    clock: Arc<dyn Clock>,
    pairing: Arc<Mutex<Option<Pairing>>>,
    /// Held from a change of the store's list to its publication, so that no older list is published later.
    listing: Arc<Mutex<()>>,
    known: Arc<watch::Sender<Consoles>>,
}

/// The consoles as the desk knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consoles {
    /// The paired ones that were not revoked.
    pub paired: Vec<Console>,
    /// Those that are connected now, each with the number of its sockets.
    pub connected: BTreeMap<Uuid, usize>,
    /// The pairing that is open.
    pub pairing: Option<OpenPairing>,
}

/// A code that can be used.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenPairing {
    /// Six digits.
    pub code: String,
    /// Until when (UTC).
    pub expires_at: Timestamp,
}

/// The code is for the eyes of the agent only, not for a log.
impl std::fmt::Debug for OpenPairing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenPairing(until {})", self.expires_at)
    }
}

#[derive(Debug)]
struct Pairing {
    open: OpenPairing,
    tries_left: u8,
}

/// A console that was let in. (No `Debug`: it holds a token.)
pub struct Admitted {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The new token, when it was just paired.
    pub token: Option<String>,
}

impl ConsoleDesk {
    /// Opens the desk over the store's list of consoles.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn open(store: Store, clock: Arc<dyn Clock>) -> Result<ConsoleDesk, store::Error> {
        let consoles = Consoles {
            paired: store.consoles().await?,
            ..Consoles::default()
        };
        Ok(ConsoleDesk {
            store,
            clock,
            pairing: Arc::default(),
            listing: Arc::default(),
            known: Arc::new(watch::Sender::new(consoles)),
        })
    }

    /// The consoles, with every change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Consoles> {
        self.known.subscribe()
    }

    /// Opens a pairing, in the place of one that is open.
    pub async fn start_pairing(&self) {
        let code = format!("{:06}", rand::rng().random_range(0..1_000_000));
        let expires_at = self
            .clock
            .now()
            .checked_add(PAIRING_TIME)
            .unwrap_or(Timestamp::MAX);
        let open = OpenPairing { code, expires_at };
        let mut pairing = self.pairing.lock().await;
        *pairing = Some(Pairing {
            open: open.clone(),
            tries_left: TRIES,
        });
        self.known.send_modify(|known| known.pairing = Some(open));
    }

    /// Lets in a console that is part of this program: nobody needs to read a code to it.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn admit_ourselves(&self, name: &str) -> Result<Admitted, Problem> {
        self.add(name).await
    }

    /// Closes the open pairing, if there is one.
    pub async fn cancel_pairing(&self) {
        let mut pairing = self.pairing.lock().await;
        *pairing = None;
        self.known.send_modify(|known| known.pairing = None);
    }

    /// Closes a pairing whose time is over.
    pub async fn close_expired(&self) {
        let now = self.clock.now();
        let mut pairing = self.pairing.lock().await;
        if pairing
            .as_ref()
            .is_some_and(|pairing| pairing.open.expires_at <= now)
        {
            *pairing = None;
            self.known.send_modify(|known| known.pairing = None);
        }
    }

    /// Pairs a console that knows the code.
    ///
    /// # Errors
    /// `pairing_not_open`, `pairing_code_expired`, `pairing_code_wrong`, or the store's.
    pub async fn pair(&self, code: &str, name: &str) -> Result<Admitted, Problem> {
        self.use_code(code).await?;
        self.add(name).await
    }

    async fn add(&self, name: &str) -> Result<Admitted, Problem> {
        let id = Uuid::new_v4();
        let token = new_token();
        let name = clean_name(name);
        let now = self.clock.now();
        let _listing = self.listing.lock().await;
        self.store
            .add_console(id, &name, &hash(&token), now)
            .await
            .map_err(|error| Problem::from_store(&error))?;
        self.reload().await?;
        Ok(Admitted {
            id,
            name,
            token: Some(token),
        })
    }

    async fn use_code(&self, code: &str) -> Result<(), Problem> {
        let mut pairing = self.pairing.lock().await;
        let Some(open) = pairing.as_mut() else {
            return Err(Problem::new(
                "pairing_not_open",
                "The companion is not waiting for a pairing code.",
                "Choose \"Pair the Agent Console\" in the companion, then type the code that it shows.",
            ));
        };
        let refused = if open.open.expires_at <= self.clock.now() {
            open.tries_left = 0;
            Some(Problem::new(
                "pairing_code_expired",
                "The pairing code is too old.",
                "Choose \"Pair the Agent Console\" in the companion again and type the new code.",
            ))
        } else if bool::from(open.open.code.as_bytes().ct_eq(code.trim().as_bytes())) {
            open.tries_left = 0;
            None
        } else {
            open.tries_left -= 1;
            Some(Problem::new(
                "pairing_code_wrong",
                "The pairing code is wrong.",
                if open.tries_left == 0 {
                    "Too many wrong codes: choose \"Pair the Agent Console\" in the companion again."
                } else {
                    "Compare it with the code that the companion shows and type it again."
                },
            ))
        };
        if open.tries_left == 0 {
            *pairing = None;
            self.known.send_modify(|known| known.pairing = None);
        }
        refused.map_or(Ok(()), Err)
    }

    /// Lets in a console by its token.
    ///
    /// # Errors
    /// `token_missing`, `token_unknown`, `token_revoked`, or the store's.
    pub async fn admit(&self, token: Option<&str>) -> Result<Admitted, Problem> {
        let next_step = "Pair this console with the companion again.";
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Err(Problem::new(
                "token_missing",
                "The console did not say who it is.",
                next_step,
            ));
        };
        let console = self
            .store
            .console_by_token(&hash(token))
            .await
            .map_err(|error| Problem::from_store(&error))?;
        match console {
            None => Err(Problem::new(
                "token_unknown",
                "The companion does not know this console.",
                next_step,
            )),
            Some(Console {
                revoked_at: Some(_),
                ..
            }) => Err(revoked()),
            Some(console) => Ok(Admitted {
                id: console.id,
                name: console.name,
                token: None,
            }),
        }
    }

    /// Notes that a console is connected or no longer connected.
    pub(crate) async fn set_connected(&self, id: Uuid, connected: bool) {
        let _listing = self.listing.lock().await;
        if let Err(error) = self.store.console_seen(id, self.clock.now()).await {
            tracing::warn!(
                error.code = error.code(),
                "it could not be noted when a console was seen"
            );
        }
        self.known.send_modify(|known| {
            let sockets = known.connected.entry(id).or_default();
            *sockets = if connected {
                *sockets + 1
            } else {
                sockets.saturating_sub(1)
            };
            known.connected.retain(|_, sockets| *sockets > 0);
        });
        if let Err(problem) = self.reload().await {
            tracing::warn!(
                error.code = problem.code,
                "the list of consoles could not be read"
            );
        }
    }

    /// Revokes a console; if it is connected it is told and shut out.
    ///
    /// # Errors
    /// `console_unknown`, or the store's.
    pub async fn revoke(&self, id: &str) -> Result<(), Problem> {
        let unknown = || {
            Problem::new(
                "console_unknown",
                "There is no such console any more.",
                "Nothing needs to be done.",
            )
        };
        let id: Uuid = id.parse().map_err(|_| unknown())?;
        let _listing = self.listing.lock().await;
        let done = self
            .store
            .revoke_console(id, self.clock.now())
            .await
            .map_err(|error| Problem::from_store(&error))?;
        self.reload().await?;
        if done { Ok(()) } else { Err(unknown()) }
    }

    /// Somebody else has changed the store's list. Consoles that are not on it any more are shut out.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn reread(&self) -> Result<(), Problem> {
        let _listing = self.listing.lock().await;
        self.reload().await
    }

    /// Publishes the store's list; the caller holds `listing`.
    async fn reload(&self) -> Result<(), Problem> {
        let paired = self
            .store
            .consoles()
            .await
            .map_err(|error| Problem::from_store(&error))?;
        self.known.send_if_modified(|known| {
            let changed = known.paired != paired;
            known.paired = paired;
            changed
        });
        Ok(())
    }
}

/// What a revoked console is told.
pub(crate) fn revoked() -> Problem {
    Problem::new(
        "token_revoked",
        "This console was disconnected in the companion.",
        "Pair it again if that was a mistake.",
    )
}

/// 256 random bits, hexadecimal.
fn new_token() -> String {
    rand::rng()
        .random::<[u8; 32]>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn clean_name(name: &str) -> String {
    let name: String = name
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_NAME)
        .collect();
    if name.trim().is_empty() {
        "Agent Console".to_owned()
    } else {
        name.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::tests::TestClock;

    async fn desk() -> (ConsoleDesk, TestClock) {
        let clock = TestClock::default();
        let store = Store::memory().await.unwrap();
        (
            ConsoleDesk::open(store, Arc::new(clock.clone()))
                .await
                .unwrap(),
            clock,
        )
    }

    fn refused(answer: Result<Admitted, Problem>) -> String {
        answer.err().unwrap().code
    }

    fn code(desk: &ConsoleDesk) -> String {
        desk.watch().borrow().pairing.clone().unwrap().code
    }

    #[tokio::test]
    async fn a_code_pairs_one_console_once() {
        let (desk, _) = desk().await;
        desk.start_pairing().await;
        let code = code(&desk);
        let paired = desk
            .pair(&format!(" {code} "), "Agent\u{7} Console")
            .await
            .unwrap();
        assert_eq!(paired.name, "Agent Console");
        assert_eq!(refused(desk.pair(&code, "again").await), "pairing_not_open");
        assert_eq!(desk.watch().borrow().pairing, None);
        let token = paired.token.unwrap();
        assert_eq!(desk.admit(Some(&token)).await.unwrap().id, paired.id);
        desk.revoke(&paired.id.to_string()).await.unwrap();
        assert_eq!(refused(desk.admit(Some(&token)).await), "token_revoked");
        assert_eq!(
            desk.revoke(&paired.id.to_string()).await.unwrap_err().code,
            "console_unknown"
        );
        assert_eq!(desk.revoke("x").await.unwrap_err().code, "console_unknown");
    }

    #[tokio::test]
    async fn wrong_codes_close_the_pairing_and_an_old_one_is_no_good() {
        let (desk, clock) = desk().await;
        desk.start_pairing().await;
        let good = code(&desk);
        let wrong = if good == "000000" { "000001" } else { "000000" };
        for _ in 0..TRIES {
            assert_eq!(refused(desk.pair(wrong, "x").await), "pairing_code_wrong");
        }
        assert_eq!(refused(desk.pair(&good, "x").await), "pairing_not_open");

        desk.start_pairing().await;
        let good = code(&desk);
        clock.advance(PAIRING_TIME);
        assert_eq!(refused(desk.pair(&good, "x").await), "pairing_code_expired");
        assert_eq!(desk.watch().borrow().pairing, None);
    }

    #[tokio::test]
    async fn no_token_and_a_foreign_token_are_refused_each_in_its_way() {
        let (desk, _) = desk().await;
        assert_eq!(refused(desk.admit(None).await), "token_missing");
        assert_eq!(refused(desk.admit(Some("")).await), "token_missing");
        assert_eq!(refused(desk.admit(Some("abc")).await), "token_unknown");
    }
}
