//! The company whose data the demo is: its users, customers, leads, cases, tasks and notes.

use std::collections::HashMap;

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::people::{LOCALES, Locale, Name};
use super::random::Random;
use super::{extras, fields};
use crate::metadata::{Table, table};
use crate::organization::ids;
use crate::rules;
use crate::store::{self, Fields, Store};
use crate::value::Value;

const ACCOUNTS: usize = 200;
/// Contacts that are written together.
const CONTACTS_AT_ONCE: usize = 1000;
/// With more contacts, the indexes are made when all are there.
const LARGE: usize = 10_000;
const LEADS: usize = 300;
const CASES: usize = 400;
const TASKS: usize = 300;
const NOTES: usize = 250;

/// The people who own the records.
const SALESPEOPLE: [(&str, &str); 6] = [
    ("Amira", "Haddad"),
    ("Jonas", "Lindqvist"),
    ("Mei", "Tanaka"),
    ("Carlos", "Ferreira"),
    ("Ingrid", "Solberg"),
    ("Robin", "Castle"),
];

const NAME_STARTS: [&str; 24] = [
    "Harbor",
    "Blue Peak",
    "Silverline",
    "Oakwood",
    "Northgate",
    "Lumen",
    "Terra",
    "Cascade",
    "Meridian",
    "Juniper",
    "Granite",
    "Copperfield",
    "Brightwater",
    "Falcon",
    "Aurora",
    "Keystone",
    "Riverbend",
    "Solstice",
    "Pinecrest",
    "Vantage",
    "Emberly",
    "Willowbrook",
    "Stonebridge",
    "Clearview",
];
const NAME_MIDDLES: [&str; 12] = [
    "Logistics",
    "Instruments",
    "Foods",
    "Textiles",
    "Robotics",
    "Pharma",
    "Media",
    "Energy",
    "Consulting",
    "Optics",
    "Interiors",
    "Software",
];

/// Rows that are in the data on purpose: the sample visitors meet them.
struct Special {
    key: &'static str,
    first: &'static str,
    last: &'static str,
    email: Option<&'static str>,
    phone: Option<&'static str>,
    mobile: Option<&'static str>,
    job: &'static str,
    /// Key of the account.
    account: Option<&'static str>,
    country: &'static str,
    city: &'static str,
}

struct SpecialAccount {
    key: &'static str,
    name: &'static str,
    number: &'static str,
    email: &'static str,
    phone: &'static str,
    city: &'static str,
    country: &'static str,
    industry: i64,
    revenue: f64,
    category: i64,
}

const SPECIAL_ACCOUNTS: &[SpecialAccount] = &[
    SpecialAccount {
        key: "northwind",
        name: "Northwind Traders",
        number: "AC-20417",
        email: "office@northwind.example",
        phone: "+31 30 555 0100",
        city: "Utrecht",
        country: "Netherlands",
        industry: 33,
        revenue: 4_250_000.0,
        category: 1,
    },
    SpecialAccount {
        key: "harborlight",
        name: "Harborlight Clinic",
        number: "AC-20418",
        email: "info@harborlight.example",
        phone: "(020) 7946 0939",
        city: "London",
        country: "United Kingdom",
        industry: 11,
        revenue: 1_800_000.0,
        category: 2,
    },
    SpecialAccount {
        key: "sakura",
        name: "さくら電機株式会社",
        number: "AC-20419",
        email: "info@sakura-denki.example",
        phone: "03-5555-0919",
        city: "東京",
        country: "Japan",
        industry: 12,
        revenue: 91_000_000.0,
        category: 1,
    },
    SpecialAccount {
        key: "bluepeak",
        name: "Blue Peak Outfitters",
        number: "AC-20420",
        email: "service@bluepeak.example",
        phone: "(212) 555-0199",
        city: "New York",
        country: "United States",
        industry: 25,
        revenue: 760_000.0,
        category: 2,
    },
];

