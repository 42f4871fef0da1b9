// Where the window is, and where a key path is shown.

export const PAGES = [
  "connection",
  "rules",
  "fields",
  "recording",
  "offline",
  "checker",
  "rehearsal",
  "document",
] as const;
export type PageName = (typeof PAGES)[number];

/** The tables of rules and mappings, by their key in the document. */
export const IDENTIFIED = ["contact", "account", "lead"] as const;
export const MAPPED = ["contact", "account", "lead", "case", "task"] as const;
export type IdentifiedTable = (typeof IDENTIFIED)[number];
export type MappedTable = (typeof MAPPED)[number];

export interface Place {
  page: PageName;
  rulesOf: IdentifiedTable;
  /** The rule that is open. */
  rule: number | null;
  fieldsOf: MappedTable;
}

export const START: Place = {
  page: "connection",
  rulesOf: "contact",
  rule: null,
  fieldsOf: "contact",
};

function oneOf<T extends string>(known: readonly T[], name: string | undefined): T | undefined {
  return known.find((one) => one === name);
}

/** The page that a key path of the document belongs to. */
export function pageOf(key: string): PageName {
  const [section] = key.split(".", 1);
  switch (section) {
    case "connection":
    case "secret":
    case "bridge":
      return "connection";
    case "identification":
      return "rules";
    case "fields":
      return "fields";
    case "recording":
      return "recording";
    case "offline":
      return "offline";
    case undefined:
    default:
      return "document";
  }
}

/** The place where a key path of the document is shown. */
export function placeOf(key: string, now: Place): Place {
  const [, table, item] = key.split(".");
  const page = pageOf(key);
  if (page === "rules") {
    const rulesOf = oneOf(IDENTIFIED, table) ?? now.rulesOf;
    const rule = item === undefined ? now.rule : Number(item);
    return { ...now, page, rulesOf, rule };
  }
  if (page === "fields") return { ...now, page, fieldsOf: oneOf(MAPPED, table) ?? now.fieldsOf };
  return { ...now, page };
}

/** Gives the focus to what shows a key path, or else to the nearest that contains it. */
export function focusKey(root: ParentNode, key: string): void {
  const shown = [...root.querySelectorAll<HTMLElement>("[data-key]")]
    .map((element) => ({ element, own: element.dataset["key"] ?? "" }))
    .filter(({ own }) => key === own || key.startsWith(`${own}.`))
    .sort((a, b) => b.own.length - a.own.length)[0]?.element;
  if (!shown) return;
  shown.scrollIntoView({ block: "center" });
  const control = shown.matches(FOCUSABLE) ? shown : shown.querySelector<HTMLElement>(FOCUSABLE);
  control?.focus();
}

const FOCUSABLE =
  "input:not([disabled]), select:not([disabled]), textarea:not([disabled]), button:not([disabled]), [tabindex]";
