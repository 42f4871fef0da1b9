//! How far privileges reach: own rows, business unit, units beneath, organization; in lists, joins, associations and bulk
//! actions (protocol page `security.md`).

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod common;

use common::{Org, access_token, cloud_token, failure, multipart, ok};
use reqwest::{Method, RequestBuilder};
use sandbox::{Options, Seed};
use serde_json::{Value, json};

/// An organization with units Sales, Inside Sales beneath it, and Service. The application user is in Sales; a contact and
/// an account each belong to it, to a colleague in Sales, to somebody beneath and to somebody in Service.
struct Units {
    org: Org,
    administrator: String,
    /// By name: Mine, Beside, Beneath, Elsewhere.
    contacts: Vec<String>,
    accounts: Vec<String>,
    people: Vec<String>,
}

const NAMES: [&str; 4] = ["Mine", "Beside", "Beneath", "Elsewhere"];

/// What each depth reaches, sorted by name.
const REACHED: [(&str, &[&str]); 4] = [
    ("basic", &["Mine"]),
    ("local", &["Beside", "Mine"]),
    ("deep", &["Beneath", "Beside", "Mine"]),
    ("global", &["Beneath", "Beside", "Elsewhere", "Mine"]),
];

impl Units {
    async fn new() -> Units {
        let options = Options {
            seed: Seed::Empty,
            ..Options::default()
        };
        let org = Org::start(options, false).await;
        let d = org.sandbox.description().clone();
        let of = &d.administrator;
        let token = cloud_token(&org.client, &d, &of.client_id, &of.client_secret).await;
        let mut units = Units {
            administrator: access_token(token).await,
            org,
            contacts: Vec::new(),
            accounts: Vec::new(),
            people: Vec::new(),
        };
        let sales = units.make("businessunits", json!({"name": "Sales"})).await;
        let beneath = json!({"name": "Inside Sales", "parentbusinessunitid@odata.bind": format!("/businessunits({sales})")});
        let beneath = units.make("businessunits", beneath).await;
        let service = units
            .make("businessunits", json!({"name": "Service"}))
            .await;
        let me = ok(units.org.get("WhoAmI")).await["UserId"].clone();
        let mut owners = vec![me.as_str().unwrap().to_owned()];
        units.place("application", &sales).await;
        for (person, unit) in d.people.iter().zip([&sales, &beneath, &service]) {
            units.place(&person.email, unit).await;
            owners.push(person.user_id.clone());
        }
        for (name, owner) in NAMES.into_iter().zip(&owners) {
            let owner = format!("/systemusers({owner})");
            let account = json!({"name": name, "ownerid@odata.bind": owner});
            let account = units.make("accounts", account).await;
            let contact = json!({
                "lastname": name, "ownerid@odata.bind": owner,
                "parentcustomerid_account@odata.bind": format!("/accounts({account})"),
            });
            let contact = units.make("contacts", contact).await;
            let primary = json!({"primarycontactid@odata.bind": format!("/contacts({contact})")});
            let changed = units
                .admin(Method::PATCH, &format!("accounts({account})"))
                .json(&primary);
            assert_eq!(changed.send().await.unwrap().status(), 204);
            units.contacts.push(contact);
            units.accounts.push(account);
        }
        units.people = owners;
        units
    }