const SPECIAL_CONTACTS: &[Special] = &[
    Special {
        key: "dana",
        first: "Dana",
        last: "Vermeer",
        email: Some("dana.vermeer@example.com"),
        phone: Some("+31 (0)30 555 0142"),
        mobile: Some("06-12345919"),
        job: "Head of Purchasing",
        account: Some("northwind"),
        country: "Netherlands",
        city: "Utrecht",
    },
    Special {
        key: "sarah",
        first: "Sarah",
        last: "Whitfield",
        email: Some("s.whitfield@harborlight.example"),
        phone: Some("(020) 7946 0919"),
        mobile: None,
        job: "Practice Manager",
        account: Some("harborlight"),
        country: "United Kingdom",
        city: "London",
    },
    Special {
        key: "reception",
        first: "Reception",
        last: "Harborlight",
        email: Some("info@harborlight.example"),
        phone: Some("020 7946 0939"),
        mobile: None,
        job: "Reception",
        account: Some("harborlight"),
        country: "United Kingdom",
        city: "London",
    },
    Special {
        key: "graham",
        first: "Graham",
        last: "Ashworth",
        email: Some("info@harborlight.example"),
        phone: None,
        mobile: Some("0161 496 0919"),
        job: "Physiotherapist",
        account: Some("harborlight"),
        country: "United Kingdom",
        city: "London",
    },
    Special {
        key: "priya",
        first: "Priya",
        last: "Okafor",
        email: Some("info@harborlight.example"),
        phone: None,
        mobile: Some("+44 161 496 0929"),
        job: "Nurse",
        account: Some("harborlight"),
        country: "United Kingdom",
        city: "London",
    },
    Special {
        key: "hanako",
        first: "花子",
        last: "山田",
        email: Some("hanako.yamada@sakura-denki.example"),
        phone: Some("03-5555-0929"),
        mobile: Some("090-5555-0919"),
        job: "購買部長",
        account: Some("sakura"),
        country: "Japan",
        city: "東京",
    },
    Special {
        key: "ngozi",
        first: "Ngozi",
        last: "Adeyemi",
        email: Some("ngozi.adeyemi@example.org"),
        phone: None,
        mobile: Some("0113 496 0939"),
        job: "Photographer",
        account: None,
        country: "United Kingdom",
        city: "London",
    },
    Special {
        key: "ruth",
        first: "Ruth",
        last: "Castellano",
        email: Some("ruth@bluepeak.example"),
        phone: Some("212-555-0189"),
        mobile: None,
        job: "Owner",
        account: Some("bluepeak"),
        country: "United States",
        city: "New York",
    },
];

/// Leads in the data on purpose: key, first and last name, company, e-mail, phone, subject.
const SPECIAL_LEADS: &[[&str; 7]] = &[
    [
        "dana",
        "Dana",
        "Vermeer",
        "Northwind Traders",
        "dana.vermeer@example.com",
        "+31 30 555 0142",
        "Second warehouse: 40 more seats",
    ],
    [
        "luca",
        "Luca",
        "Moretti",
        "Moretti Arredamenti",
        "luca.moretti@moretti-arredi.example",
        "+39 02 5550 0919",
        "Asked for a quote at the trade show",
    ],
];

pub(crate) fn id(kind: &str, key: &str) -> String {
    Uuid::new_v5(
        &Uuid::NAMESPACE_OID,
        format!("practice/{kind}/{key}").as_bytes(),
    )
    .to_string()
}

pub(super) struct Person {
    pub(super) id: String,
    account: Option<usize>,
    active: bool,
}

struct Account {
    id: String,
    domain: String,
    locale: usize,
    owner: String,
    /// A small office, whose people share its address.
    shares_address: bool,
}

pub(super) struct Writer<'a> {
    connection: &'a mut SqliteConnection,
    store: &'a Store,
    pub(super) random: Random,
    written: usize,
    /// Contacts that are not in the database yet.
    contacts: Vec<Fields>,
}

