import { type SubscribeCallback } from "comm100-app/type";
import { Widget, consumer, sendMessage, success, triggerEvent } from "comm100-app/consumer";
import { useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";

/**
 * A stand-in for the Agent Console. In the modes `present` and `old-name` it speaks through the console's side of
 * Comm100's own SDK; in the mode `legacy` it speaks the former wire protocol, which that SDK dropped.
 *
 * Query: mode, background, tab (widget addresses), siteId, domain.
 */
type Mode = "present" | "old-name" | "legacy";
type Thing = Record<string, unknown>;

const query = new URLSearchParams(location.search);
const mode = (query.get("mode") ?? "present") as Mode;
const prefix = mode === "present" ? "agentconsole.livechat." : "agentconsole.";

let agent: Thing = {};
let chats: Thing[] = [];
let visitors: Thing[] = [];
let selected: Thing | null = null;

/** What the tests do in the agent's place. */
const standin = {
  load(data: { agent: Thing; chats: Thing[]; visitors: Thing[] }) {
    ({ agent, chats, visitors } = data);
  },
  select(id: string | null) {
    selected = chats.find((chat) => chat["id"] === id) ?? null;
    announce("currentChat.selectChange", selected);
  },
  start(id: string) {
    announce("chats.chatStarted", find(id));
  },
  end(id: string) {
    announce("chats.chatEnded", { ...find(id), status: "chat ended" });
  },
  request(id: string) {
    announce("chat.request", { chat: find(id), visitor: visitorOf(find(id)) });
  },
  wrapUp(id: string) {
    announce("currentChat.submitWrapup", find(id));
  },
  edit(id: string, change: Thing) {
    Object.assign(find(id), change);
  },
  show(widget: "background" | "tab", address: string | null) {
    if (address === null) widgets.delete(widget);
    else widgets.set(widget, address);
    notify();
  },
};

declare global {
  interface Window {
    standin: typeof standin;
  }
}
window.standin = standin;

function find(id: string): Thing {
  const chat = chats.find((candidate) => candidate["id"] === id);
  if (!chat) throw new Error(`The stand-in has no chat ${id}.`);
  return chat;
}

function visitorOf(chat: Thing | null): Thing | null {
  return visitors.find((visitor) => visitor["id"] === chat?.["visitorId"]) ?? null;
}

function value(api: string): unknown {
  const agentApi = mode === "present" ? "currentAgent" : "agentconsole.currentAgent";
  if (api === agentApi) return agent;
  if (api === `${prefix}currentChat`) return selected;
  if (api === `${prefix}currentChat.visitor`) return visitorOf(selected);
  return undefined;
}

function announce(event: string, data: unknown): void {
  const api = `${prefix}${event}`;
  if (mode !== "legacy") {
    triggerEvent(api, data);
    return;
  }
  const text = JSON.stringify({ api, action: "on", msgId: api, data, eventTrace: `${api}_trace` });
  for (const frame of document.querySelectorAll("iframe"))
    frame.contentWindow?.postMessage(text, "*");
}

const answerPresent: SubscribeCallback = ({ source, data }) => {
  const { api, action, eventTrace } = data;
  if (!eventTrace) return; // a message in the former envelope
  if (action === "on") success("success", data, source as Window);
  if (action === "get" && value(api) !== undefined) sendMessage(value(api), data, source as Window);
};

function answerLegacy({ source, data }: MessageEvent): void {
  const { api, action, msgId } = JSON.parse(String(data)) as Record<string, string>;
  if (action !== "get" || !api || !msgId || value(api) === undefined) return;
  const text = JSON.stringify({ api, action, msgId, data: value(api) });
  (source as Window).postMessage(text, "*");
}

if (mode === "legacy") window.addEventListener("message", answerLegacy);
else consumer.subscribe(answerPresent);

const widgets = new Map<string, string>();
let listeners: (() => void)[] = [];
let shown: [string, string][] = [];

function notify(): void {
  shown = [...widgets];
  for (const listener of listeners) listener();
}

function withSite(address: string): string {
  const url = new URL(address);
  url.searchParams.set("siteId", "20001");
  url.searchParams.set("domain", "dash11.comm100.io");
  url.searchParams.set("agentId", "0d5c7e69-f214-4a83-9b7e-c8f1a2d3b455");
  return url.href;
}

function Console() {
  const now = useSyncExternalStore(
    (listener) => {
      listeners.push(listener);
      return () => {
        listeners = listeners.filter((other) => other !== listener);
      };
    },
    () => shown,
  );
  return (
    <>
      <h1>Stand-in Agent Console</h1>
      {now.map(([name, address]) => (
        <Widget
          key={name}
          appId="dynamics-companion"
          name={name}
          title={name}
          src={withSite(address)}
          hidden={name === "background"}
          style={{ width: 380, height: 560, border: "1px solid gray" }}
        />
      ))}
    </>
  );
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<Console />);
