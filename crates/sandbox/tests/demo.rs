//! The demo data and the sample visitors.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use std::collections::HashMap;

use common::Org;
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use sandbox::{Options, demo::sample_visitors};
use serde_json::Value;

async fn all(org: &Org, path: &str) -> Vec<Value> {
    org.read(path).await["value"].as_array().unwrap().clone()
}

#[tokio::test]
async fn it_looks_like_a_real_companys() {
    let org = Org::demo().await;
    let contacts = all(&org, "contacts?$select=fullname,emailaddress1,telephone1,mobilephone,address1_country,statecode,_parentcustomerid_value").await;
    assert_eq!(contacts.len(), 1000);
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or("").to_owned();
    let by_email = contacts
        .iter()
        .fold(HashMap::<String, Vec<String>>::new(), |mut map, row| {
            if row["emailaddress1"].is_string() {
                map.entry(text(row, "emailaddress1"))
                    .or_default()
                    .push(text(row, "fullname"));
            }
            map
        });
    let shared = by_email
        .values()
        .filter(|names| names.iter().any(|name| name != &names[0]))
        .count();
    let twice = by_email
        .values()
        .filter(|names| names.len() > 1 && names.iter().all(|name| name == &names[0]))
        .count();
    assert!(shared >= 3, "different people share an address: {shared}");
    assert!(twice >= 10, "some people exist twice: {twice}");
    let only_mobile = contacts.iter().filter(|row| {
        row["emailaddress1"].is_null()
            && row["telephone1"].is_null()
            && row["mobilephone"].is_string()
    });
    assert!(only_mobile.count() >= 20);
    assert!(
        contacts
            .iter()
            .filter(|row| row["_parentcustomerid_value"].is_null())
            .count()
            >= 20
    );
    for script in [
        'é', 'Ł', 'α', 'и', 'م', 'ה', 'र', '王', '花', '김', 'ส', 'ễ',
    ] {
        assert!(
            contacts
                .iter()
                .any(|row| text(row, "fullname").contains(script)),
            "no name with {script}"
        );
    }
    for domain in by_email
        .keys()
        .map(|email| email.rsplit_once('@').unwrap().1)
    {
        assert!(
            domain.ends_with(".example")
                || ["example.com", "example.org", "example.net"].contains(&domain),
            "{domain}"
        );
    }
    let accounts = all(&org, "accounts?$select=name,industrycode,revenue,accountcategorycode,address1_city,_ownerid_value").await;
    assert_eq!(accounts.len(), 200);
    for account in &accounts {
        for column in [
            "name",
            "industrycode",
            "revenue",
            "accountcategorycode",
            "address1_city",
            "_ownerid_value",
        ] {
            assert!(!account[column].is_null(), "{account}");
        }
    }
    for (state, at_least) in [(0, 100), (1, 50), (2, 10)] {
        let cases = all(
            &org,
            &format!("incidents?$select=title&$filter=statecode eq {state}"),
        )
        .await;
        assert!(cases.len() >= at_least, "state {state}: {}", cases.len());
    }
}

#[tokio::test]
async fn every_telephone_number_is_a_valid_one() {
    let org = Org::demo().await;
    let contacts = all(
        &org,
        "contacts?$select=telephone1,mobilephone,address1_country&$top=330",
    )
    .await;
    let mut shapes = std::collections::HashSet::new();
    let mut wrong = Vec::new();
    for contact in &contacts {
        let region = match contact["address1_country"].as_str().unwrap() {
            "United Kingdom" => Region::GB,
            "United States" => Region::US,
            "Germany" => Region::DE,
            "France" => Region::FR,
            "Netherlands" => Region::NL,
            "Sweden" => Region::SE,
            "Poland" => Region::PL,
            "Greece" => Region::GR,
            "Bulgaria" => Region::BG,
            "Egypt" => Region::EG,
            "Israel" => Region::IL,
            "India" => Region::IN,
            "China" => Region::CN,
            "Japan" => Region::JP,
            "South Korea" => Region::KR,
            "Thailand" => Region::TH,
            "Vietnam" => Region::VN,
            "Brazil" => Region::BR,
            "Australia" => Region::AU,
            "Ireland" => Region::IE,
            other => panic!("{other}"),
        };
        for number in ["telephone1", "mobilephone"]
            .iter()
            .filter_map(|column| contact[*column].as_str())
        {
            shapes.insert(
                number
                    .chars()
                    .filter(|c| !c.is_ascii_digit())
                    .collect::<String>(),
            );
            let read = PHONE_NUMBER_UTIL.parse(number, Some(region));
            if !read.is_ok_and(|number| number.is_valid()) {
                wrong.push(number.to_owned());
            }
        }
    }
    assert!(
        shapes.len() >= 12,
        "people write numbers in many ways: {shapes:?}"
    );
    assert!(wrong.is_empty(), "{} wrong: {wrong:?}", wrong.len());
}

