import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { inOrder, settingsDocument, settingsView } from "../../fixtures/fakeSettings";
import { badUrl, failedTest } from "../../fixtures/settings";
import { fill, save, showSettings } from "../../fixtures/showSettings";

describe("the connection", () => {
  it("says beside the field what is wrong with it", async () => {
    await showSettings(settingsView, (fake) => {
      fake.judgement = { ...inOrder, problems: [badUrl] };
    });
    await waitFor(() => {
      expect(screen.getByLabelText(/Organization URL/)).toBeInvalid();
    });
    expect(screen.getByLabelText(/Organization URL/)).toHaveAccessibleDescription(/is no URL/);
  });

  it("keeps what was typed for one kind while another one is looked at", async () => {
    const { user } = await showSettings();
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
    const { backend, user } = await showSettings();
    const field = await screen.findByLabelText("Enter Application Secret");
    expect(field).toHaveAttribute("type", "password");
    await fill(user, field, "s3cret");
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
    const { user } = await showSettings({ ...settingsView, test: failedTest });
    const steps = screen.getByRole("list", { name: "Steps of the test" });
    expect(within(steps).getByText(/refused the application secret/)).toBeVisible();
    await user.click(within(steps).getByRole("button", { name: /^What to do/ }));
    expect(await screen.findByText(/An administrator of Microsoft Entra ID$/)).toBeVisible();
    await user.click(within(steps).getByRole("button", { name: /^Show me/ }));
    expect(screen.getByLabelText(/Application \(Client\) ID/)).toHaveFocus();
  });

  it("is parted with after a check box and OK", async () => {
    const { backend, user } = await showSettings();
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
