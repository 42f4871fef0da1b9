import { makeStyles, tokens } from "@fluentui/react-components";
import type { Card, Problem, RecordView, Recognition, Table, Visitor } from "../backend";
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

/** A card's own problem, unless the page's notice tells it already. */
function problemOf(card: Card, { state, problem: told }: Recognition): Problem | null {
  const { problem } = card;
  const isTold =
    (state === "offline" || state === "failed") &&
    told?.code === problem?.code &&
    told?.message === problem?.message;
  return isTold ? null : problem;
}

interface Props {
  recognition: Recognition;
  visitor: Visitor;
  onRefresh: () => void;
  onChoose: (table: Table, id: string) => void;
  onOpen: (table: Table, id: string) => void;
  onUnlink: (record: RecordView) => void;
  onSearch: () => void;
}

export function Cards(props: Props) {
  const { recognition, visitor, onRefresh, onChoose, onOpen, onUnlink, onSearch } = props;
  const styles = useStyles();
  return (
    <div className={styles.cards}>
      {TABLES.map((table, index) => (
        <TableCard
          key={table}
          table={table}
          shortcut={`Alt+${index + 1}`}
          card={recognition[table]}
          problem={problemOf(recognition[table], recognition)}
          missing={missing(table, recognition, visitor)}
          checking={recognition.state === "cached"}
          onRefresh={onRefresh}
          onChoose={(id) => {
            onChoose(table, id);
          }}
          onOpen={(id) => {
            onOpen(table, id);
          }}
          onUnlink={onUnlink}
          onSearch={onSearch}
        />
      ))}
    </div>
  );
}
