import { act, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { flushSync } from "react-dom";
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

  it("shows nothing while the companion is locked, and keeps what was begun", async () => {
    const { backend, user } = await showSettings();
    const tenant = screen.getByLabelText(/Directory \(tenant\) ID/);
    await fill(user, tenant, "contoso.example");
    act(() => {
      backend.push({ ...settingsView, revision: 2, locked: true });
    });
    expect(screen.getByText(/^Unlock the companion in its main window/)).toBeVisible();
    expect(tenant).not.toBeVisible();
    act(() => {
      backend.push({ ...settingsView, revision: 3 });
    });
    expect(screen.queryByText(/^Unlock the companion/)).toBeNull();
    expect(tenant).toBeVisible();
    expect(tenant).toHaveValue("contoso.example");
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

  it("of the organization leaves no sample behind that is not there any more", async () => {
    const { backend, user } = await showSettings();
    const last = () => backend.asked.filter((asked) => asked.startsWith("judge")).at(-1);
    await waitFor(() => {
      expect(last()).toBe('judge {"kind":"known","id":"now"}');
    });
    const sample = { id: "other", name: "Lee", email: "", note: "" };
    backend.catalogueIs = { ...backend.catalogueIs, samples: [sample] };
    await fill(user, screen.getByLabelText(/Directory \(tenant\) ID/), "contoso.example");
    act(() => {
      backend.push({ ...settingsView, revision: 2, fingerprint: "f2" });
    });
    await waitFor(() => {
      expect(last()).toBe('judge {"kind":"known","id":"other"}');
    });
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

describe("closing the window", () => {
  const question = () => screen.queryByRole("dialog", { name: "Save your changes?" });
  const choice = (name: string) => within(screen.getByRole("dialog")).getByRole("button", { name });
  const leave = (backend: FakeSettings) => {
    let held = false;
    act(() => {
      // The question moves the focus as it appears, and that is part of it.
      flushSync(() => {
        held = backend.leave();
      });
    });
    return held;
  };
  const tenant = () => screen.getByLabelText(/Directory \(tenant\) ID/);

  it("asks nothing where everything is saved", async () => {
    const { backend, user } = await showSettings();
    expect(leave(backend)).toBe(false);
    await user.type(tenant(), "x");
    await user.keyboard("{Backspace}");
    expect(leave(backend)).toBe(false);
    expect(question()).toBeNull();
  });

  it("asks where something is not, and goes on where it was with Escape", async () => {
    const { backend, user } = await showSettings();
    await user.type(tenant(), "x");
    expect(leave(backend)).toBe(true);
    expect(question()).toHaveTextContent("There are unsaved changes.");
    expect(choice("Keep editing")).toHaveFocus();
    await user.keyboard("{Escape}");
    expect(question()).toBeNull();
    expect(tenant()).toHaveFocus();
    expect(tenant()).toHaveValue(`${settingsDocument.connection.tenant_id ?? ""}x`);
    expect(backend.asked).not.toContain("close");
  });

  it("saves first and then closes", async () => {
    const { backend, user } = await showSettings();
    await user.type(tenant(), "x");
    leave(backend);
    await user.click(choice("Save and close"));
    await waitFor(() => {
      expect(backend.asked).toContain("close");
    });
    expect(backend.saved).toHaveLength(1);
    expect(backend.asked.indexOf("close")).toBeGreaterThan(backend.asked.indexOf("save f1"));
  });

  it("stays open when saving fails, with the reason, and closes when it works", async () => {
    const { backend, user } = await showSettings();
    backend.failing.set("save", badUrl.problem);
    await user.type(tenant(), "x");
    leave(backend);
    await user.click(choice("Save and close"));
    expect(await within(screen.getByRole("dialog")).findByRole("alert")).toHaveTextContent(
      "Nothing was saved.",
    );
    // It is said once, not behind the question too.
    expect(screen.getAllByText("Nothing was saved.")).toHaveLength(1);
    expect(backend.asked).not.toContain("close");
    backend.failing.clear();
    await user.click(choice("Save and close"));
    await waitFor(() => {
      expect(backend.asked).toContain("close");
    });
  });

  it("says why the changes cannot be saved", async () => {
    const { backend, user } = await showSettings(settingsView, (fake) => {
      fake.judgement = { ...inOrder, problems: [badUrl] };
    });
    await user.type(tenant(), "x");
    await waitFor(() => {
      expect(backend.judged.at(-1)?.connection.tenant_id).toMatch(/x$/);
    });
    leave(backend);
    const saving = choice("Save and close");
    expect(saving).toHaveAttribute("aria-disabled", "true");
    expect(saving).toHaveAccessibleDescription(
      "1 problem prevents saving. Keep editing to correct it.",
    );
    await user.click(saving);
    expect(backend.asked).not.toContain("save f1");
    expect(question()).not.toBeNull();
  });

  it("leaves it to the person whose changes hold", async () => {
    const { backend, user } = await showSettings();
    await user.type(tenant(), "x");
    const theirs = {
      ...settingsDocument,
      connection: { ...settingsDocument.connection, tenant_id: "theirs.example" },
    };
    act(() => {
      backend.push({ ...settingsView, revision: 2, saved: theirs, fingerprint: "f2" });
    });
    leave(backend);
    expect(choice("Save and close")).toHaveAccessibleDescription(
      /^The settings were changed elsewhere meanwhile/,
    );
  });

  it("discards the changes, and forgets a secret that was entered", async () => {
    const { backend, user } = await showSettings(settingsView, (fake) => {
      fake.secretsAre = fake.secretsAre.map((one) => ({ ...one, state: "entered" }));
    });
    await screen.findByText("An entered secret is not saved yet.");
    expect(leave(backend)).toBe(true);
    expect(question()).toHaveTextContent("An entered secret is not saved yet.");
    await user.click(choice("Close without saving"));
    await waitFor(() => {
      expect(backend.asked).toContain("close");
    });
    expect(backend.asked.find((command) => command.startsWith("forgetSecret"))).toBeDefined();
    expect(backend.saved).toHaveLength(0);
  });

  it("closes though the secret cannot be forgotten", async () => {
    const { backend, user } = await showSettings(settingsView, (fake) => {
      fake.secretsAre = fake.secretsAre.map((one) => ({ ...one, state: "entered" }));
      fake.failing.set("forgetSecret", badUrl.problem);
    });
    await screen.findByText("An entered secret is not saved yet.");
    leave(backend);
    await user.click(choice("Close without saving"));
    await waitFor(() => {
      expect(backend.asked).toContain("close");
    });
  });

  it("closes by itself when what was being saved is saved", async () => {
    const { backend, user } = await showSettings();
    let saved: () => void = () => undefined;
    const waits = new Promise<void>((resolve) => {
      saved = resolve;
    });
    const really = backend.save;
    backend.save = async (...sent) => {
      await waits;
      await really(...sent);
    };
    await user.type(tenant(), "x");
    await user.click(save());
    leave(backend);
    expect(choice("Saving…")).toHaveAttribute("aria-disabled", "true");
    await user.keyboard("{Escape}");
    expect(question()).not.toBeNull();
    saved();
    await waitFor(() => {
      expect(backend.asked).toContain("close");
    });
  });

  it("says when the window cannot be closed, or would not ask", async () => {
    const { backend, user } = await showSettings();
    await user.type(tenant(), "x");
    act(() => {
      backend.notHeld({ ...badUrl.problem, message: "event.listen is not allowed" });
    });
    expect(
      screen.getByText(
        "The question before closing does not work. Save before you close this window.",
      ),
    ).toBeVisible();
    backend.failing.set("close", badUrl.problem);
    leave(backend);
    await user.click(choice("Close without saving"));
    expect(await within(screen.getByRole("dialog")).findByRole("alert")).toHaveTextContent(
      "The window could not be closed.",
    );
  });
});
