import type { Field } from "../backend";
import { texts } from "../texts";
import { formatDate, formatDateTime, instant } from "../time";

const numbers = new Intl.NumberFormat();
const amounts = new Intl.NumberFormat(undefined, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 4,
});
const DECIMAL = /^-?\d{1,30}(\.\d{1,20})?$/;

/** A field's value as the agent reads it: Dynamics' own formatting, else ours by kind; null where there is none. */
export function fieldText({ formatted, value, kind }: Field): string | null {
  const given = formatted ?? value;
  if (given === null || given.trim() === "") return null;
  return formatted !== null && formatted.trim() !== "" ? formatted : ownFormat(given, kind);
}

function ownFormat(value: string, kind: Field["kind"]): string {
  switch (kind) {
    case "number":
      // As text, because a big integer would lose digits as a number.
      return DECIMAL.test(value) ? numbers.format(value as `${number}`) : value;
    case "money":
      return DECIMAL.test(value) ? amounts.format(value as `${number}`) : value;
    case "date": {
      const at = instant(value);
      return at === null ? value : formatDate(at);
    }
    case "datetime": {
      const at = instant(value);
      return at === null ? value : formatDateTime(at);
    }
    case "boolean":
      if (value === "true") return texts.yes;
      return value === "false" ? texts.no : value;
    case "text":
    case "email":
    case "phone":
    case "url":
    case "choice":
    case "lookup":
      return value;
  }
}
