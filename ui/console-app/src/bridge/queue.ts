import { type ConsoleEvent, MESSAGE_LIMIT_BYTES, type QueuedEvent } from "./contract";

/** How many events are kept while the companion is away. */
export const QUEUE_LIMIT = 50;

/** Room for the envelope around an event. */
const EVENT_LIMIT_BYTES = MESSAGE_LIMIT_BYTES - 4_096;

/**
 * The events that the companion has not taken over yet, oldest first.
 *
 * When it is full, news that later news replaced goes first, so that an ended chat's transcript is the last to go.
 */
export class EventQueue {
  #events: QueuedEvent[] = [];

  /** The number of events that wait. */
  get size(): number {
    return this.#events.length;
  }

  /** All events that wait, oldest first. */
  all(): readonly QueuedEvent[] {
    return this.#events;
  }

  /** Adds an event; false if it waits already or is too large to be sent at all. */
  add(queued: QueuedEvent): boolean {
    if (this.#events.some(({ id }) => id === queued.id)) return false;
    const event = fitted(queued.event);
    if (!event) return false;
    if (this.#events.length >= QUEUE_LIMIT) {
      const passing = this.#events.findIndex(({ event: { kind } }) =>
        ["selected", "updated", "agent"].includes(kind),
      );
      this.#events.splice(Math.max(passing, 0), 1);
    }
    this.#events.push({ id: queued.id, event });
    return true;
  }

  /** Forgets an event, because the companion took it over or cannot use it. */
  remove(id: string): void {
    this.#events = this.#events.filter((queued) => queued.id !== id);
  }

  /** Forgets the largest event, for a companion that refused a message by its size alone. */
  removeLargest(): void {
    const largest = this.#events.reduce<QueuedEvent | null>(
      (most, queued) => (!most || bytes(queued) > bytes(most) ? queued : most),
      null,
    );
    if (largest) this.remove(largest.id);
  }
}

/** The event with as many of its latest messages as fit, or null if it is too large without any. */
function fitted(event: ConsoleEvent): ConsoleEvent | null {
  if (bytes(event) <= EVENT_LIMIT_BYTES) return event;
  const messages = event.chat?.["messages"];
  if (!event.chat || !Array.isArray(messages)) return null;
  const notice = {
    sender: "System",
    senderType: "system",
    content: "The beginning of this chat was too long to be handed over.",
  };
  const bare = { ...event, chat: { ...event.chat, messages: [notice] } };
  let room = EVENT_LIMIT_BYTES - bytes(bare);
  if (room < 0) return null;
  const kept: unknown[] = [];
  for (const message of messages.toReversed() as unknown[]) {
    room -= bytes(message) + 1;
    if (room < 0) break;
    kept.unshift(message);
  }
  return { ...event, chat: { ...event.chat, messages: [notice, ...kept] } };
}

const encoder = new TextEncoder();

function bytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
}
