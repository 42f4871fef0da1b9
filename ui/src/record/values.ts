import type { Draft, DraftField, Filled, Found } from "../backend";
import { texts } from "../texts";

/** What stands in a form now, by `table.column`. */
export type Values = Readonly<Record<string, string>>;

/** Whom a case or task is about: a record, or a contact that is created along with it. */
export interface About {
  record: Found | null;
  newContact: boolean;
}

export const keyOf = ({ table, column }: DraftField) => `${table}.${column}`;

export function valuesOf(fields: DraftField[]): Values {
  return Object.fromEntries(fields.map((field) => [keyOf(field), field.value]));
}

export function aboutOf(draft: Draft): About {
  return {
    record: draft.about?.now ?? null,
    newContact: draft.about?.newContact ?? false,
  };
}

/** The form as the back end takes it. */
export function filledOf(draft: Draft, values: Values, about: About): Filled {
  return {
    table: draft.table,
    chat: draft.chat,
    values: Object.fromEntries(
      draft.fields.map((field) => [field.column, values[keyOf(field)] ?? field.value]),
    ),
    about: about.record && `${about.record.table}:${about.record.id}`,
    newContact: about.record === null && about.newContact,
  };
}

/** Why this value cannot be written; null if the page sees nothing wrong. */
export function wrongWith(field: DraftField, value: string): string | null {
  if (value.trim() === "") return field.required ? texts.form.required(field.label) : null;
  if (field.maxLength !== null && value.length > field.maxLength) {
    return texts.form.tooLong(value.length - field.maxLength);
  }
  switch (field.kind) {
    case "number":
    case "money":
      return Number.isFinite(Number(value)) ? null : texts.form.notNumber;
    case "date":
    case "datetime":
      return Number.isNaN(Date.parse(value)) ? texts.form.notDate : null;
    case "text":
    case "email":
    case "phone":
    case "url":
    case "choice":
    case "boolean":
    case "lookup":
      return null;
  }
}

/** The keys of the fields that cannot be written as they are, in their order, with the reason. */
export function wrongIn(fields: DraftField[], values: Values): Map<string, string> {
  const wrong = new Map<string, string>();
  for (const field of fields) {
    const why = wrongWith(field, values[keyOf(field)] ?? field.value);
    if (why !== null) wrong.set(keyOf(field), why);
  }
  return wrong;
}

export function wrongAbout(draft: Draft, about: About): string | null {
  if (!draft.about?.required || about.record !== null || about.newContact) return null;
  return texts.form.needAbout;
}
