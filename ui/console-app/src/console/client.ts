import {
  type ApiName,
  type ConsoleMessage,
  type Dialect,
  confirmation,
  dialectsOf,
  nameIn,
  parse,
  payload,
  question,
  textOf,
} from "./envelope";

/** How long the console may take to answer before we say so ourselves. */
export const ANSWER_TIMEOUT_MS = 5_000;

/** Our own error code for "no answer": the name is unknown to this console. */
export const NO_ANSWER = 100;

/** What came of a question. Like the console's own SDK, a question never rejects. */
export type Answer =
  | { readonly errorCode: 0; readonly value: unknown; readonly dialect: Dialect }
  | { readonly errorCode: number; readonly message: string };

/** Receives what an event carried. */
export type EventHandler = (value: unknown) => void;

interface Pending {
  readonly api: string;
  settle(message: ConsoleMessage): void;
}

/**
 * Asks and listens to the console without knowing its dialect: everything is tried in all of them, and
 * the one that answered first is remembered for each API.
 */
export class ConsoleClient {
  readonly #post: (text: string) => void;
  readonly #page = crypto.randomUUID();
  readonly #pending = new Map<string, Pending>();
  readonly #handlers = new Map<string, EventHandler>();
  readonly #answered = new Map<ApiName, Dialect>();
  readonly #silent = new Set<ApiName>();

  /** `post` sends one text to the console's window. */
  constructor(post: (text: string) => void) {
    this.#post = post;
  }

  /** The dialect in which an API answered, or null while none did. */
  dialectOf(api: ApiName): Dialect | null {
    return this.#answered.get(api) ?? null;
  }

  /** Whether this API was asked for in every dialect and nobody answered. */
  isSilent(api: ApiName): boolean {
    return this.#silent.has(api);
  }

  /** Reads a value. Resolves with error code 100 when nobody answers in time. */
  async get(api: ApiName): Promise<Answer> {
    const remembered = this.#answered.get(api);
    const dialects = remembered ? [remembered] : dialectsOf(api);
    const answer = await this.#firstGood(dialects, api);
    if ("dialect" in answer) {
      this.#answered.set(api, answer.dialect);
      this.#silent.delete(api);
    } else if (answer.errorCode === NO_ANSWER) {
      // A console that was updated while we ran may have changed its dialect: probe again next time.
      this.#answered.delete(api);
      this.#silent.add(api);
    }
    return answer;
  }

  /** Listens to an event under all of its names. */
  on(api: ApiName, handler: EventHandler): void {
    for (const dialect of dialectsOf(api)) {
      this.#handlers.set(nameIn(dialect, api), handler);
      this.#post(question(dialect, "on", api, this.#page).text);
    }
  }

  /** Takes one message that came from the console's window. */
  receive(data: unknown): void {
    const message = parse(data);
    if (!message) return;
    if (message.action === "get") this.#settle(message);
    if (message.action === "on") this.#handle(message);
  }

  #firstGood(dialects: readonly Dialect[], api: ApiName): Promise<Answer> {
    return new Promise((resolve) => {
      const traces: string[] = [];
      let refusal: Answer | null = null;
      let open = dialects.length;
      const finish = (answer: Answer) => {
        clearTimeout(timer);
        for (const trace of traces) this.#pending.delete(trace);
        resolve(answer);
      };
      const noAnswer: Answer = {
        errorCode: NO_ANSWER,
        message: `The Agent Console does not answer "${api.present}".`,
      };
      const timer = setTimeout(() => finish(refusal ?? noAnswer), ANSWER_TIMEOUT_MS);
      for (const dialect of dialects) {
        const { trace, text } = question(dialect, "get", api, this.#page);
        traces.push(trace);
        this.#pending.set(trace, {
          api: nameIn(dialect, api),
          settle: (message) => {
            this.#pending.delete(trace);
            const errorCode = Number(message["errorCode"] ?? 0);
            if (errorCode === 0) {
              finish({ errorCode: 0, value: payload(message) ?? null, dialect });
              return;
            }
            refusal ??= { errorCode, message: textOf(message["message"]) };
            open -= 1;
            if (open === 0) finish(refusal);
          },
        });
        this.#post(text);
      }
    });
  }

  #settle(message: ConsoleMessage): void {
    const trace = message["eventTrace"] ?? message["msgId"];
    const named = typeof trace === "string" ? this.#pending.get(trace) : undefined;
    if (named) {
      named.settle(message);
      return;
    }
    if (trace !== undefined) return;
    for (const pending of this.#pending.values()) {
      if (pending.api === message.api) {
        pending.settle(message);
        return;
      }
    }
  }

  #handle(message: ConsoleMessage): void {
    const handler = this.#handlers.get(message.api);
    const { msgId, eventTrace } = message;
    const isLegacyEvent = typeof msgId === "string" && typeof eventTrace === "string";
    if (isLegacyEvent) this.#post(confirmation(eventTrace, handler !== undefined));
    const value = payload(message);
    // The console also echoes our subscription; only an event carries something or calls itself a broadcast.
    if (value === undefined && message["isBroadcast"] !== true) return;
    handler?.(value ?? null);
  }
}
