import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ConnectionState, UNTRIED } from "../src/bridge/connection";
import type { ConsoleEvent } from "../src/bridge/contract";
import { Relay } from "../src/bridge/relay";
import { RelayedConnection } from "../src/bridge/relayed";
import { FakeWindow, message } from "./windows";

const COMPANION = "http://127.0.0.1:47710";
const PACKAGE = "https://apps.comm100.io";
const PROTOCOL = "dynamics-companion/relay";
const EVENT: ConsoleEvent = {
  source: "console-app",
  kind: "ended",
  sentAt: 1,
  site: null,
  agent: null,
  chat: { id: "c1" },
  visitor: null,
};
const ONLINE: ConnectionState = { ...UNTRIED, stage: "online" };

let agentConsole: FakeWindow;
let page: FakeWindow;

beforeEach(() => {
  vi.useFakeTimers();
  agentConsole = new FakeWindow("console", "https://dash11.comm100.io");
  page = new FakeWindow("bridge", PACKAGE, agentConsole);
});

afterEach(() => vi.useRealTimers());

function relay() {
  const target = {
    state: ONLINE,
    sendQueued: vi.fn(),
    pair: vi.fn(),
    forget: vi.fn(),
    retry: vi.fn(),
  };
  return { target, relay: new Relay(agentConsole.window, ["https://*.comm100.io"], target) };
}

test("the relay passes a console page's messages on", () => {
  const { target, relay: relaying } = relay();
  relaying.receive(message(page, { protocol: PROTOCOL, type: "hello", name: "Site 1" }));
  relaying.receive(message(page, { protocol: PROTOCOL, type: "event", id: "1", event: EVENT }));
  relaying.receive(message(page, { protocol: PROTOCOL, type: "pair", code: "123456" }));
  relaying.receive(message(page, { protocol: PROTOCOL, type: "forget" }));
  relaying.receive(message(page, { protocol: PROTOCOL, type: "retry" }));
  expect(relaying.name).toBe("Site 1");
  expect(target.sendQueued).toHaveBeenCalledWith({ id: "1", event: EVENT });
  expect(target.pair).toHaveBeenCalledWith("123456");
  expect(target.forget).toHaveBeenCalledOnce();
  expect(target.retry).toHaveBeenCalledOnce();
});

test.each([
  ["another site's frame in the console", "https://evil.example", true],
  ["the console's site in another window", "https://dash11.comm100.io", false],
  ["a look-alike", "https://comm100.io.evil.example", true],
])("the relay passes nothing on for %s", (_, origin, isInside) => {
  const { target, relay: relaying } = relay();
  const stranger = new FakeWindow("stranger", origin, isInside ? agentConsole : undefined);
  relaying.receive(message(stranger, { protocol: PROTOCOL, type: "hello", name: "x" }));
  relaying.receive(message(stranger, { protocol: PROTOCOL, type: "event", id: "1", event: EVENT }));
  relaying.receive(message(stranger, { protocol: PROTOCOL, type: "pair", code: "123456" }));
  relaying.receive(message(stranger, { protocol: PROTOCOL, type: "forget" }));
  relaying.changed(ONLINE);
  relaying.settled("1");
  expect(target.sendQueued).not.toHaveBeenCalled();
  expect(target.pair).not.toHaveBeenCalled();
  expect(target.forget).not.toHaveBeenCalled();
  expect(stranger.posted).toEqual([]);
});

test.each([
  ["no message", null],
  ["another protocol", { protocol: "x", type: "forget" }],
  ["an unknown type", { protocol: PROTOCOL, type: "token" }],
  ["an event without an id", { protocol: PROTOCOL, type: "event", event: EVENT }],
  [
    "an event of another source",
    { protocol: PROTOCOL, type: "event", id: "1", event: { source: "x", kind: "ended" } },
  ],
  ["a code that is no text", { protocol: PROTOCOL, type: "pair", code: 123456 }],
])("the relay ignores %s", (_, data) => {
  const { target, relay: relaying } = relay();
  relaying.receive(message(page, data));
  for (const hand of [target.sendQueued, target.pair, target.forget, target.retry]) {
    expect(hand).not.toHaveBeenCalled();
  }
});

