import { useCallback, useEffect, useMemo, useState } from "react";
import { type ColumnInfo, type Problem, type SettingsBackend, asProblem } from "../backend";
import type { Answer } from "./useAnswer";

interface Known {
  value: ColumnInfo[] | null;
  problem: Problem | null;
}

/** The columns of all tables, asked for once for each saved document: another organization has others. */
export function useColumns(
  backend: SettingsBackend,
  tables: readonly string[],
  fingerprint: string,
): (table: string) => Answer<ColumnInfo[]> {
  const [known, setKnown] = useState<Record<string, Known>>({});
  const [round, setRound] = useState(0);
  const names = tables.join(",");

  useEffect(() => {
    let wanted = true;
    for (const table of names.split(",").filter((name) => name !== "")) {
      const put = (answer: Known) => {
        if (wanted) setKnown((before) => ({ ...before, [table]: answer }));
      };
      backend.columns(table).then(
        (value) => {
          put({ value, problem: null });
        },
        (reason: unknown) => {
          put({ value: null, problem: asProblem(reason) });
        },
      );
    }
    return () => {
      wanted = false;
    };
  }, [backend, names, fingerprint, round]);

  const again = useCallback(() => {
    setRound((before) => before + 1);
  }, []);
  return useMemo(
    () => (table: string) => {
      const { value = null, problem = null } = known[table] ?? {};
      return { value, problem, current: true, again };
    },
    [known, again],
  );
}
