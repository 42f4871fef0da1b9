import type { Stage } from "./bridge/connection";
import type { AppState } from "./state";

/** A state in plain words, and what the agent can do about it. */
export interface Sentence {
  readonly mood: "good" | "busy" | "attention";
  readonly text: string;
  readonly nextStep: string;
}

const STAGES: Readonly<Record<Stage, Sentence>> = {
  connecting: {
    mood: "busy",
    text: "Looking for Dynamics Companion on this computer…",
    nextStep: "",
  },
  away: {
    mood: "attention",
    text: "Dynamics Companion is not running on this computer",
    nextStep: "Start Dynamics Companion. This page then connects by itself.",
  },
  refused: {
    mood: "attention",
    text: "Dynamics Companion turns this page down",
    nextStep: "",
  },
  unpaired: {
    mood: "attention",
    text: "Dynamics Companion is running, but this console is not paired with it",
    nextStep:
      "In Dynamics Companion, press “Pair the Agent Console”. Then enter its six digits here.",
  },
  pairing: { mood: "busy", text: "Pairing with Dynamics Companion…", nextStep: "" },
  online: {
    mood: "good",
    text: "Connected to Dynamics Companion on this computer",
    nextStep: "",
  },
  "relay-closed": {
    mood: "attention",
    text: "Not connected to Dynamics Companion",
    nextStep: "Press “Connect through a small window” and leave that window open.",
  },
  "relay-opening": {
    mood: "busy",
    text: "Waiting for the small window of Dynamics Companion…",
    nextStep: "",
  },
};

/** Whether the companion is there. */
export function presence({ connection }: AppState): Sentence {
  const sentence = STAGES[connection.stage];
  return connection.problem ? { ...sentence, nextStep: "" } : sentence;
}

/** Which way is in use. */
export function way({ variant }: AppState): string {
  return variant === "direct"
    ? "This page comes from Dynamics Companion itself and talks to it directly."
    : "This page comes from the app package. Browsers keep it from talking to this computer, so a small window of Dynamics Companion passes the chats on. Keep that window open.";
}

/** How many events wait, or nothing to say. */
export function waiting({ connection: { waiting: count, stage } }: AppState): string {
  if (count === 0 || stage === "online") return "";
  return count === 1
    ? "One update from the Agent Console waits to be handed over."
    : `${count} updates from the Agent Console wait to be handed over.`;
}

/** What is known of the selected chat. */
export function chat({ chat: link, connection, console }: AppState): string {
  if (console === "silent") {
    return "The Agent Console does not tell this app about chats. Reload the console; if it stays, tell your administrator.";
  }
  if (!link) return "No chat is selected.";
  const { stage, recognized } = connection;
  if (stage !== "online") return "";
  const isThisChat =
    !recognized?.chatId || recognized.chatId.toLowerCase() === link.chatId?.toLowerCase();
  if (!recognized || !isThisChat || recognized.known === null) return "Looking in Dynamics…";
  return recognized.known ? "Recognized in Dynamics" : "Not found in Dynamics";
}
