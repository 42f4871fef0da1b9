import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UNTRIED } from "../src/bridge/connection";
import { Lead, WAIT_MS } from "../src/lead";
import type { AppState, Command } from "../src/state";
import { FakeWindow } from "./windows";

const ORIGIN = "http://127.0.0.1:47710";
const STATE: AppState = {
  variant: "direct",
  companion: ORIGIN,
  connection: UNTRIED,
  console: null,
  chat: null,
};

/** A page of the app, with what it was asked to do. */
class Page {
  readonly frame: FakeWindow;
  readonly lead: Lead;
  readonly obeyed: Command[] = [];
  isLeading = false;
  shown = 0;

  constructor(kind: "bridge" | "tab", agentConsole: FakeWindow, origin = ORIGIN) {
    this.frame = new FakeWindow(kind, origin, agentConsole);
    this.lead = new Lead(this.frame.window, kind, {
      lead: () => {
        this.isLeading = true;
        this.lead.publish(STATE);
      },
      yield: () => (this.isLeading = false),
      show: () => (this.shown += 1),
      obey: (command) => this.obeyed.push(command),
    });
  }
}

let agentConsole: FakeWindow;

beforeEach(() => {
  vi.useFakeTimers();
  agentConsole = new FakeWindow("console", "https://dash11.comm100.io");
});

afterEach(() => vi.useRealTimers());

function open(kind: "bridge" | "tab", window = agentConsole): Page {
  const page = new Page(kind, window);
  const { frame } = page;
  // A browser delivers later, and knows the sender; these pages post to each other only through their own frame.
  frame.postMessage = (message: Record<string, unknown>, target: string) => {
    const sender = speaking;
    if (target !== frame.location.origin || !sender) return;
    setTimeout(() => {
      speaking = page;
      frame.hear(sender.frame, message);
      speaking = null;
    });
  };
  as(page, () => page.lead.start());
  return page;
}

let speaking: Page | null = null;

/** Runs code of a page, so that what it posts comes from there. */
function as(page: Page, run: () => void): void {
  speaking = page;
  run();
  speaking = null;
}

test("a background page leads at once and answers a tab", async () => {
  const bridge = open("bridge");
  expect(bridge.isLeading).toBe(true);
  const tab = open("tab");
  await vi.advanceTimersByTimeAsync(WAIT_MS / 2);
  expect(tab.isLeading).toBe(false);
  expect(tab.shown).toBe(1);
  as(tab, () => tab.lead.command({ type: "retry" }));
  await vi.advanceTimersByTimeAsync(0);
  expect(bridge.obeyed).toEqual([{ type: "retry" }]);
  expect(tab.obeyed).toEqual([]);
});

test("a tab alone leads after a while, and obeys itself", async () => {
  const tab = open("tab");
  await vi.advanceTimersByTimeAsync(WAIT_MS - 1);
  expect(tab.isLeading).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(tab.isLeading).toBe(true);
  tab.lead.command({ type: "forget" });
  expect(tab.obeyed).toEqual([{ type: "forget" }]);
});

test("the pages of another console window have a leader of their own", async () => {
  open("bridge");
  const other = open("tab", new FakeWindow("other console", "https://dash11.comm100.io"));
  await vi.advanceTimersByTimeAsync(WAIT_MS);
  expect(other.isLeading).toBe(true);
});

test("a page of another origin is neither asked nor obeyed", () => {
  const bridge = open("bridge");
  const stranger = new FakeWindow("stranger", "https://evil.example", agentConsole);
  bridge.frame.hear(stranger, {
    protocol: "dynamics-companion/pages",
    type: "command",
    command: { type: "forget" },
  });
  expect(bridge.obeyed).toEqual([]);
  expect(stranger.posted).toEqual([]);
});
