import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ConnectionState } from "../src/bridge/connection";
import { type ConsoleEvent } from "../src/bridge/contract";
import { BACK_OFF_MS, DirectConnection, HEARTBEAT_MS } from "../src/bridge/direct";
import type { TokenStore } from "../src/bridge/token";

const EVENT: ConsoleEvent = {
  source: "console-app",
  kind: "ended",
  sentAt: 1,
  site: null,
  agent: null,
  chat: { id: "c1" },
  visitor: null,
};

/** The browser's WebSocket, as far as the connection uses it, with the companion's hands on it. */
class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readonly address: string;
  readonly sent: Record<string, unknown>[] = [];
  readyState = 0;
  onopen: () => void = () => undefined;
  onmessage: (event: { data: unknown }) => void = () => undefined;
  onclose: (event: { code: number }) => void = () => undefined;

  constructor(address: URL) {
    this.address = address.href;
    Socket.all.push(this);
  }

  static get last(): Socket {
    const socket = Socket.all.at(-1);
    if (!socket) throw new Error("No socket was opened.");
    return socket;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = Socket.OPEN;
    this.onopen();
  }

  say(message: unknown): void {
    this.onmessage({ data: JSON.stringify(message) });
  }

  end(code: number): void {
    this.readyState = 3;
    this.onclose({ code });
  }
}

let token: string | null;
let isThere: boolean;
let states: ConnectionState[];
let connection: DirectConnection;
const tokens: TokenStore = {
  read: () => token,
  write: (value) => {
    token = value;
    return true;
  },
};

beforeEach(() => {
  vi.useFakeTimers();
  Socket.all = [];
  token = null;
  isThere = true;
  states = [];
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("fetch", (address: URL) => {
    expect(address.href).toBe("http://127.0.0.1:47710/v1/health");
    return isThere ? Promise.resolve({ ok: true }) : Promise.reject(new TypeError("refused"));
  });
  connection = new DirectConnection({
    origin: "http://127.0.0.1:47710",
    name: () => "Agent Console (site 20001)",
    tokens,
    listener: { changed: (state) => states.push(state) },
  });
});

