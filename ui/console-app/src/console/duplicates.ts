/** How long the same news under another name counts as the same news. */
const WINDOW_MS = 1_000;

/**
 * Tells news from its echo: a console may say one event under both names.
 *
 * The same kind for the same chat within a second is an echo. A selection is an echo only while no other
 * chat was selected in between, for an agent who clicks A, B, A within a second ends on A.
 */
export class Duplicates {
  readonly #seen = new Map<string, { kind: string; at: number }>();

  /** Whether this is an echo; remembers it otherwise. `now` is in Unix milliseconds. */
  isEcho(kind: string, chatId: string, now: number): boolean {
    for (const [key, { at }] of this.#seen) if (now - at >= WINDOW_MS) this.#seen.delete(key);
    const key = JSON.stringify([kind, chatId.toLowerCase()]);
    if (this.#seen.has(key)) return true;
    if (kind === "selected") {
      for (const [other, seen] of this.#seen) if (seen.kind === kind) this.#seen.delete(other);
    }
    this.#seen.set(key, { kind, at: now });
    return false;
  }
}
