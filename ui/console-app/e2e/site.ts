import { type Server, createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { extname } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".png": "image/png",
};

/** A web site of files, under a host name of its own on this computer. */
export class Site {
  readonly #server: Server;
  readonly #host: string;

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.#host = host;
  }

  /** Serves files; browsers resolve every name below `.localhost` to this computer. Port 0 takes a free one. */
  static async serve(
    host: string,
    port: number,
    files: Readonly<Record<string, Uint8Array>>,
  ): Promise<Site> {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://site.invalid");
      const name = pathname === "/" ? "index.html" : pathname.slice(1);
      const content = files[name];
      response.writeHead(content ? 200 : 404, {
        "content-type": TYPES[extname(name)] ?? "application/octet-stream",
      });
      response.end(content);
    });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return new Site(server, host);
  }

  get origin(): string {
    return `http://${this.#host}:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
