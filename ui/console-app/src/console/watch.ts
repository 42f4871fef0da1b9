import type { Agent, ConsoleEvent, EventKind, SdkObject, Site } from "../bridge/contract";
import type { ConsoleClient } from "./client";
import { Duplicates } from "./duplicates";
import { type ApiName, type Dialect, isRecord, textOf } from "./envelope";
import {
  CHAT_ENDED,
  CHAT_REQUESTED,
  CHAT_STARTED,
  CURRENT_AGENT,
  CURRENT_CHAT,
  CURRENT_VISITOR,
  SELECT_CHANGE,
  SUBMIT_WRAPUP,
  VISITOR_STATUS_CHANGE,
} from "./names";

/** How often the current chat is read again: agents edit it, and no event tells. */
export const POLL_MS = 15_000;

/** What is known of the console itself. */
export interface ConsoleView {
  /** `null` while nothing answered yet, `silent` after every name was tried in vain. */
  readonly dialect: Dialect | "silent" | null;
  readonly chat: SdkObject | null;
}

/** Where a watch reports to. */
export interface WatchListener {
  event(event: ConsoleEvent): void;
  view(view: ConsoleView): void;
}

/** Follows the console's agent, chats and visitors and reports every change once. */
export class ConsoleWatch {
  readonly #client: ConsoleClient;
  readonly #site: Site | null;
  readonly #listener: WatchListener;
  readonly #duplicates = new Duplicates();
  #agent: Agent | null = null;
  #chat: SdkObject | null = null;
  #reported: string | null = null;
  #turn = 0;
  #reading = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopped = false;

  constructor(client: ConsoleClient, site: Site | null, listener: WatchListener) {
    this.#client = client;
    this.#site = site;
    this.#listener = listener;
  }