impl Writer<'_> {
    /// A moment between 2021 and the middle of 2026, later for later rows.
    pub(super) fn moment(&mut self) -> String {
        let year = 2021 + self.random.below(5);
        let (month, day) = (1 + self.random.below(12), 1 + self.random.below(28));
        let (hour, minute) = (8 + self.random.below(10), self.random.below(60));
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z")
    }

    pub(super) fn salesperson(&mut self) -> String {
        id("user", &self.random.below(SALESPEOPLE.len()).to_string())
    }

    pub(super) async fn is_resolved(&mut self, case: &str) -> Result<bool, sqlx::Error> {
        let row = store::load(self.connection, table("incident"), case).await?;
        Ok(row.is_some_and(|row| row.get("statecode") == Some(&Value::Integer(1))))
    }

    pub(super) async fn insert(&mut self, name: &str, row: Fields) -> Result<(), sqlx::Error> {
        let row = self.completed(table(name), row)?;
        store::insert(self.connection, table(name), &row).await
    }

    /// The row as it is kept.
    fn completed(&mut self, table: &Table, mut row: Fields) -> Result<Fields, sqlx::Error> {
        row.retain(|_, value| !value.is_null());
        let now = self.moment();
        let owner = row
            .get("ownerid")
            .and_then(Value::text)
            .unwrap_or(ids::ADMINISTRATOR)
            .to_owned();
        rules::complete(table, &mut row, &owner, &now).map_err(|error| {
            sqlx::Error::Protocol(format!("demo data breaks a rule: {}", error.message))
        })?;
        row.insert(
            "versionnumber".to_owned(),
            Value::Integer(self.store.next_version()),
        );
        self.written += 1;
        Ok(row)
    }

    /// Takes a contact, of which there may be a million.
    async fn contact(&mut self, row: Fields) -> Result<(), sqlx::Error> {
        let row = self.completed(table("contact"), row)?;
        self.contacts.push(row);
        if self.contacts.len() < CONTACTS_AT_ONCE {
            return Ok(());
        }
        self.write_contacts().await
    }

    async fn write_contacts(&mut self) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.contacts);
        store::insert_all(self.connection, table("contact"), &rows).await
    }
}

/// Writes everything in one transaction.
pub(crate) async fn fill(store: &Store, contacts: usize) -> Result<(), sqlx::Error> {
    let mut transaction = store.write().await?;
    let mut writer = Writer {
        connection: &mut transaction,
        store,
        random: Random::new(20_417),
        written: 0,
        contacts: Vec::new(),
    };
    users(&mut writer).await?;
    let accounts = accounts(&mut writer).await?;
    let people = people(&mut writer, &accounts, contacts.max(SPECIAL_CONTACTS.len())).await?;
    leads(&mut writer).await?;
    let cases = cases(&mut writer, &accounts, &people).await?;
    tasks(&mut writer, &people, &cases).await?;
    notes(&mut writer, &people, &cases).await?;
    extras::fill(&mut writer, &people, &cases).await?;
    tracing::info!(
        rows = writer.written,
        "the practice organization has its demo data"
    );
    transaction.commit().await
}

async fn users(writer: &mut Writer<'_>) -> Result<(), sqlx::Error> {
    for (index, (first, last)) in SALESPEOPLE.iter().enumerate() {
        let email = format!(
            "{}.{}@practice.example",
            first.to_lowercase(),
            last.to_lowercase()
        );
        let row = super::user(
            &id("user", &index.to_string()),
            first,
            last,
            Value::from(email),
            Value::Null,
            0,
        );
        writer.insert("systemuser", row).await?;
    }
    Ok(())
}

