import type { ConsoleEvent, Problem, QueuedEvent } from "./contract";

/** Where the way to the companion stands. */
export type Stage =
  /** asking whether it is there */
  | "connecting"
  /** nobody answers at its address */
  | "away"
  /** it is there but turns this page down */
  | "refused"
  /** it is there and wants a code */
  | "unpaired"
  /** the code is on its way */
  | "pairing"
  /** paired and connected */
  | "online"
  /** the relay window has to be opened first */
  | "relay-closed"
  /** the relay window was opened and has not reported yet */
  | "relay-opening";

/** What is known of the companion. */
export interface ConnectionState {
  readonly stage: Stage;
  readonly version: string | null;
  readonly consoleName: string | null;
  readonly problem: Problem | null;
  /** What the companion says of a chat: known to Dynamics, not known, or not decided yet. */
  readonly recognized: { readonly chatId: string | null; readonly known: boolean | null } | null;
  /** The number of events that wait for the companion. */
  readonly waiting: number;
  /** Whether the pairing outlives this page. */
  readonly isRemembered: boolean;
}

/** The state of a way that was not tried yet. */
export const UNTRIED: ConnectionState = {
  stage: "connecting",
  version: null,
  consoleName: null,
  problem: null,
  recognized: null,
  waiting: 0,
  isRemembered: true,
};

/** A way to the companion: straight, or through the relay window. */
export interface Connection {
  readonly state: ConnectionState;
  start(): void;
  stop(): void;
  /** Hands an event over, now or as soon as the companion is there. */
  send(event: ConsoleEvent): void;
  /** Pairs this console by the six digits that the companion shows. */
  pair(code: string): void;
  /** Drops the pairing on this side. */
  forget(): void;
  /** Tries again at once. */
  retry(): void;
}

/** What a connection tells its owner. */
export interface ConnectionListener {
  changed(state: ConnectionState): void;
  /** The companion took an event over, or will never be able to. */
  settled?(id: string): void;
}

/** Gives an event the id under which it stays known until it is acknowledged. */
export function queued(event: ConsoleEvent): QueuedEvent {
  return { id: crypto.randomUUID(), event };
}
