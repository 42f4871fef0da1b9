//! Examines the connection step by step and names the step that fails.

mod privileges;

use std::collections::BTreeSet;

use dataverse::{Client, Function, Query};
use integration::identify::{self, Filter, Scalar};
use integration::{Columns, Identification, Rule, Table};
use serde::Serialize;

use crate::clock::Clock;
use crate::connection;
pub use crate::controller::user_name;
use crate::problem::Problem;
use crate::recognise::{filter_behind, property};
use crate::schema::{self, NamedColumn};
use crate::secrets::Secrets;
use crate::settings::{self, Settings};
use crate::view::{PrivilegeDepth, PrivilegeView};

/// The oldest version of Dynamics that is supported (guide, Step 3a), and the oldest that can be tried.
const OLDEST_SUPPORTED: (u32, u32) = (9, 0);

/// What is examined, in order. A step after a failed one is not examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The settings and secrets are complete and the address is one.
    Url,
    /// The names of the organization and the sign-in service are known.
    Dns,
    /// Both are reached, and over a trusted TLS connection where it is one.
    Tls,
    /// The sign-in service gives a token.
    Token,
    /// The organization answers as Dataverse.
    Organization,
    /// The organization knows the user.
    User,
    /// The user may do what the settings need.
    Privilege,
}

const STEPS: [Step; 7] = [
    Step::Url,
    Step::Dns,
    Step::Tls,
    Step::Token,
    Step::Organization,
    Step::User,
    Step::Privilege,
];

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The step.
    pub step: Step,
    /// How it went.
    pub result: FindingResult,
    /// What is wrong, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingResult {
    /// Well.
    Passed,
    /// Not well.
    Failed,
    /// It was not examined, since one before it failed.
    Skipped,
}

/// What an examination found.
#[derive(Clone, Debug)]
pub struct Examination {
    /// All steps in their order.
    pub findings: Vec<Finding>,
    /// The name of the Dynamics user that is signed in, if it may be read.
    pub signed_in_as: Option<String>,
    /// The organization's version: `9.2.24051.00190`.
    pub version: Option<String>,
    /// Every privilege of the guide's table, once the user is known.
    pub privileges: Vec<PrivilegeView>,
}

/// What is told while the examination goes on.
#[derive(Clone, Debug)]
pub enum News {
    /// A step is well; with what was found.
    Passed(Step, Option<String>),
    /// Who is signed in.
    User(String),
    /// The organization's version.
    Version(String),
    /// The privileges of the guide's table.
    Privileges(Vec<PrivilegeView>),
}

/// Examines the connection. `text` is the document that the settings stand in, so that a line can be named.
pub async fn examine(
    settings: &Settings,
    text: Option<&str>,
    secrets: &Secrets,
    clock: &dyn Clock,
) -> Examination {
    examine_telling(settings, text, secrets, clock, &mut |_| {}).await
}

/// The same, telling how it goes.
pub async fn examine_telling(
    settings: &Settings,
    text: Option<&str>,
    secrets: &Secrets,
    clock: &dyn Clock,
    tell: &mut (dyn FnMut(News) + Send),
) -> Examination {
    let mut found = Examination {
        findings: Vec::new(),
        signed_in_as: None,
        version: None,
        privileges: Vec::new(),
    };
    let mut tell = |news: News| {
        match &news {
            News::Passed(..) => {}
            News::User(name) => found.signed_in_as = Some(name.clone()),
            News::Version(version) => found.version = Some(version.clone()),
            News::Privileges(privileges) => found.privileges.clone_from(privileges),
        }
        tell(news);
    };
    let fault = first_fault(settings, text, secrets, clock, &mut tell).await;
    Examination {
        findings: findings(fault),
        ..found
    }
}

/// What is found where the settings or the secrets cannot be used at all.
#[must_use]
pub fn unusable(problem: Problem) -> Examination {
    Examination {
        findings: findings(Some((Step::Url, problem))),
        signed_in_as: None,
        version: None,
        privileges: Vec::new(),
    }
}

fn findings(fault: Option<(Step, Problem)>) -> Vec<Finding> {
    match fault {
        None => STEPS
            .map(|step| Finding {
                step,
                result: FindingResult::Passed,
                problem: None,
            })
            .to_vec(),
        Some((failed, problem)) => STEPS
            .map(|step| match step.cmp(&failed) {
                std::cmp::Ordering::Less => Finding {
                    step,
                    result: FindingResult::Passed,
                    problem: None,
                },
                std::cmp::Ordering::Equal => Finding {
                    step,
                    result: FindingResult::Failed,
                    problem: Some(problem.clone()),
                },
                std::cmp::Ordering::Greater => Finding {
                    step,
                    result: FindingResult::Skipped,
                    problem: None,
                },
            })
            .to_vec(),
    }
}

