import { makeStyles, tokens } from "@fluentui/react-components";
import type { Written } from "../backend";
import { Open16Regular } from "../icons";
import { IconButton } from "../text/IconButton";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";

const useStyles = makeStyles({
  list: { listStyleType: "none", margin: 0, padding: 0, minWidth: 0 },
  item: {
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
    minHeight: "28px",
    minWidth: 0,
  },
  what: { flexGrow: 1, minWidth: 0 },
  done: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
});

interface Props {
  records: Written[];
  onOpen: (table: string, id: string) => void;
}

/** What an entry writes or has written. */
export function EntryRecords({ records, onOpen }: Props) {
  const styles = useStyles();
  if (records.length === 0) return null;
  return (
    <ul className={styles.list}>
      {records.map((record) => {
        const name = record.name.trim() || texts.card.nameless;
        return (
          <li key={`${record.table}:${record.id}`} className={styles.item}>
            <span className={styles.what}>
              <RecordText lines={1} className={styles.done}>
                {`${record.tableLabel} · ${texts.entry.done[record.done]}`}
              </RecordText>
              <RecordText lines={2}>{name}</RecordText>
            </span>
            {record.url !== null && record.done !== "deleted" && (
              <IconButton
                small
                label={texts.card.openRecord(brief(name))}
                hint={texts.card.open}
                icon={<Open16Regular />}
                onClick={() => {
                  onOpen(record.table, record.id);
                }}
              />
            )}
          </li>
        );
      })}
    </ul>
  );
}
