import { act, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { inOrder, settingsDocument, settingsView } from "../../fixtures/fakeSettings";
import { badUrl, judged, rehearsal, shadowedRule, versions } from "../../fixtures/settings";
import { fill, goTo, save, savedBy, showSettings } from "../../fixtures/showSettings";

describe("the checker", () => {
  it("goes to what it complains of", async () => {
    const { user } = await showSettings(settingsView, (fake) => {
      fake.judgement = { ...inOrder, warnings: [shadowedRule] };
    });
    await goTo(user, "Checker");
    await user.click(await screen.findByRole("button", { name: /^Show me/ }));
    expect(screen.getByRole("heading", { level: 1, name: "Identification rules" })).toBeVisible();
    expect(screen.getByRole("button", { name: /^Same phone/, expanded: true })).toBeVisible();
    const item = document.querySelector('[data-key="identification.contact.1"]');
    expect(item).toContainElement(document.activeElement as HTMLElement);
  });
});

describe("the rehearsal", () => {
  it("runs over a file, shows its progress and what differs", async () => {
    const { backend, user } = await showSettings();
    await goTo(user, "Rehearsal");
    await user.click(screen.getByRole("radio", { name: "A file of webhook payloads" }));
    const file = new File(['{"event":"chat"}'], "chats.json", { type: "application/json" });
    await user.upload(screen.getByTestId("file"), file);
    expect(await screen.findByText("chats.json")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Rehearse" }));
    expect(backend.asked).toContain("rehearse file");
    act(() => {
      backend.push({
        ...settingsView,
        revision: 2,
        rehearsal: { ...rehearsal, running: true, total: 8 },
      });
    });
    expect(screen.getByText("2 of 8 chats")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Cancel" }));
    expect(backend.asked).toContain("cancelRehearsal");
    act(() => {
      backend.push({ ...settingsView, revision: 3, rehearsal });
    });
    await user.click(screen.getByRole("checkbox", { name: "Only those that differ" }));
    const chats = screen.getAllByRole("button", { expanded: false });
    expect(chats.filter((chat) => chat.textContent.includes("Dana Nowak"))).toHaveLength(1);
    await user.click(screen.getByRole("button", { name: /^Dana Nowak/ }));
    expect(screen.getByText(/by the rule “Same e-mail”/)).toBeVisible();
    expect(screen.getByText("A case is created.")).toBeVisible();
  });
});

describe("the document", () => {
  it("is taken over from a text, and saved only by saving", async () => {
    const taken = {
      ...settingsDocument,
      recording: { ...settingsDocument.recording, one_click: true },
    };
    const { backend, user } = await showSettings(settingsView, (fake) => {
      fake.read = { draft: taken, problems: [], changes: judged.changes };
    });
    await goTo(user, "Document");
    await fill(user, screen.getByLabelText("Or paste the text"), "version = 1");
    await user.click(screen.getByRole("button", { name: "Read it" }));
    await user.click(await screen.findByRole("button", { name: "Take it over" }));
    expect(backend.saved).toHaveLength(0);
    await user.click(save());
    await waitFor(() => {
      expect(savedBy(backend)).toEqual(taken);
    });
  });

  it("names line and key of what is wrong with a text", async () => {
    const { user } = await showSettings(settingsView, (fake) => {
      fake.read = { draft: null, problems: [{ ...badUrl, line: 7 }], changes: [] };
    });
    await goTo(user, "Document");
    await user.type(screen.getByLabelText("Or paste the text"), "x");
    await user.click(screen.getByRole("button", { name: "Read it" }));
    expect(await screen.findByText(/^Line 7/)).toHaveTextContent("connection.organization_url");
    expect(screen.queryByRole("button", { name: "Take it over" })).toBeNull();
  });

  it("is brought back from its history", async () => {
    const before = {
      ...settingsDocument,
      bridge: { ...settingsDocument.bridge, port: 50_000 },
    };
    const { backend, user } = await showSettings(settingsView, (fake) => {
      fake.versions = versions;
      fake.read = { draft: before, problems: [], changes: [] };
    });
    await goTo(user, "Document");
    await user.click(await screen.findByRole("button", { name: /^Restore the version/ }));
    expect(backend.asked).toContain("version 1");
    await user.click(save());
    await waitFor(() => {
      expect(savedBy(backend).bridge.port).toBe(50_000);
    });
  });
});