async fn first_fault(
    settings: &Settings,
    text: Option<&str>,
    secrets: &Secrets,
    clock: &dyn Clock,
    tell: &mut (dyn FnMut(News) + Send),
) -> Option<(Step, Problem)> {
    let client = match connection::client(&settings.connection, secrets, clock.now()) {
        Ok(client) => client,
        Err(problem) => return Some((Step::Url, problem)),
    };
    let host = client.organization().host().to_owned();
    tell(News::Passed(Step::Url, Some(host)));
    // A connection that breaks later than it was first needed is no fault of the earlier steps.
    let fault = |reached: Step, error: &dataverse::Error| {
        Some((
            step_of(error).max(reached),
            Problem::from_dataverse(error, clock.now()),
        ))
    };
    // What is wrong on the way to the organization is told before the sign-in service is asked, which would
    // only say that it does not know such an organization.
    if let Err(error) = client.knock().await
        && step_of(&error) < Step::Token
    {
        return fault(Step::Dns, &error);
    }
    // The way to the sign-in service is gone for the first time here.
    if let Err(error) = client.sign_in().await {
        return fault(Step::Dns, &error);
    }
    for step in [Step::Dns, Step::Tls, Step::Token] {
        tell(News::Passed(step, None));
    }
    let user = match client.who_am_i().await {
        Ok(me) => me.user_id,
        Err(error) => return fault(Step::Organization, &error),
    };
    let version = version(&client).await;
    if let Some(version) = &version {
        tell(News::Version(version.clone()));
        if let Some(problem) = too_old(version) {
            return Some((Step::Organization, problem));
        }
    }
    let found = version.map(|version| format!("Version {version}"));
    tell(News::Passed(Step::Organization, found));
    let name = user_name(&client, user).await;
    if let Some(name) = &name {
        tell(News::User(name.clone()));
    }
    tell(News::Passed(Step::User, name));
    let privileges = privileges::of_user(&client, user, settings).await;
    tell(News::Privileges(privileges.clone()));
    let known = match schema::read(&client).await {
        Ok(schema) => schema::columns(&schema),
        Err(error) => {
            // Then the columns are tried out one by one below.
            tracing::warn!(error.code = error.code(), error.chain = %error, "the organization's tables cannot be read");
            Columns::default()
        }
    };
    let missing = schema::missing(&known, &settings.identification, &settings.fields);
    for table in Table::RECOGNISED {
        let columns = identify::columns_to_read(table, &settings.identification, &settings.fields);
        let Err(error) = read_one(&client, &known, table, &columns).await else {
            continue;
        };
        if !is_about_columns(&error) {
            // `WhoAmI` needs no privilege, so that only a real read shows whether the user has a role
            // (protocol page `security.md`, section Model).
            let reached = match step_of(&error) {
                Step::User => Step::User,
                Step::Url
                | Step::Dns
                | Step::Tls
                | Step::Token
                | Step::Organization
                | Step::Privilege => Step::Privilege,
            };
            return fault(reached, &error);
        }
        let problem = match missing.iter().find(|named| named.table == table) {
            Some(named) => missing_problem(named, text),
            None => columns_problem(&client, &known, table, &columns, &error, clock).await,
        };
        return Some((Step::Privilege, problem));
    }
    if let Some(named) = missing.first() {
        return Some((Step::Privilege, missing_problem(named, text)));
    }
    for table in Table::RECOGNISED {
        if let Err(error) = compare_names(&client, &known, table, &settings.identification).await {
            return fault(Step::Privilege, &error);
        }
    }
    if let Some(problem) = lacking(&privileges) {
        return Some((Step::Privilege, problem));
    }
    tell(News::Passed(Step::Privilege, None));
    None
}

/// The organization's version; none where it does not tell.
async fn version(client: &Client) -> Option<String> {
    match client.call(&Function::new("RetrieveVersion")).await {
        Ok(answer) => answer.get("Version")?.as_str().map(str::to_owned),
        Err(error) => {
            tracing::warn!(error.code = error.code(), error.chain = %error, "the version cannot be read");
            None
        }
    }
}

/// Whether the version is older than those that the guide knows.
fn too_old(version: &str) -> Option<Problem> {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return None;
    };
    // 8.x answers the same requests (guide, Step 3a: "older than 9.x").
    ((major, minor) < OLDEST_SUPPORTED && major < 8).then(|| {
        Problem::new(
            "organization_too_old",
            format!(
                "The organization has version {version}; the companion works with 9.0 or later."
            ),
            "Ask the Dynamics administrator to update the organization.",
        )
    })
}

/// What the settings need and the user may not.
fn lacking(privileges: &[PrivilegeView]) -> Option<Problem> {
    let lacking: Vec<&PrivilegeView> = privileges
        .iter()
        .filter(|privilege| privilege.needed && !privilege.granted)
        .collect();
    let first = lacking.first()?;
    let names: Vec<String> = lacking
        .iter()
        .map(|privilege| {
            let reach = if privilege.depth == PrivilegeDepth::None {
                ""
            } else {
                " (for the whole organization)"
            };
            format!("{} on {}{reach}", privilege.right, privilege.table)
        })
        .collect();
    Some(Problem::new(
        "missing_privilege",
        format!(
            "The user's role does not allow what the settings ask for: {} ({}).",
            first.without, first.name
        ),
        format!(
            "A System Administrator of Dynamics must give the user's role: {}.",
            names.join(", ")
        ),
    ))
}