async fn accounts(writer: &mut Writer<'_>) -> Result<Vec<Account>, sqlx::Error> {
    let mut accounts = Vec::new();
    for (index, special) in SPECIAL_ACCOUNTS.iter().enumerate() {
        let owner = writer.salesperson();
        let locale = LOCALES
            .iter()
            .position(|locale| locale.country == special.country)
            .unwrap_or(0);
        let domain = special
            .email
            .split_once('@')
            .map_or("", |(_, domain)| domain)
            .to_owned();
        let primary = SPECIAL_CONTACTS
            .iter()
            .find(|contact| contact.account == Some(special.key));
        writer
            .insert(
                "account",
                fields([
                    ("accountid", Value::from(id("account", &index.to_string()))),
                    ("name", Value::from(special.name)),
                    ("accountnumber", Value::from(special.number)),
                    ("emailaddress1", Value::from(special.email)),
                    ("telephone1", Value::from(special.phone)),
                    ("websiteurl", Value::from(format!("https://www.{domain}"))),
                    ("address1_city", Value::from(special.city)),
                    ("address1_country", Value::from(special.country)),
                    ("industrycode", Value::Integer(special.industry)),
                    ("revenue", Value::Real(special.revenue)),
                    ("accountcategorycode", Value::Integer(special.category)),
                    ("customertypecode", Value::Integer(3)),
                    (
                        "numberofemployees",
                        Value::Integer(40 + i64::try_from(index).unwrap_or(0) * 75),
                    ),
                    (
                        "primarycontactid",
                        primary.map_or(Value::Null, |contact| {
                            Value::from(id("contact", contact.key))
                        }),
                    ),
                    ("ownerid", Value::from(owner.as_str())),
                ]),
            )
            .await?;
        accounts.push(Account {
            id: id("account", &index.to_string()),
            domain,
            locale,
            owner,
            shares_address: false,
        });
    }
    const STREETS: [&str; 6] = [
        "Market Street",
        "Station Road",
        "Harbour Quay",
        "Mill Lane",
        "King's Avenue",
        "Garden Square",
    ];
    const FORMS: [&str; 7] = ["Ltd", "GmbH", "B.V.", "S.A.", "AB", "Inc.", "& Sons"];
    for index in SPECIAL_ACCOUNTS.len()..ACCOUNTS {
        let start = NAME_STARTS[index % NAME_STARTS.len()];
        let middle = NAME_MIDDLES[(index / NAME_STARTS.len() + index) % NAME_MIDDLES.len()];
        let locale_index = writer.random.below(LOCALES.len());
        let locale = &LOCALES[locale_index];
        let form = *writer.random.pick(&FORMS);
        let owner = writer.salesperson();
        let domain = format!(
            "{}-{}{}.example",
            start.to_lowercase().replace(' ', ""),
            middle.to_lowercase(),
            index
        );
        let telephone = locale.land_line.written(&mut writer.random);
        let street = format!(
            "{} {}",
            1 + writer.random.below(180),
            writer.random.pick(&STREETS)
        );
        let row = fields([
            ("accountid", Value::from(id("account", &index.to_string()))),
            ("name", Value::from(format!("{start} {middle} {form}"))),
            (
                "accountnumber",
                Value::from(format!("AC-{}", 20_417 + index)),
            ),
            ("emailaddress1", Value::from(format!("info@{domain}"))),
            ("telephone1", Value::from(telephone)),
            ("websiteurl", Value::from(format!("https://www.{domain}"))),
            ("address1_line1", Value::from(street)),
            (
                "address1_city",
                Value::from(*writer.random.pick(locale.cities)),
            ),
            ("address1_country", Value::from(locale.country)),
            (
                "industrycode",
                Value::Integer(1 + i64::try_from(writer.random.below(33)).unwrap_or(0)),
            ),
            (
                "revenue",
                Value::Real((20 + writer.random.below(9000)) as f64 * 10_000.0),
            ),
            (
                "numberofemployees",
                Value::Integer(3 + i64::try_from(writer.random.below(2500)).unwrap_or(0)),
            ),
            (
                "accountcategorycode",
                Value::Integer(if writer.random.one_in(5) { 1 } else { 2 }),
            ),
            (
                "customertypecode",
                Value::Integer([3, 3, 3, 8, 9, 5, 10][writer.random.below(7)]),
            ),
            (
                "statecode",
                Value::Integer(i64::from(writer.random.one_in(30))),
            ),
            ("ownerid", Value::from(owner.as_str())),
        ]);
        writer.insert("account", row).await?;
        accounts.push(Account {
            id: id("account", &index.to_string()),
            domain,
            locale: locale_index,
            owner,
            shares_address: index % 12 == 5,
        });
    }
    Ok(accounts)
}

