import { useCallback, useSyncExternalStore } from "react";

/** The clock in steps of `period` milliseconds, as a Unix time; the component draws again at each step. */
export function useNow(period: number): number {
  const subscribe = useCallback(
    (changed: () => void) => {
      const timer = setInterval(changed, period);
      return () => {
        clearInterval(timer);
      };
    },
    [period],
  );
  return useSyncExternalStore(subscribe, () => Math.floor(Date.now() / period) * period);
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export type Span =
  { unit: "moment" } | { unit: "second" | "minute" | "hour" | "day"; count: number };

/** How long ago, in the one unit a reader would use. Times in the future count as this moment. */
export function spanOf(milliseconds: number): Span {
  if (milliseconds < MINUTE) return { unit: "moment" };
  if (milliseconds < HOUR) return { unit: "minute", count: Math.floor(milliseconds / MINUTE) };
  if (milliseconds < DAY) return { unit: "hour", count: Math.floor(milliseconds / HOUR) };
  return { unit: "day", count: Math.floor(milliseconds / DAY) };
}

/** RFC 3339 to Unix milliseconds; null for what is no time. */
export function instant(time: string | null): number | null {
  if (time === null) return null;
  const parsed = Date.parse(time);
  return Number.isNaN(parsed) ? null : parsed;
}

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const localDate = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const calendarDate = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

export const formatDateTime = (at: number) => dateTime.format(at);
export const formatClock = (at: number) => clockTime.format(at);
/** The day of a moment, where the agent is. */
export const formatDay = (at: number) => localDate.format(at);
/** A date without a time of day, which is the same day in every time zone. */
export const formatDate = (at: number) => calendarDate.format(at);

/** Remaining time as whole minutes and seconds, never below zero. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / SECOND));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
