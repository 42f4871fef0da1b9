import { expect, test } from "vitest";
import { manifest } from "../scripts/manifest.js";

test("the manifest is a manifest 2.0 with a background page and a side tab", () => {
  expect(manifest("http://127.0.0.1:47710/comm100")).toEqual({
    manifestVersion: "2.0",
    agentConsole: {
      background: {
        id: "dynamics-companion-bridge",
        url: "http://127.0.0.1:47710/comm100/bridge.html",
      },
      widgets: {
        chatSideTab: {
          id: "dynamics-companion-tab",
          url: "http://127.0.0.1:47710/comm100/tab.html",
          label: "Dynamics",
          icon: "./icon.png",
        },
      },
    },
  });
});
