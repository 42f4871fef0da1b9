import type { Call } from "./call";
import type {
  ActivityFilter,
  ActivityPage,
  Draft,
  Duplicates,
  Entry,
  Filled,
  Found,
  LocalData,
  Problem,
  Receipt,
  RecordTable,
  Recovered,
  SearchResults,
  Table,
  Traces,
  View,
  Whom,
  WipeOptions,
  Wiped,
} from "./types";

/** What the page hears from the back end. */
export interface Listener {
  /** The way to the back end is open: from now on every change arrives, so this is the time to ask for the view. */
  up(): void;
  /** The way to the back end is closed; `up` follows when it is open again. */
  down(problem: Problem): void;
  /** A whole new view model; it replaces the one before it. */
  view(view: View): void;
}

/** What is asked about recording; each answer is shown where it was asked for. Rejects with a `Problem`. */
export interface Recorder {
  /** The form of a new record of the current chat, filled in. */
  draft(table: RecordTable): Promise<Draft>;
  /** Puts a record into the outbox. */
  create(filled: Filled): Promise<Entry>;
  /** Adds this chat to an open case instead of creating one. */
  addToCase(id: string, chat: string | null): Promise<Entry>;
  /** Records that look like the one that is about to be created. */
  duplicates(filled: Filled): Promise<Duplicates>;
  /** Records of these tables whose name, e-mail or number looks like the text. */
  find(targets: string[], text: string): Promise<Found[]>;
  /** Records that the text finds: in the cache, or with `live` in Dynamics too. */
  search(text: string, live: boolean): Promise<SearchResults>;
  /** Says that the visitor of this chat is this record, now and the next time. */
  link(table: string, id: string, chat: string | null): Promise<void>;
  /** Takes back what was linked to the visitor of this chat. */
  unlink(table: Table, chat: string | null): Promise<void>;
  outbox(): Promise<Entry[]>;
  /** Tries again; `values` are those that were corrected, by `table.column`. */
  retry(id: string, values: Record<string, string>): Promise<void>;
  discard(id: string): Promise<void>;
  /** Says who is meant; null for somebody new. */
  choosePerson(id: string, record: string | null): Promise<void>;
  undo(id: string): Promise<Entry>;
  activity(filter: ActivityFilter): Promise<ActivityPage>;
  /** The same lines as CSV. */
  exportActivity(filter: ActivityFilter): Promise<string>;
}

/** What is asked about the data on this computer; each answer is shown where it was asked for. Rejects with a `Problem`. */
export interface Keeper {
  /** Shows nothing personal until `unlock`. */
  lock(): Promise<void>;
  unlock(): Promise<void>;
  /** What is kept. */
  localData(): Promise<LocalData>;
  /** What would be erased of a person. */
  traces(whom: Whom): Promise<Traces>;
  /** Erases a person. */
  forget(whom: Whom, discardUnsent: boolean): Promise<Receipt>;
  wipe(options: WipeOptions): Promise<Wiped>;
  /** Writes a recovery file, without a name in the person's documents, and says where. */
  makeRecovery(file: string | null, passphrase: string): Promise<string>;
  /** Uses the text of a recovery file. */
  useRecovery(text: string, passphrase: string): Promise<Recovered>;
}

/** Everything the page can ask of the back end. Commands reject with a `Problem`. */
export interface Backend extends Recorder, Keeper {
  /** Whether the page can offer a text as a file. (In the window, WebKitGTK drops such downloads without a word.) */
  readonly savesFiles: boolean;
  subscribe(listener: Listener): () => void;
  view(): Promise<View>;
  /** Asks Dynamics again about the visitor that is shown. */
  refresh(): Promise<void>;
  /** Shows another candidate in its table's card. */
  choose(table: Table, id: string): Promise<void>;
  startPairing(): Promise<void>;
  cancelPairing(): Promise<void>;
  revokeConsole(id: string): Promise<void>;
  /** Practice mode: acts as if this sample visitor's chat had been selected. */
  playVisitor(id: string): Promise<void>;
  /** Opens the record in the system's browser; the table by its logical name. */
  openRecord(table: string, id: string): Promise<void>;
  /** Connects to Dynamics again, signing in where that is needed. */
  reconnect(): Promise<void>;
  /** Signs the person in: opens the system's browser, or shows a code for another device. */
  signIn(): Promise<void>;
  /** Ends the sign-in that is under way. */
  cancelSignIn(): Promise<void>;
  /** Forgets who is signed in. */
  signOut(): Promise<void>;
  /** Opens the settings in a window of their own. */
  openSettings(): Promise<void>;
  /** Brings the copies on this computer up to date now. */
  syncNow(): Promise<void>;
}

