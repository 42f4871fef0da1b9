import { randomInt, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import { extname, join } from "node:path";
import { type Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** A message as it came over the socket. */
export type Message = Record<string, unknown>;

interface Paired {
  readonly id: string;
  readonly name: string;
  isRevoked: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

const LIMIT = 2 * 1024 * 1024;

const ERRORS = {
  token_missing: [4401, "This console is not paired.", "Pair it."],
  token_unknown: [4401, "This console is not known here.", "Pair it again."],
  token_revoked: [4401, "The pairing of this console was removed.", "Pair it again."],
  pairing_not_open: [4403, "No pairing is open.", "Press “Pair the Agent Console” first."],
  pairing_code_wrong: [4403, "The code is wrong.", "Enter the code that is shown."],
  pairing_code_expired: [4403, "The code is too old.", "Ask for a new code."],
  hello_expected: [4400, "A greeting was expected.", "Update the app."],
  hello_timeout: [4400, "No greeting came in time.", "Try again."],
  protocol_unsupported: [4400, "This protocol is not spoken here.", "Update the companion."],
  message_too_large: [1009, "The message is too large.", "Nothing to do."],
  message_malformed: [null, "The message cannot be read.", "Update the app."],
  event_malformed: [null, "The event cannot be used.", "Nothing to do."],
} as const;

/** A companion's console bridge for tests: the whole contract, and nothing behind it. */
export class TestBridge {
  readonly port: number;
  readonly consoleOrigins: readonly string[];
  readonly #pages: string;
  readonly #consoles = new Map<string, Paired>();
  readonly #sockets = new Map<WebSocket, string>();
  #server: Server | null = null;
  #code: { value: string; expiresAt: number } | null = null;
  /** Every event of every console, in the order in which they came, those sent again included. */
  readonly events: { id: string; event: Message }[] = [];
  /** Every text that any page sent. */
  readonly texts: string[] = [];
  /** Whether any page may frame the app's pages, as if the browser's own guard were missing. */
  isFramableByAll = false;
  /** Whether events are acknowledged. */
  acknowledges = true;

  constructor(port: number, consoleOrigins: readonly string[], pages: string) {
    this.port = port;
    this.consoleOrigins = consoleOrigins;
    this.#pages = pages;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The number of consoles that are connected. */
  get connected(): number {
    return this.#sockets.size;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    const sockets = new WebSocketServer({ noServer: true, maxPayload: LIMIT * 2 });
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const origin = request.headers.origin ?? "";
      if (request.url !== "/v1/console") refuse(socket, 404, "not_found");
      else if (!this.#isOwnHost(request)) refuse(socket, 421, "host_not_allowed");
      else if (!this.#isOwnOrigin(origin)) refuse(socket, 403, "origin_not_allowed");
      else sockets.handleUpgrade(request, socket, head, (web) => this.#accept(web));
    });
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.#server = server;
  }

  /** Stops as a companion that is quit: every connection ends, pairings stay. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const closed = new Promise((resolve) => server.close(resolve));
    this.disconnect();
    server.closeAllConnections();
    await closed;
  }

  /** Cuts every console's connection. */
  disconnect(): void {
    for (const socket of this.#sockets.keys()) socket.terminate();
    this.#sockets.clear();
  }

  /** What the agent does by "Pair the Agent Console": returns the code that is shown. */
  openPairing(lifetime = 120_000): string {
    const value = String(randomInt(1_000_000)).padStart(6, "0");
    this.#code = { value, expiresAt: Date.now() + lifetime };
    return value;
  }

  /** Removes every pairing. */
  revoke(): void {
    for (const paired of this.#consoles.values()) paired.isRevoked = true;
    for (const socket of this.#sockets.keys()) fail(socket, "token_revoked");
    this.#sockets.clear();
  }

  /** Tells the consoles what is known of a visitor. */
  status(chatId: string | null, recognized: boolean | null): void {
    for (const socket of this.#sockets.keys()) {
      say(socket, { type: "status", visitor: { chat_id: chatId, recognized } });
    }
  }

  #accept(socket: WebSocket): void {
    const greeting = setTimeout(() => fail(socket, "hello_timeout"), 10_000);
    socket.on("close", () => {
      clearTimeout(greeting);
      this.#sockets.delete(socket);
    });
    socket.on("message", (data: Buffer) => {
      if (data.length > LIMIT) {
        fail(socket, "message_too_large");
        return;
      }
      const text = data.toString("utf8");
      this.texts.push(text);
      const message = read(text);
      if (message && ["ping"].includes(String(message["type"]))) say(socket, { type: "pong" });
      else if (this.#sockets.has(socket)) this.#event(socket, message);
      else {
        clearTimeout(greeting);
        this.#greet(socket, message);
      }
    });
  }

  #greet(socket: WebSocket, message: Message | null): void {
    if (message?.["type"] !== "hello" && message?.["type"] !== "pair") {
      fail(socket, "hello_expected");
      return;
    }
    if (message["protocol"] !== 1) {
      fail(socket, "protocol_unsupported");
      return;
    }
    if (message["type"] === "hello") {
      const token = message["token"];
      const paired = typeof token === "string" ? this.#consoles.get(token) : undefined;
      if (typeof token !== "string" || token === "") fail(socket, "token_missing");
      else if (!paired) fail(socket, "token_unknown");
      else if (paired.isRevoked) fail(socket, "token_revoked");
      else this.#welcome(socket, paired, token);
      return;
    }
    if (!this.#code) fail(socket, "pairing_not_open");
    else if (this.#code.expiresAt < Date.now()) fail(socket, "pairing_code_expired");
    else if (this.#code.value !== message["code"]) fail(socket, "pairing_code_wrong");
    else {
      this.#code = null;
      const token = randomUUID();
      const paired = { id: randomUUID(), name: String(message["name"]), isRevoked: false };
      this.#consoles.set(token, paired);
      say(socket, { type: "paired", token, console: { id: paired.id, name: paired.name } });
      this.#welcome(socket, paired, token);
    }
  }

  #welcome(socket: WebSocket, { id, name }: Paired, token: string): void {
    this.#sockets.set(socket, token);
    say(socket, { type: "welcome", protocol: 1, version: "0.1.0", console: { id, name } });
  }

  #event(socket: WebSocket, message: Message | null): void {
    if (!message) {
      fail(socket, "message_malformed");
      return;
    }
    if (message["type"] !== "event") return;
    const { id, event } = message;
    if (typeof id !== "string" || typeof event !== "object" || event === null) {
      fail(socket, "event_malformed", typeof id === "string" ? id : null);
      return;
    }
    this.events.push({ id, event: event as Message });
    if (this.acknowledges) say(socket, { type: "ack", id });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", this.origin);
    if (!this.#isOwnHost(request)) {
      problem(response, 421, "host_not_allowed");
      return;
    }
    if (pathname === "/v1/health") {
      json(response, { status: "ok", version: "0.1.0" });
      return;
    }
    if (pathname === "/comm100/config.json") {
      json(response, { version: "0.1.0", consoleOrigins: this.consoleOrigins });
      return;
    }
    const path = /^\/comm100\/((?:[\w-]+\/)*[\w.-]+)$/.exec(pathname)?.[1];
    const content = path && (await readFile(join(this.#pages, path)).catch(() => null));
    if (!path || !content) {
      problem(response, 404, "not_found");
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "x-content-type-options": "nosniff",
      "content-security-policy": this.#framing(path),
    });
    response.end(content);
  }

  #framing(path: string): string {
    const consoles = this.isFramableByAll ? "*" : this.consoleOrigins.join(" ");
    const ancestors = path === "relay.html" ? "'none'" : consoles;
    return `frame-ancestors ${ancestors}`;
  }

  #isOwnHost({ headers: { host } }: IncomingMessage): boolean {
    return host === `127.0.0.1:${this.port}` || host === `localhost:${this.port}`;
  }

  #isOwnOrigin(origin: string): boolean {
    return origin === this.origin || origin === `http://localhost:${this.port}`;
  }
}

function read(text: string): Message | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Message) : null;
  } catch {
    return null; // the caller answers message_malformed or hello_expected
  }
}

function say(socket: WebSocket, message: Message): void {
  socket.send(JSON.stringify(message));
}

function fail(socket: WebSocket, code: keyof typeof ERRORS, id: string | null = null): void {
  const [close, message, nextStep] = ERRORS[code];
  say(socket, { type: "error", id, code, message, next_step: nextStep });
  if (close !== null) socket.close(close);
}

function refuse(socket: Duplex, status: number, code: string): void {
  const body = JSON.stringify({ type: "about:blank", title: code, status, code });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/problem+json" });
  response.end(JSON.stringify({ type: "about:blank", title: code, status, code }));
}
