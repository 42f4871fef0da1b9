import type { Card, Table, View } from "../backend";
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
      return [texts.announce.offline, ...found(cards)].join(", ");
    case "cached":
    case "live":
      return found(cards).join(", ");
  }
}

function found(cards: Record<Table, Card>): string[] {
  return TABLES.map((table) => {
    const { record } = cards[table];
    return record
      ? texts.announce.found(table, brief(record.name || texts.card.nameless))
      : texts.announce.missing(table);
  });
}
