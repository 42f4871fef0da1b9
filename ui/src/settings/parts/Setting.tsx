import {
  Field,
  type FieldProps,
  Input,
  Radio,
  RadioGroup,
  Select,
  Switch,
  makeStyles,
} from "@fluentui/react-components";
import { type ReactElement, useState } from "react";
import type { Remark } from "../../backend";
import { visible } from "../../text/visible";
import { textAt, valueAt } from "../edits";
import { isLocked, remarkAt, useSettings } from "../settings";
import { settingsTexts } from "../texts";
import { Lock } from "./Lock";

const MISSING = "settings_missing_key";

const useStyles = makeStyles({
  // As narrow as its place, whatever its longest option is.
  field: { gridTemplateColumns: "minmax(0, 1fr)" },
});

/** What is wrong and what to do, as it stands beside a field. */
export function sentenceOf({ problem }: Remark): string {
  if (problem.code === MISSING) return settingsTexts.needed;
  return visible([problem.message, problem.nextStep].filter((part) => part !== "").join(" "));
}

interface Shared {
  /** The key path in the document. */
  at: string;
  label: string;
  hint?: string | undefined;
  required?: boolean;
  /** It has no effect as things are. What is wrong with it can be corrected all the same. */
  idle?: boolean;
}

interface Props extends Shared {
  /** Whether the person has left the field: what is missing is no error before. */
  touched?: boolean;
  /** What is said of anything below the key belongs here too. */
  below?: boolean;
  children: (disabled: boolean) => ReactElement;
}

/** A field of the document with what is to be said of it. */
export function Setting({
  at,
  label,
  hint,
  required,
  idle = false,
  touched = true,
  below,
  children,
}: Props) {
  const styles = useStyles();
  const settings = useSettings();
  /** Whoever corrects what is idle must not lose the field in the middle of it. */
  const [entered, setEntered] = useState(false);
  const locked = isLocked(settings, at);
  const said = remarkAt(settings, at, below);
  const early =
    said?.remark.problem.code === MISSING && !touched && !settings.attempted ? true : false;
  const validation: FieldProps =
    said && !early
      ? { validationState: said.intent, validationMessage: sentenceOf(said.remark) }
      : {};
  return (
    <div
      data-key={at}
      onFocus={() => {
        setEntered(true);
      }}
      onBlur={() => {
        setEntered(false);
      }}
    >
      <Field
        className={styles.field}
        label={
          locked
            ? {
                children: (
                  <>
                    {label}
                    <Lock />
                  </>
                ),
              }
            : label
        }
        hint={hint}
        required={required ?? false}
        {...validation}
      >
        {children(locked || (idle && !said && !entered))}
      </Field>
    </div>
  );
}

interface TextProps extends Shared {
  placeholder?: string;
  type?: "text" | "url" | "email" | "date";
  /** Whether the document has the key even when the text is empty. */
  always?: boolean;
}

/** A text; an empty one takes the key away where it may be left out. */
export function TextSetting({ placeholder, type = "text", always, ...shared }: TextProps) {
  const { draft } = useSettings();
  const [touched, setTouched] = useState(false);
  return (
    <Setting {...shared} touched={touched}>
      {(disabled) => (
        <Input
          type={type}
          spellCheck={false}
          autoComplete="off"
          autoCapitalize="off"
          dir={type === "text" ? "auto" : "ltr"}
          disabled={disabled}
          placeholder={placeholder ?? ""}
          value={textAt(draft.document, shared.at)}
          onChange={(_, { value }) => {
            draft.put(shared.at, value === "" && !always ? null : value);
          }}
          onBlur={() => {
            setTouched(true);
          }}
        />
      )}
    </Setting>
  );
}

interface NumberProps extends Shared {
  min: number;
  max: number;
  /** What holds where the key is left out, and how that is said; without it there must be a number. */
  fallback?: readonly [value: number, label: string];
}

/** A whole number; what is none stays as it was typed, so that it can be said what is wrong with it. */
export function NumberSetting({ min, max, fallback, ...shared }: NumberProps) {
  const { draft } = useSettings();
  return (
    <Setting {...shared}>
      {(disabled) => (
        <Input
          inputMode="numeric"
          autoComplete="off"
          disabled={disabled}
          placeholder={fallback ? settingsTexts.byDefault(fallback[1]) : ""}
          value={textAt(draft.document, shared.at)}
          input={{ role: "spinbutton", "aria-valuemin": min, "aria-valuemax": max }}
          onChange={(_, { value }) => {
            const typed = value.trim();
            if (typed === "" && fallback) draft.put(shared.at, null);
            else draft.put(shared.at, /^\d{1,9}$/.test(typed) ? Number(typed) : value);
          }}
          onKeyDown={(event) => {
            const step = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
            const now = valueAt(draft.document, shared.at) ?? fallback?.[0];
            if (step === 0 || typeof now !== "number" || disabled) return;
            event.preventDefault();
            draft.put(shared.at, Math.min(max, Math.max(min, now + step)));
          }}
        />
      )}
    </Setting>
  );
}

interface ChoiceProps extends Shared {
  options: readonly (readonly [value: string, label: string])[];
  /** Said when nothing is chosen; without it one is always chosen. */
  none?: string;
}

/** One of a few, which can all be seen. */
export function RadioSetting({ options, ...shared }: ChoiceProps) {
  const { draft } = useSettings();
  return (
    <Setting {...shared}>
      {(disabled) => (
        <RadioGroup
          disabled={disabled}
          value={textAt(draft.document, shared.at)}
          onChange={(_, { value }) => {
            draft.put(shared.at, value);
          }}
        >
          {options.map(([value, label]) => (
            <Radio key={value} value={value} label={label} />
          ))}
        </RadioGroup>
      )}
    </Setting>
  );
}

/** One of many. What the document says stands there too if it is none of them, so that another can be chosen. */
export function SelectSetting({ options, none, ...shared }: ChoiceProps) {
  const { draft } = useSettings();
  const now = textAt(draft.document, shared.at);
  return (
    <Setting {...shared}>
      {(disabled) => (
        <Select
          disabled={disabled}
          value={now}
          onChange={(_, { value }) => {
            draft.put(shared.at, value === "" ? null : value);
          }}
        >
          {none !== undefined && <option value="">{none}</option>}
          {options.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
          {now !== "" && !options.some(([value]) => value === now) && (
            <option value={now}>{visible(now)}</option>
          )}
        </Select>
      )}
    </Setting>
  );
}

export function SwitchSetting({ at, label }: Shared) {
  const settings = useSettings();
  const { draft } = settings;
  const locked = isLocked(settings, at);
  return (
    <div data-key={at}>
      <Switch
        disabled={locked}
        checked={valueAt(draft.document, at) === true}
        label={
          locked
            ? {
                children: (
                  <>
                    {label}
                    <Lock />
                  </>
                ),
              }
            : label
        }
        onChange={(_, { checked }) => {
          draft.put(at, checked);
        }}
      />
    </div>
  );
}
