import type { Problem, Table, View } from "./types";

/** What the page hears from the back end. */
export interface Listener {
  /** The way to the back end is open: from now on every change arrives, so this is the time to ask for the view. */
  up(): void;
  /** The way to the back end is closed; `up` follows when it is open again. */
  down(problem: Problem): void;
  /** A whole new view model; it replaces the one before it. */
  view(view: View): void;
}

/** Everything the page can ask of the back end. Commands reject with a `Problem`. */
export interface Backend {
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
  /** Opens the record in the system's browser. */
  openRecord(table: Table, id: string): Promise<void>;
  /** Connects to Dynamics again, signing in where that is needed. */
  reconnect(): Promise<void>;
  /** Signs the person in: opens the system's browser, or shows a code for another device. */
  signIn(): Promise<void>;
  /** Ends the sign-in that is under way. */
  cancelSignIn(): Promise<void>;
  /** Forgets who is signed in. */
  signOut(): Promise<void>;
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
  open_record: { table: Table; id: string };
  reconnect: Record<string, never>;
  sign_in: Record<string, never>;
  cancel_sign_in: Record<string, never>;
  sign_out: Record<string, never>;
}

export type Call = <C extends keyof Wire>(command: C, args: Wire[C]) => Promise<unknown>;

/** The commands of a back end that is reached through `call`. */
export function commandsOver(call: Call): Omit<Backend, "subscribe"> {
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
  };
}
