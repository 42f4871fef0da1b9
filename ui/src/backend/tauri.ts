import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { type Backend, commandsOver } from "./backend";
import { asProblem } from "./problem";
import type { View } from "./types";

export { isTauri } from "@tauri-apps/api/core";

/** The back end in the same process, behind the window. */
export function tauriBackend(): Backend {
  return {
    ...commandsOver((command, args) => invoke(command, { ...args })),
    savesFiles: false,
    subscribe(listener) {
      let active = true;
      let unlisten: (() => void) | null = null;
      listen<View>("view", (event) => {
        if (active) listener.view(event.payload);
      }).then(
        (stop) => {
          if (!active) {
            stop();
            return;
          }
          unlisten = stop;
          listener.up();
        },
        (reason: unknown) => {
          if (active) listener.down(asProblem(reason));
        },
      );
      return () => {
        active = false;
        unlisten?.();
      };
    },
  };
}
