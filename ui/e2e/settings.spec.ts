// The settings window: every page as a picture and through axe, and what administrators do there.
import type { Page } from "@playwright/test";
import type { Judgement, SettingsDocument, SettingsView } from "../src/backend/types";
import { inOrder, refusedView, settingsDocument, settingsView } from "../src/fixtures/fakeSettings";
import {
  badUrl,
  failedTest,
  hostileDocument,
  judged,
  managedView,
  noContacts,
  passedTest,
  rehearsal,
  runningTest,
  settingsAnswers,
  wrongDocument,
} from "../src/fixtures/settings";
import { TauriWindow } from "./tauriWindow";
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
  /** The command that fails. */
  refused?: string;
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
const estimate = async (page: Page) => {
  await page.getByRole("button", { name: "How much would that be?" }).click();
  await page.getByRole("table").scrollIntoViewIfNeeded();
};
const offline = (section: Partial<SettingsDocument["offline"]>): SettingsView => ({
  ...settingsView,
  saved: { ...settingsDocument, offline: { ...settingsDocument.offline, ...section } },
});

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
  "rules-lookup": {
    view: settingsView,
    page: "Identification rules",
    act: async (page) => {
      await page.getByRole("button", { name: "Add a rule" }).click();
      await page.getByRole("textbox", { name: "Name" }).fill("Same level");
      const column = page.getByRole("combobox", { name: /^Dynamics field/ });
      await column.click();
      await column.pressSequentially("new_tier");
      await page.getByRole("option", { name: /Loyalty Level/ }).click();
      await expect(column).toHaveAccessibleDescription(/name of the row/);
      await column.scrollIntoViewIfNeeded();
    },
  },
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
  offline: { view: settingsView, page: "Offline" },
  "offline-wrong": {
    view: offline({
      contact: { keep: "nothing" },
      account: { changed_within_days: 0, forget_after_days: 90 },
    }),
    page: "Offline",
    judgement: { ...inOrder, problems: [noContacts] },
  },
  "offline-locked": {
    view: {
      ...settingsView,
      managed: {
        file: "/etc/dynamics-companion/settings.toml",
        locked: ["offline.enabled", "offline.contact", "offline.case.keep"],
      },
    },
    page: "Offline",
  },
  "offline-off": { view: offline({ enabled: false }), page: "Offline" },
  "offline-estimate": { view: settingsView, page: "Offline", act: estimate },
  "offline-outdated": {
    view: settingsView,
    page: "Offline",
    act: async (page) => {
      await estimate(page);
      const contacts = page.getByRole("group", { name: "Contacts" });
      await contacts.getByLabel("Changed within").fill("90");
      await expect(page.getByText("were changed since this estimate")).toBeVisible();
      await page.getByRole("table").scrollIntoViewIfNeeded();
    },
  },
  "offline-failed": {
    view: settingsView,
    page: "Offline",
    refused: "settings_estimate",
    act: async (page) => {
      await page.getByRole("button", { name: "How much would that be?" }).click();
      await page.getByRole("alert").scrollIntoViewIfNeeded();
    },
  },
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

