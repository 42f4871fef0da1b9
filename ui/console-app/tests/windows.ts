/** A window as other origins see it: its tree, and what is posted to it. */
export class FakeWindow {
  readonly name: string;
  readonly location: { origin: string; search: string };
  readonly posted: { message: Record<string, unknown>; target: string }[] = [];
  readonly frames: FakeWindow[] = [];
  top: FakeWindow;
  parent: FakeWindow;
  closed = false;
  [index: number]: FakeWindow;
  #listeners: ((event: MessageEvent) => void)[] = [];

  constructor(name: string, origin: string, parent?: FakeWindow) {
    this.name = name;
    this.location = { origin, search: "" };
    this.parent = parent ?? this;
    this.top = parent ? parent.top : this;
    if (parent) {
      parent[parent.frames.length] = this;
      parent.frames.push(this);
    }
  }

  get length(): number {
    return this.frames.length;
  }

  /** Like a browser, delivers only to the origin that is meant. */
  postMessage(message: Record<string, unknown>, target: string): void {
    if (target !== "*" && target !== this.location.origin) return;
    this.posted.push({ message, target });
  }

  addEventListener(_: "message", listener: (event: MessageEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** Delivers a message from another window. */
  hear(source: FakeWindow, data: unknown): void {
    const event = { source, origin: source.location.origin, data };
    for (const listener of this.#listeners) listener(event as unknown as MessageEvent);
  }

  /** This object in the place of a browser's window. */
  get window(): Window {
    return this as unknown as Window;
  }
}

/** A message event of another window. */
export function message(source: FakeWindow, data: unknown): MessageEvent {
  return { source, origin: source.location.origin, data } as unknown as MessageEvent;
}
