import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import { Practice, UUID, rejection } from "../src/practice.js";

let practice;
let api;
before(async () => {
  practice = await Practice.start();
  api = practice.api();
});
after(() => practice?.stop());

// Of a part's error the library gives the whole body: `error.error.code` where a single request has `error.code`.

/** Who has this last name. */
const named = async (lastname) =>
  (await api.retrieveMultiple({ collection: "contacts", select: ["fullname"], filter: `lastname eq '${lastname}'` })).value;

test("reads and a change set travel together", async () => {
  const key = await api.create({ collection: "contacts", data: { lastname: "Earlier", jobtitle: "Clerk" } });
  await practice.admin("DELETE", "/requests");
  api.startBatch();
  api.retrieve({ collection: "contacts", key, select: ["jobtitle"] });
  api.create({ collection: "contacts", data: { lastname: "Batched \u00e9\u4e2d" } });
  api.update({ collection: "contacts", key, data: { jobtitle: "Head" } });
  api.retrieveMultiple({ collection: "contacts", select: ["jobtitle"], filter: "lastname eq 'Earlier'" });
  api.count({ collection: "contacts" });
  const [before, created, updated, after, count] = await api.executeBatch();
  assert.equal(before.jobtitle, "Clerk");
  assert.match(created, UUID);
  assert.equal(updated, true);
  assert.equal(after.value[0].jobtitle, "Head");
  assert.equal(count, 2);
  assert.equal((await api.retrieve({ collection: "contacts", key: created, select: ["lastname"] })).lastname, "Batched \u00e9\u4e2d");
  assert.equal((await practice.requests()).filter((request) => /\$batch$/.test(request.path)).length, 1);
});

test("a later item refers to an earlier one by its Content-ID", async () => {
  api.startBatch();
  api.create({ collection: "contacts", data: { firstname: "Ada", lastname: "Referred" }, contentId: "1" });
  api.create({ collection: "tasks", data: { subject: "Call back", "regardingobjectid_contact_task@odata.bind": "$1" }, contentId: "2" });
  api.update({ contentId: "$1", data: { jobtitle: "Engineer" } });
  api.create({ collection: "accounts", data: { name: "Referred Ltd", "primarycontactid@odata.bind": "$1" }, contentId: "3" });
  api.associate({ contentId: "$3", relationshipName: "contact_customer_accounts", relatedKey: "$1" });
  const [contact, task, updated, account] = await api.executeBatch();
  assert.match(contact, UUID);
  assert.match(task, UUID);
  assert.equal(updated, true);
  const read = await api.retrieve({ collection: "contacts", key: contact, select: ["jobtitle", "_parentcustomerid_value"] });
  assert.equal(read.jobtitle, "Engineer");
  assert.equal(read._parentcustomerid_value, account);
  const call = await api.retrieve({ collection: "tasks", key: task, select: ["_regardingobjectid_value"] });
  assert.equal(call._regardingobjectid_value, contact);
});

test("a change set that fails leaves nothing", async () => {
  const key = await api.create({ collection: "contacts", data: { lastname: "Steady", jobtitle: "Clerk" } });
  api.startBatch();
  api.create({ collection: "contacts", data: { lastname: "Rolled back" } });
  api.update({ collection: "contacts", key, data: { jobtitle: "Head" } });
  api.deleteRecord({ collection: "contacts", key: randomUUID() });
  api.create({ collection: "contacts", data: { lastname: "Rolled back" } });
  const errors = await rejection(api.executeBatch());
  assert.ok(Array.isArray(errors));
  assert.equal(errors.length, 1, "one part stands for the change set");
  assert.equal(errors[0].status, 404);
  assert.equal(errors[0].error.code, "0x80040217");
  assert.deepEqual(await named("Rolled back"), []);
  assert.equal((await api.retrieve({ collection: "contacts", key, select: ["jobtitle"] })).jobtitle, "Clerk");
});

