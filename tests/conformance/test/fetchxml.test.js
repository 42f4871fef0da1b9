import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Practice, rejection } from "../src/practice.js";

let practice;
let api;
let account;
before(async () => {
  practice = await Practice.start();
  api = practice.api();
  account = await api.create({ collection: "accounts", data: { name: "Fetched & Sons", address1_city: "Delft" } });
  await api.create({ collection: "accounts", data: { name: "Empty Ltd", address1_city: "Delft" } });
  for (let number = 1; number <= 7; number += 1) {
    await api.create({
      collection: "contacts",
      data: {
        lastname: `Row ${number}`,
        numberofchildren: number,
        gendercode: number <= 2 ? 1 : 2,
        jobtitle: number % 2 === 0 ? "Even" : null,
        ...(number <= 3 ? { "parentcustomerid_account@odata.bind": `/accounts(${account})` } : {}),
      },
    });
  }
});
after(() => practice?.stop());

const annotations = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie,Microsoft.Dynamics.CRM.morerecords";
const contacts = (inner, attributes = "") => `<fetch ${attributes}><entity name="contact">${inner}</entity></fetch>`;
const rows = (number) => `Row ${number}`;
const lastnames = (answer) => answer.value.map((row) => row.lastname);
const byName = `<attribute name="lastname"/><order attribute="lastname"/>`;

test("rows are fetched, without their empty columns", async () => {
  const answer = await api.fetch({
    collection: "contacts",
    fetchXml: contacts(`<attribute name="lastname"/><attribute name="jobtitle"/><order attribute="lastname"/>`),
  });
  assert.deepEqual(lastnames(answer), [1, 2, 3, 4, 5, 6, 7].map(rows));
  assert.ok(!("jobtitle" in answer.value[0]));
  assert.equal(answer.value[1].jobtitle, "Even");
  assert.equal(typeof answer.value[0].contactid, "string");
});

test("pages follow each other by cookie", async () => {
  const fetchXml = contacts(byName, `count="3"`);
  const page = (pageNumber, pagingCookie) =>
    api.fetch({ collection: "contacts", fetchXml, includeAnnotations: annotations, pageNumber, pagingCookie });
  const first = await page(1);
  assert.deepEqual(lastnames(first), [1, 2, 3].map(rows));
  assert.equal(first.PagingInfo.nextPage, 2);
  assert.match(first.PagingInfo.cookie, /cookie/);
  const second = await page(first.PagingInfo.nextPage, first.PagingInfo.cookie);
  assert.deepEqual(lastnames(second), [4, 5, 6].map(rows));
  const third = await page(second.PagingInfo.nextPage, second.PagingInfo.cookie);
  assert.deepEqual(lastnames(third), [rows(7)]);
  assert.equal(third.PagingInfo, undefined);
});

test("all pages are fetched by one call, with and without the annotations", async () => {
  for (const includeAnnotations of [annotations, "*"]) {
    const all = await api.fetchAll({ collection: "contacts", fetchXml: contacts(byName, `count="2"`), includeAnnotations });
    assert.deepEqual(lastnames(all), [1, 2, 3, 4, 5, 6, 7].map(rows));
  }
  // Rows with equal values of the order column must neither be lost nor come twice.
  const equal = await api.fetchAll({
    collection: "contacts",
    fetchXml: contacts(`<attribute name="lastname"/><order attribute="gendercode" descending="true"/>`, `count="2"`),
    includeAnnotations: annotations,
  });
  assert.deepEqual(lastnames(equal).sort(), [1, 2, 3, 4, 5, 6, 7].map(rows));
  const empty = await api.fetchAll({
    collection: "contacts",
    fetchXml: contacts(`<attribute name="lastname"/><order attribute="jobtitle"/>`, `count="2"`),
    includeAnnotations: annotations,
  });
  assert.deepEqual(lastnames(empty).sort(), [1, 2, 3, 4, 5, 6, 7].map(rows));
});

const condition = (inner) => `<filter>${inner}</filter>`;
for (const [name, inner, numbers] of [
  ["equality without regard to case", condition(`<condition attribute="lastname" operator="eq" value="ROW 3"/>`), [3]],
  ["a range", condition(`<condition attribute="numberofchildren" operator="between"><value>2</value><value>4</value></condition>`), [2, 3, 4]],
  ["a list", condition(`<condition attribute="numberofchildren" operator="in"><value>1</value><value>7</value></condition>`), [1, 7]],
  ["a pattern", condition(`<condition attribute="lastname" operator="like" value="R_w [5-6]%"/>`), [5, 6]],
  ["an ending", condition(`<condition attribute="lastname" operator="ends-with" value="4"/>`), [4]],
  ["no value", condition(`<condition attribute="jobtitle" operator="null"/>`), [1, 3, 5, 7]],
  ["a choice", condition(`<condition attribute="gendercode" operator="eq" value="1"/>`), [1, 2]],
  ["a lookup", condition(`<condition attribute="parentcustomerid" operator="not-null"/>`), [1, 2, 3]],
  ["today", condition(`<condition attribute="createdon" operator="today"/><condition attribute="numberofchildren" operator="lt" value="3"/>`), [1, 2]],
  ["the last days", condition(`<condition attribute="createdon" operator="last-x-days" value="2"/><condition attribute="numberofchildren" operator="lt" value="3"/>`), [1, 2]],
  ["the user's own", condition(`<condition attribute="ownerid" operator="eq-userid"/><condition attribute="numberofchildren" operator="eq" value="6"/>`), [6]],
  ["either of two", `<filter type="or"><condition attribute="numberofchildren" operator="eq" value="1"/><condition attribute="jobtitle" operator="eq" value="Even"/></filter>`, [1, 2, 4, 6]],
  ["a link that must exist", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="inner"><filter><condition attribute="name" operator="eq" value="Fetched &amp; Sons"/></filter></link-entity>`, [1, 2, 3]],
  ["a link that is only asked for", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="exists"/>`, [1, 2, 3]],
  ["no link", `<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="a"/><filter><condition entityname="a" attribute="accountid" operator="null"/></filter>`, [4, 5, 6, 7]],
  ["none of a kind", condition(`<link-entity name="account" from="accountid" to="parentcustomerid" link-type="not any"><filter><condition attribute="address1_city" operator="eq" value="Delft"/></filter></link-entity>`), [4, 5, 6, 7]],
]) {
  test(`a condition: ${name}`, async () => {
    const answer = await api.fetch({ collection: "contacts", fetchXml: contacts(byName + inner) });
    assert.deepEqual(lastnames(answer), numbers.map(rows));
  });
}

