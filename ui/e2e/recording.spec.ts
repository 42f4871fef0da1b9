// Recording a chat: from the button to what the back end was asked, with a picture of every part.
import type { Page } from "@playwright/test";
import { hostileStrings } from "../src/fixtures/hostile";
import {
  activityLines,
  byHand,
  byItself,
  caseDraft,
  contactDraft,
  entries,
  lookAlikes,
  recordingProblems,
  recordingStates,
  strangersCase,
} from "../src/fixtures/recording";
import { dana, recognised, view } from "../src/fixtures/views";
import type { Received } from "./pageHost";
import { accessibilityOf, expect, test } from "./test";

async function picture(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width: 380, height: 900 });
    await page.screenshot({
      animations: "disabled",
      path: `test-results/screens/${name}-${colorScheme}-380.png`,
    });
    expect(await accessibilityOf(page)).toEqual([]);
  }
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const asked = (commands: Received[], command: string) =>
  commands.filter((one) => one.command === command);

test("a contact is looked through, corrected and created by Ctrl+Enter", async ({
  page,
  host,
  open,
}) => {
  host.answer("draft", () => contactDraft);
  host.answer("duplicates", () => ({ records: lookAlikes, live: true }));
  host.on("create", recordingProblems.refused);
  await open(recordingStates["record-by-hand"]);
  const opener = button(page, "Create a contact from this chat");
  await opener.click();
  const form = page.getByRole("dialog", { name: "New contact" });
  await expect(form.getByLabel("First Name")).toBeFocused();
  await expect(form.getByText("This may exist already")).toBeVisible();
  await picture(page, "form-contact");

  const last = form.getByRole("textbox", { name: "Last Name" });
  await last.fill("");
  await page.keyboard.press("Control+Enter");
  await expect(last).toBeFocused();
  await expect(form.getByText("Last Name is required.")).toBeVisible();
  expect(asked(host.commands, "create")).toEqual([]);
  await last.fill("Whitfield-Okonkwo");
  await page.keyboard.press("Control+Enter");
  await expect(form.getByText("What you have typed is still here.")).toBeVisible();
  await expect(last).toBeFocused();
  await expect(last).toHaveValue("Whitfield-Okonkwo");
  await picture(page, "form-refused");

  host.on("create", () => recordingStates["record-queued"]);
  await page.keyboard.press("Control+Enter");
  await expect(form).toBeHidden();
  await expect
    .poll(() => asked(host.commands, "create").at(-1)?.args)
    .toMatchObject({
      filled: {
        table: "contact",
        chat: "chat-1",
        values: { firstname: "Dana", lastname: "Whitfield-Okonkwo", birthdate: "1984-06-21" },
        about: null,
      },
    });
  await expect(opener).toBeFocused();
  await expect(page.getByTestId("record-announcement")).toContainText("Queued");
});

test("a form stays with its chat", async ({ page, host, open }) => {
  host.answer("draft", () => caseDraft);
  host.answer("duplicates", () => ({ records: [], live: true }));
  await open(recordingStates["record-by-hand"]);
  await button(page, "Create a case from this chat").click();
  const form = page.getByRole("dialog", { name: "New case" });
  const title = form.getByLabel("Case Title");
  await title.fill("Typed and not to be lost");
  await picture(page, "form-case");

  const other = { ...dana, name: "José Ñandú", chatId: "chat-2" };
  host.show(view({ visitor: other, recognition: recognised({}), recording: byHand }));
  await expect(form).toContainText("This form belongs to the chat with Dana Whitfield.");
  await picture(page, "form-other-chat");
  await page.keyboard.press("Control+Enter");
  await form.getByRole("button", { name: "Set aside" }).click();
  await expect(form).toBeHidden();
  await picture(page, "form-kept");
  expect(asked(host.commands, "create")).toEqual([]);

  host.show(recordingStates["record-by-hand"]);
  await button(page, "Go on with the unfinished case of this chat").click();
  await expect(title).toHaveValue("Typed and not to be lost");
  await page.keyboard.press("Escape");
  await expect(form).toContainText("Throw away what you have changed?");
  await expect(form.getByRole("button", { name: "Keep editing" })).toBeFocused();
  await picture(page, "form-ask");
  await form.getByRole("button", { name: "Throw away" }).click();
  await expect(form).toBeHidden();
});

