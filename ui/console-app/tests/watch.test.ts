import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ConsoleEvent } from "../src/bridge/contract";
import { ConsoleClient } from "../src/console/client";
import { ConsoleWatch, type ConsoleView, POLL_MS, siteOf } from "../src/console/watch";
import { ConsoleStub } from "./console-stub";

const CHAT = "agentconsole.livechat.currentChat";
const VISITOR = `${CHAT}.visitor`;
const SELECT = `${CHAT}.selectChange`;
const SITE = { siteId: "20001", domain: "dash11.comm100.io" };
const DANA = { id: "C1", visitorId: "V1", name: "Dana", email: "d@example.com", fields: [] };
const OLE = { id: "C2", visitorId: "V2", name: "Ole" };

let console: ConsoleStub;
let events: ConsoleEvent[];
let view: ConsoleView | null;
let watch: ConsoleWatch;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_721_224_970_000 });
  console = new ConsoleStub();
  console.values.set("currentAgent", {
    id: "A1",
    name: "Robin",
    email: "robin@example.com",
    status: "online",
    permissions: [1],
    apikey: "secret",
  });
  console.values.set(CHAT, null);
  console.values.set(VISITOR, null);
  events = [];
  view = null;
  const client = new ConsoleClient(console.post);
  console.deliver = (text) => client.receive(text);
  watch = new ConsoleWatch(client, SITE, {
    event: (event) => events.push(event),
    view: (news) => (view = news),
  });
});

afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

function kinds(): string[] {
  return events.map(({ kind, chat }) => `${kind} ${JSON.stringify(chat?.["id"] ?? null)}`);
}

test("the agent is three fields, and never the key", async () => {
  watch.start();
  await settle();
  expect(events.find(({ kind }) => kind === "agent")).toEqual({
    source: "console-app",
    kind: "agent",
    sentAt: 1_721_224_970_000,
    site: SITE,
    agent: { id: "A1", name: "Robin", email: "robin@example.com" },
    chat: null,
    visitor: null,
  });
  expect(JSON.stringify(events)).not.toContain("secret");
});

test("what is selected at the start is reported, once", async () => {
  console.values.set(CHAT, DANA);
  console.values.set(VISITOR, { id: "v1", email: "d@example.com" });
  watch.start();
  await settle();
  expect(kinds()).toContain('selected "C1"');
  expect(events.find(({ kind }) => kind === "selected")?.visitor).toMatchObject({ id: "v1" });
  const before = events.length;
  await vi.advanceTimersByTimeAsync(3 * POLL_MS);
  expect(events).toHaveLength(before);
  expect(view).toMatchObject({ dialect: "present", chat: { id: "C1" } });
});

test("a selection is reported with the console's own view of it, not twice for two names", async () => {
  watch.start();
  await settle();
  events.length = 0;
  console.values.set(CHAT, DANA);
  console.values.set(VISITOR, { id: "V1" });
  console.announce(SELECT, DANA);
  console.announce("agentconsole.currentChat.selectChange", DANA);
  await settle();
  expect(kinds()).toEqual(['selected "C1"']);
});

test("a console that answers late does not undo the selection", async () => {
  console.values.set(CHAT, DANA);
  console.values.set(VISITOR, { id: "V1" });
  watch.start();
  await settle();
  events.length = 0;
  console.announce(SELECT, OLE);
  await settle();
  expect(kinds()).toEqual(['selected "C2"']);
  expect(events[0]?.visitor).toBeNull();
});

test("back and forth within a second ends on the last one", async () => {
  watch.start();
  await settle();
  events.length = 0;
  for (const chat of [DANA, OLE, DANA]) {
    console.values.set(CHAT, chat);
    console.announce(SELECT, chat);
    console.announce("agentconsole.currentChat.selectChange", chat);
    await settle();
  }
  expect(kinds()).toEqual(['selected "C1"', 'selected "C2"', 'selected "C1"']);
});

test.each([
  ["chats.chatStarted", "started"],
  ["chats.chatEnded", "ended"],
  ["chat.request", "requested"],
  ["currentChat.submitWrapup", "wrapup"],
])("%s is reported as %s, and its echo is not", async (name, kind) => {
  watch.start();
  await settle();
  events.length = 0;
  const chat = { ...OLE, messages: [{ content: "<b>bye</b>" }] };
  console.announce(`agentconsole.livechat.${name}`, chat);
  console.announce(`agentconsole.${name}`, chat);
  await settle();
  expect(kinds()).toEqual([`${kind} "C2"`]);
  expect(events[0]?.chat).toEqual(chat);
  await vi.advanceTimersByTimeAsync(1_000);
  console.announce(`agentconsole.${name}`, chat);
  await settle();
  expect(events).toHaveLength(2);
});

test("a request that carries chat and visitor is taken apart", async () => {
  watch.start();
  await settle();
  events.length = 0;
  console.announce("agentconsole.livechat.chat.request", { chat: OLE, visitor: { id: "V2" } });
  expect(events[0]).toMatchObject({ kind: "requested", chat: OLE, visitor: { id: "V2" } });
});

test.each([["name"], ["email"], ["phone"], ["company"], ["fields"]])(
  "an edited %s is noticed by the next reading",
  async (field) => {
    console.values.set(CHAT, DANA);
    watch.start();
    await settle();
    events.length = 0;
    console.values.set(CHAT, { ...DANA, [field]: "edited" });
    await vi.advanceTimersByTimeAsync(POLL_MS);
    expect(kinds()).toEqual(['updated "C1"']);
  },
);

test("what changes all the time is no news", async () => {
  console.values.set(CHAT, { ...DANA, duration: 1 });
  watch.start();
  await settle();
  events.length = 0;
  console.values.set(CHAT, { ...DANA, duration: 16, messages: [{}] });
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(events).toEqual([]);
});

test("a console without selection events is followed by reading", async () => {
  watch.start();
  await settle();
  events.length = 0;
  console.values.set(CHAT, OLE);
  await vi.advanceTimersByTimeAsync(POLL_MS);
  console.values.set(CHAT, null);
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(kinds()).toEqual(['selected "C2"', "selected null"]);
});

test("a console that never says what is current is followed by its events, without waiting", async () => {
  console.values.clear();
  watch.start();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(view).toMatchObject({ dialect: "silent" });
  console.announce(SELECT, DANA);
  await settle();
  expect(kinds()).toEqual(['selected "C1"']);
  expect(events[0]?.agent).toBeNull();
});

test("the visitor's new state is reported with their chat", async () => {
  console.values.set(CHAT, DANA);
  watch.start();
  await settle();
  events.length = 0;
  const api = `${VISITOR}.status.change`;
  console.announce(api, { id: "V9", status: "chatting" });
  console.announce(api, { id: "v1", status: "chat ended" });
  console.announce("agentconsole.currentChat.visitor.status.change", {
    id: "v1",
    status: "chat ended",
  });
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ kind: "updated", chat: { id: "C1" }, visitor: { id: "v1" } });
});

test("fields are left as the console wrote them", async () => {
  const odd = { id: 42, visitorId: "7", requestTime: "1721224925", unknown: [{ a: null }] };
  console.values.set(CHAT, odd);
  watch.start();
  await settle();
  expect(events.find(({ kind }) => kind === "selected")?.chat).toEqual(odd);
});

test.each([
  ["?siteId=20001&domain=d.example&agentId=x", { siteId: "20001", domain: "d.example" }],
  ["?SITEID=20001", { siteId: "20001", domain: "" }],
  ["?agentid=x", null],
  ["", null],
])("the site of %j", (query, site) => {
  expect(siteOf(query)).toEqual(site);
});
