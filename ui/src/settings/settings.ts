import { createContext, useContext } from "react";
import type {
  Catalogue,
  ColumnInfo,
  Judgement,
  Remark,
  Sample,
  Secret,
  SettingsBackend,
  SettingsView,
} from "../backend";
import { isWithin } from "./edits";
import type { Place } from "./place";
import type { Answer } from "./useAnswer";
import type { Draft } from "./useDraft";

/** What every page of the window works with. */
export interface Settings {
  backend: SettingsBackend;
  view: SettingsView;
  catalogue: Catalogue;
  draft: Draft;
  /** What is said of the draft; the last judgement until the next is there. */
  judgement: Judgement | null;
  place: Place;
  go: (place: Partial<Place>) => void;
  /** Goes to what a key path is about and gives it the focus. */
  goTo: (key: string) => void;
  sample: Sample | null;
  setSample: (sample: Sample | null) => void;
  secrets: Answer<Secret[]>;
  /** Takes or forgets a secret; what is sent later waits for it. */
  sendSecret: (send: () => Promise<unknown>) => Promise<void>;
  /** Whether the person has tried to save or test: from then on what is missing is an error. */
  attempted: boolean;
  setAttempted: () => void;
  columnsOf: (table: string) => Answer<ColumnInfo[]>;
  /** Says a sentence to a screen reader. */
  say: (sentence: string) => void;
}

export const SettingsContext = createContext<Settings | null>(null);

export function useSettings(): Settings {
  const settings = useContext(SettingsContext);
  if (!settings) throw new Error("there is no SettingsContext around this part of the page");
  return settings;
}

export const isLocked = ({ view }: Settings, key: string): boolean =>
  view.managed?.locked.some((locked) => isWithin(key, locked)) ?? false;

/** What is to be said beside a field, the worst first; what is below it only if asked for. */
export function remarkAt(
  { judgement }: Settings,
  key: string,
  below = false,
): { intent: "error" | "warning"; remark: Remark } | null {
  if (!judgement) return null;
  const is = (remark: Remark) => remark.key === key || (below && isWithin(remark.key, key));
  const problem = judgement.problems.find(is);
  if (problem) return { intent: "error", remark: problem };
  const warning = judgement.warnings.find(is);
  return warning ? { intent: "warning", remark: warning } : null;
}
