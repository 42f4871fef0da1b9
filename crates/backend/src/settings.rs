//! The settings document: one readable TOML file. What is left out has the guide's default; what is not
//! known is an error that names the line and the key. Secrets never stand in it.

use std::path::{Path, PathBuf};

use comm100::Field;
use integration::columns::{self, Kind};
use integration::recording::Recording;
use integration::{
    Condition, DisplaySettings, Identification, Operator, Rule, Source, Table, phone,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};
use url::Url;
use uuid::Uuid;

use crate::problem::Problem;
use crate::{connection, folders};

mod recording;

/// The version of the document that this program writes and the newest it reads.
pub const CURRENT_VERSION: u32 = 1;

/// The port of the console bridge where none is set.
pub const DEFAULT_PORT: u16 = 47_710;

/// All settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct Settings {
    /// The version of this document.
    pub version: u32,
    /// Which Dynamics 365 organization, and how to sign in.
    pub connection: ConnectionSettings,
    /// The door for the Agent Console on this computer.
    pub bridge: BridgeSettings,
    /// How visitors are identified.
    pub identification: Identification,
    /// Which fields are shown, and what they are filled from.
    pub fields: DisplaySettings,
    /// How chats are written down.
    pub recording: Recording,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            version: CURRENT_VERSION,
            connection: ConnectionSettings::default(),
            bridge: BridgeSettings::default(),
            identification: Identification::default(),
            fields: DisplaySettings::default(),
            recording: Recording::default(),
        }
    }
}

/// The connection to Dynamics 365 (guide, Step 3a).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ConnectionSettings {
    /// What kind of organization it is.
    pub kind: ConnectionKind,
    /// The organization's address, for example `https://contoso.crm4.dynamics.com`. An on-premises
    /// organization older than 9.x has its version behind it: `…/api/data/v8.2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_url: Option<String>,
    /// Directory (tenant) id; cloud only. It may be left out where a person signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Application (client) id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Cloud: the sign-in service, `https://login.microsoftonline.com` if left out. On-premises: the
    /// token endpoint of AD FS, for example `https://fs.contoso.com/adfs/oauth2/token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority_url: Option<String>,
    /// Login e-mail of the Dynamics user; on-premises only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_email: Option<String>,
    /// How to sign in.
    pub sign_in: SignInKind,
    /// A file with the certificates (PEM) of a private certificate authority, trusted beside the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// What kind of organization the companion works with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionKind {
    /// Dynamics 365 in Microsoft's cloud.
    Cloud,
    /// Dynamics 365 on-premises behind AD FS.
    OnPremises,
    /// The embedded practice organization: nothing leaves this computer.
    #[default]
    Practice,
}

/// How the companion signs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignInKind {
    /// With the application secret (cloud), or login e-mail and password (on-premises).
    #[default]
    Secret,
    /// As the person who sits here, in the system's browser; cloud only. The application needs no secret, and tenant and
    /// sign-in service are learnt from the organization where they are left out.
    #[serde(rename = "self")]
    Yourself,
    /// As a person who types a code on another device, for computers without a browser; otherwise like `self`.
    Device,
}

/// The console bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct BridgeSettings {
    /// The port on 127.0.0.1. The console app's package names it, so change both together.
    pub port: u16,
    /// Further origins of Agent Consoles (white-label hosts) that may show the companion's pages, for
    /// example `https://chat.contoso.com` or `https://*.contoso.com`. Comm100's own are always accepted.
    pub console_origins: Vec<String>,
    /// Further origins of pages that may open the bridge's socket themselves; needs browser policies.
    pub allowed_origins: Vec<String>,
}