async fn people(
    writer: &mut Writer<'_>,
    accounts: &[Account],
    count: usize,
) -> Result<Vec<Person>, sqlx::Error> {
    let is_large = count > LARGE;
    if is_large {
        store::drop_indexes(writer.connection, table("contact")).await?;
    }
    let mut people = Vec::with_capacity(count);
    let mut used: HashMap<String, usize> = HashMap::new();
    for special in SPECIAL_CONTACTS {
        let account = special.account.and_then(|key| {
            SPECIAL_ACCOUNTS
                .iter()
                .position(|account| account.key == key)
        });
        let optional = |text: Option<&'static str>| text.map_or(Value::Null, Value::from);
        let owner = account
            .and_then(|index| accounts.get(index))
            .map(|account| account.owner.clone());
        let mut row = fields([
            ("contactid", Value::from(id("contact", special.key))),
            ("firstname", Value::from(special.first)),
            ("lastname", Value::from(special.last)),
            ("jobtitle", Value::from(special.job)),
            ("emailaddress1", optional(special.email)),
            ("telephone1", optional(special.phone)),
            ("mobilephone", optional(special.mobile)),
            ("address1_city", Value::from(special.city)),
            ("address1_country", Value::from(special.country)),
            (
                "ownerid",
                Value::from(owner.unwrap_or_else(|| id("user", "0"))),
            ),
        ]);
        belongs(&mut row, account.and_then(|index| accounts.get(index)));
        extras::customize(&mut row, people.len());
        writer.contact(row).await?;
        people.push(Person {
            id: id("contact", special.key),
            account,
            active: true,
        });
    }
    let mut last: Option<(Fields, Option<usize>)> = None;
    for index in people.len()..count {
        let key = index.to_string();
        // Some people are there twice: the same name and e-mail, entered again later.
        if index % 50 == 0
            && let Some((mut row, account)) = last.take()
        {
            row.insert("contactid".to_owned(), Value::from(id("contact", &key)));
            row.remove("telephone1");
            row.remove("jobtitle");
            row.remove("new_loyaltynumber");
            row.insert(
                "description".to_owned(),
                Value::from("Imported from the old address book."),
            );
            writer.contact(row).await?;
            people.push(Person {
                id: id("contact", &key),
                account,
                active: true,
            });
            continue;
        }
        let account = (!writer.random.one_in(12)).then(|| writer.random.below(accounts.len()));
        let home = account.and_then(|index| accounts.get(index));
        let locale = &LOCALES[home.map_or_else(
            || writer.random.below(LOCALES.len()),
            |account| account.locale,
        )];
        let mut row = person(writer, &key, locale, home, &mut used);
        extras::customize(&mut row, index);
        let active = row.get("statecode") == Some(&Value::Integer(0));
        writer.contact(row.clone()).await?;
        last = Some((row, account));
        people.push(Person {
            id: id("contact", &key),
            account,
            active,
        });
    }
    writer.write_contacts().await?;
    if is_large {
        store::shape(writer.connection, table("contact")).await?;
    }
    Ok(people)
}

fn belongs(row: &mut Fields, account: Option<&Account>) {
    if let Some(account) = account {
        row.insert(
            "parentcustomerid".to_owned(),
            Value::from(account.id.as_str()),
        );
        row.insert("parentcustomerid__type".to_owned(), Value::from("account"));
    }
}

