import { useCallback, useMemo, useState } from "react";
import type { Draft, RecordTable } from "../backend";

/** A form that was begun; it belongs to the chat that was selected then. */
export interface OpenForm {
  key: number;
  table: RecordTable;
  chat: string | null;
  /** What the visitor of its chat is called. */
  who: string;
  /** The form that one click could not send as it was; null where it is still to be asked for. */
  draft: Draft | null;
}

/** The forms that were begun and neither sent nor thrown away. At most one is seen. */
export function useForms() {
  const [forms, setForms] = useState<OpenForm[]>([]);
  const [shown, setShown] = useState<number | null>(null);
  const [next, setNext] = useState(1);

  const begin = useCallback(
    (begun: Omit<OpenForm, "key">) => {
      const same = forms.find(({ table, chat }) => table === begun.table && chat === begun.chat);
      if (same) {
        setShown(same.key);
        return;
      }
      setForms([...forms, { ...begun, key: next }]);
      setShown(next);
      setNext(next + 1);
    },
    [forms, next],
  );
  const remove = useCallback((key: number) => {
    setForms((before) => before.filter((form) => form.key !== key));
    setShown((before) => (before === key ? null : before));
  }, []);
  return useMemo(
    () => ({ forms, shown, begin, show: setShown, remove }),
    [forms, shown, begin, remove],
  );
}
