import type { Recognition } from "../backend";
import { brief } from "../text/visible";
import { texts } from "../texts";

/** The contact and the lead that were found, by name; empty if none was. */
export function knownNames({ contact, lead }: Recognition): string {
  return [contact, lead]
    .flatMap(({ record }) => (record ? [record] : []))
    .map(({ table, name }) => `${texts.table(table)} ${brief(name || texts.card.nameless)}`)
    .join(", ");
}
