// Starts the practice organization as a process of its own and signs in to it over HTTP, as any client would.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { DynamicsWebApi } from "dynamics-web-api";

const program =
  process.env.COMPANION_PROGRAM ?? fileURLToPath(new URL("../../../target/debug/companion", import.meta.url));

/** A running practice organization and clients of it. */
export class Practice {
  #process;
  #ended;

  constructor(process, ended, description) {
    this.#process = process;
    this.#ended = ended;
    this.description = description;
  }

  /** Starts one without business data; it answers when the promise is fulfilled. */
  static async start(...options) {
    const process = spawn(program, ["sandbox", "--seed", "empty", ...options], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => process.once("close", resolve));
    const line = await new Promise((resolve, reject) => {
      process.once("error", reject);
      process.once("exit", (code) => reject(new Error(`${program} ended with ${code} before it was ready`)));
      createInterface({ input: process.stdout }).once("line", resolve);
    });
    return new Practice(process, ended, JSON.parse(line));
  }

  /** Ends the process. */
  async stop() {
    this.#process.kill("SIGTERM");
    await this.#ended;
  }

  /** A bearer token by client credentials; `client` is the description itself or its `administrator`. */
  async token(client = this.description.administrator) {
    const { authority_url, tenant_id, organization_url } = this.description;
    const answer = await fetch(`${authority_url}/${tenant_id}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: client.client_id,
        client_secret: client.client_secret,
        scope: `${organization_url}/.default`,
      }),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(`no token: ${answer.status} ${JSON.stringify(body)}`);
    return body.access_token;
  }

  /** The library, configured as its documentation says, for the administrator unless `config` says otherwise. */
  api(config = {}) {
    return new DynamicsWebApi({
      serverUrl: `${this.description.organization_url}/`,
      dataApi: { version: "9.2" },
      onTokenRefresh: () => this.token(),
      ...config,
    });
  }

  /** The library for the application user with the integration guide's role. */
  guideApi(config = {}) {
    return this.api({ onTokenRefresh: () => this.token(this.description), ...config });
  }

  /** A request to the admin door, which answers 2xx or throws. */
  async admin(method, path, body) {
    const answer = await fetch(`${this.description.admin_url}${path}`, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} /admin${path}: ${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return text === "" ? undefined : JSON.parse(text);
  }

  /** What the organization has been asked since the log was emptied. */
  async requests() {
    const requests = await this.admin("GET", "/requests");
    return requests.filter((request) => !request.path.includes("/oauth2/"));
  }
}

/** The error that a promise is rejected with; fails if it is fulfilled. */
export async function rejection(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`fulfilled with ${JSON.stringify(value)}`);
}

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** An id that no row has. */
export const NOBODY = "00000000-0000-4000-8000-00000000beef";
