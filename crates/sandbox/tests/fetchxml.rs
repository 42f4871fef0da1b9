//! FetchXML: joins, aggregates, pages, cookies, views of time, errors.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, failure, ok};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

const ALL: &str = "odata.include-annotations=\"*\"";

fn get(org: &Org, set: &str, xml: &str) -> reqwest::RequestBuilder {
    org.get(set).query(&[("fetchXml", xml)])
}

async fn fetch(org: &Org, set: &str, xml: &str) -> Vec<Value> {
    let body = ok(get(org, set, xml)).await;
    body["value"].as_array().unwrap().clone()
}

async fn annotated(org: &Org, set: &str, xml: &str) -> Value {
    ok(get(org, set, xml).header("prefer", ALL)).await
}

/// The values of one member, in the order of the rows.
async fn texts(org: &Org, set: &str, key: &str, xml: &str) -> Vec<String> {
    let rows = fetch(org, set, xml).await;
    rows.iter()
        .map(|row| {
            row[key]
                .as_str()
                .map_or_else(|| row[key].to_string(), str::to_owned)
        })
        .collect()
}

struct Company {
    org: Org,
    analytical: String,
    ada: String,
}

/// Two accounts, one of them with two contacts, and a contact without account; tasks for one of them.
async fn company() -> Company {
    let org = Org::empty().await;
    let analytical = org
        .create(
            "accounts",
            json!({"name": "Analytical Ltd", "revenue": 20000, "numberofemployees": 5, "industrycode": 1}),
        )
        .await;
    let sole = org
        .create(
            "accounts",
            json!({"name": "Sole Inc", "revenue": 500, "numberofemployees": 2}),
        )
        .await;
    org.create("accounts", json!({"name": "Empty & Sons"}))
        .await;
    let child = org
        .create(
            "accounts",
            json!({"name": "Analytical East", "parentaccountid@odata.bind": format!("/accounts({analytical})")}),
        )
        .await;
    org.create(
        "accounts",
        json!({"name": "Analytical Far East", "parentaccountid@odata.bind": format!("/accounts({child})")}),
    )
    .await;
    let contact = |first: &str, last: &str, gender: i64, account: Option<&str>| {
        let mut body = json!({"firstname": first, "lastname": last, "gendercode": gender, "birthdate": "1815-12-10"});
        if let Some(account) = account {
            body["parentcustomerid_account@odata.bind"] = json!(format!("/accounts({account})"));
        }
        body
    };
    let ada = org
        .create("contacts", contact("Ada", "Byron", 2, Some(&analytical)))
        .await;
    org.create(
        "contacts",
        contact("Charles", "Babbage", 1, Some(&analytical)),
    )
    .await;
    org.create("contacts", contact("Sophia", "Frend", 2, Some(&sole)))
        .await;
    org.create("contacts", contact("No", "Body", 1, None)).await;
    for (subject, done) in [("call", false), ("write", true)] {
        let task = org
            .create(
                "tasks",
                json!({"subject": subject, "regardingobjectid_contact@odata.bind": format!("/contacts({ada})")}),
            )
            .await;
        if done {
            let patch = org.patch(&format!("tasks({task})"), json!({"statecode": 1}));
            assert_eq!(patch.send().await.unwrap().status(), 204);
        }
    }
    Company {
        org,
        analytical,
        ada,
    }
}