fn person(
    writer: &mut Writer<'_>,
    key: &str,
    locale: &Locale,
    account: Option<&Account>,
    used: &mut HashMap<String, usize>,
) -> Fields {
    const JOBS: [&str; 14] = [
        "Purchasing Manager",
        "Office Manager",
        "Chief Executive",
        "Accountant",
        "Warehouse Lead",
        "IT Administrator",
        "Marketing Manager",
        "Assistant",
        "Head of Operations",
        "Engineer",
        "Sales Representative",
        "Owner",
        "Buyer",
        "Controller",
    ];
    const FREE: [&str; 3] = ["example.com", "example.org", "example.net"];
    let random = &mut writer.random;
    let first: Name = *random.pick(locale.first);
    let last: Name = *random.pick(locale.last);
    let domain = account.map_or_else(
        || (*random.pick(&FREE)).to_owned(),
        |account| account.domain.clone(),
    );
    let local = format!("{}.{}", first.1, last.1);
    let times = used.entry(format!("{local}@{domain}")).or_insert(0);
    *times += 1;
    let own = if *times == 1 {
        format!("{local}@{domain}")
    } else {
        format!("{local}{times}@{domain}")
    };
    let only_mobile = random.one_in(12);
    let email = match (only_mobile, account) {
        (true, _) => Value::Null,
        (false, Some(account)) if account.shares_address && random.one_in(2) => {
            Value::from(format!("info@{}", account.domain))
        }
        (false, _) => Value::from(own),
    };
    let second = if random.one_in(9) {
        Value::from(format!("{local}.{key}@example.net"))
    } else {
        Value::Null
    };
    let land_line = if only_mobile || random.one_in(4) {
        Value::Null
    } else {
        Value::from(locale.land_line.written(random))
    };
    let mobile = if only_mobile || random.one_in(2) {
        Value::from(locale.mobile.written(random))
    } else {
        Value::Null
    };
    let owner = account.map_or_else(
        || id("user", &random.below(SALESPEOPLE.len()).to_string()),
        |account| account.owner.clone(),
    );
    let mut row = fields([
        ("contactid", Value::from(id("contact", key))),
        ("firstname", Value::from(first.0)),
        ("lastname", Value::from(last.0)),
        ("jobtitle", Value::from(*random.pick(&JOBS))),
        ("emailaddress1", email),
        ("emailaddress2", second),
        ("telephone1", land_line),
        ("mobilephone", mobile),
        ("address1_city", Value::from(*random.pick(locale.cities))),
        ("address1_country", Value::from(locale.country)),
        ("statecode", Value::Integer(i64::from(random.one_in(25)))),
        ("ownerid", Value::from(owner)),
    ]);
    belongs(&mut row, account);
    row
}

