import { useMemo } from "react";
import type { Backend, View } from "../backend";
import { type Seen, type Source, useNewest } from "./useNewest";

/** What the main window shows. */
export function useView(backend: Backend): Seen<View> {
  const source = useMemo<Source<View>>(
    () => ({
      ask: () => backend.view(),
      subscribe: ({ up, down, show }) => backend.subscribe({ up, down, view: show }),
    }),
    [backend],
  );
  return useNewest(source);
}
