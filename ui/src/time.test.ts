import { expect, it } from "vitest";
import { countdown, instant, spanOf } from "./time";

const MINUTE = 60_000;

it.each([
  [-5 * MINUTE, { unit: "moment" }],
  [59_999, { unit: "moment" }],
  [MINUTE, { unit: "minute", count: 1 }],
  [59.9 * MINUTE, { unit: "minute", count: 59 }],
  [60 * MINUTE, { unit: "hour", count: 1 }],
  [24 * 60 * MINUTE, { unit: "day", count: 1 }],
])("%d ms", (milliseconds, span) => {
  expect(spanOf(milliseconds)).toEqual(span);
});

it.each([
  [167_000, "2:47"],
  [167_999, "2:47"],
  [999, "0:00"],
  [0, "0:00"],
  [-9_000, "0:00"],
])("counts %d ms down as %s", (milliseconds, shown) => {
  expect(countdown(milliseconds)).toBe(shown);
});

it("knows what is no time", () => {
  expect(instant(null)).toBeNull();
  expect(instant("soon")).toBeNull();
  expect(instant("2026-03-02T10:00:00+01:00")).toBe(Date.UTC(2026, 2, 2, 9));
});
