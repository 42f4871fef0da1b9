// The data on this computer, by keyboard alone, with a picture and axe for every part.
import type { Page } from "@playwright/test";
import {
  dataKept,
  dataLost,
  dataReceipt,
  dataRecovered,
  dataUnsent,
  dataWiped,
} from "../src/fixtures/data";
import { offline, problems, states, view } from "../src/fixtures/views";
import { accessibilityOf, expect, test } from "./test";

async function picture(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const width of [760, 360]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({
        animations: "disabled",
        path: `test-results/screens/${name}-${colorScheme}-${width}.png`,
      });
      const sideways = await page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      expect(sideways).toBeLessThanOrEqual(0);
    }
    expect(await accessibilityOf(page)).toEqual([]);
  }
}

/** Goes to the drawer without a mouse. */
async function openData(page: Page) {
  await page.getByRole("button", { name: "More" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitem", { name: "Settings" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("menuitem", { name: "Data on this computer" })).toBeFocused();
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog", { name: "Data on this computer" });
  await expect(drawer.getByRole("heading", { name: "What is kept" })).toBeVisible();
  return drawer;
}

test("the copies for offline use are shown as they stand, and synchronised by keyboard", async ({
  page,
  host,
  open,
}) => {
  host.answer("local_data", () => dataKept);
  host.on("sync_now", () => view({ offline: offline.refreshing }));
  await open(states.idle);
  const drawer = await openData(page);
  const section = drawer.getByRole("region", { name: "Copies for offline use" });
  const status = section.getByRole("status").first();
  const sync = section.getByRole("button", { name: "Synchronise now" });
  await sync.focus();
  await page.keyboard.press("Enter");
  await expect(status).toHaveText("Synchronising with Dynamics…");
  await expect(sync).toBeFocused();
  await picture(page, "data-offline-refreshing");
  await page.keyboard.press("Enter");
  await expect
    .poll(() => host.commands.filter(({ command }) => command === "sync_now"))
    .toHaveLength(1);
  host.show(view({ offline: offline.fresh }));
  await expect(status).toHaveText("In step with Dynamics.");
});

const uncounted = offline.loading.tables.map((table) => ({ ...table, expected: null }));
const standing = {
  loading: view({ offline: offline.loading }),
  uncounted: view({ offline: { ...offline.loading, tables: uncounted } }),
  failed: view({ offline: offline.failed }),
  waiting: view({ offline: offline.waiting, connection: states.offline.connection }),
  off: view({ offline: offline.off }),
};

for (const [name, shown] of Object.entries(standing)) {
  test(`the copies for offline use: ${name}`, async ({ page, host, open }) => {
    host.answer("local_data", () => dataKept);
    await open(shown);
    const drawer = await openData(page);
    await expect(drawer.getByRole("region", { name: "Copies for offline use" })).toBeVisible();
    await picture(page, `data-offline-${name}`);
  });
}

test("a person is forgotten by keyboard, and the receipt is there", async ({
  page,
  host,
  open,
}) => {
  host.answer("local_data", () => dataKept);
  host.answer("traces", () => dataUnsent);
  host.answer("forget", () => dataReceipt);
  await open(states.live);
  const drawer = await openData(page);
  await picture(page, "data");
  const whom = drawer.getByLabel("E-mail address or phone number");
  await whom.focus();
  await page.keyboard.type("dana.whitfield@northwind.example");
  await page.keyboard.press("Enter");
  const discard = drawer.getByRole("checkbox", { name: "Discard it unsent" });
  await discard.scrollIntoViewIfNeeded();
  await picture(page, "data-forget");
  await discard.focus();
  await page.keyboard.press("Space");
  await drawer.getByRole("button", { name: "Erase" }).focus();
  await page.keyboard.press("Enter");
  await expect(drawer.getByLabel("Receipt", { exact: true })).toContainText(dataReceipt.digest);
  await drawer.getByLabel("Receipt", { exact: true }).scrollIntoViewIfNeeded();
  await picture(page, "data-receipt");
  await expect
    .poll(() => host.commands.find(({ command }) => command === "forget")?.args)
    .toEqual({
      email: "dana.whitfield@northwind.example",
      phone: null,
      discardUnsent: true,
    });
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await expect(page.getByRole("button", { name: "More" })).toBeFocused();
});

test("data is removed only after it was said what goes", async ({ page, host, open }) => {
  host.answer("local_data", () => dataLost);
  host.answer("wipe", () => dataWiped);
  await open(states.live);
  const drawer = await openData(page);
  await drawer.getByRole("button", { name: "Remove data…" }).click();
  await drawer.getByRole("checkbox", { name: /^Also the outbox/ }).check();
  await drawer.getByRole("button", { name: "Remove", exact: true }).scrollIntoViewIfNeeded();
  await picture(page, "data-remove");
  await drawer.getByRole("checkbox", { name: "Discard all 2 unsent" }).check();
  await drawer.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(drawer.getByText(/^Removed: 22,022 copies/)).toBeVisible();
  await expect
    .poll(() => host.commands.find(({ command }) => command === "wipe")?.args)
    .toEqual({
      options: { store: true, setAside: false, discardUnsent: true },
    });
});

test("the recovery file is made and used", async ({ page, host, open }) => {
  host.answer("local_data", () => dataLost);
  host.answer("make_recovery", () => "/home/robin/Documents/recovery.json");
  host.answer("use_recovery", () => dataRecovered);
  await open(states.live);
  const drawer = await openData(page);
  await drawer.getByRole("button", { name: "Make a recovery file" }).click();
  await drawer.getByLabel("New passphrase").fill("five words nobody knows");
  await drawer.getByLabel("The same again").fill("five words nobody knew");
  await drawer.getByRole("button", { name: "Make a recovery file" }).click();
  await expect(drawer.getByText("The two are not the same.")).toBeVisible();
  await picture(page, "data-recovery-make");
  await drawer.getByLabel("The same again").fill("five words nobody knows");
  await drawer.getByRole("button", { name: "Make a recovery file" }).click();
  await expect(drawer.getByText(/recovery.json is made/)).toBeVisible();
  await drawer.getByRole("button", { name: "Use the recovery file" }).click();
  await drawer.locator("input[type=file]").setInputFiles({
    name: "recovery.json",
    mimeType: "application/json",
    buffer: Buffer.from("{}"),
  });
  await drawer.getByLabel("Passphrase", { exact: true }).fill("five words nobody knows");
  await picture(page, "data-recovery-use");
  await drawer.getByRole("button", { name: "Use the recovery file" }).click();
  await expect(drawer.getByText(/^Recovered: 3 entries/)).toBeVisible();
  await expect
    .poll(() => host.commands.find(({ command }) => command === "use_recovery")?.args)
    .toEqual({
      text: "{}",
      passphrase: "five words nobody knows",
    });
});

test("a locked companion shows nobody, and is unlocked by one key", async ({
  page,
  host,
  open,
}) => {
  const locked = { ...states.idle, locked: true };
  host.on("lock", () => locked);
  host.on("unlock", {
    ...problems.command,
    code: "keyring_locked",
    message: "The keyring is locked.",
  });
  await open(states.live);
  await page.keyboard.press("Control+Shift+L");
  const unlock = page.getByRole("button", { name: "Unlock" });
  await expect(unlock).toBeFocused();
  await expect(page.locator("body")).not.toContainText("Whitfield");
  await picture(page, "locked");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("The keyring is locked.");
  await picture(page, "locked-refused");
  host.on("unlock", () => states.live);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Whitfield");
});
