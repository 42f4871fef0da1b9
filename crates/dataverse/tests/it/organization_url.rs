//! What people type as the organization's address.

use dataverse::OrganizationUrl;
use uuid::Uuid;

fn roots(text: &str) -> Result<(String, String), &'static str> {
    OrganizationUrl::parse(text, "v9.2")
        .map(|url| (url.web_root().to_string(), url.api_root().to_string()))
        .map_err(|error| error.code())
}

#[test]
fn an_address_becomes_the_two_roots() {
    let table = [
        (
            "https://contoso.crm4.dynamics.com",
            "https://contoso.crm4.dynamics.com/",
            "https://contoso.crm4.dynamics.com/api/data/v9.2/",
        ),
        (
            " https://contoso.crm4.dynamics.com/ ",
            "https://contoso.crm4.dynamics.com/",
            "https://contoso.crm4.dynamics.com/api/data/v9.2/",
        ),
        (
            "HTTPS://Contoso.CRM4.dynamics.com",
            "https://contoso.crm4.dynamics.com/",
            "https://contoso.crm4.dynamics.com/api/data/v9.2/",
        ),
        (
            "https://contoso.crm.dynamics.com/main.aspx?appid=1&etn=contact#x",
            "https://contoso.crm.dynamics.com/",
            "https://contoso.crm.dynamics.com/api/data/v9.2/",
        ),
        (
            "https://contoso.api.crm4.dynamics.com/api/data/v9.2",
            "https://contoso.crm4.dynamics.com/",
            "https://contoso.api.crm4.dynamics.com/api/data/v9.2/",
        ),
        (
            "https://crm.example.com/contoso",
            "https://crm.example.com/contoso/",
            "https://crm.example.com/contoso/api/data/v9.2/",
        ),
        (
            "https://crm.example.com:8443/contoso/api/data/v8.2/",
            "https://crm.example.com:8443/contoso/",
            "https://crm.example.com:8443/contoso/api/data/v8.2/",
        ),
        (
            "https://crm.example.com/contoso/api/data",
            "https://crm.example.com/contoso/",
            "https://crm.example.com/contoso/api/data/v9.2/",
        ),
        (
            "https://crm.example.com/My%20Org/main.aspx",
            "https://crm.example.com/My%20Org/",
            "https://crm.example.com/My%20Org/api/data/v9.2/",
        ),
        (
            "https://api.example.com/contoso",
            "https://api.example.com/contoso/",
            "https://api.example.com/contoso/api/data/v9.2/",
        ),
        (
            "http://127.0.0.1:5555/contoso",
            "http://127.0.0.1:5555/contoso/",
            "http://127.0.0.1:5555/contoso/api/data/v9.2/",
        ),
        (
            "http://localhost:5555",
            "http://localhost:5555/",
            "http://localhost:5555/api/data/v9.2/",
        ),
        (
            "http://[::1]:5555",
            "http://[::1]:5555/",
            "http://[::1]:5555/api/data/v9.2/",
        ),
    ];
    for (text, web, api) in table {
        assert_eq!(roots(text), Ok((web.to_owned(), api.to_owned())), "{text}");
    }
}

#[test]
fn what_is_no_safe_address_is_refused() {
    for text in [
        "",
        "contoso",
        "contoso.crm4.dynamics.com",
        "https://",
        "ftp://contoso.example",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://user:word@contoso.example",
        "localhost:5555",
        "https://contoso.example/api/data/9.2",
        "https://contoso.example/api/data/v9",
        "https://contoso.example/api/data/v9.2/contacts",
        "https://contoso.example/api/data/v9.2.1",
        "https://contoso.example/api/data/vx.y",
        "https://con toso.example",
    ] {
        assert_eq!(roots(text), Err("invalid_organization_url"), "{text}");
    }
    for text in [
        "http://contoso.crm4.dynamics.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1/contoso",
    ] {
        assert_eq!(roots(text), Err("insecure_organization_url"), "{text}");
    }
}

#[test]
fn a_record_has_a_page() {
    let id = Uuid::from_u128(0x6f1c_0000_0000_0000_0000_0000_0000_0001);
    let link = |text: &str| {
        OrganizationUrl::parse(text, "v9.1")
            .unwrap()
            .record_url("contact", id)
            .to_string()
    };
    assert_eq!(
        link("https://contoso.api.crm4.dynamics.com/api/data/v9.2"),
        "https://contoso.crm4.dynamics.com/main.aspx?etn=contact&pagetype=entityrecord&id=6f1c0000-0000-0000-0000-000000000001"
    );
    assert_eq!(
        link("https://crm.example.com/contoso"),
        "https://crm.example.com/contoso/main.aspx?etn=contact&pagetype=entityrecord&id=6f1c0000-0000-0000-0000-000000000001"
    );
    let odd = OrganizationUrl::parse("https://crm.example.com", "v9.1")
        .unwrap()
        .record_url("a&b=c#d", id);
    assert_eq!(odd.query_pairs().next().unwrap().1, "a&b=c#d");
}

#[test]
fn the_version_is_the_default_or_the_one_that_was_typed() {
    assert_eq!(
        OrganizationUrl::parse("https://x.example", "v9.1")
            .unwrap()
            .version(),
        "v9.1"
    );
    assert_eq!(
        OrganizationUrl::parse("https://x.example/api/data/v9.0", "v9.1")
            .unwrap()
            .version(),
        "v9.0"
    );
}
