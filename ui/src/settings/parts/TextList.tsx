import { Button, Field, Input, makeStyles, tokens } from "@fluentui/react-components";
import { useId, useRef } from "react";
import { Add16Regular, Delete16Regular } from "../../icons";
import { IconButton } from "../../text/IconButton";
import { brief } from "../../text/visible";
import { listAt } from "../edits";
import { isLocked, remarkAt, useSettings } from "../settings";
import { settingsTexts } from "../texts";
import { Lock } from "./Lock";
import { sentenceOf } from "./Setting";

const useStyles = makeStyles({
  group: { border: "none", margin: 0, padding: 0, minWidth: 0 },
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gap: tokens.spacingVerticalXS,
  },
  row: { display: "flex", gap: tokens.spacingHorizontalXS, alignItems: "flex-start" },
  field: { flexGrow: 1, minWidth: 0 },
  add: { justifySelf: "start", marginTop: tokens.spacingVerticalXS },
  hint: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  legend: { padding: 0 },
});

/** A list of texts: one field for each. */
export function TextList({ at, label, hint }: { at: string; label: string; hint?: string }) {
  const styles = useStyles();
  const settings = useSettings();
  const { draft } = settings;
  const group = useRef<HTMLFieldSetElement>(null);
  const id = useId();
  const locked = isLocked(settings, at);
  const entries = listAt(draft.document, at).map(String);
  return (
    <fieldset ref={group} className={styles.group} data-key={at} aria-describedby={id}>
      <legend className={styles.legend}>
        {label}
        {locked && <Lock />}
      </legend>
      <span id={id} className={styles.hint}>
        {hint}
      </span>
      <ul className={styles.list}>
        {entries.map((entry, place) => {
          const key = `${at}.${place}`;
          const said = remarkAt(settings, key);
          const what = settingsTexts.list.entry(label, place + 1);
          return (
            <li key={place} className={styles.row} data-key={key}>
              <Field
                className={styles.field}
                {...(said && {
                  validationState: said.intent,
                  validationMessage: sentenceOf(said.remark),
                })}
              >
                <Input
                  aria-label={what}
                  dir="auto"
                  spellCheck={false}
                  autoComplete="off"
                  disabled={locked}
                  value={entry}
                  onChange={(_, { value }) => {
                    draft.put(key, value);
                  }}
                />
              </Field>
              <IconButton
                label={settingsTexts.list.removeSpoken(what)}
                hint={settingsTexts.list.remove}
                icon={<Delete16Regular />}
                disabled={locked}
                onClick={() => {
                  draft.remove(at, place, entry, brief(entry, 40) || what);
                }}
              />
            </li>
          );
        })}
      </ul>
      {!locked && (
        <Button
          size="small"
          className={styles.add}
          icon={<Add16Regular />}
          aria-label={settingsTexts.list.addSpoken(label)}
          onClick={() => {
            draft.insert(at, entries.length, "");
            requestAnimationFrame(() => {
              const inputs = group.current?.querySelectorAll("input");
              inputs?.[inputs.length - 1]?.focus();
            });
          }}
        >
          {settingsTexts.list.add}
        </Button>
      )}
    </fieldset>
  );
}
