//! FetchXML: built, read, checked, filled and run, after protocol page `fetchxml.md`.

use crate::common::*;
use dataverse::fetchxml::{
    Aggregate, Builder, Condition, DateGrouping, Fault, Fetch, FetchPage, Join, Link, Operator,
    Parameter, Related, Template, Values,
};
use dataverse::metadata::Schema;
use dataverse::{Ascending, Client, Descending, Error};
use futures_util::StreamExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Contacts and accounts with a few columns; `secret` cannot be read.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let table = |name: &str, columns: &[&str]| {
        let column = |name: &&str| {
            let column = json!({
                "id": null, "logical_name": name, "schema_name": name, "label": {}, "required": "None",
                "valid_for_create": true, "valid_for_update": true, "valid_for_read": *name != "secret",
                "is_custom": false, "attribute_of": null, "kind": "BigInt",
            });
            ((*name).to_owned(), column)
        };
        let columns: serde_json::Map<String, Value> = columns.iter().map(column).collect();
        json!({
            "id": null, "logical_name": name, "schema_name": name, "entity_set": null, "label": {}, "plural_label": {},
            "primary_id": "id", "primary_name": null, "ownership": "User", "object_type_code": null, "is_activity": false,
            "change_tracking": false, "optimistic_concurrency": false, "duplicate_detection": false,
            "columns": columns, "keys": [], "many_to_one": [], "many_to_many": [],
        })
    };
    let contact = [
        "contactid",
        "fullname",
        "lastname",
        "createdon",
        "statecode",
        "parentcustomerid",
        "secret",
    ];
    serde_json::from_value(json!({
        "version": "Unknown", "asked": ["account", "contact"],
        "tables": {"contact": table("contact", &contact), "account": table("account", &["accountid", "name"])},
    }))
    .unwrap()
});

fn built(builder: Builder) -> String {
    builder.build().unwrap().to_xml().unwrap()
}

#[test]
fn a_query_is_built() {
    let company = Link::new("account", "accountid", "parentcustomerid")
        .alias("company")
        .join(Join::Outer)
        .attribute("name")
        .order_by("name", Ascending);
    let without_case = Link::new("incident", "customerid", "contactid")
        .filter(Condition::equals("statecode", "0"));
    let query = Builder::new("contact")
        .attribute("fullname")
        .attribute_as("createdon", "since")
        .filter(Condition::any([
            Condition::equals("lastname", "O'Brien & <Söhne>"),
            Condition::contains("lastname", "50%_[x]"),
            Condition::new("statecode", Operator::In, ["0", "1"]),
            Condition::new("createdon", Operator::Between, ["2024-01-01", "2024-02-01"]),
            Condition::new::<String>("lastname", Operator::Null, []),
            Condition::columns("lastname", Operator::NotEqual, "company.name"),
            Condition::equals("name", "x").on("company"),
        ]))
        .filter(Condition::related(Related::DoesNotExist, without_case))
        .link(company)
        .order_by("lastname", Descending)
        .page_size(50)
        .total_count();
    assert_eq!(
        built(query),
        "<fetch count=\"50\" returntotalrecordcount=\"true\"><entity name=\"contact\"><attribute name=\"fullname\"/>\
         <attribute name=\"createdon\" alias=\"since\"/><filter type=\"or\">\
         <condition attribute=\"lastname\" operator=\"eq\" value=\"O&apos;Brien &amp; &lt;Söhne&gt;\"/>\
         <condition attribute=\"lastname\" operator=\"like\" value=\"%50[%][_][[]x]%\"/>\
         <condition attribute=\"statecode\" operator=\"in\"><value>0</value><value>1</value></condition>\
         <condition attribute=\"createdon\" operator=\"between\"><value>2024-01-01</value><value>2024-02-01</value></condition>\
         <condition attribute=\"lastname\" operator=\"null\"/>\
         <condition attribute=\"lastname\" operator=\"ne\" valueof=\"company.name\"/>\
         <condition attribute=\"name\" operator=\"eq\" value=\"x\" entityname=\"company\"/></filter>\
         <filter><link-entity name=\"incident\" from=\"customerid\" to=\"contactid\" link-type=\"not any\">\
         <filter><condition attribute=\"statecode\" operator=\"eq\" value=\"0\"/></filter></link-entity></filter>\
         <link-entity name=\"account\" from=\"accountid\" to=\"parentcustomerid\" alias=\"company\" link-type=\"outer\">\
         <attribute name=\"name\"/><order attribute=\"name\"/></link-entity>\
         <order attribute=\"lastname\" descending=\"true\"/></entity></fetch>"
    );
    let computed = Builder::new("contact")
        .aggregate("contactid", "n", Aggregate::Count)
        .aggregate("lastname", "names", Aggregate::CountDistinct)
        .group_by_date("createdon", "month", DateGrouping::Month)
        .order_by_alias("n", Descending);
    assert_eq!(
        built(computed),
        "<fetch aggregate=\"true\"><entity name=\"contact\"><attribute name=\"contactid\" alias=\"n\" aggregate=\"count\"/>\
         <attribute name=\"lastname\" alias=\"names\" aggregate=\"countcolumn\" distinct=\"true\"/>\
         <attribute name=\"createdon\" alias=\"month\" groupby=\"true\" dategrouping=\"month\"/>\
         <order alias=\"n\" descending=\"true\"/></entity></fetch>"
    );
}

