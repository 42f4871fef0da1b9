import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Page, test as base, expect } from "@playwright/test";
import type axe from "axe-core";
import type { SettingsView, View } from "../src/backend/types";
import { settingsAnswers } from "../src/fixtures/settings";
import { NOW, states } from "../src/fixtures/views";
import { PageHost } from "./pageHost";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Fixtures {
  host: PageHost;
  /** Opens the page on this view. */
  open: (view: View) => Promise<void>;
  /** Opens the settings window on this view, of a back end that answers as in `fixtures/settings`. */
  openSettings: (view: SettingsView) => Promise<void>;
}

/** What the page says on the console or sends elsewhere, all of which is wrong. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("WebSocket connection")) {
      complaints.push(message.text());
    }
  });
  page.on("request", (request) => {
    if (new URL(request.url()).hostname !== "127.0.0.1")
      complaints.push(`left the machine: ${request.url()}`);
  });
  return complaints;
}

export const test = base.extend<Fixtures>({
  // eslint-disable-next-line no-empty-pattern -- Playwright demands a destructuring here
  host: async ({}, use) => {
    const host = new PageHost(states.idle);
    await use(host);
    await host.stop();
  },
  open: async ({ page, host }, use) => {
    const complaints = complaintsOf(page);
    await page.clock.setFixedTime(NOW);
    await use(async (view) => {
      host.show(view);
      await page.goto(await host.start());
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    });
    expect(complaints).toEqual([]);
  },
  openSettings: async ({ page, host }, use) => {
    const complaints = complaintsOf(page);
    await page.clock.setFixedTime(NOW);
    for (const [command, answer] of Object.entries(settingsAnswers)) host.answer(command, answer);
    await use(async (view) => {
      host.showSettings(view);
      await page.goto(`${await host.start()}settings.html`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    });
    expect(complaints).toEqual([]);
  },
});

export { expect };

/** Every rule of axe, without exception. */
export async function accessibilityOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run(document, {
      resultTypes: ["violations"],
    }),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary ?? ""}`),
  );
}