#[tokio::test]
async fn it_is_the_same_each_time_and_scales() {
    let first = Org::demo().await;
    let second = Org::start(
        Options {
            contacts: 30,
            ..Options::default()
        },
        false,
    )
    .await;
    let path = "contacts?$select=fullname,emailaddress1,telephone1,mobilephone&$filter=lastname ne 'Vermeer'";
    let [many, few] = [all(&first, path).await, all(&second, path).await];
    assert_eq!(few.len(), 29);
    let key = |row: &Value| {
        (
            row["contactid"].clone(),
            row["fullname"].clone(),
            row["telephone1"].clone(),
        )
    };
    for row in &few {
        assert!(many.iter().any(|known| key(known) == key(row)), "{row}");
    }
}

#[tokio::test]
async fn sample_visitors_meet_what_their_note_says() {
    let org = Org::demo().await;
    let visitors = sample_visitors();
    assert!(visitors.len() >= 8);
    let email = |id: &str| {
        let visitor = visitors.iter().find(|visitor| visitor.id == id).unwrap();
        visitor.chat["email"].as_str().unwrap().replace('\'', "''")
    };
    let found = async |set: &str, id: &str| {
        let column = if set == "accounts" {
            "name"
        } else {
            "fullname"
        };
        org.names(set, column, &format!("emailaddress1 eq '{}'", email(id)))
            .await
            .len()
    };
    assert_eq!(
        (
            found("contacts", "dana").await,
            found("leads", "dana").await
        ),
        (1, 1)
    );
    assert_eq!(found("contacts", "shared").await, 3);
    assert_eq!(found("contacts", "hanako").await, 1);
    assert_eq!(
        (
            found("contacts", "luca").await,
            found("leads", "luca").await
        ),
        (0, 1)
    );
    assert_eq!(
        org.names(
            "contacts",
            "fullname",
            &format!(
                "emailaddress1 eq '{}' and _parentcustomerid_value eq null",
                email("ngozi")
            )
        )
        .await
        .len(),
        1
    );
    assert_eq!(
        (
            found("accounts", "bluepeak").await,
            found("contacts", "bluepeak").await
        ),
        (1, 0)
    );
    for id in ["unknown", "hostile"] {
        for set in ["contacts", "leads", "accounts"] {
            assert_eq!(found(set, id).await, 0, "{set} {id}");
        }
    }
    // Known by phone only, written differently: same digits, other text.
    let sarah = visitors
        .iter()
        .find(|visitor| visitor.id == "sarah")
        .unwrap();
    let rows = all(
        &org,
        "contacts?$select=telephone1&$filter=endswith(telephone1,'7946 0919')",
    )
    .await;
    assert_eq!(rows.len(), 1);
    assert_ne!(rows[0]["telephone1"], sarah.chat["phone"]);
    for visitor in &visitors {
        assert_eq!(visitor.chat["visitorId"], visitor.visitor["id"]);
        assert!(
            visitor.chat["messages"].is_array()
                && visitor.visitor["location"]["ip"].is_string()
                && !visitor.note.is_empty()
        );
    }
}

#[tokio::test]
async fn a_deep_link_leads_to_a_page_of_the_record() {
    let org = Org::demo().await;
    let id = org
        .read("contacts?$filter=lastname eq 'Vermeer'&$select=fullname")
        .await["value"][0]["contactid"]
        .as_str()
        .unwrap()
        .to_owned();
    let url = |query: &str| {
        format!(
            "{}/main.aspx?{query}",
            org.sandbox.description().organization_url
        )
    };
    let page = org
        .client
        .get(url(&format!(
            "etn=contact&pagetype=entityrecord&id=%7B{id}%7D"
        )))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Contact: Dana Vermeer"));
    assert_eq!(
        org.client
            .get(url("etn=contact&id=x"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    let org = Org::empty().await;
    let hostile = org
        .create(
            "contacts",
            serde_json::json!({"lastname": "<script>alert(1)</script>"}),
        )
        .await;
    let url = format!(
        "{}/main.aspx?etn=contact&id={hostile}",
        org.sandbox.description().organization_url
    );
    let text = org
        .client
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(!text.contains("<script>") && text.contains("&lt;script&gt;"));
}
