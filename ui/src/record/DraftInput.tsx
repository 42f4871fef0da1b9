import { Field, Input, Select, Textarea, makeStyles } from "@fluentui/react-components";
import { useState } from "react";
import type { DraftField } from "../backend";
import { brief, visible } from "../text/visible";
import { texts } from "../texts";
import { LookupPicker } from "./LookupPicker";

/** From this part of the longest text on, the agent is told how much is left. */
const NEAR = 0.9;

const useStyles = makeStyles({
  field: {
    minWidth: 0,
    gridTemplateColumns: "minmax(0, 1fr)",
    "& label": { overflowWrap: "anywhere" },
    "& select": { minWidth: 0, width: "100%" },
  },
  control: { minWidth: 0, width: "100%" },
  text: { minHeight: "72px", maxHeight: "240px" },
});

const pad = (number: number) => String(number).padStart(2, "0");

/** A point in time as the local time that a date field shows. */
function localTime(value: string): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return "";
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return `${day}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

function pointInTime(local: string): string {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

interface Props {
  field: DraftField;
  value: string;
  /** Whether the agent has changed it: then what was said of the value before is no longer so. */
  changed: boolean;
  /** Why it cannot be sent; known once sending was tried. */
  wrong: string | null;
  disabled: boolean;
  onChange: (value: string) => void;
}

interface ControlProps {
  field: DraftField;
  value: string;
  changed: boolean;
  disabled: boolean;
  onChange: (value: string) => void;
}

function Choice({
  value,
  options,
  ...props
}: {
  value: string;
  options: { value: string; label: string }[];
  disabled: boolean;
  className: string;
  onChange: (value: string) => void;
}) {
  const known = value === "" || options.some((option) => option.value === value);
  const { onChange, ...rest } = props;
  return (
    <Select
      {...rest}
      value={value}
      onChange={(_, data) => {
        onChange(data.value);
      }}
    >
      <option value="">{texts.form.none}</option>
      {!known && <option value={value}>{brief(texts.form.unknownChoice(value))}</option>}
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {brief(option.label)}
        </option>
      ))}
    </Select>
  );
}

const YES_NO = [
  { value: "true", label: texts.yes },
  { value: "false", label: texts.no },
];

/** The part that the agent types into; Field hands it the label and what is said of it. */
function Control({ field, value, changed, disabled, onChange, ...label }: ControlProps) {
  const styles = useStyles();
  const [picked, setPicked] = useState<string | null>(null);
  const common = { ...label, disabled, className: styles.control };
  const typed = (_: unknown, data: { value: string }) => {
    onChange(data.value);
  };
  switch (field.kind) {
    case "choice":
      return <Choice {...common} value={value} options={field.choices} onChange={onChange} />;
    case "boolean":
      return <Choice {...common} value={value} options={YES_NO} onChange={onChange} />;
    case "lookup":
      return (
        <LookupPicker
          {...label}
          targets={field.targets}
          disabled={disabled}
          name={visible(value === "" ? "" : changed ? (picked ?? value) : (field.display ?? value))}
          onPick={(found) => {
            setPicked(found?.name ?? null);
            onChange(found ? `${found.table}:${found.id}` : "");
          }}
        />
      );
    case "date":
      return <Input {...common} type="date" value={value.slice(0, 10)} onChange={typed} />;
    case "datetime":
      return (
        <Input
          {...common}
          type="datetime-local"
          value={localTime(value)}
          onChange={(_, data) => {
            onChange(pointInTime(data.value));
          }}
        />
      );
    case "number":
    case "money":
      return <Input {...common} inputMode="decimal" value={value} onChange={typed} />;
    case "email":
    case "phone":
    case "url":
      return <Input {...common} dir="ltr" value={value} onChange={typed} />;
    case "text":
      return field.multiline ? (
        <Textarea
          {...common}
          textarea={{ dir: "auto", className: styles.text }}
          resize="vertical"
          value={value}
          onChange={typed}
        />
      ) : (
        <Input {...common} dir="auto" value={value} onChange={typed} />
      );
  }
}

/** A column of a form: its label, its value, and what is to be said of it. */
export function DraftInput({ wrong, ...props }: Props) {
  const styles = useStyles();
  const { field, value, changed } = props;
  const said = changed ? null : field.problem;
  const left = field.maxLength === null ? null : field.maxLength - value.length;
  const near = left !== null && field.maxLength !== null && left <= field.maxLength * (1 - NEAR);
  const over = left !== null && left < 0 ? texts.form.tooLong(-left) : null;
  const error = over ?? wrong;
  const state = error === null ? (said === null ? "none" : "warning") : "error";
  return (
    <Field
      className={styles.field}
      label={visible(field.label)}
      required={field.required}
      validationState={state}
      validationMessage={error ?? (said === null ? undefined : visible(said))}
      hint={near && over === null && value !== "" ? texts.form.left(left) : undefined}
    >
      <Control {...props} />
    </Field>
  );
}
