import type { Entry } from "../backend";
import { texts } from "../texts";
import { formatClock, instant } from "../time";

/** How an entry stands, in a word. */
export function stateText({ state, nextAt }: Entry): string {
  const next = instant(nextAt);
  return state === "waiting" && next !== null
    ? texts.entry.waitingUntil(formatClock(next))
    : texts.entry.state[state];
}
