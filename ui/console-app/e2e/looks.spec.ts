import { AxeBuilder } from "@axe-core/playwright";
import { type AgentConsole, expect, insideOf, test } from "./fixtures";
import { DANA } from "./story";

/** Looks for accessibility faults in every frame, and keeps a picture of the tab. */
async function look({ page }: AgentConsole, name: string): Promise<void> {
  const { passes, violations } = await new AxeBuilder({ page })
    .include(['iframe[title="tab"]', "main"])
    .analyze();
  expect(violations).toEqual([]);
  const isInsideTab = passes.some(({ nodes }) => nodes.some(({ target }) => target.length === 2));
  expect(isInsideTab).toBe(true);
  const tab = page.locator('iframe[title="tab"]');
  await tab.screenshot({ path: `test-results/tab-${name}.png` });
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test("the tab of the companion's own page", async ({
      agentConsole,
      companion,
      consoleOrigin,
      served,
    }) => {
      const bridge = insideOf(companion);
      await agentConsole.open(consoleOrigin);
      await agentConsole.install(served);
      await agentConsole.expectPresence(/not paired/);
      await look(agentConsole, `unpaired-${colorScheme}`);
      bridge.openPairing();
      await agentConsole.pair("000000");
      await expect(agentConsole.tab.getByRole("alert")).toBeVisible();
      await look(agentConsole, `wrong-code-${colorScheme}`);
      await agentConsole.pair(bridge.openPairing());
      await agentConsole.expectPresence(/^Connected/);
      await agentConsole.act("select", DANA);
      await expect(agentConsole.tab.locator("#visitor")).toHaveText("Dana Vermeer");
      bridge.status(DANA, true);
      await expect(agentConsole.tab.locator("#recognition")).toHaveText("Recognized in Dynamics");
      await look(agentConsole, `online-${colorScheme}`);
      await bridge.stop();
      await agentConsole.expectPresence(/not running/);
      await look(agentConsole, `away-${colorScheme}`);
    });

    test("the tab of the packaged page", async ({
      agentConsole,
      companion,
      consoleOrigin,
      packaged,
    }) => {
      insideOf(companion);
      await agentConsole.open(consoleOrigin);
      await agentConsole.install(packaged);
      await agentConsole.act("select", DANA);
      await expect(agentConsole.tab.locator("#visitor")).toHaveText("Dana Vermeer");
      await look(agentConsole, `relay-closed-${colorScheme}`);
      const popup = agentConsole.page.waitForEvent("popup");
      const open = agentConsole.tab.getByRole("button", { name: /small window/ });
      await open.focus();
      await agentConsole.page.keyboard.press("Enter");
      const relay = await popup;
      await expect(relay.locator("#next-step")).toHaveText(/Enter the code/);
      expect((await new AxeBuilder({ page: relay }).analyze()).violations).toEqual([]);
      await relay.screenshot({ path: `test-results/relay-${colorScheme}.png` });
      await agentConsole.expectPresence(/not paired/);
    });
  });
}
