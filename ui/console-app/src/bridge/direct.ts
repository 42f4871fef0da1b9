import { isRecord, textOf } from "../console/envelope";
import {
  type Connection,
  type ConnectionListener,
  type ConnectionState,
  UNTRIED,
  queued,
} from "./connection";
import {
  CLOSE,
  type ClientMessage,
  type ConsoleEvent,
  PROTOCOL,
  type QueuedEvent,
  problem,
} from "./contract";
import { EventQueue } from "./queue";
import type { TokenStore } from "./token";

/** The pauses before the next try; the last one stays. */
export const BACK_OFF_MS = [1_000, 2_000, 5_000, 15_000, 30_000] as const;

/** How often a silent socket, or a companion that we are not paired with, is asked whether it is there. */
export const HEARTBEAT_MS = 15_000;

/** Problems that an accepted event does not end. */
const LASTING: ReadonlySet<string> = new Set(["storage_blocked"]);

/** What a direct connection needs. */
export interface DirectOptions {
  /** The companion's origin, which is this page's own. */
  readonly origin: string;
  /** The name under which the companion lists this console. */
  readonly name: () => string;
  readonly tokens: TokenStore;
  readonly listener: ConnectionListener;
}

/** The WebSocket to the companion, kept open, with everything that it did not acknowledge yet. */
export class DirectConnection implements Connection {
  readonly #options: DirectOptions;
  readonly #queue = new EventQueue();
  #state: ConnectionState = UNTRIED;
  #socket: WebSocket | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #heard = false;
  #running = false;

