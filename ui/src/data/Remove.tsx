import { Button, Checkbox } from "@fluentui/react-components";
import { useState } from "react";
import type { LocalData } from "../backend";
import { useAction, useRecorder } from "../record/recorder";
import { texts } from "../texts";
import { Failure, Section, useFormStyles } from "./Section";

interface Props {
  data: LocalData;
  onChanged: () => void;
}

/** Entries that a person may try to send: not those that are on their way. */
const SENDABLE = new Set(["waiting", "queued", "attention"]);

/** Removes what is kept: first what will be, then it is removed. */
export function Remove({ data, onChanged }: Props) {
  const form = useFormStyles();
  const backend = useRecorder();
  const action = useAction();
  const [asking, setAsking] = useState(false);
  const [store, setStore] = useState(false);
  const [setAside, setSetAside] = useState(false);
  const [discard, setDiscard] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const blocked = store && data.unsent > 0 && !discard;
  const kept = data.aside.filter(({ name }) => name.startsWith("store"));
  return (
    <Section title={texts.data.remove} intro={texts.data.removeIntro}>
      {asking ? (
        <div className={form.form} role="group" aria-label={texts.data.remove}>
          <p className={form.text}>{texts.data.willRemove}</p>
          <ul className={form.list}>
            {texts.data
              .removed(data, store, setAside ? kept.map(({ name }) => name) : [])
              .map((part) => (
                <li key={part}>{part}</li>
              ))}
          </ul>
          <Checkbox
            label={texts.data.removeStore}
            checked={store}
            onChange={(_, { checked }) => {
              setStore(checked === true);
              setDiscard(false);
            }}
          />
          {kept.length > 0 && (
            <Checkbox
              label={texts.data.removeAside}
              checked={setAside}
              onChange={(_, { checked }) => {
                setSetAside(checked === true);
              }}
            />
          )}
          {store && data.unsent > 0 && (
            <>
              <p className={form.text}>{texts.data.unsent(data.unsent)}</p>
              <div className={form.row}>
                <Button
                  disabledFocusable={action.busy}
                  onClick={() => {
                    action.run(async () => {
                      for (const { id, state } of await backend.outbox()) {
                        if (SENDABLE.has(state)) await backend.retry(id, {});
                      }
                    }, onChanged);
                  }}
                >
                  {texts.data.sendFirst}
                </Button>
                <Button disabledFocusable={action.busy} onClick={onChanged}>
                  {texts.data.lookAgain}
                </Button>
              </div>
              <Checkbox
                label={texts.data.discardUnsent(data.unsent)}
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
              disabledFocusable={action.busy || blocked}
              onClick={() => {
                action.run(
                  () => backend.wipe({ store, setAside, discardUnsent: discard }),
                  (wiped) => {
                    setSaid(texts.data.wiped(wiped));
                    setAsking(false);
                    setStore(false);
                    setSetAside(false);
                    setDiscard(false);
                    onChanged();
                  },
                );
              }}
            >
              {action.busy ? texts.data.removing : texts.data.removeNow}
            </Button>
            <Button
              disabledFocusable={action.busy}
              onClick={() => {
                setAsking(false);
              }}
            >
              {texts.cancel}
            </Button>
          </div>
        </div>
      ) : (
        <div className={form.row}>
          <Button
            onClick={() => {
              setSaid(null);
              setAsking(true);
            }}
          >
            {texts.data.removeAsk}
          </Button>
        </div>
      )}
      <Failure problem={action.problem} onDismiss={action.dismiss} />
      <div role="status">{said !== null && <p className={form.text}>{said}</p>}</div>
    </Section>
  );
}