#[test]
fn every_operator_of_the_reference_is_known_with_its_number_of_values() {
    for (name, values) in [
        ("eq", Values::One),
        ("neq", Values::One),
        ("between", Values::Two),
        ("in", Values::Many),
        ("not-null", Values::None),
        ("not-begin-with", Values::One),
        ("last-x-fiscal-periods", Values::One),
        ("in-or-after-fiscal-period-and-year", Values::Two),
        ("eq-useroruserhierarchyandteams", Values::None),
        ("contain-values", Values::Many),
        ("olderthan-x-minutes", Values::One),
    ] {
        assert_eq!(
            Operator::from_name(name).unwrap().values(),
            values,
            "{name}"
        );
    }
    assert_eq!(Operator::from_name("equals"), None);
    assert_eq!(Operator::from_name("not-begins-with"), None);
    for operator in Operator::ALL {
        assert_eq!(Operator::from_name(operator.name()), Some(*operator));
    }
    assert_eq!(Operator::ALL.len(), 83);
}

fn fault(text: &str) -> Fault {
    match Fetch::parse(text).and_then(|fetch| fetch.check(&SCHEMA)) {
        Err(fault) => fault,
        Ok(()) => panic!("nothing is wrong with {text}"),
    }
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let long = |inner: String| format!("<fetch><entity name='contact'>{inner}</entity></fetch>");
    let condition = "<filter><condition attribute='lastname' operator='null'/></filter>";
    let link = "<link-entity name='account' from='accountid' to='parentcustomerid'/>";
    for (text, code, sentence) in [
        ("", "fetchxml_malformed", "it holds no element"),
        (
            "<fetch><entity name='contact'></fetch>",
            "fetchxml_malformed",
            "this is no XML",
        ),
        (
            "<fetch>\n  <entity name='contact' name='a'/></fetch>",
            "fetchxml_malformed",
            "line 2, column 3: the element `entity`",
        ),
        (
            "<!DOCTYPE a><fetch/>",
            "fetchxml_malformed",
            "a document type",
        ),
        (
            "<fetch><entity name='&xxe;'/></fetch>",
            "fetchxml_malformed",
            "attribute `name`",
        ),
        (
            "<fetch/><fetch/>",
            "fetchxml_malformed",
            "behind the first one",
        ),
        ("<query/>", "fetchxml_structure", "begins with `<fetch>`"),
        ("<fetch/>", "fetchxml_structure", "exactly one `<entity>`"),
        (
            "<fetch><entity name='contact'/><entity name='contact'/></fetch>",
            "fetchxml_structure",
            "exactly one",
        ),
        (
            "<fetch><entity/></fetch>",
            "fetchxml_structure",
            "the element `entity`, attribute `name`: it is missing",
        ),
        (
            "<fetch><entity name='contact'><atribute/></entity></fetch>",
            "fetchxml_structure",
            "`atribute`: this element is not known",
        ),
        (
            "<fetch><entity name='contact'><attribute name='fullname' alais='x'/></entity></fetch>",
            "fetchxml_structure",
            "attribute `alais`",
        ),
        (
            "<fetch distinct='yes'><entity name='contact'/></fetch>",
            "fetchxml_structure",
            "`true` or `false`",
        ),
        (
            "<fetch top='5' page='1'><entity name='contact'/></fetch>",
            "fetchxml_structure",
            "attribute `page`: it excludes `top`",
        ),
        (
            "<fetch count='5001'><entity name='contact'/></fetch>",
            "fetchxml_limit",
            "1 to 5000",
        ),
        (
            "<fetch><entity name='contact'><filter type='xor'/></entity></fetch>",
            "fetchxml_structure",
            "one of: and, or",
        ),
        (
            "<fetch><entity name='contact'>x</entity></fetch>",
            "fetchxml_structure",
            "text",
        ),
        (
            "<fetch><entity name='contact'><filter><condition attribute='lastname' operator='equals' value='x'/></filter></entity></fetch>",
            "fetchxml_operator",
            "attribute `operator`: `equals` is no operator",
        ),
        (
            "<fetch><entity name='contact'>\n\n<filter><condition attribute='lastname' operator='between' value='x'/></filter></entity></fetch>",
            "fetchxml_operator",
            "line 3, column 9: the element `condition`, attribute `operator`: `between` takes two values, and there are 1",
        ),
        (
            "<fetch><entity name='contact'><filter><condition attribute='lastname' operator='null' value='x'/></filter></entity></fetch>",
            "fetchxml_operator",
            "takes no value",
        ),
        (
            "<fetch><entity name='contact'><filter><condition attribute='lastname' operator='like' valueof='fullname'/></filter></entity></fetch>",
            "fetchxml_operator",
            "does not compare columns",
        ),
        (
            "<fetch aggregate='true'><entity name='contact'><attribute name='contactid' aggregate='count'/></entity></fetch>",
            "fetchxml_alias",
            "needs an alias",
        ),
        (
            "<fetch aggregate='true'><entity name='contact'><attribute name='contactid' alias='n' aggregate='count'/><order attribute='lastname'/></entity></fetch>",
            "fetchxml_alias",
            "ordered by an alias",
        ),
        (
            "<fetch><entity name='contact'><attribute name='contactid' alias='n' aggregate='count'/></entity></fetch>",
            "fetchxml_structure",
            "needs `aggregate=\"true\"`",
        ),
        (
            "<fetch><entity name='contact'><attribute name='contactid' alias='n'/><attribute name='fullname' alias='n'/></entity></fetch>",
            "fetchxml_alias",
            "stands twice",
        ),
        (
            "<fetch><entity name='contact'><attribute name='contactid' alias='a b'/></entity></fetch>",
            "fetchxml_alias",
            "is no alias",
        ),
        (
            "<fetch><entity name='contact'><filter><condition entityname='nobody' attribute='lastname' operator='null'/></filter></entity></fetch>",
            "fetchxml_alias",
            "`nobody`",
        ),
        (
            "<fetch><entity name='contact'><link-entity name='account' from='accountid' to='parentcustomerid' link-type='any'/></entity></fetch>",
            "fetchxml_structure",
            "attribute `link-type`",
        ),
        (
            "<fetch><entity name='contact'><filter><link-entity name='account' from='accountid' to='parentcustomerid'/></filter></entity></fetch>",
            "fetchxml_structure",
            "in a filter it takes one of: any",
        ),
        (
            "<fetch><entity name='nowhere'/></fetch>",
            "fetchxml_table_unknown",
            "no table `nowhere`",
        ),
        (
            "<fetch><entity name='contact'><attribute name='nmae'/></entity></fetch>",
            "fetchxml_column_unknown",
            "attribute `name`: the table contact has no column `nmae`",
        ),
        (
            "<fetch><entity name='contact'><attribute name='secret'/></entity></fetch>",
            "fetchxml_column_unknown",
            "cannot be read",
        ),
        (
            "<fetch><entity name='contact'><order attribute='nmae'/></entity></fetch>",
            "fetchxml_column_unknown",
            "`order`",
        ),
        (
            "<fetch><entity name='contact'><link-entity name='account' from='contactid' to='parentcustomerid'/></entity></fetch>",
            "fetchxml_column_unknown",
            "attribute `from`: the table account has no column `contactid`",
        ),
        (
            "<fetch><entity name='contact'><link-entity name='account' from='accountid' to='name'/></entity></fetch>",
            "fetchxml_column_unknown",
            "attribute `to`",
        ),
        (
            "<fetch><entity name='contact'><link-entity alias='c' name='account' from='accountid' to='parentcustomerid'/><filter><condition entityname='c' attribute='lastname' operator='null'/></filter></entity></fetch>",
            "fetchxml_column_unknown",
            "the table account has no column `lastname`",
        ),
        (
            "<fetch><entity name='contact'><filter><condition attribute='lastname' operator='eq' valueof='nmae'/></filter></entity></fetch>",
            "fetchxml_column_unknown",
            "attribute `valueof`",
        ),
        (&long(link.repeat(16)), "fetchxml_limit", "15 linked tables"),
        (
            &long(condition.repeat(501)),
            "fetchxml_limit",
            "500 conditions",
        ),
        (&"<a>".repeat(100), "fetchxml_malformed", "nested deeper"),
        (&long("x".repeat(200_000)), "fetchxml_limit", "longer than"),
    ] {
        let fault = fault(text);
        let start: String = text.chars().take(300).collect();
        assert_eq!(fault.code, code, "{fault}: {start}");
        assert!(fault.to_string().contains(sentence), "{fault}: {start}");
    }
    for good in [
        "<?xml version='1.0'?><!-- a view --><fetch version='1.0' mapping='logical' output-format='xml-platform'><entity name='contact'><all-attributes/><filter><condition attribute='parentcustomerid' operator='eq' uiname='A' uitype='account' value='{6F1C0000-0000-0000-0000-000000000001}'/><condition attribute='lastname' operator='null' value=''/></filter></entity></fetch>",
        "<fetch top='1'><entity name='contact'><no-attrs/><link-entity name='account' from='accountid' to='parentcustomerid' alias='c' link-type='outer'/><filter><condition entityname='c' attribute='name' operator='null'/><condition attribute='lastname' operator='eq' valueof='c.name'/></filter></entity></fetch>",
    ] {
        let fetch = Fetch::parse(good).unwrap();
        fetch.check(&SCHEMA).unwrap();
        assert_eq!(fetch.table(), "contact");
        let written = fetch.to_xml().unwrap();
        assert_eq!(Fetch::parse(&written).unwrap().to_xml().unwrap(), written);
    }
}

