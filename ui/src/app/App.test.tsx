import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { View } from "../backend";
import { FakeBackend } from "../fixtures/fakeBackend";
import { hostileStates, hostileStrings } from "../fixtures/hostile";
import {
  NOW,
  ago,
  cached,
  contact,
  dana,
  failed,
  found,
  none,
  paired,
  pairing,
  problems,
  recognised,
  states,
  unpaired,
  view,
} from "../fixtures/views";
import { formatDateTime } from "../time";
import { App } from "./App";

async function show(first: View) {
  const backend = new FakeBackend(first);
  const shown = render(<App backend={backend} />);
  await act(() => Promise.resolve());
  return { backend, ...shown };
}

const push = (backend: FakeBackend, next: View) => {
  act(() => {
    backend.push(next);
  });
};
const pass = (milliseconds: number) => {
  act(() => {
    vi.advanceTimersByTime(milliseconds);
  });
};
const click = async (button: HTMLElement) => {
  fireEvent.click(button);
  await act(() => Promise.resolve());
};
const card = (name: string) => screen.getByRole("region", { name });
const text = () => document.body.textContent;

/** Characters that act instead of being read. */
// eslint-disable-next-line no-control-regex -- these are what must not be there
const ACTING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});

describe("the view", () => {
  it("is subscribed to first and asked for once", async () => {
    const { backend, unmount } = await show(states.live);
    expect(backend.asked).toEqual(["subscribe", "view"]);
    unmount();
    expect(backend.listening).toBe(0);
  });

  it("is replaced as a whole, and never by an older one", async () => {
    const { backend } = await show({ ...states.live, revision: 5 });
    push(backend, { ...states["nothing-found"], revision: 7 });
    expect(card("Contact")).toHaveTextContent("No contact found");
    expect(text()).not.toContain("Head of Purchasing");
    push(backend, { ...states.live, revision: 6 });
    expect(card("Contact")).toHaveTextContent("No contact found");
  });

  it("is asked for again when the back end is back, which may count anew", async () => {
    const { backend } = await show({ ...states.live, revision: 500 });
    act(() => {
      backend.goDown({ ...problems.command, message: "Gone." });
    });
    expect(text()).toContain("Gone.");
    expect(card("Contact")).toHaveTextContent("Head of Purchasing");
    backend.become({ ...states["nothing-found"], revision: 1 });
    await act(() => {
      backend.comeUp();
      return Promise.resolve();
    });
    expect(card("Contact")).toHaveTextContent("No contact found");
    expect(text()).not.toContain("Gone.");
  });

  it("shows why there is none", async () => {
    const backend = new FakeBackend(states.idle);
    backend.view = () => Promise.reject(new Error("broken pipe"));
    render(<App backend={backend} />);
    await act(() => Promise.resolve());
    expect(text()).toContain("Something unexpected happened: broken pipe");
  });
});

describe("the header", () => {
  it.each([
    ["idle", "Online"],
    ["idle-practice", "Practice"],
    ["connecting", "Connecting"],
    ["offline", "Offline"],
    ["signed-out", "Signed out"],
    ["connection-failed", "Problem"],
  ] as const)("names the connection in words: %s is %s", async (state, word) => {
    await show(states[state]);
    const badge = screen.getByRole("img", { name: /^Dynamics connection/ });
    expect(badge).toHaveTextContent(word);
    expect(badge).toHaveAccessibleName(
      `Dynamics connection: ${word}, ${states[state].connection.organization}`,
    );
  });

  it("shows the visitor, the chat and how long it lasts", async () => {
    await show(states.live);
    const heading = screen.getByRole("heading", { level: 1 });
    expect(heading).toHaveTextContent("Dana Whitfield");
    for (const detail of [dana.email, dana.phone, dana.company, dana.department, "Live", "3 min"]) {
      expect(text()).toContain(detail);
    }
    pass(2 * 60_000);
    expect(text()).toContain("5 min");
  });

  it("says since when a chat lasts that began more than a day ago", async () => {
    const startedAt = new Date(NOW.getTime() - 23 * 3_600_000).toISOString();
    await show({ ...states.live, visitor: { ...dana, startedAt } });
    expect(text()).toContain("23 h");
    expect(text()).not.toContain("Chat started");
    pass(3_600_000);
    expect(text()).not.toContain("1 d");
    expect(text()).toContain(`Chat started ${formatDateTime(Date.parse(startedAt))}`);
  });

  it("says that a chat has ended", async () => {
    await show(states.chosen);
    expect(text()).toContain("Ended");
    expect(text()).not.toContain("Live");
  });

  it("says that no chat is selected", async () => {
    await show(states.idle);
    expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("No chat selected");
  });

  it("opens the settings in their own window", async () => {
    const { backend } = await show(states.live);
    await click(screen.getByRole("button", { name: "More" }));
    await click(screen.getByRole("menuitem", { name: "Settings" }));
    expect(backend.asked.at(-1)).toBe("openSettings");
  });
});

