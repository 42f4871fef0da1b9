import type { Card, Recording, Table, View } from "../backend";
import { stateText } from "../record/stateText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { TABLES } from "./useShortcuts";

/** What a screen reader says about the visitor; it speaks again only when this sentence changes. */
export function announcement(view: View): string {
  const { visitor, recognition } = view;
  if (!visitor) return texts.announce.noVisitor;
  const who = texts.announce.visitor(
    brief(visitor.name || visitor.email || texts.visitor.nameless),
  );
  return `${who}, ${outcome(recognition.state, recognition)}.`;
}

function outcome(state: View["recognition"]["state"], cards: Record<Table, Card>): string {
  switch (state) {
    case "idle":
    case "looking":
      return texts.announce.looking;
    case "unidentifiable":
      return texts.announce.unidentifiable;
    case "failed":
      return texts.announce.failed;
    case "offline":
      return [texts.announce.offline, ...TABLES.map((table) => known(table, cards[table]))].join(
        ", ",
      );
    case "cached":
    case "live":
      return TABLES.map((table) => answer(table, cards[table])).join(", ");
  }
}

/** What is shown of a table. */
function known(table: Table, { state, record }: Card): string {
  if (record) return texts.announce.found(table, brief(record.name || texts.card.nameless));
  return state === "failed" ? texts.announce.failedTable(table) : texts.announce.missing(table);
}

/** What is shown of a table, and whether Dynamics was asked about it in vain. */
function answer(table: Table, card: Card): string {
  const shown = known(table, card);
  return card.problem && card.state !== "failed" ? texts.announce.unconfirmed(shown) : shown;
}

/** What a screen reader says about recording: the newest entry of this chat, and what needs a person. */
export function recordAnnouncement({ chat, attention }: Recording): string {
  const newest = chat[0];
  const parts: string[] = [];
  if (newest) parts.push(texts.record.spoken(brief(newest.title), stateText(newest)));
  if (attention > 0) parts.push(texts.record.attentionSpoken(attention));
  return parts.length === 0 ? "" : `${parts.join(". ")}.`;
}
