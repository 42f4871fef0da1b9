import { useCallback, useEffect, useState } from "react";
import { type ActivityLine, type Problem, asProblem } from "../backend";
import { useRecorder, useSettled } from "../record/recorder";

const SETTLE_MS = 300;

interface Shown {
  /** The filter that these lines are the answer to. */
  key: string;
  lines: ActivityLine[];
  more: boolean;
}

/** The lines that the filter lets through, the newest first; older ones are asked for. */
export function useActivity(text: string, kind: string) {
  const recorder = useRecorder();
  const settled = useSettled(text, SETTLE_MS);
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [loadingOlder, setLoadingOlder] = useState(false);
  const [asked, setAsked] = useState(0);
  const key = JSON.stringify([settled, kind, asked]);

  useEffect(() => {
    let wanted = true;
    recorder.activity({ text: settled, what: kind === "" ? [] : [kind], before: null }).then(
      ({ lines, more }) => {
        if (!wanted) return;
        setShown({ key, lines, more });
        setProblem(null);
      },
      (reason: unknown) => {
        if (wanted) setProblem(asProblem(reason));
      },
    );
    return () => {
      wanted = false;
    };
  }, [recorder, settled, kind, key]);

  const older = useCallback(() => {
    const last = shown?.lines.at(-1);
    if (!last) return;
    setLoadingOlder(true);
    recorder
      .activity({ text: settled, what: kind === "" ? [] : [kind], before: last.number })
      .then(
        (page) => {
          setProblem(null);
          // Another filter may have been set meanwhile; then these lines belong nowhere.
          setShown((before) =>
            before?.key === shown?.key && before
              ? { ...before, lines: [...before.lines, ...page.lines], more: page.more }
              : before,
          );
        },
        (reason: unknown) => {
          setProblem(asProblem(reason));
        },
      )
      .finally(() => {
        setLoadingOlder(false);
      });
  }, [recorder, settled, kind, shown]);

  return {
    lines: shown?.lines ?? null,
    more: shown?.more ?? false,
    problem,
    loadingOlder,
    older,
    again: () => {
      setProblem(null);
      setAsked(asked + 1);
    },
  };
}
