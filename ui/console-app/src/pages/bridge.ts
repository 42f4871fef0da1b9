import { loadConfig } from "../config";
import { Lead } from "../lead";
import { Session } from "../session";

const config = await loadConfig(document);
let session: Session | null = null;

const lead = new Lead(window, "bridge", {
  lead: () => {
    session = new Session(window, config, (state) => lead.publish(state));
    session.start();
  },
  yield: () => session?.stop(),
  show: () => undefined, // this page is never seen
  obey: (command) => session?.obey(command),
});
lead.start();
