// Finding a record by typing, linking it to the chat, taking that back; by the keyboard alone.
import type { Page } from "@playwright/test";
import { hostileStrings } from "../src/fixtures/hostile";
import { hits, linked, liveHits, results, timeline } from "../src/fixtures/timeline";
import { dana, found, none, problems, recognised, states, view } from "../src/fixtures/views";
import { accessibilityOf, expect, test } from "./test";

const card = (page: Page, name: string) => page.getByRole("region", { name, exact: true });
const drawer = (page: Page) => page.getByRole("dialog", { name: "Search" });

/** The page as it is, light and dark, docked and wide; nothing of it is wider than the window. */
async function picture(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const width of [900, 360]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({
        animations: "disabled",
        path: `test-results/screens/${name}-${colorScheme}-${width}.png`,
      });
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(sideways).toBe(0);
    }
    expect(await accessibilityOf(page)).toEqual([]);
  }
}

const unknown = view({
  visitor: { ...dana, email: "d.whitfield@private.example" },
  recognition: recognised({ contact: none, account: none, lead: none }),
});

test("a record is found and linked by the keyboard alone, and taken back again", async ({
  page,
  host,
  open,
}) => {
  host.answer("search", ({ text, live }) =>
    results(String(text), live === true ? { hits: liveHits, live } : { hits: hits.slice(0, 2) }),
  );
  host.on("link", () =>
    view({ ...unknown, recognition: recognised({ contact: found(linked), lead: none }), timeline }),
  );
  host.on("unlink", () => unknown);
  await open(unknown);

  await page.keyboard.press("Control+k");
  await expect(drawer(page).getByRole("searchbox")).toBeFocused();
  await picture(page, "search-empty");
  await page.keyboard.type("whit");
  await expect(drawer(page).getByRole("status")).toHaveText("5 found.");
  await picture(page, "search-found");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  const link = drawer(page).getByRole("button", { name: "Link to this chat: Dana Whitfield" });
  await expect(link).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(drawer(page)).toBeHidden();
  await expect
    .poll(() => host.commands.at(-1))
    .toEqual({
      command: "link",
      args: { table: "contact", id: "h1", chat: "chat-1" },
    });
  await expect(card(page, "Contact")).toContainText("Linked by Miriam Okafor");
  await picture(page, "linked");

  const unlink = page.getByRole("button", { name: "Unlink Dana Whitfield from this visitor" });
  await unlink.focus();
  await page.keyboard.press("Enter");
  const undo = page.getByRole("button", { name: "Undo: link Dana Whitfield again" });
  await expect(undo).toBeFocused();
  await picture(page, "unlinked");
  await page.keyboard.press("Enter");
  await expect(card(page, "Contact")).toContainText("Linked by Miriam Okafor");
  await expect(undo).toBeHidden();
});

test("without Dynamics what the companion knows is shown with its age", async ({
  page,
  host,
  open,
}) => {
  host.answer("search", ({ text, live }) =>
    results(String(text), { hits, problem: live === true ? problems.offline : null }),
  );
  await open(states.offline);
  await page.getByRole("button", { name: "Search (Ctrl+K)" }).click();
  await page.keyboard.type("whit");
  await expect(drawer(page)).toContainText("This is what the companion knows.");
  await expect(drawer(page)).toContainText("from the cache, 12 minutes old");
  await picture(page, "search-offline");
  host.answer("search", ({ text }) => results(String(text), { problem: problems.offline }));
  await page.keyboard.type("x");
  await expect(drawer(page)).toContainText("knows nothing like this");
  await picture(page, "search-offline-nothing");
});

test("nothing is found, and hostile text is only text", async ({ page, host, open }) => {
  host.answer("search", ({ text, live }) => results(String(text), { live: live === true }));
  await open(states.live);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("nobody like this");
  await expect(drawer(page).getByRole("status")).toHaveText("Nothing found.");
  await picture(page, "search-nothing");
  const strange = Object.values(hostileStrings).map((text, index) => ({
    ...hits[0],
    id: `x${index}`,
    name: text,
    detail: text,
  }));
  host.answer("search", ({ text }) =>
    results(String(text), { live: true, hits: strange as never }),
  );
  await page.keyboard.type("!");
  await expect(drawer(page).getByRole("listitem").first()).toBeVisible();
  await picture(page, "search-hostile");
  await page.keyboard.press("Escape");
  await expect(drawer(page)).toBeHidden();
});