test("a case of a stranger: a customer is looked for by keyboard", async ({ page, host, open }) => {
  host.answer("draft", () => strangersCase);
  host.answer("duplicates", () => ({ records: [], live: false }));
  host.answer("find", () => lookAlikes);
  host.answer("create", () => entries.queued);
  await open(recordingStates["record-by-hand"]);
  await button(page, "Create a case from this chat").click();
  const form = page.getByRole("dialog", { name: "New case" });
  const customer = form.getByRole("combobox", { name: "Customer" });
  await form.getByLabel("Create the contact along with it").uncheck();
  await page.keyboard.press("Control+Enter");
  await expect(form).toContainText("Choose a record, or create the contact along with it.");
  await expect(customer).toBeFocused();
  await page.keyboard.type("whit");
  await expect(form.getByRole("listbox").getByRole("option")).toHaveCount(2);
  await picture(page, "form-lookup");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(customer).toHaveValue(/Whitfield/);
  await page.keyboard.press("Control+Enter");
  await expect(form).toBeHidden();
  await expect
    .poll(() => asked(host.commands, "find").at(-1)?.args)
    .toEqual({
      targets: ["contact", "account"],
      text: "whit",
    });
  await expect
    .poll(() => asked(host.commands, "create").at(-1)?.args)
    .toMatchObject({
      filled: { about: expect.stringMatching(/^contact:c[23]$/) as unknown, newContact: false },
    });
});

test("one click creates at once", async ({ page, host, open }) => {
  host.answer("draft", () => contactDraft);
  host.on("create", () => recordingStates["record-queued"]);
  await open(
    view({
      visitor: dana,
      recognition: recognised({}),
      recording: { ...byHand, oneClick: true },
    }),
  );
  await button(page, "Create a contact from this chat").click();
  await expect(page.getByTestId("record-announcement")).toContainText("Queued");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect.poll(() => asked(host.commands, "create")).toHaveLength(1);
});

test("the outbox: who is meant, what is corrected, what is discarded", async ({
  page,
  host,
  open,
}) => {
  host.answer("outbox", () => Object.values(entries));
  await open(recordingStates["record-attention"]);
  await button(page, "Outbox: 2 need attention, 3 queued").click();
  const outbox = page.getByRole("dialog", { name: "Outbox" });
  await expect(outbox.getByRole("heading", { name: "Needs attention" })).toBeVisible();
  await picture(page, "outbox");
  await outbox.getByRole("button", { name: "This one: D. Whitfield-Okonkwo" }).click();
  await expect
    .poll(() => asked(host.commands, "choose_person").at(-1))
    .toMatchObject({ args: { id: "e7", record: "c3" } });

  await outbox
    .getByRole("button", { name: "Correct the values of Case for Dana Whitfield" })
    .click();
  const title = outbox.getByLabel("Case Title");
  await expect(title).toBeFocused();
  await title.fill("Corrected");
  await picture(page, "outbox-edit");
  await outbox.getByRole("button", { name: "Send again" }).click();
  await expect
    .poll(() => asked(host.commands, "retry").at(-1))
    .toMatchObject({ args: { id: "e6", values: { "incident.title": "Corrected" } } });

  await outbox.getByRole("button", { name: "Discard Case for Dana Whitfield" }).click();
  await expect(outbox.getByRole("button", { name: "Keep" })).toBeFocused();
  await picture(page, "outbox-discard");
  await page.keyboard.press("Escape");
  await expect(outbox).toBeVisible();
  expect(asked(host.commands, "discard")).toEqual([]);
  await outbox.getByRole("button", { name: "Discard Case for Dana Whitfield" }).click();
  await outbox.getByRole("button", { name: "Discard", exact: true }).click();
  await expect
    .poll(() => asked(host.commands, "discard").at(-1))
    .toMatchObject({ args: { id: "e6" } });

  await outbox.getByText("Finished").scrollIntoViewIfNeeded();
  await picture(page, "outbox-end");
});

