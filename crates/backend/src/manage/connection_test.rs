//! The test of a draft's connection: the doctor, step by step, beside the running connection.

use tokio_util::sync::CancellationToken;

use super::{Management, guide, locked};
use crate::doctor::{self, FindingResult, News, Step};
use crate::problem::Problem;
use crate::secrets::Secrets;
use crate::settings::{ConnectionKind, Settings, SignInKind};
use crate::view::{ConnectionTest, TestStep, TestStepName, TestStepState};

const STEPS: [(Step, TestStepName, &str); 7] = [
    (
        Step::Url,
        TestStepName::Url,
        "The addresses and secrets can be used",
    ),
    (
        Step::Dns,
        TestStepName::Dns,
        "The servers' names are known in the network",
    ),
    (
        Step::Tls,
        TestStepName::Tls,
        "The servers are reached and trusted",
    ),
    (Step::Token, TestStepName::Token, "The sign-in is accepted"),
    (
        Step::Organization,
        TestStepName::Organization,
        "The organization answers as Dynamics 365",
    ),
    (
        Step::User,
        TestStepName::User,
        "The organization knows the user",
    ),
    (
        Step::Privilege,
        TestStepName::Privilege,
        "The user may do what the settings need",
    ),
];

/// A test before its first step.
fn begun(run: u32) -> ConnectionTest {
    let step = |(_, step, label): (Step, TestStepName, &str)| TestStep {
        step,
        label: label.to_owned(),
        state: TestStepState::Waiting,
        found: None,
        problem: None,
        key: None,
        guide: None,
    };
    let mut steps = STEPS.map(step).to_vec();
    if let Some(first) = steps.first_mut() {
        first.state = TestStepState::Running;
    }
    ConnectionTest {
        run,
        running: true,
        passed: false,
        cancelled: false,
        steps,
        privileges: Vec::new(),
        organization: None,
        version: None,
        user: None,
    }
}

impl Management {
    /// Starts a test in the place of one that is under way.
    pub(super) async fn start_test(&self, settings: Settings) -> Result<(), Problem> {
        let secrets = self.secrets_to_try(&settings).await;
        let stop = CancellationToken::new();
        let former = locked(&self.0.test).replace(stop.clone());
        if let Some(former) = former {
            former.cancel();
        }
        let mut run = 0;
        self.show(|view| {
            run = view.test.as_ref().map_or(0, |test| test.run) + 1;
            view.test = Some(begun(run));
        });
        let management = self.clone();
        tokio::spawn(async move {
            let examined = management.examine(run, &settings, secrets);
            tokio::select! {
                () = examined => {}
                () = stop.cancelled() => management.change_test(run, |test| {
                    test.cancelled = true;
                    test.running = false;
                    for step in &mut test.steps {
                        if matches!(step.state, TestStepState::Running | TestStepState::Waiting) {
                            step.state = TestStepState::Skipped;
                        }
                    }
                }),
            }
        });
        Ok(())
    }

    /// Ends the test that is under way, if one is.
    pub(super) fn stop_test(&self) {
        if let Some(stop) = locked(&self.0.test).take() {
            stop.cancel();
        }
    }

    /// The secrets, and the connection of the practice organization where that is meant.
    async fn secrets_to_try(&self, settings: &Settings) -> Result<(Settings, Secrets), Problem> {
        if settings.connection.kind == ConnectionKind::Practice {
            let practised = self.practised().await?;
            let mut settings = settings.clone();
            settings.connection = practised.connection;
            return Ok((settings, practised.secrets));
        }
        let secrets = self.secrets_for(&settings.connection).await?;
        Ok((settings.clone(), secrets))
    }