describe("the cards", () => {
  it("come in the order contact, account, lead", async () => {
    await show(states.live);
    expect(screen.getAllByRole("region").map((region) => region.id)).toEqual([
      "card-contact",
      "card-account",
      "card-lead",
    ]);
  });

  it("show label and value, the reason and the age", async () => {
    await show(states.live);
    const fields = within(card("Contact"));
    expect(fields.getByText("Job Title").closest("div")).toHaveTextContent("Head of Purchasing");
    expect(fields.getByText("Mobile Phone").closest("div")).toHaveTextContent("–");
    expect(card("Contact")).toHaveTextContent(
      "Same e-mail: Email is dana.whitfield@northwind.example",
    );
    expect(card("Account")).toHaveTextContent("The contact's account: Company Name of Dana");
    expect(card("Contact")).toHaveTextContent("from Dynamics, just now");
    pass(3 * 60_000);
    expect(card("Contact")).toHaveTextContent("from Dynamics, 3 minutes ago");
  });

  it("show the cache's age, and that the live answer is on its way", async () => {
    const { backend } = await show(states.cached);
    expect(card("Contact")).toHaveTextContent(
      "from the cache, 12 minutes old · Checking in Dynamics…",
    );
    pass(48 * 60_000);
    expect(card("Contact")).toHaveTextContent("from the cache, 1 hour old");
    push(backend, states.live);
    expect(card("Contact")).not.toHaveTextContent("cache");
  });

  it("say it where one value is older than its record", async () => {
    const [first, ...rest] = contact.fields;
    if (!first) throw new Error("the fixture has fields");
    const record = { ...contact, fields: [{ ...first, asOf: ago(3 * 60 * 60) }, ...rest] };
    await show(view({ visitor: dana, recognition: recognised({ contact: found(record) }) }));
    expect(within(card("Contact")).getByText("3 hours old")).toBeVisible();
  });

  it("keep the lines of a text", async () => {
    await show(states.live);
    expect(within(card("Contact")).getByText(/2311 Western Avenue/).textContent).toBe(
      "2311 Western Avenue\nSuite 400\nSeattle, WA 98121\nUnited States",
    );
  });

  it("are busy while Dynamics is asked and nothing is known", async () => {
    await show(states.looking);
    for (const name of ["Contact", "Account", "Lead"]) {
      expect(card(name)).toHaveAttribute("aria-busy", "true");
    }
    expect(card("Account")).toHaveTextContent("Looking for an account…");
  });

  it("say what was not found, and by what", async () => {
    const { backend } = await show(states["nothing-found"]);
    expect(card("Lead")).toHaveTextContent(
      "No lead in Dynamics matches dana.whitfield@northwind.example or +1 206 555 0142.",
    );
    push(
      backend,
      view({
        revision: 2,
        visitor: dana,
        recognition: recognised({ account: none }),
      }),
    );
    expect(card("Account")).toHaveTextContent("The contact belongs to no account");
  });

  it("mark an inactive record and one that the agent chose", async () => {
    await show(states.chosen);
    expect(card("Contact")).toHaveTextContent("Inactive");
    expect(card("Contact")).toHaveTextContent("Chosen by you");
    expect(card("Account")).not.toHaveTextContent("Inactive");
  });

  it("open the record", async () => {
    const { backend } = await show(states.live);
    await click(screen.getByRole("button", { name: "Open Northwind Traders in Dynamics" }));
    expect(backend.asked.at(-1)).toBe("openRecord account a1");
  });

  it("list the other candidates, and show the one chosen", async () => {
    const { backend } = await show(states.several);
    const toggle = within(card("Contact")).getByRole("button", { name: /^2 more/ });
    expect(toggle).toHaveAttribute("aria-expanded", "false");
    expect(card("Contact")).not.toHaveTextContent("Fabrikam");
    await click(toggle);
    expect(card("Contact")).toHaveTextContent("Fabrikam, Inc. · Buyer · Portland");
    expect(card("Contact")).toHaveTextContent("Same phone: Business Phone is");
    await click(screen.getByRole("button", { name: "Open D. Whitfield-Okonkwo in Dynamics" }));
    expect(backend.asked.at(-1)).toBe("openRecord contact c3");
    await click(screen.getByRole("button", { name: "Show this one: Dana Whitfield" }));
    expect(backend.asked.at(-1)).toBe("choose contact c2");
  });

  it("are not shown for a visitor who gave nothing to search by", async () => {
    await show(states.unidentifiable);
    expect(screen.queryByRole("region", { name: "Contact" })).toBeNull();
    expect(text()).toContain("This visitor cannot be looked up yet");
    expect(text()).toContain("Ask for an e-mail address");
  });
});

