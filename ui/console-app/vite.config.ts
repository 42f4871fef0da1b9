import { defineConfig } from "vite";

export default defineConfig({
  // The pages live under /comm100/ on a companion and anywhere at all in an app package.
  base: "./",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: { input: ["bridge.html", "tab.html", "relay.html"] },
  },
});
