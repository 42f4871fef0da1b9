import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";
import { type Backend, type Problem, asProblem } from "../backend";

export const RecorderContext = createContext<Backend | null>(null);

/** The commands whose answers are shown where they were given. */
export function useRecorder(): Backend {
  const recorder = useContext(RecorderContext);
  if (!recorder) throw new Error("there is no RecorderContext around this part of the page");
  return recorder;
}

/** One command at a time: whether it is under way, and why it failed. */
export function useAction() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const running = useRef(false);

  const run = useCallback(<T>(command: () => Promise<T>, done?: (answer: T) => void) => {
    // A second Ctrl+Enter before the page is drawn again must not send a second time.
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setProblem(null);
    command()
      .then(
        (answer) => {
          done?.(answer);
        },
        (reason: unknown) => {
          setProblem(asProblem(reason));
        },
      )
      .finally(() => {
        running.current = false;
        setBusy(false);
      });
  }, []);

  const dismiss = useCallback(() => {
    setProblem(null);
  }, []);
  return { busy, problem, run, dismiss };
}

/** The value as it was after nothing had changed it for so many milliseconds. */
export function useSettled<T>(value: T, delay: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => {
      setSettled(value);
    }, delay);
    return () => {
      clearTimeout(timer);
    };
  }, [value, delay]);
  return settled;
}
