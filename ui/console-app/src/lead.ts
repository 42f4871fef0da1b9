import { isRecord } from "./console/envelope";
import { otherFrames } from "./frames";
import type { AppState, Command } from "./state";

/** How long a tab waits for the background page before it takes over. */
export const WAIT_MS = 700;

/** How often a following page makes sure that its leader is still there. */
export const CHECK_MS = 2_000;

const MARK = "dynamics-companion/pages";

type PageNote =
  | { readonly type: "who" }
  | { readonly type: "state"; readonly rank: string; readonly state: AppState }
  | { readonly type: "command"; readonly command: Command };

/** What a page does in either role. */
export interface Roles {
  /** Start following the console and talking to the companion. */
  lead(): void;
  /** Stop doing so: another page of this window does. */
  yield(): void;
  /** Show what the leading page knows. */
  show(state: AppState): void;
  /** Do what an agent asked for on another page. */
  obey(command: Command): void;
}

/**
 * Agrees which of the app's pages in one console window does the work, so that nothing is reported twice.
 *
 * The pages are frames of one origin in one window, so they find each other in the window's frame tree. The
 * background page leads; a tab leads only where there is none. Other console windows have leaders of their own,
 * for each window has its own selected chat.
 */
export class Lead {
  readonly #self: Window;
  readonly #rank: string;
  readonly #roles: Roles;
  readonly #followers = new Set<Window>();
  #leader: Window | null = null;
  #isLeading = false;
  #heard = false;
  #state: AppState | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(self: Window, page: "bridge" | "tab", roles: Roles) {
    this.#self = self;
    this.#rank = `${page === "bridge" ? 1 : 0} ${crypto.randomUUID()}`;
    this.#roles = roles;
  }

  /** Begins: a background page leads at once, a tab looks for one first. */
  start(): void {
    this.#self.addEventListener("message", (event) => this.receive(event));
    if (this.#rank.startsWith("1")) {
      this.#takeLead();
      return;
    }
    this.#ask();
    this.#timer = setTimeout(() => this.#check(), WAIT_MS);
  }

  /** Tells the other pages what this leading page knows. */
  publish(state: AppState): void {
    this.#state = state;
    for (const follower of this.#followers) {
      if (follower.closed) this.#followers.delete(follower);
      else this.#post(follower, { type: "state", rank: this.#rank, state });
    }
  }

  /** Has the leading page do something. */
  command(command: Command): void {
    if (this.#isLeading) this.#roles.obey(command);
    else if (this.#leader) this.#post(this.#leader, { type: "command", command });
  }

  /** Takes a message of any window; only pages of this origin are listened to. */
  receive({ source, origin, data }: MessageEvent): void {
    if (origin !== this.#self.location.origin || !source || source === this.#self) return;
    const note = noteOf(data);
    if (!note) return;
    const page = source as Window;
    switch (note.type) {
      case "who":
        if (!this.#isLeading || !this.#state) return;
        this.#followers.add(page);
        this.#post(page, { type: "state", rank: this.#rank, state: this.#state });
        return;
      case "state":
        if (this.#isLeading && note.rank < this.#rank) {
          if (this.#state)
            this.#post(page, { type: "state", rank: this.#rank, state: this.#state });
          this.#followers.add(page);
          return;
        }
        this.#follow(page);
        this.#roles.show(note.state);
        return;
      case "command":
        if (this.#isLeading) this.#roles.obey(note.command);
        return;
    }
  }

  #takeLead(): void {
    clearTimeout(this.#timer);
    this.#isLeading = true;
    this.#leader = null;
    this.#roles.lead();
    if (!this.#state) return;
    for (const frame of otherFrames(this.#self)) {
      this.#post(frame, { type: "state", rank: this.#rank, state: this.#state });
    }
  }

  #follow(leader: Window): void {
    const wasLeading = this.#isLeading;
    this.#isLeading = false;
    this.#heard = true;
    this.#leader = leader;
    this.#followers.clear();
    if (!wasLeading) return;
    this.#roles.yield();
    this.#ask();
    this.#timer = setTimeout(() => this.#check(), CHECK_MS);
  }

  #check(): void {
    if (this.#isLeading) return;
    if (!this.#heard) {
      this.#takeLead();
      return;
    }
    this.#heard = false;
    this.#ask();
    this.#timer = setTimeout(() => this.#check(), CHECK_MS);
  }

  #ask(): void {
    const asked = this.#leader ? [this.#leader] : otherFrames(this.#self);
    for (const frame of asked) this.#post(frame, { type: "who" });
  }

  #post(frame: Window, note: PageNote): void {
    frame.postMessage({ ...note, protocol: MARK }, this.#self.location.origin);
  }
}

function noteOf(data: unknown): PageNote | null {
  // The sender is one of our own pages, by its origin: the mark alone tells this talk from others.
  return isRecord(data) && data["protocol"] === MARK ? (data as unknown as PageNote) : null;
}
