import { useMemo } from "react";
import { type Seen, type Source, useNewest } from "../app/useNewest";
import type { SettingsBackend, SettingsView } from "../backend";

/** What the settings window shows beside the draft. */
export function useSettingsView(backend: SettingsBackend): Seen<SettingsView> {
  const source = useMemo<Source<SettingsView>>(
    () => ({
      ask: () => backend.settings(),
      subscribe: ({ up, down, show }) => backend.subscribe({ up, down, settings: show }),
    }),
    [backend],
  );
  return useNewest(source);
}
