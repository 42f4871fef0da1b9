import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import { NOBODY, Practice, UUID, rejection } from "../src/practice.js";

let practice;
let api;
before(async () => {
  practice = await Practice.start();
  api = practice.api();
});
after(() => practice?.stop());

const contact = (data, options = {}) => api.create({ collection: "contacts", data, ...options });

test("the token comes from the practice Entra endpoint, and WhoAmI says who it is", async () => {
  const who = await api.callFunction("WhoAmI");
  assert.match(who.UserId, UUID);
  assert.match(who.OrganizationId, UUID);
  assert.match(who.BusinessUnitId, UUID);
  const guide = await practice.guideApi().callFunction({ name: "WhoAmI" });
  assert.notEqual(guide.UserId, who.UserId);
  const user = await api.retrieve({ collection: "systemusers", key: who.UserId, select: ["fullname"] });
  assert.equal(user.systemuserid, who.UserId);
});

test("a record is created, read, changed and deleted", async () => {
  const id = await contact({
    firstname: "Zoë",
    lastname: "O'Neil & 山田 \u{1f98a}",
    emailaddress1: "zoe@example.com",
    gendercode: 2,
    birthdate: "1990-02-28",
    donotemail: true,
    creditlimit: 1200.5,
  });
  assert.match(id, UUID);

  const select = ["fullname", "gendercode", "birthdate", "donotemail", "creditlimit", "mobilephone"];
  const read = await api.retrieve({ collection: "contacts", key: id, select });
  assert.equal(read.contactid, id);
  assert.equal(read.fullname, "Zoë O'Neil & 山田 \u{1f98a}");
  assert.equal(read.gendercode, 2);
  assert.equal(read.birthdate, "1990-02-28");
  assert.equal(read.donotemail, true);
  assert.equal(read.creditlimit, 1200.5);
  assert.equal(read.mobilephone, null, "null columns are present");
  assert.match(read["@odata.etag"], /^W\/"\d+"$/);

  assert.equal(await api.update({ collection: "contacts", key: id, data: { jobtitle: "Buyer", emailaddress1: null } }), true);
  const changed = await api.retrieve({ collection: "contacts", key: id, select: ["jobtitle", "emailaddress1"] });
  assert.equal(changed.jobtitle, "Buyer");
  assert.equal(changed.emailaddress1, null);
  assert.notEqual(changed["@odata.etag"], read["@odata.etag"]);

  assert.equal(await api.deleteRecord({ collection: "contacts", key: id }), true);
  const gone = await rejection(api.retrieve({ collection: "contacts", key: id }));
  assert.equal(gone.status, 404);
  assert.equal(gone.code, "0x80040217");
});

test("the representation is returned on request", async () => {
  const created = await contact(
    { lastname: "Represented", creditlimit: 5 },
    { returnRepresentation: true, select: ["fullname", "creditlimit"] },
  );
  assert.equal(created.fullname, "Represented");
  assert.equal(created.creditlimit, 5);
  assert.match(created.contactid, UUID);
  const updated = await api.update({
    collection: "contacts",
    key: created.contactid,
    data: { jobtitle: "Chef" },
    returnRepresentation: true,
    select: ["jobtitle"],
  });
  assert.equal(updated.jobtitle, "Chef");
  const whole = await contact({ lastname: "Whole" }, { returnRepresentation: true });
  assert.equal(whole.lastname, "Whole");
  assert.ok(Object.keys(whole).length > 30, "every column without $select");
});

test("a key of the client's choice is kept, and refused a second time", async () => {
  const contactid = randomUUID();
  assert.equal(await contact({ contactid, lastname: "Chosen" }), contactid);
  const again = await rejection(contact({ contactid, lastname: "Chosen" }));
  assert.equal(again.status, 412);
  assert.equal(again.code, "0x80040237");
});

