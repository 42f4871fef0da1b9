import { makeStyles, tokens } from "@fluentui/react-components";
import type { DraftField } from "../backend";
import { DraftInput } from "./DraftInput";
import { type Values, keyOf } from "./values";

const useStyles = makeStyles({
  fields: {
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
});

interface Props {
  fields: DraftField[];
  values: Values;
  /** What cannot be sent as it is, by `table.column`; empty until sending was tried. */
  wrong: ReadonlyMap<string, string>;
  disabled: boolean;
  onChange: (key: string, value: string) => void;
}

/** The values that will be written, each in the control of its kind. */
export function Fields({ fields, values, wrong, disabled, onChange }: Props) {
  const styles = useStyles();
  return (
    <div className={styles.fields}>
      {fields.map((field) => {
        const key = keyOf(field);
        const value = values[key] ?? field.value;
        return (
          <DraftInput
            key={key}
            field={field}
            value={value}
            changed={value !== field.value}
            wrong={wrong.get(key) ?? null}
            disabled={disabled}
            onChange={(next) => {
              onChange(key, next);
            }}
          />
        );
      })}
    </div>
  );
}
