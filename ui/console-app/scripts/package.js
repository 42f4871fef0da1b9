/**
 * Builds the app packages that an administrator adds to Comm100, from the pages in dist/:
 *   dynamics-companion-comm100.zip           pages served by the companion on the agent's computer
 *   dynamics-companion-comm100-packaged.zip  pages inside the package, for consoles that refuse the former
 *
 * Options: --port PORT (default 47710), --console-origin ORIGIN (repeatable; packaged pages only),
 * --out DIR (default dist).
 */
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { strToU8, zipSync } from "fflate";
import { manifest } from "./manifest.js";

const DIST = join(import.meta.dirname, "..", "dist");
/** The pages that a package carries; the relay window always comes from the companion. */
const PACKAGED_PAGES = ["bridge.html", "tab.html"];
/** Zip entries need a date; a fixed one makes the same input give the same file. */
const DATE = new Date(2020, 0, 1);

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "47710" },
    out: { type: "string", default: DIST },
    "console-origin": { type: "string", multiple: true, default: [] },
  },
});
const companion = `http://127.0.0.1:${port(values.port)}`;
const consoleOrigins = values["console-origin"].map(origin);

const icon = { "icon.png": await readFile(join(DIST, "icon.png")) };
await write("dynamics-companion-comm100.zip", {
  "manifest.json": json(manifest(`${companion}/comm100`)),
  ...icon,
});
await write("dynamics-companion-comm100-packaged.zip", {
  "manifest.json": json(manifest(".")),
  ...icon,
  ...(await pages()),
  ...(await assets()),
});

/** @param {string} text */
function port(text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) {
    throw new Error(`--port wants a number from 1 to 65535, not "${text}".`);
  }
  return number;
}

/** @param {string} text */
function origin(text) {
  if (/^https?:\/\/(\*\.)?[a-z0-9.-]+(:\d+)?$/i.test(text)) return text.toLowerCase();
  throw new Error(
    `--console-origin wants an origin such as https://dash11.comm100.io, not "${text}".`,
  );
}

async function pages() {
  const config = JSON.stringify({
    companion,
    consoleOrigins: consoleOrigins.length > 0 ? consoleOrigins : null,
  });
  const tag = `<meta name="dynamics-companion-config" content='${config}' />`;
  const entries = PACKAGED_PAGES.map(async (page) => {
    const html = await readFile(join(DIST, page), "utf8");
    const [head, rest] = html.split("</title>");
    if (rest === undefined) throw new Error(`${page} has no title to put its configuration after.`);
    return /** @type {const} */ ([page, strToU8(`${head}</title>\n    ${tag}${rest}`)]);
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function assets() {
  const names = (await readdir(join(DIST, "assets"))).sort();
  const entries = names.map(async (name) => {
    const content = await readFile(join(DIST, "assets", name));
    return /** @type {const} */ ([`assets/${name}`, content]);
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** @param {unknown} value */
function json(value) {
  return strToU8(`${JSON.stringify(value, null, 2)}\n`);
}

/**
 * @param {string} name
 * @param {Record<string, Uint8Array>} entries
 */
async function write(name, entries) {
  const zip = zipSync(entries, { level: 9, mtime: DATE });
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, name), zip);
  console.log(`${name}: ${zip.length} bytes, ${Object.keys(entries).length} files`);
}