impl Default for BridgeSettings {
    fn default() -> Self {
        BridgeSettings {
            port: DEFAULT_PORT,
            console_origins: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}

impl Settings {
    /// The settings in force and the file that they stand in: the named one, else this user's own. Without
    /// either, the default settings, which practise.
    ///
    /// # Errors
    /// `settings_unreadable`, or what [`Settings::parse`] says. Only a file of this user's own that does not
    /// exist counts as none.
    pub fn in_force(named: Option<&Path>) -> Result<(Settings, Option<PathBuf>), Problem> {
        if let Some(file) = named {
            return Ok((Settings::load(file)?, Some(file.to_owned())));
        }
        match folders::settings_file() {
            Some(file) if !is_absent(&file) => Ok((Settings::load(&file)?, Some(file))),
            Some(_) | None => Ok((Settings::default(), None)),
        }
    }

    /// Reads a settings file.
    ///
    /// # Errors
    /// `settings_unreadable`, or what [`Settings::parse`] says. The next step names the file.
    pub fn load(path: &Path) -> Result<Settings, Problem> {
        let settings = std::fs::read_to_string(path)
            .map_err(|error| {
                Problem::new(
                    "settings_unreadable",
                    format!("The settings file cannot be read: {}.", error.kind()),
                    "Check that the file exists and that you may read it.",
                )
            })
            .and_then(|text| Settings::parse(&text));
        settings.map_err(|problem| Problem {
            next_step: format!("{} The file is {}.", problem.next_step, path.display()),
            ..problem
        })
    }

    /// Reads a settings document.
    ///
    /// # Errors
    /// `settings_syntax` (no TOML), `settings_unknown_key`, `settings_wrong_value` (wrong type or an
    /// unknown word), or what [`Settings::check`] says. The message names the line and the key.
    pub fn parse(text: &str) -> Result<Settings, Problem> {
        let deserializer = toml::Deserializer::parse(text).map_err(|error| {
            at_line(
                "settings_syntax",
                text,
                &error,
                "Correct the line: the file must be TOML.",
            )
        })?;
        let mut unknown = Vec::new();
        let settings: Settings =
            serde_ignored::deserialize(deserializer, |path| unknown.push(path.to_string()))
                .map_err(|error| {
                    at_line(
                        "settings_wrong_value",
                        text,
                        &error,
                        "Correct the value; `companion settings schema` lists what each key takes.",
                    )
                })?;
        if let Some(key) = unknown.first() {
            let line =
                line_of_key(text, key).map_or_else(String::new, |line| format!("Line {line}: "));
            return Err(Problem::new(
                "settings_unknown_key",
                format!("{line}the key `{key}` is not known."),
                "Remove it or correct its spelling; `companion settings schema` lists all keys.",
            ));
        }
        settings.check()?;
        Ok(settings)
    }

    /// The document as text, to be read by [`Settings::parse`].
    ///
    /// # Errors
    /// `settings_wrong_value` if a value has no form in TOML.
    pub fn to_toml(&self) -> Result<String, Problem> {
        toml::to_string(self).map_err(|error| {
            Problem::new(
                "settings_wrong_value",
                format!("The settings cannot be written: {error}."),
                "Report this to the maker.",
            )
        })
    }

    /// The JSON Schema of the document.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Settings).to_value()
    }

    /// Checks what the types cannot say, so that what passes can work. Nothing is read or sent.
    ///
    /// # Errors
    /// `settings_version_unsupported`, `settings_rule_invalid`, `settings_operator_unfit`,
    /// `settings_column_unfit`, `settings_template_invalid`, `settings_country_unknown`,
    /// `settings_recording_invalid`, `settings_missing_key`, `settings_tenant_invalid`, `settings_origin_invalid`, or what the client says
    /// of an address. The message names the key.
    pub fn check(&self) -> Result<(), Problem> {
        if self.version != CURRENT_VERSION {
            return Err(Problem::new(
                "settings_version_unsupported",
                format!(
                    "The settings have version {}; this companion knows version {CURRENT_VERSION}.",
                    self.version
                ),
                "Update the companion, or use settings made for this version.",
            ));
        }
        self.check_identification()?;
        self.check_fields()?;
        self.check_recording()?;
        self.bridge.check()?;
        self.connection.check()
    }

    fn check_identification(&self) -> Result<(), Problem> {
        let country = self.identification.default_country.as_deref();
        if let Some(country) = country.filter(|country| !phone::is_country(country)) {
            return Err(Problem::new(
                "settings_country_unknown",
                format!(
                    "The key `identification.default_country` names no country: \"{country}\"."
                ),
                "Write the country's two letters after ISO 3166, for example GB.",
            ));
        }
        for table in Table::RECOGNISED {
            for rule in self.identification.rules(table) {
                rule.check().map_err(|fault| {
                    rule_invalid(format!(
                        "The identification rule \"{}\" for {table} is wrong: {fault}.",
                        rule.name
                    ))
                })?;
                for condition in rule.conditions() {
                    check_condition(table, rule, condition)?;
                }
            }
        }
        Ok(())
    }

    fn check_fields(&self) -> Result<(), Problem> {
        self.fields.check().map_err(|(table, fault)| {
            rule_invalid(format!("The fields of {table} are wrong: {fault}."))
        })?;
        for (key, fields) in [
            ("contact", &self.fields.contact),
            ("account", &self.fields.account),
            ("lead", &self.fields.lead),
            ("case", &self.fields.case),
            ("task", &self.fields.task),
        ] {
            for field in fields {
                let Some(Source::Template(template)) = &field.source else {
                    continue;
                };
                check_template(template).map_err(|fault| {
                    Problem::new(
                        "settings_template_invalid",
                        format!(
                            "The `template` of `{}` in `fields.{key}` is wrong: {fault}.",
                            field.column
                        ),
                        "Write Comm100 fields in braces, for example {visitor.name}.",
                    )
                })?;
            }
        }
        Ok(())
    }
}

/// Whether Dynamics can compare this column in this way.
fn check_condition(table: Table, rule: &Rule, condition: &Condition) -> Result<(), Problem> {
    let Some(column) = columns::standard(table, &condition.column) else {
        return Ok(());
    };
    let (is_text, is_comparable) = match column.kind {
        Kind::Text | Kind::Email | Kind::Phone | Kind::Url => (true, true),
        Kind::Choice | Kind::Boolean | Kind::Integer | Kind::Lookup | Kind::Id => (false, true),
        Kind::Number | Kind::Money | Kind::Date | Kind::DateTime | Kind::MultiChoice => {
            (false, false)
        }
    };
    let place = || {
        format!(
            "The rule \"{}\" in `identification.{table}` cannot work",
            rule.name
        )
    };
    match condition.operator {
        Operator::BeginsWith | Operator::EndsWith | Operator::Contains if !is_text => {
            Err(Problem::new(
                "settings_operator_unfit",
                format!(
                    "{}: `{}` holds no text, so it {} nothing.",
                    place(),
                    column.name,
                    condition.operator.in_words()
                ),
                "Use the operator `equals`, or a column that holds text.",
            ))
        }
        Operator::Equals if !is_comparable => Err(Problem::new(
            "settings_column_unfit",
            format!(
                "{}: `{}` holds an amount, a time or several choices, which names nobody.",
                place(),
                column.name
            ),
            "Use a column that tells who somebody is.",
        )),
        Operator::Equals | Operator::BeginsWith | Operator::EndsWith | Operator::Contains => Ok(()),
    }
}

/// Every brace must hold a field of the catalogue.
fn check_template(template: &str) -> Result<(), String> {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else {
            return Err("a brace is not closed".to_owned());
        };
        if before.contains('}') {
            return Err("a brace is not opened".to_owned());
        }
        name.parse::<Field>().map_err(|error| error.to_string())?;
        rest = behind;
    }
    if rest.contains('}') {
        return Err("a brace is not opened".to_owned());
    }
    Ok(())
}

