import {
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { useEffect, useState } from "react";
import { type Draft, type Duplicates, type Filled, type Problem, asProblem } from "../backend";
import { RecordText } from "../text/RecordText";
import { visible } from "../text/visible";
import { texts } from "../texts";
import { FoundList } from "./FoundList";
import { useRecorder, useSettled } from "./recorder";

const SETTLE_MS = 400;

const useStyles = makeStyles({
  body: { minWidth: 0, whiteSpace: "normal", overflowWrap: "anywhere" },
  title: { display: "block" },
  cached: { fontSize: tokens.fontSizeBase200, lineHeight: tokens.lineHeightBase200 },
  failed: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
});

/** Whom the filled form looks like, asked anew whenever typing pauses. A transcript tells nobody from another. */
export function useDuplicates(draft: Draft | null, filled: Filled | null) {
  const recorder = useRecorder();
  const [duplicates, setDuplicates] = useState<Duplicates | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const long = new Set(draft?.fields.filter((one) => one.multiline).map((one) => one.column));
  const asked =
    filled &&
    JSON.stringify({
      ...filled,
      values: Object.fromEntries(Object.entries(filled.values).filter(([key]) => !long.has(key))),
    });
  const settled = useSettled(asked, SETTLE_MS);
  useEffect(() => {
    if (settled === null) return;
    let wanted = true;
    recorder.duplicates(JSON.parse(settled) as Filled).then(
      (answer) => {
        if (!wanted) return;
        setDuplicates(answer);
        setProblem(null);
      },
      (reason: unknown) => {
        if (wanted) setProblem(asProblem(reason));
      },
    );
    return () => {
      wanted = false;
    };
  }, [recorder, settled]);
  return { duplicates, problem };
}

interface Props {
  duplicates: Duplicates | null;
  problem: Problem | null;
  disabled: boolean;
  onTake: (table: string, id: string) => void;
}

/** Warns of records that exist already, and offers to use one of them. */
export function DuplicateWarning({ duplicates, problem, disabled, onTake }: Props) {
  const styles = useStyles();
  const records = duplicates?.records ?? [];
  return (
    <div role="status">
      {records.length > 0 && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody className={styles.body}>
            <MessageBarTitle className={styles.title}>{texts.form.duplicates}</MessageBarTitle>
            {duplicates?.live === false && (
              <span className={styles.cached}>{texts.form.duplicatesCached}</span>
            )}
            <FoundList
              records={records}
              disabled={disabled}
              action={{
                label: texts.form.takeExisting,
                spoken: texts.form.takeExistingSpoken,
                run: (id) => {
                  const record = records.find((one) => one.id === id);
                  if (record) onTake(record.table, record.id);
                },
              }}
            />
          </MessageBarBody>
        </MessageBar>
      )}
      {problem && (
        <RecordText className={styles.failed}>
          {texts.form.duplicatesFailed(`${visible(problem.message)} ${visible(problem.nextStep)}`)}
        </RecordText>
      )}
    </div>
  );
}