test("an empty outbox, and one that cannot be read", async ({ page, host, open }) => {
  host.answer("outbox", () => []);
  await open(recordingStates["record-by-hand"]);
  await button(page, "Outbox: empty").click();
  await expect(page.getByText("Nothing is waiting and nothing needs attention.")).toBeVisible();
  await picture(page, "outbox-empty");
  await page.keyboard.press("Escape");
  host.on("outbox", recordingProblems.refused);
  await button(page, "Outbox: empty").click();
  await expect(page.getByRole("alert")).toContainText("The outbox could not be read.");
  await picture(page, "outbox-failed");
});

test("the activity is filtered, read on and saved as a file", async ({ page, host, open }) => {
  host.answer("activity", ({ filter }) => {
    const { before, text } = filter as { before: number | null; text: string };
    if (text !== "") return { lines: [], more: false };
    return before === null
      ? { lines: activityLines.slice(0, 2), more: true }
      : { lines: activityLines.slice(2), more: false };
  });
  host.answer("export_activity", () => 'number,visitor\n41,"Dana\nWhitfield"\n');
  await open(recordingStates["record-by-hand"]);
  await button(page, "Activity").click();
  const activity = page.getByRole("dialog", { name: "Activity" });
  await activity.getByRole("button", { name: "Show older" }).click();
  await expect(activity.getByText("José Ñandú").first()).toBeVisible();
  await expect
    .poll(() => asked(host.commands, "activity").at(-1)?.args)
    .toEqual({
      filter: { text: "", what: [], before: 40 },
    });
  await picture(page, "activity");
  const saved = page.waitForEvent("download");
  await activity.getByRole("button", { name: "Export as CSV" }).click();
  expect((await saved).suggestedFilename()).toBe("activity-2026-03-02.csv");
  await expect(activity.getByText("1 line exported.")).toBeVisible();
  await activity.getByRole("button", { name: "Open Chat with Dana Whitfield" }).click();
  await expect
    .poll(() => asked(host.commands, "open_record").at(-1))
    .toMatchObject({ args: { table: "incident", id: "i9" } });
  await activity.getByRole("searchbox").fill("nobody");
  await expect(activity.getByText("Nothing matches this filter.")).toBeVisible();
  await picture(page, "activity-none");
});

test("hostile text in every field stays text", async ({ page, host, open }) => {
  const all = Object.values(hostileStrings);
  const text = all.map((one) => one.slice(0, 300)).join(" ");
  host.answer("draft", () => ({
    ...caseDraft,
    fields: caseDraft.fields.map((field) => ({
      ...field,
      label: text,
      problem: text,
      value: field.kind === "text" ? text : field.value,
      choices: field.choices.map((choice) => ({ ...choice, label: text })),
    })),
    about: caseDraft.about && {
      ...caseDraft.about,
      now: { ...lookAlikes[0], name: text, detail: text },
    },
    openCases: [{ table: "incident", id: "i1", name: text, detail: text }],
  }));
  host.answer("duplicates", () => ({
    records: [{ table: "contact", id: "c2", name: text, detail: text }],
    live: false,
  }));
  await open({
    ...recordingStates["record-by-hand"],
    recording: {
      ...byItself,
      action: text,
      chat: [
        {
          ...entries.ambiguous,
          title: text,
          notices: [text],
          problem: { ...recordingProblems.refused, message: text, nextStep: text },
          candidates: entries.ambiguous.candidates.map((one) => ({ ...one, name: text })),
        },
        { ...entries.done, records: entries.done.records.map((one) => ({ ...one, name: text })) },
      ],
    },
  });
  await picture(page, "record-hostile");
  await button(page, "Create a case from this chat").click();
  await expect(page.getByText("This may exist already")).toBeVisible();
  await picture(page, "form-hostile");
  expect(await page.title()).not.toBe("owned");
  const sideways = await page.evaluate(() =>
    [...document.querySelectorAll("dialog > div")]
      .filter((one) => one.scrollWidth > one.clientWidth)
      .flatMap((one) => {
        const edge = one.getBoundingClientRect().right;
        const beyond = [...one.querySelectorAll("*")];
        return beyond.filter((part) => part.getBoundingClientRect().right > edge + 1);
      })
      .map((part) => part.outerHTML.slice(0, 200)),
  );
  expect(sideways).toEqual([]);
});