#[tokio::test]
async fn the_answer_has_the_form_of_the_page() {
    let Company {
        org,
        analytical,
        ada,
    } = company().await;
    let xml = "<fetch><entity name='contact'><attribute name='fullname'/><attribute name='jobtitle'/>\
        <attribute name='parentcustomerid'/><attribute name='lastname' alias='family'/>\
        <filter><condition attribute='firstname' operator='eq' value='ada'/></filter>\
        <link-entity name='account' from='accountid' to='parentcustomerid'><attribute name='name'/>\
        <attribute name='accountid'/><attribute name='primarycontactid'/><attribute name='revenue' alias='money'/>\
        </link-entity></entity></fetch>";
    let plain = ok(get(&org, "contacts", xml)).await;
    let row = &plain["value"][0];
    assert!(row.get("jobtitle").is_none(), "null columns are absent");
    assert_eq!(row["contactid"], ada);
    assert_eq!(row["_parentcustomerid_value"], analytical);
    assert_eq!(row["account1.name"], "Analytical Ltd");
    assert_eq!(row["account1.accountid"], analytical);
    assert_eq!(
        (&row["family"], &row["money"]),
        (&json!("Byron"), &json!(20000.0))
    );
    assert!(row["@odata.etag"].as_str().unwrap().starts_with("W/\""));
    assert!(
        !plain.to_string().contains("Microsoft.Dynamics.CRM"),
        "{plain}"
    );

    let body = annotated(&org, "contacts", xml).await;
    assert_eq!(body["@Microsoft.Dynamics.CRM.totalrecordcount"], -1);
    assert_eq!(
        body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"],
        false
    );
    let row = &body["value"][0];
    assert_eq!(
        row["_parentcustomerid_value@OData.Community.Display.V1.FormattedValue"],
        "Analytical Ltd"
    );
    assert_eq!(
        row["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"],
        "account"
    );
    assert_eq!(
        row["money@OData.Community.Display.V1.FormattedValue"],
        "$20,000.00"
    );
    assert_eq!(row["money@Microsoft.Dynamics.CRM.attributename"], "revenue");

    let all = fetch(
        &org,
        "contacts",
        "<fetch top='1'><entity name='contact'><all-attributes/></entity></fetch>",
    )
    .await;
    assert!(all[0]["createdon"].is_string() && all[0]["_ownerid_value"].is_string());
}

#[tokio::test]
async fn joins() {
    let Company { org, .. } = company().await;
    let people = |inner: &str| {
        format!(
            "<fetch><entity name='contact'><attribute name='firstname'/><order attribute='firstname'/>{inner}</entity></fetch>"
        )
    };
    let accounts = |inner: &str| {
        format!(
            "<fetch><entity name='account'><attribute name='name'/><order attribute='name'/>{inner}</entity></fetch>"
        )
    };
    let to_account = "name='account' from='accountid' to='parentcustomerid'";
    for (inner, expected) in [
        (format!("<link-entity {to_account}/>"), vec!["Ada", "Charles", "Sophia"]),
        (format!("<link-entity {to_account} link-type='natural'/>"), vec!["Ada", "Charles", "Sophia"]),
        (format!("<link-entity {to_account} link-type='outer'/>"), vec!["Ada", "Charles", "No", "Sophia"]),
        // The condition of an outer join restricts what is joined, not the rows.
        (
            format!("<link-entity {to_account} link-type='outer'><filter><condition attribute='name' operator='like' value='Sole%'/></filter></link-entity>"),
            vec!["Ada", "Charles", "No", "Sophia"],
        ),
        (
            format!("<link-entity {to_account} alias='a' link-type='outer'/><filter><condition entityname='a' attribute='accountid' operator='null'/></filter>"),
            vec!["No"],
        ),
        (
            format!("<link-entity {to_account}><filter><condition attribute='name' operator='like' value='Sole%'/></filter></link-entity>"),
            vec!["Sophia"],
        ),
        (
            format!("<link-entity {to_account} alias='a'><order attribute='name' descending='true'/></link-entity>"),
            vec!["Ada", "Charles", "Sophia"],
        ),
        (
            "<link-entity name='task' from='regardingobjectid' to='contactid' link-type='exists'><filter><condition attribute='subject' operator='eq' value='call'/></filter></link-entity>".to_owned(),
            vec!["Ada"],
        ),
        ("<link-entity name='task' from='regardingobjectid' to='contactid' link-type='in'/>".to_owned(), vec!["Ada"]),
        ("<link-entity name='task' from='regardingobjectid' to='contactid'/>".to_owned(), vec!["Ada", "Ada"]),
        (
            "<link-entity name='task' from='regardingobjectid' to='contactid' link-type='matchfirstrowusingcrossapply'/>".to_owned(),
            vec!["Ada"],
        ),
        // What is required behind an outer link is required only where that link has a row.
        (
            format!("<link-entity {to_account} link-type='outer'><link-entity name='account' from='accountid' to='parentaccountid'/></link-entity>"),
            vec!["Ada", "Charles", "No", "Sophia"],
        ),
        (
            "<filter><condition attribute='firstname' operator='eq' valueof='lastname'/></filter>".to_owned(),
            vec![],
        ),
        (
            format!("<link-entity {to_account} alias='a'/><filter><condition attribute='createdon' operator='ge' valueof='a.createdon'/></filter>"),
            vec!["Ada", "Charles", "Sophia"],
        ),
    ] {
        assert_eq!(texts(&org, "contacts", "firstname", &people(&inner)).await, expected, "{inner}");
    }
    let contacts = |kind: &str, filter: &str| {
        format!(
            "<filter><link-entity name='contact' from='parentcustomerid' to='accountid' link-type='{kind}'>{filter}</link-entity></filter>"
        )
    };
    let byron = "<filter><condition attribute='lastname' operator='eq' value='byron'/></filter>";
    let without = [
        "Analytical East",
        "Analytical Far East",
        "Empty & Sons",
        "Sole Inc",
    ];
    for (inner, expected) in [
        (contacts("any", byron), vec!["Analytical Ltd"]),
        (contacts("not all", byron), vec!["Analytical Ltd"]),
        (contacts("not any", byron), without.to_vec()),
        // Related rows exist, and none of them meets the conditions.
        (contacts("all", byron), vec!["Sole Inc"]),
        (
            contacts("not any", ""),
            vec!["Analytical East", "Analytical Far East", "Empty & Sons"],
        ),
    ] {
        assert_eq!(
            texts(&org, "accounts", "name", &accounts(&inner)).await,
            expected,
            "{inner}"
        );
    }
}

