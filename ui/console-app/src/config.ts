import { isRecord } from "./console/envelope";

/** The address the companion listens at unless it was told otherwise. */
export const DEFAULT_COMPANION = "http://127.0.0.1:47710";

/** The element in which the packaging step leaves a packaged page's configuration. */
export const PACKAGED_CONFIG = 'meta[name="dynamics-companion-config"]';

/** How long to wait before a companion that served this page is asked for its configuration again. */
const CONFIG_RETRY_MS = 2_000;

/** What a page is told about its surroundings. */
export interface Config {
  /** Whether the page came out of an app package; otherwise the companion itself served it. */
  readonly isPackaged: boolean;
  /** The companion's origin. */
  readonly companion: string;
  /** The origins whose messages are accepted, or null for whatever window embeds a packaged page. */
  readonly consoleOrigins: readonly string[] | null;
}

/**
 * Reads the page's configuration: a packaged page carries it, a companion serves it beside the page.
 *
 * A page of the companion trusts no window before it knows which ones it may, so it asks until it is told.
 */
export async function loadConfig(page: Document): Promise<Config> {
  const packaged = page.querySelector<HTMLMetaElement>(PACKAGED_CONFIG)?.content;
  if (packaged !== undefined) return packagedConfig(packaged);
  const address = new URL("./config.json", page.baseURI);
  for (;;) {
    const config = await servedConfig(address);
    if (config) return config;
    await new Promise((resolve) => setTimeout(resolve, CONFIG_RETRY_MS));
  }
}

async function servedConfig(address: URL): Promise<Config | null> {
  try {
    const answer = await fetch(address, { cache: "no-store" });
    if (!answer.ok) return null;
    const fields: unknown = await answer.json();
    return {
      isPackaged: false,
      companion: address.origin,
      consoleOrigins: origins(fields) ?? [],
    };
  } catch {
    return null; // the companion was stopped between the page and this question
  }
}

/** Reads the configuration that the packaging step wrote. */
export function packagedConfig(text: string): Config {
  const fields: unknown = JSON.parse(text);
  return { isPackaged: true, companion: companion(fields), consoleOrigins: origins(fields) };
}

function origins(fields: unknown): string[] | null {
  const listed = isRecord(fields) ? fields["consoleOrigins"] : null;
  if (!Array.isArray(listed)) return null;
  return listed.filter((entry): entry is string => typeof entry === "string");
}

/** Visitor data goes to this computer alone: any other address is replaced by the usual one. */
function companion(fields: unknown): string {
  const address = isRecord(fields) ? fields["companion"] : null;
  if (typeof address !== "string" || !URL.canParse(address)) return DEFAULT_COMPANION;
  const { protocol, hostname, origin } = new URL(address);
  const isLoopback = ["127.0.0.1", "localhost"].includes(hostname);
  return protocol === "http:" && isLoopback ? origin : DEFAULT_COMPANION;
}

/** Whether an origin is one of those listed: exactly, or below `https://*.example.com` by one label or more. */
export function isAllowed(origin: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) => {
    const wildcard = /^(https?:\/\/)\*(\.[^*/]+)$/.exec(entry);
    if (!wildcard) return origin === entry;
    const [, scheme = "", suffix = ""] = wildcard;
    return (
      origin.startsWith(scheme) &&
      origin.endsWith(suffix) &&
      /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(origin.slice(scheme.length, -suffix.length))
    );
  });
}
