//! An organization without records, its client, and texts that are hard to write.

use dataverse::{Client, Connection, RecordBody, SignIn};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use sandbox::{Options, Sandbox, Seed};
use secrecy::SecretString;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Characters that mean something in a URL, in an OData literal, in a pattern, in JSON or in XML; and odd ones.
const SPECIAL: &str = "''\"&%+#/?=;:,()[]^_-*\\<>{}@$~|! \t\r\n\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{80}\u{a0}\u{ad}éÉßİıſΣς\
    \u{301}\u{200d}\u{200f}\u{202e}\u{2028}\u{d7ff}\u{e000}\u{feff}\u{fffd}\u{fffe}\u{ffff}山🦊👩‍💻\u{10ffff}%20&amp;";

/// Texts of up to 30 characters; none is empty, which Dataverse keeps as no value.
pub fn text() -> impl Strategy<Value = String> + Clone {
    let specials: Vec<char> = SPECIAL.chars().collect();
    let character = prop_oneof![
        4 => select(specials),
        2 => prop::char::range('a', 'z'),
        1 => any::<char>().prop_filter("NUL has a test of its own", |c| *c != '\0'),
    ];
    vec(character, 1..30).prop_map(String::from_iter)
}

/// An organization without records and a client that may do everything in it.
pub struct Organization {
    pub runtime: Runtime,
    sandbox: Option<Sandbox>,
    pub client: Client,
}

impl Organization {
    pub fn start() -> Organization {
        let runtime = Runtime::new().unwrap();
        let options = Options {
            seed: Seed::Empty,
            ..Options::default()
        };
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let description = sandbox.description();
        let client = Client::new(Connection::new(
            &description.organization_url,
            SignIn::Cloud {
                authority_url: description.authority_url.clone(),
                tenant_id: description.tenant_id.clone(),
                client_id: description.administrator.client_id.clone(),
                client_secret: SecretString::from(description.administrator.client_secret.clone()),
            },
        ))
        .unwrap();
        Organization {
            runtime,
            sandbox: Some(sandbox),
            client,
        }
    }

    pub fn create(&self, text: &str) -> Uuid {
        let body = RecordBody::new().set("lastname", "x").set("jobtitle", text);
        let written = self.runtime.block_on(self.client.create("contacts", body));
        written.unwrap().id.unwrap()
    }

    pub fn delete(&self, id: Uuid) {
        self.runtime
            .block_on(self.client.delete("contacts", id))
            .unwrap();
    }
}

impl Drop for Organization {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }
}

pub fn refused(error: dataverse::Error) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}