    /// A request as the administrator.
    fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/{path}", self.org.base);
        self.org
            .client
            .request(method, url)
            .bearer_auth(&self.administrator)
    }

    /// Creates a row as the administrator.
    async fn make(&self, set: &str, body: Value) -> String {
        let response = self.admin(Method::POST, set).json(&body).send().await;
        let response = response.unwrap();
        assert_eq!(response.status(), 204);
        let entity = response.headers()["odata-entityid"].to_str().unwrap();
        let key = entity.rsplit_once('(').unwrap().1;
        key.trim_end_matches(')').to_owned()
    }

    async fn place(&self, user: &str, unit: &str) {
        let body = json!({"user": user, "business_unit": unit});
        self.org.admin(Method::PATCH, "/users", body).await;
    }

    async fn depth(&self, privilege: &str, depth: &str) {
        let body = json!({"depth": {privilege: depth}});
        self.org.admin(Method::PATCH, "/users", body).await;
    }

    fn contact(&self, name: &str) -> &str {
        &self.contacts[place(name)]
    }

    fn account(&self, name: &str) -> &str {
        &self.accounts[place(name)]
    }

    /// The values of a member in the rows that a GET finds, sorted; rows without it are left out.
    async fn found(&self, path: &str, member: &str) -> Vec<String> {
        let body = self.org.read(path).await;
        let rows = body["value"].as_array().unwrap().iter();
        let mut found: Vec<String> = rows
            .filter_map(|row| row.pointer(&format!("/{member}"))?.as_str())
            .map(str::to_owned)
            .collect();
        found.sort();
        found
    }

    async fn fetched(&self, set: &str, xml: &str, member: &str) -> Vec<String> {
        let xml: String = url::form_urlencoded::byte_serialize(xml.as_bytes()).collect();
        self.found(&format!("{set}?fetchXml={xml}"), member).await
    }
}

fn place(name: &str) -> usize {
    NAMES.iter().position(|known| *known == name).unwrap()
}

/// The request must fail because of the row, and name the right and the row.
async fn out_of_reach(request: RequestBuilder, right: &str, id: &str, level: &str) {
    let (status, code, message) = failure(request).await;
    assert_eq!((status, code.as_str()), (403, "0x80048306"), "{message}");
    let expected =
        format!("does not have {right}Access right(s) for record with id {id} of entity");
    assert!(
        message.contains(&expected) && message.contains(&format!("the level {level} ")),
        "{message}"
    );
}

async fn done(request: RequestBuilder) {
    let response = request.send().await.unwrap();
    let status = response.status();
    assert_eq!(status, 204, "{}", response.text().await.unwrap());
}

#[tokio::test]
async fn lists_counts_and_every_language_reach_as_far_as_the_depth() {
    let units = Units::new().await;
    for (depth, reached) in REACHED {
        units.depth("prvReadContact", depth).await;
        let listed = units.found("contacts?$select=lastname", "lastname").await;
        assert_eq!(listed, reached, "{depth}");
        let xml = "<fetch><entity name='contact'><attribute name='lastname'/></entity></fetch>";
        let fetched = units.fetched("contacts", xml, "lastname").await;
        assert_eq!(fetched, reached, "{depth}");
        let sql = "contacts?sql=SELECT lastname FROM contact";
        assert_eq!(units.found(sql, "lastname").await, reached, "{depth}");
        let count = units.org.get("contacts/$count").send().await.unwrap();
        let count = count.text().await.unwrap();
        assert_eq!(
            count.trim_start_matches('\u{feff}'),
            reached.len().to_string()
        );
        for name in NAMES {
            let id = units.contact(name);
            let get = units.org.get(&format!("contacts({id})?$select=lastname"));
            if reached.contains(&name) {
                ok(get).await;
                continue;
            }
            let level = match name {
                "Beside" => "BusinessUnitLevel",
                "Beneath" if depth == "local" || depth == "basic" => "OrganizationLevel",
                _ => "OrganizationLevel",
            };
            out_of_reach(get, "Read", id, level).await;
        }
    }
}

