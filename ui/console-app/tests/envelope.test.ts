import { expect, test } from "vitest";
import { dialectsOf, parse, payload, question } from "../src/console/envelope";
import { CURRENT_AGENT, CURRENT_CHAT, CURRENT_VISITOR } from "../src/console/names";

const PAGE = "9a2b4c6d-8e0f-4a1b-9c3d-5e7f90a1b2c3";

test("a question has the present envelope, field by field", () => {
  const { trace, text } = question("present", "get", CURRENT_VISITOR, PAGE);
  const message = JSON.parse(text) as Record<string, unknown>;
  expect(message).toEqual({
    action: "get",
    api: "agentconsole.livechat.currentChat.visitor",
    timestamp: expect.any(Number) as number,
    eventTrace: trace,
    uuid: PAGE,
  });
  expect(trace).toMatch(/^agentconsole\.livechat\.currentChat\.visitor_[0-9a-f-]{36}$/);
});

test("a subscription is alive and traced by its name", () => {
  const { text } = question("old-name", "on", CURRENT_CHAT, PAGE);
  expect(JSON.parse(text)).toMatchObject({
    action: "on",
    api: "agentconsole.currentChat",
    alive: true,
    eventTrace: "agentconsole.currentChat",
  });
});

test("a legacy question has nothing but name, action and its odd id", () => {
  const { trace, text } = question("legacy", "get", CURRENT_AGENT, PAGE);
  expect(JSON.parse(text)).toEqual({
    api: "agentconsole.currentAgent",
    action: "get",
    msgId: trace,
  });
  expect(trace).toMatch(
    /^TPE_[0-9a-f]{8}_[0-9a-f]{4}_4[0-9a-f]{3}_[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(JSON.parse(question("legacy", "on", CURRENT_AGENT, PAGE).text)).toMatchObject({
    msgId: "agentconsole.currentAgent",
  });
});

test("a name is tried in every dialect", () => {
  expect(dialectsOf(CURRENT_CHAT)).toEqual(["present", "old-name", "legacy"]);
});

test.each([
  ["an object", { api: "a", action: "on" }],
  ["no JSON", "{"],
  ["a number", "7"],
  ["null", "null"],
  ["a list", "[]"],
  ["no api", '{"action":"on"}'],
  ["no action", '{"api":"a"}'],
  ["an api that is no text", '{"api":7,"action":"on"}'],
])("%s is no message of the console", (_, data) => {
  expect(parse(data)).toBeNull();
});

test.each(["apikey", "apiKey", "APIKEY", "api_key", "api-key", "apiToken", "restApiKey"])(
  "the agent's key goes at the source, however it is written: %s",
  (name) => {
    const secret = "not-for-anybody";
    const message = parse(
      JSON.stringify({
        api: "a",
        action: "get",
        data: { id: 7, [name]: secret, deep: [{ [name]: secret }] },
      }),
    );
    expect(JSON.stringify(message)).not.toContain(secret);
    expect(message).toMatchObject({ data: { id: 7, deep: [{}] } });
  },
);

test.each([
  ["in data", { data: { id: 1 } }, { id: 1 }],
  ["in data twice", { data: { data: { id: 1 } } }, { id: 1 }],
  ["bare", { id: 1, name: "Dana", errorCode: 0, message: "" }, { id: 1, name: "Dana" }],
  ["as null", { data: null }, null],
  ["as text", { data: "42" }, "42"],
  ["nowhere", { errorCode: 0, message: "success", alive: true }, undefined],
  ["in an object that has data of its own", { data: { id: 1, data: 2 } }, { id: 1, data: 2 }],
])("what a message carries is found %s", (_, fields, expected) => {
  expect(payload({ api: "a", action: "get", ...fields })).toEqual(expected);
});
