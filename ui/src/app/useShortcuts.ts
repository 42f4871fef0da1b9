import { useEffect } from "react";
import type { Table } from "../backend";

/** The order of the cards, and of their Alt+1, Alt+2, Alt+3. */
export const TABLES: readonly Table[] = ["contact", "account", "lead"];

export const cardId = (table: Table) => `card-${table}`;

export function useShortcuts(refresh: () => void, search: () => void, lock: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const reload = event.key === "F5" || (event.ctrlKey && event.key.toLowerCase() === "r");
      if (reload) {
        // Reloading the page would only lose what it shows: the agent means the visitor's records.
        event.preventDefault();
        refresh();
        return;
      }
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        search();
        return;
      }
      if (event.ctrlKey && event.shiftKey && event.code === "KeyL") {
        event.preventDefault();
        lock();
        return;
      }
      if (!event.altKey || event.ctrlKey || event.metaKey) return;
      const table = TABLES[["Digit1", "Digit2", "Digit3"].indexOf(event.code)];
      const card = table && document.getElementById(cardId(table));
      if (!card) return;
      event.preventDefault();
      card.focus({ preventScroll: true });
      card.scrollIntoView({ block: "start" });
    };
    window.addEventListener("keydown", pressed);
    return () => {
      window.removeEventListener("keydown", pressed);
    };
  }, [refresh, search, lock]);
}
