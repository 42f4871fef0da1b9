import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useRef, useState } from "react";
import type { Entry } from "../backend";
import { Notice } from "../app/Notice";
import { ArrowUndo16Regular } from "../icons";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { SECOND, countdown, instant, useNow } from "../time";
import { Fields } from "./Fields";
import { useAction, useRecorder } from "./recorder";
import { type Values, keyOf, wrongIn } from "./values";

const useStyles = makeStyles({
  actions: { display: "grid", gap: tokens.spacingVerticalS, gridTemplateColumns: "minmax(0, 1fr)" },
  buttons: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  edit: {
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
    paddingTop: tokens.spacingVerticalS,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  countdown: { fontVariantNumeric: "tabular-nums" },
});

/** Takes back what was created, as long as that is possible. */
function Undo({ entry, busy, onUndo }: { entry: Entry; busy: boolean; onUndo: () => void }) {
  const styles = useStyles();
  const now = useNow(SECOND);
  const until = instant(entry.undoUntil);
  if (until === null || now >= until) return null;
  return (
    <Button
      size="small"
      className={styles.countdown}
      disabled={busy}
      icon={<ArrowUndo16Regular />}
      aria-label={texts.entry.undoSpoken(brief(entry.title))}
      onClick={onUndo}
    >
      {texts.entry.undoIn(countdown(until - now))}
    </Button>
  );
}

interface EditProps {
  entry: Entry;
  busy: boolean;
  onSend: (changed: Values) => void;
  onCancel: () => void;
}

/** The values of an entry that Dynamics did not take, to be corrected. */
function Edit({ entry, busy, onSend, onCancel }: EditProps) {
  const styles = useStyles();
  const [values, setValues] = useState<Values>({});
  const [tried, setTried] = useState(false);
  const form = useRef<HTMLDivElement>(null);
  const wrong = tried ? wrongIn(entry.values, values) : new Map<string, string>();
  const focusWrong = useRef(false);

  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, []);
  useEffect(() => {
    if (!focusWrong.current) return;
    focusWrong.current = false;
    form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  });

  const send = () => {
    setTried(true);
    if (wrongIn(entry.values, values).size > 0) {
      focusWrong.current = true;
      return;
    }
    const changed = entry.values
      .map((field): [string, string] => [keyOf(field), values[keyOf(field)] ?? field.value])
      .filter(([key, value]) =>
        entry.values.some((field) => keyOf(field) === key && field.value !== value),
      );
    onSend(Object.fromEntries(changed));
  };
  return (
    <div
      ref={form}
      className={styles.edit}
      onKeyDown={(event) => {
        if (event.key === "Enter" && event.ctrlKey) {
          event.preventDefault();
          send();
        } else if (event.key === "Escape") {
          // Closes the correction, not the dialog around it.
          event.preventDefault();
          event.stopPropagation();
          onCancel();
        }
      }}
    >
      <Fields
        fields={entry.values}
        values={values}
        wrong={wrong}
        disabled={busy}
        onChange={(key, value) => {
          setValues({ ...values, [key]: value });
        }}
      />
      <div className={styles.buttons}>
        <Button appearance="primary" size="small" disabledFocusable={busy} onClick={send}>
          {busy ? texts.form.sending : texts.entry.send}
        </Button>
        <Button size="small" disabled={busy} onClick={onCancel}>
          {texts.cancel}
        </Button>
      </div>
    </div>
  );
}

/** Asks before what was to be written is given up. */
function Discard({
  title,
  onDiscard,
  onKeep,
}: {
  title: string;
  onDiscard: () => void;
  onKeep: () => void;
}) {
  const styles = useStyles();
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    keep.current?.focus();
  }, []);
  return (
    <div
      className={styles.actions}
      role="group"
      aria-label={texts.entry.discardSpoken(title)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onKeep();
      }}
    >
      <RecordText>{texts.entry.discardAsk(title)}</RecordText>
      <div className={styles.buttons}>
        <Button size="small" appearance="primary" onClick={onDiscard}>
          {texts.entry.discard}
        </Button>
        <Button ref={keep} size="small" onClick={onKeep}>
          {texts.console.keep}
        </Button>
      </div>
    </div>
  );
}

/** What a person can do with an entry of the outbox. */
export function EntryActions({ entry, onChanged }: { entry: Entry; onChanged: () => void }) {
  const styles = useStyles();
  const recorder = useRecorder();
  const action = useAction();
  const [mode, setMode] = useState<"edit" | "discard" | null>(null);
  const buttons = useRef<HTMLDivElement>(null);
  const title = brief(entry.title);
  const unsent = ["waiting", "queued", "attention"].includes(entry.state);
  const retries = entry.state === "attention" || entry.state === "queued";
  const leave = (done: boolean) => {
    setMode(null);
    if (done) onChanged();
  };
  // What closes takes the focused button with it; the entry's own buttons take over.
  const left = useRef(false);
  useEffect(() => {
    if (mode === null && left.current) buttons.current?.querySelector("button")?.focus();
    left.current = mode !== null;
  }, [mode]);

  return (
    <div className={styles.actions}>
      {action.problem && (
        <div role="alert">
          <Notice
            compact
            intent="error"
            title={texts.entry.failed}
            problem={action.problem}
            onDismiss={action.dismiss}
          />
        </div>
      )}
      {mode === "edit" && (
        <Edit
          entry={entry}
          busy={action.busy}
          onSend={(changed) => {
            action.run(
              () => recorder.retry(entry.id, changed),
              () => {
                leave(true);
              },
            );
          }}
          onCancel={() => {
            leave(false);
          }}
        />
      )}
      {mode === "discard" && (
        <Discard
          title={title}
          onDiscard={() => {
            setMode(null);
            action.run(() => recorder.discard(entry.id), onChanged);
          }}
          onKeep={() => {
            leave(false);
          }}
        />
      )}
      {mode === null && (
        <div ref={buttons} className={styles.buttons}>
          {retries && (
            <Button
              size="small"
              disabled={action.busy}
              aria-label={texts.entry.retrySpoken(title)}
              onClick={() => {
                action.run(() => recorder.retry(entry.id, {}), onChanged);
              }}
            >
              {texts.entry.retry}
            </Button>
          )}
          {entry.state === "attention" && entry.values.length > 0 && (
            <Button
              size="small"
              disabled={action.busy}
              aria-label={texts.entry.editSpoken(title)}
              onClick={() => {
                setMode("edit");
              }}
            >
              {texts.entry.edit}
            </Button>
          )}
          {unsent && (
            <Button
              size="small"
              disabled={action.busy}
              aria-label={texts.entry.discardSpoken(title)}
              onClick={() => {
                setMode("discard");
              }}
            >
              {texts.entry.discard}
            </Button>
          )}
          <Undo
            entry={entry}
            busy={action.busy}
            onUndo={() => {
              action.run(() => recorder.undo(entry.id), onChanged);
            }}
          />
        </div>
      )}
    </div>
  );
}
