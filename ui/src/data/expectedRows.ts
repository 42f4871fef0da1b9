import type { OfflineTable } from "../backend";

/**
 * How many rows a load has to read; null where that is not known. Dynamics counts them once a day only, and there may be
 * more by now.
 */
export function expectedRows({ done, expected }: OfflineTable): number | null {
  return expected !== null && expected > 0 && expected >= done ? expected : null;
}