/** The commands' names and arguments on the wire, the same for both implementations. */
export interface Wire {
  view: Record<string, never>;
  refresh: Record<string, never>;
  choose: { table: Table; id: string };
  start_pairing: Record<string, never>;
  cancel_pairing: Record<string, never>;
  revoke_console: { id: string };
  play_visitor: { id: string };
  open_record: { table: string; id: string };
  reconnect: Record<string, never>;
  sign_in: Record<string, never>;
  cancel_sign_in: Record<string, never>;
  sign_out: Record<string, never>;
  open_settings: Record<string, never>;
  sync_now: Record<string, never>;
  draft: { table: RecordTable };
  create: { filled: Filled };
  add_to_case: { id: string; chat: string | null };
  duplicates: { filled: Filled };
  find: { targets: string[]; text: string };
  search: { text: string; live: boolean };
  link: { table: string; id: string; chat: string | null };
  unlink: { table: Table; chat: string | null };
  outbox: Record<string, never>;
  retry: { id: string; values: Record<string, string> };
  discard: { id: string };
  choose_person: { id: string; record: string | null };
  undo: { id: string };
  activity: { filter: ActivityFilter };
  export_activity: { filter: ActivityFilter };
  lock: Record<string, never>;
  unlock: Record<string, never>;
  local_data: Record<string, never>;
  traces: Whom;
  forget: Whom & { discardUnsent: boolean };
  wipe: { options: WipeOptions };
  make_recovery: { file: string | null; passphrase: string };
  use_recovery: { text: string; passphrase: string };
}

/** The commands of a back end that is reached through `call`. */
export function commandsOver(call: Call<Wire>): Omit<Backend, "subscribe" | "savesFiles"> {
  const done = async <C extends keyof Wire>(command: C, args: Wire[C]) => {
    await call(command, args);
  };
  return {
    view: async () => (await call("view", {})) as View,
    refresh: () => done("refresh", {}),
    choose: (table, id) => done("choose", { table, id }),
    startPairing: () => done("start_pairing", {}),
    cancelPairing: () => done("cancel_pairing", {}),
    revokeConsole: (id) => done("revoke_console", { id }),
    playVisitor: (id) => done("play_visitor", { id }),
    openRecord: (table, id) => done("open_record", { table, id }),
    reconnect: () => done("reconnect", {}),
    signIn: () => done("sign_in", {}),
    cancelSignIn: () => done("cancel_sign_in", {}),
    signOut: () => done("sign_out", {}),
    openSettings: () => done("open_settings", {}),
    syncNow: () => done("sync_now", {}),
    draft: async (table) => (await call("draft", { table })) as Draft,
    create: async (filled) => (await call("create", { filled })) as Entry,
    addToCase: async (id, chat) => (await call("add_to_case", { id, chat })) as Entry,
    duplicates: async (filled) => (await call("duplicates", { filled })) as Duplicates,
    find: async (targets, text) => (await call("find", { targets, text })) as Found[],
    search: async (text, live) => (await call("search", { text, live })) as SearchResults,
    link: (table, id, chat) => done("link", { table, id, chat }),
    unlink: (table, chat) => done("unlink", { table, chat }),
    outbox: async () => (await call("outbox", {})) as Entry[],
    retry: (id, values) => done("retry", { id, values }),
    discard: (id) => done("discard", { id }),
    choosePerson: (id, record) => done("choose_person", { id, record }),
    undo: async (id) => (await call("undo", { id })) as Entry,
    activity: async (filter) => (await call("activity", { filter })) as ActivityPage,
    lock: () => done("lock", {}),
    unlock: () => done("unlock", {}),
    localData: async () => (await call("local_data", {})) as LocalData,
    traces: async (whom) => (await call("traces", whom)) as Traces,
    forget: async (whom, discardUnsent) =>
      (await call("forget", { ...whom, discardUnsent })) as Receipt,
    wipe: async (options) => (await call("wipe", { options })) as Wiped,
    makeRecovery: async (file, passphrase) =>
      (await call("make_recovery", { file, passphrase })) as string,
    useRecovery: async (text, passphrase) =>
      (await call("use_recovery", { text, passphrase })) as Recovered,
    exportActivity: async (filter) => (await call("export_activity", { filter })) as string,
  };
}
