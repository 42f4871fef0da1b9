import {
  type Connection,
  type ConnectionListener,
  type ConnectionState,
  UNTRIED,
  queued,
} from "./connection";
import { type ConsoleEvent, problem } from "./contract";
import { EventQueue } from "./queue";
import { LOOK_MS, type PageMessage, post, relayMessage } from "./relay-messages";

/** How long an opened relay window may take to report. */
const OPENING_MS = 10_000;

/** What a relayed connection needs. */
export interface RelayedOptions {
  /** The companion's origin, which is the relay window's. */
  readonly companion: string;
  readonly name: () => string;
  readonly listener: ConnectionListener;
}

/** A packaged page's way to the companion: through a window that the companion served. */
export class RelayedConnection implements Connection {
  readonly #options: RelayedOptions;
  readonly #queue = new EventQueue();
  #state: ConnectionState = { ...UNTRIED, stage: "relay-closed" };
  #relay: Window | null = null;
  #look: ReturnType<typeof setInterval> | undefined;
  #opening: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RelayedOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  start(): void {
    this.#look = setInterval(() => this.#notice(), LOOK_MS);
    this.#set({});
  }

  stop(): void {
    clearInterval(this.#look);
    clearTimeout(this.#opening);
    this.#relay = null;
  }

  send(event: ConsoleEvent): void {
    const news = queued(event);
    if (!this.#queue.add(news)) {
      this.#set({ problem: problem("message_too_large") });
      return;
    }
    const [fitted] = this.#queue.all().filter(({ id }) => id === news.id);
    if (fitted) this.#post({ type: "event", ...fitted });
    this.#set({});
  }

  pair(code: string): void {
    this.#post({ type: "pair", code });
  }

  forget(): void {
    this.#post({ type: "forget" });
  }

  retry(): void {
    this.#post({ type: "retry" });
  }

  /** The agent opened the relay window; it reports by itself. */
  opened(): void {
    if (this.#relay) return;
    clearTimeout(this.#opening);
    this.#set({ stage: "relay-opening", problem: null });
    this.#opening = setTimeout(() => {
      this.#set({ stage: "relay-closed", problem: problem("relay_silent") });
    }, OPENING_MS);
  }

  /** Takes a message of any window; only the relay's origin is listened to. */
  receive({ source, origin, data }: MessageEvent): void {
    if (origin !== this.#options.companion) return;
    const message = relayMessage(data);
    if (!message || !source) return;
    if (message.type === "here") this.#adopt(source as Window);
    else if (source !== this.#relay) return;
    else if (message.type === "settled") {
      this.#queue.remove(message.id);
      this.#set({});
    } else this.#set(message.state);
  }

  #adopt(relay: Window): void {
    if (relay === this.#relay) return;
    clearTimeout(this.#opening);
    this.#relay = relay;
    this.#set({ stage: "connecting", problem: null });
    this.#post({ type: "hello", name: this.#options.name() });
    for (const event of this.#queue.all()) this.#post({ type: "event", ...event });
  }

  #notice(): void {
    if (!this.#relay?.closed) return;
    this.#relay = null;
    this.#set({ ...UNTRIED, stage: "relay-closed" });
  }

  #post(message: PageMessage): void {
    if (this.#relay) post(this.#relay, message, this.#options.companion);
  }

  #set(change: Partial<ConnectionState>): void {
    this.#state = { ...this.#state, ...change, waiting: this.#queue.size };
    this.#options.listener.changed(this.#state);
  }
}
