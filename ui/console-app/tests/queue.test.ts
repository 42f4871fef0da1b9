import { expect, test } from "vitest";
import { type ConsoleEvent, type EventKind, MESSAGE_LIMIT_BYTES } from "../src/bridge/contract";
import { EventQueue, QUEUE_LIMIT } from "../src/bridge/queue";

function event(kind: EventKind, chat: ConsoleEvent["chat"] = null): ConsoleEvent {
  return { source: "console-app", kind, sentAt: 0, site: null, agent: null, chat, visitor: null };
}

test("fifty events wait, and the oldest replaceable ones make room", () => {
  const queue = new EventQueue();
  queue.add({ id: "end", event: event("ended") });
  for (let n = 0; n < QUEUE_LIMIT + 5; n += 1) queue.add({ id: `s${n}`, event: event("selected") });
  expect(queue.size).toBe(QUEUE_LIMIT);
  expect(queue.all()[0]?.id).toBe("end");
  expect(queue.all()[1]?.id).toBe("s6");
});

test("without replaceable ones the oldest makes room", () => {
  const queue = new EventQueue();
  for (let n = 0; n <= QUEUE_LIMIT; n += 1) queue.add({ id: `e${n}`, event: event("ended") });
  expect(queue.size).toBe(QUEUE_LIMIT);
  expect(queue.all()[0]?.id).toBe("e1");
});

test("an event waits once", () => {
  const queue = new EventQueue();
  expect(queue.add({ id: "a", event: event("ended") })).toBe(true);
  expect(queue.add({ id: "a", event: event("ended") })).toBe(false);
  queue.remove("a");
  expect(queue.size).toBe(0);
});

test("of a transcript that is too long the end is kept, and that is said", () => {
  const messages = Array.from({ length: 300 }, (_, n) => ({ n, content: "é".repeat(5_000) }));
  const queue = new EventQueue();
  expect(queue.add({ id: "a", event: event("ended", { id: "c", messages }) })).toBe(true);
  const [waiting] = queue.all();
  const text = JSON.stringify({ type: "event", ...waiting });
  const bytes = new TextEncoder().encode(text).length;
  expect(bytes).toBeLessThan(MESSAGE_LIMIT_BYTES);
  expect(bytes).toBeGreaterThan(MESSAGE_LIMIT_BYTES * 0.98);
  const kept = waiting?.event.chat?.["messages"] as { n?: number; content: string }[];
  expect(kept[0]?.content).toContain("too long");
  expect(kept.at(-1)?.n).toBe(299);
});

test("what cannot be made small enough is not kept", () => {
  const queue = new EventQueue();
  const name = "x".repeat(MESSAGE_LIMIT_BYTES);
  expect(queue.add({ id: "a", event: event("ended", { id: "c", name, messages: [] }) })).toBe(
    false,
  );
  expect(queue.add({ id: "b", event: event("ended", { id: "c", name }) })).toBe(false);
  expect(queue.size).toBe(0);
});

test("the largest event can be given up", () => {
  const queue = new EventQueue();
  queue.add({ id: "small", event: event("ended", { id: "c" }) });
  queue.add({ id: "large", event: event("ended", { id: "c", name: "x".repeat(99) }) });
  queue.removeLargest();
  expect(queue.all().map(({ id }) => id)).toEqual(["small"]);
});
