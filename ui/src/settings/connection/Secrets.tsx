import {
  Badge,
  Button,
  Field,
  Input,
  Spinner,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { useRef, useState } from "react";
import type { Secret } from "../../backend";
import { Notice } from "../../app/Notice";
import { useAction } from "../../record/recorder";
import { texts } from "../../texts";
import { useSettings } from "../settings";
import { TextSetting } from "../parts/Setting";
import { settingsTexts } from "../texts";

const said = settingsTexts.connection;

const useStyles = makeStyles({
  secrets: {
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  row: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalS}`,
  },
  input: { flexGrow: 1, minWidth: "160px" },
  grow: { flexGrow: 1 },
});

const colors = {
  "not-set": "informative",
  entered: "brand",
  set: "success",
  session: "warning",
  environment: "success",
  unknown: "warning",
} as const;

/** Nearer than this the count-down stands out. */
const SOON_DAYS = 30;

function DaysLeft({ days }: { days: number }) {
  const color = days < 0 ? "danger" : days <= SOON_DAYS ? "warning" : "informative";
  return (
    <Badge appearance="tint" color={color}>
      {said.daysLeft(days)}
    </Badge>
  );
}

/** A secret that can be entered, replaced and removed, and never be seen again. */
function SecretField({ secret }: { secret: Secret }) {
  const styles = useStyles();
  const { backend, draft, sendSecret, say } = useSettings();
  const action = useAction();
  const input = useRef<HTMLInputElement>(null);
  const [value, setValue] = useState("");
  const [replacing, setReplacing] = useState(false);
  const { name, state } = secret;
  const label = said.secret[name];
  const has = state === "set" || state === "session" || state === "entered";
  // The person signs in in the main window; nothing is typed here.
  const typed = name !== "sign-in" && state !== "environment";
  const open = typed && (!has || replacing);

  const enter = () => {
    if (value === "") return;
    const entered = value;
    setValue("");
    setReplacing(false);
    action.run(
      () => sendSecret(() => backend.enterSecret(draft.document, name, entered)),
      () => {
        say(said.secretTaken(label));
      },
    );
  };
  const forget = () => {
    setReplacing(false);
    action.run(
      () => sendSecret(() => backend.forgetSecret(draft.document, name)),
      () => {
        say(said.secretGone(label));
      },
    );
  };
  return (
    <div data-key={`secret.${name}`}>
      <Field
        label={label}
        hint={open ? said.secretHint : undefined}
        required={typed}
        {...(secret.problem && {
          validationState: "warning",
          validationMessage: `${secret.problem.message} ${secret.problem.nextStep}`,
        })}
      >
        {(control) => (
          <div className={styles.row}>
            {open && (
              <Input
                {...control}
                ref={input}
                className={styles.input}
                type="password"
                autoComplete="new-password"
                aria-label={said.enter(label)}
                value={value}
                onChange={(_, data) => {
                  setValue(data.value);
                }}
                onKeyDown={(event) => {
                  if (event.key === "Enter") enter();
                }}
                onBlur={(event) => {
                  // Not when the person has gone to the button that takes the field away.
                  if (event.relatedTarget?.getAttribute("data-cancels") !== name) enter();
                }}
              />
            )}
            {(!open || state !== "not-set") && (
              <Badge appearance="tint" color={colors[state]}>
                {said.secretState[state]}
              </Badge>
            )}
            {secret.daysLeft !== null && <DaysLeft days={secret.daysLeft} />}
            {action.busy && <Spinner size="tiny" aria-label={settingsTexts.notJudged} />}
            {open && value !== "" && (
              <Button size="small" onClick={enter}>
                {said.keepEntered}
              </Button>
            )}
            {typed && has && !replacing && (
              <Button
                size="small"
                aria-label={said.replaceSpoken(label)}
                onClick={() => {
                  setReplacing(true);
                  requestAnimationFrame(() => input.current?.focus());
                }}
              >
                {said.replace}
              </Button>
            )}
            {replacing && (
              <Button
                size="small"
                data-cancels={name}
                aria-label={said.cancelSpoken(label)}
                onClick={() => {
                  setValue("");
                  setReplacing(false);
                }}
              >
                {texts.cancel}
              </Button>
            )}
            {has && !replacing && (
              <Button
                size="small"
                appearance="subtle"
                aria-label={
                  state === "entered" ? said.forgetEnteredSpoken(label) : said.removeSpoken(label)
                }
                onClick={forget}
              >
                {state === "entered" ? said.forgetEntered : settingsTexts.list.remove}
              </Button>
            )}
          </div>
        )}
      </Field>
      {action.problem && (
        <div role="alert">
          <Notice
            compact
            intent="error"
            title={settingsTexts.failed}
            problem={action.problem}
            onDismiss={action.dismiss}
          />
        </div>
      )}
    </div>
  );
}

/** The secrets that this kind of connection needs. */
export function Secrets() {
  const styles = useStyles();
  const { secrets } = useSettings();
  if (secrets.problem) {
    return (
      <div role="alert">
        <Notice
          intent="error"
          title={settingsTexts.failed}
          problem={secrets.problem}
          action={{ label: texts.tryAgain, run: secrets.again }}
        />
      </div>
    );
  }
  const list = secrets.value ?? [];
  return (
    <div className={styles.secrets}>
      {list.map((secret) => (
        <SecretField key={secret.name} secret={secret} />
      ))}
      {list.some(({ name }) => name === "client-secret") && (
        <TextSetting
          at="connection.secret_expires_on"
          label={said.expiresOn}
          hint={said.expiresHint}
          type="date"
        />
      )}
    </div>
  );
}
