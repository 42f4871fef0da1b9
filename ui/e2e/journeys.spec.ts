// What agents do, from the first click to what the back end was asked.
import type { Page } from "@playwright/test";
import type { View } from "../src/backend/types";
import {
  NOW,
  candidate,
  contact,
  dana,
  found,
  others,
  paired,
  pairing,
  practice,
  practiceConnection,
  problems,
  recognised,
  states,
  unpaired,
  view,
} from "../src/fixtures/views";
import { accessibilityOf, expect, test } from "./test";

const card = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
const spoken = (page: Page) => page.getByTestId("announcement");

async function picture(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const width of [380, 320]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({
        animations: "disabled",
        path: `test-results/screens/${name}-${colorScheme}-${width}.png`,
      });
    }
    expect(await accessibilityOf(page)).toEqual([]);
  }
}

test("a practice visitor is played, looked up, shown from the cache and confirmed", async ({
  page,
  host,
  open,
}) => {
  const inPractice = (parts: Partial<View>): View =>
    view({ connection: practiceConnection, practice: { ...practice, selected: "v1" }, ...parts });
  host.on("play_visitor", () =>
    inPractice({ visitor: dana, recognition: states.looking.recognition }),
  );
  await open(states["idle-practice"]);

  await page.getByRole("button", { name: /Dana Whitfield/ }).click();
  await expect.poll(() => host.commands).toEqual([{ command: "play_visitor", args: { id: "v1" } }]);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Dana Whitfield");
  await expect(page.getByRole("button", { name: /Dana Whitfield/, pressed: true })).toBeVisible();
  await expect(card(page, "Contact")).toHaveAttribute("aria-busy", "true");
  await expect(spoken(page)).toHaveText("Visitor changed: Dana Whitfield, looking in Dynamics.");

  host.show(inPractice({ visitor: dana, recognition: states.cached.recognition }));
  await expect(card(page, "Contact")).toContainText("from the cache, 12 minutes old");
  await expect(card(page, "Lead")).toContainText("No lead found");
  await expect(spoken(page)).toHaveText(
    "Visitor changed: Dana Whitfield, contact found: Dana Whitfield, account found: Northwind Traders, no lead.",
  );

  host.show(inPractice({ visitor: dana, recognition: states.live.recognition }));
  await expect(card(page, "Contact")).toContainText("from Dynamics, just now");
  await expect(card(page, "Contact")).toContainText("Head of Purchasing");
  await expect(card(page, "Lead")).toContainText("40 pallet scanners");
});

test("an older view never replaces a newer one", async ({ page, host, open }) => {
  host.on("refresh", problems.failed);
  await open(states.live);
  host.show(states["nothing-found"]);
  await expect(card(page, "Contact")).toContainText("No contact found");
  host.send({ ...states.live, revision: 1 });
  // The answer to this comes behind the old view, on the same line.
  await page.keyboard.press("F5");
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(card(page, "Contact")).toContainText("No contact found");
});

test("another candidate is chosen", async ({ page, host, open }) => {
  host.on("choose", () =>
    view({
      visitor: dana,
      recognition: recognised({
        contact: found({ ...contact, id: "c2", chosen: true, fields: contact.fields.slice(0, 2) }, [
          candidate("c1", "Dana Whitfield", "Northwind Traders"),
        ]),
      }),
    }),
  );
  await open(states.several);
  const more = card(page, "Contact").getByRole("button", { name: /^2 more/ });
  await more.click();
  await expect(card(page, "Contact")).toContainText("Fabrikam, Inc.");
  await picture(page, "candidates");

  await page.keyboard.press("Escape");
  await expect(card(page, "Contact")).not.toContainText("Fabrikam, Inc.");
  await expect(more).toBeFocused();
  await more.click();
  await card(page, "Contact")
    .getByRole("button", { name: /^Show this one/ })
    .first()
    .click();
  await expect
    .poll(() => host.commands)
    .toEqual([{ command: "choose", args: { table: "contact", id: "c2" } }]);
  await expect(card(page, "Contact")).toContainText("Chosen by you");
  await expect(card(page, "Contact")).toBeFocused();
});

