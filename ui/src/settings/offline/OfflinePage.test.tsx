import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { OfflineEstimate, SettingsDocument, SettingsView } from "../../backend";
import { inOrder, settingsDocument, settingsView } from "../../fixtures/fakeSettings";
import { badUrl, estimates, noContacts } from "../../fixtures/settings";
import { fill, goTo, save, savedBy, showSettings } from "../../fixtures/showSettings";

const group = (name: string) => within(screen.getByRole("group", { name }));
const switched = () => screen.getByRole("switch", { name: /^Copy records to this computer/ });
const ask = () => screen.getByRole("button", { name: "How much would that be?" });

function viewOf(offline: Partial<SettingsDocument["offline"]>): SettingsView {
  const saved = { ...settingsDocument, offline: { ...settingsDocument.offline, ...offline } };
  return { ...settingsView, saved };
}

describe("what is copied", () => {
  it("is chosen for each table, and shows the default of what is left out", async () => {
    const { backend, user } = await showSettings();
    await goTo(user, "Offline");
    const defaults = ["Contacts", "Accounts", "Leads", "Cases"].map((name) => {
      const chosen = group(name).getByLabelText<HTMLSelectElement>("Which records");
      return [
        chosen.selectedOptions[0]?.text,
        group(name)
          .getByLabelText(/^Changed within/)
          .getAttribute("placeholder"),
        group(name)
          .getByLabelText(/^Forget after/)
          .getAttribute("placeholder"),
      ];
    });
    expect(defaults).toEqual([
      ["Default: all", "Default: 365 days", "Default: 30 days"],
      ["Default: those of the kept contacts", "Default: however old", "Default: 30 days"],
      ["Default: open ones", "Default: 365 days", "Default: 30 days"],
      ["Default: open ones", "Default: however old", "Default: 30 days"],
    ]);
    expect(
      within(group("Contacts").getByLabelText("Which records")).queryByRole("option", {
        name: "Those of the kept contacts",
      }),
    ).toBeNull();

    await fill(user, screen.getByLabelText(/^Ask Dynamics for changes/), "15");
    await user.selectOptions(group("Accounts").getByLabelText("Which records"), "active");
    await fill(user, group("Contacts").getByLabelText(/^Changed within/), "0");
    await fill(user, group("Cases").getByLabelText(/^Forget after/), "7");
    await user.type(group("Leads").getByLabelText(/^Changed within/), "{ArrowUp}");
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(savedBy(backend).offline).toEqual({
      enabled: true,
      refresh_minutes: 15,
      contact: { changed_within_days: 0 },
      account: { keep: "active" },
      lead: { changed_within_days: 366 },
      case: { forget_after_days: 7 },
    });
  });

  it("loses the key of what is emptied", async () => {
    const { backend, user } = await showSettings(
      viewOf({ contact: { keep: "active", changed_within_days: 90, forget_after_days: 10 } }),
    );
    await goTo(user, "Offline");
    const contacts = group("Contacts");
    await user.selectOptions(contacts.getByLabelText("Which records"), "Default: all");
    await user.clear(contacts.getByLabelText(/^Changed within/));
    await user.clear(contacts.getByLabelText(/^Forget after/));
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(savedBy(backend).offline.contact).toEqual({});
  });

  it("stands there even if it cannot be, and can be changed", async () => {
    const { backend, user } = await showSettings(viewOf({ lead: { keep: "of-contacts" } }));
    await goTo(user, "Offline");
    const chosen = group("Leads").getByLabelText("Which records");
    expect(chosen).toHaveValue("of-contacts");
    await user.selectOptions(chosen, "Default: open ones");
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(savedBy(backend).offline.lead).toEqual({});
  });

  it("cannot be edited while nothing is copied, save how long it stays and what is wrong", async () => {
    const tooLong = { ...noContacts, key: "offline.lead.changed_within_days" };
    const { backend, user } = await showSettings(
      viewOf({ lead: { changed_within_days: 9_999 } }),
      (fake) => {
        fake.judgement = ({ offline }) =>
          (offline.lead.changed_within_days ?? 0) > 3_650
            ? { ...inOrder, problems: [tooLong] }
            : inOrder;
      },
    );
    await goTo(user, "Offline");
    const contacts = group("Contacts");
    const minutes = screen.getByLabelText(/^Ask Dynamics for changes/);
    expect(screen.queryByText(/^Switched off/)).toBeNull();
    await user.click(switched());
    expect(screen.getByText(/^Switched off/)).toBeVisible();
    expect(minutes).toBeDisabled();
    expect(contacts.getByLabelText("Which records")).toBeDisabled();
    expect(contacts.getByLabelText(/^Changed within/)).toBeDisabled();
    expect(contacts.getByLabelText(/^Forget after/)).toBeEnabled();
    expect(ask()).toHaveAttribute("aria-disabled", "true");
    expect(ask()).toHaveAccessibleDescription(/^Switched off/);

    const wrong = group("Leads").getByLabelText(/^Changed within/);
    expect(wrong).toBeEnabled();
    await fill(user, wrong, "90");
    await waitFor(() => {
      expect(screen.queryByText(tooLong.problem.message, { exact: false })).toBeNull();
    });
    expect(wrong).toBeEnabled();
    await user.tab();
    expect(wrong).toBeDisabled();
    await user.click(ask());
    expect(backend.estimated).toEqual([]);

    await user.click(switched());
    expect(minutes).toBeEnabled();
    expect(wrong).toHaveValue("90");
  });

  it("has what is wrong beside its field, and the ways there", async () => {
    const { user } = await showSettings(settingsView, (fake) => {
      fake.judgement = { ...inOrder, problems: [noContacts] };
    });
    const navigation = within(screen.getByRole("navigation"));
    expect(await navigation.findByRole("button", { name: /^Offline.*1 problem/ })).toBeVisible();
    await goTo(user, "Checker");
    await user.click(screen.getByRole("button", { name: /^Show me: The key/ }));
    expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("Offline");
    const field = group("Accounts").getByLabelText("Which records");
    expect(field).toHaveFocus();
    expect(field).toHaveAccessibleDescription(
      `${noContacts.problem.message} ${noContacts.problem.nextStep}`,
    );
    expect(field).toBeInvalid();
  });

  it("cannot be changed where an administrator has laid it down", async () => {
    const { user } = await showSettings({
      ...settingsView,
      managed: { file: "/etc/managed.toml", locked: ["offline.enabled", "offline.contact"] },
    });
    await goTo(user, "Offline");
    expect(switched()).toBeDisabled();
    for (const label of [/^Which records/, /^Changed within/, /^Forget after/]) {
      expect(group("Contacts").getByLabelText(label)).toBeDisabled();
      expect(group("Accounts").getByLabelText(label)).toBeEnabled();
    }
    expect(screen.getAllByRole("img", { name: /^Set by your administrator/ })).toHaveLength(4);
  });
});