const TEMPLATE: &str = "<fetch top='5'><entity name='contact'><filter type='or'>\
    <condition attribute='lastname' operator='eq' value='{{ visitor.name }}'/>\
    <condition attribute='lastname' operator='like' value='%{{visitor.name}}%'/>\
    <condition attribute='fullname' operator='in'><value>{{visitor.name}}</value><value>fixed</value></condition>\
    </filter></entity></fetch>";

fn with_name(name: Parameter) -> BTreeMap<String, Parameter> {
    BTreeMap::from([("visitor.name".to_owned(), name)])
}

#[test]
fn placeholders_stand_for_values_and_nothing_else() {
    let template = Template::parse(TEMPLATE).unwrap();
    template.check(&SCHEMA).unwrap();
    assert_eq!(template.names().collect::<Vec<_>>(), ["visitor.name"]);
    assert_eq!(
        template.tables().into_iter().collect::<Vec<_>>(),
        ["contact"]
    );
    let hostile = "50%\"/></filter><all-attributes/>{{other}}";
    let filled = template
        .fill(&with_name(Parameter::Text(hostile.to_owned())))
        .unwrap();
    let xml = filled.to_xml().unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let values: Vec<_> = document
        .descendants()
        .filter_map(|node| node.attribute("value"))
        .collect();
    assert_eq!(
        values,
        [hostile, "%50[%]\"/></filter><all-attributes/>{{other}}%"]
    );
    assert!(
        !document
            .descendants()
            .any(|node| node.has_tag_name("all-attributes"))
    );
    let pattern = template
        .fill(&with_name(Parameter::Pattern("a%b".to_owned())))
        .unwrap()
        .to_xml()
        .unwrap();
    assert!(pattern.contains("\"%a%b%\""), "{pattern}");

    for (parameters, sentence) in [
        (
            BTreeMap::new(),
            "the placeholder `visitor.name` has no value",
        ),
        (
            with_name(Parameter::Text(String::new())),
            "every row would fit",
        ),
        (
            with_name(Parameter::Text("a\u{1}b".to_owned())),
            "the character U+0001 cannot stand in XML",
        ),
        (with_name(Parameter::Text("a\u{ffff}".to_owned())), "U+FFFF"),
    ] {
        let fault = template.fill(&parameters).unwrap_err();
        assert!(fault.to_string().contains(sentence), "{fault}");
        assert!(fault.to_string().contains("line 1, column"), "{fault}");
    }
    for (text, sentence) in [
        (
            "<fetch><entity name='contact'><attribute name='fullname' uiname='{{a}}'/></entity></fetch>",
            "in a `<value>` only",
        ),
        ("<fetch><entity name='{{a}}'/></fetch>", "no logical name"),
        (
            "<fetch><entity name='contact'><filter><condition attribute='lastname' operator='eq' value='{{a'/></filter></entity></fetch>",
            "not closed",
        ),
        (
            "<fetch><entity name='contact'><filter><condition attribute='lastname' operator='eq' value='{{a b}}'/></filter></entity></fetch>",
            "no name",
        ),
        (
            "<fetch><entity name='contact'><filter><condition attribute='lastname' operator='{{a}}' value='x'/></filter></entity></fetch>",
            "no operator",
        ),
    ] {
        let fault = Template::parse(text).err().unwrap();
        assert!(fault.to_string().contains(sentence), "{fault}");
    }
    assert!(!format!("{:?}", with_name(Parameter::Text("Dana".to_owned()))).contains("Dana"));
}