#[tokio::test]
async fn order_distinct_and_hierarchy() {
    let Company {
        org, analytical, ..
    } = company().await;
    let xml = "<fetch distinct='true'><entity name='contact'><attribute name='gendercode'/><order attribute='gendercode'/></entity></fetch>";
    let rows = fetch(&org, "contacts", xml).await;
    // By label: Female, Male.
    assert_eq!(rows, [json!({"gendercode": 2}), json!({"gendercode": 1})]);
    let raw = xml.replace("distinct=", "useraworderby='1' distinct=");
    assert_eq!(
        fetch(&org, "contacts", &raw).await,
        [json!({"gendercode": 1}), json!({"gendercode": 2})]
    );
    let linked = "<fetch><entity name='contact'><attribute name='lastname'/><order entityname='a' attribute='name'/><order attribute='lastname' descending='1'/>\
        <link-entity name='account' from='accountid' to='parentcustomerid' alias='a' link-type='outer'/></entity></fetch>";
    assert_eq!(
        texts(&org, "contacts", "lastname", linked).await,
        ["Body", "Byron", "Babbage", "Frend"]
    );
    let tree = |operator: &str| {
        format!(
            "<fetch><entity name='account'><attribute name='name'/><order attribute='name'/><filter><condition attribute='accountid' operator='{operator}' value='{{{analytical}}}'/></filter></entity></fetch>"
        )
    };
    assert_eq!(
        texts(&org, "accounts", "name", &tree("under")).await,
        ["Analytical East", "Analytical Far East"]
    );
    assert_eq!(
        texts(&org, "accounts", "name", &tree("eq-or-under"))
            .await
            .len(),
        3
    );
    assert_eq!(
        texts(&org, "accounts", "name", &tree("not-under")).await,
        ["Analytical Ltd", "Empty & Sons", "Sole Inc"]
    );
    assert_eq!(
        texts(&org, "accounts", "name", &tree("eq-or-above")).await,
        ["Analytical Ltd"]
    );
    assert!(
        texts(&org, "accounts", "name", &tree("above"))
            .await
            .is_empty()
    );
    for (function, operator) in [
        ("Under", "under"),
        ("UnderOrEqual", "eq-or-under"),
        ("NotUnder", "not-under"),
        ("AboveOrEqual", "eq-or-above"),
        ("Above", "above"),
    ] {
        let filter = format!(
            "Microsoft.Dynamics.CRM.{function}(PropertyName='accountid',PropertyValue='{analytical}')"
        );
        assert_eq!(
            org.names("accounts", "name", &filter).await,
            texts(&org, "accounts", "name", &tree(operator)).await,
            "{filter}"
        );
    }
    let children = "<fetch><entity name='account'><attribute name='name'/><attribute name='accountid' alias='n' rowaggregate='CountChildren'/><order attribute='name'/></entity></fetch>";
    assert_eq!(
        texts(&org, "accounts", "n", children).await,
        ["1", "0", "1", "0", "0"]
    );
}

