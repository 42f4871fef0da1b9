import { type Backend, commandsOver } from "./backend";
import { holdPage } from "./holdPage";
import { asProblem, unreachable } from "./problem";
import { type SettingsBackend, settingsOver } from "./settings";
import type { Problem, SettingsView, View } from "./types";

interface Answer {
  id?: number;
  ok?: unknown;
  error?: Problem;
  view?: View;
  settings?: SettingsView;
}

/** Whoever hears of the line and what it pushes. */
interface Hearer {
  up(): void;
  down(problem: Problem): void;
  pushed(answer: Answer): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(problem: Problem): void;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 8_000;

/**
 * A line to a back end behind a WebSocket: the same page in an ordinary browser. It connects with the first
 * listener, connects again whenever the line drops, and closes with the last listener.
 */
function line(url: string) {
  const listeners = new Set<Hearer>();
  const waiting = new Map<number, Waiting>();
  let socket: WebSocket | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let delay = FIRST_DELAY_MS;
  let lastId = 0;

  const call = (command: string, args: object) =>
    new Promise<unknown>((resolve, reject) => {
      if (socket?.readyState !== WebSocket.OPEN) {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- commands reject with a Problem, as Tauri's do
        reject(unreachable());
        return;
      }
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      socket.send(JSON.stringify({ id: lastId, command, args }));
    });

  function receive(data: unknown): void {
    let answer: Answer;
    try {
      answer = JSON.parse(String(data)) as Answer;
    } catch (reason) {
      for (const listener of listeners) listener.down(asProblem(reason));
      return;
    }
    if (answer.id === undefined) {
      for (const listener of listeners) listener.pushed(answer);
      return;
    }
    const command = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.error) command?.reject(answer.error);
    else command?.resolve(answer.ok);
  }

  function connect(): void {
    const opening = new WebSocket(url);
    socket = opening;
    opening.onopen = () => {
      delay = FIRST_DELAY_MS;
      for (const listener of listeners) listener.up();
    };
    opening.onmessage = (message) => {
      receive(message.data);
    };
    opening.onclose = () => {
      if (socket !== opening) return;
      socket = null;
      const problem = unreachable();
      for (const command of waiting.values()) command.reject(problem);
      waiting.clear();
      if (listeners.size === 0) return;
      for (const listener of listeners) listener.down(problem);
      retry = setTimeout(connect, delay);
      delay = Math.min(delay * 2, LONGEST_DELAY_MS);
    };
  }

  return {
    call,
    subscribe: (listener: Hearer) => {
      listeners.add(listener);
      if (listeners.size === 1 && socket === null) connect();
      else if (socket?.readyState === WebSocket.OPEN) listener.up();
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearTimeout(retry);
        const closing = socket;
        socket = null;
        closing?.close();
      };
    },
  };
}

/** The back end of the main page. */
export function socketBackend(url: string): Backend {
  const { call, subscribe } = line(url);
  return {
    ...commandsOver(call),
    savesFiles: true,
    subscribe: (listener) =>
      subscribe({
        up: () => {
          listener.up();
        },
        down: (problem) => {
          listener.down(problem);
        },
        pushed: ({ view }) => {
          if (view) listener.view(view);
        },
      }),
  };
}

/** The back end of the settings page. */
export function socketSettings(url: string): SettingsBackend {
  const { call, subscribe } = line(url);
  return {
    ...settingsOver(call),
    savesFiles: true,
    holdOpen: holdPage,
    close: () => {
      window.close();
      return Promise.resolve();
    },
    subscribe: (listener) =>
      subscribe({
        up: () => {
          listener.up();
        },
        down: (problem) => {
          listener.down(problem);
        },
        pushed: ({ settings }) => {
          if (settings) listener.settings(settings);
        },
      }),
  };
}
