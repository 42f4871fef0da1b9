/** Keeps the pairing token where pages of this origin find it again. */
export interface TokenStore {
  read(): string | null;
  /** Returns whether the token outlives this page. */
  write(token: string | null): boolean;
}

const KEY = "dynamics-companion.token";

/**
 * The token in this origin's storage, or in memory where the browser blocks storage in framed pages.
 *
 * Browsers keep a framed page's storage apart for each embedding site, so another site's frame cannot use it.
 */
export function browserTokens(): TokenStore {
  let memory: string | null = null;
  return {
    read: () => {
      try {
        return localStorage.getItem(KEY) ?? memory;
      } catch {
        return memory;
      }
    },
    write: (token) => {
      memory = token;
      try {
        if (token === null) localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, token);
        return true;
      } catch {
        return false;
      }
    },
  };
}
