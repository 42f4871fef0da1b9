import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useId, useRef } from "react";
import type { Problem } from "../backend";
import { Notice } from "../app/Notice";
import { Sheet } from "../app/Sheet";
import { settingsTexts } from "./texts";

const useStyles = makeStyles({
  text: { margin: 0 },
  actions: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
});

interface Props {
  /** What would be lost. */
  unsaved: string;
  /** Why it cannot be saved as it is. */
  obstacle: string | null;
  saving: boolean;
  busy: boolean;
  /** What did not work. */
  failure: { title: string; problem: Problem } | null;
  onSave: () => void;
  onDiscard: () => void;
  onKeep: () => void;
}

/** The window is to be closed, and not everything is saved. */
export function Leave({
  unsaved,
  obstacle,
  saving,
  busy,
  failure,
  onSave,
  onDiscard,
  onKeep,
}: Props) {
  const styles = useStyles();
  const keep = useRef<HTMLButtonElement>(null);
  const why = useId();
  // Whoever presses Enter without having read loses nothing.
  useEffect(() => {
    keep.current?.focus();
  }, []);
  return (
    <Sheet
      shape="dialog"
      title={settingsTexts.save.leaveAsk}
      onClose={() => {
        if (!busy) onKeep();
      }}
    >
      <p className={styles.text}>{unsaved}</p>
      {obstacle !== null && (
        <p id={why} className={styles.text}>
          {obstacle}
        </p>
      )}
      {failure && (
        <div role="alert">
          <Notice intent="error" title={failure.title} problem={failure.problem} />
        </div>
      )}
      <div className={styles.actions}>
        <Button
          appearance="primary"
          disabledFocusable={busy || obstacle !== null}
          aria-describedby={obstacle === null ? undefined : why}
          onClick={onSave}
        >
          {saving ? settingsTexts.save.saving : settingsTexts.save.leaveSave}
        </Button>
        <Button disabledFocusable={busy} onClick={onDiscard}>
          {settingsTexts.save.leaveDiscard}
        </Button>
        <Button ref={keep} disabledFocusable={busy} onClick={onKeep}>
          {settingsTexts.save.keep}
        </Button>
      </div>
    </Sheet>
  );
}
