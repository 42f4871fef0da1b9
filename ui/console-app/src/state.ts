import type { ConnectionState } from "./bridge/connection";
import type { ConsoleView } from "./console/watch";
import type { ChatLink } from "./link";

/** How this app reaches the companion. */
export type Variant = "direct" | "relay";

/** Everything that the tab shows. */
export interface AppState {
  readonly variant: Variant;
  /** The companion's origin. */
  readonly companion: string;
  readonly connection: ConnectionState;
  readonly console: ConsoleView["dialect"];
  readonly chat: ChatLink | null;
}

/** What an agent can ask for on the tab. */
export type Command =
  | { readonly type: "pair"; readonly code: string }
  | { readonly type: "forget" }
  | { readonly type: "retry" }
  | { readonly type: "relay-opened" };
