import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Practice, rejection } from "../src/practice.js";

let practice;
let api;
let account;
before(async () => {
  practice = await Practice.start();
  api = practice.api();
  account = await api.create({ collection: "accounts", data: { name: "Numbers Ltd", revenue: 20000 } });
  for (let number = 1; number <= 12; number += 1) {
    await api.create({
      collection: "contacts",
      data: {
        lastname: `Person ${String(number).padStart(2, "0")}`,
        numberofchildren: number,
        gendercode: (number % 2) + 1,
        emailaddress1: number % 3 === 0 ? `person${number}@example.com` : null,
        "parentcustomerid_account@odata.bind": `/accounts(${account})`,
      },
    });
  }
});
after(() => practice?.stop());

const names = (answer) => answer.value.map((row) => row.lastname ?? row.fullname);
const people = (...numbers) => numbers.map((number) => `Person ${String(number).padStart(2, "0")}`);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test("pages are followed by their links", async () => {
  const request = {
    collection: "contacts",
    select: ["lastname"],
    filter: "startswith(lastname,'Person')",
    orderBy: ["lastname asc"],
    maxPageSize: 5,
    count: true,
  };
  const first = await api.retrieveMultiple(request);
  assert.deepEqual(names(first), people(...range(1, 5)));
  assert.equal(first.oDataCount, 12);
  const second = await api.retrieveMultiple(request, first.oDataNextLink);
  assert.deepEqual(names(second), people(...range(6, 10)));
  const third = await api.retrieveMultiple(request, second.oDataNextLink);
  assert.deepEqual(names(third), people(11, 12));
  assert.equal(third.oDataNextLink, undefined);
});

test("all pages are fetched by one call", async () => {
  await practice.admin("DELETE", "/requests");
  const all = await api.retrieveAll({ collection: "contacts", select: ["lastname"], orderBy: ["lastname desc"], maxPageSize: 4 });
  assert.deepEqual(names(all), people(...range(1, 12).reverse()));
  assert.equal((await practice.requests()).length, 3);
  const sized = practice.api({ maxPageSize: 7 });
  assert.equal((await sized.retrieveAll({ collection: "contacts", select: ["lastname"] })).value.length, 12);
});

test("a query is limited, ordered by several columns and by a related one", async () => {
  const top = await api.retrieveMultiple({
    collection: "contacts",
    select: ["lastname", "gendercode"],
    orderBy: ["gendercode desc", "lastname desc"],
    top: 3,
  });
  assert.deepEqual(names(top), people(11, 9, 7));
  const related = await api.retrieveMultiple({
    collection: "contacts",
    select: ["lastname"],
    orderBy: ["parentcustomerid_account/name asc", "numberofchildren desc"],
    top: 2,
  });
  assert.deepEqual(names(related), people(12, 11));
});

for (const [filter, numbers] of [
  ["numberofchildren gt 3 and numberofchildren le 6", [4, 5, 6]],
  ["numberofchildren lt 2 or numberofchildren ge 12", [1, 12]],
  ["not (numberofchildren lt 11)", [11, 12]],
  ["lastname eq 'PERSON 07'", [7]],
  ["lastname ne 'Person 01' and numberofchildren lt 3", [2]],
  ["contains(lastname,'son 1')", [10, 11, 12]],
  ["endswith(lastname,'5')", [5]],
  ["contains(lastname,'%2')", [2, 12]],
  ["contains(lastname,'[%]')", []],
  ["emailaddress1 ne null", [3, 6, 9, 12]],
  ["emailaddress1 eq null and gendercode eq 2", [1, 5, 7, 11]],
  ["statecode eq 0 and donotemail eq false and numberofchildren eq 8", [8]],
  ["createdon gt 2020-01-01T00:00:00Z and numberofchildren eq 9", [9]],
  ["parentcustomerid_account/name eq 'Numbers Ltd' and numberofchildren eq 2", [2]],
  ["Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=[\"Person 02\",\"O'Neil\"])", [2]],
  ["Microsoft.Dynamics.CRM.Between(PropertyName='numberofchildren',PropertyValues=[\"3\",\"4\"])", [3, 4]],
  ["Microsoft.Dynamics.CRM.Today(PropertyName='createdon') and numberofchildren eq 1", [1]],
  ["Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=2) and numberofchildren eq 1", [1]],
  ["Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid') and numberofchildren eq 10", [10]],
]) {
  test(`filter ${filter}`, async () => {
    const answer = await api.retrieveMultiple({ collection: "contacts", select: ["lastname"], filter, orderBy: ["lastname"] });
    assert.deepEqual(names(answer), people(...numbers));
  });
}

test("a filter takes its values from parameters", async () => {
  const answer = await api.retrieveMultiple({
    collection: "contacts",
    select: ["lastname"],
    filter: "lastname eq @name or numberofchildren eq @number",
    orderBy: ["lastname"],
    queryParams: ["@name='Person 04'", "@number=8"],
  });
  assert.deepEqual(names(answer), people(4, 8));
});

