//! Each mistake in a document is named with its place.

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
            "Line 2: the key `bridge.port`",
        ),
        (
            "[connection]\nkind = \"clod\"\n",
            "settings_wrong_value",
            "Line 2: the key `connection.kind`",
        ),
        (
            "[[fields.lead]]\ncolumn = \"a\"\n[[fields.lead]]\ncolumn = 7\n",
            "settings_wrong_value",
            "Line 4: the key `fields.lead.1.column`",
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
