import { useCallback, useEffect, useState } from "react";
import { type LocalData, type Offline, type Problem, asProblem } from "../backend";
import { useRecorder } from "../record/recorder";

/**
 * What is kept on this computer, asked for when it is looked at and after everything that changes it: also when a
 * synchronisation has begun or ended.
 */
export function useLocalData(offline: Offline["state"]) {
  const backend = useRecorder();
  const [data, setData] = useState<LocalData | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, setAsked] = useState(0);
  const again = useCallback(() => {
    setAsked((before) => before + 1);
  }, []);
  useEffect(() => {
    let wanted = true;
    backend.localData().then(
      (answer) => {
        if (!wanted) return;
        setData(answer);
        setProblem(null);
      },
      (reason: unknown) => {
        if (wanted) setProblem(asProblem(reason));
      },
    );
    return () => {
      wanted = false;
    };
  }, [backend, asked, offline]);
  return { data, problem, again };
}