test("the Agent Console is paired, and another one revoked", async ({ page, host, open }) => {
  const [first, second] = paired.consoles;
  host.on("start_pairing", () => view({ console: { ...unpaired, pairing } }));
  host.on("cancel_pairing", () => view({ console: unpaired }));
  host.on("revoke_console", () => view({ console: { ...paired, consoles: first ? [first] : [] } }));
  await open(states["idle-unpaired"]);

  await page.getByRole("button", { name: "Pair the Agent Console" }).click();
  await expect(page.getByRole("img", { name: "Pairing code 4 8 2 9 1 5" })).toBeVisible();
  await expect(page.getByText("Valid for 2:47")).toBeVisible();
  await expect(page.getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.clock.setFixedTime(new Date(NOW.getTime() + 60_000));
  await expect(page.getByText("Valid for 1:47")).toBeVisible();
  await page.clock.setFixedTime(new Date(NOW.getTime() + 200_000));
  await expect(page.getByText("This code has expired.")).toBeVisible();
  await page.clock.setFixedTime(NOW);
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("button", { name: "Pair the Agent Console" })).toBeFocused();

  await page.getByRole("button", { name: "Agent Console: not connected" }).click();
  const dialog = page.getByRole("dialog", { name: "Agent Console" });
  await dialog.getByRole("button", { name: "Pair the Agent Console" }).click();
  await picture(page, "dialog-pairing");
  host.show(view({ console: paired }));
  await expect(dialog).toContainText("Agent Console (site 20001) is paired.");
  await picture(page, "dialog-paired");

  await dialog.getByRole("button", { name: `Revoke ${second?.name ?? ""}` }).click();
  await expect(dialog.getByRole("button", { name: "Keep" })).toBeFocused();
  await picture(page, "dialog-revoke");
  await dialog.getByRole("button", { name: "Keep" }).click();
  expect(host.commands.map(({ command }) => command)).not.toContain("revoke_console");
  await dialog.getByRole("button", { name: `Revoke ${second?.name ?? ""}` }).click();
  await dialog.getByRole("button", { name: "Revoke", exact: true }).click();
  await expect(dialog).not.toContainText("old laptop");
  await expect
    .poll(() => host.commands.at(-1))
    .toEqual({ command: "revoke_console", args: { id: "k2" } });

  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: "Agent Console: connected" })).toBeFocused();
});

test("without Dynamics the known records stay, with their age, until it is back", async ({
  page,
  host,
  open,
}) => {
  host.on("reconnect", () => states.live);
  await open(states.offline);
  await expect(page.getByText("Showing what was known 12 minutes ago.")).toBeVisible();
  await expect(page.getByText("Trying again in 0:25.")).toBeVisible();
  await page.clock.setFixedTime(new Date(NOW.getTime() + 60 * 60_000));
  await expect(page.getByText("Showing what was known 1 hour ago.")).toBeVisible({
    timeout: 15_000,
  });
  await page.getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => host.commands).toEqual([{ command: "reconnect", args: {} }]);
  await expect(page.getByText("Dynamics cannot be reached.")).toBeHidden();
});

test("a failure says what to do and what to tell support", async ({
  page,
  host,
  open,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(states.failed);
  await expect(page.getByText("the privilege prvReadLead is missing")).toBeVisible();
  await expect(page.getByText("missing_privilege")).toBeVisible();
  await page.getByRole("button", { name: "Copy request id" }).click();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toBe(problems.failed.requestId);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => host.commands).toEqual([{ command: "refresh", args: {} }]);
});

