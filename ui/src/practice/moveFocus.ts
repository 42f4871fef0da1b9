import type { KeyboardEvent } from "react";

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

/** Moves the focus among a list's buttons with the arrow keys, Home and End. */
export function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const at = buttons.findIndex((button) => button === document.activeElement);
  const last = buttons.length - 1;
  let to: number | undefined;
  if (event.key === "Home") to = 0;
  else if (event.key === "End") to = last;
  else {
    const step = STEPS[event.key];
    if (step !== undefined) to = Math.min(last, Math.max(0, at + step));
  }
  if (to === undefined || at < 0) return;
  event.preventDefault();
  buttons[to]?.focus();
}