test("a collection is asked by any and all", async () => {
  const any = (lambda) =>
    api.retrieveMultiple({ collection: "accounts", select: ["name"], filter: `contact_customer_accounts/${lambda}` });
  assert.equal((await any("any(c:c/numberofchildren eq 12)")).value.length, 1);
  assert.equal((await any("any(c:c/numberofchildren eq 13)")).value.length, 0);
  assert.equal((await any("any()")).value.length, 1);
  assert.equal((await any("all(c:c/numberofchildren gt 0)")).value.length, 1);
  assert.equal((await any("all(c:c/numberofchildren gt 1)")).value.length, 0);
});

test("rows are counted", async () => {
  assert.equal(await api.count({ collection: "contacts" }), 12);
  assert.equal(await api.count({ collection: "contacts", filter: "gendercode eq 1" }), 6);
  assert.equal(await api.countAll({ collection: "contacts", select: ["lastname"], filter: "numberofchildren ge 10" }), 3);
  const total = await api.callFunction({ name: "RetrieveTotalRecordCount", parameters: { EntityNames: ["contact"] } });
  assert.deepEqual(total.EntityRecordCountCollection.Keys, ["contact"]);
  assert.deepEqual(total.EntityRecordCountCollection.Values, [12]);
});

test("formatted values come when they are asked for", async () => {
  const query = { collection: "contacts", select: ["gendercode", "statecode", "_parentcustomerid_value", "createdon"], top: 1 };
  const [plain] = (await api.retrieveMultiple(query)).value;
  assert.equal(plain.gendercode_Formatted, undefined);
  const [row] = (await api.retrieveMultiple({ ...query, includeAnnotations: "*", filter: "numberofchildren eq 2" })).value;
  assert.equal(row.gendercode_Formatted, "Male");
  assert.equal(row["gendercode@OData.Community.Display.V1.FormattedValue"], "Male");
  assert.equal(row.statecode_Formatted, "Active");
  assert.equal(row._parentcustomerid_value_Formatted, "Numbers Ltd");
  assert.equal(row._parentcustomerid_value_LogicalName, "account");
  assert.equal(typeof row.createdon_Formatted, "string");
  assert.ok(row.createdon instanceof Date);

  const formatted = practice.api({ includeAnnotations: "OData.Community.Display.V1.FormattedValue" });
  const money = await formatted.retrieve({ collection: "accounts", key: account, select: ["revenue"] });
  assert.equal(money.revenue, 20000);
  assert.equal(money.revenue_Formatted, "$20,000.00");
});

test("a query too long for an address travels in a batch", async () => {
  const numbers = range(1, 120).map((number) => `lastname eq 'Person ${String(number).padStart(2, "0")}'`);
  await practice.admin("DELETE", "/requests");
  const answer = await api.retrieveMultiple({
    collection: "contacts",
    select: ["lastname"],
    filter: numbers.join(" or "),
    orderBy: ["lastname"],
    maxPageSize: 5,
  });
  assert.deepEqual(names(answer), people(...range(1, 5)));
  const [request] = await practice.requests();
  assert.equal(request.method, "POST");
  assert.match(request.path, /\$batch$/);
  // Its error is an error as well.
  const error = await rejection(
    api.retrieveMultiple({ collection: "contacts", select: ["nosuch"], filter: numbers.join(" or ") }),
  );
  const [first] = Array.isArray(error) ? error : [error];
  assert.equal(first.status, 400);
  assert.match(first.message || first.error.message, /nosuch/);
});

test("what is not supported is refused", async () => {
  const skip = await rejection(api.retrieveMultiple({ collection: "contacts", queryParams: ["$skip=1"] }));
  assert.equal(skip.status, 400);
  const arithmetic = await rejection(api.retrieveMultiple({ collection: "contacts", filter: "numberofchildren add 1 eq 2" }));
  assert.equal(arithmetic.status, 400);
  const type = await rejection(api.retrieveMultiple({ collection: "contacts", filter: "numberofchildren eq 'two'" }));
  assert.equal(type.status, 400);
});

test("changes are tracked", async () => {
  const all = await api.retrieveAll({ collection: "accounts", select: ["name"], maxPageSize: 50 });
  assert.equal(all.value.length, 1);
  const tracked = await api.retrieveMultiple({ collection: "accounts", select: ["name"], trackChanges: true });
  assert.deepEqual(tracked.value.map((row) => row.name), ["Numbers Ltd"]);
  const link = tracked.oDataDeltaLink;
  assert.equal(typeof link, "string");
  const created = await api.create({ collection: "accounts", data: { name: "New Ltd" } });
  await api.update({ collection: "accounts", key: account, data: { telephone1: "555" } });
  const changes = await api.retrieveMultiple({ collection: "accounts" }, link);
  assert.deepEqual(changes.value.map((row) => row.name).sort(), ["New Ltd", "Numbers Ltd"]);
  await api.deleteRecord({ collection: "accounts", key: created });
  const deleted = await api.retrieveMultiple({ collection: "accounts" }, changes.oDataDeltaLink);
  assert.deepEqual(deleted.value.map((row) => [row.id, row.reason]), [[created, "deleted"]]);
  const filtered = await rejection(
    api.retrieveMultiple({ collection: "accounts", select: ["name"], filter: "name eq 'x'", trackChanges: true }),
  );
  assert.equal(filtered.status, 400);
});
