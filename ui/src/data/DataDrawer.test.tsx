import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "../app/App";
import type { View } from "../backend";
import { dataLost, dataReceipt, dataUnsent } from "../fixtures/data";
import { FakeBackend } from "../fixtures/fakeBackend";
import { NOW, dana, problems, states } from "../fixtures/views";

const settle = async () => {
  for (let turn = 0; turn < 3; turn += 1) await act(() => Promise.resolve());
};
const click = async (element: HTMLElement) => {
  fireEvent.click(element);
  await settle();
};
const type = (element: HTMLElement, value: string) => {
  fireEvent.change(element, { target: { value } });
};
const button = (name: string) => screen.getByRole("button", { name });

async function show(first: View, prepare?: (backend: FakeBackend) => void) {
  const backend = new FakeBackend(first);
  prepare?.(backend);
  render(<App backend={backend} />);
  await settle();
  return backend;
}

async function openData(prepare?: (backend: FakeBackend) => void) {
  const backend = await show(states.live, prepare);
  await click(button("More"));
  await click(screen.getByRole("menuitem", { name: "Data on this computer" }));
  return backend;
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});

describe("what is kept", () => {
  it("is told with amount and age", async () => {
    await openData();
    const kept = screen.getByRole("region", { name: "What is kept" });
    expect(kept).toHaveTextContent("Contacts12,480 copies, the oldest read Feb 27, 2026");
    expect(kept).toHaveTextContent("Outbox214 entries, the oldest of Jan 12, 2026");
    expect(kept).toHaveTextContent("Log files49 kB");
  });

  it("says why it cannot be told, and is asked for again", async () => {
    const backend = await openData((backend) => {
      backend.failing.set("localData", problems.command);
    });
    expect(screen.getByRole("alert")).toHaveTextContent("What is kept could not be read.");
    backend.failing.clear();
    await click(button("Try again"));
    expect(screen.getByRole("region", { name: "What is kept" })).toBeVisible();
  });
});

describe("forgetting a person", () => {
  const whom = () => screen.getByLabelText("E-mail address or phone number");

  it("shows what would be erased before anything is, then the receipt", async () => {
    const backend = await openData();
    type(whom(), " dana@northwind.example ");
    await click(button("Look what is kept"));
    const section = screen.getByRole("region", { name: "Forget a person" });
    expect(section).toHaveTextContent("2 copies of records");
    expect(section).toHaveTextContent("9 lines of the activity");
    expect(backend.asked.filter((command) => command.startsWith("forget"))).toEqual([]);
    await click(button("Erase"));
    expect(backend.asked).toContain("traces dana@northwind.example");
    expect(backend.asked).toContain("forget dana@northwind.example false");
    expect(screen.getByLabelText("Receipt")).toHaveTextContent(dataReceipt.digest);
    // What is kept is asked for anew.
    expect(backend.asked.at(-1)).toBe("localData");
    await click(button("Done"));
    expect(whom()).toHaveValue("");
  });

  it("takes a telephone number as one, and forgets what was found when another is typed", async () => {
    const backend = await openData();
    type(whom(), "+44 20 7946 0018");
    await click(button("Look what is kept"));
    expect(backend.asked).toContain("traces +44 20 7946 0018");
    type(whom(), "+44 20 7946 001");
    expect(screen.queryByRole("button", { name: "Erase" })).toBeNull();
  });

  it("discards what is not sent only when that is ticked, and offers to send it first", async () => {
    const backend = await openData((backend) => {
      backend.found = dataUnsent;
    });
    type(whom(), "dana@northwind.example");
    await click(button("Look what is kept"));
    expect(screen.getByText(/store.sqlite.lost-1 cannot be opened/)).toBeVisible();
    await click(button("Erase"));
    expect(backend.asked.filter((command) => command.startsWith("forget"))).toEqual([]);
    await click(button("Send first"));
    expect(backend.asked).toContain(`retry ${dataUnsent.unsent[0]?.id ?? ""}`);
    await click(screen.getByRole("checkbox", { name: "Discard it unsent" }));
    await click(button("Erase"));
    expect(backend.asked).toContain("forget dana@northwind.example true");
  });

  it("says what is wrong with what was typed", async () => {
    await openData((backend) => {
      backend.failing.set("traces", { ...problems.command, message: "This is no number." });
    });
    type(whom(), "1");
    await click(button("Look what is kept"));
    expect(screen.getByRole("alert")).toHaveTextContent("This is no number.");
  });
});

