import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import {
  FakeSettings,
  inOrder,
  refusedView,
  settingsDocument,
  settingsView,
} from "../fixtures/fakeSettings";
import { badUrl } from "../fixtures/settings";
import { fill, save, savedBy, showSettings } from "../fixtures/showSettings";
import { SettingsPage } from "./SettingsPage";

describe("the window", () => {
  it("shows the guide's message alone to whoever may not manage the integration", async () => {
    await showSettings(refusedView);
    expect(
      screen.getByText('You need permission for "Manage Integration" to access this part.'),
    ).toBeVisible();
    expect(screen.queryByRole("navigation")).toBeNull();
    expect(screen.queryByRole("textbox")).toBeNull();
  });

  it("says that it is reading, and why it cannot", async () => {
    const backend = new FakeSettings();
    backend.failing.set("catalogue", badUrl.problem);
    render(<SettingsPage backend={backend} />);
    expect(await screen.findByText(/The organization's address is no URL/)).toBeVisible();
    backend.failing.clear();
    await userEvent.setup().click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("navigation")).toBeVisible();
  });

  it("begins with the defaults where the saved settings cannot be read", async () => {
    const backend = new FakeSettings({ ...settingsView, saved: null, problem: badUrl.problem });
    render(<SettingsPage backend={backend} />);
    const anew = await screen.findByRole("button", { name: "Begin with the defaults" });
    await userEvent.setup().click(anew);
    expect(await screen.findByRole("navigation")).toBeVisible();
    expect(backend.asked).toContain("readText version = 1\n");
  });
});

describe("a change", () => {
  it("is saved as a whole, with the fingerprint it began from", async () => {
    const { backend, user } = await showSettings();
    const tenant = screen.getByLabelText(/Directory \(tenant\) ID/);
    await fill(user, tenant, "contoso.example");
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(backend.asked).toContain("save f1");
    expect(savedBy(backend)).toEqual({
      ...settingsDocument,
      connection: { ...settingsDocument.connection, tenant_id: "contoso.example" },
    });
    expect(await screen.findByText("All changes are saved.")).toBeVisible();
  });

  it("is not saved while something is wrong, and the first problem is shown", async () => {
    const { backend, user } = await showSettings(settingsView, (fake) => {
      fake.judgement = { ...inOrder, problems: [badUrl] };
    });
    await user.type(screen.getByLabelText(/Directory \(tenant\) ID/), "x");
    await user.click(save());
    const said = await screen.findByText(/problem prevents saving/, { selector: "div" });
    expect(said).toBeVisible();
    expect(backend.saved).toHaveLength(0);
    await user.click(screen.getByRole("button", { name: "Show the first one" }));
    expect(screen.getByLabelText(/Organization URL/)).toHaveFocus();
  });

  it("is kept when saving fails, with the reason", async () => {
    const { backend, user } = await showSettings();
    backend.failing.set("save", badUrl.problem);
    await user.type(screen.getByLabelText(/Directory \(tenant\) ID/), "x");
    await user.click(save());
    expect(await screen.findByText("Nothing was saved.")).toBeVisible();
    expect(screen.getByText("There are unsaved changes.")).toBeVisible();
  });

  it("is discarded only after it was asked", async () => {
    const { user } = await showSettings();
    const tenant = screen.getByLabelText(/Directory \(tenant\) ID/);
    await user.type(tenant, "x");
    await user.click(screen.getByRole("button", { name: "Discard" }));
    await user.click(screen.getByRole("button", { name: "Keep editing" }));
    expect(tenant).toHaveValue(`${settingsDocument.connection.tenant_id ?? ""}x`);
    await user.click(screen.getByRole("button", { name: "Discard" }));
    await user.click(screen.getByRole("button", { name: "Discard changes" }));
    expect(tenant).toHaveValue(settingsDocument.connection.tenant_id);
  });

  it("holds the page open", async () => {
    const { user } = await showSettings();
    const leave = () => {
      const event = new Event("beforeunload", { cancelable: true });
      dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(leave()).toBe(false);
    await user.type(screen.getByLabelText(/Directory \(tenant\) ID/), "x");
    expect(leave()).toBe(true);
  });

  it("of somebody else is neither lost nor taken over unasked", async () => {
    const { backend, user } = await showSettings();
    const theirs = {
      ...settingsDocument,
      connection: { ...settingsDocument.connection, tenant_id: "theirs.example" },
    };
    await user.type(screen.getByLabelText(/Directory \(tenant\) ID/), "x");
    act(() => {
      backend.push({ ...settingsView, revision: 2, saved: theirs, fingerprint: "f2" });
    });
    expect(screen.getByText("The settings were changed elsewhere meanwhile.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Take the saved ones" }));
    expect(screen.getByLabelText(/Directory \(tenant\) ID/)).toHaveValue("theirs.example");
  });

  it("of somebody else is shown at once where nothing was changed here", async () => {
    const { backend } = await showSettings();
    const theirs = {
      ...settingsDocument,
      connection: { ...settingsDocument.connection, tenant_id: "theirs.example" },
    };
    act(() => {
      backend.push({ ...settingsView, revision: 2, saved: theirs, fingerprint: "f2" });
    });
    expect(screen.getByLabelText(/Directory \(tenant\) ID/)).toHaveValue("theirs.example");
  });
});
