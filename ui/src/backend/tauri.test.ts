import { clearMocks, mockIPC, mockWindows } from "@tauri-apps/api/mocks";
import { afterEach, describe, expect, it, vi } from "vitest";
import { problems, states } from "../fixtures/views";
import { tauriBackend, tauriSettings } from "./tauri";

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

describe("the settings' window", () => {
  /** The window's own commands that were called. */
  function window(refuse: string | null = null) {
    const calls: [string, unknown][] = [];
    mockWindows("settings");
    mockIPC(
      (command, args) => {
        calls.push([command, args]);
        if (command === refuse) throw new Error(`${command} not allowed`);
      },
      { shouldMockEvents: refuse !== "plugin:event|listen" },
    );
    const close = async () => {
      const { TauriEvent, emit } = await import("@tauri-apps/api/event");
      await emit(TauriEvent.WINDOW_CLOSE_REQUESTED);
    };
    return { calls, close };
  }
  const leaves = () => {
    const event = new Event("beforeunload", { cancelable: true });
    dispatchEvent(event);
    return !event.defaultPrevented;
  };

  it("asks instead of being closed, in front of the others, as long as it is held", async () => {
    const { calls, close } = window();
    const leaving = { asked: vi.fn(), failed: vi.fn() };
    const letGo = tauriSettings().holdOpen(leaving);
    await vi.waitFor(async () => {
      await close();
      expect(leaving.asked).toHaveBeenCalled();
    });
    expect(leaves()).toBe(false);
    await vi.waitFor(() => {
      expect(calls).toContainEqual(["plugin:window|set_focus", { label: "settings" }]);
    });
    expect(calls.map(([command]) => command)).not.toContain("plugin:window|destroy");
    letGo();
    leaving.asked.mockClear();
    await close();
    expect(leaving.asked).not.toHaveBeenCalled();
    expect(leaving.failed).not.toHaveBeenCalled();
    expect(leaves()).toBe(true);
  });

  it("is closed without a question", async () => {
    const { calls } = window();
    await tauriSettings().close();
    expect(calls).toEqual([["plugin:window|destroy", { label: "settings" }]]);
  });

  it("says that it cannot be held", async () => {
    window("plugin:event|listen");
    const failed = vi.fn();
    const letGo = tauriSettings().holdOpen({ asked: vi.fn(), failed });
    await vi.waitFor(() => {
      expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code: "unexpected" }));
    });
    letGo();
  });
});
