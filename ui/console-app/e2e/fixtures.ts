import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { type AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { type FrameLocator, type Page, test as base, expect } from "@playwright/test";
import { unzipSync } from "fflate";
import { WebSocket } from "ws";
import { TestBridge } from "./bridge";
import { Site } from "./site";
import { AGENT, CHATS, VISITORS } from "./story";

export { expect };

const ROOT = join(import.meta.dirname, "..");
const run = promisify(execFile);

/** A companion on trial that runs elsewhere: the address of its bridge, and where its pairing code can be had. */
const REAL = process.env["COMPANION_BRIDGE"];
const REAL_CODE = process.env["COMPANION_PAIRING_CODE_URL"];

/** A companion on trial that each test starts for itself: the path of the program `companion`, from the app's folder. */
const PROGRAM = process.env["COMPANION_PROGRAM"];

/** The companion, as far as every test can use it. */
export interface Companion {
  readonly origin: string;
  /** Opens pairing and returns the code that the companion shows. */
  pairingCode(): Promise<string>;
  /** Stops it, as when it is quit. */
  stop(): Promise<void>;
  /** Starts it again, with the files that it had. */
  start(): Promise<void>;
  /** The test bridge; null when a real companion is on trial, whose inside no test sees. */
  readonly bridge: TestBridge | null;
}

/** How a program connects to the practice organization. */
interface Organization {
  readonly organization_url: string;
  readonly authority_url: string;
  readonly tenant_id: string;
  readonly client_id: string;
  readonly client_secret: string;
}

/** A package as an administrator uploads it. */
export interface Package {
  readonly background: string;
  readonly tab: string;
}

/** The stand-in console, with the hands of an agent. */
export class AgentConsole {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** The side tab, in its frame. */
  get tab(): FrameLocator {
    return this.page.frameLocator('iframe[title="tab"]');
  }

  async open(origin: string, mode: "present" | "old-name" | "legacy" = "present"): Promise<void> {
    await this.page.goto(`${origin}/?mode=${mode}`);
    await this.page.evaluate((story) => window.standin.load(story), {
      agent: AGENT[mode],
      chats: CHATS,
      visitors: VISITORS,
    });
  }

  async show(widget: "background" | "tab", address: string | null): Promise<void> {
    await this.page.evaluate(([name, url]) => window.standin.show(name, url), [
      widget,
      address,
    ] as const);
  }

  /** Opens the app's background page and its tab, as the console does with an app's package. */
  async install({ background, tab }: Package): Promise<void> {
    await this.show("background", background);
    await this.show("tab", tab);
  }

  async act(
    action: "select" | "start" | "end" | "request" | "wrapUp",
    chatId: string,
  ): Promise<void> {
    await this.page.evaluate(([name, id]) => window.standin[name](id), [action, chatId] as const);
  }

  async pair(code: string): Promise<void> {
    await this.tab.getByLabel("Code shown by Dynamics Companion").fill(code);
    await this.tab.getByRole("button", { name: "Pair", exact: true }).click();
  }

  /** Waits for the companion's word on the selected visitor: then the event has gone all the way. */
  async expectVerdict(): Promise<void> {
    await expect(this.tab.locator("#recognition")).toHaveText(
      /^(Recognized|Not found) in Dynamics$/,
    );
  }

  async expectPresence(text: string | RegExp): Promise<void> {
    await expect(this.tab.locator("#presence")).toHaveText(text);
  }
}

interface Fixtures {
  readonly agentConsole: AgentConsole;
  readonly companion: Companion;
}

interface WorkerFixtures {
  /** The practice organization of the companions on trial; null where the test bridge stands for them. */
  readonly organization: Organization | null;
  /** The origin of the stand-in console. */
  readonly consoleOrigin: string;
  /** The origin of a page that has no business here. */
  readonly foreignOrigin: string;
  readonly port: number;
  /** Variant A: the pages come from the companion. */
  readonly served: Package;
  /** Variant C: the pages come out of the package. */
  readonly packaged: Package;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  organization: [
    // eslint-disable-next-line no-empty-pattern -- Playwright wants a pattern
    async ({}, use) => {
      if (!PROGRAM) {
        await use(null);
        return;
      }
      const program = await Program.start(PROGRAM, ["sandbox", "--contacts", "50"], {});
      await use(program.first as unknown as Organization);
      await program.stop();
    },
    { scope: "worker" },
  ],
  port: [
    // eslint-disable-next-line no-empty-pattern -- Playwright wants a pattern
    async ({}, use) => use(REAL ? Number(new URL(REAL).port) : await freePort()),
    { scope: "worker" },
  ],
  consoleOrigin: [
    // eslint-disable-next-line no-empty-pattern -- Playwright wants a pattern
    async ({}, use) => {
      const site = await Site.serve("console.localhost", portOf("STANDIN_PORT"), await built());
      await use(site.origin);
      await site.stop();
    },
    { scope: "worker" },
  ],
  foreignOrigin: [
    // eslint-disable-next-line no-empty-pattern -- Playwright wants a pattern
    async ({}, use) => {
      const site = await Site.serve("foreign.localhost", 0, await built());
      await use(site.origin);
      await site.stop();
    },
    { scope: "worker" },
  ],
  served: [
    async ({ port }, use, { workerIndex }) => {
      const files = await packed("dynamics-companion-comm100.zip", port, workerIndex);
      await use(widgets(files, null));
    },
    { scope: "worker" },
  ],
  packaged: [
    async ({ port }, use, { workerIndex }) => {
      const files = await packed("dynamics-companion-comm100-packaged.zip", port, workerIndex);
      const site = await Site.serve("package.localhost", portOf("PACKAGE_PORT"), files);
      await use(widgets(files, site.origin));
      await site.stop();
    },
    { scope: "worker" },
  ],
  companion: async ({ port, consoleOrigin, packaged, organization }, use) => {
    if (REAL) {
      await use({
        origin: new URL(REAL).origin,
        pairingCode: realCode,
        stop: notFromHere,
        start: notFromHere,
        bridge: null,
      });
      return;
    }
    const origins = [consoleOrigin, new URL(packaged.tab).origin];
    if (PROGRAM && organization) {
      const folder = await mkdtemp(join(tmpdir(), "companion-"));
      const companion = new RealCompanion(PROGRAM, port, folder);
      await companion.configure(organization, origins);
      await companion.start();
      await use(companion);
      await companion.stop();
      await rm(folder, { recursive: true });
      return;
    }
    const bridge = new TestBridge(port, origins, join(ROOT, "dist"));
    await bridge.start();
    await use({
      origin: bridge.origin,
      pairingCode: () => Promise.resolve(bridge.openPairing()),
      stop: () => bridge.stop(),
      start: () => bridge.start(),
      bridge,
    });
    await bridge.stop();
  },
  agentConsole: async ({ page }, use) => use(new AgentConsole(page)),
});

