import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "../app/App";
import type { View } from "../backend";
import { dataLost, dataReceipt, dataUnsent } from "../fixtures/data";
import { FakeBackend } from "../fixtures/fakeBackend";
import { NOW, dana, offline, problems, states, view } from "../fixtures/views";

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

async function openData(prepare?: (backend: FakeBackend) => void, first: View = states.live) {
  const backend = await show(first, prepare);
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
    expect(kept).toHaveTextContent("Copies of records22,022 copies, the oldest read Feb 27, 2026");
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

describe("the copies for offline use", () => {
  const section = () => screen.getByRole("region", { name: "Copies for offline use" });
  const row = (name: string) => within(section()).getByText(name).parentElement;
  // The button to copy a request id has one of its own.
  const said = () => {
    const [first] = within(section()).getAllByRole("status");
    if (!first) throw new Error("nothing is said");
    return first;
  };
  const sync = () => button("Synchronise now");
  const standing = (parts: Partial<View>) => openData(undefined, view(parts));

  it("are told by table, with amount and age", async () => {
    await standing({ offline: offline.fresh });
    expect(said()).toHaveTextContent("In step with Dynamics.");
    expect(row("Contacts")).toHaveTextContent("18,204 copies, as of 2 minutes ago");
    expect(row("Cases")).toHaveTextContent("1,032 copies, as of 2 minutes ago");
    act(() => {
      vi.advanceTimersByTime(60_000);
    });
    expect(row("Contacts")).toHaveTextContent("as of 3 minutes ago");
  });

  it("show how far a load is, which is not spoken at every number", async () => {
    const backend = await standing({ offline: offline.loading });
    const bar = screen.getByRole("progressbar", { name: "Reading contacts" });
    expect(bar).toHaveAttribute("aria-valuenow", String(8_000 / 21_450));
    expect(bar).toHaveAttribute("aria-valuetext", "8,000 of about 21,450 read");
    expect(row("Contacts")).toHaveTextContent("7,000 copies so far8,000 of about 21,450 read");
    expect(row("Leads")).toHaveTextContent("No copies yet, waiting");
    const spoken = new MutationObserver(() => undefined);
    spoken.observe(said(), { subtree: true, childList: true, characterData: true });
    const further = offline.loading.tables.map((table) =>
      table.state === "loading" ? { ...table, done: 22_000, copies: 20_000 } : table,
    );
    act(() => {
      backend.push(view({ offline: { ...offline.loading, tables: further }, revision: 2 }));
    });
    // There is more than Dynamics had counted: how much, nobody knows.
    expect(bar).not.toHaveAttribute("aria-valuenow");
    expect(row("Contacts")).toHaveTextContent("20,000 copies so far22,000 read");
    expect(spoken.takeRecords()).toEqual([]);
  });

  it("are brought up to date on demand, once at a time, and that is said", async () => {
    const backend = await standing({ offline: offline.fresh });
    sync().focus();
    await click(sync());
    expect(backend.asked).toContain("syncNow");
    act(() => {
      backend.push(view({ offline: offline.refreshing, revision: 2 }));
    });
    await settle();
    expect(said()).toHaveTextContent("Synchronising with Dynamics…");
    expect(row("Contacts")).toHaveTextContent(
      "18,204 copies, as of 5 minutes ago, reading what has changed…",
    );
    expect(sync()).toHaveFocus();
    expect(sync()).toHaveAttribute("aria-disabled", "true");
    expect(sync()).toHaveAccessibleDescription("Synchronising with Dynamics…");
    await click(sync());
    expect(backend.asked.filter((command) => command === "syncNow")).toHaveLength(1);
    const looks = backend.asked.filter((command) => command === "localData").length;
    act(() => {
      backend.push(view({ offline: offline.fresh, revision: 3 }));
    });
    await settle();
    expect(said()).toHaveTextContent("In step with Dynamics.");
    expect(sync()).not.toHaveAttribute("aria-disabled", "true");
    // What is kept is another amount now.
    expect(backend.asked.filter((command) => command === "localData")).toHaveLength(looks + 1);
  });

  it("say why they cannot be brought up to date on demand", async () => {
    await openData((backend) => {
      backend.failing.set("syncNow", { ...problems.command, message: "It does not answer." });
    });
    await click(sync());
    expect(within(section()).getByRole("alert")).toHaveTextContent("It does not answer.");
  });

  it("wait while Dynamics cannot be asked, and say since when and why", async () => {
    const { connection } = states.offline;
    await standing({ connection, offline: offline.waiting });
    expect(said()).toHaveTextContent("Dynamics cannot be asked now. It goes on by itself.");
    expect(section()).toHaveTextContent("northwind.crm4.dynamics.com does not answer.");
    expect(row("Accounts")).toHaveTextContent("2,117 copies, as of 47 minutes ago");
    expect(sync()).toHaveAttribute("aria-disabled", "true");
    expect(sync()).toHaveAccessibleDescription(/^Dynamics cannot be asked now/);
  });

  it("can be tried at once while the connection stands", async () => {
    await standing({ offline: offline.waiting });
    expect(sync()).not.toHaveAttribute("aria-disabled", "true");
  });

  it("tell of an interrupted load how far it had come", async () => {
    const tables = offline.loading.tables.map((table) => ({ ...table, state: "waiting" as const }));
    await standing({ offline: { state: "waiting", tables, problem: null } });
    expect(row("Contacts")).toHaveTextContent(
      "7,000 copies so far, waiting, 8,000 of about 21,450 read",
    );
    expect(screen.queryByRole("progressbar")).toBeNull();
  });

  it("name the table that may not be read, with what to do", async () => {
    await standing({ offline: offline.failed });
    expect(said()).toHaveTextContent("Could not be synchronised: Leads.");
    expect(row("Leads")).toHaveTextContent("No copies");
    expect(row("Leads")).toHaveTextContent("Ask the administrator to add prvReadLead");
    expect(row("Contacts")).toHaveTextContent("18,204 copies, as of 2 minutes ago");
  });

  it("say who can switch them on", async () => {
    await standing({ offline: offline.off });
    expect(said()).toHaveTextContent("An administrator can switch it on in the settings.");
    expect(screen.queryByRole("button", { name: "Synchronise now" })).toBeNull();
  });

  it("are told without the drawer while they are loaded for the first time", async () => {
    const backend = await show(view({ offline: offline.loading }));
    expect(screen.getByText("Copying contacts for offline use: 37%")).toBeVisible();
    act(() => {
      backend.push(view({ offline: offline.refreshing, revision: 2 }));
    });
    expect(screen.queryByText(/^Copying/)).toBeNull();
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
    expect(screen.getByText(/^Removed: 22,022 copies of records/)).toBeVisible();
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
