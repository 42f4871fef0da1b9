import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { settingsView } from "../../fixtures/fakeSettings";
import { explanation, managedView } from "../../fixtures/settings";
import { fill, goTo, save, savedBy, showSettings } from "../../fixtures/showSettings";

describe("the rules", () => {
  const handle = (name: RegExp) => screen.getByRole("button", { name });

  it("change their order by keyboard, and are saved in it", async () => {
    const { backend, user } = await showSettings();
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
    expect(savedBy(backend).identification.contact.map(({ name }) => name)).toEqual([
      "Same phone",
      "Same e-mail",
    ]);
  });

  it("are added with a column found by its label", async () => {
    const { backend, user } = await showSettings();
    await goTo(user, "Identification rules");
    await user.click(screen.getByRole("button", { name: "Add a rule" }));
    const name = screen.getByRole("textbox", { name: /^Name/ });
    await waitFor(() => {
      expect(name).toHaveFocus();
    });
    await fill(user, name, "Loyalty");
    const column = screen.getByRole("combobox", { name: /^Dynamics field/ });
    await fill(user, column, "loyal");
    await user.click(await screen.findByRole("option", { name: /Loyalty Number/ }));
    expect(column).toHaveValue("Loyalty Number");
    const field = screen.getByRole("combobox", { name: /^Comm100 field/ });
    await fill(user, field, "custom_variable.Loyalty");
    await user.tab();
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(savedBy(backend).identification.contact.at(-1)).toEqual({
      name: "Loyalty",
      any: [{ column: "new_loyaltynumber", operator: "equals", field: "custom_variable.Loyalty" }],
    });
  });

  it("compare a row of the organization's own table, found by its logical name", async () => {
    const { backend, user } = await showSettings();
    await goTo(user, "Identification rules");
    await user.click(screen.getByRole("button", { name: "Add a rule" }));
    await fill(user, screen.getByRole("textbox", { name: /^Name/ }), "Level");
    const column = screen.getByRole("combobox", { name: /^Dynamics field/ });
    await fill(user, column, "new_tier");
    await user.click(await screen.findByRole("option", { name: /Loyalty Level/ }));
    expect(column).toHaveAccessibleDescription("By the name of the row it points to, or its id.");
    const operator = screen.getByRole("combobox", { name: /^Operator/ });
    expect(within(operator).getAllByRole("option")).toHaveLength(1);
    await user.click(save());
    await waitFor(() => {
      expect(backend.saved).toHaveLength(1);
    });
    expect(savedBy(backend).identification.contact.at(-1)?.any).toEqual([
      { column: "new_tierid", operator: "equals", field: "visitor.email" },
    ]);
  });

  it("are copied, switched off, removed and brought back", async () => {
    const { backend, user } = await showSettings();
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
    const rules = savedBy(backend).identification.contact;
    expect(rules.map(({ name }) => name)).toEqual([
      "Same e-mail",
      "Same e-mail (copy)",
      "Same phone",
    ]);
    expect(rules.map(({ off }) => off ?? false)).toEqual([true, false, false]);
  });

  it("say why on a sample visitor", async () => {
    const { user } = await showSettings(settingsView, (fake) => {
      fake.explanation = explanation;
    });
    await goTo(user, "Identification rules");
    const why = screen.getByRole("region", { name: "Why" });
    expect(await within(why).findByText("Recognises")).toBeVisible();
    expect(within(why).getByText(/The visitor gave no Visitor Phone/)).toBeVisible();
  });

  it("cannot be changed where an administrator has laid them down", async () => {
    const { user } = await showSettings(managedView);
    await goTo(user, "Identification rules");
    expect(screen.queryByRole("button", { name: "Add a rule" })).toBeNull();
    expect(screen.getByRole("switch", { name: "Rule “Same e-mail”: on" })).toBeDisabled();
    expect(
      screen.getByRole("img", { name: "Set by your administrator and cannot be changed here." }),
    ).toBeVisible();
  });
});
