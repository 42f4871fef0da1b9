import { expect, it } from "vitest";
import { hostileStates } from "../fixtures/hostile";
import { states, view } from "../fixtures/views";
import { announcement } from "./announce";

it.each([
  ["idle", "No chat selected."],
  ["looking", "Visitor changed: Dana Whitfield, looking in Dynamics."],
  [
    "cached",
    "Visitor changed: Dana Whitfield, contact found: Dana Whitfield, account found: Northwind Traders, no lead.",
  ],
  ["nothing-found", "Visitor changed: Dana Whitfield, no contact, no account, no lead."],
  ["unidentifiable", "Visitor changed: Visitor without a name, nothing to look up by."],
  [
    "lead-failed",
    "Visitor changed: Dana Whitfield, contact found: Dana Whitfield, account found: Northwind Traders, the lead could not be looked up.",
  ],
  [
    "contact-failed-cached",
    "Visitor changed: Dana Whitfield, contact found: Dana Whitfield, not confirmed by Dynamics, account found: Northwind Traders, no lead.",
  ],
  ["failed", "Visitor changed: Dana Whitfield, the look-up failed."],
  [
    "offline-unknown",
    "Visitor changed: Dana Whitfield, Dynamics cannot be reached, no contact, no account, no lead.",
  ],
] as const)("%s", (state, sentence) => {
  expect(announcement(view(states[state]))).toBe(sentence);
});

it("does not speak again when the cached answer is confirmed", () => {
  const { cached } = states;
  const confirmed = { ...cached, recognition: { ...cached.recognition, state: "live" as const } };
  expect(announcement(confirmed)).toBe(announcement(cached));
});

it("stays short for a long name", () => {
  expect(announcement(hostileStates.long).length).toBeLessThan(500);
});