#[tokio::test]
async fn joined_tables_are_reached_no_farther() {
    let units = Units::new().await;
    let link = |kind: &str| {
        format!(
            "<fetch><entity name='account'><attribute name='name'/><link-entity name='contact' from='contactid' \
             to='primarycontactid' link-type='{kind}' alias='c'>{}</link-entity></entity></fetch>",
            if kind == "exists" || kind == "in" {
                ""
            } else {
                "<attribute name='lastname'/>"
            }
        )
    };
    let any = |kind: &str| {
        format!(
            "<fetch><entity name='account'><attribute name='name'/><filter><link-entity name='contact' \
             from='parentcustomerid' to='accountid' link-type='{kind}'/></filter></entity></fetch>"
        )
    };
    for (depth, reached) in REACHED {
        units.depth("prvReadContact", depth).await;
        let mut hidden: Vec<&str> = NAMES
            .into_iter()
            .filter(|name| !reached.contains(name))
            .collect();
        hidden.sort_unstable();
        let everybody = REACHED[3].1;

        // OData: a look-up, a collection, a path in a filter, lambdas.
        let one = "accounts?$select=name&$expand=primarycontactid($select=lastname)";
        assert_eq!(units.found(one, "name").await, everybody);
        assert_eq!(
            units.found(one, "primarycontactid/lastname").await,
            reached,
            "{depth}"
        );
        let many = "accounts?$select=name&$expand=contact_customer_accounts($select=lastname)";
        let inner = "contact_customer_accounts/0/lastname";
        assert_eq!(units.found(many, inner).await, reached, "{depth}");
        for filter in [
            "primarycontactid/lastname ne null",
            "contact_customer_accounts/any(c:c/lastname ne null)",
            "contact_customer_accounts/any()",
            "not contact_customer_accounts/all(c:c/lastname eq null)",
        ] {
            let found = units.org.names("accounts", "name", filter).await;
            assert_eq!(found, reached, "{depth} {filter}");
        }
        for path in [
            "primarycontactid?$select=lastname",
            "contact_customer_accounts?$select=lastname",
        ] {
            let account = units.account("Elsewhere");
            let response = units.org.get(&format!("accounts({account})/{path}"));
            let response = response.send().await.unwrap();
            let text = response.text().await.unwrap();
            assert_eq!(text.contains("\"Elsewhere\""), depth == "global", "{text}");
        }

        // FetchXML: each kind of link.
        for kind in ["inner", "exists", "in", "matchfirstrowusingcrossapply"] {
            let found = units.fetched("accounts", &link(kind), "name").await;
            assert_eq!(found, reached, "{depth} {kind}");
        }
        let outer = link("outer");
        assert_eq!(units.fetched("accounts", &outer, "name").await, everybody);
        assert_eq!(
            units.fetched("accounts", &outer, "c.lastname").await,
            reached
        );
        for (kind, expected) in [("any", reached.to_vec()), ("not any", hidden)] {
            let found = units.fetched("accounts", &any(kind), "name").await;
            assert_eq!(found, expected, "{depth} {kind}");
        }
        let xml = "<fetch aggregate='true'><entity name='account'><link-entity name='contact' from='contactid' \
                   to='primarycontactid' alias='c'><attribute name='contactid' alias='n' aggregate='countcolumn'/>\
                   </link-entity></entity></fetch>";
        let xml: String = url::form_urlencoded::byte_serialize(xml.as_bytes()).collect();
        let counted = units.org.read(&format!("accounts?fetchXml={xml}")).await;
        assert_eq!(counted["value"][0]["n"], reached.len(), "{depth}");
    }
}

