/** Keeps the pairing token where pages of this origin find it again. */
export interface TokenStore {
  read(): string | null;
  /** Returns whether the token outlives this page. */
  write(token: string | null): boolean;
}

const KEY = "dynamics-companion.token";

/** The longest that browsers keep a cookie. */
const COOKIE_SECONDS = 400 * 24 * 60 * 60;

/**
 * The token in this origin's storage; where the browser blocks storage in framed pages, in a partitioned cookie,
 * which it then still allows; else in memory.
 *
 * Both are kept apart for each embedding site, so another site's frame of this origin does not find the token.
 */
export function browserTokens(page: Document = document): TokenStore {
  let memory: string | null = null;
  return {
    read: () => readStorage() ?? readCookie(page) ?? memory,
    write: (token) => {
      memory = token;
      const isStored = writeStorage(token);
      if (token === null) {
        writeCookie(page, null);
        return true;
      }
      return isStored || writeCookie(page, token);
    },
  };
}

function readStorage(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // blocked for framed pages by this browser's settings
  }
}

function writeStorage(token: string | null): boolean {
  try {
    if (token === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, token);
    return true;
  } catch {
    return false; // blocked likewise; the caller goes on to the next place
  }
}

/** Cookies are shared by all ports of a computer, so the name tells the port. */
function cookieName(page: Document): string {
  return `${KEY}.${new URL(page.baseURI).port}`;
}

function readCookie(page: Document): string | null {
  const start = `${cookieName(page)}=`;
  const cookie = page.cookie.split("; ").find((entry) => entry.startsWith(start));
  return cookie ? decodeURIComponent(cookie.slice(start.length)) : null;
}

function writeCookie(page: Document, token: string | null): boolean {
  const lifetime = token === null ? 0 : COOKIE_SECONDS;
  const path = new URL(".", page.baseURI).pathname;
  page.cookie = `${cookieName(page)}=${encodeURIComponent(token ?? "")}; Path=${path}; Max-Age=${lifetime}; Secure; SameSite=None; Partitioned`;
  return readCookie(page) === token;
}