impl BridgeSettings {
    fn check(&self) -> Result<(), Problem> {
        let lists = [
            ("console_origins", &self.console_origins, true),
            ("allowed_origins", &self.allowed_origins, false),
        ];
        for (key, origins, wildcards) in lists {
            if let Some(wrong) = origins.iter().find(|origin| !is_origin(origin, wildcards)) {
                return Err(Problem::new(
                    "settings_origin_invalid",
                    format!("The key `bridge.{key}` holds what is no origin: {wrong:?}."),
                    "Write it as the browser does: `https://host` or `https://host:port`, in lower case and with nothing behind it.",
                ));
            }
        }
        Ok(())
    }
}

/// Whether a browser would write this origin so. What else passed would stand in a page's policy.
fn is_origin(text: &str, wildcards: bool) -> bool {
    let plain = if wildcards {
        text.replacen("://*.", "://", 1)
    } else {
        text.to_owned()
    };
    let harmless =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '/' | '[' | ']');
    (plain.starts_with("https://") || plain.starts_with("http://"))
        && plain.chars().all(harmless)
        && Url::parse(&plain).is_ok_and(|url| url.origin().ascii_serialization() == plain)
}

impl ConnectionSettings {
    fn check(&self) -> Result<(), Problem> {
        let required: &[(&str, &Option<String>)] = match self.kind {
            ConnectionKind::Cloud if self.sign_in == SignInKind::Secret => &[
                ("organization_url", &self.organization_url),
                ("tenant_id", &self.tenant_id),
                ("client_id", &self.client_id),
            ],
            ConnectionKind::Cloud => &[
                ("organization_url", &self.organization_url),
                ("client_id", &self.client_id),
            ],
            ConnectionKind::OnPremises => &[
                ("organization_url", &self.organization_url),
                ("authority_url", &self.authority_url),
                ("client_id", &self.client_id),
                ("login_email", &self.login_email),
            ],
            ConnectionKind::Practice => return Ok(()),
        };
        let missing = required
            .iter()
            .find(|(_, value)| value.as_deref().is_none_or(|text| text.trim().is_empty()));
        if let Some((key, _)) = missing {
            return Err(Problem::new(
                "settings_missing_key",
                format!("The key `connection.{key}` is missing: this kind of connection needs it."),
                "Add it; the integration guide says where to find the value.",
            ));
        }
        if self.kind == ConnectionKind::OnPremises && self.sign_in != SignInKind::Secret {
            return Err(Problem::new(
                "settings_sign_in_unfit",
                "The key `connection.sign_in` cannot be used: on-premises, the companion signs in with login e-mail and password.",
                "Remove the key, or set it to \"secret\".",
            ));
        }
        let tenant = self.tenant_id.as_deref().map(str::trim);
        if self.kind == ConnectionKind::Cloud && tenant.is_some_and(|id| !is_tenant(id)) {
            return Err(Problem::new(
                "settings_tenant_invalid",
                "The key `connection.tenant_id` is neither an id nor a domain.",
                "Copy the Directory (tenant) ID from the application's page in the Azure portal.",
            ));
        }
        connection::check_addresses(self)
    }
}

