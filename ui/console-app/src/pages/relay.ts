import { DirectConnection } from "../bridge/direct";
import { Relay } from "../bridge/relay";
import { LOOK_MS } from "../bridge/relay-messages";
import { browserTokens } from "../bridge/token";
import { loadConfig } from "../config";
import { presence } from "../sentences";
import { line, setText } from "./elements";

const opener = window.opener as Window | null;
const status = line("presence");

if (opener) await relayFor(opener);
else {
  setText(status, "This window was not opened by the Agent Console.");
  setText(
    line("next-step"),
    "Close it, and press “Connect through a small window” in the console’s Dynamics tab.",
  );
}

async function relayFor(page: Window): Promise<void> {
  // The page that opened this window goes away with its tab; the console's window stays.
  const agentConsole = page.top ?? page;
  const { companion, consoleOrigins } = await loadConfig(document);
  const connection: DirectConnection = new DirectConnection({
    origin: companion,
    name: () => relay.name,
    tokens: browserTokens(),
    listener: {
      changed: (state) => {
        const { mood, text, nextStep } = presence({
          variant: "direct",
          companion,
          connection: state,
          console: null,
          chat: null,
        });
        status.dataset["mood"] = mood;
        setText(status, text);
        const step =
          state.stage === "unpaired" ? "Enter the code in the console’s Dynamics tab." : nextStep;
        setText(line("next-step"), state.problem?.message ?? step);
        relay.changed(state);
      },
      settled: (id) => relay.settled(id),
    },
  });
  const relay: Relay = new Relay(agentConsole, consoleOrigins ?? [], connection);
  window.addEventListener("message", (event) => relay.receive(event));
  connection.start();
  relay.announce();
  setInterval(() => {
    if (agentConsole.closed) window.close();
    else relay.announce();
  }, LOOK_MS);
}
