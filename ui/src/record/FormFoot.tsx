import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useRef } from "react";
import type { Problem, RecordTable } from "../backend";
import { Notice } from "../app/Notice";
import { texts } from "../texts";

const useStyles = makeStyles({
  foot: { display: "grid", gap: tokens.spacingVerticalS },
  problem: { maxHeight: "40vh", overflowY: "auto" },
  buttons: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  ask: { margin: 0 },
  shortcut: {
    alignSelf: "center",
    marginLeft: "auto",
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground3,
  },
});

interface Props {
  table: RecordTable;
  /** Whether the agent is asked whether to throw away what was changed. */
  asking: boolean;
  busy: boolean;
  /** Nothing can be created: the form is not there, or another chat is selected. */
  blocked: boolean;
  problem: Problem | null;
  onCreate: () => void;
  onAside: () => void;
  onClose: () => void;
  onThrowAway: () => void;
  onKeep: () => void;
}

export function FormFoot(props: Props) {
  const styles = useStyles();
  const keep = useRef<HTMLButtonElement>(null);
  const { table, asking, busy, blocked, problem } = props;

  useEffect(() => {
    if (asking) keep.current?.focus();
  }, [asking]);

  if (asking) {
    return (
      <div className={styles.foot} role="group" aria-label={texts.form.discardAsk}>
        <p className={styles.ask}>{texts.form.discardAsk}</p>
        <div className={styles.buttons}>
          <Button ref={keep} onClick={props.onKeep}>
            {texts.form.keep}
          </Button>
          <Button onClick={props.onAside}>{texts.form.aside}</Button>
          <Button appearance="primary" onClick={props.onThrowAway}>
            {texts.form.throwAway}
          </Button>
        </div>
      </div>
    );
  }
  return (
    <div className={styles.foot}>
      {problem && (
        <div role="alert" className={styles.problem}>
          <Notice intent="error" title={texts.form.notCreated} problem={problem} />
        </div>
      )}
      <div className={styles.buttons}>
        <Button
          appearance="primary"
          disabledFocusable={busy || blocked}
          aria-keyshortcuts="Control+Enter"
          onClick={props.onCreate}
        >
          {busy ? texts.form.sending : texts.form.submit(table)}
        </Button>
        <Button disabled={busy} onClick={props.onClose}>
          {texts.cancel}
        </Button>
        <span className={styles.shortcut} aria-hidden>
          {texts.form.shortcut}
        </span>
      </div>
    </div>
  );
}
