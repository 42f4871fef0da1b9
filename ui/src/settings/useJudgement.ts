import { useMemo } from "react";
import type { Judgement, Sample, SettingsBackend, SettingsDocument } from "../backend";
import { useSettled } from "../record/recorder";
import { type Answer, useAnswer } from "./useAnswer";

const SETTLE_MS = 150;

/** What is said of the draft, asked again a moment after the last change. */
export function useJudgement(
  backend: SettingsBackend,
  draft: SettingsDocument,
  sample: Sample | null,
  /** Changes when the saved document does, which the draft is compared with. */
  fingerprint: string,
): Answer<Judgement> {
  const settled = useSettled(draft, SETTLE_MS);
  const ask = useMemo(() => () => backend.judge(settled, sample), [backend, settled, sample]);
  const answer = useAnswer(ask, fingerprint);
  return { ...answer, current: answer.current && settled === draft };
}