for (const [name, { view, page: title, judgement, refused, act }] of Object.entries(shown)) {
  for (const colorScheme of schemes) {
    test(`settings ${name}, ${colorScheme}`, async ({ page, host, openSettings }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize(sizes[0]);
      await openSettings(view);
      if (judgement) host.answer("settings_judge", () => judgement);
      if (refused !== undefined) host.on(refused, badUrl.problem);
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

async function picture(page: Page, name: string): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const size of sizes) {
      await page.setViewportSize(size);
      await page.screenshot({
        animations: "disabled",
        path: `test-results/screens/settings-${name}-${colorScheme}-${size.width}.png`,
      });
    }
    expect(await accessibilityOf(page)).toEqual([]);
  }
  await page.setViewportSize(sizes[0]);
}

test("the settings' window asks before it is closed with unsaved changes", async ({
  page,
  openSettings,
}) => {
  let judgement = inOrder;
  let saved: SettingsView = settingsView;
  const window = await TauriWindow.around(page, "settings", (command, args) => {
    if (command === "settings") return saved;
    if (command === "settings_judge") return judgement;
    if (command === "settings_save") {
      saved = {
        ...saved,
        revision: saved.revision + 1,
        saved: args["draft"] as SettingsView["saved"],
        fingerprint: "f2",
      };
      return null;
    }
    return settingsAnswers[command]?.(args);
  });
  await openSettings(settingsView);
  expect(await window.close(), "nothing is unsaved").toBe(false);
  const tenant = page.getByLabel(/Directory \(tenant\) ID/);
  await tenant.fill("contoso.example");
  await expect(page.getByText("There are unsaved changes.")).toBeVisible();
  expect(await window.close()).toBe(true);
  const question = page.getByRole("dialog", { name: "Save your changes?" });
  await expect(question.getByRole("button", { name: "Keep editing" })).toBeFocused();
  await picture(page, "leave");
  await page.keyboard.press("Escape");
  await expect(question).toBeHidden();
  await expect(tenant).toBeFocused();
  await expect(tenant).toHaveValue("contoso.example");

  judgement = { ...inOrder, problems: [badUrl] };
  await tenant.fill("contoso.example.com");
  await expect(page.getByRole("button", { name: /^Connection.*1 problem/ })).toBeVisible();
  await window.close();
  const save = question.getByRole("button", { name: "Save and close" });
  await expect(save).toHaveAccessibleDescription(/^1 problem prevents saving/);
  await picture(page, "leave-blocked");
  await page.keyboard.press("Enter");
  await expect(question).toBeHidden();

  judgement = inOrder;
  await tenant.fill("contoso.example");
  await expect(page.getByRole("button", { name: "Connection", exact: true })).toBeVisible();
  await window.close();
  await save.focus();
  await page.keyboard.press("Enter");
  await expect.poll(() => window.commands).toContain("plugin:window|destroy");
  expect(saved.saved?.connection.tenant_id).toBe("contoso.example");
});

test("a browser asks before the settings are left with unsaved changes", async ({
  page,
  openSettings,
}) => {
  await openSettings(settingsView);
  await page.getByLabel(/Directory \(tenant\) ID/).fill("contoso.example");
  await expect(page.getByText("There are unsaved changes.")).toBeVisible();
  const asked = page.waitForEvent("dialog");
  const reloaded = page.reload();
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.accept();
  await reloaded;
  await expect(page.getByText("All changes are saved.")).toBeVisible();
});

test("rules are put into another order by dragging, and saved in it", async ({
  page,
  host,
  openSettings,
}) => {
  await page.setViewportSize(sizes[0]);
  await openSettings(settingsView);
  let saved: SettingsDocument | undefined;
  host.answer("settings_save", ({ draft }) => {
    saved = draft as SettingsDocument;
    return null;
  });
  await goTo(page, "Identification rules");
  const handle = (rule: string) => page.getByRole("button", { name: `Move Rule “${rule}”,` });
  const middle = async (rule: string) => {
    const box = await handle(rule).boundingBox();
    if (!box) throw new Error(`${rule} has no handle`);
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  const first = await middle("Same e-mail");
  const second = await middle("Same phone");

  // A little way is no change.
  await page.mouse.move(second.x, second.y);
  await page.mouse.down();
  await page.mouse.move(second.x, second.y - 4);
  await page.mouse.up();
  await expect(handle("Same phone")).toHaveAccessibleName(/position 2 of 2/);

  await page.mouse.move(second.x, second.y);
  await page.mouse.down();
  await page.mouse.move(first.x, first.y, { steps: 8 });
  await expect(handle("Same phone")).toHaveAccessibleName(/position 1 of 2/);
  await page.screenshot({
    animations: "disabled",
    path: "test-results/screens/settings-rules-dragged-light-1000.png",
  });
  await page.mouse.up();
  await expect(handle("Same phone")).toBeFocused();
  await page.mouse.move(second.x, second.y);
  await expect(handle("Same phone"), "it was let go").toHaveAccessibleName(/position 1 of 2/);

  await page.getByRole("button", { name: "Save", exact: true }).click();
  await expect
    .poll(() => saved?.identification.contact.map(({ name }) => name))
    .toEqual(["Same phone", "Same e-mail"]);
});