test("upsert creates what is missing and changes what is there", async () => {
  const key = randomUUID();
  const upsert = (data, options = {}) => api.upsert({ collection: "contacts", key, data, ...options });
  assert.equal(await upsert({ lastname: "First" }), key);
  assert.equal(await upsert({ firstname: "Then" }), key);
  const read = await api.retrieve({ collection: "contacts", key, select: ["fullname"] });
  assert.equal(read.fullname, "Then First");

  // The library answers a failed condition with null.
  assert.equal(await upsert({ firstname: "Never" }, { ifnonematch: "*" }), null);
  assert.equal((await api.retrieve({ collection: "contacts", key, select: ["firstname"] })).firstname, "Then");
  const represented = await upsert({ firstname: "Again" }, { returnRepresentation: true, select: ["firstname"] });
  assert.equal(represented.firstname, "Again");
  // … and of `*`, which forbids to create, as well.
  const missing = { collection: "contacts", key: randomUUID(), data: { firstname: "No" }, ifmatch: "*" };
  assert.equal(await api.upsert(missing), null);
  assert.equal((await rejection(practice.api({ propagateErrors: true }).upsert(missing))).status, 404);
});

test("an update of what does not exist creates nothing", async () => {
  const missing = await rejection(api.update({ collection: "contacts", key: NOBODY, data: { firstname: "No" } }));
  assert.equal(missing.status, 404);
  assert.equal(missing.code, "0x80040217");
  assert.equal((await rejection(api.retrieve({ collection: "contacts", key: NOBODY }))).status, 404);
});

test("an update with an old version is refused", async () => {
  const key = await contact({ lastname: "Versioned" });
  const { "@odata.etag": etag } = await api.retrieve({ collection: "contacts", key, select: ["lastname"] });
  const update = (lastname) => ({ collection: "contacts", key, data: { lastname }, ifmatch: etag });
  assert.equal(await api.update(update("Newer")), true);
  assert.equal(await api.update(update("Lost")), false, "the library answers 412 with false");
  const strict = practice.api({ propagateErrors: true });
  const error = await rejection(strict.update(update("Lost")));
  assert.equal(error.status, 412);
  assert.equal(error.code, "0x80060882");
  assert.equal(await api.deleteRecord({ collection: "contacts", key, ifmatch: etag }), false);
  const read = await api.retrieve({ collection: "contacts", key, select: ["lastname"] });
  assert.equal(read.lastname, "Newer");
  assert.equal(await api.deleteRecord({ collection: "contacts", key, ifmatch: read["@odata.etag"] }), true);
});

test("a read that nothing has changed for is answered without a body", async () => {
  const key = await contact({ lastname: "Unchanged" });
  const read = await api.retrieve({ collection: "contacts", key, select: ["lastname"] });
  const again = { collection: "contacts", key, select: ["lastname"], ifnonematch: read["@odata.etag"] };
  await practice.admin("DELETE", "/requests");
  const unchanged = await api.retrieve(again);
  assert.equal(unchanged?.lastname, undefined);
  assert.deepEqual((await practice.requests()).map((request) => request.status), [304]);
  await api.update({ collection: "contacts", key, data: { lastname: "Changed" } });
  assert.equal((await api.retrieve(again)).lastname, "Changed");
});

test("one property is set, read and cleared by itself", async () => {
  const key = await contact({ lastname: "Single", jobtitle: "Clerk" });
  await api.updateSingleProperty({ collection: "contacts", key, fieldValuePair: { jobtitle: "Head" } });
  const read = () => api.retrieve({ collection: "contacts", key, select: ["jobtitle"] });
  assert.equal((await read()).jobtitle, "Head");
  assert.equal(await api.deleteRecord({ collection: "contacts", key, property: "jobtitle" }), true);
  assert.equal((await read()).jobtitle, null);
});