afterEach(() => {
  connection.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

function goOnline(): Socket {
  token = "t1";
  connection.start();
  Socket.last.open();
  Socket.last.say({
    type: "welcome",
    protocol: 1,
    version: "0.1.0",
    console: { id: "1", name: "n" },
  });
  expect(connection.state.stage).toBe("online");
  return Socket.last;
}

test("with a token it says hello", () => {
  const socket = goOnline();
  expect(socket.address).toBe("ws://127.0.0.1:47710/v1/console");
  expect(socket.sent).toEqual([{ type: "hello", protocol: 1, token: "t1" }]);
  expect(connection.state).toMatchObject({ version: "0.1.0", consoleName: "n", problem: null });
});

test("without a token it opens no socket, and pairs by a code", async () => {
  connection.start();
  await settle();
  expect(connection.state.stage).toBe("unpaired");
  expect(Socket.all).toEqual([]);
  connection.pair(" 123 456 ");
  Socket.last.open();
  expect(Socket.last.sent).toEqual([
    { type: "pair", protocol: 1, code: "123456", name: "Agent Console (site 20001)" },
  ]);
  Socket.last.say({ type: "paired", token: "t2", console: { id: "1", name: "n" } });
  expect(token).toBe("t2");
  Socket.last.say({
    type: "welcome",
    protocol: 1,
    version: "0.1.0",
    console: { id: "1", name: "n" },
  });
  expect(connection.state.stage).toBe("online");
});

test.each(["12345", "1234567", "abcdef", "", "12345٦"])("%j is no code", (code) => {
  connection.pair(code);
  expect(connection.state.problem?.code).toBe("pairing_code_form");
  expect(Socket.all).toEqual([]);
});

test("an event is kept until it is acknowledged, and sent again under its id", async () => {
  const first = goOnline();
  connection.send(EVENT);
  const sent = first.sent.at(-1);
  expect(sent).toMatchObject({ type: "event", event: EVENT });
  expect(connection.state.waiting).toBe(1);
  first.end(1006);
  await vi.advanceTimersByTimeAsync(BACK_OFF_MS[0]);
  const second = Socket.last;
  expect(second).not.toBe(first);
  second.open();
  second.say({ type: "welcome", protocol: 1, version: "0.1.0", console: {} });
  expect(second.sent.at(-1)).toEqual(sent);
  second.say({ type: "ack", id: sent?.["id"] });
  expect(connection.state.waiting).toBe(0);
});

test("an event that the companion cannot use is not sent again", () => {
  const socket = goOnline();
  connection.send(EVENT);
  const id = socket.sent.at(-1)?.["id"];
  socket.say({ type: "error", id, code: "event_malformed", message: "No.", next_step: "Nothing." });
  expect(connection.state).toMatchObject({
    stage: "online",
    waiting: 0,
    problem: { code: "event_malformed", message: "No.", nextStep: "Nothing." },
  });
  connection.send(EVENT);
  socket.say({ type: "ack", id: socket.sent.at(-1)?.["id"] });
  expect(connection.state.problem).toBeNull();
});

test("it tries again after 1, 2, 5, 15, 30 and 30 seconds", async () => {
  isThere = false;
  token = "t1";
  connection.start();
  for (const pause of [...BACK_OFF_MS, 30_000]) {
    const { length } = Socket.all;
    Socket.last.end(1006);
    await settle();
    expect(connection.state.stage).toBe("away");
    await vi.advanceTimersByTimeAsync(pause - 1);
    expect(Socket.all).toHaveLength(length);
    await vi.advanceTimersByTimeAsync(1);
    expect(Socket.all).toHaveLength(length + 1);
  }
  connection.retry();
  Socket.last.end(1006);
  await vi.advanceTimersByTimeAsync(BACK_OFF_MS[0]);
  expect(Socket.all).toHaveLength(9);
});

test("a companion that is there but lets no socket in has refused the page", async () => {
  token = "t1";
  connection.start();
  Socket.last.end(1006);
  await settle();
  expect(connection.state).toMatchObject({ stage: "refused", problem: { code: "bridge_refused" } });
});

test.each([
  ["token_unknown", 4401],
  ["token_revoked", 4401],
  ["token_missing", 4401],
])("%s drops the token and asks for pairing", async (code, close) => {
  const socket = goOnline();
  socket.say({ type: "error", id: null, code, message: "", next_step: "" });
  socket.end(close);
  await settle();
  expect(token).toBeNull();
  expect(connection.state).toMatchObject({ stage: "unpaired", problem: { code } });
  expect(connection.state.problem?.message).toMatch(/\.$/);
  await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
  expect(connection.state).toMatchObject({ stage: "unpaired", problem: { code } });
});

test.each(["pairing_not_open", "pairing_code_wrong", "pairing_code_expired"])(
  "%s leaves the way to another code open",
  async (code) => {
    connection.start();
    await settle();
    connection.pair("123456");
    Socket.last.open();
    Socket.last.say({ type: "error", id: null, code });
    Socket.last.end(4403);
    await settle();
    expect(connection.state).toMatchObject({ stage: "unpaired", problem: { code } });
    connection.pair("654321");
    expect(connection.state).toMatchObject({ stage: "pairing", problem: null });
  },
);

test.each(["hello_expected", "hello_timeout", "protocol_unsupported"])(
  "%s keeps the token and waits",
  async (code) => {
    const socket = goOnline();
    socket.say({ type: "error", id: null, code });
    socket.end(4400);
    await settle();
    expect(token).toBe("t1");
    expect(connection.state).toMatchObject({ stage: "refused", problem: { code } });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(Socket.last).not.toBe(socket);
  },
);

test("a message that was refused for its size is given up", async () => {
  const socket = goOnline();
  connection.send(EVENT);
  socket.end(1009);
  await settle();
  expect(connection.state).toMatchObject({ waiting: 0, problem: { code: "message_too_large" } });
});

test("a companion that stays silent is left", async () => {
  const socket = goOnline();
  await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
  expect(socket.sent.at(-1)).toEqual({ type: "ping" });
  await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
  expect(socket.readyState).toBe(3);
  await vi.advanceTimersByTimeAsync(BACK_OFF_MS[0]);
  expect(Socket.last).not.toBe(socket);
});

test("a companion that answers is kept, and is answered", async () => {
  const socket = goOnline();
  for (let n = 0; n < 5; n += 1) {
    await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
    socket.say({ type: "pong" });
  }
  expect(Socket.all).toHaveLength(1);
  socket.say({ type: "ping" });
  expect(socket.sent.at(-1)).toEqual({ type: "pong" });
});

test("what is unknown or no JSON is ignored", () => {
  const socket = goOnline();
  socket.say({ type: "from-the-future" });
  socket.say(7);
  socket.onmessage({ data: "{" });
  socket.onmessage({ data: new ArrayBuffer(1) });
  expect(connection.state).toMatchObject({ stage: "online", problem: null });
});

test("the companion's word on a visitor is passed on", () => {
  const socket = goOnline();
  socket.say({ type: "status", visitor: { chat_id: "c1", recognized: true } });
  expect(connection.state.recognized).toEqual({ chatId: "c1", known: true });
  socket.say({ type: "status", visitor: { chat_id: null, recognized: "maybe" } });
  expect(connection.state.recognized).toEqual({ chatId: null, known: null });
});

test("an unpaired console notices when the companion goes and comes", async () => {
  connection.start();
  await settle();
  isThere = false;
  await vi.advanceTimersByTimeAsync(HEARTBEAT_MS);
  expect(connection.state.stage).toBe("away");
  isThere = true;
  await vi.advanceTimersByTimeAsync(BACK_OFF_MS[0]);
  expect(connection.state.stage).toBe("unpaired");
});

test("disconnecting forgets the token", async () => {
  goOnline();
  connection.forget();
  await settle();
  expect(token).toBeNull();
  expect(connection.state.stage).toBe("unpaired");
});