#[tokio::test]
async fn associating_needs_append_and_append_to_that_reach_both_rows() {
    let units = Units::new().await;
    let org = &units.org;
    let mine = units.contact("Mine");
    let (beneath, elsewhere) = (units.account("Beneath"), units.account("Elsewhere"));
    let bind = |contact: &str, account: &str| {
        let body = json!({"parentcustomerid_account@odata.bind": format!("/accounts({account})")});
        org.patch(&format!("contacts({contact})"), body)
    };
    let reference = |contact: &str, account: &str| {
        let body = json!({"@odata.id": format!("{}/contacts({contact})", org.base)});
        let path = format!("accounts({account})/contact_customer_accounts/$ref");
        org.post(&path, body)
    };
    let members = |account: &str| format!("accounts({account})/contact_customer_accounts");
    let drop = |contact: &str, account: &str| {
        let path = format!("{}({contact})/$ref", members(account));
        org.delete(&path)
    };
    let within = |account: &str| org.post(&members(account), json!({"lastname": "New"}));

    // The row that is pointed to.
    for (depth, reaches_beneath, level) in [
        ("local", false, "OrganizationLevel"),
        ("deep", true, "OrganizationLevel"),
    ] {
        units.depth("prvAppendToAccount", depth).await;
        for (request, account) in [
            (bind(mine, elsewhere), elsewhere),
            (reference(mine, elsewhere), elsewhere),
            (drop(units.contact("Elsewhere"), elsewhere), elsewhere),
            (within(elsewhere), elsewhere),
        ] {
            out_of_reach(request, "AppendTo", account, level).await;
        }
        if reaches_beneath {
            done(bind(mine, beneath)).await;
            done(reference(mine, beneath)).await;
            done(within(beneath)).await;
            done(drop(mine, beneath)).await;
        } else {
            out_of_reach(bind(mine, beneath), "AppendTo", beneath, level).await;
        }
    }
    units.depth("prvAppendToAccount", "global").await;

    // The row that points, and writing it.
    let (beside, theirs) = (units.contact("Beside"), units.account("Beside"));
    for (privilege, right) in [("prvAppendContact", "Append"), ("prvWriteContact", "Write")] {
        units.depth(privilege, "basic").await;
        for request in [
            bind(beside, theirs),
            reference(beside, theirs),
            drop(beside, theirs),
        ] {
            out_of_reach(request, right, beside, "BusinessUnitLevel").await;
        }
        done(bind(mine, theirs)).await;
        done(within(theirs)).await;
        units.depth(privilege, "global").await;
    }
    done(bind(beside, beneath)).await;

    // Who pairs two rows needs no right to write either; of the far one it needs Append.
    let team = org.read("teams?$top=1&$select=teamid").await["value"][0]["teamid"].clone();
    let path = format!(
        "teams({})/teammembership_association/$ref",
        team.as_str().unwrap()
    );
    let user = json!({"@odata.id": format!("{}/systemusers({})", org.base, units.people[3])});
    units.depth("prvAppendUser", "local").await;
    let pair = || org.post(&path, user.clone());
    out_of_reach(pair(), "Append", &units.people[3], "OrganizationLevel").await;
    units.depth("prvAppendUser", "global").await;
    done(pair()).await;
}

#[tokio::test]
async fn creating_assigning_and_deleting_reach_as_far_as_the_depth() {
    let units = Units::new().await;
    let org = &units.org;
    let mine = units.contact("Mine");
    let elsewhere = units.contact("Elsewhere");
    let owner = |person: usize| json!({"ownerid@odata.bind": format!("/systemusers({})", units.people[person])});
    let id = "6f1c0000-0000-4000-8000-0000000000aa";
    let new = |person: usize| {
        let mut body = owner(person);
        body["contactid"] = json!(id);
        org.post("contacts", body)
    };
    units.depth("prvAssignContact", "basic").await;
    for (depth, refused, level) in [
        ("basic", 1, "BusinessUnitLevel"),
        ("local", 2, "OrganizationLevel"),
        ("deep", 3, "OrganizationLevel"),
    ] {
        units.depth("prvCreateContact", depth).await;
        out_of_reach(new(refused), "Create", id, level).await;
    }
    done(new(2)).await;
    let assign =
        |contact: &str, person: usize| org.patch(&format!("contacts({contact})"), owner(person));
    out_of_reach(
        assign(elsewhere, 1),
        "Assign",
        elsewhere,
        "OrganizationLevel",
    )
    .await;
    done(assign(mine, 3)).await;
    // It is no longer its own, and belongs to another unit now.
    out_of_reach(assign(mine, 0), "Assign", mine, "OrganizationLevel").await;
    let unit = |path: String| async move { org.read(&path).await };
    let moved = unit(format!(
        "contacts({mine})?$select=_owningbusinessunit_value"
    ))
    .await;
    let theirs = unit(format!(
        "contacts({elsewhere})?$select=_owningbusinessunit_value"
    ))
    .await;
    assert_eq!(
        moved["_owningbusinessunit_value"],
        theirs["_owningbusinessunit_value"]
    );

    units.depth("prvDeleteContact", "deep").await;
    let delete = |contact: &str| org.delete(&format!("contacts({contact})"));
    out_of_reach(delete(elsewhere), "Delete", elsewhere, "OrganizationLevel").await;
    done(delete(units.contact("Beneath"))).await;
}

