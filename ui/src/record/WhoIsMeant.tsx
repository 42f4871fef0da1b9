import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { Entry } from "../backend";
import { Notice } from "../app/Notice";
import { texts } from "../texts";
import { FoundList } from "./FoundList";
import { useAction, useRecorder } from "./recorder";

const useStyles = makeStyles({
  who: { display: "grid", gap: tokens.spacingVerticalXS, gridTemplateColumns: "minmax(0, 1fr)" },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  new: { justifySelf: "start" },
});

interface Props {
  entry: Entry;
  onOpen: (table: string, id: string) => void;
  onChanged: () => void;
}

/** Several people may be meant: nothing is written to one of them on a guess. */
export function WhoIsMeant({ entry, onOpen, onChanged }: Props) {
  const styles = useStyles();
  const recorder = useRecorder();
  const action = useAction();
  if (entry.candidates.length === 0 || entry.state !== "attention") return null;
  const choose = (record: string | null) => {
    action.run(() => recorder.choosePerson(entry.id, record), onChanged);
  };
  return (
    <section className={styles.who} aria-label={texts.entry.who}>
      <p className={styles.title}>{texts.entry.who}</p>
      {action.problem && (
        <div role="alert">
          <Notice
            compact
            intent="error"
            title={texts.entry.failed}
            problem={action.problem}
            onDismiss={action.dismiss}
          />
        </div>
      )}
      <FoundList
        records={entry.candidates}
        disabled={action.busy}
        action={{ label: texts.entry.choose, spoken: texts.entry.chooseSpoken, run: choose }}
        onOpen={(id) => {
          onOpen(entry.records.find((one) => PEOPLE.includes(one.table))?.table ?? "contact", id);
        }}
      />
      <Button
        size="small"
        className={styles.new}
        disabled={action.busy}
        onClick={() => {
          choose(null);
        }}
      >
        {texts.entry.someoneNew}
      </Button>
    </section>
  );
}

const PEOPLE = ["contact", "lead", "account"];