test("linked columns come under their alias", async () => {
  const link = (attributes, inner) =>
    contacts(`${byName}<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" ${attributes}>${inner}</link-entity>`, `top="4"`);
  const aliased = await api.fetch({
    collection: "contacts",
    fetchXml: link(`alias="acc"`, `<attribute name="name"/><attribute name="address1_city" alias="city"/>`),
    includeAnnotations: "*",
  });
  assert.equal(aliased.value[0]["acc.name"], "Fetched & Sons");
  assert.equal(aliased.value[0].city, "Delft");
  assert.ok(!("acc.name" in aliased.value[3]));
  const unnamed = await api.fetch({ collection: "contacts", fetchXml: link("", `<attribute name="name"/>`) });
  assert.equal(unnamed.value[0]["account1.name"], "Fetched & Sons");
});

test("rows are counted and summed up by group", async () => {
  const fetchXml = contacts(
    `<attribute name="gendercode" alias="gender" groupby="true"/>
     <attribute name="contactid" alias="number" aggregate="count"/>
     <attribute name="jobtitle" alias="titles" aggregate="countcolumn"/>
     <attribute name="numberofchildren" alias="sum" aggregate="sum"/>
     <attribute name="numberofchildren" alias="most" aggregate="max"/>
     <order alias="gender"/>`,
    // Without it choices are ordered by their labels.
    `aggregate="true" useraworderby="true"`,
  );
  const { value } = await api.fetch({ collection: "contacts", fetchXml, includeAnnotations: "*" });
  const plain = value.map(({ gender, number, titles, sum, most }) => ({ gender, number, titles, sum, most }));
  assert.deepEqual(plain, [
    { gender: 1, number: 2, titles: 1, sum: 3, most: 2 },
    { gender: 2, number: 5, titles: 2, sum: 25, most: 7 },
  ]);
  assert.equal(value[0].gender_Formatted, "Male");
});

test("rows are distinct on request, and their number is told", async () => {
  const distinct = await api.fetch({
    collection: "contacts",
    fetchXml: contacts(`<attribute name="gendercode"/><order attribute="gendercode"/>`, `distinct="true"`),
  });
  assert.deepEqual(distinct.value.map((row) => row.gendercode), [2, 1], "Female, Male");
  const counted = await api.fetch({
    collection: "contacts",
    fetchXml: contacts(byName, `count="2" returntotalrecordcount="true"`),
    includeAnnotations: "*",
  });
  assert.equal(counted["@Microsoft.Dynamics.CRM.totalrecordcount"], 7);
  assert.equal(counted["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"], false);
});

for (const [name, fetchXml, code] of [
  ["XML that is none", `<fetch><entity name="contact"></fetch>`, "0x80040201"],
  ["an unknown table", `<fetch><entity name="contactz"><attribute name="a"/></entity></fetch>`, "0x80041102"],
  ["an unknown column", contacts(`<attribute name="nosuch"/>`), "0x80041103"],
  ["another table than the address's", `<fetch><entity name="account"><attribute name="name"/></entity></fetch>`, "0x80041128"],
  ["an unknown operator", contacts(condition(`<condition attribute="lastname" operator="resembles" value="x"/>`)), "0x80041120"],
  ["an unknown element", contacts(`<columns/>`), "0x8004111c"],
  ["an aggregate ordered by column", contacts(`<attribute name="contactid" alias="n" aggregate="count"/><order attribute="lastname"/>`, `aggregate="true"`), "0x80041134"],
]) {
  test(`refused: ${name}`, async () => {
    const error = await rejection(api.fetch({ collection: "contacts", fetchXml }));
    assert.equal(error.status, 400);
    assert.equal(error.code, code);
    assert.notEqual(error.message, "");
  });
}

test("a long query travels in a batch", async () => {
  const values = Array.from({ length: 150 }, (_, number) => `<value>Row ${number}</value>`).join("");
  await practice.admin("DELETE", "/requests");
  const answer = await api.fetch({
    collection: "contacts",
    fetchXml: contacts(byName + condition(`<condition attribute="lastname" operator="in">${values}</condition>`)),
  });
  assert.equal(answer.value.length, 7);
  assert.match((await practice.requests())[0].path, /\$batch$/);
});
