import { expect, it, vi } from "vitest";
import { settingsDocument, settingsView } from "../fixtures/fakeSettings";
import { type SettingsWire, settingsOver } from "./settings";

it("sends every command under the contract's name and arguments", async () => {
  const asked: [string, unknown][] = [];
  const backend = settingsOver(
    <C extends keyof SettingsWire>(command: C, args: SettingsWire[C]) => {
      asked.push([command, args]);
      return Promise.resolve(command === "settings" ? settingsView : null);
    },
  );
  const draft = settingsDocument;
  const sample = { kind: "known", id: "now" } as const;
  expect(await backend.settings()).toEqual(settingsView);
  await backend.catalogue();
  await backend.columns("case");
  await backend.judge(draft, null);
  await backend.explain(draft, sample);
  await backend.suggest(draft, "lead");
  await backend.estimate(draft);
  await backend.secrets(draft);
  await backend.enterSecret(draft, "client-secret", "x");
  await backend.forgetSecret(draft, "password");
  await backend.testConnection(draft);
  await backend.cancelTest();
  await backend.save(draft, "f1");
  await backend.toText(draft);
  await backend.readText("version = 1");
  await backend.history();
  await backend.version(3);
  await backend.rehearse(draft, null);
  await backend.cancelRehearsal();
  await backend.disconnect();
  expect(asked).toEqual([
    ["settings", {}],
    ["settings_catalogue", {}],
    ["settings_columns", { table: "case" }],
    ["settings_judge", { draft, sample: null }],
    ["settings_explain", { draft, sample }],
    ["settings_suggest", { draft, table: "lead" }],
    ["settings_estimate", { draft }],
    ["settings_secrets", { draft }],
    ["settings_enter_secret", { draft, name: "client-secret", value: "x" }],
    ["settings_forget_secret", { draft, name: "password" }],
    ["settings_test", { draft }],
    ["settings_cancel_test", {}],
    ["settings_save", { draft, fingerprint: "f1" }],
    ["settings_to_text", { draft }],
    ["settings_read_text", { text: "version = 1" }],
    ["settings_history", {}],
    ["settings_version", { id: 3 }],
    ["settings_rehearse", { draft, chats: null }],
    ["settings_cancel_rehearsal", {}],
    ["settings_disconnect", {}],
  ]);
});

it("rejects with what the back end refused", async () => {
  const refusal = { code: "settings_locked" };
  const call = vi.fn().mockRejectedValue(refusal);
  await expect(settingsOver(call).save(settingsDocument, "f1")).rejects.toBe(refusal);
});
