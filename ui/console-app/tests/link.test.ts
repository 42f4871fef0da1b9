import { expect, test } from "vitest";
import { LINK_LIMIT, chatLink } from "../src/link";

const CHAT = {
  siteId: "20001",
  chatId: "c1",
  visitorId: "v1",
  name: "Dana",
  email: "d@example.com",
};

test("a link carries the chat, percent-encoded", () => {
  expect(chatLink({ ...CHAT, phone: "+31 30", company: "A&B = <C>" })).toBe(
    "dynamics-companion://chat?siteId=20001&chatId=c1&visitorId=v1&name=Dana&email=d%40example.com&phone=%2B31%2030&company=A%26B%20%3D%20%3CC%3E",
  );
});

test("what is empty is left out", () => {
  expect(chatLink({ chatId: "c1", name: "  ", email: "" })).toBe(
    "dynamics-companion://chat?chatId=c1",
  );
});

test("control characters become blanks", () => {
  expect(chatLink({ chatId: "c1", name: "\u0000Dana\r\n\tVermeer\u0085" })).toBe(
    "dynamics-companion://chat?chatId=c1&name=Dana%20Vermeer",
  );
});

test("the longest optional fields go first", () => {
  const link = new URL(chatLink({ ...CHAT, name: "n".repeat(1_500), company: "é".repeat(400) }));
  expect(link.searchParams.has("company")).toBe(false);
  expect(link.searchParams.get("name")).toHaveLength(1_500);
  expect(link.searchParams.get("email")).toBe("d@example.com");
});

test.each([
  ["long everywhere", "x".repeat(9_000)],
  ["four bytes a character", "😀".repeat(3_000)],
  ["half a character", "\ud83d"],
])("a link stays short and well-formed with fields that are %s", (_, text) => {
  const link = chatLink({ siteId: text, chatId: text, visitorId: text, name: text, email: text });
  expect(link.length).toBeLessThan(LINK_LIMIT);
  expect(() => decodeURIComponent(link)).not.toThrow();
});

test("nothing but the listed fields ever goes into a link", () => {
  const chat = { ...CHAT, messages: ["secret words"], apikey: "secret key" };
  expect(chatLink(chat)).not.toContain("secret");
});
