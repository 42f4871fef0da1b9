import { act, fireEvent, render, screen, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { SearchResults, View } from "../backend";
import { App } from "../app/App";
import { FakeBackend } from "../fixtures/fakeBackend";
import { hits, linked, liveHits, results, timelineStates } from "../fixtures/timeline";
import { NOW, dana, found, none, problems, recognised, states, view } from "../fixtures/views";

async function show(first: View) {
  const backend = new FakeBackend(first);
  render(<App backend={backend} />);
  await settle();
  return backend;
}

const settle = () => act(() => Promise.resolve());
const text = () => document.body.textContent;
const box = () => screen.getByRole("searchbox");
const status = () => within(screen.getByRole("search")).getByRole("status");

async function open() {
  fireEvent.keyDown(window, { key: "k", ctrlKey: true });
  await settle();
}

async function type(typed: string) {
  fireEvent.change(box(), { target: { value: typed } });
  await settle();
}

async function pass(milliseconds: number) {
  act(() => {
    vi.advanceTimersByTime(milliseconds);
  });
  await settle();
}

async function click(button: HTMLElement) {
  fireEvent.click(button);
  await settle();
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});

describe("the search", () => {
  it("opens by Ctrl+K and by its button, with the focus in the box", async () => {
    await show(states.live);
    await open();
    expect(box()).toHaveFocus();
    expect(status()).toHaveTextContent("The beginning of a word is enough");
    await click(screen.getByRole("button", { name: "Close" }));
    expect(screen.queryByRole("search")).toBeNull();
    await click(screen.getByRole("button", { name: "Search (Ctrl+K)" }));
    expect(box()).toHaveFocus();
  });

  it("shows the cache with every key, and Dynamics when the typing pauses", async () => {
    const backend = await show(states.live);
    backend.results = (asked, live) =>
      results(asked, live ? { hits: liveHits, live } : { hits: hits.slice(0, 1) });
    await open();
    await type("whit");
    expect(backend.asked.slice(-1)).toEqual(["search whit cached"]);
    expect(text()).toContain("from the cache, 12 minutes old");
    expect(status()).toHaveTextContent("1 found so far. Asking Dynamics…");
    await type("whitf");
    await pass(200);
    expect(backend.asked).not.toContain("search whit live");
    await pass(100);
    expect(backend.asked.slice(-1)).toEqual(["search whitf live"]);
    expect(status()).toHaveTextContent("5 found.");
    expect(text()).not.toContain("from the cache, 12 minutes old");
    for (const group of ["Contacts", "Accounts", "Leads", "Cases"]) {
      expect(screen.getByRole("list", { name: group })).toBeVisible();
    }
    await type("");
    expect(screen.queryByRole("list", { name: "Contacts" })).toBeNull();
  });

  it("drops an answer to an older text", async () => {
    const backend = await show(states.live);
    const waiting = new Map<string, (found: SearchResults) => void>();
    backend.search = (asked, live) =>
      new Promise((resolve) => {
        waiting.set(`${asked} ${String(live)}`, resolve);
      });
    await open();
    await type("old");
    await pass(300);
    await type("new");
    await pass(300);
    waiting.get("new true")?.(results("new", { live: true, hits: liveHits.slice(2, 3) }));
    await settle();
    waiting.get("old true")?.(results("old", { live: true, hits: liveHits.slice(0, 1) }));
    waiting.get("old false")?.(results("old", { hits: hits.slice(0, 1) }));
    waiting.get("new false")?.(results("new", { hits: hits.slice(0, 1) }));
    await settle();
    expect(text()).toContain("Whitfield & Sons");
    expect(screen.queryByRole("list", { name: "Contacts" })).toBeNull();
    expect(status()).toHaveTextContent("1 found.");
  });

  it("says what Dynamics did not answer beside what is known", async () => {
    const backend = await show(states.live);
    backend.results = (asked, live) =>
      results(asked, { hits: hits.slice(0, 1), problem: live ? problems.offline : null });
    await open();
    await type("whit");
    await pass(300);
    expect(text()).toContain("This is what the companion knows.");
    expect(text()).toContain("network_unreachable");
    expect(screen.getByRole("list", { name: "Contacts" })).toBeVisible();
    backend.results = (asked) => results(asked, { problem: problems.offline });
    await type("nobody");
    await pass(300);
    expect(text()).toContain("the companion knows nothing like this");
    expect(status()).toHaveTextContent("Nothing found.");
    backend.failing.set("search", problems.command);
    await type("broken");
    await pass(300);
    expect(screen.getByRole("alert")).toHaveTextContent("The search did not work.");
  });

  it("goes through the results with the arrow keys", async () => {
    const backend = await show(states.live);
    backend.results = (asked) => results(asked, { hits: liveHits, live: true });
    await open();
    await type("whit");
    fireEvent.keyDown(box(), { key: "ArrowDown" });
    const links = screen.getAllByRole("button", { name: /^Link to this chat/ });
    expect(links[0]).toHaveFocus();
    fireEvent.keyDown(document.activeElement ?? box(), { key: "ArrowDown" });
    expect(links[1]).toHaveFocus();
    fireEvent.keyDown(document.activeElement ?? box(), { key: "ArrowUp" });
    fireEvent.keyDown(document.activeElement ?? box(), { key: "ArrowUp" });
    expect(box()).toHaveFocus();
    fireEvent.keyDown(box(), { key: "Enter" });
    expect(links[0]).toHaveFocus();
  });

  it("links what was found to the chat that is shown, and opens it", async () => {
    const backend = await show(states["nothing-found"]);
    backend.results = (asked) => results(asked, { hits: liveHits, live: true });
    await click(screen.getByRole("button", { name: "Search for the contact" }));
    await type("whit");
    await click(
      screen.getByRole("button", {
        name: "Open Pallet scanner does not charge in the cradle in Dynamics",
      }),
    );
    expect(backend.asked.at(-1)).toBe("openRecord incident h5");
    // A case is no visitor.
    expect(
      screen.queryByRole("button", {
        name: "Link to this chat: Pallet scanner does not charge in the cradle",
      }),
    ).toBeNull();
    const link = { name: "Link to this chat: Dana Whitfield" };
    backend.failing.set("link", problems.command);
    await click(screen.getByRole("button", link));
    expect(screen.getByRole("alert")).toHaveTextContent(problems.command.message);
    backend.failing.clear();
    await click(screen.getByRole("button", link));
    expect(backend.asked.at(-1)).toBe("link contact h1 chat-1");
    expect(screen.queryByRole("search")).toBeNull();
  });

  it("links nothing without a chat", async () => {
    const backend = await show(states.idle);
    backend.results = (asked) => results(asked, { hits: liveHits, live: true });
    await open();
    await type("whit");
    expect(screen.queryByRole("button", { name: /^Link to this chat/ })).toBeNull();
    expect(screen.getAllByRole("button", { name: /^Open / })).toHaveLength(5);
  });
});