// ---- on the wire --------------------------------------------------------------------------------------

fn asked(request: &Request) -> String {
    let (_, xml) = request
        .url
        .query_pairs()
        .find(|(name, _)| name == "fetchXml")
        .unwrap();
    xml.into_owned()
}

async fn pages(client: &Client, fetch: &Fetch) -> Vec<Result<FetchPage, Error>> {
    client.fetch("contacts", fetch).collect().await
}

fn page(rows: Value, more: Value) -> ResponseTemplate {
    let mut body = json!({"@odata.context": "x/$metadata#contacts", "value": rows});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    ResponseTemplate::new(200).set_body_json(body)
}

async fn on_page(server: &MockServer, number: u32, answer: ResponseTemplate) {
    let wanted = format!("page=\"{number}\"");
    Mock::given(method("GET"))
        .and(path(format!("{API}contacts")))
        .and(move |request: &Request| match number {
            1 => !asked(request).contains("page="),
            _ => asked(request).contains(&wanted),
        })
        .respond_with(answer)
        .expect(1)
        .mount(server)
        .await;
}

#[tokio::test]
async fn pages_are_followed_by_their_cookie_and_rows_decoded() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let cookie = "<cookie pagenumber=\"2\" pagingcookie=\"%253ccookie%2520page%253d%25221%2522%253e%253cfullname%2520last%253d%2522Z%2526quot%253bd%2522%2520%252f%253e%253c%252fcookie%253e\" istracking=\"False\" />";
    let row = json!({
        "@odata.etag": "W/\"2504512\"", "fullname": "Ada Byron", "contactid": "6f1c0000-0000-0000-0000-000000000001",
        "_parentcustomerid_value": "b1d00000-0000-0000-0000-000000000001",
        "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "account",
        "company.name": "Analytical Ltd", "company.revenue@OData.Community.Display.V1.FormattedValue": "$3.00", "company.revenue": 3,
    });
    on_page(&server, 1, page(json!([row]), json!({
        "@Microsoft.Dynamics.CRM.totalrecordcount": 2, "@Microsoft.Dynamics.CRM.morerecords": true,
        "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie": cookie,
    }))).await;
    on_page(
        &server,
        2,
        page(
            json!([{"fullname": "B", "company_x002e_name": "Old"}]),
            json!({"@Microsoft.Dynamics.CRM.totalrecordcount": -1}),
        ),
    )
    .await;
    let fetch = Builder::new("contact")
        .attribute("fullname")
        .filter(Condition::equals("lastname", "a+b & c"))
        .page_size(1)
        .build()
        .unwrap();
    let pages = pages(&client(&server), &fetch).await;
    let [Ok(first), Ok(second)] = pages.as_slice() else {
        panic!("{pages:?}")
    };
    let ada = &first.rows[0];
    assert_eq!(
        (
            ada.text("fullname"),
            ada.text("company.name"),
            ada.formatted("company.revenue")
        ),
        (Some("Ada Byron"), Some("Analytical Ltd"), Some("$3.00"))
    );
    assert_eq!(
        ada.lookup("parentcustomerid").unwrap().table.as_deref(),
        Some("account")
    );
    assert!(
        ada.value("emailaddress1").is_null(),
        "what is empty is not there"
    );
    assert_eq!((first.total, second.total), (Some(2), None));
    assert_eq!(second.rows[0].text("company.name"), Some("Old"));

    let requests = server.received_requests().await.unwrap();
    let [.., one, two] = requests.as_slice() else {
        panic!("two questions")
    };
    assert!(asked(one).contains("value=\"a+b &amp; c\""));
    let document = asked(two);
    let document = roxmltree::Document::parse(&document).unwrap();
    assert_eq!(
        document.root_element().attribute("paging-cookie"),
        Some("<cookie page=\"1\"><fullname last=\"Z&quot;d\" /></cookie>")
    );
    assert_eq!(document.root_element().attribute("page"), Some("2"));
    let prefer = two.headers.get("prefer").unwrap().to_str().unwrap();
    assert!(
        prefer.starts_with("odata.include-annotations=\"")
            && prefer.contains("fetchxmlpagingcookie")
            && prefer.contains("morerecords"),
        "{prefer}"
    );
}