async fn leads(writer: &mut Writer<'_>) -> Result<(), sqlx::Error> {
    const SUBJECTS: [&str; 8] = [
        "Wants a demonstration",
        "Asked for a quote",
        "Met at the trade show",
        "Downloaded the price list",
        "Interested in the yearly plan",
        "Comparing suppliers",
        "Call back about support",
        "Newsletter sign-up",
    ];
    let northwind = id("account", "0");
    for [key, first, last, company, email, phone, subject] in SPECIAL_LEADS {
        let (account, contact) = if *key == "dana" {
            (
                Value::from(northwind.as_str()),
                Value::from(id("contact", "dana")),
            )
        } else {
            (Value::Null, Value::Null)
        };
        let row = fields([
            ("leadid", Value::from(id("lead", key))),
            ("firstname", Value::from(*first)),
            ("lastname", Value::from(*last)),
            ("companyname", Value::from(*company)),
            ("emailaddress1", Value::from(*email)),
            ("telephone1", Value::from(*phone)),
            ("subject", Value::from(*subject)),
            ("leadsourcecode", Value::Integer(7)),
            ("leadqualitycode", Value::Integer(1)),
            ("parentaccountid", account),
            ("parentcontactid", contact),
            ("estimatedamount", Value::Real(18_500.0)),
            ("ownerid", Value::from(id("user", "1"))),
        ]);
        writer.insert("lead", row).await?;
    }
    for index in SPECIAL_LEADS.len()..LEADS {
        let locale = &LOCALES[writer.random.below(LOCALES.len())];
        let random = &mut writer.random;
        let (first, last): (Name, Name) = (*random.pick(locale.first), *random.pick(locale.last));
        let company = format!(
            "{} {}",
            random.pick(&NAME_STARTS),
            random.pick(&NAME_MIDDLES)
        );
        let domain = format!("{}.example", company.to_lowercase().replace(' ', "-"));
        let (state, status) = match random.below(10) {
            0..6 => (0, [1, 2][random.below(2)]),
            6..8 => (1, 3),
            _ => (2, [4, 5, 6, 7][random.below(4)]),
        };
        let row = fields([
            ("leadid", Value::from(id("lead", &index.to_string()))),
            ("firstname", Value::from(first.0)),
            ("lastname", Value::from(last.0)),
            ("companyname", Value::from(company)),
            ("subject", Value::from(*random.pick(&SUBJECTS))),
            (
                "emailaddress1",
                Value::from(format!("{}.{}{index}@{domain}", first.1, last.1)),
            ),
            ("telephone1", Value::from(locale.land_line.written(random))),
            ("address1_city", Value::from(*random.pick(locale.cities))),
            ("address1_country", Value::from(locale.country)),
            (
                "leadsourcecode",
                Value::Integer(1 + i64::try_from(random.below(10)).unwrap_or(0)),
            ),
            (
                "leadqualitycode",
                Value::Integer(1 + i64::try_from(random.below(3)).unwrap_or(0)),
            ),
            (
                "estimatedamount",
                Value::Real((5 + random.below(500)) as f64 * 100.0),
            ),
            ("statecode", Value::Integer(state)),
            ("statuscode", Value::Integer(status)),
            (
                "ownerid",
                Value::from(id("user", &random.below(SALESPEOPLE.len()).to_string())),
            ),
        ]);
        writer.insert("lead", row).await?;
    }
    Ok(())
}

async fn cases(
    writer: &mut Writer<'_>,
    accounts: &[Account],
    people: &[Person],
) -> Result<Vec<String>, sqlx::Error> {
    const TITLES: [&str; 12] = [
        "Invoice does not match the order",
        "Cannot sign in",
        "Delivery is late",
        "Wrong item delivered",
        "Question about the contract",
        "Request for a second user",
        "The export stops half way",
        "Refund requested",
        "Change of address",
        "Installation help needed",
        "Report shows old figures",
        "Warranty claim",
    ];
    let mut cases = Vec::new();
    for index in 0..CASES {
        let random = &mut writer.random;
        // Dana has two open cases; the rest is spread over everybody.
        let person = if index < 2 {
            &people[0]
        } else {
            &people[random.below(people.len())]
        };
        let of_account = person
            .account
            .filter(|_| index >= 2 && (!person.active || random.one_in(3)));
        let (customer, kind) = match of_account.and_then(|index| accounts.get(index)) {
            Some(account) => (account.id.clone(), "account"),
            None => (person.id.clone(), "contact"),
        };
        let (state, status) = match random.below(10) {
            _ if index < 2 => (0, 1),
            0..5 => (0, [1, 2, 3, 4][random.below(4)]),
            5..9 => (1, [5, 1000][random.below(2)]),
            _ => (2, 6),
        };
        let key = id("incident", &index.to_string());
        let row = fields([
            ("incidentid", Value::from(key.as_str())),
            ("title", Value::from(*random.pick(&TITLES))),
            (
                "description",
                Value::from("The customer wrote in chat and was asked for the order number."),
            ),
            (
                "ticketnumber",
                Value::from(rules::ticket(1000 + u32::try_from(index).unwrap_or(0))),
            ),
            ("customerid", Value::from(customer.as_str())),
            ("customerid__type", Value::from(kind)),
            (
                if kind == "account" {
                    "accountid"
                } else {
                    "contactid"
                },
                Value::from(customer.as_str()),
            ),
            ("caseorigincode", Value::Integer([1, 2, 3][random.below(3)])),
            (
                "casetypecode",
                Value::Integer(1 + i64::try_from(random.below(3)).unwrap_or(0)),
            ),
            (
                "prioritycode",
                Value::Integer(1 + i64::try_from(random.below(3)).unwrap_or(0)),
            ),
            ("statecode", Value::Integer(state)),
            ("statuscode", Value::Integer(status)),
            (
                "ownerid",
                Value::from(id("user", &random.below(SALESPEOPLE.len()).to_string())),
            ),
        ]);
        writer.insert("incident", row).await?;
        cases.push(key);
    }
    Ok(cases)
}

