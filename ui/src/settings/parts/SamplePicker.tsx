import { Button, Field, Input, Select, makeStyles, tokens } from "@fluentui/react-components";
import { useState } from "react";
import type { Sample } from "../../backend";
import { Delete16Regular } from "../../icons";
import { IconButton } from "../../text/IconButton";
import { brief } from "../../text/visible";
import { without } from "../edits";
import { useSettings } from "../settings";
import { settingsTexts } from "../texts";
import { FieldPicker } from "./pickers";

const said = settingsTexts.sample;

const useStyles = makeStyles({
  sample: {
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  value: { display: "flex", alignItems: "flex-end", gap: tokens.spacingHorizontalXS },
  grow: { flexGrow: 1, minWidth: 0 },
  // As wide as its place, not as its longest option.
  select: {
    minWidth: 0,
    gridTemplateColumns: "minmax(0, 1fr)",
    "& select": { minWidth: 0, textOverflow: "ellipsis" },
  },
});

const TYPED = "typed";
/** What every visitor can give. */
const FIRST_FIELDS = ["visitor.name", "visitor.email", "visitor.phone"];

const blank = (): Record<string, string> =>
  Object.fromEntries(FIRST_FIELDS.map((field) => [field, ""]));

/** The visitor that the draft is tried on. */
export function SamplePicker() {
  const styles = useStyles();
  const { catalogue, sample, setSample } = useSettings();
  /** What was described, should the person come back to it. */
  const [described, setDescribed] = useState<Record<string, string>>(blank);
  const labelOf = (name: string) =>
    catalogue.fields.find((field) => field.name === name)?.label ?? name;

  const describe = (values: Record<string, string>) => {
    setDescribed(values);
    setSample({ kind: TYPED, values });
  };
  const chosen = sample === null ? "" : sample.kind === TYPED ? TYPED : sample.id;
  return (
    <div className={styles.sample}>
      <Field label={said.choose}>
        <Select
          className={styles.select}
          value={chosen}
          onChange={(_, { value }) => {
            const known: Sample = { kind: "known", id: value };
            if (value === TYPED) setSample({ kind: TYPED, values: described });
            else setSample(value === "" ? null : known);
          }}
        >
          <option value="">{said.none}</option>
          {catalogue.samples.map(({ id, name, email, note }) => (
            <option key={id} value={id}>
              {brief([name || email, note].filter((part) => part !== "").join(" – "), 90)}
            </option>
          ))}
          <option value={TYPED}>{said.typed}</option>
        </Select>
      </Field>
      {sample?.kind === TYPED && (
        <div className={styles.sample} role="group" aria-label={said.values}>
          {Object.entries(sample.values).map(([field, value]) => (
            <div key={field} className={styles.value}>
              <Field label={labelOf(field)} className={styles.grow}>
                <Input
                  size="small"
                  dir="auto"
                  autoComplete="off"
                  spellCheck={false}
                  value={value}
                  onChange={(_, data) => {
                    describe({ ...sample.values, [field]: data.value });
                  }}
                />
              </Field>
              {!FIRST_FIELDS.includes(field) && (
                <IconButton
                  small
                  label={settingsTexts.list.removeSpoken(labelOf(field))}
                  hint={settingsTexts.list.remove}
                  icon={<Delete16Regular />}
                  onClick={() => {
                    describe(without(sample.values, field));
                  }}
                />
              )}
            </div>
          ))}
          <AddField
            onAdd={(field) => {
              if (!(field in sample.values)) describe({ ...sample.values, [field]: "" });
            }}
          />
        </div>
      )}
    </div>
  );
}

function AddField({ onAdd }: { onAdd: (field: string) => void }) {
  const styles = useStyles();
  const [field, setField] = useState("");
  return (
    <div className={styles.value}>
      <Field label={said.addField} className={styles.grow}>
        <FieldPicker value={field} onPick={setField} />
      </Field>
      <Button
        size="small"
        aria-label={said.addField}
        disabledFocusable={field.trim() === ""}
        onClick={() => {
          onAdd(field.trim());
          setField("");
        }}
      >
        {settingsTexts.list.add}
      </Button>
    </div>
  );
}