/** The test bridge, for what only it can show; the test is skipped where a real companion is on trial. */
export function insideOf({ bridge }: Companion): TestBridge {
  test.skip(!bridge, "a real companion is on trial, whose inside this test cannot see");
  if (!bridge) throw new Error("skipped");
  return bridge;
}

/** Waits until the companion was told of something; of a real companion the tab's word is all there is. */
export async function expectEvent(
  { bridge }: Companion,
  kind: string,
  chatId: string | null,
): Promise<Record<string, unknown>> {
  if (!bridge) return {};
  const found = () =>
    bridge.events.find(
      ({ event }) =>
        event["kind"] === kind &&
        ((event["chat"] as Record<string, unknown> | null)?.["id"] ?? null) === chatId,
    );
  await expect.poll(found, { message: `the event ${kind} of ${chatId}` }).toBeTruthy();
  return found()?.event ?? {};
}

/** Waits until the companion has taken over that a chat was selected: a real one says in the tab who the visitor is. */
export async function expectSelected(
  agentConsole: AgentConsole,
  companion: Companion,
  chatId: string,
): Promise<void> {
  if (companion.bridge) await expectEvent(companion, "selected", chatId);
  else await agentConsole.expectVerdict();
}

/** A program that runs until it is told to stop, and what its first line said. */
class Program {
  readonly first: Record<string, unknown>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, first: Record<string, unknown>) {
    this.#child = child;
    this.first = first;
  }

  static async start(
    path: string,
    args: readonly string[],
    secrets: Readonly<Record<string, string>>,
  ): Promise<Program> {
    const child = spawn(path, [...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, COMPANION_LOG: "warn", ...secrets },
    });
    const line = once(createInterface(child.stdout), "line") as Promise<[string]>;
    const ended = once(child, "exit").then(([status]) => {
      throw new Error(`${args.join(" ")} ended at once: ${status}`);
    });
    const [text] = await Promise.race([line, ended]);
    ended.catch(() => undefined); // from here on its end is what `stop` waits for
    return new Program(child, JSON.parse(text) as Record<string, unknown>);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) throw new Error("It ended before it was told to.");
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    expect((await ended)[0]).toBe(0);
  }
}

