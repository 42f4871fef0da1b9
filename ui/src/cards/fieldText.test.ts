import { expect, it } from "vitest";
import { field } from "../fixtures/views";
import { texts } from "../texts";
import { formatDateTime } from "../time";
import { fieldText } from "./fieldText";

it("prefers Dynamics' own formatting", () => {
  expect(fieldText(field("f", "F", "money", "12.5", "€12,50"))).toBe("€12,50");
});

it.each([
  ["text", null],
  ["text", ""],
  ["text", "  "],
] as const)("has nothing to show for %s %j", (kind, value) => {
  expect(fieldText(field("f", "F", kind, value))).toBeNull();
});

it.each([
  ["number", "1840", new Intl.NumberFormat().format(1840)],
  ["number", "9007199254740993", new Intl.NumberFormat().format(9007199254740993n)],
  ["number", "many", "many"],
  ["boolean", "true", texts.yes],
  ["boolean", "false", texts.no],
  ["boolean", "maybe", "maybe"],
  ["datetime", "2026-03-02T10:00:00Z", formatDateTime(Date.UTC(2026, 2, 2, 10))],
  ["datetime", "yesterday", "yesterday"],
  ["date", "soon", "soon"],
  ["choice", "1", "1"],
  ["email", "a@b.example", "a@b.example"],
] as const)("formats %s %s", (kind, value, shown) => {
  expect(fieldText(field("f", "F", kind, value, null))).toBe(shown);
});

it("keeps a date's day in every time zone", () => {
  expect(fieldText(field("f", "F", "date", "1984-06-21", null))).toContain("21");
});
