// What the organization does beyond keeping rows: keys, duplicates, functions and actions, limits.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Practice, UUID, rejection } from "../src/practice.js";

let practice;
let api;
before(async () => {
  practice = await Practice.start();
  api = practice.api();
});
after(() => practice?.stop());

const contact = (data, options = {}) => api.create({ collection: "contacts", data, ...options });

test("rows are addressed by an alternate key, of those that are declared", async () => {
  const undeclared = await rejection(api.retrieve({ collection: "accounts", key: "tickersymbol='K-1'", select: ["name"] }));
  assert.equal(undeclared.status, 400);
  assert.match(undeclared.message, /key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.account'/);

  const key = "accountnumber='K-1'";
  const keys = await api.retrieve({ collection: "EntityDefinitions", key: "LogicalName='account'", navigationProperty: "Keys" });
  const declared = keys.value.find((one) => one.KeyAttributes.includes("accountnumber"));
  assert.equal(declared.EntityKeyIndexStatus, "Active");

  const missing = await rejection(api.retrieve({ collection: "accounts", key, select: ["name"] }));
  assert.equal(missing.status, 404);
  assert.equal(missing.code, "0x80060891");
  await api.upsert({ collection: "accounts", key, data: { name: "Keyed Ltd" } });
  const read = await api.retrieve({ collection: "accounts", key, select: ["name", "accountnumber"] });
  assert.equal(read.name, "Keyed Ltd");
  assert.equal(read.accountnumber, "K-1");
  await api.upsert({ collection: "accounts", key, data: { name: "Keyed again Ltd" } });
  assert.equal((await api.retrieve({ collection: "accounts", key, select: ["name"] })).name, "Keyed again Ltd");
  assert.equal(await api.count({ collection: "accounts", filter: "accountnumber eq 'K-1'" }), 1);

  const quoted = "accountnumber='O''N %26 Co'";
  await api.upsert({ collection: "accounts", key: quoted, data: { name: "Quoted Ltd" } });
  assert.equal((await api.retrieve({ collection: "accounts", key: quoted, select: ["accountnumber"] })).accountnumber, "O'N & Co");

  const member = await contact({ lastname: "Bound by key", "parentcustomerid_account@odata.bind": `/accounts(${key})` });
  const bound = await api.retrieve({ collection: "contacts", key: member, select: ["_parentcustomerid_value"] });
  assert.equal(bound._parentcustomerid_value, read.accountid);

  const collision = await rejection(api.create({ collection: "accounts", data: { name: "Other", accountnumber: "K-1" } }));
  assert.equal(collision.status, 412);
  assert.equal(collision.code, "0x80060892");
  assert.equal(await api.deleteRecord({ collection: "accounts", key }), true);
  assert.equal((await rejection(api.retrieve({ collection: "accounts", key, select: ["name"] }))).code, "0x80060891");
});

test("an alternate key is made", async () => {
  await api.create({
    collection: "EntityDefinitions",
    key: "LogicalName='account'",
    navigationProperty: "Keys",
    data: {
      SchemaName: "new_TickerKey",
      DisplayName: {
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        LocalizedLabels: [{ "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel", Label: "Ticker symbol", LanguageCode: 1033 }],
      },
      KeyAttributes: ["tickersymbol"],
    },
  });
  const keys = await api.retrieve({ collection: "EntityDefinitions", key: "LogicalName='account'", navigationProperty: "Keys" });
  const declared = keys.value.find((one) => one.KeyAttributes.includes("tickersymbol"));
  assert.equal(declared.EntityKeyIndexStatus, "Active");
});

test("duplicates are refused only when that is asked for", async () => {
  const data = { lastname: "Double", emailaddress1: "double@example.com" };
  const first = await contact(data);
  const refused = await rejection(contact(data, { duplicateDetection: true }));
  assert.equal(refused.status, 412);
  assert.equal(refused.code, "0x80040333");
  assert.match(refused.message, /duplicate of the current record already exists/);
  const second = await contact(data, { duplicateDetection: false });
  assert.match(second, UUID);
  assert.match(await contact({ lastname: "Double", emailaddress1: "other@example.com" }, { duplicateDetection: true }), UUID);
  const third = await contact({ lastname: "Third" });
  // An update is answered with `false` at 412 unless errors are asked for.
  const update = await rejection(
    practice.api({ propagateErrors: true }).update({ collection: "contacts", key: third, data: { emailaddress1: "DOUBLE@example.com" }, duplicateDetection: true }),
  );
  assert.equal(update.code, "0x80040333");

  const found = await api.callFunction({
    name: "RetrieveDuplicates",
    parameters: {
      BusinessEntity: { "@odata.type": "Microsoft.Dynamics.CRM.contact", ...data },
      MatchingEntityName: "contact",
      PagingInfo: { PageNumber: 1, Count: 50 },
    },
  });
  assert.deepEqual(found.value.map((row) => row.contactid).sort(), [first, second].sort());
});

test("a case is resolved by its action", async () => {
  const customer = await api.create({ collection: "accounts", data: { name: "Cases Ltd" } });
  const key = await api.create({
    collection: "incidents",
    data: { title: "Printer on fire", "customerid_account@odata.bind": `/accounts(${customer})` },
  });
  const answer = await api.callAction({
    actionName: "CloseIncident",
    action: {
      IncidentResolution: {
        "@odata.type": "Microsoft.Dynamics.CRM.incidentresolution",
        subject: "Put out",
        timespent: 15,
        "incidentid@odata.bind": `/incidents(${key})`,
      },
      Status: 5,
    },
  });
  assert.equal(answer, undefined, "an action without result has no id");
  const read = () => api.retrieve({ collection: "incidents", key, select: ["statecode", "statuscode"] });
  assert.equal((await read()).statecode, 1);
  assert.equal((await read()).statuscode, 5);
  await api.update({ collection: "incidents", key, data: { statecode: 0, statuscode: 1 } });
  assert.equal((await read()).statecode, 0);
});

test("a lead is qualified by its bound action, with and without namespace", async () => {
  for (const actionName of ["QualifyLead", "Microsoft.Dynamics.CRM.QualifyLead"]) {
    const key = await api.create({
      collection: "leads",
      data: { subject: "Wants ten", firstname: "Quinn", lastname: "Fied", companyname: "Fied Ltd", emailaddress1: "quinn@example.com" },
    });
    const answer = await api.callAction({
      collection: "leads",
      key,
      actionName,
      action: { CreateAccount: true, CreateContact: true, CreateOpportunity: false, Status: 3 },
    });
    const types = answer.value.map((row) => row["@odata.type"]);
    assert.deepEqual(types.toSorted(), ["#Microsoft.Dynamics.CRM.account", "#Microsoft.Dynamics.CRM.contact"]);
    const made = answer.value.find((row) => row.contactid);
    const person = await api.retrieve({ collection: "contacts", key: made.contactid, select: ["fullname", "emailaddress1"] });
    assert.equal(person.fullname, "Quinn Fied");
    assert.equal(person.emailaddress1, "quinn@example.com");
    const lead = await api.retrieve({ collection: "leads", key, select: ["statecode", "statuscode"] });
    assert.deepEqual([lead.statecode, lead.statuscode], [1, 3]);
    const again = await rejection(
      api.callAction({ collection: "leads", key, actionName, action: { CreateAccount: false, CreateContact: false, CreateOpportunity: false, Status: 3 } }),
    );
    assert.ok(again.status >= 400);
  }
});

test("functions answer, bound and unbound", async () => {
  const { Version } = await api.callFunction({ name: "RetrieveVersion" });
  assert.match(Version, /^9\.2\./);
  const { UserId } = await practice.guideApi().callFunction("WhoAmI");
  const { RolePrivileges } = await api.callFunction({
    collection: "systemusers",
    key: UserId,
    name: "Microsoft.Dynamics.CRM.RetrieveUserPrivileges",
  });
  const names = RolePrivileges.map((privilege) => privilege.PrivilegeName);
  assert.ok(names.includes("prvReadContact"));
  assert.ok(!names.includes("prvDeleteContact"));
  const key = await contact({ lastname: "Accessible" });
  const access = await api.callFunction({
    collection: "systemusers",
    key: UserId,
    name: "Microsoft.Dynamics.CRM.RetrievePrincipalAccess",
    parameters: { Target: { "@odata.id": `contacts(${key})` } },
  });
  assert.match(access.AccessRights, /ReadAccess/);
  const unknown = await rejection(api.callFunction({ name: "NoSuchFunction" }));
  assert.equal(unknown.status, 404);
});

test("many rows are written by one action, all or none", async () => {
  const multiple = (actionName, Targets) =>
    api.callAction({ collection: "contacts", actionName: `Microsoft.Dynamics.CRM.${actionName}`, action: { Targets } });
  const typed = (data) => ({ "@odata.type": "Microsoft.Dynamics.CRM.contact", ...data });
  const { Ids } = await multiple("CreateMultiple", [typed({ lastname: "Multi 1" }), typed({ lastname: "Multi 2" })]);
  assert.equal(Ids.length, 2);
  await multiple("UpdateMultiple", Ids.map((contactid) => typed({ contactid, jobtitle: "Twin" })));
  assert.equal(await api.count({ collection: "contacts", filter: "jobtitle eq 'Twin'" }), 2);
  const error = await rejection(multiple("CreateMultiple", [typed({ lastname: "Multi 3" }), typed({ lastname: "X", gendercode: 99 })]));
  assert.equal(error.status, 400);
  assert.equal(await api.count({ collection: "contacts", filter: "lastname eq 'Multi 3'" }), 0);
});

test("a limit is told with the time to wait", async () => {
  await practice.admin("POST", "/faults", { fault: "too_many_requests", path: "contacts", retry_after: 7 });
  const error = await rejection(api.retrieveMultiple({ collection: "contacts", top: 1 }));
  assert.equal(error.status, 429);
  assert.match(error.code, /^0x8007232[126]$/);
  assert.equal(error.headers["retry-after"], "7");
  await api.retrieveMultiple({ collection: "contacts", top: 1 });
});
