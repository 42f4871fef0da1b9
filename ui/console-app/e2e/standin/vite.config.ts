import { defineConfig } from "vite";

/** Builds the stand-in console, a page of its own origin. */
export default defineConfig({
  root: import.meta.dirname,
  build: { outDir: "../.built", emptyOutDir: true, target: "es2022" },
});
