/** The ids of our widgets, unique inside the app. */
const BACKGROUND_ID = "dynamics-companion-bridge";
const TAB_ID = "dynamics-companion-tab";

/**
 * The Comm100 app manifest 2.0 of one package.
 *
 * @param {string} base where the pages are: an absolute URL, or "." for the package itself
 */
export function manifest(base) {
  return {
    manifestVersion: "2.0",
    agentConsole: {
      background: { id: BACKGROUND_ID, url: `${base}/bridge.html` },
      widgets: {
        chatSideTab: {
          id: TAB_ID,
          url: `${base}/tab.html`,
          label: "Dynamics",
          icon: "./icon.png",
        },
      },
    },
  };
}