#[tokio::test]
async fn bulk_actions_reach_no_farther() {
    let units = Units::new().await;
    let org = &units.org;
    let (mine, elsewhere) = (units.contact("Mine"), units.contact("Elsewhere"));
    let multiple = |action: &str, targets: Value| {
        let path = format!("contacts/Microsoft.Dynamics.CRM.{action}");
        org.post(&path, json!({"Targets": targets}))
    };
    units.depth("prvWriteContact", "deep").await;
    let both = json!([
        {"contactid": mine, "jobtitle": "Changed"}, {"contactid": elsewhere, "jobtitle": "Changed"}
    ]);
    for action in ["UpdateMultiple", "UpsertMultiple"] {
        let request = multiple(action, both.clone());
        out_of_reach(request, "Write", elsewhere, "OrganizationLevel").await;
    }
    assert!(
        org.names("contacts", "lastname", "jobtitle eq 'Changed'")
            .await
            .is_empty()
    );
    let reached = json!([
        {"contactid": mine, "jobtitle": "Changed"},
        {"contactid": units.contact("Beneath"), "jobtitle": "Changed"}
    ]);
    done(multiple("UpdateMultiple", reached)).await;
    let changed = org
        .names("contacts", "lastname", "jobtitle eq 'Changed'")
        .await;
    assert_eq!(changed, ["Beneath", "Mine"]);

    units.depth("prvAppendToAccount", "local").await;
    let account = units.account("Elsewhere");
    let new = json!([
        {"lastname": "One"},
        {"lastname": "Two", "parentcustomerid_account@odata.bind": format!("/accounts({account})")}
    ]);
    let request = multiple("CreateMultiple", new);
    out_of_reach(request, "AppendTo", account, "OrganizationLevel").await;
    assert!(
        org.names("contacts", "lastname", "lastname eq 'One'")
            .await
            .is_empty()
    );

    // A job deletes what it may: of what it may read.
    units.depth("prvReadContact", "deep").await;
    units.depth("prvDeleteContact", "local").await;
    let condition = json!({"AttributeName": "lastname", "Operator": "NotNull", "Values": []});
    let query = json!({
        "EntityName": "contact", "Criteria": {"FilterOperator": "And", "Conditions": [condition]}
    });
    ok(org.post("BulkDelete", json!({"JobName": "x", "QuerySet": [query]}))).await;
    units.depth("prvReadContact", "global").await;
    let left = org.names("contacts", "lastname", "lastname ne null").await;
    assert_eq!(left, ["Beneath", "Elsewhere"]);
}

