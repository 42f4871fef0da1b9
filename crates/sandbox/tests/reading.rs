//! Reading: the handshake, queries, paging, annotations, expansion.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use serde_json::{Value, json};

#[tokio::test]
async fn handshake() {
    let org = Org::demo().await;
    let plain = org.read("WhoAmI").await;
    assert_eq!(plain, org.read("WhoAmI()").await);
    assert_eq!(
        plain["@odata.context"],
        format!(
            "{}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            org.base
        )
    );
    let user = plain["UserId"].as_str().unwrap();
    let row = org
        .read(&format!("systemusers({user})?$select=fullname,isdisabled"))
        .await;
    assert_eq!(row["isdisabled"], false);
    assert!(
        org.read("RetrieveVersion()").await["Version"]
            .as_str()
            .unwrap()
            .starts_with("9.2.")
    );
    let document = org.read("").await;
    assert!(
        document["value"]
            .as_array()
            .unwrap()
            .contains(&json!({"name": "contacts", "kind": "EntitySet", "url": "contacts"}))
    );

    let (status, code, message) = failure(org.post("WhoAmI", json!({}))).await;
    assert_eq!((status, code.as_str()), (404, ""));
    assert!(message.starts_with("No HTTP resource was found that matches the request URI"));
    let (status, code, message) = failure(org.get("contactz")).await;
    assert_eq!((status, code.as_str()), (404, "0x80060888"));
    assert_eq!(message, "Resource not found for the segment 'contactz'.");
}

#[tokio::test]
async fn the_sample_visitor_is_in_the_demo_data() {
    let org = Org::demo().await;
    let body = ok(org.get(
        "contacts?$select=fullname,telephone1,_parentcustomerid_value&$filter=emailaddress1 eq 'DANA.vermeer@example.com'&$expand=parentcustomerid_account($select=name)",
    ).header("prefer", "odata.include-annotations=\"*\"")).await;
    let rows = body["value"].as_array().unwrap();
    assert_eq!(rows.len(), 1);
    let dana = &rows[0];
    assert_eq!(dana["fullname"], "Dana Vermeer");
    assert_eq!(
        dana["parentcustomerid_account"]["name"],
        "Northwind Traders"
    );
    assert_eq!(
        dana["_parentcustomerid_value@OData.Community.Display.V1.FormattedValue"],
        "Northwind Traders"
    );
    assert_eq!(
        dana["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"],
        "account"
    );
    assert_eq!(
        dana["_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"],
        "parentcustomerid_account"
    );
    assert!(dana["@odata.etag"].as_str().unwrap().starts_with("W/\""));
    let leads = org
        .names(
            "leads",
            "fullname",
            "emailaddress1 eq 'dana.vermeer@example.com'",
        )
        .await;
    assert_eq!(leads, ["Dana Vermeer"]);
}