test("the relay's announcement carries nothing, its answers go to the page's own origin", () => {
  const { relay: relaying } = relay();
  relaying.announce();
  expect(page.posted).toEqual([{ message: { protocol: PROTOCOL, type: "here" }, target: "*" }]);
  expect(agentConsole.posted).toHaveLength(1);
  relaying.receive(message(page, { protocol: PROTOCOL, type: "hello", name: "Site 1" }));
  relaying.changed(ONLINE);
  relaying.settled("1");
  expect(page.posted.slice(1).map(({ target }) => target)).toEqual([PACKAGE, PACKAGE, PACKAGE]);
});

function relayed() {
  const states: ConnectionState[] = [];
  const connection = new RelayedConnection({
    companion: COMPANION,
    name: () => "Site 1",
    listener: { changed: (state) => states.push(state) },
  });
  connection.start();
  return connection;
}

test("a page hands its events to the relay window, and keeps them until they are settled", () => {
  const connection = relayed();
  connection.send(EVENT);
  expect(connection.state).toMatchObject({ stage: "relay-closed", waiting: 1 });
  const popup = new FakeWindow("relay", COMPANION);
  connection.receive(message(popup, { protocol: PROTOCOL, type: "here" }));
  connection.receive(message(popup, { protocol: PROTOCOL, type: "here" }));
  expect(popup.posted.map(({ message: { type } }) => type)).toEqual(["hello", "event"]);
  expect(popup.posted.every(({ target }) => target === COMPANION)).toBe(true);
  connection.receive(message(popup, { protocol: PROTOCOL, type: "state", state: ONLINE }));
  expect(connection.state).toMatchObject({ stage: "online", waiting: 1 });
  const id = popup.posted[1]?.message["id"];
  connection.receive(message(popup, { protocol: PROTOCOL, type: "settled", id }));
  expect(connection.state.waiting).toBe(0);
});

test.each([
  ["https://evil.example"],
  ["http://127.0.0.1:47711"],
  ["https://127.0.0.1:47710"],
  ["http://localhost:47710"],
])("a page tells nothing to a window of %s", (origin) => {
  const connection = relayed();
  connection.send(EVENT);
  const stranger = new FakeWindow("stranger", origin);
  connection.receive(message(stranger, { protocol: PROTOCOL, type: "here" }));
  connection.receive(message(stranger, { protocol: PROTOCOL, type: "state", state: ONLINE }));
  expect(stranger.posted).toEqual([]);
  expect(connection.state.stage).toBe("relay-closed");
});

test("a relay window that was navigated elsewhere hears nothing", () => {
  const connection = relayed();
  const popup = new FakeWindow("relay", COMPANION);
  connection.receive(message(popup, { protocol: PROTOCOL, type: "here" }));
  const before = popup.posted.length;
  popup.location.origin = "https://evil.example";
  connection.send(EVENT);
  expect(popup.posted).toHaveLength(before);
});

test("only the window that was adopted speaks for the companion", () => {
  const connection = relayed();
  const popup = new FakeWindow("relay", COMPANION);
  const other = new FakeWindow("other", COMPANION);
  connection.receive(message(popup, { protocol: PROTOCOL, type: "here" }));
  connection.receive(message(other, { protocol: PROTOCOL, type: "state", state: ONLINE }));
  expect(connection.state.stage).toBe("connecting");
});

test("a relay window that is closed is noticed", async () => {
  const connection = relayed();
  const popup = new FakeWindow("relay", COMPANION);
  connection.receive(message(popup, { protocol: PROTOCOL, type: "here" }));
  popup.closed = true;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(connection.state.stage).toBe("relay-closed");
});

test("a relay window that never reports is given up", async () => {
  const connection = relayed();
  connection.opened();
  expect(connection.state.stage).toBe("relay-opening");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(connection.state).toMatchObject({
    stage: "relay-closed",
    problem: { code: "relay_silent" },
  });
});
