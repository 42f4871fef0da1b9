import type { Call } from "./call";
import type {
  Catalogue,
  ColumnInfo,
  Explanation,
  Judgement,
  OfflineEstimate,
  Problem,
  ReadDocument,
  Sample,
  SavedVersion,
  Secret,
  SecretName,
  SettingsDocument,
  SettingsView,
  Suggestion,
} from "./types";

/** What the settings window hears from the back end. */
export interface SettingsListener {
  /** The way to the back end is open: this is the time to ask for everything. */
  up(): void;
  /** The way to the back end is closed; `up` follows when it is open again. */
  down(problem: Problem): void;
  /** A whole new view; it replaces the one before it. It brings the progress of test and rehearsal too. */
  settings(view: SettingsView): void;
}

/** Whoever asks the person before the settings are closed. */
export interface Leaving {
  /** The window is to be closed; it stays open until `close`. A browser asks the person itself instead. */
  asked(): void;
  /** The person cannot be asked: closing is not heard of, or the window does not come to the front. */
  failed(problem: Problem): void;
}

/**
 * Everything the settings window can ask of the back end. The page edits a draft of the whole document; its key paths
 * are those of the problems (`identification.contact.0.any.1.column`). Commands reject with a `Problem`; all of them with
 * `manage_integration_required` where this person may not manage the integration.
 */
export interface SettingsBackend {
  readonly savesFiles: boolean;
  subscribe(listener: SettingsListener): () => void;
  /** Until the returned function is called, the settings are not closed without a question. */
  holdOpen(leaving: Leaving): () => void;
  /** Closes the settings without a question. */
  close(): Promise<void>;
  settings(): Promise<SettingsView>;
  /** What the editors offer: tables, Comm100 fields, sample visitors, the guide's chapters. */
  catalogue(): Promise<Catalogue>;
  /** The columns of a table, by its key in the document, as the organization describes them. */
  columns(table: string): Promise<ColumnInfo[]>;
  /** Everything that is to be said of a draft; asks nothing of Dynamics, so that it can be asked at every change. */
  judge(draft: SettingsDocument, sample: Sample | null): Promise<Judgement>;
  /** Which rule of the draft recognises the visitor, and why the others do not. Asks Dynamics. */
  explain(draft: SettingsDocument, sample: Sample): Promise<Explanation>;
  /** Columns of a table that could be mapped. */
  suggest(draft: SettingsDocument, table: string): Promise<Suggestion[]>;
  /** How much the draft would copy to this computer, table by table. Asks Dynamics. */
  estimate(draft: SettingsDocument): Promise<OfflineEstimate[]>;
  /** Which secrets the draft's connection needs, and where they are. */
  secrets(draft: SettingsDocument): Promise<Secret[]>;
  /** Takes a secret; it is used for tests at once and kept when the settings are saved. */
  enterSecret(draft: SettingsDocument, name: SecretName, value: string): Promise<Secret[]>;
  /** Forgets an entered secret, or removes the kept one. */
  forgetSecret(draft: SettingsDocument, name: SecretName): Promise<Secret[]>;
  /** Examines the draft's connection beside the running one; `SettingsView.test` tells how it goes. */
  testConnection(draft: SettingsDocument): Promise<void>;
  cancelTest(): Promise<void>;
  /**
   * Saves the draft and starts to work with it: all of it or nothing. Rejects with `settings_invalid`, `settings_locked`,
   * `settings_changed_meanwhile` (the fingerprint is not that of the saved document), or why it cannot start; the
   * settings in force stay in force then.
   */
  save(draft: SettingsDocument, fingerprint: string): Promise<void>;
  /** The draft as TOML, to be exported; what is unchanged keeps its comments. */
  toText(draft: SettingsDocument): Promise<string>;
  /** Reads a document to be imported. */
  readText(text: string): Promise<ReadDocument>;
  history(): Promise<SavedVersion[]>;
  /** A version that was saved, as a draft; `changes` is what it would change now. */
  version(id: number): Promise<ReadDocument>;
  /** Runs the draft over past chats: those kept here, or the text of a file of webhook payloads. */
  rehearse(draft: SettingsDocument, chats: string | null): Promise<void>;
  cancelRehearsal(): Promise<void>;
  /** Disconnects from Dynamics: forgets secrets and cache, and practises from now on. */
  disconnect(): Promise<void>;
}

/** The commands' names and arguments on the wire. */
export interface SettingsWire {
  settings: Record<string, never>;
  settings_catalogue: Record<string, never>;
  settings_columns: { table: string };
  settings_judge: { draft: SettingsDocument; sample: Sample | null };
  settings_explain: { draft: SettingsDocument; sample: Sample };
  settings_suggest: { draft: SettingsDocument; table: string };
  settings_estimate: { draft: SettingsDocument };
  settings_secrets: { draft: SettingsDocument };
  settings_enter_secret: { draft: SettingsDocument; name: SecretName; value: string };
  settings_forget_secret: { draft: SettingsDocument; name: SecretName };
  settings_test: { draft: SettingsDocument };
  settings_cancel_test: Record<string, never>;
  settings_save: { draft: SettingsDocument; fingerprint: string };
  settings_to_text: { draft: SettingsDocument };
  settings_read_text: { text: string };
  settings_history: Record<string, never>;
  settings_version: { id: number };
  settings_rehearse: { draft: SettingsDocument; chats: string | null };
  settings_cancel_rehearsal: Record<string, never>;
  settings_disconnect: Record<string, never>;
}

/** What is asked of the window rather than of the back end. */
type OfWindow = "subscribe" | "holdOpen" | "close" | "savesFiles";

/** The settings' commands of a back end that is reached through `call`. */
export function settingsOver(call: Call<SettingsWire>): Omit<SettingsBackend, OfWindow> {
  const done = async <C extends keyof SettingsWire>(command: C, args: SettingsWire[C]) => {
    await call(command, args);
  };
  return {
    settings: async () => (await call("settings", {})) as SettingsView,
    catalogue: async () => (await call("settings_catalogue", {})) as Catalogue,
    columns: async (table) => (await call("settings_columns", { table })) as ColumnInfo[],
    judge: async (draft, sample) => (await call("settings_judge", { draft, sample })) as Judgement,
    explain: async (draft, sample) =>
      (await call("settings_explain", { draft, sample })) as Explanation,
    suggest: async (draft, table) =>
      (await call("settings_suggest", { draft, table })) as Suggestion[],
    estimate: async (draft) => (await call("settings_estimate", { draft })) as OfflineEstimate[],
    secrets: async (draft) => (await call("settings_secrets", { draft })) as Secret[],
    enterSecret: async (draft, name, value) =>
      (await call("settings_enter_secret", { draft, name, value })) as Secret[],
    forgetSecret: async (draft, name) =>
      (await call("settings_forget_secret", { draft, name })) as Secret[],
    testConnection: (draft) => done("settings_test", { draft }),
    cancelTest: () => done("settings_cancel_test", {}),
    save: (draft, fingerprint) => done("settings_save", { draft, fingerprint }),
    toText: async (draft) => (await call("settings_to_text", { draft })) as string,
    readText: async (text) => (await call("settings_read_text", { text })) as ReadDocument,
    history: async () => (await call("settings_history", {})) as SavedVersion[],
    version: async (id) => (await call("settings_version", { id })) as ReadDocument,
    rehearse: (draft, chats) => done("settings_rehearse", { draft, chats }),
    cancelRehearsal: () => done("settings_cancel_rehearsal", {}),
    disconnect: () => done("settings_disconnect", {}),
  };
}