/// `00000000-0000-4000-8000-000000000001` or `contoso.onmicrosoft.com`.
fn is_tenant(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let is_domain = labels.len() > 1 && text.len() <= 253 && labels.iter().all(is_label);
    is_domain
        || Uuid::try_parse(text).is_ok_and(|id| id.hyphenated().to_string() == text.to_lowercase())
}

/// What cannot be looked at is there, and reading it says what is wrong with it.
fn is_absent(file: &Path) -> bool {
    std::fs::symlink_metadata(file).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

fn rule_invalid(message: String) -> Problem {
    Problem::new(
        "settings_rule_invalid",
        message,
        "Correct it in the settings.",
    )
}

fn at_line(code: &str, text: &str, error: &toml::de::Error, next_step: &str) -> Problem {
    let place = error.span().map_or_else(String::new, |span| {
        format!("Line {}: ", line_of(text, span.start))
    });
    Problem::new(
        code,
        format!("{place}{}.", error.message().trim_end_matches('.')),
        next_step,
    )
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

/// The line of a key, which is named as `identification.contact.0.nam`.
pub(crate) fn line_of_key(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut segments = key.split('.').peekable();
    loop {
        let segment = segments.next()?;
        let (name, mut value) = table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == segment)?;
        let mut offset = name.span().start;
        while let DeValue::Array(items) = value.get_ref() {
            let Some(place) = segments
                .peek()
                .and_then(|segment| segment.parse::<usize>().ok())
            else {
                break;
            };
            segments.next();
            value = items.get(place)?;
            offset = value.span().start;
        }
        let inner = if let DeValue::Table(inner) = value.get_ref() {
            Some(inner)
        } else {
            None
        };
        match inner.filter(|_| segments.peek().is_some()) {
            Some(inner) => table = inner,
            None => return Some(line_of(text, offset)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_document_is_the_default_and_practices() {
        assert_eq!(Settings::parse("").unwrap(), Settings::default());
        assert_eq!(
            Settings::default().connection.kind,
            ConnectionKind::Practice
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let settings = Settings::default();
        assert_eq!(
            Settings::parse(&settings.to_toml().unwrap()).unwrap(),
            settings
        );
    }

    #[test]
    fn each_mistake_has_its_code_and_names_its_place() {
        for (text, code, part) in [
            ("version = 1\n[connection\n", "settings_syntax", "Line 2"),
            (
                "version = 1\n\n[connection]\norganisation_url = \"x\"\n",
                "settings_unknown_key",
                "Line 4: the key `connection.organisation_url`",
            ),
            (
                "[[identification.contact]]\nname = \"a\"\nany = [{ column = \"a\", operator = \"equals\", field = \"visitor.email\", not = true }]",
                "settings_unknown_key",
                "Line 3: the key `identification.contact.0.any.0.not`",
            ),
            (
                "[[fields.lead]]\ncolumn = \"a\"\nfrm = \"visitor.name\"\n",
                "settings_unknown_key",
                "Line 3: the key `fields.lead.0.frm`",
            ),
            (
                "[bridge]\nport = \"many\"\n",
                "settings_wrong_value",
                "Line 2",
            ),
            (
                "[connection]\nkind = \"clod\"\n",
                "settings_wrong_value",
                "Line 2",
            ),
            ("version = 7", "settings_version_unsupported", "version 7"),
            (
                "[[identification.contact]]\nname = \"a\"",
                "settings_rule_invalid",
                "no conditions",
            ),
            (
                "[[fields.contact]]\ncolumn = \"last name\"",
                "settings_rule_invalid",
                "`last name`",
            ),
            (
                "[[fields.contact]]\ncolumn = \"a\"\n[[fields.contact]]\ncolumn = \"a\"",
                "settings_rule_invalid",
                "twice",
            ),
            (
                "[connection]\nkind = \"cloud\"\norganization_url = \"https://a.example\"",
                "settings_missing_key",
                "connection.tenant_id",
            ),
            (
                "[connection]\nkind = \"on-premises\"",
                "settings_missing_key",
                "connection.organization_url",
            ),
            (
                "[connection]\nkind = \"cloud\"\nsign_in = \"self\"\norganization_url = \"https://a.example\"",
                "settings_missing_key",
                "connection.client_id",
            ),
            (
                "[connection]\nkind = \"on-premises\"\nsign_in = \"self\"\norganization_url = \"https://a.example\"\nauthority_url = \"https://b.example\"\nclient_id = \"c\"\nlogin_email = \"l\"",
                "settings_sign_in_unfit",
                "`connection.sign_in`",
            ),
            (
                "[connection]\nsign_in = \"somehow\"",
                "settings_wrong_value",
                "Line 2",
            ),
            (
                "[identification]\ndefault_country = \"Britain\"",
                "settings_country_unknown",
                "`identification.default_country`",
            ),
            (
                "[identification]\ndefault_country = \"QQ\"",
                "settings_country_unknown",
                "\"QQ\"",
            ),
            (
                "[[identification.account]]\nname = \"a\"\nany = [{ column = \"industrycode\", operator = \"contains\", field = \"visitor.name\" }]",
                "settings_operator_unfit",
                "`industrycode`",
            ),
            (
                "[[identification.account]]\nname = \"a\"\nall = [{ column = \"revenue\", operator = \"equals\", field = \"visitor.name\" }]",
                "settings_column_unfit",
                "`revenue`",
            ),
            (
                "[[identification.lead]]\nname = \"a\"\nall = [{ column = \"createdon\", operator = \"begins-with\", field = \"visitor.name\" }]",
                "settings_operator_unfit",
                "`identification.lead`",
            ),
            (
                "[[fields.case]]\ncolumn = \"title\"\ntemplate = \"Chat of {visitor.nam}\"",
                "settings_template_invalid",
                "`title` in `fields.case`",
            ),
            (
                "[[fields.task]]\ncolumn = \"subject\"\ntemplate = \"Chat of {visitor.name\"",
                "settings_template_invalid",
                "not closed",
            ),
        ] {
            assert_fault(text, code, part);
        }
    }

    #[test]
    fn what_no_client_could_use_is_refused() {
        const TENANT: &str = "00000000-0000-4000-8000-000000000001";
        let cloud = |organization: &str, tenant: &str, more: &str| {
            format!(
                "[connection]\nkind = \"cloud\"\norganization_url = \"{organization}\"\ntenant_id = \"{tenant}\"\nclient_id = \"c\"\n{more}"
            )
        };
        let contoso = "https://contoso.crm4.dynamics.com";
        for good in [
            cloud(contoso, TENANT, ""),
            cloud("http://127.0.0.1:8080", "contoso.onmicrosoft.com", ""),
            cloud(contoso, TENANT, "sign_in = \"self\""),
            format!(
                "[connection]\nkind = \"cloud\"\nsign_in = \"device\"\norganization_url = \"{contoso}\"\nclient_id = \"c\""
            ),
        ] {
            assert_eq!(Settings::parse(&good).err(), None, "{good}");
        }
        for (text, code, part) in [
            (
                cloud("contoso", TENANT, ""),
                "invalid_organization_url",
                "`connection.organization_url`",
            ),
            (
                cloud("http://contoso.example", TENANT, ""),
                "insecure_organization_url",
                "`connection.organization_url`",
            ),
            (
                cloud(contoso, TENANT, "authority_url = \"x\""),
                "invalid_authority_url",
                "`connection.authority_url`",
            ),
            (
                cloud(contoso, TENANT, "authority_url = \"http://fs.example\""),
                "insecure_authority_url",
                "`connection.authority_url`",
            ),
            (
                cloud(contoso, "contoso", ""),
                "settings_tenant_invalid",
                "`connection.tenant_id`",
            ),
            (
                cloud(contoso, "a b", "sign_in = \"self\""),
                "settings_tenant_invalid",
                "`connection.tenant_id`",
            ),
            (
                cloud(contoso, "a..b", ""),
                "settings_tenant_invalid",
                "`connection.tenant_id`",
            ),
        ] {
            assert_fault(&text, code, part);
        }
        let on_premises = "[connection]\nkind = \"on-premises\"\norganization_url = \"https://crm.example\"\nauthority_url = \"http://fs.example\"\nclient_id = \"c\"\nlogin_email = \"l\"";
        assert_fault(
            on_premises,
            "insecure_authority_url",
            "`connection.authority_url`",
        );
    }

    #[test]
    fn origins_are_those_that_a_browser_writes() {
        let with = |key: &str, origin: &str| format!("[bridge]\n{key} = [{origin:?}]");
        for good in [
            "https://chat.contoso.com",
            "http://localhost:3000",
            "https://[::1]:8443",
        ] {
            for key in ["console_origins", "allowed_origins"] {
                assert_eq!(Settings::parse(&with(key, good)).err(), None, "{good}");
            }
        }
        let wildcard = "https://*.contoso.com";
        assert_eq!(
            Settings::parse(&with("console_origins", wildcard)).err(),
            None
        );
        assert_fault(
            &with("allowed_origins", wildcard),
            "settings_origin_invalid",
            "`bridge.allowed_origins`",
        );
        for wrong in [
            "",
            "null",
            "*",
            "https://*",
            "https://*.",
            "https://*.*.contoso.com",
            "https://a b",
            "https://a;b",
            "https://a/",
            "https://a/path",
            "https://A.example",
            "https://a:443",
            "https://u@a",
            "ftp://a",
            "a.example",
            "https://a.example\n",
            "https://a.example, https://b.example",
        ] {
            assert_fault(
                &with("console_origins", wrong),
                "settings_origin_invalid",
                "`bridge.console_origins`",
            );
        }
    }

    fn assert_fault(text: &str, code: &str, part: &str) {
        let problem = Settings::parse(text).unwrap_err();
        assert_eq!(problem.code, code, "{text}: {}", problem.message);
        assert!(
            problem.message.contains(part),
            "{text}: {}",
            problem.message
        );
    }

    #[test]
    fn the_schema_knows_every_key_of_the_default_document() {
        let schema = Settings::schema().to_string();
        for key in [
            "organization_url",
            "default_country",
            "console_origins",
            "display",
            "operator",
        ] {
            assert!(schema.contains(key) || key == "{key}");
        }
        assert!(schema.contains("additionalProperties\":false"));
    }
}
