import { type BrowserContext, chromium } from "@playwright/test";
import { AgentConsole, test as base, expect, expectSelected } from "./fixtures";
import { DANA } from "./story";

const BLOCKED = "net::ERR_BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS";

/** A console as it is in the field: for the browser, it and the package come from the public internet. */
const test = base.extend<{ publicly: BrowserContext }>({
  publicly: async ({ consoleOrigin, packaged, launchOptions }, use) => {
    const overrides = [consoleOrigin, packaged.tab]
      .map((address) => `127.0.0.1:${new URL(address).port}=public`)
      .join(",");
    const browser = await chromium.launch({
      ...launchOptions,
      args: [...(launchOptions.args ?? []), `--ip-address-space-overrides=${overrides}`],
    });
    await use(await browser.newContext());
    await browser.close();
  },
});

test("a frame of the companion's page needs the browser's permission, and works with it", async ({
  companion,
  consoleOrigin,
  publicly,
  served,
}) => {
  const agentConsole = new AgentConsole(await publicly.newPage());
  await agentConsole.open(consoleOrigin);
  const blocked = agentConsole.page.waitForEvent("requestfailed");
  await agentConsole.show("background", served.background);
  expect((await blocked).failure()?.errorText).toBe(BLOCKED);

  await publicly.grantPermissions(["local-network-access"], { origin: consoleOrigin });
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(served);
  await agentConsole.expectPresence(/not paired/);
  await agentConsole.pair(await companion.pairingCode());
  await agentConsole.expectPresence(/^Connected/);
  await agentConsole.act("select", DANA);
  await expectSelected(agentConsole, companion, DANA);
});

test("the small window needs no permission, where a direct connection would", async ({
  companion,
  consoleOrigin,
  packaged,
  publicly,
}) => {
  const agentConsole = new AgentConsole(await publicly.newPage());
  await agentConsole.open(consoleOrigin);
  await agentConsole.install(packaged);
  await agentConsole.tab.getByRole("button", { name: /small window/ }).click();
  await agentConsole.expectPresence(/not paired/);
  await agentConsole.pair(await companion.pairingCode());
  await agentConsole.expectPresence(/^Connected/);
  await agentConsole.act("select", DANA);
  await expectSelected(agentConsole, companion, DANA);

  const blocked = agentConsole.page.waitForEvent("console", (message) =>
    message.text().includes(BLOCKED),
  );
  await agentConsole.page.evaluate(
    (address) => {
      new WebSocket(address);
    },
    `${companion.origin.replace("http:", "ws:")}/v1/console`,
  );
  await blocked;
});
