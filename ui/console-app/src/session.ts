import { type Connection, type ConnectionState } from "./bridge/connection";
import type { SdkObject, Site } from "./bridge/contract";
import { DirectConnection } from "./bridge/direct";
import { RelayedConnection } from "./bridge/relayed";
import { browserTokens } from "./bridge/token";
import { type Config, isAllowed } from "./config";
import { ConsoleClient } from "./console/client";
import { textOf } from "./console/envelope";
import { ConsoleWatch, type ConsoleView, siteOf } from "./console/watch";
import type { ChatLink } from "./link";
import type { AppState, Command } from "./state";

/** The work of the leading page: follows the console it is framed in and hands every event to the companion. */
export class Session {
  readonly #self: Window;
  readonly #config: Config;
  readonly #changed: (state: AppState) => void;
  readonly #site: Site | null;
  readonly #client: ConsoleClient;
  readonly #watch: ConsoleWatch;
  readonly #connection: Connection;
  readonly #onMessage = (event: MessageEvent) => this.#receive(event);
  #view: ConsoleView = { dialect: null, chat: null };

  constructor(self: Window, config: Config, changed: (state: AppState) => void) {
    this.#self = self;
    this.#config = config;
    this.#changed = changed;
    this.#site = siteOf(self.location.search);
    // The questions go to whichever window embeds the page, as the console's protocol has it: they tell nothing.
    this.#client = new ConsoleClient((text) => self.parent.postMessage(text, "*"));
    this.#watch = new ConsoleWatch(this.#client, this.#site, {
      event: (event) => this.#connection.send(event),
      view: (view) => {
        this.#view = view;
        this.#publish();
      },
    });
    this.#connection = this.#connect();
  }

  /** Starts to follow and to report. */
  start(): void {
    this.#self.addEventListener("message", this.#onMessage);
    this.#connection.start();
    if (this.#self.parent !== this.#self) this.#watch.start();
    else this.#view = { dialect: "silent", chat: null };
    this.#publish();
  }

  /** Ends both. */
  stop(): void {
    this.#self.removeEventListener("message", this.#onMessage);
    this.#watch.stop();
    this.#connection.stop();
  }

  /** Does what the agent asked for. */
  obey(command: Command): void {
    switch (command.type) {
      case "pair":
        this.#connection.pair(command.code);
        return;
      case "forget":
        this.#connection.forget();
        return;
      case "retry":
        this.#connection.retry();
        return;
      case "relay-opened":
        if (this.#connection instanceof RelayedConnection) this.#connection.opened();
        return;
    }
  }

  #connect(): Connection {
    const { isPackaged, companion } = this.#config;
    const name = () => consoleName(this.#site);
    const listener = { changed: (state: ConnectionState) => this.#publish(state) };
    return isPackaged
      ? new RelayedConnection({ companion, name, listener })
      : new DirectConnection({ origin: companion, name, tokens: browserTokens(), listener });
  }

  #receive(event: MessageEvent): void {
    if (this.#connection instanceof RelayedConnection) this.#connection.receive(event);
    if (event.source !== this.#self.parent) return;
    const { consoleOrigins } = this.#config;
    if (consoleOrigins && !isAllowed(event.origin, consoleOrigins)) return;
    this.#client.receive(event.data);
  }

  #publish(connection: ConnectionState = this.#connection.state): void {
    this.#changed({
      variant: this.#config.isPackaged ? "relay" : "direct",
      companion: this.#config.companion,
      connection,
      console: this.#view.dialect,
      chat: this.#view.chat && linkOf(this.#view.chat, this.#site),
    });
  }
}

function consoleName(site: Site | null): string {
  return site?.siteId ? `Agent Console (site ${site.siteId})` : "Agent Console";
}

function linkOf(chat: SdkObject, site: Site | null): ChatLink {
  return {
    siteId: site?.siteId,
    chatId: textOf(chat["id"]),
    visitorId: textOf(chat["visitorId"]),
    name: textOf(chat["name"]),
    email: textOf(chat["email"]),
    phone: textOf(chat["phone"]),
    company: textOf(chat["company"]),
  };
}
