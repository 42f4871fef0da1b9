/**
 * The words that the Agent Console and a widget page say to each other: JSON strings over `postMessage`.
 *
 * Three dialects are in the field, and a page cannot ask which one it is in:
 * - `present`: present names in the present envelope;
 * - `old-name`: the names of the former SDK in the present envelope;
 * - `legacy`: the names of the former SDK in its own envelope.
 */
export type Dialect = "present" | "old-name" | "legacy";

/** What we ask of the console: we read and listen, we never change anything in it. */
export type Action = "get" | "on";

/** One API of the console, under both of its names. */
export interface ApiName {
  readonly present: string;
  readonly legacy: string;
}

/** A message of the console, after parsing. */
export interface ConsoleMessage {
  readonly api: string;
  readonly action: string;
  readonly [field: string]: unknown;
}

const DIALECTS: readonly Dialect[] = ["present", "old-name", "legacy"];

/** The dialects in which an API can be asked for: one name needs one question less. */
export function dialectsOf(api: ApiName): readonly Dialect[] {
  return api.present === api.legacy
    ? DIALECTS.filter((dialect) => dialect !== "old-name")
    : DIALECTS;
}

/** The name of an API in a dialect. */
export function nameIn(dialect: Dialect, api: ApiName): string {
  return dialect === "present" ? api.present : api.legacy;
}

/** What names the answer to one question, and the question as it goes over the wire. */
export interface Question {
  readonly trace: string;
  readonly text: string;
}

/** Writes a question in a dialect. `page` names this page instance, as the present protocol wants it. */
export function question(dialect: Dialect, action: Action, api: ApiName, page: string): Question {
  const name = nameIn(dialect, api);
  if (dialect === "legacy") {
    const trace = action === "on" ? name : legacyId();
    return { trace, text: JSON.stringify({ api: name, action, msgId: trace }) };
  }
  const trace = action === "on" ? name : `${name}_${crypto.randomUUID()}`;
  const text = JSON.stringify({
    action,
    api: name,
    ...(action === "on" ? { alive: true } : {}),
    timestamp: Date.now(),
    eventTrace: trace,
    uuid: page,
  });
  return { trace, text };
}

/** The confirmation that the legacy protocol wants for an event that carries `eventTrace`. */
export function confirmation(trace: string, handled: boolean): string {
  return JSON.stringify({ api: trace, action: "on-status", params: handled, msgId: trace });
}

/**
 * Reads one message, or returns null where it is none of the console's.
 *
 * The legacy agent object carries the agent's REST key. It is dropped here, while parsing, so that no
 * later code of ours can hold it, let alone pass it on.
 */
export function parse(data: unknown): ConsoleMessage | null {
  if (typeof data !== "string") return null;
  let value: unknown;
  try {
    value = JSON.parse(data, (key: string, field: unknown) =>
      isSecretName(key) ? undefined : field,
    );
  } catch {
    return null; // other scripts post to frames too; what is not JSON is not for us
  }
  if (!isRecord(value)) return null;
  const { api, action } = value;
  if (typeof api !== "string" || typeof action !== "string") return null;
  return { ...value, api, action };
}

const ENVELOPE = new Set([
  "api",
  "action",
  "params",
  "alive",
  "timestamp",
  "eventTrace",
  "uuid",
  "msgId",
  "errorCode",
  "message",
  "isBroadcast",
]);

/**
 * What a message carries: `undefined` for nothing at all, `null` for an explicit nothing.
 *
 * Some console builds wrap the object once more in `data`, others hand the bare object in place of it.
 */
export function payload(message: ConsoleMessage): unknown {
  if ("data" in message) {
    let value = message["data"];
    while (isRecord(value) && "data" in value && !("id" in value)) value = value["data"];
    return value ?? null;
  }
  const bare = Object.entries(message).filter(([field]) => !ENVELOPE.has(field));
  return bare.length > 0 ? Object.fromEntries(bare) : undefined;
}

/** Whether a value is an object with named fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An id or a label as text: some consoles write numbers where others write strings. */
export function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function isSecretName(name: string): boolean {
  return /^(rest)?[-_ ]?api[-_ ]?(key|token)$/i.test(name);
}

function legacyId(): string {
  const [a, b, c, d, e] = crypto.randomUUID().split("-");
  return `TPE_${a}_${b}_${c}_${d}-${e}`;
}