/** The companion itself, on the practice organization, with a pairing open. */
class RealCompanion implements Companion {
  readonly bridge = null;
  readonly origin: string;
  readonly #path: string;
  readonly #port: number;
  readonly #folder: string;
  #secret = "";
  #program: Program | null = null;

  constructor(path: string, port: number, folder: string) {
    this.#path = path;
    this.#port = port;
    this.#folder = folder;
    this.origin = `http://127.0.0.1:${port}`;
  }

  async configure(organization: Organization, consoleOrigins: readonly string[]): Promise<void> {
    this.#secret = organization.client_secret;
    const text = [
      "version = 1",
      "[connection]",
      'kind = "cloud"',
      ...(["organization_url", "authority_url", "tenant_id", "client_id"] as const).map(
        (key) => `${key} = ${JSON.stringify(organization[key])}`,
      ),
      "[bridge]",
      `console_origins = ${JSON.stringify(consoleOrigins)}`,
    ];
    await writeFile(this.#settings, text.join("\n"));
  }

  async start(): Promise<void> {
    this.#program = await Program.start(
      this.#path,
      [
        ...["--settings", this.#settings, "--data-dir", this.#folder],
        ...["serve", "--pair", "--listen", `127.0.0.1:${this.#port}`],
      ],
      { COMPANION_CLIENT_SECRET: this.#secret },
    );
  }

  async stop(): Promise<void> {
    const program = this.#program;
    this.#program = null;
    await program?.stop();
  }

  pairingCode(): Promise<string> {
    return Promise.resolve(String(this.#program?.first["pairing_code"]));
  }

  get #settings(): string {
    return join(this.#folder, "settings.toml");
  }
}

function notFromHere(): Promise<void> {
  test.skip(true, "the companion on trial was started elsewhere and is not stopped from here");
  return Promise.resolve();
}

/** The code of a companion on trial: from a plain address, or by the commands of its page (a WebSocket address). */
async function realCode(): Promise<string> {
  if (!REAL_CODE) throw new Error("Set COMPANION_PAIRING_CODE_URL to where the code can be had.");
  const text = REAL_CODE.startsWith("ws") ? await codeOfPage(REAL_CODE) : await codeAt(REAL_CODE);
  const code = /\b\d{6}\b/.exec(text);
  if (!code) throw new Error(`${REAL_CODE} gave no code.`);
  return code[0];
}

async function codeAt(address: string): Promise<string> {
  return (await fetch(address)).text();
}

function codeOfPage(address: string): Promise<string> {
  const origin = new URL(address).origin.replace(/^ws/, "http");
  const socket = new WebSocket(address, { origin });
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("open", () =>
      socket.send(JSON.stringify({ id: 1, command: "start_pairing", args: {} })),
    );
    socket.on("message", (data: Buffer) => {
      const { view, error } = JSON.parse(data.toString("utf8")) as {
        view?: { console: { pairing: { code: string } | null } };
        error?: unknown;
      };
      if (error) reject(new Error(`Pairing was not opened: ${JSON.stringify(error)}`));
      const code = view?.console.pairing?.code;
      if (!code) return;
      socket.close();
      resolve(code);
    });
  });
}

function portOf(variable: string): number {
  return Number(process.env[variable] ?? "0");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function built(): Promise<Record<string, Uint8Array>> {
  const folder = join(import.meta.dirname, ".built");
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length + 1), await readFile(path)] as const;
    });
  return Object.fromEntries(await Promise.all(files));
}

/** Builds the packages for the companion's port and unpacks one of them. */
async function packed(
  name: string,
  port: number,
  worker: number,
): Promise<Record<string, Uint8Array>> {
  const out = join(ROOT, "test-results", `packages-${worker}`);
  await run("node", [join(ROOT, "scripts", "package.js"), "--port", String(port), "--out", out]);
  return unzipSync(await readFile(join(out, name)));
}

/** Resolves a manifest's addresses as the console does. */
function widgets(files: Readonly<Record<string, Uint8Array>>, base: string | null): Package {
  const manifest = JSON.parse(new TextDecoder().decode(files["manifest.json"])) as {
    agentConsole: { background: { url: string }; widgets: { chatSideTab: { url: string } } };
  };
  const {
    background,
    widgets: { chatSideTab },
  } = manifest.agentConsole;
  const resolve = (url: string) => (base ? new URL(url, base) : new URL(url)).href;
  return { background: resolve(background.url), tab: resolve(chatSideTab.url) };
}
