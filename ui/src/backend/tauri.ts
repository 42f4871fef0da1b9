import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { type Backend, commandsOver } from "./backend";
import { asProblem } from "./problem";
import { type SettingsBackend, settingsOver } from "./settings";
import type { Problem, SettingsView, View } from "./types";

export { isTauri } from "@tauri-apps/api/core";

/** Whom an event's way being open or closed is told. */
interface Way {
  up(): void;
  down(problem: Problem): void;
}

/** Hears an event until the returned function is called. */
function hear(event: string, way: Way, heard: (payload: unknown) => void): () => void {
  let active = true;
  let unlisten: (() => void) | null = null;
  listen(event, ({ payload }) => {
    if (active) heard(payload);
  }).then(
    (stop) => {
      if (!active) {
        stop();
        return;
      }
      unlisten = stop;
      way.up();
    },
    (reason: unknown) => {
      if (active) way.down(asProblem(reason));
    },
  );
  return () => {
    active = false;
    unlisten?.();
  };
}

/** The back end in the same process, behind the window. */
export function tauriBackend(): Backend {
  return {
    ...commandsOver((command, args) => invoke(command, { ...args })),
    savesFiles: false,
    subscribe: (listener) =>
      hear("view", listener, (view) => {
        listener.view(view as View);
      }),
  };
}

/** The same, for the settings' own window. */
export function tauriSettings(): SettingsBackend {
  return {
    ...settingsOver((command, args) => invoke(command, { ...args })),
    savesFiles: false,
    subscribe: (listener) =>
      hear("settings", listener, (view) => {
        listener.settings(view as SettingsView);
      }),
  };
}