    async fn examine(
        &self,
        run: u32,
        draft: &Settings,
        secrets: Result<(Settings, Secrets), Problem>,
    ) {
        let examination = match secrets {
            Err(problem) => doctor::unusable(problem),
            Ok((settings, secrets)) => {
                let mut tell = |news: News| self.change_test(run, |test| told(test, news));
                let clock = &*self.0.core.clock;
                doctor::examine_telling(&settings, None, &secrets, clock, &mut tell).await
            }
        };
        self.change_test(run, |test| {
            test.running = false;
            for (step, finding) in test.steps.iter_mut().zip(&examination.findings) {
                step.state = match finding.result {
                    FindingResult::Passed if step.state == TestStepState::Warning => continue,
                    FindingResult::Passed => TestStepState::Passed,
                    FindingResult::Failed => TestStepState::Failed,
                    FindingResult::Skipped => TestStepState::Skipped,
                };
                if let Some(problem) = &finding.problem {
                    let (key, chapter) = help(draft, finding.step, &problem.code);
                    step.key = key.map(str::to_owned);
                    step.guide = Some(chapter.to_owned());
                    step.problem = Some(problem.clone());
                }
            }
            test.passed = !test
                .steps
                .iter()
                .any(|step| matches!(step.state, TestStepState::Failed | TestStepState::Skipped));
        });
    }

    fn change_test(&self, run: u32, change: impl FnOnce(&mut ConnectionTest)) {
        self.show(|view| {
            if let Some(test) = view.test.as_mut().filter(|test| test.run == run) {
                change(test);
            }
        });
    }
}

fn told(test: &mut ConnectionTest, news: News) {
    match news {
        News::User(name) => test.user = Some(name),
        News::Version(version) => test.version = Some(version),
        News::Privileges(privileges) => {
            let lacking = privileges
                .iter()
                .filter(|privilege| !privilege.granted)
                .count();
            if let Some(step) = test.steps.last_mut().filter(|_| lacking > 0) {
                step.state = TestStepState::Warning;
                step.found = Some(match lacking {
                    1 => "One privilege of the guide's table is missing".to_owned(),
                    many => format!("{many} privileges of the guide's table are missing"),
                });
                step.guide = Some(guide::USER.to_owned());
            }
            test.privileges = privileges;
        }
        News::Passed(passed, found) => {
            if passed == Step::Url {
                test.organization.clone_from(&found);
            }
            let place = STEPS.iter().position(|(step, ..)| *step == passed);
            let Some(place) = place else { return };
            if let Some(step) = test.steps.get_mut(place)
                && step.state != TestStepState::Warning
            {
                step.state = TestStepState::Passed;
                step.found = found;
            }
            if let Some(next) = test.steps.get_mut(place + 1)
                && next.state == TestStepState::Waiting
            {
                next.state = TestStepState::Running;
            }
        }
    }
}

/// The key of the draft that a failed step is about, and the guide's chapter that helps.
fn help(settings: &Settings, step: Step, code: &str) -> (Option<&'static str>, &'static str) {
    let connection = &settings.connection;
    let application = match (connection.kind, connection.sign_in) {
        (ConnectionKind::OnPremises, _) => guide::ADFS_APPLICATION,
        (_, SignInKind::Secret) => guide::CLOUD_APPLICATION,
        (_, SignInKind::Yourself | SignInKind::Device) => guide::SIGN_IN,
    };
    let key = match code {
        "invalid_organization_url"
        | "insecure_organization_url"
        | "not_dataverse"
        | "sign_in_wrong_organization"
        | "organization_too_old" => Some("connection.organization_url"),
        "invalid_authority_url"
        | "insecure_authority_url"
        | "sign_in_wrong_authority"
        | "sign_in_not_discovered" => Some("connection.authority_url"),
        "ca_file_unreadable" | "invalid_root_certificates" => Some("connection.ca_file"),
        "sign_in_unknown_application"
        | "sign_in_not_a_public_client"
        | "sign_in_wrong_redirect" => Some("connection.client_id"),
        "sign_in_unknown_tenant" => Some("connection.tenant_id"),
        "sign_in_wrong_secret" | "sign_in_secret_expired" | "sign_in_secret_not_allowed" => {
            Some("secret.client-secret")
        }
        "sign_in_wrong_password" => Some("secret.password"),
        "secret_missing" if connection.kind == ConnectionKind::OnPremises => {
            Some("secret.password")
        }
        "secret_missing" => Some("secret.client-secret"),
        "tls_failed" | "dns_failed" | "host_unreachable" => Some("connection.organization_url"),
        _ => None,
    };
    let chapter = match step {
        Step::Url | Step::Dns | Step::Tls => guide::CONNECTION,
        Step::Token => application,
        Step::Organization => guide::CONNECTION,
        Step::User | Step::Privilege => guide::USER,
    };
    (key, chapter)
}