#[tokio::test]
async fn aggregates() {
    let Company { org, .. } = company().await;
    let total = "<fetch aggregate='true'><entity name='account'><attribute name='accountid' alias='n' aggregate='count'/>\
        <attribute name='revenue' alias='with' aggregate='countcolumn'/><attribute name='revenue' alias='sum' aggregate='sum'/>\
        <attribute name='numberofemployees' alias='avg' aggregate='avg'/><attribute name='revenue' alias='max' aggregate='max'/>\
        <attribute name='name' alias='min' aggregate='min'/></entity></fetch>";
    assert_eq!(
        fetch(&org, "accounts", total).await,
        [
            json!({"n": 5, "with": 2, "sum": 20500.0, "avg": 3, "max": 20000.0, "min": "Analytical East"})
        ]
    );
    let grouped = "<fetch aggregate='true'><entity name='contact'><attribute name='contactid' alias='n' aggregate='count'/>\
        <attribute name='parentcustomerid' alias='customer' groupby='true'/><order alias='n' descending='true'/><order alias='customer'/></entity></fetch>";
    let body = annotated(&org, "contacts", grouped).await;
    assert_eq!(body["value"][0]["n"], 2);
    assert_eq!(
        body["value"][0]["customer@OData.Community.Display.V1.FormattedValue"],
        "Analytical Ltd"
    );
    assert!(
        body["value"][1].get("customer").is_none(),
        "nobody is a group too"
    );
    let linked = "<fetch aggregate='true'><entity name='account'><attribute name='name' alias='name' groupby='true'/><order alias='name'/>\
        <link-entity name='contact' from='parentcustomerid' to='accountid'><attribute name='gendercode' alias='kinds' aggregate='countcolumn' distinct='true'/></link-entity></entity></fetch>";
    assert_eq!(
        fetch(&org, "accounts", linked).await,
        [
            json!({"name": "Analytical Ltd", "kinds": 2}),
            json!({"name": "Sole Inc", "kinds": 1})
        ]
    );
    for (grouping, value, text) in [
        ("day", 10, "10"),
        ("week", 50, "50"),
        ("month", 12, "12"),
        ("quarter", 4, "4"),
        ("year", 1815, "1815"),
        ("fiscal-period", 4, "Quarter 4 FY1815"),
        ("fiscal-year", 1815, "FY1815"),
    ] {
        let xml = format!(
            "<fetch aggregate='true'><entity name='contact'><attribute name='contactid' alias='n' aggregate='count'/><attribute name='birthdate' alias='born' groupby='true' dategrouping='{grouping}'/></entity></fetch>"
        );
        let body = annotated(&org, "contacts", &xml).await;
        let row = &body["value"][0];
        assert_eq!(
            (&row["n"], &row["born"]),
            (&json!(4), &json!(value)),
            "{grouping}"
        );
        assert_eq!(
            row["born@OData.Community.Display.V1.FormattedValue"], text,
            "{grouping}"
        );
    }
    let limited = total.replace("aggregate='true'", "aggregate='true' aggregatelimit='4'");
    let (status, code, message) = failure(get(&org, "accounts", &limited)).await;
    assert_eq!((status, code.as_str()), (400, "0x8004e023"));
    assert!(message.starts_with("The maximum record limit is exceeded."));
}