#[tokio::test]
async fn the_server_tells_who_may_do_what_to_a_row() {
    let units = Units::new().await;
    let org = &units.org;
    let me = units.people[0].as_str();
    let target = |name: &str| format!("{{'@odata.id':'contacts({})'}}", units.contact(name));
    let access = |user: &str, target: &str| {
        let function = "Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@t)";
        org.get(&format!("systemusers({user})/{function}"))
            .query(&[("@t", target)])
    };
    units.depth("prvWriteContact", "local").await;
    units.depth("prvDeleteContact", "deep").await;
    units.depth("prvShareContact", "basic").await;
    for (name, rights) in [
        (
            "Mine",
            "ReadAccess, WriteAccess, AppendAccess, AppendToAccess, CreateAccess, DeleteAccess, ShareAccess",
        ),
        (
            "Beside",
            "ReadAccess, WriteAccess, AppendAccess, AppendToAccess, CreateAccess, DeleteAccess",
        ),
        (
            "Beneath",
            "ReadAccess, AppendAccess, AppendToAccess, CreateAccess, DeleteAccess",
        ),
        (
            "Elsewhere",
            "ReadAccess, AppendAccess, AppendToAccess, CreateAccess",
        ),
    ] {
        let told = ok(access(me, &target(name))).await;
        assert_eq!(told["AccessRights"], rights, "{name}");
        assert_eq!(
            told["@odata.context"],
            format!(
                "{}/$metadata#Microsoft.Dynamics.CRM.RetrievePrincipalAccessResponse",
                org.base
            )
        );
        let info = format!(
            "systemusers({me})/Microsoft.Dynamics.CRM.RetrievePrincipalAccessInfo(ObjectId={},EntityName='contact')",
            units.contact(name)
        );
        let info = org.read(&info).await;
        let info: Value = serde_json::from_str(info["AccessInfo"].as_str().unwrap()).unwrap();
        assert_eq!(info["GrantedAccessRights"], rights, "{name}");
    }
    // By type and key, absolute, and without the namespace.
    let typed = json!({"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": units.contact("Mine")});
    let absolute =
        json!({"@odata.id": format!("{}/contacts({})", org.base, units.contact("Mine"))});
    for target in [typed, absolute] {
        let told = ok(access(me, &target.to_string())).await;
        assert!(
            told["AccessRights"]
                .as_str()
                .unwrap()
                .contains("DeleteAccess")
        );
    }
    let everything = ok(units.admin(Method::GET, "WhoAmI")).await["UserId"].clone();
    let told = ok(access(everything.as_str().unwrap(), &target("Mine"))).await;
    assert!(
        told["AccessRights"]
            .as_str()
            .unwrap()
            .ends_with("ShareAccess, AssignAccess")
    );
    let person = json!({"user": org.sandbox.description().people[0].email, "disabled": true});
    org.admin(Method::PATCH, "/users", person).await;
    let told = ok(access(&units.people[1], &target("Mine"))).await;
    assert_eq!(told["AccessRights"], "None");
    let team = org.read("teams?$top=1&$select=teamid").await["value"][0]["teamid"].clone();
    let team = format!("teams({})/Microsoft.Dynamics.CRM", team.as_str().unwrap());
    let told = org.get(&format!("{team}.RetrievePrincipalAccess(Target=@t)"));
    let told = ok(told.query(&[("@t", target("Mine"))])).await;
    assert_eq!(told["AccessRights"], "None");
    let held = org.read(&format!("{team}.RetrieveTeamPrivileges()")).await;
    assert_eq!(held["RolePrivileges"], json!([]));

    let nobody = "00000000-0000-0000-0000-000000000001";
    for request in [
        access(me, &format!("{{'@odata.id':'contacts({nobody})'}}")),
        access(nobody, &target("Mine")),
    ] {
        let (status, code, _) = failure(request).await;
        assert_eq!((status, code.as_str()), (404, "0x80040217"));
    }
    for wrong in ["{}", "'x'", "{'@odata.id':'contacts'}"] {
        assert_eq!(failure(access(me, wrong)).await.0, 400, "{wrong}");
    }
    units.depth("prvReadContact", "local").await;
    let id = units.contact("Elsewhere");
    let request = access(me, &target("Elsewhere"));
    out_of_reach(request, "Read", id, "OrganizationLevel").await;
}

