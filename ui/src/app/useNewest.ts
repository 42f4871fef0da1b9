import { useEffect, useState } from "react";
import { type Problem, asProblem } from "../backend";

export interface Seen<V> {
  view: V | null;
  /** Why the back end cannot be heard; null while it can. */
  down: Problem | null;
}

/** Where a view comes from. */
export interface Source<V> {
  ask: () => Promise<V>;
  /** Returns how to stop listening. */
  subscribe: (listener: {
    /** The way to the back end is open, for the first time or again. */
    up: () => void;
    down: (problem: Problem) => void;
    show: (view: V) => void;
  }) => () => void;
}

/** The newest view: subscribes first, then asks once each time the way to the back end opens. */
export function useNewest<V extends { revision: number }>({ ask, subscribe }: Source<V>): Seen<V> {
  const [seen, setSeen] = useState<Seen<V>>({ view: null, down: null });

  useEffect(() => {
    let active = true;
    let newest = -1;
    const show = (view: V) => {
      // The answer to the first question can arrive after an event that is already newer.
      if (!active || view.revision < newest) return;
      newest = view.revision;
      setSeen({ view, down: null });
    };
    const down = (problem: Problem) => {
      if (active) setSeen((before) => ({ ...before, down: problem }));
    };
    const unsubscribe = subscribe({
      up() {
        // A restarted back end counts from the beginning.
        newest = -1;
        ask().then(show, (reason: unknown) => {
          down(asProblem(reason));
        });
      },
      down,
      show,
    });
    return () => {
      active = false;
      unsubscribe();
    };
  }, [ask, subscribe]);

  return seen;
}
