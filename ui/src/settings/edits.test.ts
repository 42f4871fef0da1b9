import { describe, expect, it } from "vitest";
import { settingsDocument } from "../fixtures/fakeSettings";
import { same, textAt, valueAt, withItem, withMoved, withValue, withoutItem } from "./edits";
import { START, placeOf } from "./place";

const names = (document: unknown) =>
  (valueAt(document, "identification.contact") as { name: string }[]).map(({ name }) => name);

describe("a draft", () => {
  it("is changed at a key path and nowhere else", () => {
    const key = "identification.contact.1.any.0.column";
    const next = withValue(settingsDocument, key, "mobilephone");
    expect(textAt(next, key)).toBe("mobilephone");
    expect(textAt(settingsDocument, key)).toBe("telephone1");
    expect(next.fields).toBe(settingsDocument.fields);
    expect(withValue(next, key, "telephone1")).toEqual(settingsDocument);
  });

  it("loses a key that is emptied", () => {
    const next = withValue(settingsDocument, "connection.tenant_id", null);
    expect(next.connection).not.toHaveProperty("tenant_id");
  });

  it("has its lists changed by place", () => {
    const list = "identification.contact";
    expect(names(withMoved(settingsDocument, list, 0, 1))).toEqual(["Same phone", "Same e-mail"]);
    expect(names(withoutItem(settingsDocument, list, 0))).toEqual(["Same phone"]);
    expect(names(withItem(settingsDocument, list, 1, { name: "Third" }))).toEqual([
      "Same e-mail",
      "Third",
      "Same phone",
    ]);
  });

  it("is the same as another one that leaves out what says nothing", () => {
    expect(same({ a: 1, b: false, c: [], d: "" }, { a: 1 })).toBe(true);
    expect(same({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(same({ a: 0 }, {})).toBe(false);
  });
});

describe("the place of a key path", () => {
  it.each([
    ["connection.tenant_id", { page: "connection" }],
    ["secret.password", { page: "connection" }],
    ["bridge.port", { page: "connection" }],
    ["identification.lead.3.any.0.column", { page: "rules", rulesOf: "lead", rule: 3 }],
    ["fields.case.0.from", { page: "fields", fieldsOf: "case" }],
    ["recording.exclude.emails.0", { page: "recording" }],
    ["version", { page: "document" }],
  ])("%s", (key, place) => {
    expect(placeOf(key, START)).toMatchObject(place);
  });
});
