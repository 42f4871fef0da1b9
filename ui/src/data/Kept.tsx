import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { LocalData } from "../backend";
import { CopyButton, useRevealStyles } from "../text/CopyButton";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";
import { formatDate, instant } from "../time";
import { Section, useFormStyles } from "./Section";

const useStyles = makeStyles({
  list: {
    display: "grid",
    gridTemplateColumns: "minmax(0, auto) minmax(0, 1fr)",
    columnGap: tokens.spacingHorizontalL,
    rowGap: tokens.spacingVerticalXS,
    margin: 0,
  },
  term: { color: tokens.colorNeutralForeground2 },
  value: { margin: 0, overflowWrap: "anywhere" },
  folder: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalXXS },
});

/** The day of the earliest of these moments. */
function since(...moments: (string | null)[]): string | null {
  const times = moments.map(instant).filter((time) => time !== null);
  return times.length === 0 ? null : formatDate(Math.min(...times));
}

/** What is kept on this computer, how much of it and from when on. */
export function Kept({ data }: { data: LocalData }) {
  const styles = useStyles();
  const form = useFormStyles();
  const reveal = useRevealStyles();
  const copies = data.copies.reduce((sum, table) => sum + table.copies, 0);
  const rows: [string, string][] = [
    [
      texts.data.copiesOfRecords,
      texts.data.copies(copies, since(...data.copies.map(({ oldestAt }) => oldestAt))),
    ],
    [texts.data.outbox, texts.data.entries(data.entries, data.unsent, since(data.oldestEntryAt))],
    [texts.data.activity, texts.data.lines(data.lines, since(data.oldestLineAt))],
    [texts.data.consoles, texts.data.count(data.consoles)],
    [texts.data.logs, texts.data.size(data.logBytes)],
  ];
  return (
    <Section
      title={texts.data.kept}
      intro={data.folder === null ? texts.data.inMemory : texts.data.encrypted}
    >
      <dl className={styles.list}>
        {rows.map(([term, value]) => (
          <div key={term} style={{ display: "contents" }}>
            <dt className={styles.term}>{term}</dt>
            <dd className={styles.value}>{value}</dd>
          </div>
        ))}
      </dl>
      {data.aside.length > 0 && (
        <div>
          <p className={form.quiet}>{texts.data.aside}</p>
          <ul className={form.list}>
            {data.aside.map(({ name, bytes }) => (
              <li key={name}>
                {name} ({texts.data.size(bytes)})
              </li>
            ))}
          </ul>
        </div>
      )}
      {data.folder !== null && (
        <div className={mergeClasses(styles.folder, reveal.row)}>
          <RecordText>{data.folder}</RecordText>
          <CopyButton text={data.folder} what={texts.data.folderCopy} />
        </div>
      )}
    </Section>
  );
}
