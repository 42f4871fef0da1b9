import js from "@eslint/js";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "console-app", "test-results", "src/backend/bindings"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ["./tsconfig.json", "./tsconfig.node.json"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "no-console": "error",
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    extends: [reactHooks.configs.flat.recommended],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["@tauri-apps/*"],
              message: "Only src/backend speaks to Tauri; use the Backend interface.",
            },
            {
              group: ["**/bindings/*"],
              message: "Import the page's types from src/backend/types.",
            },
          ],
        },
      ],
      "no-restricted-properties": [
        "error",
        { property: "dangerouslySetInnerHTML", message: "Text from records is text." },
        { property: "innerHTML", message: "Text from records is text." },
      ],
    },
  },
  { files: ["src/backend/**/*.ts"], rules: { "no-restricted-imports": "off" } },
);
