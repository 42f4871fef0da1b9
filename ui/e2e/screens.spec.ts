// Every state as a picture and through axe, light and dark, at the usual and the smallest width.
import { hostileStates } from "../src/fixtures/hostile";
import { recordingStates } from "../src/fixtures/recording";
import { timelineStates } from "../src/fixtures/timeline";
import { states } from "../src/fixtures/views";
import { accessibilityOf, expect, test } from "./test";

const schemes = ["light", "dark"] as const;
const widths = [380, 320] as const;

const all = { ...states, ...recordingStates, ...timelineStates, ...hostileStates };

for (const [name, view] of Object.entries(all)) {
  for (const colorScheme of schemes) {
    test(`${name}, ${colorScheme}`, async ({ page, open }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await open(view);
      for (const width of widths) {
        await page.setViewportSize({ width, height: 900 });
        await page.screenshot({
          animations: "disabled",
          path: `test-results/screens/${name}-${colorScheme}-${width}.png`,
        });
        const overflow = await page.evaluate(() => ({
          sideways: document.documentElement.scrollWidth - innerWidth,
          down: document.documentElement.scrollHeight - innerHeight,
        }));
        expect(overflow, "only the cards scroll").toEqual({ sideways: 0, down: 0 });
      }
      expect(await accessibilityOf(page)).toEqual([]);
    });
  }
}
