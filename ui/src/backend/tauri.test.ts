import { clearMocks, mockIPC } from "@tauri-apps/api/mocks";
import { afterEach, expect, it, vi } from "vitest";
import { problems, states } from "../fixtures/views";
import { tauriBackend } from "./tauri";

afterEach(() => {
  clearMocks();
});

it("listens before it is up, and stops listening", async () => {
  const calls: [string, unknown][] = [];
  mockIPC((command, args) => {
    calls.push([command, args]);
    return command === "plugin:event|listen" ? 7 : null;
  });
  const up = vi.fn();
  const stop = tauriBackend().subscribe({ up, down: vi.fn(), view: vi.fn() });
  expect(up).not.toHaveBeenCalled();
  await vi.waitFor(() => {
    expect(up).toHaveBeenCalledOnce();
  });
  expect(calls[0]).toEqual([
    "plugin:event|listen",
    expect.objectContaining({ event: "view" }) as unknown,
  ]);
  stop();
});

it("hands on the event's view", async () => {
  mockIPC(() => undefined, { shouldMockEvents: true });
  const { emit } = await import("@tauri-apps/api/event");
  const heard = { up: vi.fn(), down: vi.fn(), view: vi.fn() };
  tauriBackend().subscribe(heard);
  await vi.waitFor(() => {
    expect(heard.up).toHaveBeenCalled();
  });
  await emit("view", states.live);
  expect(heard.view).toHaveBeenCalledWith(states.live);
});

it("says why it cannot listen", async () => {
  mockIPC(() => {
    throw new Error("event.listen not allowed");
  });
  const down = vi.fn();
  tauriBackend().subscribe({ up: vi.fn(), down, view: vi.fn() });
  await vi.waitFor(() => {
    expect(down).toHaveBeenCalledWith(expect.objectContaining({ code: "unexpected" }));
  });
});

it("invokes commands under the contract's names, and rejects with the problem", async () => {
  const calls: [string, unknown][] = [];
  mockIPC((command, args) => {
    calls.push([command, args]);
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- Tauri rejects with what the command returned
    if (command === "open_record") throw problems.command;
    return command === "view" ? states.live : null;
  });
  const backend = tauriBackend();
  expect(await backend.view()).toEqual(states.live);
  await backend.choose("account", "a2");
  await expect(backend.openRecord("account", "a2")).rejects.toEqual(problems.command);
  expect(calls).toEqual([
    ["view", {}],
    ["choose", { table: "account", id: "a2" }],
    ["open_record", { table: "account", id: "a2" }],
  ]);
});
