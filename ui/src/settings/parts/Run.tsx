import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { Notice } from "../../app/Notice";
import { useAction } from "../../record/recorder";
import { settingsTexts } from "../texts";

const useStyles = makeStyles({
  row: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
  },
});

interface Props {
  running: boolean;
  /** What starts it, the first time or once more. */
  start: string;
  cancel: string;
  /** Whether something is missing before it can start. */
  unready?: boolean;
  onStart: () => Promise<unknown>;
  onCancel: () => Promise<unknown>;
}

/** Starts something that takes its time, cancels it, and says why it could do neither. */
export function Run({ running, start, cancel, unready = false, onStart, onCancel }: Props) {
  const styles = useStyles();
  const starting = useAction();
  const cancelling = useAction();
  const problem = starting.problem ?? cancelling.problem;
  return (
    <>
      <div className={styles.row}>
        <Button
          appearance={running ? "secondary" : "primary"}
          disabledFocusable={starting.busy || running || unready}
          onClick={() => {
            starting.run(onStart);
          }}
        >
          {start}
        </Button>
        {running && (
          <Button
            disabledFocusable={cancelling.busy}
            onClick={() => {
              cancelling.run(onCancel);
            }}
          >
            {cancel}
          </Button>
        )}
      </div>
      {problem && (
        <div role="alert">
          <Notice
            intent="error"
            title={settingsTexts.failed}
            problem={problem}
            onDismiss={() => {
              starting.dismiss();
              cancelling.dismiss();
            }}
          />
        </div>
      )}
    </>
  );
}
