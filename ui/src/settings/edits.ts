// Changes to a draft, by key path: `identification.contact.0.any.1.column`. A draft is never changed in place.
import type { SettingsDocument } from "../backend";

type Step = string | number;

function stepsOf(key: string): Step[] {
  return key.split(".").map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function inner(whole: unknown, step: Step): unknown {
  if (typeof whole !== "object" || whole === null) return undefined;
  return (whole as Record<Step, unknown>)[step];
}

/** What stands at a key path; undefined if nothing does. */
export function valueAt(draft: unknown, key: string): unknown {
  return stepsOf(key).reduce(inner, draft);
}

export function textAt(draft: unknown, key: string): string {
  const value = valueAt(draft, key);
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

export function listAt(draft: unknown, key: string): readonly unknown[] {
  const value = valueAt(draft, key);
  return Array.isArray(value) ? value : [];
}

function replaced(whole: unknown, [step, ...rest]: Step[], value: unknown): unknown {
  if (step === undefined) return value;
  const part = replaced(inner(whole, step), rest, value);
  if (typeof step === "number") {
    const list: unknown[] = Array.isArray(whole) ? whole.slice() : [];
    list[step] = part;
    return list;
  }
  const others = (whole ?? {}) as Record<string, unknown>;
  if (part === undefined || part === null) return without(others, step);
  return { ...others, [step]: part };
}

/** The draft with another value at a key path; null and undefined take the key away. */
export function withValue(draft: SettingsDocument, key: string, value: unknown): SettingsDocument {
  return replaced(draft, stepsOf(key), value) as SettingsDocument;
}

export function withItem(
  draft: SettingsDocument,
  list: string,
  at: number,
  item: unknown,
): SettingsDocument {
  return withValue(draft, list, listAt(draft, list).toSpliced(at, 0, item));
}

export function withoutItem(draft: SettingsDocument, list: string, at: number): SettingsDocument {
  return withValue(draft, list, listAt(draft, list).toSpliced(at, 1));
}

export function withMoved(
  draft: SettingsDocument,
  list: string,
  from: number,
  to: number,
): SettingsDocument {
  const items = listAt(draft, list);
  const item = items[from];
  return withValue(draft, list, items.toSpliced(from, 1).toSpliced(to, 0, item));
}

/** An object without some of its keys. */
export function without<T extends object, K extends keyof T>(whole: T, ...keys: K[]): Omit<T, K> {
  const kept = Object.entries(whole).filter(([key]) => !keys.some((gone) => gone === key));
  return Object.fromEntries(kept) as Omit<T, K>;
}

/** Whether two documents say the same. What is left out, empty or switched off says nothing. */
export function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (saysNothing(one) && saysNothing(other)) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, at) => same(item, other[at]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => same(one[key], other[key]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function saysNothing(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    value === false ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** Whether a key path is this one or below it. */
export function isWithin(key: string, outer: string): boolean {
  return key === outer || key.startsWith(`${outer}.`);
}