describe("what stands in the way", () => {
  it("offline: shows what was known, and tries again", async () => {
    const { backend } = await show(states.offline);
    expect(text()).toContain("Dynamics cannot be reached. Showing what was known 12 minutes ago.");
    expect(text()).toContain("Trying again in 0:25.");
    pass(5_000);
    expect(text()).toContain("Trying again in 0:20.");
    await click(screen.getByRole("button", { name: "Try again" }));
    expect(backend.asked.at(-1)).toBe("reconnect");
  });

  it("offline for this look-up only: asks again about the visitor", async () => {
    const { backend } = await show(
      view({
        visitor: dana,
        recognition: recognised({
          state: "offline",
          contact: found(cached(contact)),
          problem: problems.offline,
        }),
      }),
    );
    await click(screen.getByRole("button", { name: "Try again" }));
    expect(backend.asked.at(-1)).toBe("refresh");
  });

  it("offline and nothing known", async () => {
    await show(states["offline-unknown"]);
    expect(text()).toContain("Nothing is known about this visitor yet.");
  });

  it("signed out", async () => {
    const { backend } = await show(states["signed-out"]);
    expect(text()).toContain("You are signed out of Dynamics.");
    expect(text()).toContain(problems.signedOut.message);
    await click(screen.getByRole("button", { name: "Sign in" }));
    expect(backend.asked.at(-1)).toBe("reconnect");
  });

  it("a person signs in, cancels, and signs out", async () => {
    const { backend } = await show(states["sign-in-needed"]);
    expect(text()).toContain(problems.signInRequired.message);
    await click(screen.getByRole("button", { name: "Sign in" }));
    expect(backend.asked.at(-1)).toBe("signIn");

    push(backend, { ...states["signing-in"], revision: 2 });
    expect(text()).toContain("Sign in in the browser that has just opened.");
    expect(screen.queryByRole("button", { name: "Sign in" })).toBeNull();
    await click(screen.getByRole("button", { name: "Cancel" }));
    expect(backend.asked.at(-1)).toBe("cancelSignIn");

    expect(screen.queryByRole("button", { name: "Sign out of Dynamics" })).toBeNull();
    push(backend, { ...states.live, revision: 3 });
    expect(screen.queryByRole("button", { name: "Sign out of Dynamics" })).toBeNull();
    push(backend, { ...states["session-only"], revision: 4 });
    await click(screen.getByRole("button", { name: "Sign out of Dynamics" }));
    expect(backend.asked.at(-1)).toBe("signOut");
  });

  it("a sign-in on another device shows the code and the page", async () => {
    await show(states["signing-in-elsewhere"]);
    expect(text()).toContain("https://microsoft.com/devicelogin");
    expect(text()).toContain("ABCD12345");
  });

  it("is put away once it was read, where it is about our own files", async () => {
    const { backend } = await show(states["idle-key-lost"]);
    expect(text()).toContain("does not have the key of the companion's files any more");
    await click(screen.getByRole("button", { name: "Dismiss" }));
    expect(text()).not.toContain("does not have the key");
    push(backend, { ...states["idle-key-lost"], revision: 2 });
    expect(text()).not.toContain("does not have the key");
  });

  it("a sign-in that the keyring does not keep is told", async () => {
    await show(states["session-only"]);
    expect(text()).toContain("You stay signed in until the companion is closed.");
    expect(text()).toContain("keyring_unavailable");
  });

  it("failure: message, next step, code and request id", async () => {
    await show(states.failed);
    const { message, nextStep, code, requestId } = problems.failed;
    for (const part of [message, nextStep, code, requestId]) expect(text()).toContain(part);
    expect(screen.getByRole("button", { name: "Copy request id" })).toBeVisible();
  });

  it("one table without an answer: its card says why, the others are there", async () => {
    const { backend } = await show(states["lead-failed"]);
    const { message, nextStep, code, requestId } = problems.failed;
    expect(card("Lead")).toHaveTextContent("The lead could not be looked up.");
    for (const part of [message, nextStep, code, requestId]) {
      expect(card("Lead")).toHaveTextContent(part);
    }
    expect(text().split(message)).toHaveLength(2);
    expect(within(card("Lead")).getByRole("button", { name: "Copy request id" })).toBeVisible();
    expect(card("Contact")).toHaveTextContent("Head of Purchasing");
    expect(card("Account")).toHaveTextContent("Northwind Traders");
    const again = within(card("Lead")).getByRole("button", { name: "Try again" });
    again.focus();
    await click(again);
    expect(backend.asked.at(-1)).toBe("refresh");
    push(backend, { ...states.live, revision: 2 });
    expect(text()).not.toContain(message);
    expect(card("Lead")).toHaveFocus();
  });

  it("one table without an answer, but known: a warning above the record", async () => {
    const { backend } = await show(states["contact-failed-cached"]);
    const shown = card("Contact");
    for (const part of [
      "Dynamics did not confirm this.",
      problems.column.message,
      problems.column.nextStep,
      problems.column.code,
      problems.column.requestId,
      "from the cache, 12 minutes old",
      "Head of Purchasing",
    ]) {
      expect(shown).toHaveTextContent(part);
    }
    expect(shown).not.toHaveTextContent("could not be looked up");
    await click(within(shown).getByRole("button", { name: "Try again" }));
    expect(backend.asked.at(-1)).toBe("refresh");
  });

  it("that nothing was found, but not confirmed: a warning too", async () => {
    const lead = { ...none, problem: problems.failed };
    await show(view({ visitor: dana, recognition: recognised({ lead }) }));
    expect(card("Lead")).toHaveTextContent("No lead found");
    expect(card("Lead")).toHaveTextContent("Dynamics did not confirm this.");
    expect(card("Lead")).toHaveTextContent(problems.failed.message);
  });

  it("a problem of all tables is told once, another one in its card", async () => {
    const { backend } = await show(states["all-failed"]);
    expect(text().split(problems.column.message)).toHaveLength(2);
    expect(screen.getAllByRole("button", { name: "Try again" })).toHaveLength(1);
    for (const table of ["contact", "account", "lead"]) {
      expect(text()).toContain(`The ${table} could not be looked up.`);
    }
    push(backend, {
      ...states["all-failed"],
      revision: 2,
      recognition: { ...states["all-failed"].recognition, lead: failed(problems.failed) },
    });
    expect(card("Lead")).toHaveTextContent(problems.failed.message);
    expect(card("Contact")).not.toHaveTextContent(problems.column.message);
  });

  it("a failed command: told until dismissed", async () => {
    const { backend } = await show(states.live);
    backend.failure = problems.command;
    await click(screen.getByRole("button", { name: /^Refresh/ }));
    expect(screen.getByRole("alert")).toHaveTextContent(problems.command.message);
    expect(screen.getByRole("alert")).toHaveTextContent(problems.command.nextStep);
    await click(screen.getByRole("button", { name: "Dismiss" }));
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("a failed command in the dialog: told in the dialog", async () => {
    const { backend } = await show(states.idle);
    await click(screen.getByRole("button", { name: /^Agent Console/ }));
    backend.failure = problems.port;
    await click(screen.getByRole("button", { name: "Pair another console" }));
    const dialog = screen.getByRole("dialog", { name: "Agent Console" });
    expect(within(dialog).getByRole("alert")).toHaveTextContent(problems.port.message);
  });
});

describe("the Agent Console's dialog", () => {
  it("closes on Escape, and the focus goes back", async () => {
    await show(states.idle);
    const opener = screen.getByRole("button", { name: /^Agent Console/ });
    opener.focus();
    await click(opener);
    const dialog = screen.getByRole("dialog", { name: "Agent Console" });
    fireEvent.keyDown(within(dialog).getByRole("button", { name: "Close" }), { key: "Escape" });
    expect(dialog).not.toBeInTheDocument();
    expect(opener).toHaveFocus();
  });
});

describe("the start screen", () => {
  it.each([
    ["idle", "Select a chat in the Agent Console."],
    ["idle-practice", "Pick a sample visitor in the practice console below"],
    ["idle-unpaired", "Pair it once"],
    ["idle-disconnected", "Open the Agent Console and sign in."],
    ["idle-port-taken", problems.port.message],
  ] as const)("says what to do next: %s", async (state, sentence) => {
    await show(states[state]);
    expect(text()).toContain(sentence);
  });
});

describe("pairing", () => {
  it("shows the code and the time left, and can be cancelled", async () => {
    const { backend } = await show(states["idle-unpaired"]);
    await click(screen.getByRole("button", { name: "Pair the Agent Console" }));
    expect(backend.asked.at(-1)).toBe("startPairing");
    push(backend, view({ revision: 2, console: { ...unpaired, pairing } }));
    expect(screen.getByRole("img", { name: "Pairing code 4 8 2 9 1 5" })).toHaveTextContent(
      "482 915",
    );
    expect(text()).toContain("Valid for 2:47");
    pass(60_000);
    expect(text()).toContain("Valid for 1:47");
    await click(screen.getByRole("button", { name: "Cancel" }));
    expect(backend.asked.at(-1)).toBe("cancelPairing");
  });

  it("offers a new code when the time is over", async () => {
    const { backend } = await show(states["idle-pairing"]);
    pass(168_000);
    expect(text()).toContain("This code has expired.");
    expect(text()).not.toContain("482 915");
    await click(screen.getByRole("button", { name: "New code" }));
    expect(backend.asked.at(-1)).toBe("startPairing");
  });

  it("names the console that was paired", async () => {
    const { backend } = await show(states.idle);
    await click(screen.getByRole("button", { name: "Agent Console: connected" }));
    await click(screen.getByRole("button", { name: "Pair another console" }));
    push(backend, view({ revision: 2, console: { ...paired, pairing } }));
    const third = { ...paired.consoles[0], id: "k3", name: "Site 7" };
    push(
      backend,
      view({
        revision: 3,
        console: {
          ...paired,
          consoles: [
            ...paired.consoles,
            { ...third, pairedAt: ago(0), lastSeenAt: null, connected: true },
          ],
        },
      }),
    );
    expect(text()).toContain("Site 7 is paired.");
  });

  it("revokes only after the agent confirmed", async () => {
    const { backend } = await show(states.idle);
    await click(screen.getByRole("button", { name: "Agent Console: connected" }));
    await click(screen.getByRole("button", { name: "Revoke Agent Console (old laptop)" }));
    expect(backend.asked).not.toContain("revokeConsole k2");
    expect(screen.getByRole("button", { name: "Keep" })).toHaveFocus();
    await click(screen.getByRole("button", { name: "Revoke" }));
    expect(backend.asked.at(-1)).toBe("revokeConsole k2");
  });
});

describe("the practice console", () => {
  it("is there in practice mode only", async () => {
    const { backend } = await show(states.live);
    expect(screen.queryByRole("complementary")).toBeNull();
    push(backend, { ...states["idle-practice"], revision: 2 });
    expect(screen.getByRole("complementary", { name: "Practice console" })).toBeVisible();
  });

  it("marks the selected visitor and plays another", async () => {
    const { backend } = await show(states["live-practice"]);
    expect(screen.getByRole("button", { pressed: true })).toHaveTextContent("Dana Whitfield");
    await click(screen.getByRole("button", { name: /José Ñandú/ }));
    expect(backend.asked.at(-1)).toBe("playVisitor v2");
  });

  it("folds away", async () => {
    await show(states["idle-practice"]);
    const toggle = screen.getByRole("button", { name: /^Practice console/ });
    expect(toggle).toHaveAttribute("aria-expanded", "true");
    await click(toggle);
    expect(toggle).toHaveAttribute("aria-expanded", "false");
    expect(screen.getByText("Dana Whitfield")).not.toBeVisible();
  });
});

describe("the keyboard", () => {
  it("F5 and Ctrl+R ask Dynamics again instead of loading the page again", async () => {
    const { backend } = await show(states.live);
    // fireEvent returns false when the browser's own action was prevented.
    expect(fireEvent.keyDown(window, { key: "F5" })).toBe(false);
    expect(fireEvent.keyDown(window, { key: "r", ctrlKey: true })).toBe(false);
    expect(fireEvent.keyDown(window, { key: "r" })).toBe(true);
    expect(backend.asked.filter((command) => command === "refresh")).toHaveLength(2);
  });

  it("Alt and a number go to the cards that are there", async () => {
    const { backend } = await show(states.live);
    fireEvent.keyDown(window, { code: "Digit2", altKey: true });
    expect(card("Account")).toHaveFocus();
    fireEvent.keyDown(window, { code: "Digit3", altKey: true });
    expect(card("Lead")).toHaveFocus();
    push(backend, { ...states.failed, revision: 2 });
    expect(fireEvent.keyDown(window, { code: "Digit1", altKey: true })).toBe(true);
  });
});

describe("hostile text", () => {
  it.each(Object.entries(hostileStates))("%s is shown as text", async (_, state) => {
    const { container } = await show(state);
    expect(card("Contact")).toBeVisible();
    expect(container.querySelector("script, img[src]")).toBeNull();
    expect(container.querySelector("[href]")).toBeNull();
    expect(container.textContent).not.toMatch(ACTING);
    expect(container.textContent.isWellFormed()).toBe(true);
    for (const element of container.querySelectorAll("[aria-label], [title]")) {
      const label = `${element.getAttribute("aria-label") ?? ""}${element.getAttribute("title") ?? ""}`;
      expect(label.length).toBeLessThan(2_000);
    }
  });

  it("a long value shows all of itself only when asked", async () => {
    await show(hostileStates.long);
    const [toggle] = within(card("Contact")).getAllByRole("button", { name: "Show all" });
    if (!toggle) throw new Error("no long value");
    await click(toggle);
    expect(toggle).toHaveTextContent("Show less");
    expect(card("Contact").textContent).toContain(hostileStrings.LONG.trimEnd());
  });
});
