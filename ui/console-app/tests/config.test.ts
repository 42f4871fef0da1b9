import { expect, test } from "vitest";
import { DEFAULT_COMPANION, isAllowed, packagedConfig } from "../src/config";

const ALLOWED = ["https://*.comm100.io", "https://chat.example.com", "http://*.localhost:8080"];

test.each([
  "https://dash11.comm100.io",
  "https://a.b.comm100.io",
  "https://chat.example.com",
  "http://console.localhost:8080",
])("%s is allowed", (origin) => {
  expect(isAllowed(origin, ALLOWED)).toBe(true);
});

test.each([
  "https://comm100.io",
  "http://dash11.comm100.io",
  "https://dash11.comm100.io:8443",
  "https://evilcomm100.io",
  "https://dash11.comm100.io.evil.example",
  "https://evil.example/.comm100.io",
  "https://evil.example#.comm100.io",
  "https://user@x.comm100.io",
  "https://.comm100.io",
  "https://chat.example.com.evil.example",
  "https://sub.chat.example.com",
  "http://console.localhost",
  "null",
  "",
])("%j is not allowed", (origin) => {
  expect(isAllowed(origin, ALLOWED)).toBe(false);
});

test("a list entry is never a pattern in any other way", () => {
  expect(isAllowed("https://aXcomm100.io", ["https://a.comm100.io"])).toBe(false);
  expect(isAllowed("https://anything.example", ["*", "https://*", "https://**.example"])).toBe(
    false,
  );
});

test.each([
  ['{"companion":"http://127.0.0.1:47711"}', "http://127.0.0.1:47711"],
  ['{"companion":"http://localhost:80/x"}', "http://localhost"],
  ['{"companion":"https://127.0.0.1"}', DEFAULT_COMPANION],
  ['{"companion":"http://evil.example"}', DEFAULT_COMPANION],
  ['{"companion":"http://127.0.0.1.evil.example"}', DEFAULT_COMPANION],
  ['{"companion":"http://127.0.0.1@evil.example"}', DEFAULT_COMPANION],
  ['{"companion":7}', DEFAULT_COMPANION],
  ["{}", DEFAULT_COMPANION],
])("a packaged page with %s talks to %s", (text, companion) => {
  expect(packagedConfig(text)).toEqual({ isPackaged: true, companion, consoleOrigins: null });
});