describe("the estimate", () => {
  const rows = () =>
    screen
      .getAllByRole("row")
      .slice(1)
      .map((row) => [...row.children].map((cell) => cell.textContent));
  const answered = () =>
    waitFor(() => {
      expect(ask()).not.toHaveAttribute("aria-disabled", "true");
    });

  it("is asked of the draft as it stands, and says what cannot be told", async () => {
    const { backend, user } = await showSettings(settingsView, (fake) => {
      fake.estimates = estimates;
    });
    await goTo(user, "Offline");
    expect(screen.queryByRole("table")).toBeNull();
    await fill(user, group("Contacts").getByLabelText(/^Changed within/), "90");
    await user.click(ask());
    await screen.findByRole("table");
    expect(rows()).toEqual([
      ["Contacts", "48,211", "5,000 or more"],
      ["Accounts", "9,120", "depends on the contacts"],
      ["Leads", "Dynamics does not tell", "640"],
      ["Cases", "21,450", "Dynamics does not tell"],
    ]);
    await waitFor(() => {
      expect(screen.getByTestId("spoken")).toHaveTextContent("Dynamics has answered.");
    });
    expect(backend.estimated.map(({ offline }) => offline.contact)).toEqual([
      { changed_within_days: 90 },
    ]);
  });

  it("is outdated once what is copied was changed, and until it is asked again", async () => {
    const { backend, user } = await showSettings(settingsView, (fake) => {
      fake.estimates = estimates;
    });
    await goTo(user, "Offline");
    await user.click(ask());
    await screen.findByRole("table");
    const outdated = () => screen.queryByText(/were changed since this estimate/);
    expect(outdated()).toBeNull();
    await user.selectOptions(group("Accounts").getByLabelText("Which records"), "active");
    expect(outdated()).toBeVisible();
    // What was asked of is what it is said of.
    expect(rows()[1]?.[2]).toBe("depends on the contacts");
    await answered();
    await user.click(ask());
    await waitFor(() => {
      expect(outdated()).toBeNull();
    });
    expect(rows()[1]?.[2]).toBe("Dynamics does not tell");
    expect(backend.estimated).toHaveLength(2);
  });

  it("says that it is being asked, and is asked once at a time", async () => {
    const { backend, user } = await showSettings();
    let resolve: (tables: OfflineEstimate[]) => void = () => undefined;
    const answer = new Promise<OfflineEstimate[]>((answered) => {
      resolve = answered;
    });
    backend.estimate = (draft) => {
      backend.estimated.push(draft);
      return answer;
    };
    await goTo(user, "Offline");
    await user.click(ask());
    expect(screen.getByRole("progressbar", { name: "Asking Dynamics…" })).toBeVisible();
    expect(ask()).toHaveAttribute("aria-disabled", "true");
    await user.click(ask());
    expect(backend.estimated).toHaveLength(1);
    resolve([]);
    expect(await screen.findByText(/nothing would be copied/)).toBeVisible();
    await waitFor(() => {
      expect(screen.queryByRole("progressbar")).toBeNull();
    });
    expect(screen.queryByRole("table")).toBeNull();
  });

  it("says why there is none, and what to do", async () => {
    const { backend, user } = await showSettings(settingsView, (fake) => {
      fake.failing.set("estimate", badUrl.problem);
      fake.estimates = estimates;
    });
    await goTo(user, "Offline");
    await user.click(ask());
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent(badUrl.problem.message);
    expect(alert).toHaveTextContent(badUrl.problem.nextStep);
    expect(screen.queryByRole("table")).toBeNull();
    backend.failing.clear();
    await answered();
    await user.click(ask());
    await screen.findByRole("table");
    expect(screen.queryByRole("alert")).toBeNull();
  });
});