describe("a link", () => {
  it("says who made it, and can be taken back and undone", async () => {
    const backend = await show(timelineStates.linked);
    const card = screen.getByRole("region", { name: "Contact" });
    expect(card).toHaveTextContent(/Linked by Miriam Okafor on \S+ 27, 2026/);
    await click(screen.getByRole("button", { name: "Unlink Dana Whitfield from this visitor" }));
    expect(backend.asked.at(-1)).toBe("unlink contact chat-1");
    expect(text()).not.toContain("is not linked to this visitor any more");
    act(() => {
      backend.push(
        view({
          revision: 2,
          visitor: dana,
          recognition: recognised({ contact: none }),
        }),
      );
    });
    expect(text()).toContain("Dana Whitfield is not linked to this visitor any more.");
    await click(screen.getByRole("button", { name: "Undo: link Dana Whitfield again" }));
    expect(backend.asked.at(-1)).toBe("link contact c1 chat-1");
    expect(text()).not.toContain("is not linked to this visitor any more");
  });

  it("that was taken back in another chat is not told of in this one", async () => {
    const backend = await show(timelineStates.linked);
    await click(screen.getByRole("button", { name: "Unlink Dana Whitfield from this visitor" }));
    act(() => {
      backend.push(
        view({
          revision: 2,
          visitor: { ...dana, chatId: "chat-2" },
          recognition: recognised({ contact: found({ ...linked, link: null }) }),
        }),
      );
    });
    expect(text()).not.toContain("is not linked to this visitor any more");
  });
});
