import { isAllowed } from "../config";
import { tree } from "../frames";
import type { ConnectionState } from "./connection";
import type { QueuedEvent } from "./contract";
import { type RelayMessage, pageMessage, post } from "./relay-messages";

/** What the relay does with the messages that it lets through. */
export interface RelayTarget {
  readonly state: ConnectionState;
  sendQueued(event: QueuedEvent): void;
  pair(code: string): void;
  forget(): void;
  retry(): void;
}

/** The relay window's side: lets the pages of the console that opened it, and nobody else, through to the companion. */
export class Relay {
  readonly #console: Window;
  readonly #consoleOrigins: readonly string[];
  readonly #target: RelayTarget;
  readonly #pages = new Map<Window, string>();
  #name = "Agent Console";

  /** `console` is the top window of the console that opened the relay; it stays the same when the console is reloaded. */
  constructor(console: Window, consoleOrigins: readonly string[], target: RelayTarget) {
    this.#console = console;
    this.#consoleOrigins = consoleOrigins;
    this.#target = target;
  }

  /** The name under which the console wants to be paired. */
  get name(): string {
    return this.#name;
  }

  /** Whether a page of the console has reported. */
  get hasPages(): boolean {
    return this.#pages.size > 0;
  }

  /**
   * Tells every page of the console that the relay is there.
   *
   * Their origins are not known before they answer; the message carries nothing, so anybody may read it.
   */
  announce(): void {
    for (const frame of tree(this.#console)) post(frame, { type: "here" }, "*");
  }

  /** Takes a message of any window; only pages of this console with an allowed origin are listened to. */
  receive({ source, origin, data }: MessageEvent): void {
    if (!source || !isAllowed(origin, this.#consoleOrigins)) return;
    const page = source as Window;
    if (page.top !== this.#console) return;
    const message = pageMessage(data);
    if (!message) return;
    this.#pages.set(page, origin);
    switch (message.type) {
      case "hello":
        this.#name = message.name;
        this.#say(page, origin, { type: "state", state: this.#target.state });
        return;
      case "event":
        this.#target.sendQueued({ id: message.id, event: message.event });
        return;
      case "pair":
        this.#target.pair(message.code);
        return;
      case "forget":
        this.#target.forget();
        return;
      case "retry":
        this.#target.retry();
        return;
    }
  }

  /** Tells the pages how the companion is. */
  changed(state: ConnectionState): void {
    this.#sayAll({ type: "state", state });
  }

  /** Tells the pages that an event needs no keeping any more. */
  settled(id: string): void {
    this.#sayAll({ type: "settled", id });
  }

  #sayAll(message: RelayMessage): void {
    for (const [page, origin] of this.#pages) {
      if (page.closed) this.#pages.delete(page);
      else this.#say(page, origin, message);
    }
  }

  #say(page: Window, origin: string, message: RelayMessage): void {
    post(page, message, origin);
  }
}
