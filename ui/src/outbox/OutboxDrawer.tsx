import { Spinner, makeStyles, tokens } from "@fluentui/react-components";
import { useCallback, useEffect, useId, useState } from "react";
import { type Entry, type Problem, asProblem } from "../backend";
import { Notice } from "../app/Notice";
import { Sheet } from "../app/Sheet";
import { EntryItem } from "../record/EntryItem";
import { useRecorder } from "../record/recorder";
import { texts } from "../texts";

/** An entry of another chat can change without the view: it is asked for again every so often. */
const AGAIN_MS = 5_000;

const useStyles = makeStyles({
  group: { display: "grid", gap: tokens.spacingVerticalS, gridTemplateColumns: "minmax(0, 1fr)" },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  list: {
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
    listStyleType: "none",
    margin: 0,
    padding: 0,
  },
  empty: { margin: 0, color: tokens.colorNeutralForeground2 },
});

/** The outbox's entries, asked for anew with every view. */
function useOutbox(revision: number) {
  const recorder = useRecorder();
  const [entries, setEntries] = useState<Entry[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, setAsked] = useState(0);
  const again = useCallback(() => {
    setAsked((before) => before + 1);
  }, []);
  useEffect(() => {
    const timer = setInterval(again, AGAIN_MS);
    return () => {
      clearInterval(timer);
    };
  }, [again]);
  useEffect(() => {
    let wanted = true;
    recorder.outbox().then(
      (answer) => {
        if (!wanted) return;
        setEntries(answer);
        setProblem(null);
      },
      (reason: unknown) => {
        if (wanted) setProblem(asProblem(reason));
      },
    );
    return () => {
      wanted = false;
    };
  }, [recorder, revision, asked]);
  return { entries, problem, again };
}

const GROUPS: { title: string; has: (entry: Entry) => boolean }[] = [
  { title: texts.outbox.attention, has: ({ state }) => state === "attention" },
  {
    title: texts.outbox.waiting,
    has: ({ state }) => state === "waiting" || state === "queued" || state === "sending",
  },
  {
    title: texts.outbox.finished,
    has: ({ state }) => state === "done" || state === "nothing" || state === "discarded",
  },
];

interface GroupProps {
  title: string;
  entries: Entry[];
  onOpen: (table: string, id: string) => void;
  onChanged: () => void;
}

function Group({ title, entries, onOpen, onChanged }: GroupProps) {
  const styles = useStyles();
  const id = useId();
  if (entries.length === 0) return null;
  return (
    <section className={styles.group}>
      <h3 id={id} className={styles.title}>
        {title}
      </h3>
      <ul className={styles.list} aria-labelledby={id}>
        {entries.map((entry) => (
          <EntryItem key={entry.id} ofAll entry={entry} onOpen={onOpen} onChanged={onChanged} />
        ))}
      </ul>
    </section>
  );
}

interface Props {
  /** The view's number: with each the entries are asked for anew. */
  revision: number;
  /** Why the last command failed; the page's own message is out of reach behind the drawer. */
  failure: Problem | null;
  onDismiss: () => void;
  onOpen: (table: string, id: string) => void;
  onClose: () => void;
}

/** What waits to be written and what needs a person, of all chats. */
export function OutboxDrawer({ revision, failure, onDismiss, onOpen, onClose }: Props) {
  const styles = useStyles();
  const { entries, problem, again } = useOutbox(revision);
  return (
    <Sheet shape="drawer" title={texts.outbox.title} onClose={onClose}>
      {failure && (
        <div role="alert">
          <Notice intent="error" title={failure.message} problem={failure} onDismiss={onDismiss} />
        </div>
      )}
      {problem && (
        <div role="alert">
          <Notice
            intent="error"
            title={texts.outbox.failed}
            problem={problem}
            action={{ label: texts.tryAgain, run: again }}
          />
        </div>
      )}
      {entries === null && problem === null && <Spinner label={texts.outbox.loading} />}
      {entries?.length === 0 && <p className={styles.empty}>{texts.outbox.empty}</p>}
      {entries &&
        GROUPS.map(({ title, has }) => (
          <Group
            key={title}
            title={title}
            entries={entries.filter(has)}
            onOpen={onOpen}
            onChanged={again}
          />
        ))}
    </Sheet>
  );
}
