import { expect, expectEvent, expectSelected, insideOf, test } from "./fixtures";
import { AGENT, DANA, OLE, SECRET } from "./story";

const ONLINE = "Connected to Dynamics Companion on this computer";
const UNPAIRED = /not paired/;

for (const mode of ["present", "old-name", "legacy"] as const) {
  test(`a console that speaks ${mode} is paired and followed`, async ({
    agentConsole,
    companion,
    consoleOrigin,
    served,
  }) => {
    expect(JSON.stringify(AGENT[mode])).toContain(SECRET);
    const frames: string[] = [];
    agentConsole.page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => frames.push(String(payload)));
    });
    await agentConsole.open(consoleOrigin, mode);
    await agentConsole.install(served);
    await agentConsole.expectPresence(UNPAIRED);
    await agentConsole.pair(await companion.pairingCode());
    await agentConsole.expectPresence(ONLINE);

    const agent = await expectEvent(companion, "agent", null);
    await agentConsole.act("select", DANA);
    const selected = await expectEvent(companion, "selected", DANA);
    await expectSelected(agentConsole, companion, DANA);
    await agentConsole.act("start", OLE);
    await expectEvent(companion, "started", OLE);
    await agentConsole.act("request", OLE);
    await expectEvent(companion, "requested", OLE);
    await agentConsole.act("wrapUp", DANA);
    await expectEvent(companion, "wrapup", DANA);
    await agentConsole.act("end", DANA);
    const ended = await expectEvent(companion, "ended", DANA);

    const id = mode === "legacy" ? 7 : "0d5c7e69-f214-4a83-9b7e-c8f1a2d3b455";
    if (companion.bridge) {
      expect(agent["agent"]).toEqual({ id, name: "Robin", email: "robin@example.com" });
      expect(selected).toMatchObject({
        source: "console-app",
        site: { siteId: "20001", domain: "dash11.comm100.io" },
        chat: { email: "dana.vermeer@example.com", phone: "+31 30 555 0142" },
        visitor: { email: "dana.vermeer@example.com" },
      });
      expect(ended).toMatchObject({
        chat: { messages: [{ content: "My invoice is <b>wrong</b>." }] },
      });
      expect(companion.bridge.texts.join("\n")).not.toContain(SECRET);
      const kinds = companion.bridge.events.map(({ event }) => event["kind"]);
      expect(kinds.filter((kind) => kind === "ended")).toHaveLength(1);
      expect(companion.bridge.connected).toBe(1);
    }
    expect(frames.length).toBeGreaterThan(5);
    expect(frames.join("\n")).not.toContain(SECRET);
    await expect(agentConsole.tab.locator("#visitor")).toHaveText("Dana Vermeer");
    await expect(agentConsole.tab.getByRole("link", { name: /Open this chat/ })).toHaveAttribute(
      "href",
      new RegExp(`^dynamics-companion://chat\\?siteId=20001&chatId=${DANA}&visitorId=`),
    );
  });
}

test("the tab shows whether the visitor was recognized", async ({
  agentConsole,
  companion,
  consoleOrigin,
  served,
}) => {
  const bridge = insideOf(companion);
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(served);
  await agentConsole.pair(bridge.openPairing());
  await agentConsole.expectPresence(ONLINE);
  await agentConsole.act("select", DANA);
  const recognition = agentConsole.tab.locator("#recognition");
  await expect(recognition).toHaveText("Looking in Dynamics…");
  bridge.status(DANA, true);
  await expect(recognition).toHaveText("Recognized in Dynamics");
  bridge.status(DANA, false);
  await expect(recognition).toHaveText("Not found in Dynamics");
  await agentConsole.act("select", OLE);
  await expect(agentConsole.tab.locator("#visitor")).toContainText(
    '<img src=x onerror="alert(1)">',
  );
  await expect(recognition).toHaveText("Looking in Dynamics…");
});

test("a wrong code is refused with its next step, and the right one is taken afterwards", async ({
  agentConsole,
  companion,
  consoleOrigin,
  served,
}) => {
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(served);
  const problem = agentConsole.tab.getByRole("alert");
  await agentConsole.pair("12345");
  await expect(problem).toContainText("A code has six digits.");
  const code = await companion.pairingCode();
  await agentConsole.pair(code === "000000" ? "111111" : "000000");
  await expect(problem).toContainText("pairing_code_wrong");
  await agentConsole.expectPresence(UNPAIRED);
  const input = agentConsole.tab.getByLabel("Code shown by Dynamics Companion");
  await input.fill(code);
  await input.press("Enter");
  await agentConsole.expectPresence(ONLINE);
  await expect(problem).toBeHidden();
});

test("a code that nobody asked for, or that is too old, is refused", async ({
  agentConsole,
  companion,
  consoleOrigin,
  served,
}) => {
  const bridge = insideOf(companion);
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(served);
  await agentConsole.pair("123456");
  await expect(agentConsole.tab.getByRole("alert")).toContainText("pairing_not_open");
  await agentConsole.pair(bridge.openPairing(-1));
  await expect(agentConsole.tab.getByRole("alert")).toContainText("pairing_code_expired");
});