test("one table that fails says so in its card, until it is found", async ({
  page,
  host,
  open,
}) => {
  host.on("refresh", () => states.live);
  await open(states["lead-failed"]);
  await expect(card(page, "Lead")).toContainText("The lead could not be looked up.");
  await expect(card(page, "Contact")).toContainText("Head of Purchasing");
  await expect(spoken(page)).toContainText("the lead could not be looked up");
  await card(page, "Lead").getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => host.commands).toEqual([{ command: "refresh", args: {} }]);
  await expect(card(page, "Lead")).toContainText("40 pallet scanners");
  await expect(card(page, "Lead")).toBeFocused();
  await expect(spoken(page)).toContainText("lead found: Dana Whitfield");
});

test("a command that fails is told, and can be dismissed", async ({ page, host, open }) => {
  host.on("open_record", problems.command);
  await open(states.live);
  await card(page, "Account")
    .getByRole("button", { name: /in Dynamics/ })
    .click();
  await expect
    .poll(() => host.commands)
    .toEqual([{ command: "open_record", args: { table: "account", id: "a1" } }]);
  await expect(page.getByRole("alert")).toContainText("could not be opened in the browser");
  await expect(page.getByRole("alert")).toContainText("Set a default browser");
  await picture(page, "command-failed");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(page.getByRole("alert")).toBeHidden();
});

test("a companion that went away is said so, and found again", async ({ page, host, open }) => {
  await open(states.live);
  const port = Number(new URL(page.url()).port);
  await host.stop();
  await expect(page.getByText("The companion does not answer.")).toBeVisible();
  await expect(card(page, "Contact")).toContainText("Head of Purchasing");
  await picture(page, "companion-away");
  host.reset(states["nothing-found"]);
  await host.start(port);
  await expect(card(page, "Contact")).toContainText("No contact found");
  await expect(page.getByText("The companion does not answer.")).toBeHidden();
});

test("everything by keyboard alone", async ({ page, host, open }) => {
  host.on("play_visitor", () => states["live-practice"]);
  host.on("choose", () => states.chosen);
  await open(states["idle-practice"]);

  const practiceToggle = page.getByRole("button", { name: /^Practice console/ });
  for (let stop = 0; stop < 8; stop += 1) {
    await page.keyboard.press("Tab");
    if (await practiceToggle.evaluate((element) => element === document.activeElement)) break;
  }
  await expect(practiceToggle).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("button", { name: /José/ })).toBeFocused();
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await expect(card(page, "Contact")).toBeVisible();

  await page.keyboard.press("Alt+2");
  await expect(card(page, "Account")).toBeFocused();
  await page.keyboard.press("Alt+3");
  await expect(card(page, "Lead")).toBeFocused();
  await page.keyboard.press("Alt+1");
  await expect(card(page, "Contact")).toBeFocused();
  await page.screenshot({ path: "test-results/screens/focus-card.png" });
  expect(await page.evaluate(() => scrollY), "the header stays").toBe(0);

  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect
    .poll(() => host.commands.at(-1))
    .toEqual({
      command: "open_record",
      args: { table: "contact", id: "c1" },
    });
  await page.keyboard.press("F5");
  await expect.poll(() => host.commands.at(-1)?.command).toBe("refresh");
  await page.keyboard.press("Control+r");
  await expect
    .poll(() => host.commands.filter(({ command }) => command === "refresh").length)
    .toBe(2);
  expect(host.requests.filter((path) => path === "/").length, "the page was not reloaded").toBe(1);

  await card(page, "Contact")
    .getByRole("button", { name: /^2 more/ })
    .focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.screenshot({ path: "test-results/screens/focus-candidate.png" });
  await page.keyboard.press("Enter");
  await expect
    .poll(() => host.commands.at(-1))
    .toEqual({
      command: "choose",
      args: { table: "contact", id: others[0]?.id },
    });
});

