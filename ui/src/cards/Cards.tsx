import { makeStyles, tokens } from "@fluentui/react-components";
import type { Recognition, Table, Visitor } from "../backend";
import { TABLES } from "../app/useShortcuts";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { TableCard } from "./TableCard";

const useStyles = makeStyles({
  cards: {
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
    alignItems: "start",
    // Wide: the contact on the left, what belongs to it on the right, in the same order of reading.
    "@media (min-width: 720px)": {
      gridTemplateColumns: "repeat(2, minmax(0, 1fr))",
      gridTemplateRows: "auto 1fr",
      "& > :first-child": { gridRow: "1 / span 2" },
    },
  },
});

function missing(table: Table, recognition: Recognition, visitor: Visitor): string {
  if (table === "account" && recognition.contact.record) return texts.card.contactWithoutAccount;
  const known = [visitor.email, visitor.phone]
    .filter((value) => value.trim() !== "")
    .map((value) => brief(value, 60));
  return texts.card.noneMatches(
    table,
    known.length === 2 ? texts.card.and(known[0] ?? "", known[1] ?? "") : (known[0] ?? ""),
  );
}

interface Props {
  recognition: Recognition;
  visitor: Visitor;
  onChoose: (table: Table, id: string) => void;
  onOpen: (table: Table, id: string) => void;
}

export function Cards({ recognition, visitor, onChoose, onOpen }: Props) {
  const styles = useStyles();
  return (
    <div className={styles.cards}>
      {TABLES.map((table, index) => (
        <TableCard
          key={table}
          table={table}
          shortcut={`Alt+${index + 1}`}
          card={recognition[table]}
          missing={missing(table, recognition, visitor)}
          checking={recognition.state === "cached"}
          onChoose={(id) => {
            onChoose(table, id);
          }}
          onOpen={(id) => {
            onOpen(table, id);
          }}
        />
      ))}
    </div>
  );
}