test("the pairing outlives a reload", async ({
  agentConsole,
  companion,
  consoleOrigin,
  served,
}) => {
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(served);
  await agentConsole.pair(await companion.pairingCode());
  await agentConsole.expectPresence(ONLINE);
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(served);
  await agentConsole.expectPresence(ONLINE);
  await agentConsole.act("select", DANA);
  await expectSelected(agentConsole, companion, DANA);
});

test("the pairing ends when it is revoked", async ({
  agentConsole,
  companion,
  consoleOrigin,
  served,
}) => {
  const bridge = insideOf(companion);
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(served);
  await agentConsole.pair(bridge.openPairing());
  await agentConsole.expectPresence(ONLINE);
  bridge.revoke();
  await agentConsole.expectPresence(UNPAIRED);
  await expect(agentConsole.tab.getByRole("alert")).toContainText("token_revoked");
  await agentConsole.pair(bridge.openPairing());
  await agentConsole.expectPresence(ONLINE);
});

test("what happens while the companion is away reaches it once it is back", async ({
  agentConsole,
  companion,
  consoleOrigin,
  served,
}) => {
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(served);
  await agentConsole.pair(await companion.pairingCode());
  await agentConsole.expectPresence(ONLINE);
  await expect(agentConsole.tab.locator("#waiting")).toBeHidden();
  await companion.stop();
  await agentConsole.expectPresence("Dynamics Companion is not running on this computer");
  await agentConsole.act("select", OLE);
  await expect(agentConsole.tab.locator("#waiting")).toHaveText(/One update/);
  await agentConsole.act("end", DANA);
  await expect(agentConsole.tab.locator("#waiting")).toHaveText(/2 updates/);
  companion.bridge?.events.splice(0);
  await companion.start();
  await agentConsole.tab.getByRole("button", { name: "Try again" }).click();
  await agentConsole.expectPresence(ONLINE);
  await expect(agentConsole.tab.locator("#waiting")).toBeHidden();
  await expectSelected(agentConsole, companion, OLE);
  await expectEvent(companion, "ended", DANA);
  if (!companion.bridge) return;
  const kinds = companion.bridge.events.map(({ event }) => event["kind"]);
  expect(kinds).toEqual(["selected", "ended"]);
});

test("an event that was not acknowledged is sent again under the same id", async ({
  agentConsole,
  companion,
  consoleOrigin,
  served,
}) => {
  const bridge = insideOf(companion);
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(served);
  await agentConsole.pair(bridge.openPairing());
  await agentConsole.expectPresence(ONLINE);
  await expectEvent(companion, "selected", null);
  bridge.acknowledges = false;
  await agentConsole.act("end", DANA);
  await expectEvent(companion, "ended", DANA);
  bridge.acknowledges = true;
  bridge.disconnect();
  const ended = () => bridge.events.filter(({ event }) => event["kind"] === "ended");
  await expect.poll(() => ended().length).toBe(2);
  expect(new Set(ended().map(({ id }) => id)).size).toBe(1);
  await agentConsole.expectPresence(ONLINE);
});

test("a tab alone does the work, until the background page is there", async ({
  agentConsole,
  companion,
  consoleOrigin,
  served,
}) => {
  const bridge = insideOf(companion);
  await agentConsole.open(consoleOrigin);
  await agentConsole.show("tab", served.tab);
  await agentConsole.pair(bridge.openPairing());
  await agentConsole.expectPresence(ONLINE);
  await agentConsole.act("select", DANA);
  await expectEvent(companion, "selected", DANA);
  bridge.events.length = 0;
  await agentConsole.show("background", served.background);
  await expectEvent(companion, "selected", DANA);
  await expect.poll(() => bridge.connected).toBe(1);
  await agentConsole.expectPresence(ONLINE);
  bridge.events.length = 0;
  await agentConsole.act("end", OLE);
  await expectEvent(companion, "ended", OLE);
  await agentConsole.show("background", null);
  await agentConsole.act("select", OLE);
  await expectEvent(companion, "selected", OLE);
  expect(bridge.events.filter(({ event }) => event["kind"] === "ended")).toHaveLength(1);
});

test("a page that is no console cannot frame the app", async ({
  agentConsole,
  companion,
  foreignOrigin,
  served,
}) => {
  const refused = agentConsole.page.waitForEvent("console", (message) =>
    message.text().includes("frame-ancestors"),
  );
  await agentConsole.open(foreignOrigin);
  await agentConsole.show("tab", served.tab);
  expect((await refused).text()).toContain(companion.origin);
  await expect(agentConsole.tab.locator("#presence")).toHaveCount(0);
});

test("a page that is no console is not listened to even where a browser lets it frame the app", async ({
  agentConsole,
  companion,
  foreignOrigin,
  served,
}) => {
  const bridge = insideOf(companion);
  bridge.isFramableByAll = true;
  await agentConsole.open(foreignOrigin);
  await agentConsole.install(served);
  await agentConsole.pair(bridge.openPairing());
  await agentConsole.expectPresence(ONLINE);
  await agentConsole.act("select", DANA);
  await agentConsole.act("end", DANA);
  await expect(agentConsole.tab.locator("#recognition")).toContainText("does not tell this app");
  expect(bridge.events).toEqual([]);
});
