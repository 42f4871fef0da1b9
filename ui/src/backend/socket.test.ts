// @vitest-environment node
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { problems, states } from "../fixtures/views";
import type { Backend, Listener } from "./backend";
import { socketBackend } from "./socket";

interface Request {
  id: number;
  command: string;
  args: unknown;
}

let server: WebSocketServer;
let backend: Backend;
let unsubscribe: (() => void) | undefined;

const listener = () => ({ up: vi.fn(), down: vi.fn(), view: vi.fn() }) satisfies Listener;

/** Answers every command as `reply` says. */
function answer(reply: (request: Request) => object): void {
  server.on("connection", (client) => {
    client.on("message", (data: Buffer) => {
      const request = JSON.parse(data.toString()) as Request;
      client.send(JSON.stringify({ id: request.id, ...reply(request) }));
    });
  });
}

async function listen(port = 0): Promise<void> {
  server = new WebSocketServer({ host: "127.0.0.1", port });
  await new Promise((resolve) => server.once("listening", resolve));
}

async function hangUp(): Promise<void> {
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => {
    server.close(resolve);
  });
}

const port = () => (server.address() as AddressInfo).port;

beforeEach(async () => {
  vi.stubGlobal("WebSocket", WebSocket);
  await listen();
  backend = socketBackend(`ws://127.0.0.1:${port()}/page/ws`);
});

afterEach(async () => {
  unsubscribe?.();
  unsubscribe = undefined;
  await hangUp();
});

it("sends commands under the contract's names and arguments", async () => {
  const asked: [string, unknown][] = [];
  answer(({ command, args }) => {
    asked.push([command, args]);
    return { ok: command === "view" ? states.live : null };
  });
  const heard = listener();
  unsubscribe = backend.subscribe(heard);
  await vi.waitFor(() => {
    expect(heard.up).toHaveBeenCalledOnce();
  });
  expect(await backend.view()).toEqual(states.live);
  await backend.refresh();
  await backend.choose("contact", "c2");
  await backend.startPairing();
  await backend.cancelPairing();
  await backend.revokeConsole("k1");
  await backend.playVisitor("v1");
  await backend.openRecord("lead", "l1");
  await backend.reconnect();
  expect(asked).toEqual([
    ["view", {}],
    ["refresh", {}],
    ["choose", { table: "contact", id: "c2" }],
    ["start_pairing", {}],
    ["cancel_pairing", {}],
    ["revoke_console", { id: "k1" }],
    ["play_visitor", { id: "v1" }],
    ["open_record", { table: "lead", id: "l1" }],
    ["reconnect", {}],
  ]);
});

it("rejects with the back end's problem", async () => {
  answer(() => ({ error: problems.command }));
  const heard = listener();
  unsubscribe = backend.subscribe(heard);
  await vi.waitFor(() => {
    expect(heard.up).toHaveBeenCalled();
  });
  await expect(backend.openRecord("lead", "l1")).rejects.toEqual(problems.command);
});

it("hands on every view that is pushed", async () => {
  server.on("connection", (client) => {
    client.send(JSON.stringify({ view: states.live }));
  });
  const heard = listener();
  unsubscribe = backend.subscribe(heard);
  await vi.waitFor(() => {
    expect(heard.view).toHaveBeenCalledWith(states.live);
  });
});

it("refuses commands while there is no line", async () => {
  await expect(backend.refresh()).rejects.toMatchObject({ code: "companion_unreachable" });
});

it("fails what was under way when the line drops, and connects again", async () => {
  server.on("connection", (client) => {
    client.on("message", () => {
      client.terminate();
    });
  });
  const heard = listener();
  unsubscribe = backend.subscribe(heard);
  await vi.waitFor(() => {
    expect(heard.up).toHaveBeenCalledOnce();
  });
  await expect(backend.refresh()).rejects.toMatchObject({ code: "companion_unreachable" });
  expect(heard.down).toHaveBeenCalledOnce();
  const again = port();
  await hangUp();
  await listen(again);
  await vi.waitFor(
    () => {
      expect(heard.up).toHaveBeenCalledTimes(2);
    },
    { timeout: 5_000 },
  );
});

it("tells of an answer that is not JSON", async () => {
  server.on("connection", (client) => {
    client.send("<html>");
  });
  const heard = listener();
  unsubscribe = backend.subscribe(heard);
  await vi.waitFor(() => {
    expect(heard.down).toHaveBeenCalledWith(expect.objectContaining({ code: "unexpected" }));
  });
});

it("closes the line with its last listener", async () => {
  const heard = listener();
  const stop = backend.subscribe(heard);
  await vi.waitFor(() => {
    expect(server.clients.size).toBe(1);
  });
  stop();
  await vi.waitFor(() => {
    expect(server.clients.size).toBe(0);
  });
  expect(heard.down).not.toHaveBeenCalled();
});