#[tokio::test]
async fn pages_without_a_cookie_are_counted() {
    let server = MockServer::start().await;
    give_tokens(&server).await;
    let more = || json!({"@Microsoft.Dynamics.CRM.morerecords": true});
    on_page(&server, 1, page(json!([{"fullname": "A"}]), more())).await;
    on_page(&server, 2, page(json!([{"fullname": "B"}]), more())).await;
    on_page(
        &server,
        3,
        page(
            json!([]),
            json!({"@Microsoft.Dynamics.CRM.morerecords": false}),
        ),
    )
    .await;
    let fetch = Builder::new("contact").page_size(1).build().unwrap();
    let pages = pages(&client(&server), &fetch).await;
    assert_eq!(pages.iter().filter(|page| page.is_ok()).count(), 3);
}

#[tokio::test]
async fn a_broken_answer_or_refusal_ends_the_reading() {
    let template = |more| page(json!([]), more);
    for (answered, code) in [
        (
            dataverse_error(
                400,
                "0x80041103",
                "'contact' entity doesn't contain attribute with Name = 'x' and NameMapping = 'Logical'.",
            ),
            "bad_request",
        ),
        (
            dataverse_error(
                400,
                "0x8004e023",
                "The maximum record limit is exceeded. Reduce the number of records.",
            ),
            "bad_request",
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({"value": [7]})),
            "not_dataverse",
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({"rows": []})),
            "not_dataverse",
        ),
    ] {
        let server = organization("contacts", answered).await;
        let fetch = Builder::new("contact").build().unwrap();
        let pages = pages(&client(&server), &fetch).await;
        let [Err(error)] = pages.as_slice() else {
            panic!("{pages:?}")
        };
        assert_eq!(error.code(), code);
    }
    for cookie in [
        "nonsense",
        "<cookie pagenumber=\"1\" pagingcookie=\"a\"/>",
        "<cookie pagenumber=\"2\"/>",
    ] {
        let more = json!({"@Microsoft.Dynamics.CRM.morerecords": true, "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie": cookie});
        let server = organization("contacts", template(more)).await;
        let fetch = Builder::new("contact").page_size(1).build().unwrap();
        let pages = pages(&client(&server), &fetch).await;
        let [Err(error)] = pages.as_slice() else {
            panic!("{pages:?}")
        };
        assert_eq!(error.code(), "invalid_answer", "{cookie}");
    }
}

