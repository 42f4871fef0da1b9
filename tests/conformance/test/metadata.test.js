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

const contact = "LogicalName='contact'";
const label = (text) => ({
  "@odata.type": "Microsoft.Dynamics.CRM.Label",
  LocalizedLabels: [{ "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel", Label: text, LanguageCode: 1033 }],
});

test("a table is described", async () => {
  const select = ["LogicalName", "SchemaName", "EntitySetName", "PrimaryIdAttribute", "PrimaryNameAttribute", "ObjectTypeCode", "OwnershipType", "DisplayName"];
  const table = await api.retrieveEntity({ key: contact, select });
  assert.equal(table.EntitySetName, "contacts");
  assert.equal(table.SchemaName, "Contact");
  assert.equal(table.PrimaryIdAttribute, "contactid");
  assert.equal(table.PrimaryNameAttribute, "fullname");
  assert.equal(table.ObjectTypeCode, 2);
  assert.equal(table.OwnershipType, "UserOwned");
  assert.equal(table.DisplayName.UserLocalizedLabel.Label, "Contact");
  assert.equal(table.DisplayName.LocalizedLabels.find((one) => one.LanguageCode === 1033).Label, "Contact");
  assert.match(table.MetadataId, UUID);
  const again = await api.retrieveEntity({ key: table.MetadataId, select: ["LogicalName"] });
  assert.equal(again.LogicalName, "contact");
  const missing = await rejection(api.retrieveEntity({ key: "LogicalName='contactz'" }));
  assert.equal(missing.status, 404);
});

test("tables are listed and filtered", async () => {
  const all = await api.retrieveEntities({ select: ["LogicalName", "EntitySetName"] });
  const names = all.value.map((table) => table.LogicalName);
  for (const name of ["account", "contact", "lead", "incident", "task", "annotation", "systemuser", "team"]) {
    assert.ok(names.includes(name), name);
  }
  const one = await api.retrieveEntities({ select: ["LogicalName"], filter: "EntitySetName eq 'incidents' or LogicalName eq 'lead'" });
  assert.deepEqual(one.value.map((table) => table.LogicalName).sort(), ["incident", "lead"]);
  const owned = await api.retrieveEntities({
    select: ["LogicalName"],
    filter: "OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned' and LogicalName eq 'contact'",
  });
  assert.equal(owned.value.length, 1);
});

test("columns are described, with what their type has by a cast", async () => {
  const all = await api.retrieveAttributes({ entityKey: contact, select: ["LogicalName", "AttributeType", "RequiredLevel", "IsValidForCreate"] });
  const byName = Object.fromEntries(all.value.map((column) => [column.LogicalName, column]));
  assert.equal(byName.gendercode.AttributeType, "Picklist");
  assert.equal(byName.gendercode["@odata.type"], "#Microsoft.Dynamics.CRM.PicklistAttributeMetadata");
  assert.equal(byName.lastname.RequiredLevel.Value, "ApplicationRequired");
  assert.equal(byName.fullname.IsValidForCreate, false);

  const cast = (type, options = {}) =>
    api.retrieveAttributes({ entityKey: contact, castType: `Microsoft.Dynamics.CRM.${type}`, ...options });
  const strings = await cast("StringAttributeMetadata", { select: ["LogicalName", "MaxLength", "FormatName"] });
  const email = strings.value.find((column) => column.LogicalName === "emailaddress1");
  assert.equal(email.MaxLength, 100);
  assert.equal(email.FormatName.Value, "Email");
  const choices = await cast("PicklistAttributeMetadata", {
    select: ["LogicalName"],
    filter: "LogicalName eq 'gendercode'",
    expand: [{ property: "OptionSet", select: ["Options"] }],
  });
  assert.deepEqual(
    choices.value[0].OptionSet.Options.map((option) => [option.Value, option.Label.UserLocalizedLabel.Label]),
    [[1, "Male"], [2, "Female"]],
  );
  const status = await cast("StatusAttributeMetadata", { select: ["LogicalName"], expand: [{ property: "OptionSet" }] });
  assert.deepEqual(status.value[0].OptionSet.Options.map((option) => [option.Value, option.State]), [[1, 0], [2, 1]]);
  const state = await cast("StateAttributeMetadata", { select: ["LogicalName"], expand: [{ property: "OptionSet" }] });
  assert.equal(state.value[0].OptionSet.Options[0].DefaultStatus, 1);
  const truth = await cast("BooleanAttributeMetadata", { filter: "LogicalName eq 'donotemail'", expand: [{ property: "OptionSet" }] });
  assert.equal(truth.value[0].OptionSet.TrueOption.Value, 1);
  const lookups = await cast("LookupAttributeMetadata", { select: ["LogicalName", "Targets", "AttributeType"] });
  const parent = lookups.value.find((column) => column.LogicalName === "parentcustomerid");
  assert.deepEqual(parent.Targets.toSorted(), ["account", "contact"]);
  assert.equal(parent.AttributeType, "Customer");
  const dates = await cast("DateTimeAttributeMetadata", { select: ["LogicalName", "Format", "DateTimeBehavior"] });
  assert.equal(dates.value.find((column) => column.LogicalName === "birthdate").Format, "DateOnly");
  const money = await cast("MoneyAttributeMetadata", { select: ["LogicalName", "MinValue", "MaxValue", "Precision"] });
  assert.ok(money.value.some((column) => column.LogicalName === "creditlimit"));
});

