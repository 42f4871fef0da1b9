import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { settingsDocument, settingsView } from "../../fixtures/fakeSettings";
import { judged, suggestions } from "../../fixtures/settings";
import { fill, goTo, save, savedBy, showSettings } from "../../fixtures/showSettings";

describe("the fields", () => {
  it("show in each row what a sample chat yields, and take a suggestion", async () => {
    const { backend, user } = await showSettings(settingsView, (fake) => {
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
    const fields = savedBy(backend).fields.contact;
    expect(fields.at(-1)).toEqual({ column: "telephone1", from: "visitor.phone" });
    expect(fields[0]?.display).toBe(true);
  });

  it("take a fixed choice by its label", async () => {
    const choice = { column: "preferredcontactmethodcode", value: "" };
    const document = {
      ...settingsDocument,
      fields: { ...settingsDocument.fields, contact: [choice] },
    };
    const { backend, user } = await showSettings({ ...settingsView, saved: document });
    await goTo(user, "Fields");
    await user.selectOptions(screen.getByLabelText(/^Fixed value of/), "Email");
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(savedBy(backend).fields.contact).toEqual([{ ...choice, value: "Email" }]);
  });
});

describe("recording", () => {
  it("takes mode, action and a number that is none as it was typed", async () => {
    const { backend, user } = await showSettings();
    await goTo(user, "Recording");
    await user.click(screen.getByRole("radio", { name: /^Automatically/ }));
    await user.selectOptions(screen.getByLabelText("Action"), "lead-and-task");
    const seconds = screen.getByLabelText(/^Seconds between/);
    await fill(user, seconds, "soon");
    await waitFor(() => {
      expect(backend.judged.at(-1)?.recording.grace_seconds).toBe("soon");
    });
    expect(backend.judged.at(-1)?.recording).toMatchObject({
      mode: "automatic",
      action: "lead-and-task",
    });
  });
});
