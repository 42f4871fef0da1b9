import type { ApiName } from "./envelope";

/** The console's APIs that we read. */
export const CURRENT_AGENT: ApiName = {
  present: "currentAgent",
  legacy: "agentconsole.currentAgent",
};
export const CURRENT_CHAT: ApiName = current("");
export const CURRENT_VISITOR: ApiName = current(".visitor");

/** The console's events that we listen to. */
export const CHAT_STARTED: ApiName = both("chats.chatStarted");
export const CHAT_ENDED: ApiName = both("chats.chatEnded");
export const CHAT_REQUESTED: ApiName = both("chat.request");
export const SELECT_CHANGE: ApiName = current(".selectChange");
export const VISITOR_STATUS_CHANGE: ApiName = current(".visitor.status.change");
export const SUBMIT_WRAPUP: ApiName = current(".submitWrapup");

function current(tail: string): ApiName {
  return both(`currentChat${tail}`);
}

function both(name: string): ApiName {
  return { present: `agentconsole.livechat.${name}`, legacy: `agentconsole.${name}` };
}