test("records refer to each other by navigation property", async () => {
  const account = await api.create({ collection: "accounts", data: { name: "Bound Ltd", accountnumber: "B-1" } });
  const key = await contact({ lastname: "Bound", "parentcustomerid_account@odata.bind": `/accounts(${account})` });
  const read = await api.retrieve({
    collection: "contacts",
    key,
    select: ["fullname", "_parentcustomerid_value"],
    expand: [{ property: "parentcustomerid_account", select: ["name", "accountnumber"] }],
    // Of the lookup: what it is called, and by which property it is set.
    includeAnnotations: "*",
  });
  assert.equal(read._parentcustomerid_value, account);
  assert.equal(read._parentcustomerid_value_Formatted, "Bound Ltd");
  assert.equal(read._parentcustomerid_value_LogicalName, "account");
  assert.equal(read._parentcustomerid_value_NavigationProperty, "parentcustomerid_account");
  assert.equal(read.parentcustomerid_account.name, "Bound Ltd");
  assert.equal(read.parentcustomerid_account.accountid, account);

  const reverse = await api.retrieve({
    collection: "accounts",
    key: account,
    select: ["name"],
    expand: [
      { property: "contact_customer_accounts", select: ["fullname"], filter: "lastname eq 'Bound'", orderBy: ["fullname asc"], top: 5 },
      { property: "ownerid", select: ["ownerid"] },
    ],
  });
  assert.deepEqual(reverse.contact_customer_accounts.map((row) => row.contactid), [key]);

  // Through the account, and through two of them.
  const listed = await api.retrieveMultiple({
    collection: "contacts",
    select: ["fullname"],
    filter: "parentcustomerid_account/name eq 'Bound Ltd' and parentcustomerid_account/accountnumber eq 'B-1'",
  });
  assert.deepEqual(listed.value.map((row) => row.contactid), [key]);
  const nested = await api.retrieve({
    collection: "contacts",
    key,
    select: ["fullname"],
    expand: [{ property: "parentcustomerid_account", select: ["name"], expand: [{ property: "createdby", select: ["fullname"] }] }],
  });
  assert.equal(typeof nested.parentcustomerid_account.createdby.fullname, "string");

  const through = await api.retrieve({
    collection: "contacts",
    key,
    navigationProperty: "parentcustomerid_account",
    select: ["name"],
  });
  assert.equal(through.name, "Bound Ltd");

  await api.update({ collection: "contacts", key, data: { "parentcustomerid_account@odata.bind": null } });
  const cleared = await api.retrieve({ collection: "contacts", key, select: ["_parentcustomerid_value"] });
  assert.equal(cleared._parentcustomerid_value, null);
});

test("a record and its relatives are created at once", async () => {
  const account = await api.create({
    collection: "accounts",
    data: {
      name: "Deep Ltd",
      primarycontactid: { firstname: "Prima", lastname: "Deep" },
      Account_Tasks: [{ subject: "First" }, { subject: "Second" }],
    },
  });
  const read = await api.retrieve({
    collection: "accounts",
    key: account,
    select: ["name"],
    expand: [
      { property: "primarycontactid", select: ["fullname"] },
      { property: "Account_Tasks", select: ["subject"] },
    ],
  });
  assert.equal(read.primarycontactid.fullname, "Prima Deep");
  assert.deepEqual(read.Account_Tasks.map((task) => task.subject).sort(), ["First", "Second"]);
});

test("a single-valued relation is set and removed", async () => {
  const account = await api.create({ collection: "accounts", data: { name: "Single Ltd" } });
  const key = await contact({ lastname: "Prime" });
  await api.associateSingleValued({
    collection: "accounts",
    primaryKey: account,
    navigationProperty: "primarycontactid",
    relatedCollection: "contacts",
    relatedKey: key,
  });
  const read = () => api.retrieve({ collection: "accounts", key: account, select: ["_primarycontactid_value"] });
  assert.equal((await read())._primarycontactid_value, key);
  await api.disassociateSingleValued({ collection: "accounts", primaryKey: account, navigationProperty: "primarycontactid" });
  assert.equal((await read())._primarycontactid_value, null);
});

test("a collection takes and loses members, one-to-many and many-to-many", async () => {
  const account = await api.create({ collection: "accounts", data: { name: "Collecting Ltd" } });
  const key = await contact({ lastname: "Member" });
  const members = {
    collection: "accounts",
    primaryKey: account,
    relationshipName: "contact_customer_accounts",
    relatedKey: key,
  };
  const parent = async () =>
    (await api.retrieve({ collection: "contacts", key, select: ["_parentcustomerid_value"] }))._parentcustomerid_value;
  await api.associate({ ...members, relatedCollection: "contacts" });
  assert.equal(await parent(), account);
  await api.disassociate(members);
  assert.equal(await parent(), null);

  const { UserId } = await practice.guideApi().callFunction("WhoAmI");
  const [{ teamid: team }] = (await api.retrieveMultiple({ collection: "teams", select: ["name"], top: 1 })).value;
  const membership = {
    collection: "teams",
    primaryKey: team,
    relationshipName: "teammembership_association",
    relatedKey: UserId,
  };
  const users = async () => {
    const read = await api.retrieve({
      collection: "teams",
      key: team,
      select: ["name"],
      expand: [{ property: "teammembership_association", select: ["fullname"] }],
    });
    return read.teammembership_association.map((user) => user.systemuserid);
  };
  // Whoever is in it at first stays in it.
  const before = (await users()).filter((id) => id !== UserId);
  if ((await users()).includes(UserId)) await api.disassociate(membership);
  await api.associate({ ...membership, relatedCollection: "systemusers" });
  assert.deepEqual((await users()).sort(), [...before, UserId].sort());
  const filtered = await api.retrieveMultiple({
    collection: "teams",
    select: ["name"],
    filter: `teammembership_association/any(u:u/systemuserid eq ${UserId}) and teamid eq ${team}`,
  });
  assert.deepEqual(filtered.value.map((row) => row.teamid), [team]);
  await api.disassociate(membership);
  assert.deepEqual((await users()).sort(), before.sort());
});

