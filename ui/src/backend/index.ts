import type { Backend } from "./backend";
import { socketBackend } from "./socket";
import { isTauri, tauriBackend } from "./tauri";

export type { Backend, Listener, Recorder } from "./backend";
export { asProblem } from "./problem";
export type * from "./types";

/** The back end of this page: Tauri's in the window, otherwise the host that served the page. */
export function connect(): Backend {
  if (isTauri()) return tauriBackend();
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return socketBackend(`${scheme}//${location.host}/page/ws`);
}