#[tokio::test]
async fn what_is_computed_comes_under_its_alias() {
    let rows = json!([{"Average": 3911, "Count": 10, "City": "Redmond", "City@OData.Community.Display.V1.FormattedValue": "Redmond!"}]);
    let server = organization("contacts", page(rows, json!({}))).await;
    let fetch = Fetch::parse("<fetch aggregate='true'><entity name='contact'><attribute name='contactid' alias='Count' aggregate='count'/><attribute name='address1_city' alias='City' groupby='true'/></entity></fetch>").unwrap();
    let pages = pages(&client(&server), &fetch).await;
    let row = &pages[0].as_ref().unwrap().rows[0];
    assert_eq!(
        (row.value("Count"), row.formatted("City")),
        (&json!(10), Some("Redmond!"))
    );
}

// ---- properties ---------------------------------------------------------------------------------------

/// Text as people and their programs write it, and every character that XML can hold.
fn text() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        4 => prop::char::any(),
        2 => prop::sample::select(vec!['\t', '\n', '\r', '<', '>', '&', '"', '\'', '%', '_', '[', ']', '{', '}', ' ', ';', '\u{fffd}', '🦊', '\u{85}', '\u{2028}']),
    ];
    let holds = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    prop::collection::vec(c.prop_filter("XML 1.0 cannot hold it", holds), 0..40)
        .prop_map(|characters| characters.into_iter().collect())
}

