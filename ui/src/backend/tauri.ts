import { invoke } from "@tauri-apps/api/core";
import { type UnlistenFn, listen } from "@tauri-apps/api/event";
import { type CloseRequestedEvent, getCurrentWindow } from "@tauri-apps/api/window";
import { type Backend, commandsOver } from "./backend";
import { holdPage } from "./holdPage";
import { asProblem } from "./problem";
import { type Leaving, type SettingsBackend, settingsOver } from "./settings";
import type { Problem, SettingsView, View } from "./types";

export { isTauri } from "@tauri-apps/api/core";

/** Whom an event's way being open or closed is told. */
interface Way {
  up(): void;
  down(problem: Problem): void;
}

/** Hears what `begin` listens to until the returned function is called. */
function hear<T>(
  begin: (heard: (heard: T) => void) => Promise<UnlistenFn>,
  way: Way,
  heard: (heard: T) => void,
): () => void {
  let active = true;
  let unlisten: (() => void) | null = null;
  begin((what) => {
    if (active) heard(what);
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

const event = (name: string) => (heard: (payload: unknown) => void) =>
  listen(name, ({ payload }) => {
    heard(payload);
  });

/** Asks instead of closing the window, until the returned function is called. */
function holdWindow(leaving: Leaving): () => void {
  const window = getCurrentWindow();
  return hear<CloseRequestedEvent>(
    (heard) => window.onCloseRequested(heard),
    {
      up: () => undefined,
      down: (problem) => {
        leaving.failed(problem);
      },
    },
    (request) => {
      request.preventDefault();
      leaving.asked();
      // It may be out of sight: it is closed along with the main window.
      window
        .unminimize()
        .then(() => window.setFocus())
        .catch((reason: unknown) => {
          leaving.failed(asProblem(reason));
        });
    },
  );
}

/** The back end in the same process, behind the window. */
export function tauriBackend(): Backend {
  return {
    ...commandsOver((command, args) => invoke(command, { ...args })),
    savesFiles: false,
    subscribe: (listener) =>
      hear(event("view"), listener, (view) => {
        listener.view(view as View);
      }),
  };
}

/** The same, for the settings' own window. */
export function tauriSettings(): SettingsBackend {
  return {
    ...settingsOver((command, args) => invoke(command, { ...args })),
    savesFiles: false,
    holdOpen: (leaving) => {
      // The page can be left without the window: it can be loaded again.
      const letPageGo = holdPage();
      const letWindowGo = holdWindow(leaving);
      return () => {
        letPageGo();
        letWindowGo();
      };
    },
    close: () => getCurrentWindow().destroy(),
    subscribe: (listener) =>
      hear(event("settings"), listener, (view) => {
        listener.settings(view as SettingsView);
      }),
  };
}