describe("removing data", () => {
  it("tells what goes, keeps the store unless asked, and never discards unsent work by itself", async () => {
    const backend = await openData((backend) => {
      backend.kept = dataLost;
    });
    await click(button("Remove data…"));
    const group = screen.getByRole("group", { name: "Remove data" });
    expect(group).toHaveTextContent("All copies of records");
    expect(group).not.toHaveTextContent("entries of the outbox");
    await click(within(group).getByRole("checkbox", { name: /^Also the outbox/ }));
    expect(group).toHaveTextContent("2 entries of the outbox have not been sent yet.");
    await click(button("Remove"));
    expect(backend.asked.filter((command) => command.startsWith("wipe"))).toEqual([]);
    await click(screen.getByRole("checkbox", { name: "Discard all 2 unsent" }));
    await click(screen.getByRole("checkbox", { name: "Also the files that were set aside" }));
    expect(group).toHaveTextContent("store.sqlite.lost-1");
    await click(button("Remove"));
    expect(backend.asked).toContain('wipe {"store":true,"setAside":true,"discardUnsent":true}');
    expect(screen.getByText(/^Removed: 14,591 copies of records/)).toBeVisible();
  });
});

describe("the recovery file", () => {
  it("is made with a passphrase that is typed twice", async () => {
    const backend = await openData();
    expect(screen.getByText(/You have not made a recovery file yet/)).toBeVisible();
    await click(button("Make a recovery file"));
    type(screen.getByLabelText("New passphrase"), "short");
    await click(button("Make a recovery file"));
    expect(screen.getByText("Use at least 12 characters.")).toBeVisible();
    type(screen.getByLabelText("New passphrase"), "five words nobody knows");
    await click(button("Make a recovery file"));
    expect(screen.getByText("The two are not the same.")).toBeVisible();
    type(screen.getByLabelText("The same again"), "five words nobody knows");
    await click(button("Make a recovery file"));
    expect(backend.asked).toContain("makeRecovery null five words nobody knows");
    expect(screen.getByText(/^\/home\/robin\/recovery.json is made/)).toBeVisible();
  });

  it("brings back a store whose key was lost", async () => {
    const backend = await openData((backend) => {
      backend.kept = dataLost;
    });
    expect(screen.getByText(/The key was lost/)).toBeVisible();
    await click(button("Use the recovery file"));
    const form = screen.getByRole("form", { name: "Use the recovery file" });
    const file = new File(["the file"], "recovery.json");
    file.text = () => Promise.resolve("the file");
    const input = within(form).getByLabelText("File");
    fireEvent.change(input, { target: { files: { item: () => file, length: 1 } } });
    type(within(form).getByLabelText("Passphrase"), "five words");
    await click(within(form).getByRole("button", { name: "Use the recovery file" }));
    expect(backend.asked).toContain("useRecovery the file five words");
    expect(
      screen.getByText(/^Recovered: 3 entries of the outbox \(1 not sent yet\)/),
    ).toBeVisible();
  });
});

describe("the lock", () => {
  const locked: View = { ...states.idle, locked: true, revision: 90 };

  it("is asked for by the menu and by the keyboard", async () => {
    const backend = await show(states.live);
    await click(button("More"));
    await click(screen.getByRole("menuitem", { name: /^Lock/ }));
    fireEvent.keyDown(window, { code: "KeyL", key: "L", ctrlKey: true, shiftKey: true });
    await settle();
    expect(backend.asked.filter((command) => command === "lock")).toHaveLength(2);
  });

  it("leaves nothing of anybody on the page, and what was open is there again afterwards", async () => {
    const backend = await openData();
    act(() => {
      backend.push(locked);
    });
    expect(document.body.textContent).not.toContain(dana.name);
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("Locked");
    await click(button("Unlock"));
    expect(backend.asked).toContain("unlock");
    act(() => {
      backend.push({ ...states.live, revision: 91 });
    });
    await settle();
    expect(screen.getByRole("dialog", { name: "Data on this computer" })).toBeVisible();
  });

  it("stays, and says why it cannot be undone", async () => {
    const backend = await show(locked);
    backend.failing.set("unlock", { ...problems.command, message: "The keyring is locked." });
    await click(button("Unlock"));
    expect(screen.getByRole("alert")).toHaveTextContent("The keyring is locked.");
  });
});
