import { Button, Field, Input } from "@fluentui/react-components";
import { type ReactNode, useState } from "react";
import type { LocalData, Recovered } from "../backend";
import { Notice } from "../app/Notice";
import { useAction, useRecorder } from "../record/recorder";
import { texts } from "../texts";
import { formatDateTime, instant } from "../time";
import { Failure, Section, useFormStyles } from "./Section";

/** The fewest characters of a passphrase; the back end has the last word. */
const SHORTEST = 12;

function Passphrase({
  label,
  value,
  wrong,
  disabled,
  isNew,
  onChange,
}: {
  label: string;
  value: string;
  wrong?: string | undefined;
  disabled: boolean;
  isNew: boolean;
  onChange: (value: string) => void;
}) {
  return (
    <Field label={label} {...(wrong === undefined ? {} : { validationMessage: wrong })}>
      <Input
        type="password"
        autoComplete={isNew ? "new-password" : "current-password"}
        value={value}
        disabled={disabled}
        onChange={(_, { value: next }) => {
          onChange(next);
        }}
      />
    </Field>
  );
}

function Make({ onMade, onCancel }: { onMade: (file: string) => void; onCancel: () => void }) {
  const form = useFormStyles();
  const backend = useRecorder();
  const action = useAction();
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const [file, setFile] = useState("");
  const [tried, setTried] = useState(false);
  const short =
    Array.from(passphrase).length < SHORTEST ? texts.data.passphraseShort(SHORTEST) : undefined;
  const differs = passphrase === again ? undefined : texts.data.passphraseDiffers;
  return (
    <form
      className={form.form}
      aria-label={texts.data.makeRecovery}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (short !== undefined || differs !== undefined) return;
        action.run(
          () => backend.makeRecovery(file.trim() === "" ? null : file.trim(), passphrase),
          onMade,
        );
      }}
    >
      <Passphrase
        isNew
        label={texts.data.passphraseNew}
        value={passphrase}
        wrong={tried ? short : undefined}
        disabled={action.busy}
        onChange={setPassphrase}
      />
      <Passphrase
        isNew
        label={texts.data.passphraseAgain}
        value={again}
        wrong={tried ? differs : undefined}
        disabled={action.busy}
        onChange={setAgain}
      />
      <Field label={texts.data.recoveryFile} hint={texts.data.recoveryFileHint}>
        <Input
          value={file}
          disabled={action.busy}
          onChange={(_, { value }) => {
            setFile(value);
          }}
        />
      </Field>
      <Failure problem={action.problem} onDismiss={action.dismiss} />
      <div className={form.row}>
        <Button type="submit" appearance="primary" disabledFocusable={action.busy}>
          {action.busy ? texts.data.making : texts.data.makeRecovery}
        </Button>
        <Button disabledFocusable={action.busy} onClick={onCancel}>
          {texts.cancel}
        </Button>
      </div>
    </form>
  );
}

function Use({
  onUsed,
  onCancel,
}: {
  onUsed: (recovered: Recovered) => void;
  onCancel: () => void;
}) {
  const form = useFormStyles();
  const backend = useRecorder();
  const action = useAction();
  const [file, setFile] = useState<File | null>(null);
  const [passphrase, setPassphrase] = useState("");
  const [tried, setTried] = useState(false);
  const missing = file === null ? texts.data.chooseFile : undefined;
  return (
    <form
      className={form.form}
      aria-label={texts.data.useRecovery}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (file === null) return;
        action.run(async () => backend.useRecovery(await file.text(), passphrase), onUsed);
      }}
    >
      <Field
        label={texts.data.recoveryFile}
        {...(tried && missing !== undefined ? { validationMessage: missing } : {})}
      >
        {(control) => (
          <input
            {...control}
            type="file"
            accept=".json,application/json"
            disabled={action.busy}
            onChange={(event) => {
              setFile(event.target.files?.item(0) ?? null);
            }}
          />
        )}
      </Field>
      <Passphrase
        isNew={false}
        label={texts.data.passphrase}
        value={passphrase}
        disabled={action.busy}
        onChange={setPassphrase}
      />
      <Failure problem={action.problem} onDismiss={action.dismiss} />
      <div className={form.row}>
        <Button type="submit" appearance="primary" disabledFocusable={action.busy}>
          {action.busy ? texts.data.recovering : texts.data.useRecovery}
        </Button>
        <Button disabledFocusable={action.busy} onClick={onCancel}>
          {texts.cancel}
        </Button>
      </div>
    </form>
  );
}

interface Props {
  state: NonNullable<LocalData["recovery"]>;
  onChanged: () => void;
}

/** The recovery file: whether there is one, and what it is for. */
export function Recovery({ state, onChanged }: Props) {
  const form = useFormStyles();
  const [open, setOpen] = useState<"make" | "use" | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  const madeAt = instant(state.madeAt);
  const lost = state.lost.length > 0;
  const close = (told: string | null) => {
    setOpen(null);
    setSaid(told);
    onChanged();
  };
  let body: ReactNode;
  if (open === "make") {
    body = (
      <Make
        onMade={(file) => {
          close(texts.data.recoveryMade(file));
        }}
        onCancel={() => {
          setOpen(null);
        }}
      />
    );
  } else if (open === "use") {
    body = (
      <Use
        onUsed={(recovered) => {
          close(texts.data.recovered(recovered));
        }}
        onCancel={() => {
          setOpen(null);
        }}
      />
    );
  } else {
    body = (
      <div className={form.row}>
        {lost && (
          <Button
            appearance="primary"
            onClick={() => {
              setSaid(null);
              setOpen("use");
            }}
          >
            {texts.data.useRecovery}
          </Button>
        )}
        <Button
          onClick={() => {
            setSaid(null);
            setOpen("make");
          }}
        >
          {texts.data.makeRecovery}
        </Button>
      </div>
    );
  }
  return (
    <Section title={texts.data.recovery} intro={texts.data.recoveryIntro}>
      {lost && <Notice intent="warning" title={texts.data.lost(state.lost)} problem={null} />}
      {madeAt === null ? (
        <Notice intent="info" title={texts.data.noRecovery} problem={null} />
      ) : (
        <p className={form.text}>{texts.data.recoveryMadeAt(formatDateTime(madeAt))}</p>
      )}
      {body}
      <div role="status">{said !== null && <p className={form.text}>{said}</p>}</div>
    </Section>
  );
}
