import { useCallback, useEffect, useState } from "react";
import { type Problem, asProblem } from "../backend";

export interface Answer<T> {
  /** The newest answer; an older one stays until the next is there. */
  value: T | null;
  problem: Problem | null;
  /** Whether the answer belongs to what is asked now. */
  current: boolean;
  again: () => void;
}

/** Asks whenever `ask` or the `state` that the answer depends on changes, and keeps the answer to the newest question; null asks nothing. */
export function useAnswer<T>(ask: (() => Promise<T>) | null, state = ""): Answer<T> {
  const [times, setTimes] = useState(0);
  const round = `${times} ${state}`;
  const [answer, setAnswer] = useState<{
    to: typeof ask;
    round: string;
    value: T | null;
    problem: Problem | null;
  }>({ to: null, round: "", value: null, problem: null });

  useEffect(() => {
    if (!ask) return;
    let wanted = true;
    ask().then(
      (value) => {
        if (wanted) setAnswer({ to: ask, round, value, problem: null });
      },
      (reason: unknown) => {
        if (wanted) {
          setAnswer((before) => ({ ...before, to: ask, round, problem: asProblem(reason) }));
        }
      },
    );
    return () => {
      wanted = false;
    };
  }, [ask, round]);

  const again = useCallback(() => {
    setTimes((before) => before + 1);
  }, []);
  return {
    value: ask ? answer.value : null,
    problem: ask ? answer.problem : null,
    current: answer.to === ask && answer.round === round,
    again,
  };
}
