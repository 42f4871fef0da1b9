import { RELAY_WINDOW } from "../bridge/relay-messages";
import { loadConfig } from "../config";
import { Lead } from "../lead";
import { chatLink } from "../link";
import * as sentences from "../sentences";
import { Session } from "../session";
import type { AppState } from "../state";
import { element, line, setText } from "./elements";

const presence = line("presence");
const problem = line("problem");
const form = element("pairing", HTMLFormElement);
const code = element("code", HTMLInputElement);
const relay = element("relay", HTMLButtonElement);
const retry = element("retry", HTMLButtonElement);
const forget = element("forget", HTMLButtonElement);
const link = element("link", HTMLAnchorElement);

const config = await loadConfig(document);
let session: Session | null = null;

const lead = new Lead(window, "tab", {
  lead: () => {
    session = new Session(window, config, (state) => {
      lead.publish(state);
      render(state);
    });
    session.start();
  },
  yield: () => {
    session?.stop();
    session = null;
  },
  show: render,
  obey: (command) => session?.obey(command),
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  lead.command({ type: "pair", code: code.value });
});
retry.addEventListener("click", () => lead.command({ type: "retry" }));
forget.addEventListener("click", () => lead.command({ type: "forget" }));
relay.addEventListener("click", () => {
  const address = new URL("/comm100/relay.html", config.companion);
  const opened = window.open(address, RELAY_WINDOW, "popup,width=420,height=300");
  if (opened) lead.command({ type: "relay-opened" });
  else
    setText(
      line("relay-blocked"),
      "The browser blocked the small window. Allow pop-ups for the Agent Console, then press the button again.",
    );
});

lead.start();

function render(state: AppState): void {
  const { connection, variant, chat } = state;
  const { stage } = connection;
  const { mood, text, nextStep } = sentences.presence(state);
  presence.dataset["mood"] = mood;
  setText(presence, text);
  setText(line("next-step"), nextStep);
  setText(line("waiting"), sentences.waiting(state));
  setText(line("problem-text"), connection.problem?.message ?? "");
  setText(line("problem-next-step"), connection.problem?.nextStep ?? "");
  setText(line("problem-code"), connection.problem ? `Code: ${connection.problem.code}` : "");
  problem.hidden = !connection.problem;

  const wantsCode = stage === "unpaired" || stage === "pairing";
  if (!wantsCode) code.value = "";
  form.hidden = !wantsCode;
  form.toggleAttribute("aria-busy", stage === "pairing");

  relay.hidden = !(variant === "relay" && (stage === "relay-closed" || stage === "relay-opening"));
  if (stage !== "relay-closed") setText(line("relay-blocked"), "");
  retry.hidden = !(stage === "away" || stage === "refused");
  forget.hidden = stage !== "online";

  setText(line("visitor"), (chat && (chat.name || chat.email)) || "");
  setText(line("recognition"), sentences.chat(state));
  line("hand-over").hidden = !chat;
  if (chat) link.href = chatLink(chat);

  setText(line("way"), sentences.way(state));
  const version = connection.version ? `Dynamics Companion ${connection.version}` : "";
  setText(line("version"), [version, connection.consoleName].filter(Boolean).join(" · "));
}