test("what does not exist is refused in the documented shape", async () => {
  const table = await rejection(api.retrieveMultiple({ collection: "contactz" }));
  assert.equal(table.status, 404);
  assert.match(table.code, /^0x8006088[8a]$/);
  assert.match(table.message, /Resource not found for the segment 'contactz'/);

  const column = await rejection(api.retrieveMultiple({ collection: "contacts", select: ["nosuchcolumn"] }));
  assert.equal(column.status, 400);
  assert.match(column.message, /Could not find a property named 'nosuchcolumn' on type 'Microsoft.Dynamics.CRM.contact'/);

  const property = await rejection(contact({ lastname: "X", nosuchcolumn: 1 }));
  assert.equal(property.status, 400);
  assert.match(property.message, /nosuchcolumn/);

  const bind = await rejection(contact({ lastname: "X", "parentcustomerid@odata.bind": `/accounts(${NOBODY})` }));
  assert.equal(bind.status, 400);
  assert.equal(bind.code, "0x80048d19");
  assert.match(bind.message, /undeclared property 'parentcustomerid'/);

  const bound = await rejection(contact({ lastname: "X", "parentcustomerid_account@odata.bind": `/accounts(${NOBODY})` }));
  assert.equal(bound.status, 404);
  assert.equal(bound.code, "0x80040217");

  const long = await rejection(api.create({ collection: "accounts", data: { name: "x".repeat(161) } }));
  assert.equal(long.status, 400);
  assert.equal(long.code, "0x80044331");
  assert.match(long.message, /length of the 'name' attribute of the 'account' entity exceeded the maximum allowed length of '160'/);

  const choice = await rejection(contact({ lastname: "X", gendercode: 99 }));
  assert.equal(choice.status, 400);
  assert.equal(choice.code, "0x8004431a");

  const filter = await rejection(api.retrieveMultiple({ collection: "contacts", filter: "lastname eq 'O'Bryan'" }));
  assert.equal(filter.status, 400);

  const customer = await rejection(api.create({ collection: "incidents", data: { title: "Nobody's" } }));
  assert.equal(customer.code, "0x80044410");
});

test("a token that is no token is refused with 401", async () => {
  const api = practice.api({ onTokenRefresh: async () => "not.a.token" });
  const error = await rejection(api.callFunction("WhoAmI"));
  assert.equal(error.status, 401);
});

test("a missing privilege is named", async () => {
  const guide = practice.guideApi();
  const key = await contact({ lastname: "Kept" });
  const error = await rejection(guide.deleteRecord({ collection: "contacts", key }));
  assert.equal(error.status, 403);
  assert.equal(error.code, "0x80040220");
  assert.match(error.message, /prvDeleteContact/);
});

test("who may act for others is the one who is told so", async () => {
  const { UserId: guide } = await practice.guideApi().callFunction("WhoAmI");
  const key = await contact({ lastname: "For another" }, { impersonate: guide });
  const read = await api.retrieve({
    collection: "contacts",
    key,
    select: ["_createdby_value", "_createdonbehalfby_value", "_ownerid_value"],
  });
  const { UserId: administrator } = await api.callFunction("WhoAmI");
  assert.equal(read._createdby_value, guide);
  assert.equal(read._createdonbehalfby_value, administrator);
  assert.equal(read._ownerid_value, guide);
  // The rights are those that both have: the guide's role may not delete.
  const strict = await rejection(api.deleteRecord({ collection: "contacts", key, impersonate: guide }));
  assert.equal(strict.status, 403);
  // The guide's role may not impersonate at all.
  const refused = await rejection(
    practice.guideApi().retrieveMultiple({ collection: "contacts", top: 1, impersonate: administrator }),
  );
  assert.equal(refused.status, 403);
  assert.equal(refused.code, "0x8004a110");
});
