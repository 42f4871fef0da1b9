import { useEffect, useState } from "react";
import { type Backend, type Problem, type View, asProblem } from "../backend";

interface Seen {
  view: View | null;
  /** Why the back end cannot be heard; null while it can. */
  down: Problem | null;
}

/** The back end's view: subscribes first, then asks once each time the way to it opens. */
export function useView(backend: Backend): Seen {
  const [seen, setSeen] = useState<Seen>({ view: null, down: null });

  useEffect(() => {
    let active = true;
    let newest = -1;
    const show = (view: View) => {
      // The answer to the first question can arrive after an event that is already newer.
      if (!active || view.revision < newest) return;
      newest = view.revision;
      setSeen({ view, down: null });
    };
    const fail = (problem: Problem) => {
      if (active) setSeen((before) => ({ ...before, down: problem }));
    };
    const unsubscribe = backend.subscribe({
      up() {
        // A restarted back end counts from the beginning.
        newest = -1;
        backend.view().then(show, (reason: unknown) => {
          fail(asProblem(reason));
        });
      },
      down: fail,
      view: show,
    });
    return () => {
      active = false;
      unsubscribe();
    };
  }, [backend]);

  return seen;
}
