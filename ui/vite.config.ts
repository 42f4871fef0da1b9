import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  // Relative, because the same files are served as tauri://localhost, by the development host and by tests.
  base: "./",
  // 127.0.0.1 and not localhost: the back end's doors listen on IPv4 loopback.
  server: { host: "127.0.0.1" },
  build: {
    outDir: "dist",
    // The settings have a window of their own.
    rollupOptions: { input: ["index.html", "settings.html"] },
    target: "es2022",
    // The content policy of the window has no data: scripts or styles; every asset is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/fixtures/setup.ts"],
    restoreMocks: true,
  },
});
