/**
 * The console bridge contract, protocol 1: what goes over the companion's loopback WebSocket `/v1/console`.
 */
export const PROTOCOL = 1;

/** The companion closes the socket on a longer message. */
export const MESSAGE_LIMIT_BYTES = 2 * 1024 * 1024;

/** What an event reports. */
export type EventKind =
  "started" | "selected" | "updated" | "ended" | "wrapup" | "requested" | "agent";

/** The site of the console, as its query parameters name it. */
export interface Site {
  readonly siteId: string;
  readonly domain: string;
}

/** The agent, reduced to what the companion may know. */
export interface Agent {
  readonly id: unknown;
  readonly name: unknown;
  readonly email: unknown;
}

/** A chat or a visitor in the console's own shape; fields are left as the console wrote them. */
export type SdkObject = Readonly<Record<string, unknown>>;

/** One event as it is handed to the companion. */
export interface ConsoleEvent {
  readonly source: "console-app";
  readonly kind: EventKind;
  /** Unix milliseconds. */
  readonly sentAt: number;
  readonly site: Site | null;
  readonly agent: Agent | null;
  readonly chat: SdkObject | null;
  readonly visitor: SdkObject | null;
}

/** An event with the id under which it is sent, and sent again. */
export interface QueuedEvent {
  readonly id: string;
  readonly event: ConsoleEvent;
}

/** What the page says. */
export type ClientMessage =
  | { readonly type: "hello"; readonly protocol: number; readonly token: string }
  | {
      readonly type: "pair";
      readonly protocol: number;
      readonly code: string;
      readonly name: string;
    }
  | ({ readonly type: "event" } & QueuedEvent)
  | { readonly type: "ping" }
  | { readonly type: "pong" };

/** Something that went wrong, in words for the agent. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly nextStep: string;
}

/** Close codes of the socket, by what went wrong. */
export const CLOSE = {
  handshake: 4400,
  token: 4401,
  pairing: 4403,
  tooLarge: 1009,
} as const;

const SENTENCES: Readonly<Record<string, readonly [message: string, nextStep: string]>> = {
  token_missing: [
    "This console is not paired with the companion.",
    "Press “Pair the Agent Console” in Dynamics Companion and enter its code here.",
  ],
  token_unknown: [
    "The companion does not know this console any more.",
    "Press “Pair the Agent Console” in Dynamics Companion and enter its code here.",
  ],
  token_revoked: [
    "This console’s pairing was removed in the companion.",
    "To connect it again, press “Pair the Agent Console” in Dynamics Companion and enter its code here.",
  ],
  pairing_not_open: [
    "The companion is not waiting for a code.",
    "Press “Pair the Agent Console” in Dynamics Companion first, then enter the code it shows.",
  ],
  pairing_code_wrong: [
    "That is not the code the companion shows.",
    "Compare the six digits with Dynamics Companion and enter them again.",
  ],
  pairing_code_expired: [
    "That code is too old.",
    "Press “Pair the Agent Console” in Dynamics Companion again and enter the new code.",
  ],
  pairing_code_form: ["A code has six digits.", "Enter the six digits Dynamics Companion shows."],
  hello_expected: [
    "The companion did not understand this app’s greeting.",
    "Reload the Agent Console. If it stays, update Dynamics Companion.",
  ],
  hello_timeout: [
    "The companion waited in vain for this app’s greeting.",
    "Nothing to do: this app tries again by itself.",
  ],
  protocol_unsupported: [
    "This app and the companion are of versions that do not fit.",
    "Update Dynamics Companion, then reload the Agent Console.",
  ],
  message_too_large: [
    "A chat is too large to be handed to the companion.",
    "Nothing to do: the other chats are handed over.",
  ],
  message_malformed: [
    "The companion could not read a message of this app.",
    "Reload the Agent Console. If it stays, update Dynamics Companion.",
  ],
  event_malformed: [
    "The companion could not use what the Agent Console said about a chat.",
    "Nothing to do for the other chats. Tell your administrator if it stays.",
  ],
  bridge_refused: [
    "The companion is running but refuses this page.",
    "Ask your administrator to add this page’s address to the console origins in the companion’s settings.",
  ],
  relay_silent: [
    "The companion’s small window did not answer.",
    "Start Dynamics Companion, then press “Connect through a small window” again.",
  ],
  storage_blocked: [
    "This browser does not let the app remember the pairing.",
    "Ask your administrator to allow site data for the companion’s address inside the Agent Console.",
  ],
};

/** The problem of a code, in the companion's own words where it sent some. */
export function problem(code: string, message?: unknown, nextStep?: unknown): Problem {
  const [ownMessage, ownNextStep] = SENTENCES[code] ?? [
    "The companion reported a problem.",
    "Look at Dynamics Companion, or try again.",
  ];
  return {
    code,
    message: typeof message === "string" && message !== "" ? message : ownMessage,
    nextStep: typeof nextStep === "string" && nextStep !== "" ? nextStep : ownNextStep,
  };
}
