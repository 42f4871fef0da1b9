import { useEffect, useState } from "react";
import { type Problem, type SettingsBackend, type SettingsView, asProblem } from "../backend";

/** The back end's view of the settings: subscribes first, then asks once each time the way to it opens. */
export function useSettingsView(backend: SettingsBackend) {
  const [seen, setSeen] = useState<{ view: SettingsView | null; down: Problem | null }>({
    view: null,
    down: null,
  });

  useEffect(() => {
    let active = true;
    let newest = -1;
    const show = (view: SettingsView) => {
      if (!active || view.revision < newest) return;
      newest = view.revision;
      setSeen({ view, down: null });
    };
    const fail = (problem: Problem) => {
      if (active) setSeen((before) => ({ ...before, down: problem }));
    };
    const unsubscribe = backend.subscribe({
      up() {
        newest = -1;
        backend.settings().then(show, (reason: unknown) => {
          fail(asProblem(reason));
        });
      },
      down: fail,
      settings: show,
    });
    return () => {
      active = false;
      unsubscribe();
    };
  }, [backend]);

  return seen;
}
