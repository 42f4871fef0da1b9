// Characters that would act instead of being read: they are shown as what they are, or taken out.

const C0_BUT_TAB_AND_NEWLINE = /[\u0000-\u0008\u000b-\u001f]/g; // eslint-disable-line no-control-regex -- these are what is looked for
const OTHER_CONTROLS = /[\u007f-\u009f]/g;
/** Embeddings, overrides and isolates: they could make one address read like another. */
const DIRECTION_CONTROLS = /[\u202a-\u202e\u2066-\u2069]/g;

/** Text from outside as it may be shown: no control characters, no reordering, no broken characters. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, "\n")
    .replace(C0_BUT_TAB_AND_NEWLINE, (c) => String.fromCodePoint(0x2400 + (c.codePointAt(0) ?? 0)))
    .replace(OTHER_CONTROLS, "\ufffd")
    .replace(DIRECTION_CONTROLS, "");
}

/** Visible text on one line and of bounded length, for labels, tooltips and announcements. */
export function brief(text: string, longest = 80): string {
  const line = visible(text).replace(/\s+/g, " ").trim();
  const characters = Array.from(line.slice(0, longest * 4));
  if (line.length <= longest * 4 && characters.length <= longest) return line;
  return `${characters.slice(0, longest - 1).join("")}…`;
}
