import { makeStyles, tokens } from "@fluentui/react-components";
import type { Change } from "../../backend";
import { RecordText } from "../../text/RecordText";
import { settingsTexts } from "../texts";

const said = settingsTexts.document;

const useStyles = makeStyles({
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  change: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    borderLeft: `2px solid ${tokens.colorNeutralStroke1}`,
    paddingLeft: tokens.spacingHorizontalS,
  },
  key: { fontFamily: tokens.fontFamilyMonospace, overflowWrap: "anywhere" },
  value: {
    display: "flex",
    gap: tokens.spacingHorizontalS,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
  word: {
    flexShrink: 0,
    width: "52px",
    fontFamily: tokens.fontFamilyBase,
    color: tokens.colorNeutralForeground2,
  },
  none: { margin: 0, color: tokens.colorNeutralForeground2 },
});

/** Value by value, what two documents differ in. */
export function Changes({ changes, label }: { changes: Change[]; label: string }) {
  const styles = useStyles();
  if (changes.length === 0) return <p className={styles.none}>{said.noChanges}</p>;
  const line = (word: string, value: string | null) => (
    <div className={styles.value}>
      <span className={styles.word}>{word}</span>
      <RecordText lines={4}>{value ?? said.absent}</RecordText>
    </div>
  );
  return (
    <ul className={styles.list} aria-label={label}>
      {changes.map(({ key, before, after }) => (
        <li key={key} className={styles.change}>
          <span className={styles.key}>{key}</span>
          {line(said.before, before)}
          {line(said.after, after)}
        </li>
      ))}
    </ul>
  );
}
