import { type ConsoleMessage } from "../src/console/envelope";

/** A console that answers what it is told to, and remembers what it was asked. */
export class ConsoleStub {
  readonly asked: ConsoleMessage[] = [];
  /** The value of each name it knows; a function is asked each time. */
  readonly values = new Map<string, unknown>();
  /** The envelope it understands; the other one is ignored. */
  envelope: "present" | "legacy" = "present";
  /** Set by the test: delivers a text to the page. */
  deliver: (text: string) => void = () => undefined;

  /** Takes a text of the page, and answers at once. */
  readonly post = (text: string): void => {
    const message = JSON.parse(text) as ConsoleMessage;
    this.asked.push(message);
    const isLegacy = "msgId" in message;
    if (isLegacy !== (this.envelope === "legacy")) return;
    if (message.action !== "get" || !this.values.has(message.api)) return;
    const value = this.values.get(message.api);
    const reply = isLegacy
      ? { api: message.api, action: "get", msgId: message["msgId"], data: value }
      : { ...message, data: value, errorCode: 0, message: "" };
    this.deliver(JSON.stringify(reply));
  };

  /** Announces an event. */
  announce(api: string, data: unknown, extra: object = { isBroadcast: true }): void {
    this.deliver(JSON.stringify({ api, action: "on", data, ...extra }));
  }
}
