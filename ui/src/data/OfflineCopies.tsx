import { Button, ProgressBar, makeStyles, tokens } from "@fluentui/react-components";
import { useId } from "react";
import type { Offline, OfflineTable } from "../backend";
import { Notice } from "../app/Notice";
import { ArrowSync16Regular } from "../icons";
import { useAction, useRecorder } from "../record/recorder";
import { texts } from "../texts";
import { SECOND, formatDateTime, instant, spanOf, useNow } from "../time";
import { expectedRows } from "./expectedRows";
import { Failure, Section, useFormStyles } from "./Section";

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
  progress: {
    display: "grid",
    gap: tokens.spacingVerticalXS,
    paddingTop: tokens.spacingVerticalXS,
    paddingBottom: tokens.spacingVerticalXS,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  problem: { gridColumn: "1 / -1", margin: 0, paddingBottom: tokens.spacingVerticalXS },
});

/** How many copies of a table there are, how old they are, and what they wait for. */
function Standing({ table }: { table: OfflineTable }) {
  const now = useNow(10 * SECOND);
  const { state, copies, done } = table;
  const syncedAt = instant(table.syncedAt);
  const parts = [texts.data.copied(copies, syncedAt !== null || state === "failed")];
  if (syncedAt !== null) parts.push(texts.data.syncedAt(spanOf(now - syncedAt)));
  if (state === "waiting" || state === "refreshing") parts.push(texts.data.tableState[state]);
  if (state === "waiting" && done > 0) parts.push(texts.data.read(done, expectedRows(table)));
  return (
    <span title={syncedAt === null ? undefined : formatDateTime(syncedAt)}>{parts.join(", ")}</span>
  );
}

function Loading({ table }: { table: OfflineTable }) {
  const styles = useStyles();
  const expected = expectedRows(table);
  const read = texts.data.read(table.done, expected);
  return (
    <div className={styles.progress}>
      <ProgressBar
        aria-label={texts.data.reading(table.table)}
        aria-valuetext={read}
        value={expected === null ? undefined : table.done / expected}
      />
      <span>{read}</span>
    </div>
  );
}

/** One sentence about all of them. It changes with their state, never with a number. */
function sentence({ state, tables }: Offline, isOnline: boolean): string {
  if (state === "off" || state === "synchronising") return texts.data.offlineState[state];
  if (state === "waiting" || !isOnline) return texts.data.offlineState.waiting;
  if (state === "fresh") return texts.data.offlineState.fresh;
  return texts.data.notInStep(
    tables.filter((table) => table.state === "failed").map(({ table }) => table),
  );
}

interface Props {
  offline: Offline;
  /** Whether Dynamics can be asked now. */
  isOnline: boolean;
}

/** The copies by which visitors are known without a network, and how they stand. */
export function OfflineCopies({ offline, isOnline }: Props) {
  const styles = useStyles();
  const form = useFormStyles();
  const backend = useRecorder();
  const action = useAction();
  const said = useId();
  const isOff = offline.state === "off";
  return (
    <Section title={texts.data.offline} intro={texts.data.offlineIntro}>
      <div role="status">
        <p id={said} className={form.text}>
          {sentence(offline, isOnline)}
        </p>
      </div>
      {offline.problem && (
        <Notice
          compact
          intent="warning"
          title={offline.problem.message}
          problem={offline.problem}
        />
      )}
      {offline.tables.length > 0 && (
        <dl className={styles.list}>
          {offline.tables.map((table) => (
            <div key={table.table} style={{ display: "contents" }}>
              <dt className={styles.term}>{texts.data.copiedTable(table.table)}</dt>
              <dd className={styles.value}>
                <Standing table={table} />
                {table.state === "loading" && <Loading table={table} />}
              </dd>
              {table.problem && (
                <dd className={styles.problem}>
                  <Notice
                    compact
                    intent="error"
                    title={table.problem.message}
                    problem={table.problem}
                  />
                </dd>
              )}
            </div>
          ))}
        </dl>
      )}
      <Failure problem={action.problem} onDismiss={action.dismiss} />
      {!isOff && (
        <div>
          <Button
            icon={<ArrowSync16Regular />}
            disabledFocusable={action.busy || offline.state === "synchronising" || !isOnline}
            aria-describedby={said}
            onClick={() => {
              action.run(() => backend.syncNow());
            }}
          >
            {texts.data.syncNow}
          </Button>
        </div>
      )}
    </Section>
  );
}