test("one column is described", async () => {
  const read = (attributeKey, options = {}) => api.retrieveAttribute({ entityKey: contact, attributeKey, ...options });
  const email = await read("LogicalName='emailaddress1'");
  assert.equal(email.AttributeType, "String");
  assert.equal(email.DisplayName.UserLocalizedLabel.Label, "Email");
  const byId = await read(email.MetadataId, { select: ["SchemaName"] });
  assert.equal(byId.SchemaName, "EMailAddress1");
  const choice = await read("LogicalName='gendercode'", {
    castType: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
    expand: [{ property: "OptionSet" }, { property: "GlobalOptionSet" }],
  });
  assert.equal(choice.OptionSet.Options.length, 2);
  assert.equal((await rejection(read("LogicalName='nosuch'"))).status, 404);
});

test("a table is read with its columns and relations", async () => {
  const table = await api.retrieveEntity({
    key: contact,
    select: ["LogicalName"],
    expand: [
      { property: "Attributes", select: ["LogicalName"], filter: "LogicalName eq 'lastname'" },
      { property: "ManyToOneRelationships", select: ["ReferencingAttribute"] },
    ],
  });
  assert.deepEqual(table.Attributes.map((column) => column.LogicalName), ["lastname"]);
  assert.ok(table.ManyToOneRelationships.some((relation) => relation.ReferencingAttribute === "parentcustomerid"));
});

test("relations tell by which property a lookup is set", async () => {
  const select = ["SchemaName", "ReferencingAttribute", "ReferencedEntity", "ReferencingEntityNavigationPropertyName"];
  const relations = await api.retrieve({
    collection: "EntityDefinitions",
    key: "LogicalName='incident'",
    navigationProperty: "ManyToOneRelationships",
    select,
  });
  const customer = relations.value.find(
    (relation) => relation.ReferencingAttribute === "customerid" && relation.ReferencedEntity === "contact",
  );
  assert.equal(customer.ReferencingEntityNavigationPropertyName, "customerid_contact");
  const all = await api.retrieveRelationships({
    castType: "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
    select,
    filter: "ReferencedEntity eq 'contact' and ReferencingEntity eq 'incident'",
  });
  assert.ok(all.value.length > 0);
  const one = await api.retrieveRelationship({ key: all.value[0].MetadataId, select: ["SchemaName"] });
  assert.equal(one.SchemaName, all.value[0].SchemaName);
  const many = await api.retrieveRelationships({
    castType: "Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata",
    select: ["SchemaName", "IntersectEntityName", "Entity1NavigationPropertyName"],
    filter: "SchemaName eq 'teammembership_association'",
  });
  assert.equal(many.value[0].IntersectEntityName, "teammembership");
});

test("global choices are described", async () => {
  const sets = await api.retrieveGlobalOptionSets();
  assert.ok(sets.value.length > 0);
  const [first] = sets.value;
  const one = await api.retrieveGlobalOptionSet({ key: `Name='${first.Name}'` });
  assert.equal(one.MetadataId, first.MetadataId);
  assert.ok(one.Options.length > 0);
});

test("the service is described in CSDL", async () => {
  const csdl = await api.retrieveCsdlMetadata();
  assert.match(csdl, /<edmx:Edmx/);
  assert.match(csdl, /<EntityType Name="contact"/);
  assert.match(csdl, /<NavigationProperty Name="parentcustomerid_account"/);
  assert.match(csdl, /<EntitySet Name="contacts"/);
  // Elements are closed in the order in which they were opened.
  const open = [];
  for (const [, closing, name, empty] of csdl.matchAll(/<(\/?)([A-Za-z:]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (closing) assert.equal(open.pop(), name);
    else if (!empty) open.push(name);
  }
  assert.deepEqual(open, []);
});

test("tables are addressed by their logical names", async () => {
  const named = practice.api({ useEntityNames: true });
  const account = await named.create({ collection: "account", data: { name: "Named Ltd" } });
  const key = await named.create({
    collection: "contact",
    data: { lastname: "Named", "parentcustomerid_account@odata.bind": `account(${account})` },
  });
  const read = await named.retrieve({ collection: "contact", key, select: ["_parentcustomerid_value"] });
  assert.equal(read._parentcustomerid_value, account);
  assert.equal(named.Utility.getCollectionName("incident"), "incidents");
});

test("a column is added, used, changed and removed", async () => {
  const id = await api.createAttribute({
    entityKey: contact,
    data: {
      "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
      SchemaName: "new_Nickname",
      DisplayName: label("Nickname"),
      RequiredLevel: { Value: "None", CanBeChanged: true, ManagedPropertyLogicalName: "canmodifyrequirementlevelsettings" },
      FormatName: { Value: "Text" },
      MaxLength: 40,
    },
  });
  assert.match(id, UUID);
  const column = await api.retrieveAttribute({
    entityKey: contact,
    attributeKey: "LogicalName='new_nickname'",
    castType: "Microsoft.Dynamics.CRM.StringAttributeMetadata",
  });
  assert.equal(column.MetadataId, id);
  assert.equal(column.MaxLength, 40);
  assert.equal(column.IsCustomAttribute, true);

  const key = await api.create({ collection: "contacts", data: { lastname: "Nicked", new_nickname: "Nick" } });
  const found = await api.retrieveMultiple({ collection: "contacts", select: ["new_nickname"], filter: "new_nickname eq 'nick'" });
  assert.deepEqual(found.value.map((row) => [row.contactid, row.new_nickname]), [[key, "Nick"]]);
  const long = await rejection(api.update({ collection: "contacts", key, data: { new_nickname: "x".repeat(41) } }));
  assert.equal(long.code, "0x80044331");
});
