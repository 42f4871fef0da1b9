import type { Backend } from "./backend";
import type { SettingsBackend } from "./settings";
import { socketBackend, socketSettings } from "./socket";
import { isTauri, tauriBackend, tauriSettings } from "./tauri";

export type { Backend, Listener, Recorder } from "./backend";
export type { Leaving, SettingsBackend, SettingsListener } from "./settings";
export { asProblem } from "./problem";
export type * from "./types";

/** The back end of this page: Tauri's in the window, otherwise the host that served the page. */
export function connect(): Backend {
  return isTauri() ? tauriBackend() : socketBackend(host());
}

/** The same for the settings page. */
export function connectSettings(): SettingsBackend {
  return isTauri() ? tauriSettings() : socketSettings(host());
}

function host(): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/page/ws`;
}
