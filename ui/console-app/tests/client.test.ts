import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConsoleClient, NO_ANSWER } from "../src/console/client";
import { CHAT_STARTED, CURRENT_AGENT, CURRENT_CHAT } from "../src/console/names";
import { ConsoleStub } from "./console-stub";

let console: ConsoleStub;
let client: ConsoleClient;

beforeEach(() => {
  vi.useFakeTimers();
  console = new ConsoleStub();
  client = new ConsoleClient(console.post);
  console.deliver = (text) => client.receive(text);
});

afterEach(() => vi.useRealTimers());

test.each([
  ["present", "present", "agentconsole.livechat.currentChat"],
  ["old-name", "present", "agentconsole.currentChat"],
  ["legacy", "legacy", "agentconsole.currentChat"],
] as const)("a console that speaks %s is found and remembered", async (dialect, envelope, name) => {
  console.envelope = envelope;
  console.values.set(name, { id: "c1" });
  expect(await client.get(CURRENT_CHAT)).toEqual({ errorCode: 0, value: { id: "c1" }, dialect });
  expect(client.dialectOf(CURRENT_CHAT)).toBe(dialect);
  expect(console.asked).toHaveLength(3);
  await client.get(CURRENT_CHAT);
  expect(console.asked).toHaveLength(4);
});

test("a name that nobody answers is our own error 100 after five seconds", async () => {
  const answer = client.get(CURRENT_AGENT);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(client.isSilent(CURRENT_AGENT)).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await answer).toMatchObject({ errorCode: NO_ANSWER });
  expect(client.isSilent(CURRENT_AGENT)).toBe(true);
});

test("a console that changes its dialect is found again", async () => {
  console.values.set("agentconsole.currentChat", { id: 1 });
  await client.get(CURRENT_CHAT);
  console.values.clear();
  console.values.set("agentconsole.livechat.currentChat", { id: 2 });
  const answer = client.get(CURRENT_CHAT);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await answer).toMatchObject({ errorCode: NO_ANSWER });
  expect(await client.get(CURRENT_CHAT)).toMatchObject({ value: { id: 2 }, dialect: "present" });
});

test("an error of one name does not hide the answer of the other", async () => {
  const answer = client.get(CURRENT_CHAT);
  const [first, second] = console.asked;
  client.receive(JSON.stringify({ ...first, errorCode: 1, message: "no" }));
  client.receive(JSON.stringify({ ...second, data: { id: 3 }, errorCode: 0 }));
  expect(await answer).toMatchObject({ errorCode: 0, value: { id: 3 } });
});

test("an error is reported when every name gave one", async () => {
  const answer = client.get(CURRENT_CHAT);
  for (const asked of console.asked) {
    client.receive(JSON.stringify({ ...asked, errorCode: 1, message: "no" }));
  }
  expect(await answer).toEqual({ errorCode: 1, message: "no" });
});

test("an answer without a trace is taken by its name, one with a strange trace is not", async () => {
  const answer = client.get(CURRENT_CHAT);
  const api = "agentconsole.currentChat";
  client.receive(JSON.stringify({ api, action: "get", eventTrace: "other", data: { id: "x" } }));
  client.receive(JSON.stringify({ api, action: "get", data: { id: "y" } }));
  expect(await answer).toMatchObject({ value: { id: "y" } });
});

test("an event is heard under each name, its subscription's echo is not", () => {
  const heard: unknown[] = [];
  client.on(CHAT_STARTED, (value) => heard.push(value));
  expect(console.asked.map(({ api }) => api)).toEqual([
    "agentconsole.livechat.chats.chatStarted",
    "agentconsole.chats.chatStarted",
    "agentconsole.chats.chatStarted",
  ]);
  for (const asked of console.asked) {
    client.receive(JSON.stringify({ ...asked, errorCode: 0, message: "success" }));
  }
  expect(heard).toEqual([]);
  console.announce("agentconsole.livechat.chats.chatStarted", { id: 1 });
  console.announce("agentconsole.chats.chatStarted", { id: 2 }, {});
  console.announce("agentconsole.chats.chatEnded", { id: 3 });
  expect(heard).toEqual([{ id: 1 }, { id: 2 }]);
});

test("a legacy event that wants a confirmation gets one", () => {
  client.on(CHAT_STARTED, () => undefined);
  const api = "agentconsole.chats.chatStarted";
  console.announce(api, { id: 1 }, { msgId: api, eventTrace: "trace-1" });
  console.announce("other", { id: 1 }, { msgId: "other", eventTrace: "trace-2" });
  expect(console.asked.slice(-2)).toEqual([
    { api: "trace-1", action: "on-status", params: true, msgId: "trace-1" },
    { api: "trace-2", action: "on-status", params: false, msgId: "trace-2" },
  ]);
});