/// The settings name a column that the organization does not have.
fn missing_problem(named: &NamedColumn, text: Option<&str>) -> Problem {
    let NamedColumn { table, column, key } = named;
    let line = text.and_then(|text| settings::line_of_key(text, key));
    let line = line.map_or_else(String::new, |line| format!("Line {line}: "));
    Problem::new(
        "settings_column_unknown",
        format!("{line}the table {table} has no column `{column}`, which the key `{key}` names."),
        "Correct the column in the settings; Dynamics shows its logical name in the table's list of columns.",
    )
}

/// Reads what recognition reads, of one row.
async fn read_one(
    client: &Client,
    known: &Columns,
    table: Table,
    columns: &[String],
) -> Result<(), dataverse::Error> {
    let columns = columns.iter().map(|column| property(known, table, column));
    client
        .query(&Query::new(table.entity_set()).select(columns).top(1))
        .await
        .map(drop)
}

/// Asks as the rules ask that compare the name of a row behind a lookup: whether that row's table may be read is seen only
/// then.
async fn compare_names(
    client: &Client,
    known: &Columns,
    table: Table,
    identification: &Identification,
) -> Result<(), dataverse::Error> {
    let conditions = identification
        .rules(table)
        .iter()
        .flat_map(Rule::conditions);
    let lookups: BTreeSet<&str> = conditions
        .map(|condition| condition.column.as_str())
        .filter(|column| !known.names_of_rows(table, column).is_empty())
        .collect();
    for lookup in lookups {
        let named = Filter::Is(lookup.to_owned(), Scalar::RowName("?".to_owned()));
        let query = Query::new(table.entity_set())
            .select([table.key_column()])
            .filter(filter_behind("", known, table, &named))
            .top(1);
        client.query(&query).await?;
    }
    Ok(())
}

/// What Dataverse says of a column that it does not know.
fn is_about_columns(error: &dataverse::Error) -> bool {
    ["bad_request", "unknown_table", "not_found", "invalid_query"].contains(&error.code())
}

/// Names the table, and the first column that cannot be read by itself.
async fn columns_problem(
    client: &Client,
    known: &Columns,
    table: Table,
    columns: &[String],
    error: &dataverse::Error,
    clock: &dyn Clock,
) -> Problem {
    let mut problem = Problem::from_dataverse(error, clock.now());
    problem.message = format!("The columns of the table {table} cannot be read.");
    for column in columns {
        let alone = read_one(client, known, table, std::slice::from_ref(column)).await;
        if alone.is_err_and(|error| is_about_columns(&error)) {
            problem.message = format!("The table {table} has no column `{column}`.");
            break;
        }
    }
    problem.next_step = format!(
        "Correct the column in the settings, in `identification.{table}` or `fields.{table}`; Dynamics shows its logical name in the table's list of columns."
    );
    problem
}

/// Where on the way an error happens.
fn step_of(error: &dataverse::Error) -> Step {
    use dataverse::Error;
    match error {
        Error::InvalidOrganizationUrl { .. }
        | Error::InsecureOrganizationUrl
        | Error::InvalidAuthorityUrl { .. }
        | Error::InsecureAuthorityUrl
        | Error::InvalidRootCertificates(_) => Step::Url,
        Error::DnsFailed { .. } => Step::Dns,
        Error::NoRootCertificates(_)
        | Error::HostUnreachable { .. }
        | Error::TlsFailed { .. }
        | Error::TimedOut { .. }
        | Error::ConnectionLost { .. } => Step::Tls,
        Error::SignIn { .. } => Step::Token,
        Error::NotAMember(_) | Error::UserDisabled(_) | Error::NoLicence(_) | Error::NoRole(_) => {
            Step::User
        }
        Error::MissingPrivilege { .. } | Error::NoAccessToRecord(_) | Error::Forbidden(_) => {
            Step::Privilege
        }
        Error::InvalidQuery { .. }
        | Error::RequestTooLong { .. }
        | Error::NotFound(_)
        | Error::UnknownTable(_)
        | Error::RecordChanged(_)
        | Error::RecordExists(_)
        | Error::AlternateKeyExists(_)
        | Error::Duplicates(_)
        | Error::StillReferenced(_)
        | Error::InvalidValue(_)
        | Error::InvalidState(_)
        | Error::DeltaExpired(_)
        | Error::NoChangeTracking(_)
        | Error::Resting { .. }
        | Error::NotCarriedOut
        | Error::PreconditionFailed(_)
        | Error::Throttled { .. }
        | Error::OrganizationUnavailable { .. }
        | Error::BusinessRule(_)
        | Error::BadRequest(_)
        | Error::ServerFailed(_)
        | Error::NotDataverse { .. }
        | Error::InvalidAnswer { .. }
        | Error::AnswerTooLarge { .. } => Step::Organization,
    }
}