async fn tasks(
    writer: &mut Writer<'_>,
    people: &[Person],
    cases: &[String],
) -> Result<(), sqlx::Error> {
    const SUBJECTS: [&str; 8] = [
        "Call back",
        "Send the revised quote",
        "Check the invoice",
        "Prepare the visit",
        "Ask for the serial number",
        "Renew the contract",
        "Send the return label",
        "Follow up after chat",
    ];
    for index in 0..TASKS {
        let due = writer.moment();
        let random = &mut writer.random;
        let (regarding, kind) = match random.below(3) {
            0 => (random.pick(cases).clone(), "incident"),
            1 => (
                id(
                    "lead",
                    &(SPECIAL_LEADS.len() + random.below(LEADS - SPECIAL_LEADS.len())).to_string(),
                ),
                "lead",
            ),
            _ => (random.pick(people).id.clone(), "contact"),
        };
        let (state, status) = match random.below(10) {
            0..6 => (0, [2, 3, 4, 7][random.below(4)]),
            6..9 => (1, 5),
            _ => (2, 6),
        };
        let row = fields([
            ("activityid", Value::from(id("task", &index.to_string()))),
            ("subject", Value::from(*random.pick(&SUBJECTS))),
            ("regardingobjectid", Value::from(regarding)),
            ("regardingobjectid__type", Value::from(kind)),
            ("scheduledend", Value::from(due)),
            (
                "prioritycode",
                Value::Integer(i64::try_from(random.below(3)).unwrap_or(0)),
            ),
            ("statecode", Value::Integer(state)),
            ("statuscode", Value::Integer(status)),
            (
                "ownerid",
                Value::from(id("user", &random.below(SALESPEOPLE.len()).to_string())),
            ),
        ]);
        writer.insert("task", row).await?;
    }
    Ok(())
}

async fn notes(
    writer: &mut Writer<'_>,
    people: &[Person],
    cases: &[String],
) -> Result<(), sqlx::Error> {
    const TEXTS: [&str; 5] = [
        "Prefers to be called before noon.",
        "Chat transcript\r\nVisitor: Hello, my order has not arrived.\r\nAgent: I am looking into it.",
        "Sent the documents by e-mail.",
        "Speaks English and French.",
        "Asked not to be phoned at home.",
    ];
    for index in 0..NOTES {
        let random = &mut writer.random;
        let (object, kind) = if random.one_in(2) {
            (random.pick(cases).clone(), "incident")
        } else {
            (random.pick(people).id.clone(), "contact")
        };
        let row = fields([
            (
                "annotationid",
                Value::from(id("annotation", &index.to_string())),
            ),
            ("subject", Value::from("Note")),
            ("notetext", Value::from(*random.pick(&TEXTS))),
            ("objectid", Value::from(object)),
            ("objectid__type", Value::from(kind)),
            (
                "ownerid",
                Value::from(id("user", &random.below(SALESPEOPLE.len()).to_string())),
            ),
        ]);
        writer.insert("annotation", row).await?;
    }
    Ok(())
}