test("an address is copied as it is stored", async ({ page, open, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(states.live);
  const copy = card(page, "Contact").getByRole("button", { name: "Copy Business Phone" });
  await expect(copy).toHaveCSS("opacity", "0");
  await card(page, "Contact").getByText("Business Phone").hover();
  await expect(copy).toHaveCSS("opacity", "1");
  await page.screenshot({ path: "test-results/screens/copy-hover.png" });
  await copy.click();
  await expect(card(page, "Contact").getByText("Copied", { exact: true })).toBeAttached();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toBe("+1 (206) 555-0142");
});

test("a tooltip covers nothing but its surroundings", async ({ page, open }) => {
  await open(states.live);
  // By keyboard: under the mouse, a tooltip that covers its own button goes away again.
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Search (Ctrl+K)" })).toBeFocused();
  await expect(page.getByRole("tooltip")).toBeVisible();
  await page.screenshot({ path: "test-results/screens/tooltip.png" });
  // What is covered cannot be clicked.
  await page.getByRole("heading", { level: 1 }).click({ trial: true });
  await card(page, "Contact").getByText("Head of Purchasing").click({ trial: true });
});

test("the mouse closes the Agent Console's dialog, and no tooltip opens", async ({
  page,
  open,
}) => {
  await open(states.live);
  await page.clock.install({ time: NOW });
  const opener = page.getByRole("button", { name: /^Agent Console/ });
  await opener.click();
  await page.getByRole("button", { name: "Close" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(opener).toBeFocused();
  // Longer than a tooltip takes to open.
  await page.clock.runFor(1_000);
  await expect(page.getByRole("tooltip")).toBeHidden();
});

test("beside the practice console the contact's card and the start of the account's are seen", async ({
  page,
  host,
  open,
}) => {
  await page.setViewportSize({ width: 400, height: 900 });
  // As many fields as a contact shows unless the settings say otherwise.
  const played = {
    ...states["live-practice"],
    recognition: {
      ...states["live-practice"].recognition,
      contact: found({ ...contact, fields: contact.fields.slice(0, 8) }),
    },
  };
  host.on("play_visitor", () => played);
  await open(states["idle-practice"]);
  await page.getByRole("button", { name: /^Dana Whitfield/ }).click();
  const panel = await page.getByRole("complementary").boundingBox();
  const account = await card(page, "Account").getByText("Northwind Traders").boundingBox();
  expect((account?.y ?? Infinity) + (account?.height ?? 0)).toBeLessThan(panel?.y ?? 0);
  // The list is lower now, and still shows who is selected, also when that is not by its own button.
  host.show({
    ...played,
    practice: { ...practice, selected: practice.visitors.at(-1)?.id ?? null },
  });
  await expect(page.getByRole("button", { pressed: true })).toBeInViewport({ ratio: 0.99 });
});

test("a low window still shows cards above the practice console", async ({ page, open }) => {
  await page.setViewportSize({ width: 380, height: 560 });
  await open(states["live-practice"]);
  await page.screenshot({ path: "test-results/screens/low-560.png" });
  await expect(card(page, "Contact").getByText("Dana Whitfield", { exact: true })).toBeInViewport();
});

test("the page follows the system's colours while it is open", async ({ page, open }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await open(states.live);
  const background = () =>
    page.getByRole("banner").evaluate((element) => getComputedStyle(element).backgroundColor);
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(background).not.toBe(light);
  await page.emulateMedia({ forcedColors: "active" });
  await page.screenshot({ path: "test-results/screens/forced-colors-380.png" });
  expect(await accessibilityOf(page)).toEqual([]);
});

test("a wide window puts the cards side by side", async ({ page, open }) => {
  await page.setViewportSize({ width: 900, height: 900 });
  await open({ ...states["live-practice"] });
  await page.screenshot({ path: "test-results/screens/wide-900.png" });
  const contactBox = await card(page, "Contact").boundingBox();
  const accountBox = await card(page, "Account").boundingBox();
  expect(accountBox?.y).toBe(contactBox?.y);
  expect(accountBox?.x ?? 0).toBeGreaterThan((contactBox?.x ?? 0) + (contactBox?.width ?? 0));
  expect(await accessibilityOf(page)).toEqual([]);
});