fn condition() -> impl Strategy<Value = Condition> {
    let column = prop::sample::select(vec!["fullname", "lastname", "createdon", "statecode"]);
    let single = (
        column,
        prop::sample::select(Operator::ALL),
        prop::collection::vec(text(), 3),
    )
        .prop_map(|(column, operator, values)| {
            let count = match operator.values() {
                Values::None => 0,
                Values::One => 1,
                Values::Two => 2,
                Values::Many => 3,
            };
            Condition::new(column, operator, values.into_iter().take(count))
        });
    single.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::all),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Condition::any),
            inner.prop_map(|_| Condition::related(
                Related::Exists,
                Link::new("account", "accountid", "parentcustomerid")
                    .filter(Condition::equals("name", "x"))
            )),
        ]
    })
}

/// What an independent reader makes of it.
fn values_in(xml: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let attribute = document
        .descendants()
        .filter_map(|node| node.attribute("value").map(str::to_owned));
    let elements = document
        .descendants()
        .filter(|node| node.has_tag_name("value"))
        .map(|node| node.text().unwrap_or("").to_owned());
    attribute.chain(elements).collect()
}

proptest! {
    #[test]
    fn any_text_survives_as_a_value(text in text()) {
        let query = Builder::new("contact").filter(Condition::all([
            Condition::equals("lastname", text.clone()),
            Condition::new("lastname", Operator::In, [text.clone(), text.clone()]),
        ]));
        let xml = query.build().unwrap().to_xml().unwrap();
        prop_assert_eq!(values_in(&xml), [text.clone(), text.clone(), text.clone()]);
        let again = Fetch::parse(&xml).unwrap().to_xml().unwrap();
        prop_assert_eq!(again, xml);
        let filled = Template::parse("<fetch><entity name='contact'><filter><condition attribute='lastname' operator='eq' value='{{a}}'/><condition attribute='lastname' operator='in'><value>{{a}}</value></condition></filter></entity></fetch>").unwrap()
            .fill(&BTreeMap::from([("a".to_owned(), Parameter::Text(text.clone()))])).unwrap().to_xml().unwrap();
        prop_assert_eq!(values_in(&filled), [text.clone(), text]);
    }

    #[test]
    fn what_is_built_is_always_in_order(conditions in prop::collection::vec(condition(), 0..5), columns in prop::sample::subsequence(vec!["fullname", "lastname", "createdon"], 0..=3), page in 1..=5000_u32, outer in any::<bool>()) {
        let mut query = Builder::new("contact").page_size(page).order_by("fullname", Descending);
        for column in columns {
            query = query.attribute(column);
        }
        for condition in conditions {
            query = query.filter(condition);
        }
        if outer {
            query = query.link(Link::new("account", "accountid", "parentcustomerid").alias("c").join(Join::Outer).attribute("name"));
        }
        let fetch = query.build().unwrap();
        fetch.check(&SCHEMA).unwrap();
        let read = Fetch::parse(&fetch.to_xml().unwrap()).unwrap();
        read.check(&SCHEMA).unwrap();
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = Fetch::parse(&text);
        let _ = Template::parse(&text);
    }

    #[test]
    fn no_damaged_query_makes_the_reader_panic(at in 0..TEMPLATE.len(), length in 0..20_usize, with in "[<>&'\"/{}a-z= ]{0,10}") {
        let mut damaged: Vec<char> = TEMPLATE.chars().collect();
        let end = (at + length).min(damaged.len());
        damaged.splice(at.min(end)..end, with.chars());
        let damaged: String = damaged.into_iter().collect();
        if let Ok(template) = Template::parse(&damaged) {
            let _ = template.check(&SCHEMA);
            let _ = template.fill(&with_name(Parameter::Text("x".to_owned())));
        }
    }
}