  constructor(options: DirectOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  start(): void {
    this.#running = true;
    this.#connect();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#drop();
  }

  send(event: ConsoleEvent): void {
    this.sendQueued(queued(event));
  }

  /** Sends an event that has its id already; one that waits here already is not sent twice. */
  sendQueued(event: QueuedEvent): void {
    if (this.#queue.all().some(({ id }) => id === event.id)) return;
    if (!this.#queue.add(event)) {
      this.#options.listener.settled?.(event.id);
      this.#set({ problem: problem("message_too_large") });
      return;
    }
    if (this.#state.stage === "online") this.#sendWaiting(event.id);
    this.#set({});
  }

  pair(code: string): void {
    const digits = code.replace(/[\s-]/g, "");
    if (!/^\d{6}$/.test(digits)) {
      this.#set({ problem: problem("pairing_code_form") });
      return;
    }
    this.#set({ stage: "pairing", problem: null });
    this.#open({ type: "pair", protocol: PROTOCOL, code: digits, name: this.#options.name() });
  }

  forget(): void {
    this.#options.tokens.write(null);
    this.#drop();
    this.#set({ consoleName: null, recognized: null, problem: null });
    this.#connect();
  }

  retry(): void {
    this.#failures = 0;
    this.#connect();
  }

  #connect(): void {
    if (!this.#running) return;
    clearTimeout(this.#timer);
    const token = this.#options.tokens.read();
    if (token === null) {
      void this.#lookForCompanion();
      return;
    }
    if (this.#state.stage !== "away") this.#set({ stage: "connecting" });
    this.#open({ type: "hello", protocol: PROTOCOL, token });
  }

  /** Without a token a socket would only be closed again, so the companion's presence is all there is to learn. */
  async #lookForCompanion(): Promise<void> {
    const isThere = await this.#isCompanionThere();
    if (!this.#running || this.#socket) return;
    if (isThere) {
      this.#failures = 0;
      this.#set({ stage: "unpaired" });
      this.#later(HEARTBEAT_MS);
    } else {
      this.#set({ stage: "away" });
      this.#laterAfterFailure();
    }
  }

  async #isCompanionThere(): Promise<boolean> {
    try {
      const health = await fetch(new URL("/v1/health", this.#options.origin), {
        cache: "no-store",
        signal: AbortSignal.timeout(5_000),
      });
      return health.ok;
    } catch {
      return false; // refused, or nobody listens there: either way there is nothing to talk to
    }
  }

  #open(first: ClientMessage): void {
    clearTimeout(this.#timer);
    this.#drop();
    const address = new URL("/v1/console", this.#options.origin);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(first));
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket) this.#receive(data);
    };
    socket.onclose = ({ code }) => {
      if (this.#socket !== socket) return;
      this.#drop();
      void this.#closed(code);
    };
  }

  #receive(data: unknown): void {
    this.#heard = true;
    const message = parsed(data);
    if (!message) return;
    switch (message["type"]) {
      case "paired":
        this.#paired(message);
        return;
      case "welcome":
        this.#welcomed(message);
        return;
      case "ack":
        this.#acknowledged(textOf(message["id"]));
        return;
      case "status":
        this.#status(message["visitor"]);
        return;
      case "error":
        this.#failed(message);
        return;
      case "ping":
        this.#write({ type: "pong" });
        return;
      default: // later companions may say more than we know
        return;
    }
  }

  #paired(message: Record<string, unknown>): void {
    if (typeof message["token"] !== "string") return;
    this.#options.tokens.write(message["token"]);
  }

  #welcomed(message: Record<string, unknown>): void {
    const console = isRecord(message["console"]) ? message["console"] : {};
    this.#failures = 0;
    // A cookie ends some day, so every good use of the token keeps it for as long again.
    const isRemembered = this.#options.tokens.write(this.#options.tokens.read());
    this.#set({
      stage: "online",
      version: typeof message["version"] === "string" ? message["version"] : null,
      consoleName: typeof console["name"] === "string" ? console["name"] : null,
      isRemembered,
      problem: isRemembered ? null : problem("storage_blocked"),
    });
    this.#heard = true;
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#sendWaiting();
  }

  /** A socket can stay open towards a companion that is gone: what stays silent is closed and tried again. */
  #beat(): void {
    if (!this.#heard) {
      this.#drop();
      void this.#closed(1006);
      return;
    }
    this.#heard = false;
    this.#write({ type: "ping" });
  }

  #status(visitor: unknown): void {
    if (!isRecord(visitor)) {
      this.#set({ recognized: null });
      return;
    }
    const { chat_id: chatId, recognized: known } = visitor;
    this.#set({
      recognized: {
        chatId: typeof chatId === "string" ? chatId : null,
        known: typeof known === "boolean" ? known : null,
      },
    });
  }

  #failed(message: Record<string, unknown>): void {
    const code = textOf(message["code"]) || "unknown";
    // What the companion cannot use now it cannot use later either: sending it again would never end.
    if (typeof message["id"] === "string") this.#settled(message["id"]);
    this.#set({ problem: problem(code, message["message"], message["next_step"]) });
  }

  #acknowledged(id: string): void {
    const { problem: current } = this.#state;
    if (current && !LASTING.has(current.code)) this.#set({ problem: null });
    this.#settled(id);
  }

  #settled(id: string): void {
    this.#queue.remove(id);
    this.#options.listener.settled?.(id);
    this.#set({});
  }

  async #closed(code: number): Promise<void> {
    const was = this.#state.stage;
    this.#set({ recognized: null });
    switch (code) {
      case CLOSE.token:
        this.#options.tokens.write(null);
        this.#set({
          stage: "unpaired",
          consoleName: null,
          problem: this.#state.problem ?? problem("token_unknown"),
        });
        this.#later(HEARTBEAT_MS);
        return;
      case CLOSE.pairing:
        this.#set({
          stage: "unpaired",
          problem: this.#state.problem ?? problem("pairing_not_open"),
        });
        this.#later(HEARTBEAT_MS);
        return;
      case CLOSE.handshake:
        this.#set({
          stage: "refused",
          problem: this.#state.problem ?? problem("protocol_unsupported"),
        });
        this.#later(Math.max(...BACK_OFF_MS));
        return;
      case CLOSE.tooLarge:
        this.#queue.removeLargest();
        this.#set({ stage: "connecting", problem: problem("message_too_large") });
        this.#laterAfterFailure();
        return;
      default:
        break;
    }
    if (was === "online") this.#set({ stage: "connecting" });
    else await this.#explainRefusal();
    if (!this.#running || this.#socket) return;
    this.#laterAfterFailure();
  }

  /** A browser hides why a WebSocket was turned down, so a companion that is there must have refused it. */
  async #explainRefusal(): Promise<void> {
    const isThere = await this.#isCompanionThere();
    if (!this.#running || this.#socket) return;
    if (isThere) this.#set({ stage: "refused", problem: problem("bridge_refused") });
    else this.#set({ stage: "away", problem: null });
  }

  #laterAfterFailure(): void {
    const step = Math.min(this.#failures, BACK_OFF_MS.length - 1);
    this.#failures += 1;
    this.#later(BACK_OFF_MS[step] ?? BACK_OFF_MS[0]);
  }

  #later(pause: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), pause);
  }

  #sendWaiting(only?: string): void {
    for (const event of this.#queue.all()) {
      if (only === undefined || event.id === only) this.#write({ type: "event", ...event });
    }
  }

  #write(message: ClientMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #drop(): void {
    clearInterval(this.#heartbeat);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #set(change: Partial<ConnectionState>): void {
    this.#state = { ...this.#state, ...change, waiting: this.#queue.size };
    this.#options.listener.changed(this.#state);
  }
}

function parsed(data: unknown): Record<string, unknown> | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    return isRecord(value) ? value : null;
  } catch {
    return null; // the contract knows JSON text only; anything else is not from a companion
  }
}
