// A stand-in for the host of the page: serves the built page and plays the back end over the page contract.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { type WebSocket, WebSocketServer } from "ws";
import type { Problem, SettingsView, View } from "../src/backend/types";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};
/** As strict as the window's own. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export interface Received {
  command: string;
  args: Record<string, unknown>;
}

type Reply = (args: Record<string, unknown>) => View | undefined;
type Answer = (args: Record<string, unknown>) => unknown;

export class PageHost {
  readonly commands: Received[] = [];
  readonly requests: string[] = [];
  #view: View;
  #replies = new Map<string, Reply | Problem>();
  #answers = new Map<string, Answer>();
  #clients = new Set<WebSocket>();
  #revision = 1;
  #server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://page").pathname);
    this.requests.push(path);
    const file = join(DIST, path === "/" ? "index.html" : path);
    if (!file.startsWith(DIST) || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "content-security-policy": POLICY,
    });
    createReadStream(file).pipe(response);
  });
  #sockets = new WebSocketServer({ server: this.#server, path: "/page/ws" });

  constructor(first: View) {
    this.#view = first;
    this.#sockets.on("connection", (client) => {
      this.#clients.add(client);
      client.on("close", () => this.#clients.delete(client));
      client.on("message", (data: Buffer) => {
        this.#answer(client, JSON.parse(data.toString()) as Received & { id: number });
      });
    });
  }

  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Sends a view to every open page, as the back end does on each change. */
  show(view: View): void {
    this.#revision += 1;
    this.#view = { ...view, revision: this.#revision };
    for (const client of this.#clients) client.send(JSON.stringify({ view: this.#view }));
  }

  /** Sends exactly this, whatever was shown last. */
  send(view: View): void {
    for (const client of this.#clients) client.send(JSON.stringify({ view }));
  }

  /** Begins anew, as a back end that was started again. */
  reset(view: View): void {
    this.#revision = 1;
    this.#view = { ...view, revision: 1 };
  }

  /** What a command leads to: another view, or a failure. */
  on(command: string, reply: Reply | Problem): void {
    this.#replies.set(command, reply);
  }

  /** What a command returns. */
  answer(command: string, answer: Answer): void {
    this.#replies.delete(command);
    this.#answers.set(command, answer);
  }

  /** Sends the settings window a view, as the back end does on each change. */
  showSettings(settings: SettingsView): void {
    this.answer("settings", () => settings);
    for (const client of this.#clients) client.send(JSON.stringify({ settings }));
  }

  /** Breaks all lines and refuses new ones until `start`. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve, reject) =>
      this.#server.close((error) => {
        if (error) reject(error);
        else resolve();
      }),
    );
  }

  #answer(client: WebSocket, { id, command, args }: Received & { id: number }): void {
    if (command === "view") {
      client.send(JSON.stringify({ id, ok: this.#view }));
      return;
    }
    this.commands.push({ command, args });
    const reply = this.#replies.get(command);
    if (typeof reply === "object") {
      client.send(JSON.stringify({ id, error: reply }));
      return;
    }
    const next = reply?.(args);
    if (next) this.show(next);
    client.send(JSON.stringify({ id, ok: this.#answers.get(command)?.(args) ?? null }));
  }
}
