import { type Page } from "@playwright/test";
import { type AgentConsole, expect, expectEvent, expectSelected, test } from "./fixtures";
import { DANA, OLE, SECRET } from "./story";

const ONLINE = "Connected to Dynamics Companion on this computer";
const CLOSED = "Not connected to Dynamics Companion";

/** What the agent does: presses the button; returns the small window. */
async function openRelay({ page, tab }: AgentConsole): Promise<Page> {
  const popup = page.waitForEvent("popup");
  await tab.getByRole("button", { name: "Connect through a small window" }).click();
  return popup;
}

for (const mode of ["present", "legacy"] as const) {
  test(`a packaged page in a console that speaks ${mode} is paired and followed through the relay`, async ({
    agentConsole,
    companion,
    consoleOrigin,
    packaged,
  }) => {
    await agentConsole.open(consoleOrigin, mode);
    await agentConsole.install(packaged);
    await agentConsole.expectPresence(CLOSED);
    await expect(agentConsole.tab.locator("#way")).toContainText("comes from the app package");
    await agentConsole.act("select", DANA);
    await expect(agentConsole.tab.locator("#visitor")).toHaveText("Dana Vermeer");

    const relay = await openRelay(agentConsole);
    const frames: string[] = [];
    relay.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => frames.push(String(payload)));
    });
    await agentConsole.expectPresence(/not paired/);
    await agentConsole.pair(await companion.pairingCode());
    await agentConsole.expectPresence(ONLINE);
    await expect(relay.locator("#presence")).toHaveText(ONLINE);

    const selected = await expectEvent(companion, "selected", DANA);
    await expectSelected(agentConsole, companion, DANA);
    await agentConsole.act("start", OLE);
    await expectEvent(companion, "started", OLE);
    await agentConsole.act("end", DANA);
    await expectEvent(companion, "ended", DANA);
    await expect(agentConsole.tab.locator("#waiting")).toBeHidden();
    expect(frames.length).toBeGreaterThan(3);
    expect(frames.join("\n")).not.toContain(SECRET);
    if (!companion.bridge) return;
    expect(selected).toMatchObject({
      site: { siteId: "20001" },
      chat: { email: "dana.vermeer@example.com" },
    });
    const ids = companion.bridge.events.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    companion.bridge.status(DANA, true);
    await expect(agentConsole.tab.locator("#recognition")).toHaveText("Recognized in Dynamics");
  });
}

test("events wait while the small window is closed and go through the next one", async ({
  agentConsole,
  companion,
  consoleOrigin,
  packaged,
}) => {
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(packaged);
  const relay = await openRelay(agentConsole);
  await agentConsole.pair(await companion.pairingCode());
  await agentConsole.expectPresence(ONLINE);
  // What the tab reads of the console at its start may be reported late: a selection is reported after it or instead.
  await agentConsole.act("select", DANA);
  await expectSelected(agentConsole, companion, DANA);
  await expect(agentConsole.tab.locator("#waiting")).toBeHidden();
  await relay.close();
  await agentConsole.expectPresence(CLOSED);
  companion.bridge?.events.splice(0);
  await agentConsole.act("end", DANA);
  await expect(agentConsole.tab.locator("#waiting")).toHaveText(/One update/);
  await openRelay(agentConsole);
  await agentConsole.expectPresence(ONLINE);
  await expect(agentConsole.tab.locator("#waiting")).toBeHidden();
  await expectEvent(companion, "ended", DANA);
  if (companion.bridge) expect(companion.bridge.events).toHaveLength(1);
});

test("the small window finds the console again after a reload, and leaves with it", async ({
  agentConsole,
  companion,
  consoleOrigin,
  packaged,
}) => {
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(packaged);
  const relay = await openRelay(agentConsole);
  await agentConsole.pair(await companion.pairingCode());
  await agentConsole.expectPresence(ONLINE);
  companion.bridge?.events.splice(0);
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(packaged);
  await agentConsole.expectPresence(ONLINE);
  await agentConsole.act("select", OLE);
  await expectSelected(agentConsole, companion, OLE);
  const closed = relay.waitForEvent("close");
  await agentConsole.page.close();
  await closed;
});

test("the small window passes on nothing for a page that is no console", async ({
  agentConsole,
  companion,
  consoleOrigin,
  foreignOrigin,
  packaged,
  page,
}) => {
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(packaged);
  const relay = await openRelay(agentConsole);
  await agentConsole.pair(await companion.pairingCode());
  await agentConsole.expectPresence(ONLINE);
  await relay.close();
  companion.bridge?.events.splice(0);

  // The browser still holds the pairing for the small window, so only the relay stands between this page and it.
  const foreign = await page.context().newPage();
  await foreign.goto(foreignOrigin);
  const popup = foreign.waitForEvent("popup");
  const heard = await foreign.evaluateHandle((address) => {
    const messages: unknown[] = [];
    window.addEventListener("message", ({ data }) => {
      messages.push(data);
      const protocol = "dynamics-companion/relay";
      const event = { source: "console-app", kind: "ended", chat: { id: "forged" } };
      forged?.postMessage({ protocol, type: "event", id: "1", event }, "*");
      forged?.postMessage({ protocol, type: "hello", name: "Forged" }, "*");
    });
    const forged = window.open(address, "forged");
    return messages;
  }, `${companion.origin}/comm100/relay.html`);
  await expect((await popup).locator("#presence")).toHaveText(ONLINE);
  await expect.poll(() => heard.evaluate((messages) => messages.length)).toBeGreaterThan(2);
  const types = await heard.evaluate((messages) =>
    messages.map((message) => (message as { type: string }).type),
  );
  expect(new Set(types)).toEqual(new Set(["here"]));
  if (companion.bridge) expect(companion.bridge.events).toEqual([]);
});

test("a small window that the browser blocks, or that stays silent, is explained", async ({
  agentConsole,
  companion,
  consoleOrigin,
  packaged,
}) => {
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(packaged);
  await agentConsole.expectPresence(CLOSED);
  await companion.stop();
  await openRelay(agentConsole);
  await agentConsole.expectPresence("Waiting for the small window of Dynamics Companion…");
  await expect(agentConsole.tab.locator("#problem")).toContainText("relay_silent");
  await agentConsole.expectPresence(CLOSED);
  const frame = agentConsole.page
    .frames()
    .find((candidate) => candidate.url().includes("tab.html"));
  await frame?.evaluate(() => {
    window.open = () => null;
  });
  await agentConsole.tab.getByRole("button", { name: "Connect through a small window" }).click();
  await expect(agentConsole.tab.locator("#relay-blocked")).toContainText("Allow pop-ups");
});
