/** What a link into the companion can carry, in the order in which it is kept when room is short. */
export interface ChatLink {
  readonly siteId?: string | undefined;
  readonly chatId?: string | undefined;
  readonly visitorId?: string | undefined;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
  readonly company?: string | undefined;
}

/** Links from this length on are cut off by some systems on their way. */
export const LINK_LIMIT = 2_000;

const REQUIRED = ["siteId", "chatId", "visitorId"] as const;
const OPTIONAL = ["name", "email", "phone", "company"] as const;

/**
 * The link that hands a chat to the companion without any connection.
 *
 * When it would be too long, the longest of the optional fields goes first; an id too long to be one is left out.
 */
export function chatLink(chat: ChatLink): string {
  const fields = new Map<string, string>();
  for (const name of [...REQUIRED, ...OPTIONAL]) {
    // The companion refuses links with control characters, and a visitor can put them into any field.
    const value = chat[name]
      ?.toWellFormed()
      .replace(/\p{Cc}+/gu, " ")
      .trim();
    if (value) fields.set(name, encodeURIComponent(value));
  }
  for (;;) {
    const link = written(fields);
    if (link.length < LINK_LIMIT) return link;
    fields.delete(longest(fields, OPTIONAL) ?? longest(fields, REQUIRED) ?? "");
  }
}

function written(fields: ReadonlyMap<string, string>): string {
  const query = [...fields].map(([name, value]) => `${name}=${value}`).join("&");
  return `dynamics-companion://chat?${query}`;
}

function longest(fields: ReadonlyMap<string, string>, names: readonly string[]): string | null {
  const present = names.filter((name) => fields.has(name));
  const length = (name: string) => fields.get(name)?.length ?? 0;
  return present.reduce<string | null>(
    (most, name) => (most === null || length(name) > length(most) ? name : most),
    null,
  );
}
