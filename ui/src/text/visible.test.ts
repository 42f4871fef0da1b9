import { describe, expect, it } from "vitest";
import { brief, visible } from "./visible";

describe("visible", () => {
  it.each([
    ["plain text, Ünïcödé, 王小明, فاطمة", "plain text, Ünïcödé, 王小明, فاطمة"],
    ["line\r\nline\rline\nline\ttab", "line\nline\nline\nline\ttab"],
    ["a\u0000b\u001bc", "a\u2400b\u241bc"],
    ["a\u007fb\u0085c", "a\ufffdb\ufffdc"],
    ["invoice\u202egnp.exe", "invoicegnp.exe"],
    ["\u2067x\u2069", "x"],
    ["half \ud83d", "half \ufffd"],
    ["mark\u200e \u200f", "mark\u200e \u200f"],
  ])("%j becomes %j", (given, shown) => {
    expect(visible(given)).toBe(shown);
    expect(visible(shown)).toBe(shown);
  });
});

describe("brief", () => {
  it("keeps what fits and puts it on one line", () => {
    expect(brief(" two\n lines ")).toBe("two lines");
  });
  it("never cuts a character in half", () => {
    const short = brief("😀".repeat(100), 10);
    expect(Array.from(short)).toHaveLength(10);
    expect(short.isWellFormed()).toBe(true);
  });
  it("is quick and short for a text without end", () => {
    expect(Array.from(brief("x".repeat(1_000_000), 80))).toHaveLength(80);
  });
});
