import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";
import type { View } from "../backend";
import { App } from "../app/App";
import { FakeBackend } from "../fixtures/fakeBackend";
import { timelineStates } from "../fixtures/timeline";
import { NOW, states } from "../fixtures/views";

async function show(first: View) {
  const backend = new FakeBackend(first);
  render(<App backend={backend} />);
  await act(() => Promise.resolve());
  return backend;
}

const timeline = () => screen.getByRole("region", { name: "Timeline" });
const lines = (name: string) => within(screen.getByRole("list", { name })).getAllByRole("listitem");

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});

it("shows what is open before what is over, with state, age and a way into Dynamics", async () => {
  const backend = await show(timelineStates["timeline-live"]);
  const [first, second, third] = lines("Open");
  expect(first).toHaveTextContent("Pallet scanner does not charge in the cradle");
  expect(first).toHaveTextContent("In Progress");
  expect(first).toHaveTextContent("CAS-01042-X7K2");
  expect(first).toHaveTextContent("2 h ago");
  expect(second).toHaveTextContent("Northwind Traders");
  expect(third).toHaveTextContent(/Overdue since \S+ 1, 2026/);
  expect(timeline()).toHaveTextContent("from Dynamics, just now");
  expect(lines("Lately")).toHaveLength(5);
  expect(lines("Lately")[2]).toHaveTextContent("Note without a title");
  fireEvent.click(screen.getByRole("button", { name: "Show 2 more" }));
  expect(lines("Lately")).toHaveLength(7);
  fireEvent.click(screen.getByRole("button", { name: "Open Contract 2026 (signed) in Dynamics" }));
  await act(() => Promise.resolve());
  expect(backend.asked.at(-1)).toBe("openRecord contact c1");
});

it("shows the open cases that come first while the rest is read", async () => {
  await show(timelineStates["timeline-ahead"]);
  expect(timeline()).toHaveAttribute("aria-busy", "true");
  expect(lines("Open")).toHaveLength(1);
});

it.each([
  ["timeline-loading", "Reading cases, activities and notes…"],
  ["timeline-empty", "No cases, activities or notes."],
  ["timeline-failed", "Dynamics does not answer"],
  ["timeline-incomplete", "A part of the timeline is missing."],
  ["timeline-offline", "from the cache, 12 minutes old"],
] as const)("%s says so", async (name, said) => {
  await show(timelineStates[name]);
  expect(timeline()).toHaveTextContent(said);
});

it("is not there for nobody", async () => {
  await show(states.live);
  expect(screen.queryByRole("region", { name: "Timeline" })).toBeNull();
});
