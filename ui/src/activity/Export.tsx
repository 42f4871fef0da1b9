import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useState } from "react";
import type { ActivityFilter } from "../backend";
import { Notice } from "../app/Notice";
import { useAction, useRecorder } from "../record/recorder";
import { copyText } from "../text/clipboard";
import { texts } from "../texts";
import { saveText } from "./saveText";

const useStyles = makeStyles({
  export: { display: "grid", gap: tokens.spacingVerticalS, gridTemplateColumns: "minmax(0, 1fr)" },
  row: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: tokens.spacingHorizontalS },
});

/** Lines of a CSV file below its heading; a line break inside quotes belongs to a value. */
function linesOf(csv: string): number {
  let lines = 0;
  let quoted = false;
  for (const character of csv) {
    if (character === '"') quoted = !quoted;
    else if (character === "\n" && !quoted) lines += 1;
  }
  if (csv !== "" && !csv.endsWith("\n")) lines += 1;
  return Math.max(0, lines - 1);
}

/** The activity as CSV: a file where the page can save one, otherwise by the clipboard. */
export function Export({ filter }: { filter: ActivityFilter }) {
  const styles = useStyles();
  const recorder = useRecorder();
  const action = useAction();
  const [csv, setCsv] = useState<string | null>(null);
  const [copied, setCopied] = useState<boolean | null>(null);
  let said = "";
  if (action.busy) said = texts.activity.exporting;
  else if (copied !== null) said = copied ? texts.copied : texts.copyFailed;
  else if (csv !== null) {
    said = recorder.savesFiles
      ? texts.activity.exported(linesOf(csv))
      : texts.activity.ready(linesOf(csv));
  }
  return (
    <div className={styles.export}>
      <div className={styles.row}>
        <Button
          size="small"
          disabledFocusable={action.busy}
          onClick={() => {
            setCsv(null);
            setCopied(null);
            action.run(
              () => recorder.exportActivity(filter),
              (text) => {
                setCsv(text);
                if (recorder.savesFiles) saveText(text, "text/csv", texts.activity.file(today()));
              },
            );
          }}
        >
          {texts.activity.export}
        </Button>
        {/* A click of its own: the clipboard is closed to a page that nobody has just clicked. */}
        {csv !== null && !recorder.savesFiles && (
          <Button
            size="small"
            appearance="primary"
            onClick={() => {
              void copyText(csv).then(setCopied);
            }}
          >
            {texts.activity.copy}
          </Button>
        )}
        <span role="status">{said}</span>
      </div>
      {action.problem && (
        <div role="alert">
          <Notice
            compact
            intent="error"
            title={action.problem.message}
            problem={action.problem}
            onDismiss={action.dismiss}
          />
        </div>
      )}
    </div>
  );
}

const today = () => new Date().toISOString().slice(0, 10);
