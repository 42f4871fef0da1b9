// The settings window: every page as a picture and through axe, and what administrators do there.
import type { Page } from "@playwright/test";
import type { Judgement, SettingsView } from "../src/backend/types";
import { refusedView, settingsView } from "../src/fixtures/fakeSettings";
import {
  failedTest,
  hostileDocument,
  judged,
  managedView,
  passedTest,
  rehearsal,
  runningTest,
  wrongDocument,
} from "../src/fixtures/settings";
import { accessibilityOf, expect, test } from "./test";

const schemes = ["light", "dark"] as const;
const sizes = [
  { width: 1000, height: 720 },
  { width: 480, height: 1400 },
] as const;

async function goTo(page: Page, name: string): Promise<void> {
  const menu = page.getByRole("button", { name: /^Settings pages/ });
  if (await menu.isVisible()) {
    await menu.click();
    await page.getByRole("menuitemradio", { name: new RegExp(`^${name}`) }).click();
  } else {
    await page
      .getByRole("navigation")
      .getByRole("button", { name: new RegExp(`^${name}`) })
      .click();
  }
  await expect(page.getByRole("heading", { level: 1, name })).toBeFocused();
}

interface Shown {
  view: SettingsView;
  page: string;
  judgement?: Judgement;
  act?: (page: Page) => Promise<void>;
}

const openRule = async (page: Page) => {
  await page.getByRole("button", { name: /^Same e-mail/, expanded: false }).click();
  await expect(page.getByRole("textbox", { name: "Name" })).toBeVisible();
};
const wrong: SettingsView = { ...settingsView, saved: wrongDocument };
const practice: SettingsView = {
  ...settingsView,
  file: null,
  saved: { ...wrongDocument, connection: { kind: "practice", sign_in: "secret" } },
};
const onPremises: SettingsView = {
  ...settingsView,
  saved: { ...wrongDocument, connection: { kind: "on-premises", sign_in: "secret" } },
};

const shown: Record<string, Shown> = {
  connection: { view: settingsView, page: "Connection" },
  "connection-practice": { view: practice, page: "Connection" },
  "connection-on-premises": { view: onPremises, page: "Connection" },
  "connection-wrong": { view: wrong, page: "Connection", judgement: judged },
  "connection-locked": { view: managedView, page: "Connection" },
  "connection-testing": { view: { ...settingsView, test: runningTest }, page: "Connection" },
  "connection-failed": { view: { ...settingsView, test: failedTest }, page: "Connection" },
  "connection-passed": { view: { ...settingsView, test: passedTest }, page: "Connection" },
  rules: { view: settingsView, page: "Identification rules", act: openRule },
  "rules-wrong": { view: wrong, page: "Identification rules", judgement: judged },
  "rules-locked": { view: managedView, page: "Identification rules", act: openRule },
  "rules-hostile": {
    view: { ...settingsView, saved: hostileDocument },
    page: "Identification rules",
  },
  fields: { view: settingsView, page: "Fields", judgement: judged },
  "fields-locked": { view: managedView, page: "Fields" },
  recording: { view: settingsView, page: "Recording" },
  "recording-locked": { view: managedView, page: "Recording" },
  checker: { view: wrong, page: "Checker", judgement: judged },
  "checker-clean": { view: settingsView, page: "Checker" },
  rehearsal: {
    view: { ...settingsView, rehearsal },
    page: "Rehearsal",
    act: async (page) => {
      await page.getByRole("button", { name: /^Dana Nowak/ }).click();
    },
  },
  "rehearsal-running": {
    view: { ...settingsView, rehearsal: { ...rehearsal, running: true, total: 40 } },
    page: "Rehearsal",
  },
  document: {
    view: managedView,
    page: "Document",
    judgement: judged,
    act: async (page) => {
      await page.getByRole("button", { name: "Show the text" }).click();
      await page.getByRole("button", { name: /^What it would change now/ }).click();
      await expect(page.getByLabel("The document")).toBeVisible();
    },
  },
};

for (const [name, { view, page: title, judgement, act }] of Object.entries(shown)) {
  for (const colorScheme of schemes) {
    test(`settings ${name}, ${colorScheme}`, async ({ page, host, openSettings }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize(sizes[0]);
      await openSettings(view);
      if (judgement) host.answer("settings_judge", () => judgement);
      await page.reload();
      if (title !== "Connection") await goTo(page, title);
      await act?.(page);
      for (const size of sizes) {
        await page.setViewportSize(size);
        await page.screenshot({
          animations: "disabled",
          path: `test-results/screens/settings-${name}-${colorScheme}-${size.width}.png`,
        });
        const overflow = await page.evaluate(() => {
          const main = document.querySelector("main");
          return {
            sideways: document.documentElement.scrollWidth - innerWidth,
            down: document.documentElement.scrollHeight - innerHeight,
            inside: main ? main.scrollWidth - main.clientWidth : 0,
          };
        });
        expect(overflow, "only the page scrolls").toEqual({ sideways: 0, down: 0, inside: 0 });
      }
      expect(await accessibilityOf(page)).toEqual([]);
    });
  }
}

test("settings refused", async ({ page, openSettings }) => {
  await openSettings(refusedView);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(
    'You need permission for "Manage Integration" to access this part.',
  );
  await expect(page.getByRole("navigation")).toHaveCount(0);
  expect(await accessibilityOf(page)).toEqual([]);
});