#[tokio::test]
async fn the_demo_has_the_size_of_a_company() {
    let org = Org::demo().await;
    for (set, at_least) in [
        ("accounts", 200),
        ("contacts", 1000),
        ("leads", 300),
        ("incidents", 400),
        ("tasks", 300),
        ("annotations", 200),
    ] {
        let text = org
            .get(&format!("{set}/$count"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert!(
            text.starts_with('\u{feff}'),
            "a byte order mark comes first"
        );
        let count: usize = text.trim_start_matches('\u{feff}').parse().unwrap();
        assert!(count >= at_least, "{set}: {count}");
    }
    let body: Value = org
        .read("contacts?$count=true&$top=1&$filter=statecode eq 1")
        .await;
    assert!(
        body["@odata.count"].as_i64().unwrap() > 10,
        "some people are inactive"
    );
}

async fn people(org: &Org) {
    for (first, last, email, phone, limit, born) in [
        (
            "Åsa",
            "Öberg",
            "asa@example.com",
            "(020) 7946 0018",
            100.5,
            "1980-05-01",
        ),
        (
            "Иван",
            "Иванов",
            "ivan@example.com",
            "+44 20 7946 0018",
            2000.0,
            "1990-01-02",
        ),
        (
            "Ann",
            "100%_[sure]*?",
            "ann@example.com",
            "",
            0.0,
            "2000-12-31",
        ),
        (
            "O'Brien",
            "& Co #1+2/3",
            "o'brien@example.com",
            "",
            5.0,
            "1970-01-01",
        ),
    ] {
        org.create(
            "contacts",
            json!({"firstname": first, "lastname": last, "emailaddress1": email, "telephone1": phone,
                   "creditlimit": limit, "birthdate": born, "donotemail": limit > 50.0}),
        )
        .await;
    }
}

#[tokio::test]
async fn filters() {
    let org = Org::empty().await;
    people(&org).await;
    let owner = org.read("WhoAmI").await["UserId"]
        .as_str()
        .unwrap()
        .to_owned();
    let asa = "Åsa Öberg";
    let ivan = "Иван Иванов";
    let ann = "Ann 100%_[sure]*?";
    let brien = "O'Brien & Co #1+2/3";
    for (filter, expected) in [
        ("emailaddress1 eq 'ASA@EXAMPLE.COM'", vec![asa]),
        ("fullname eq 'åsa öberg'", vec![asa]),
        ("lastname eq 'ИВАНОВ'", vec![ivan]),
        ("firstname eq 'Asa'", vec![]),
        ("firstname eq 'O''Brien'", vec![brien]),
        ("'Ann' eq firstname", vec![ann]),
        ("creditlimit gt 5 and creditlimit le 100.5", vec![asa]),
        ("5 lt creditlimit", vec![asa, ivan]),
        ("not (creditlimit gt 5)", vec![ann, brien]),
        (
            "firstname eq 'Ann' or firstname eq 'Иван' and donotemail eq true",
            vec![ann, ivan],
        ),
        (
            "(firstname eq 'Ann' or firstname eq 'Иван') and donotemail eq true",
            vec![ivan],
        ),
        ("telephone1 eq null", vec![ann, brien]),
        ("telephone1 ne null", vec![asa, ivan]),
        ("telephone1 ne '(020) 7946 0018'", vec![ivan]),
        ("birthdate lt 1980-01-01", vec![brien]),
        ("birthdate eq 1980-05-01", vec![asa]),
        (
            "createdon gt 2020-01-01T00:00:00Z and birthdate gt 1995-01-01",
            vec![ann],
        ),
        ("createdon lt 2020-01-01", vec![]),
        (
            "statecode eq 0 and gendercode eq null and creditlimit eq 0",
            vec![ann],
        ),
        ("contains(lastname,'берг')", vec![]),
        ("contains(lastname,'ВАНО')", vec![ivan]),
        ("contains(lastname,'BERG')", vec![asa]),
        ("startswith(lastname,'öB')", vec![asa]),
        (
            "endswith(emailaddress1,'@EXAMPLE.com') and startswith(firstname,'a')",
            vec![ann],
        ),
        // LIKE wildcards
        ("startswith(lastname,'1%sure')", vec![ann]),
        ("startswith(lastname,'1__[%]')", vec![ann]),
        ("contains(lastname,'[%]')", vec![ann]),
        ("contains(lastname,'*?')", vec![ann]),
        ("startswith(firstname,'[A-C]')", vec![ann]),
        (
            "startswith(lastname,'[^1&]') and contains(lastname,'в')",
            vec![ivan],
        ),
        ("contains(lastname,'[unfinished')", vec![]),
        (
            "contains(lastname,'x') eq false and firstname eq 'Ann'",
            vec![ann],
        ),
        // columns, look-ups, paths, functions
        ("firstname eq lastname", vec![]),
        (
            "creditlimit lt creditlimit_base or firstname eq nickname",
            vec![],
        ),
        (
            "owninguser/fullname eq '# administration' and firstname eq 'Ann'",
            vec![ann],
        ),
        ("ownerid/ownerid eq null", vec![]),
        (
            "_parentcustomerid_value eq null and firstname eq 'Ann'",
            vec![ann],
        ),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='firstname',PropertyValues=[\"ann\",\"O'Brien\"])",
            vec![ann, brien],
        ),
        (
            "Microsoft.Dynamics.CRM.Between(PropertyName='creditlimit',PropertyValues=[\"5\",\"2000\"]) and donotemail eq false",
            vec![brien],
        ),
        (
            "Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid') and firstname eq 'Ann'",
            vec![ann],
        ),
    ] {
        assert_eq!(
            org.names("contacts", "fullname", filter).await,
            {
                let mut expected = expected;
                expected.sort_unstable();
                expected
            },
            "{filter}"
        );
    }
    let mine = org
        .names(
            "contacts",
            "fullname",
            &format!("_ownerid_value eq {}", owner.to_uppercase()),
        )
        .await;
    assert_eq!(mine.len(), 4);
    let quoted = org
        .names(
            "contacts",
            "fullname",
            &format!("_ownerid_value eq '{owner}'"),
        )
        .await;
    assert_eq!(quoted.len(), 4);
    let aliased = ok(org.get("contacts?$select=fullname&$filter=firstname eq @p1&@p1='Ann'")).await;
    assert_eq!(aliased["value"].as_array().unwrap().len(), 1);
    let many = (0..1200)
        .map(|n| format!("fax eq '{n}'"))
        .collect::<Vec<_>>()
        .join(" or ");
    assert!(
        org.names("contacts", "fullname", &many).await.is_empty(),
        "a long chain is not too deep"
    );
}

#[tokio::test]
async fn refused_queries() {
    let org = Org::empty().await;
    let request = "0x80060888";
    for (path, status, code, text) in [
        (
            "contacts?$filter=lastname eq 'O'Bryan'",
            400,
            request,
            "There is an unterminated literal at position 21 in 'lastname eq 'O'Bryan''.",
        ),
        (
            "contacts?$filter=Name eq 'x'",
            400,
            request,
            "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.contact'.",
        ),
        (
            "contacts?$select=parentcustomerid",
            400,
            request,
            "Could not find a property named 'parentcustomerid' on type 'Microsoft.Dynamics.CRM.contact'.",
        ),
        (
            "contacts?$filter=lastname eq 5",
            400,
            request,
            "operand types 'Edm.String' and 'Edm.Int32' for operator kind 'Equal'",
        ),
        (
            "contacts?$filter=statecode eq '0'",
            400,
            request,
            "incompatible types",
        ),
        (
            "contacts?$filter=tolower(lastname) eq 'x'",
            400,
            request,
            "An unknown function with name 'tolower' was found.",
        ),
        (
            "contacts?$filter=lastname in ('x')",
            400,
            request,
            "The 'in' operator is not supported.",
        ),
        (
            "contacts?$filter=lastname",
            400,
            request,
            "must evaluate to a single boolean value",
        ),
        (
            "contacts?$filter=ownerid/fullname eq 'x'",
            400,
            request,
            "on type 'Microsoft.Dynamics.CRM.principal'",
        ),
        (
            "contacts?$filter=(lastname eq 'x'",
            400,
            request,
            "Syntax error at position",
        ),
        (
            "contacts?$orderby=nothing",
            400,
            request,
            "Could not find a property named 'nothing'",
        ),
        (
            "contacts?$expand=nothing",
            400,
            request,
            "Could not find a property named 'nothing'",
        ),
        (
            "contacts?$skip=5",
            400,
            request,
            "Skip Clause is not supported in CRM",
        ),
        ("contacts?$search=x", 400, request, "$search"),
        (
            "contacts?$skiptoken=nonsense",
            400,
            "0x80040203",
            "Paging Cookie",
        ),
        ("contacts(nonsense)", 400, request, "Error in query syntax"),
        (
            "contacts(emailaddress1='x')",
            400,
            request,
            "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.contact'.",
        ),
        (
            "contacts(00000000-0000-0000-0000-000000000001)",
            404,
            "0x80040217",
            "Entity 'contact' With Id = 00000000-0000-0000-0000-000000000001 Does Not Exist",
        ),
        (
            "contacts(00000000-0000-0000-0000-000000000001)?$filter=lastname eq 'x'",
            400,
            request,
            "$filter",
        ),
        (
            "contacts/nothing",
            404,
            request,
            "Resource not found for the segment 'nothing'.",
        ),
    ] {
        let (got_status, got_code, message) = failure(org.get(path)).await;
        assert_eq!(
            (got_status, got_code.as_str()),
            (status, code),
            "{path}: {message}"
        );
        assert!(message.contains(text), "{path}: {message}");
    }
    let answer = org.get("contacts?$filter=x").send().await.unwrap();
    let headers = answer.headers();
    assert_eq!(
        headers["content-type"],
        "application/json; odata.metadata=minimal"
    );
    assert_eq!(headers["odata-version"], "4.0");
    assert_eq!(headers["req_id"], headers["x-ms-service-request-id"]);
    let detailed = org
        .get("contacts?$filter=x eq 1")
        .header("prefer", "odata.include-annotations=\"*\"");
    let body: Value = detailed.send().await.unwrap().json().await.unwrap();
    assert!(body["error"]["@Microsoft.PowerApps.CDS.HelpLink"].is_string());
}

#[tokio::test]
async fn pages_order_and_count() {
    let org = Org::empty().await;
    for n in 0..7 {
        org.create(
            "contacts",
            json!({"lastname": format!("n{}", 9 - n), "numberofchildren": n % 2}),
        )
        .await;
    }
    let mut url = format!(
        "{}/contacts?%24select=lastname&$orderby=numberofchildren+desc,lastname&$count=true",
        org.base
    );
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let page = org
            .client
            .get(&url)
            .bearer_auth(&org.token)
            .header("prefer", "odata.maxpagesize=3")
            .send()
            .await
            .unwrap();
        assert_eq!(page.headers()["preference-applied"], "odata.maxpagesize=3");
        let body: Value = page.json().await.unwrap();
        assert_eq!(body["@odata.count"], 7);
        assert_eq!(
            body["@odata.context"],
            format!("{}/$metadata#contacts(lastname)", org.base)
        );
        seen.extend(
            body["value"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["lastname"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        match body.get("@odata.nextLink") {
            Some(next) => url = next.as_str().unwrap().to_owned(),
            None => break,
        }
        assert!(url.starts_with(&org.base), "{url}");
        assert!(
            url.contains("$skiptoken=%3Ccookie%20pagenumber=%22")
                && url.contains("pagingcookie=%22%253ccookie%2520page%253d%2522"),
            "{url}"
        );
        assert!(url.ends_with("istracking=%22False%22%20/%3E"), "{url}");
    }
    assert_eq!(seen, ["n4", "n6", "n8", "n3", "n5", "n7", "n9"]);
    assert_eq!(pages, 3);
    let top = org
        .read("contacts?$select=lastname&$top=2&$orderby=lastname desc")
        .await;
    assert_eq!(top["value"][0]["lastname"], "n9");
    assert_eq!(top["value"].as_array().unwrap().len(), 2);
    assert!(top.get("@odata.nextLink").is_none());
}

#[tokio::test]
async fn one_row() {
    let org = Org::empty().await;
    let account = org
        .create(
            "accounts",
            json!({"name": "Analytical Ltd", "revenue": 20000}),
        )
        .await;
    let contact = org
        .create("contacts", json!({"firstname": "Ada", "lastname": "Byron", "address1_city": "London", "address1_country": "UK",
            "creditlimit": 1200.5, "birthdate": "1815-12-10", "parentcustomerid_account@odata.bind": format!("/accounts({account})")}))
        .await;
    let response = org
        .get(&format!("contacts({})?$select=fullname,creditlimit,birthdate,address1_city,gendercode,_parentcustomerid_value&$expand=parentcustomerid_account($select=name)", contact.to_uppercase()))
        .send()
        .await
        .unwrap();
    let etag = response.headers()["etag"].to_str().unwrap().to_owned();
    let text = response.text().await.unwrap();
    assert!(
        text.contains("\"creditlimit\":1200.5000"),
        "money has four decimals: {text}"
    );
    let row: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(row["@odata.etag"], etag);
    assert_eq!(row["fullname"], "Ada Byron");
    assert_eq!(row["birthdate"], "1815-12-10");
    assert_eq!(row["gendercode"], Value::Null, "null columns are present");
    assert_eq!(row["contactid"], contact);
    assert_eq!(
        row["address1_composite"], "London\r\nUK",
        "a composite comes with its parts"
    );
    assert!(
        row["_transactioncurrencyid_value"].is_string(),
        "a currency comes with money"
    );
    assert_eq!(row["parentcustomerid_account"]["name"], "Analytical Ltd");
    assert!(
        row["@odata.context"]
            .as_str()
            .unwrap()
            .ends_with("parentcustomerid_account(name))/$entity")
    );

    // Conditional GET
    let again = async |etag: &str| {
        let request = org
            .get(&format!("contacts({contact})?$select=fullname"))
            .header("if-none-match", etag);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(again(&etag).await, 304);
    assert_eq!(again("null").await, 200);
    assert_eq!(again("W/\"1\"").await, 200);

    // Properties and navigation
    let beneath = async |path: &str| {
        org.get(&format!("contacts({contact})/{path}"))
            .send()
            .await
            .unwrap()
    };
    let body: Value = beneath("fullname").await.json().await.unwrap();
    assert_eq!(body["value"], "Ada Byron");
    assert_eq!(beneath("nickname").await.status(), 204);
    assert_eq!(
        beneath("fullname/$value").await.text().await.unwrap(),
        "Ada Byron"
    );
    let body: Value = beneath("parentcustomerid_account?$select=name")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["name"], "Analytical Ltd");
    assert_eq!(beneath("parentcustomerid_contact").await.status(), 204);
    let body: Value = beneath("parentcustomerid_account/$ref")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        body["@odata.id"],
        format!("{}/accounts({account})", org.base)
    );
    let children = org.read(&format!("accounts({account})/contact_customer_accounts?$select=fullname&$filter=lastname eq 'byron'")).await;
    assert_eq!(children["value"][0]["fullname"], "Ada Byron");
    let count = org
        .get(&format!(
            "accounts({account})/contact_customer_accounts/$count"
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(count.text().await.unwrap(), "\u{feff}1");

    // Annotations and formatted values
    let body = ok(org
        .get(&format!("accounts({account})"))
        .header("prefer", "odata.include-annotations=\"*\""))
    .await;
    let formatted = |name: &str| {
        body[format!("{name}@OData.Community.Display.V1.FormattedValue")]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    assert_eq!(formatted("revenue"), "$20,000.00");
    assert_eq!(formatted("statecode"), "Active");
    assert_eq!(formatted("donotemail"), "Allow");
    assert_eq!(formatted("_ownerid_value"), "# Administration");
    assert!(
        formatted("createdon").ends_with('M') && formatted("createdon").contains('/'),
        "{}",
        formatted("createdon")
    );
    assert_eq!(
        body["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"],
        "systemuser"
    );
    assert!(
        body.get("name@OData.Community.Display.V1.FormattedValue")
            .is_none()
    );
    let plain = org.read(&format!("accounts({account})")).await;
    assert!(!plain.to_string().contains("FormattedValue"));
    assert!(plain.get("ownerid").is_none() && plain.get("primarycontactidname").is_none());

    // Collections, lambdas, owners
    let body = org.read("accounts?$select=name&$expand=contact_customer_accounts($select=fullname;$orderby=fullname;$top=5)&$filter=contact_customer_accounts/any(c:c/lastname eq 'Byron')").await;
    assert_eq!(
        body["value"][0]["contact_customer_accounts"][0]["fullname"],
        "Ada Byron"
    );
    assert!(
        body["value"][0]["contact_customer_accounts@odata.nextLink"]
            .as_str()
            .unwrap()
            .starts_with(&org.base)
    );
    let none = org
        .read(
            "accounts?$select=name&$filter=contact_customer_accounts/all(c:c/lastname eq 'Other')",
        )
        .await;
    assert_eq!(none["value"], json!([]));
    let body = org
        .read(&format!(
            "contacts({contact})?$select=fullname&$expand=ownerid,parentcustomerid_account/$ref"
        ))
        .await;
    assert_eq!(
        body["ownerid"]["@odata.type"],
        "#Microsoft.Dynamics.CRM.systemuser"
    );
    assert_eq!(body["ownerid"]["ownerid"], body["ownerid"]["systemuserid"]);
    assert_eq!(
        body["parentcustomerid_account"]["@odata.id"],
        format!("{}/accounts({account})", org.base)
    );
}

#[tokio::test]
async fn the_client_chooses_how_much_control_information_it_gets() {
    let org = Org::demo().await;
    let path = "contacts?$select=fullname,birthdate,createdon,creditlimit,statecode&$top=2&$count=true&$expand=parentcustomerid_account($select=name)";
    let read = |accept: &'static str| org.get(path).header("accept", accept).send();
    let minimal = ok(org.get(path)).await;
    let answer = read("application/json;odata.metadata=none").await.unwrap();
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(kind, "application/json; odata.metadata=none");
    let none: Value = answer.json().await.unwrap();
    let text = none.to_string();
    assert!(
        !text.contains("@odata.context") && !text.contains("@odata.etag"),
        "{text}"
    );
    assert_eq!(none["@odata.count"], minimal["@odata.count"]);
    assert_eq!(
        none["value"][0]["fullname"],
        minimal["value"][0]["fullname"]
    );

    let answer = read("application/json; odata.metadata=FULL").await.unwrap();
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(kind, "application/json; odata.metadata=full");
    let full: Value = answer.json().await.unwrap();
    let row = &full["value"][0];
    let id = row["contactid"].as_str().unwrap();
    for (member, expected) in [
        ("@odata.type", "#Microsoft.Dynamics.CRM.contact".to_owned()),
        ("@odata.id", format!("{}/contacts({id})", org.base)),
        ("@odata.editLink", format!("contacts({id})")),
        ("contactid@odata.type", "#Guid".to_owned()),
        ("createdon@odata.type", "#DateTimeOffset".to_owned()),
    ] {
        assert_eq!(row[member], expected, "{member}");
    }
    assert!(row.get("statecode@odata.type").is_none());
    let pages = org
        .get("contacts?$select=fullname")
        .header("accept", "application/json;odata.metadata=none")
        .header("prefer", "odata.maxpagesize=2");
    assert!(ok(pages).await["@odata.nextLink"].is_string());
}

#[tokio::test]
async fn an_address_that_is_too_long_is_refused_by_the_web_server() {
    let org = Org::demo().await;
    let filter = |length: usize| {
        format!(
            "contacts?$top=1&$filter=lastname eq '{}'",
            "x".repeat(length)
        )
    };
    ok(org.get(&filter(32_000))).await;
    let answer = org.get(&filter(32_768)).send().await.unwrap();
    assert_eq!(answer.status(), 414);
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(kind.starts_with("text/html"), "{kind}");
}
