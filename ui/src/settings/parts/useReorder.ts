import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";

interface Options {
  count: number;
  move: (from: number, to: number) => void;
}

const ROW = "[data-reorder]";

/** The place among the rows of a list whose middle is nearest to a height on the screen. */
function rowAt(list: Element, y: number): number {
  const middles = [...list.querySelectorAll(ROW)].map((row) => {
    const { top, bottom } = row.getBoundingClientRect();
    return Math.abs((top + bottom) / 2 - y);
  });
  return middles.indexOf(Math.min(...middles));
}

/**
 * Changes the order of a list by its rows' handles, with the pointer or the arrow keys. The rows carry `data-reorder`
 * and the list the ref. It is not the browser's drag and drop, which the web view keeps to itself.
 */
export function useReorder<L extends HTMLElement>({ count, move }: Options) {
  const list = useRef<L>(null);
  const from = useRef<number | null>(null);
  const [dragged, setDragged] = useState<number | null>(null);

  // The handle at the new place takes the focus, once it is there.
  const focus = (place: number) => {
    requestAnimationFrame(() => {
      const row = list.current?.querySelectorAll(ROW)[place];
      row?.querySelector<HTMLElement>("[data-handle]")?.focus();
    });
  };
  const to = (place: number, target: number) => {
    if (target === place || target < 0 || target >= count) return;
    move(place, target);
    focus(target);
  };

  const handle = (place: number) => ({
    "data-handle": true,
    // The rows take each other's contents, so that the handle that holds the pointer is soon another row's.
    "data-dragging": dragged === null ? undefined : dragged === place ? "this" : "other",
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      from.current = place;
      setDragged(place);
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      if (from.current === null || !list.current) return;
      const target = rowAt(list.current, event.clientY);
      if (target < 0 || target === from.current) return;
      move(from.current, target);
      from.current = target;
      setDragged(target);
    },
    onPointerUp: () => {
      if (from.current !== null) focus(from.current);
      from.current = null;
      setDragged(null);
    },
    onPointerCancel: () => {
      from.current = null;
      setDragged(null);
    },
    onKeyDown: (event: KeyboardEvent) => {
      const targets: Record<string, number> = {
        ArrowUp: place - 1,
        ArrowDown: place + 1,
        Home: 0,
        End: count - 1,
      };
      const target = targets[event.key];
      if (target === undefined) return;
      event.preventDefault();
      to(place, target);
    },
  });

  return { list, dragged, handle };
}