test("what was done before the failure stays, and nothing is done after it", async () => {
  api.startBatch();
  api.create({ collection: "contacts", data: { lastname: "Alone first" }, inChangeSet: false });
  api.create({ collection: "contacts", data: { nosuchcolumn: 1 }, inChangeSet: false });
  api.create({ collection: "contacts", data: { lastname: "Alone last" }, inChangeSet: false });
  const results = await rejection(api.executeBatch());
  assert.ok(Array.isArray(results));
  const error = results.find((result) => result instanceof Error);
  assert.equal(error.status, 400);
  assert.match(error.error.message, /nosuchcolumn/);
  assert.equal((await named("Alone first")).length, 1);
  assert.equal((await named("Alone last")).length, 0);
});

test("on request, everything is tried", async () => {
  api.startBatch();
  api.create({ collection: "contacts", data: { lastname: "Tried one" }, inChangeSet: false });
  api.retrieveMultiple({ collection: "contacts", select: ["nosuch"] });
  api.create({ collection: "contacts", data: { lastname: "Never" } });
  api.create({ collection: "contacts", data: { lastname: "Never", gendercode: 77 } });
  api.retrieveMultiple({ collection: "contacts", select: ["lastname"], filter: "lastname eq 'Tried one'" });
  api.create({ collection: "contacts", data: { lastname: "Tried two" }, inChangeSet: false });
  const results = await api.executeBatch({ continueOnError: true });
  assert.equal(results.length, 5);
  assert.match(results[0], UUID);
  assert.ok(results[1] instanceof Error);
  assert.equal(results[1].status, 400);
  assert.ok(results[2] instanceof Error);
  assert.equal(results[2].error.code, "0x8004431a");
  assert.equal(results[3].value.length, 1);
  assert.match(results[4], UUID);
  assert.equal((await named("Never")).length, 0);
});

test("several change sets count their items from the same number", async () => {
  api.startBatch();
  api.create({ collection: "contacts", data: { lastname: "Set one" } });
  api.retrieveMultiple({ collection: "contacts", select: ["lastname"], filter: "lastname eq 'Set one'" });
  api.create({ collection: "contacts", data: { lastname: "Set two" } });
  api.create({ collection: "contacts", data: { lastname: "Set two" } });
  const [one, read, two, three] = await api.executeBatch();
  assert.match(one, UUID);
  assert.deepEqual(read.value.map((row) => row.contactid), [one], "the first set is there before the read");
  assert.match(two, UUID);
  assert.match(three, UUID);
});

test("conditions and preferences of an item count", async () => {
  const key = await api.create({ collection: "contacts", data: { lastname: "Conditional" } });
  const { "@odata.etag": etag } = await api.retrieve({ collection: "contacts", key, select: ["lastname"] });
  await api.update({ collection: "contacts", key, data: { firstname: "New" } });
  api.startBatch();
  api.update({ collection: "contacts", key, data: { firstname: "Lost" }, ifmatch: etag });
  const [error] = await rejection(api.executeBatch());
  assert.equal(error.status, 412);
  assert.equal(error.error.code, "0x80060882");

  api.startBatch();
  api.create({ collection: "contacts", data: { lastname: "Shown" }, returnRepresentation: true, select: ["lastname"] });
  api.retrieveMultiple({ collection: "contacts", select: ["statecode"], top: 1, includeAnnotations: "*" });
  const [shown, formatted] = await api.executeBatch();
  assert.equal(shown.lastname, "Shown");
  assert.equal(formatted.value[0].statecode_Formatted, "Active");
});

test("functions, actions and FetchXML are called in a batch", async () => {
  await api.create({ collection: "contacts", data: { lastname: "Fetched" } });
  const fetchXml = `<fetch><entity name="contact"><attribute name="lastname"/><filter><condition attribute="lastname" operator="eq" value="Fetched"/></filter></entity></fetch>`;
  api.startBatch();
  api.callFunction("WhoAmI");
  api.fetch({ collection: "contacts", fetchXml });
  const [who, fetched] = await api.executeBatch();
  assert.match(who.UserId, UUID);
  assert.deepEqual(fetched.value.map((row) => row.lastname), ["Fetched"]);
});

test("more than a thousand operations are refused, and none is done", async () => {
  api.startBatch();
  for (let number = 0; number < 1001; number += 1) {
    api.create({ collection: "contacts", data: { lastname: "Too many" } });
  }
  const error = await rejection(api.executeBatch());
  const [first] = Array.isArray(error) ? error : [error];
  assert.equal(first.status, 400);
  assert.deepEqual(await named("Too many"), []);
});
