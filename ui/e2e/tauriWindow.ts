// A stand-in for the window around the page: what Tauri puts into it, over the commands of a stand-in for the back end.
import type { Page } from "@playwright/test";

type Answer = (command: string, args: Record<string, unknown>) => unknown;

interface Inside {
  isTauri: boolean;
  __TAURI_INTERNALS__: object;
  __TAURI_EVENT_PLUGIN_INTERNALS__: object;
  /** Emits an event of the window to whoever listens, and says how many do. */
  emitOfWindow: (event: string) => number;
  answerOfHost: Answer;
}

export class TauriWindow {
  readonly commands: string[] = [];
  #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  /** From the next page on that is opened there. */
  static async around(page: Page, label: string, answer: Answer): Promise<TauriWindow> {
    const window = new TauriWindow(page);
    await page.exposeFunction(
      "answerOfHost",
      (command: string, args: Record<string, unknown>): unknown => {
        window.commands.push(command);
        return command.startsWith("plugin:") ? null : answer(command, args);
      },
    );
    await page.addInitScript((label) => {
      const inside = globalThis as unknown as Inside;
      const callbacks = new Map<number, (event: object) => void>();
      const listening = new Map<number, string>();
      let last = 0;
      inside.isTauri = true;
      inside.__TAURI_INTERNALS__ = {
        metadata: { currentWindow: { label }, currentWebview: { label, windowLabel: label } },
        transformCallback: (callback: (event: object) => void) => {
          last += 1;
          callbacks.set(last, callback);
          return last;
        },
        invoke: (command: string, args: { event: string; handler: number; eventId: number }) => {
          if (command === "plugin:event|listen") {
            listening.set(args.handler, args.event);
            return Promise.resolve(args.handler);
          }
          if (command === "plugin:event|unlisten") {
            listening.delete(args.eventId);
            return Promise.resolve();
          }
          return inside.answerOfHost(command, { ...args });
        },
      };
      inside.__TAURI_EVENT_PLUGIN_INTERNALS__ = {
        unregisterListener: (_event: string, id: number) => callbacks.delete(id),
      };
      inside.emitOfWindow = (event) => {
        const ids = [...listening].filter(([, name]) => name === event).map(([id]) => id);
        for (const id of ids) callbacks.get(id)?.({ event, id, payload: null });
        return ids.length;
      };
    }, label);
    return window;
  }

  /** The person closes the window: whether the page has a say in it. */
  async close(): Promise<boolean> {
    const listeners = await this.#page.evaluate(() =>
      (globalThis as unknown as Inside).emitOfWindow("tauri://close-requested"),
    );
    return listeners > 0;
  }
}
