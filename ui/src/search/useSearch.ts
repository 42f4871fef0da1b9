import { useEffect, useState } from "react";
import { type Problem, type SearchResults, asProblem } from "../backend";
import { useRecorder, useSettled } from "../record/recorder";

/** So long nothing is typed before Dynamics is asked; the cache is asked with every key. */
const SETTLE_MS = 250;

interface Answer {
  text: string;
  results: SearchResults;
}

export interface Search {
  /** What was found for the text, or for the one before it while nothing else is there. */
  results: SearchResults | null;
  /** Whether Dynamics has not answered yet. */
  asking: boolean;
  /** Why not even the cache could be asked. */
  problem: Problem | null;
}

/** What a text finds: at once from the cache, then from Dynamics. An answer to an older text is never shown over a newer one. */
export function useSearch(text: string): Search {
  const recorder = useRecorder();
  const asked = text.trim();
  const settled = useSettled(asked, SETTLE_MS);
  const [cached, setCached] = useState<Answer | null>(null);
  const [live, setLive] = useState<Answer | null>(null);
  const [failed, setFailed] = useState<{ text: string; problem: Problem } | null>(null);

  useEffect(() => {
    if (asked === "") return;
    let wanted = true;
    recorder.search(asked, false).then(
      (results) => {
        if (wanted) setCached({ text: asked, results });
      },
      (reason: unknown) => {
        if (wanted) setFailed({ text: asked, problem: asProblem(reason) });
      },
    );
    return () => {
      wanted = false;
    };
  }, [recorder, asked]);

  useEffect(() => {
    if (settled === "") return;
    let wanted = true;
    recorder.search(settled, true).then(
      (results) => {
        if (wanted) setLive({ text: settled, results });
      },
      (reason: unknown) => {
        if (wanted) setFailed({ text: settled, problem: asProblem(reason) });
      },
    );
    return () => {
      wanted = false;
    };
  }, [recorder, settled]);

  if (asked === "") return { results: null, asking: false, problem: null };
  const isLive = live?.text === asked;
  const problem = failed?.text === asked && !isLive ? failed.problem : null;
  return {
    results: (isLive ? live : cached)?.results ?? null,
    asking: !isLive && problem === null,
    problem,
  };
}