#[tokio::test]
async fn single_privileges_are_told_by_name_and_id() {
    let units = Units::new().await;
    let org = &units.org;
    let user = format!("systemusers({})/Microsoft.Dynamics.CRM", units.people[0]);
    units.depth("prvWriteContact", "local").await;
    let by_name =
        |name: &str| format!("{user}.RetrieveUserPrivilegeByPrivilegeName(PrivilegeName='{name}')");
    let told = org.read(&by_name("prvWriteContact")).await;
    let held = &told["RolePrivileges"][0];
    assert_eq!(
        (&held["Depth"], &held["PrivilegeName"]),
        (&json!("Local"), &json!("prvWriteContact"))
    );
    // It is the user's unit, not that of who asks.
    let theirs = org.read("WhoAmI").await["BusinessUnitId"].clone();
    assert_eq!(held["BusinessUnitId"], theirs);
    let id = held["PrivilegeId"].as_str().unwrap();
    let again = format!("{user}.RetrieveUserPrivilegeByPrivilegeId(PrivilegeId={id})");
    assert_eq!(org.read(&again).await["RolePrivileges"][0], *held);
    let none = org.read(&by_name("prvDeleteContact")).await;
    assert_eq!(none["RolePrivileges"], json!([]));
    assert_eq!(failure(org.get(&by_name("prvReadNonsense"))).await.0, 404);
    let missing = format!("{user}.RetrieveUserPrivilegeByPrivilegeName()");
    assert_eq!(failure(org.get(&missing)).await.0, 400);
    assert_eq!(
        failure(org.get(&format!("{user}.NoSuchFunction()")))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn who_acted_for_another_stands_on_the_row() {
    let units = Units::new().await;
    let org = &units.org;
    let act = json!({"add": ["prvActOnBehalfOfAnotherUser"]});
    org.admin(Method::PATCH, "/users", act).await;
    let (me, other) = (&units.people[0], &units.people[1]);
    let columns =
        "_createdby_value,_createdonbehalfby_value,_modifiedby_value,_modifiedonbehalfby_value";
    let stamps = |id: String| async move {
        let row = org.read(&format!("contacts({id})?$select={columns}")).await;
        let names = columns.split(',');
        names.map(|name| row[name].clone()).collect::<Vec<Value>>()
    };
    let new = org
        .post("contacts", json!({"lastname": "x"}))
        .header("mscrmcallerid", other)
        .header("prefer", "return=representation");
    let new: Value = new.send().await.unwrap().json().await.unwrap();
    let id = new["contactid"].as_str().unwrap().to_owned();
    assert_eq!(
        stamps(id.clone()).await,
        [json!(other), json!(me), json!(other), json!(me)]
    );
    // By its own hand: nobody acted for it.
    done(org.patch(&format!("contacts({id})"), json!({"jobtitle": "y"}))).await;
    assert_eq!(
        stamps(id.clone()).await,
        [json!(other), json!(me), json!(me), Value::Null]
    );
    let object = org
        .read(&format!(
            "systemusers({other})?$select=azureactivedirectoryobjectid"
        ))
        .await["azureactivedirectoryobjectid"]
        .clone();
    let change = org
        .patch(&format!("contacts({id})"), json!({"jobtitle": "z"}))
        .header("callerobjectid", object.as_str().unwrap());
    done(change).await;
    assert_eq!(
        stamps(id.clone()).await,
        [json!(other), json!(me), json!(other), json!(me)]
    );
    // In a $batch the header of the whole counts for each operation.
    let part = multipart::part(
        None,
        "POST contacts",
        "Content-Type: application/json\r\n",
        "{\"lastname\":\"Batched\"}",
    );
    let response = org
        .request(Method::POST, "$batch")
        .header("mscrmcallerid", other)
        .header("content-type", "multipart/mixed; boundary=b1")
        .body(multipart::batch(&[part]))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let rows = org
        .read(&format!(
            "contacts?$select={columns}&$filter=lastname eq 'Batched'"
        ))
        .await;
    assert_eq!(rows["value"][0]["_createdonbehalfby_value"], json!(me));
    // A case that is resolved for somebody says so, too.
    let case = json!({"title": "x", "customerid_contact@odata.bind": format!("/contacts({id})")});
    let case = org.create("incidents", case).await;
    let resolution = json!({"Status": 5, "IncidentResolution": {
        "subject": "Done", "incidentid@odata.bind": format!("/incidents({case})")
    }});
    done(
        org.post("CloseIncident", resolution)
            .header("mscrmcallerid", other),
    )
    .await;
    let row = org
        .read(&format!(
            "incidents({case})?$select=_modifiedby_value,_modifiedonbehalfby_value"
        ))
        .await;
    assert_eq!(
        (&row["_modifiedby_value"], &row["_modifiedonbehalfby_value"]),
        (&json!(other), &json!(me))
    );
}
