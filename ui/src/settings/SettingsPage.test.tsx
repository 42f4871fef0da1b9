import { act, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { SettingsDocument, SettingsView } from "../backend";
import {
  FakeSettings,
  inOrder,
  refusedView,
  settingsDocument,
  settingsView,
} from "../fixtures/fakeSettings";
import {
  badUrl,
  columns,
  explanation,
  failedTest,
  judged,
  managedView,
  rehearsal,
  secret,
  shadowedRule,
  suggestions,
  versions,
} from "../fixtures/settings";
import { SettingsPage } from "./SettingsPage";

// The whole window is drawn at every key, and every role is computed by hand: that takes its time without a browser.
vi.setConfig({ testTimeout: 30_000 });

async function show(view: SettingsView = settingsView, prepare?: (backend: FakeSettings) => void) {
  const backend = new FakeSettings(view);
  backend.columnsOf = { contact: columns, account: columns, lead: columns };
  backend.secretsAre = [{ ...secret, state: "not-set", daysLeft: null, problem: null }];
  prepare?.(backend);
  render(<SettingsPage backend={backend} />);
  await screen.findByRole("heading", { level: 1 });
  if (!view.refused) await screen.findByRole("navigation");
  return { backend, user: userEvent.setup() };
}

type User = ReturnType<typeof userEvent.setup>;

async function goTo(user: User, page: string) {
  const navigation = screen.getByRole("navigation");
  await user.click(within(navigation).getByRole("button", { name: new RegExp(`^${page}`) }));
  expect(screen.getByRole("heading", { level: 1, name: page })).toHaveFocus();
}

const save = () => screen.getByRole("button", { name: "Save" });
const saved = (backend: FakeSettings): SettingsDocument => {
  const last = backend.saved.at(-1);
  if (!last) throw new Error("nothing was saved");
  return last;
};

describe("the window", () => {
  it("shows the guide's message alone to whoever may not manage the integration", async () => {
    await show(refusedView);
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
    const { backend, user } = await show();
    const tenant = screen.getByLabelText(/Directory \(tenant\) ID/);
    await user.clear(tenant);
    await user.type(tenant, "contoso.example");
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(backend.asked).toContain("save f1");
    expect(saved(backend)).toEqual({
      ...settingsDocument,
      connection: { ...settingsDocument.connection, tenant_id: "contoso.example" },
    });
    expect(await screen.findByText("All changes are saved.")).toBeVisible();
  });

  it("is not saved while something is wrong, and the first problem is shown", async () => {
    const { backend, user } = await show(settingsView, (fake) => {
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
    const { backend, user } = await show();
    backend.failing.set("save", badUrl.problem);
    await user.type(screen.getByLabelText(/Directory \(tenant\) ID/), "x");
    await user.click(save());
    expect(await screen.findByText("Nothing was saved.")).toBeVisible();
    expect(screen.getByText("There are unsaved changes.")).toBeVisible();
  });

  it("is discarded only after it was asked", async () => {
    const { user } = await show();
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
    const { user } = await show();
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
    const { backend, user } = await show();
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
    const { backend } = await show();
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

describe("the connection", () => {
  it("says beside the field what is wrong with it", async () => {
    await show(settingsView, (fake) => {
      fake.judgement = { ...inOrder, problems: [badUrl] };
    });
    await waitFor(() => {
      expect(screen.getByLabelText(/Organization URL/)).toBeInvalid();
    });
    expect(screen.getByLabelText(/Organization URL/)).toHaveAccessibleDescription(/is no URL/);
  });

  it("keeps what was typed for one kind while another one is looked at", async () => {
    const { user } = await show();
    await user.click(screen.getByRole("tab", { name: "For Dynamics 365 On-premises" }));
    expect(screen.getByLabelText(/Organization URL/)).toHaveValue("");
    expect(screen.getByLabelText(/Login Email/)).toBeVisible();
    await user.keyboard("{ArrowLeft}");
    expect(screen.getByRole("tab", { name: "For Dynamics 365 Cloud" })).toHaveFocus();
    expect(screen.getByLabelText(/Organization URL/)).toHaveValue(
      settingsDocument.connection.organization_url,
    );
  });

  it("sends a secret before it is tested, and never shows it again", async () => {
    const { backend, user } = await show();
    const field = await screen.findByLabelText("Enter Application Secret");
    expect(field).toHaveAttribute("type", "password");
    await user.type(field, "s3cret");
    await user.click(screen.getByRole("button", { name: "Test connection" }));
    await waitFor(() => {
      expect(backend.asked).toContain("testConnection");
    });
    expect(backend.asked.indexOf("enterSecret client-secret")).toBeLessThan(
      backend.asked.indexOf("testConnection"),
    );
    expect(await screen.findByText("Entered; kept when you save")).toBeVisible();
    const inputs = [...document.querySelectorAll("input")].map(({ value }) => value);
    expect(`${document.body.textContent} ${inputs.join(" ")}`).not.toContain("s3cret");
    expect(screen.queryByLabelText("Enter Application Secret")).toBeNull();
    expect(save()).not.toHaveAttribute("aria-disabled", "true");
  });

  it("shows who must do what where the test fails", async () => {
    const { user } = await show({ ...settingsView, test: failedTest });
    const steps = screen.getByRole("list", { name: "Steps of the test" });
    expect(within(steps).getByText(/refused the application secret/)).toBeVisible();
    await user.click(within(steps).getByRole("button", { name: /^What to do/ }));
    expect(await screen.findByText(/An administrator of Microsoft Entra ID$/)).toBeVisible();
    await user.click(within(steps).getByRole("button", { name: /^Show me/ }));
    expect(screen.getByLabelText(/Application \(Client\) ID/)).toHaveFocus();
  });

  it("is parted with after a check box and OK", async () => {
    const { backend, user } = await show();
    await user.click(screen.getByRole("button", { name: "Disconnect" }));
    const ok = screen.getByRole("button", { name: "OK" });
    expect(ok).toBeDisabled();
    await user.click(screen.getByRole("checkbox"));
    await user.click(ok);
    await waitFor(() => {
      expect(backend.asked).toContain("disconnect");
    });
  });
});

describe("the rules", () => {
  const handle = (name: RegExp) => screen.getByRole("button", { name });

  it("change their order by keyboard, and are saved in it", async () => {
    const { backend, user } = await show();
    await goTo(user, "Identification rules");
    handle(/^Move Rule “Same phone”/).focus();
    await user.keyboard("{ArrowUp}");
    await waitFor(() => {
      expect(handle(/^Move Rule “Same phone”, position 1 of 2/)).toHaveFocus();
    });
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(saved(backend).identification.contact.map(({ name }) => name)).toEqual([
      "Same phone",
      "Same e-mail",
    ]);
  });

  it("are added with a column found by its label", async () => {
    const { backend, user } = await show();
    await goTo(user, "Identification rules");
    await user.click(screen.getByRole("button", { name: "Add a rule" }));
    const name = screen.getByRole("textbox", { name: /^Name/ });
    await waitFor(() => {
      expect(name).toHaveFocus();
    });
    await user.clear(name);
    await user.type(name, "Loyalty");
    const column = screen.getByRole("combobox", { name: /^Dynamics field/ });
    await user.type(column, "loyal");
    await user.click(await screen.findByRole("option", { name: /Loyalty Number/ }));
    expect(column).toHaveValue("Loyalty Number");
    const field = screen.getByRole("combobox", { name: /^Comm100 field/ });
    await user.clear(field);
    await user.type(field, "custom_variable.Loyalty{Tab}");
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(saved(backend).identification.contact.at(-1)).toEqual({
      name: "Loyalty",
      any: [{ column: "new_loyaltynumber", operator: "equals", field: "custom_variable.Loyalty" }],
    });
  });

  it("are copied, switched off, removed and brought back", async () => {
    const { backend, user } = await show();
    await goTo(user, "Identification rules");
    await user.click(screen.getByRole("button", { name: "Copy Rule “Same e-mail”" }));
    await user.click(screen.getByRole("switch", { name: "Rule “Same e-mail”: on" }));
    await user.click(screen.getByRole("button", { name: "Remove Rule “Same phone”" }));
    expect(screen.getByText("Rule “Same phone” was removed.")).toBeVisible();
    await user.click(screen.getByRole("button", { name: "Undo" }));
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    const rules = saved(backend).identification.contact;
    expect(rules.map(({ name }) => name)).toEqual([
      "Same e-mail",
      "Same e-mail (copy)",
      "Same phone",
    ]);
    expect(rules.map(({ off }) => off ?? false)).toEqual([true, false, false]);
  });

  it("say why on a sample visitor", async () => {
    const { user } = await show(settingsView, (fake) => {
      fake.explanation = explanation;
    });
    await goTo(user, "Identification rules");
    const why = screen.getByRole("region", { name: "Why" });
    expect(await within(why).findByText("Recognises")).toBeVisible();
    expect(within(why).getByText(/The visitor gave no Visitor Phone/)).toBeVisible();
  });

  it("cannot be changed where an administrator has laid them down", async () => {
    const { user } = await show(managedView);
    await goTo(user, "Identification rules");
    expect(screen.queryByRole("button", { name: "Add a rule" })).toBeNull();
    expect(screen.getByRole("switch", { name: "Rule “Same e-mail”: on" })).toBeDisabled();
    expect(
      screen.getByRole("img", { name: "Set by your administrator and cannot be changed here." }),
    ).toBeVisible();
  });
});

describe("the fields", () => {
  it("show in each row what a sample chat yields, and take a suggestion", async () => {
    const { backend, user } = await show(settingsView, (fake) => {
      fake.judgement = { ...judged, problems: [] };
      fake.suggestions = suggestions;
    });
    await goTo(user, "Fields");
    const first = screen.getAllByRole("row")[1] ?? document.body;
    expect(await within(first).findByText("Nowak")).toBeVisible();
    await user.click(
      await screen.findByRole("button", { name: "Add Business Phone from Visitor Phone" }),
    );
    await user.click(screen.getByRole("switch", { name: "Display Field Last Name to the agent" }));
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    const fields = saved(backend).fields.contact;
    expect(fields.at(-1)).toEqual({ column: "telephone1", from: "visitor.phone" });
    expect(fields[0]?.display).toBe(true);
  });

  it("take a fixed choice by its label", async () => {
    const choice = { column: "preferredcontactmethodcode", value: "" };
    const document = {
      ...settingsDocument,
      fields: { ...settingsDocument.fields, contact: [choice] },
    };
    const { backend, user } = await show({ ...settingsView, saved: document });
    await goTo(user, "Fields");
    await user.selectOptions(screen.getByLabelText(/^Fixed value of/), "Email");
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(saved(backend).fields.contact).toEqual([{ ...choice, value: "Email" }]);
  });
});

describe("recording", () => {
  it("takes mode, action and a number that is none as it was typed", async () => {
    const { backend, user } = await show();
    await goTo(user, "Recording");
    await user.click(screen.getByRole("radio", { name: /^Automatically/ }));
    await user.selectOptions(screen.getByLabelText("Action"), "lead-and-task");
    const seconds = screen.getByLabelText(/^Seconds between/);
    await user.clear(seconds);
    await user.type(seconds, "soon");
    await waitFor(() => {
      expect(backend.judged.at(-1)?.recording.grace_seconds).toBe("soon");
    });
    expect(backend.judged.at(-1)?.recording).toMatchObject({
      mode: "automatic",
      action: "lead-and-task",
    });
  });
});

describe("the checker", () => {
  it("goes to what it complains of", async () => {
    const { user } = await show(settingsView, (fake) => {
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
    const { backend, user } = await show();
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
    const { backend, user } = await show(settingsView, (fake) => {
      fake.read = { draft: taken, problems: [], changes: judged.changes };
    });
    await goTo(user, "Document");
    await user.type(screen.getByLabelText("Or paste the text"), "version = 1");
    await user.click(screen.getByRole("button", { name: "Read it" }));
    await user.click(await screen.findByRole("button", { name: "Take it over" }));
    expect(backend.saved).toHaveLength(0);
    await user.click(save());
    await waitFor(() => {
      expect(saved(backend)).toEqual(taken);
    });
  });

  it("names line and key of what is wrong with a text", async () => {
    const { user } = await show(settingsView, (fake) => {
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
    const { backend, user } = await show(settingsView, (fake) => {
      fake.versions = versions;
      fake.read = { draft: before, problems: [], changes: [] };
    });
    await goTo(user, "Document");
    await user.click(await screen.findByRole("button", { name: /^Restore the version/ }));
    expect(backend.asked).toContain("version 1");
    await user.click(save());
    await waitFor(() => {
      expect(saved(backend).bridge.port).toBe(50_000);
    });
  });
});
