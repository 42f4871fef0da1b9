import { makeStyles, tokens } from "@fluentui/react-components";
import type { Entry } from "../backend";
import { Notice } from "../app/Notice";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";
import { formatDateTime, instant } from "../time";
import { EntryActions } from "./EntryActions";
import { EntryRecords } from "./EntryRecords";
import { EntryState, NextAttempt } from "./EntryState";
import { WhoIsMeant } from "./WhoIsMeant";

const useStyles = makeStyles({
  item: {
    display: "grid",
    gap: tokens.spacingVerticalXS,
    gridTemplateColumns: "minmax(0, 1fr)",
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusXLarge,
    minWidth: 0,
  },
  head: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: `${tokens.spacingVerticalXXS} ${tokens.spacingHorizontalS}`,
  },
  title: { fontWeight: tokens.fontWeightSemibold, flexBasis: "100%" },
  // What is done takes little room: the cards below are what the agent works with.
  doneTitle: { fontWeight: tokens.fontWeightSemibold, flexGrow: 1, flexBasis: "160px" },
  small: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  notices: {
    margin: 0,
    paddingLeft: tokens.spacingHorizontalL,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
});

interface Props {
  entry: Entry;
  /** Among the entries of all chats: whose it is and since when. */
  ofAll?: boolean;
  onOpen: (table: string, id: string) => void;
  onChanged: () => void;
}

/** One entry of the outbox: how it stands, what it writes, and what a person can do about it. */
export function EntryItem({ entry, ofAll = false, onOpen, onChanged }: Props) {
  const styles = useStyles();
  const next = instant(entry.nextAt);
  const created = instant(entry.createdAt);
  const { state, problem } = entry;
  return (
    <li className={styles.item}>
      <div className={styles.head}>
        <RecordText lines={3} className={state === "done" ? styles.doneTitle : styles.title}>
          {entry.title}
        </RecordText>
        <EntryState entry={entry} />
        {entry.attempts > 1 && state !== "done" && (
          <span className={styles.small}>{texts.entry.attempts(entry.attempts)}</span>
        )}
      </div>
      {ofAll && entry.visitor !== "" && (
        <RecordText lines={1} className={styles.small}>
          {texts.entry.for(entry.visitor)}
        </RecordText>
      )}
      {ofAll && created !== null && (
        <span className={styles.small}>{texts.entry.createdAt(formatDateTime(created))}</span>
      )}
      {state === "waiting" && <span className={styles.small}>{texts.entry.waitingHint}</span>}
      {state === "queued" && (
        <span className={styles.small}>
          {texts.entry.queuedHint} {next !== null && <NextAttempt at={next} />}
        </span>
      )}
      {problem && (
        <Notice
          compact
          intent={state === "attention" ? "error" : state === "nothing" ? "info" : "warning"}
          title={problem.message}
          problem={problem}
        />
      )}
      <EntryRecords records={entry.records} onOpen={onOpen} />
      {entry.notices.length > 0 && (
        <ul className={styles.notices}>
          {entry.notices.map((notice, index) => (
            <li key={index}>
              <RecordText>{notice}</RecordText>
            </li>
          ))}
        </ul>
      )}
      <WhoIsMeant entry={entry} onOpen={onOpen} onChanged={onChanged} />
      <EntryActions entry={entry} onChanged={onChanged} />
    </li>
  );
}