  /** Subscribes, reads what is there now, and goes on reading. */
  start(): void {
    this.#client.on(CHAT_STARTED, (value) => this.#onChat("started", value));
    this.#client.on(CHAT_ENDED, (value) => this.#onChat("ended", value));
    this.#client.on(SUBMIT_WRAPUP, (value) => this.#onChat("wrapup", value));
    this.#client.on(CHAT_REQUESTED, (value) => this.#onChat("requested", value));
    this.#client.on(SELECT_CHANGE, (value) => this.#onSelect(value));
    this.#client.on(VISITOR_STATUS_CHANGE, (value) => this.#onVisitor(value));
    void this.#readAgent();
    void this.#compare();
    this.#timer = setInterval(() => {
      if (!this.#agent) void this.#readAgent();
      void this.#compare();
    }, POLL_MS);
  }

  /** Ends reading; whatever is still on its way is dropped. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  async #readAgent(): Promise<void> {
    const answer = await this.#client.get(CURRENT_AGENT);
    if (this.#stopped) return;
    this.#reportView();
    if (!("value" in answer) || !isRecord(answer.value)) return;
    // Only these three: the console's object also carries permissions and, once, the agent's own key.
    const { id = null, name = null, email = null } = answer.value;
    this.#agent = { id, name, email };
    this.#emit("agent", null, null);
  }

  #onChat(kind: EventKind, value: unknown): void {
    if (this.#stopped) return;
    const { chat, visitor } = parts(value);
    if (this.#duplicates.isEcho(kind, chatId(chat), Date.now())) return;
    this.#emit(kind, chat, visitor);
    if (kind === "started") void this.#compare();
  }

  #onSelect(value: unknown): void {
    if (this.#stopped) return;
    const { chat } = parts(value);
    if (this.#duplicates.isEcho("selected", chatId(chat), Date.now())) return;
    void this.#snapshot(chat);
  }

  #onVisitor(value: unknown): void {
    if (this.#stopped || !isRecord(value) || !this.#chat) return;
    if (!belongs(value, this.#chat)) return;
    const news = JSON.stringify([value["id"], value["status"]]);
    if (this.#duplicates.isEcho("visitor", news, Date.now())) return;
    this.#emit("updated", this.#chat, value);
  }

  /** Reports the chat that the agent just selected. */
  async #snapshot(selected: SdkObject | null): Promise<void> {
    const turn = ++this.#turn;
    const [read, visitor] = await Promise.all([
      this.#read(CURRENT_CHAT),
      this.#read(CURRENT_VISITOR),
    ]);
    if (turn !== this.#turn || this.#stopped) return;
    // The event names the selection; a console that answers with the former chat is merely late.
    const isLate =
      selected !== null && chatId(selected) !== "" && chatId(read) !== chatId(selected);
    this.#report("selected", isLate ? selected : read, visitor);
  }

  /** Reads the current chat and reports it only if it is another one, or the agent edited it. */
  async #compare(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    const turn = this.#turn;
    try {
      const [answer, visitor] = await Promise.all([
        this.#client.get(CURRENT_CHAT),
        this.#read(CURRENT_VISITOR, { probe: true }),
      ]);
      if (turn !== this.#turn || this.#stopped) return;
      this.#reportView();
      if (!("value" in answer)) return;
      const { chat } = parts(answer.value);
      if (fingerprint(chat) === this.#reported) return;
      const isSame = this.#reported !== null && chatId(chat) === chatId(this.#chat);
      this.#report(isSame ? "updated" : "selected", chat, visitor);
    } finally {
      this.#reading = false;
    }
  }

  /** An API that nobody answers is left to the next poll, so that a selection never waits for it. */
  async #read(api: ApiName, { probe = false } = {}): Promise<SdkObject | null> {
    if (!probe && this.#client.isSilent(api)) return null;
    const answer = await this.#client.get(api);
    return "value" in answer && isRecord(answer.value) ? answer.value : null;
  }

  #report(kind: "selected" | "updated", chat: SdkObject | null, visitor: SdkObject | null): void {
    this.#chat = chat;
    this.#reported = fingerprint(chat);
    this.#emit(kind, chat, chat && visitor && belongs(visitor, chat) ? visitor : null);
    this.#reportView();
  }

  #reportView(): void {
    const dialect =
      this.#client.dialectOf(CURRENT_CHAT) ?? this.#client.dialectOf(CURRENT_AGENT) ?? null;
    const isSilent =
      this.#client.isSilent(CURRENT_CHAT) && this.#client.isSilent(CURRENT_AGENT) && !this.#chat;
    this.#listener.view({ dialect: dialect ?? (isSilent ? "silent" : null), chat: this.#chat });
  }

  #emit(kind: EventKind, chat: SdkObject | null, visitor: SdkObject | null): void {
    this.#listener.event({
      source: "console-app",
      kind,
      sentAt: Date.now(),
      site: this.#site,
      agent: this.#agent,
      chat,
      visitor,
    });
  }
}

/** The site that the console names in a widget's address; parameter names are written in any case. */
export function siteOf(query: string): Site | null {
  const fields = new Map(
    [...new URLSearchParams(query)].map(([name, value]) => [name.toLowerCase(), value]),
  );
  const siteId = fields.get("siteid") ?? "";
  const domain = fields.get("domain") ?? "";
  return siteId || domain ? { siteId, domain } : null;
}

/** Events carry the chat, only its id, or an object with both chat and visitor. */
function parts(value: unknown): { chat: SdkObject | null; visitor: SdkObject | null } {
  if (typeof value === "string" && value !== "") return { chat: { id: value }, visitor: null };
  if (!isRecord(value)) return { chat: null, visitor: null };
  const { chat, visitor } = value;
  if (!("id" in value) && (isRecord(chat) || isRecord(visitor))) {
    return {
      chat: isRecord(chat) ? chat : null,
      visitor: isRecord(visitor) ? visitor : null,
    };
  }
  return { chat: value, visitor: null };
}

function chatId(chat: SdkObject | null): string {
  return textOf(chat?.["id"]).toLowerCase();
}

/** Where both sides name the visitor, they must name the same one: the agent may switch between two reads. */
function belongs(visitor: SdkObject, chat: SdkObject): boolean {
  const id = textOf(visitor["id"]);
  const visitorId = textOf(chat["visitorId"]);
  return id === "" || visitorId === "" || id.toLowerCase() === visitorId.toLowerCase();
}

function fingerprint(chat: SdkObject | null): string {
  if (!chat) return "no chat";
  const { name, email, phone, company, fields } = chat;
  return JSON.stringify([chatId(chat), name, email, phone, company, fields]);
}