/// What a client sends back: the cookie decoded twice and escaped for an attribute, and the page.
fn next(body: &Value) -> Option<(String, String)> {
    let outer = body["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"].as_str()?;
    let attribute = |name: &str| {
        let (_, rest) = outer.split_once(&format!(" {name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let twice = decoded(&decoded(&attribute("pagingcookie")?));
    let escaped = twice
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    Some((escaped, attribute("pagenumber")?))
}

#[tokio::test]
async fn pages_with_cookies() {
    let org = Org::empty().await;
    let hard = [
        "Zed \"<&>'",
        "é\n\tline",
        "",
        "50%25",
        "same",
        "same",
        "last",
    ];
    for (n, nickname) in hard.iter().enumerate() {
        org.create(
            "contacts",
            json!({"lastname": format!("n{n}"), "nickname": nickname, "gendercode": 1 + n % 2}),
        )
        .await;
    }
    for order in [
        "",
        "<order attribute='nickname'/>",
        "<order attribute='nickname' descending='true'/>",
        "<order attribute='gendercode'/><order attribute='nickname' descending='1'/>",
        "<order attribute='ownerid'/><order attribute='createdon'/>",
    ] {
        let whole = format!(
            "<fetch><entity name='contact'><attribute name='lastname'/>{order}</entity></fetch>"
        );
        let expected = texts(&org, "contacts", "lastname", &whole).await;
        assert_eq!(expected.len(), 7);
        let mut seen = Vec::new();
        let mut paging = "page='1'".to_owned();
        let mut pages = 0;
        loop {
            let xml = whole.replacen("<fetch>", &format!("<fetch count='2' {paging}>"), 1);
            let body = ok(get(&org, "contacts", &xml)).await;
            seen.extend(
                body["value"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|row| row["lastname"].as_str().unwrap().to_owned()),
            );
            pages += 1;
            let Some((cookie, page)) = next(&body) else {
                assert!(body.get("@Microsoft.Dynamics.CRM.morerecords").is_none());
                break;
            };
            assert_eq!(body["@Microsoft.Dynamics.CRM.morerecords"], true);
            paging = format!(
                "page='{page}' paging-cookie='{}'",
                cookie.replace('\'', "&apos;")
            );
        }
        assert_eq!(pages, 4, "{order}");
        assert_eq!(seen, expected, "{order}");
    }
    // A row before the place of the cookie does not shift what follows.
    let first = "<fetch count='3' page='1'><entity name='contact'><attribute name='lastname'/><order attribute='lastname'/></entity></fetch>";
    let (cookie, _) = next(&ok(get(&org, "contacts", first)).await).unwrap();
    org.create("contacts", json!({"lastname": "n00"})).await;
    let second = first.replace("page='1'", &format!("page='2' paging-cookie='{cookie}'"));
    assert_eq!(
        texts(&org, "contacts", "lastname", &second).await,
        ["n3", "n4", "n5"]
    );

    let other = second.replace(
        "<order attribute='lastname'/>",
        "<order attribute='nickname'/>",
    );
    assert_eq!(failure(get(&org, "contacts", &other)).await.1, "0x80041129");
    let nonsense = first.replace(
        "page='1'",
        "page='2' paging-cookie='&lt;cookie page=\"x\"/&gt;'",
    );
    assert_eq!(
        failure(get(&org, "contacts", &nonsense)).await.1,
        "0x8004112a"
    );
    let far = first.replace("page='1'", "page='20000'");
    assert_eq!(failure(get(&org, "contacts", &far)).await.1, "0x80040203");

    let linked = "<fetch count='3'><entity name='contact'><attribute name='lastname'/><order entityname='u' attribute='fullname'/><order attribute='lastname'/>\
        <link-entity name='systemuser' from='systemuserid' to='owninguser' alias='u'/></entity></fetch>";
    let body = ok(get(&org, "contacts", linked)).await;
    assert_eq!(body["@Microsoft.Dynamics.CRM.morerecords"], true);
    assert!(
        next(&body).is_none(),
        "no cookie where a link's column orders"
    );
    let third = linked.replace("count='3'", "count='3' page='3'");
    assert_eq!(
        texts(&org, "contacts", "lastname", &third).await,
        ["n5", "n6"]
    );

    let counted = "<fetch count='3' returntotalrecordcount='true'><entity name='contact'><attribute name='lastname'/></entity></fetch>";
    let body = annotated(&org, "contacts", counted).await;
    assert_eq!(body["@Microsoft.Dynamics.CRM.totalrecordcount"], 8);
    let plain = counted.replace(" returntotalrecordcount='true'", "");
    let body = ok(get(&org, "contacts", &plain)
        .query(&[("$count", "true")])
        .header("prefer", ALL))
    .await;
    assert_eq!(
        (
            &body["@Microsoft.Dynamics.CRM.totalrecordcount"],
            &body["@odata.count"]
        ),
        (&json!(8), &json!(8))
    );
}

#[tokio::test]
async fn refused_fetches() {
    let org = Org::empty().await;
    let contact = |inner: &str| format!("<fetch><entity name='contact'>{inner}</entity></fetch>");
    let aggregate = |inner: &str| {
        format!("<fetch aggregate='true'><entity name='contact'>{inner}</entity></fetch>")
    };
    for (xml, code, text) in [
        ("<fetch>".to_owned(), "0x80040201", "Invalid XML."),
        (
            "<fetch><entity name='x'/></fetch>".to_owned(),
            "0x80041102",
            "The entity with a name = 'x' with namemapping = 'Logical' was not found in the MetadataCache.",
        ),
        (
            "<fetch><entity name='account'/></fetch>".to_owned(),
            "0x80041128",
            "The entity name specified in fetchxml does not match",
        ),
        (
            contact("<attribute name='x'/>"),
            "0x80041103",
            "'contact' entity doesn't contain attribute with Name = 'x' and NameMapping = 'Logical'.",
        ),
        (
            contact("<filter><condition attribute='x' operator='null'/></filter>"),
            "0x80041103",
            "attribute with Name = 'x'",
        ),
        (
            contact("<order attribute='x'/>"),
            "0x80041103",
            "attribute with Name = 'x'",
        ),
        (
            contact("<link-entity name='x' from='a' to='b'/>"),
            "0x80041102",
            "'x'",
        ),
        (
            contact("<link-entity name='account' from='accountid'/>"),
            "0x80040203",
            "'from' and 'to'",
        ),
        (
            contact("<link-entity name='account' from='accountid' to='lastname'/>"),
            "0x80040203",
            "different types",
        ),
        (
            contact(
                "<attribute name='lastname' alias='a'/><attribute name='firstname' alias='a'/>",
            ),
            "0x80041130",
            "FetchXML should have unique aliases.",
        ),
        (
            contact("<attribute name='lastname' aggregate='count' alias='a'/>"),
            "0x80040203",
            "aggregate='true'",
        ),
        (
            aggregate("<attribute name='lastname' aggregate='count'/>"),
            "0x80040203",
            "alias",
        ),
        (
            aggregate("<attribute name='lastname' aggregate='sum' alias='a'/>"),
            "0x80040203",
            "summed",
        ),
        (
            aggregate(
                "<attribute name='lastname' groupby='1' alias='a'/><order attribute='lastname'/>",
            ),
            "0x80041134",
            "An alias is required for an order clause",
        ),
        (
            aggregate("<attribute name='lastname' groupby='1' dategrouping='day' alias='a'/>"),
            "0x80041135",
            "dategrouping",
        ),
        (
            contact(
                "<filter><condition attribute='gendercode' operator='eq' value='Female'/></filter>",
            ),
            "0x80040203",
            "'Female'",
        ),
        (
            contact("<filter><condition attribute='contactid' operator='eq' value='1'/></filter>"),
            "0x80040203",
            "'contactid'",
        ),
        (
            contact(
                "<filter><condition attribute='gendercode' operator='like' value='1%'/></filter>",
            ),
            "0x80040203",
            "gendercode",
        ),
        (
            contact("<filter><condition attribute='lastname' operator='today'/></filter>"),
            "0x80040203",
            "lastname",
        ),
        (
            contact(
                "<filter><condition attribute='createdon' operator='last-x-days' value='0'/></filter>",
            ),
            "0x80040203",
            "createdon",
        ),
        (
            contact("<filter><condition attribute='lastname' operator='eq-userid'/></filter>"),
            "0x80040203",
            "lastname",
        ),
        (
            contact(
                "<filter><condition attribute='contactid' operator='under' value='6f1c0000-0000-4000-8000-000000000001'/></filter>",
            ),
            "0x80040203",
            "hierarch",
        ),
        (
            contact(
                "<filter><condition entityname='x' attribute='name' operator='null'/></filter>",
            ),
            "0x80040203",
            "alias x is not found",
        ),
    ] {
        let (status, got, message) = failure(get(&org, "contacts", &xml)).await;
        assert_eq!((status, got.as_str()), (400, code), "{xml}: {message}");
        assert!(message.contains(text), "{xml}: {message}");
    }
    let both = org
        .get("contacts")
        .query(&[("fetchXml", "<fetch/>"), ("$select", "lastname")]);
    assert_eq!(failure(both).await.0, 400);
}

#[tokio::test]
async fn every_table_needs_its_privilege() {
    let org = Org::demo().await;
    let xml = "<fetch top='1'><entity name='contact'><attribute name='lastname'/><link-entity name='account' from='accountid' to='parentcustomerid' link-type='outer'/></entity></fetch>";
    assert_eq!(fetch(&org, "contacts", xml).await.len(), 1);
    org.admin(
        reqwest::Method::PATCH,
        "/users",
        json!({"remove": ["prvReadAccount"]}),
    )
    .await;
    let (status, code, message) = failure(get(&org, "contacts", xml)).await;
    assert_eq!((status, code.as_str()), (403, "0x80040220"));
    assert!(message.contains("prvReadAccount"));
}
