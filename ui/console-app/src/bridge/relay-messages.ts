import { isRecord } from "../console/envelope";
import type { ConnectionState } from "./connection";
import type { ConsoleEvent, QueuedEvent } from "./contract";

/** The name of the relay window: a second click finds the same window again. */
export const RELAY_WINDOW = "dynamics-companion-relay";

/** How often the relay looks for console pages, and a console page for its relay. */
export const LOOK_MS = 2_000;

const MARK = "dynamics-companion/relay";

/** What a packaged page says to the relay window. */
export type PageMessage =
  | { readonly type: "hello"; readonly name: string }
  | ({ readonly type: "event" } & QueuedEvent)
  | { readonly type: "pair"; readonly code: string }
  | { readonly type: "forget" }
  | { readonly type: "retry" };

/** What the relay window says to a packaged page. `here` says nothing but that the relay is there. */
export type RelayMessage =
  | { readonly type: "here" }
  | { readonly type: "state"; readonly state: ConnectionState }
  | { readonly type: "settled"; readonly id: string };

/** Posts a message of this small protocol. */
export function post(target: Window, message: PageMessage | RelayMessage, origin: string): void {
  target.postMessage({ ...message, protocol: MARK }, origin);
}

/** Reads what a page said, or null where it is none of these messages. */
export function pageMessage(data: unknown): PageMessage | null {
  if (!isRecord(data) || data["protocol"] !== MARK) return null;
  const { type, name, id, event, code } = data;
  switch (type) {
    case "hello":
      return typeof name === "string" ? { type, name } : null;
    case "event":
      return typeof id === "string" && isConsoleEvent(event) ? { type, id, event } : null;
    case "pair":
      return typeof code === "string" ? { type, code } : null;
    case "forget":
    case "retry":
      return { type };
    default:
      return null;
  }
}

/** Reads what the relay said, or null where it is none of these messages. The caller has checked the origin. */
export function relayMessage(data: unknown): RelayMessage | null {
  if (!isRecord(data) || data["protocol"] !== MARK) return null;
  const { type, state, id } = data;
  if (type === "here") return { type };
  if (type === "settled" && typeof id === "string") return { type, id };
  // The relay is our own page of the origin that was checked, so its state needs no second look.
  if (type === "state" && isRecord(state)) {
    return { type, state: state as unknown as ConnectionState };
  }
  return null;
}

function isConsoleEvent(value: unknown): value is ConsoleEvent {
  return isRecord(value) && value["source"] === "console-app" && typeof value["kind"] === "string";
}
