import { Button, Checkbox, Field, Input } from "@fluentui/react-components";
import { useState } from "react";
import type { Receipt, Traces, Whom } from "../backend";
import { Notice } from "../app/Notice";
import { useAction, useRecorder } from "../record/recorder";
import { saveText } from "../activity/saveText";
import { CopyButton } from "../text/CopyButton";
import { texts } from "../texts";
import { formatDateTime, instant } from "../time";
import { Failure, Section, useFormStyles } from "./Section";

/** An e-mail address has an @, a telephone number has none. */
function whomOf(text: string): Whom {
  const value = text.trim();
  return value.includes("@") ? { email: value, phone: null } : { email: null, phone: value };
}

function isNothing(traces: Traces): boolean {
  return (
    traces.copies +
      traces.answers +
      traces.entries +
      traces.lines +
      traces.links +
      traces.logLines ===
      0 && traces.unsent.length === 0
  );
}

function Found({ traces }: { traces: Traces }) {
  const form = useFormStyles();
  const parts = texts.data.traces(traces);
  return (
    <>
      <p className={form.text}>
        {isNothing(traces) ? texts.data.nothingFound : texts.data.wouldErase}
      </p>
      {parts.length > 0 && (
        <ul className={form.list}>
          {parts.map((part) => (
            <li key={part}>{part}</li>
          ))}
        </ul>
      )}
      {traces.unreadable.length > 0 && (
        <Notice intent="warning" title={texts.data.unreadable(traces.unreadable)} problem={null} />
      )}
    </>
  );
}

function ReceiptShown({ receipt, onDone }: { receipt: Receipt; onDone: () => void }) {
  const form = useFormStyles();
  const backend = useRecorder();
  return (
    <div className={form.form}>
      <div role="status">
        <p className={form.text}>{texts.data.forgotten}</p>
      </div>
      <pre className={form.receipt} tabIndex={0} aria-label={texts.data.receipt}>
        {receipt.text}
      </pre>
      <div className={form.row}>
        <Button appearance="primary" onClick={onDone}>
          {texts.data.done}
        </Button>
        {backend.savesFiles && (
          <Button
            onClick={() => {
              const document = { ...receipt, text: undefined };
              saveText(
                JSON.stringify(document, null, 2),
                "application/json",
                texts.data.receiptFile(receipt.at.slice(0, 10)),
              );
            }}
          >
            {texts.data.saveReceipt}
          </Button>
        )}
        <CopyButton text={receipt.text} what={texts.data.receiptCopy} />
      </div>
    </div>
  );
}

/** Forgets one person: first what would be erased, then it is erased, then the receipt. */
export function Forget({ onChanged }: { onChanged: () => void }) {
  const form = useFormStyles();
  const backend = useRecorder();
  const action = useAction();
  const [text, setText] = useState("");
  const [looked, setLooked] = useState<{ whom: Whom; traces: Traces } | null>(null);
  const [discard, setDiscard] = useState(false);
  const [receipt, setReceipt] = useState<Receipt | null>(null);
  const look = (whom: Whom) => {
    action.run(
      () => backend.traces(whom),
      (traces) => {
        setDiscard(false);
        setLooked({ whom, traces });
      },
    );
  };
  if (receipt) {
    return (
      <Section title={texts.data.forget}>
        <ReceiptShown
          receipt={receipt}
          onDone={() => {
            setReceipt(null);
          }}
        />
      </Section>
    );
  }
  const unsent = looked?.traces.unsent ?? [];
  return (
    <Section title={texts.data.forget} intro={texts.data.forgetIntro}>
      <form
        className={form.form}
        aria-label={texts.data.forget}
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== "") look(whomOf(text));
        }}
      >
        <Field label={texts.data.whom}>
          <Input
            value={text}
            disabled={action.busy}
            onChange={(_, { value }) => {
              setText(value);
              setLooked(null);
            }}
          />
        </Field>
        {looked === null && (
          <div className={form.row}>
            <Button type="submit" disabledFocusable={action.busy || text.trim() === ""}>
              {action.busy ? texts.data.looking : texts.data.look}
            </Button>
          </div>
        )}
      </form>
      {looked && (
        <>
          <div role="status" className={form.form}>
            <Found traces={looked.traces} />
          </div>
          {unsent.length > 0 && (
            <>
              <p className={form.text}>{texts.data.unsentOfPerson(unsent.length)}</p>
              <ul className={form.list}>
                {unsent.map(({ id, since }) => {
                  const at = instant(since);
                  return <li key={id}>{at === null ? id : formatDateTime(at)}</li>;
                })}
              </ul>
              <div className={form.row}>
                <Button
                  disabledFocusable={action.busy}
                  onClick={() => {
                    action.run(
                      async () => {
                        for (const { id } of unsent) await backend.retry(id, {});
                        return backend.traces(looked.whom);
                      },
                      (traces) => {
                        setLooked({ ...looked, traces });
                      },
                    );
                  }}
                >
                  {texts.data.sendFirst}
                </Button>
                <Button
                  disabledFocusable={action.busy}
                  onClick={() => {
                    look(looked.whom);
                  }}
                >
                  {texts.data.lookAgain}
                </Button>
              </div>
              <Checkbox
                label={texts.data.discardUnsent(unsent.length)}
                checked={discard}
                onChange={(_, { checked }) => {
                  setDiscard(checked === true);
                }}
              />
            </>
          )}
          <div className={form.row}>
            <Button
              appearance="primary"
              disabledFocusable={action.busy || (unsent.length > 0 && !discard)}
              onClick={() => {
                action.run(
                  () => backend.forget(looked.whom, discard),
                  (answer) => {
                    setReceipt(answer);
                    setLooked(null);
                    setText("");
                    onChanged();
                  },
                );
              }}
            >
              {action.busy ? texts.data.erasing : texts.data.eraseNow}
            </Button>
            <Button
              disabledFocusable={action.busy}
              onClick={() => {
                setLooked(null);
              }}
            >
              {texts.cancel}
            </Button>
          </div>
        </>
      )}
      <Failure problem={action.problem} onDismiss={action.dismiss} />
    </Section>
  );
}
