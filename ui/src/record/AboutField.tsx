import { Checkbox, Field, makeStyles, tokens } from "@fluentui/react-components";
import type { Draft } from "../backend";
import { visible } from "../text/visible";
import { texts } from "../texts";
import { LookupPicker } from "./LookupPicker";
import type { About } from "./values";

const useStyles = makeStyles({
  about: { display: "grid", gap: tokens.spacingVerticalXS, minWidth: 0 },
  detail: { overflowWrap: "anywhere" },
  check: { marginLeft: `calc(-1 * ${tokens.spacingHorizontalS})` },
});

interface Props {
  draft: Draft;
  about: About;
  wrong: string | null;
  disabled: boolean;
  onChange: (about: About) => void;
}

/** Whom a case or task is about: a record that is there, or the contact that is created along with it. */
export function AboutField({ draft, about, wrong, disabled, onChange }: Props) {
  const styles = useStyles();
  if (!draft.about) return null;
  const { record, newContact } = about;
  return (
    <div className={styles.about}>
      <Field
        label={draft.table === "case" ? texts.form.customer : texts.form.regarding}
        required={draft.about.required}
        validationState={wrong === null ? "none" : "error"}
        validationMessage={wrong ?? undefined}
        hint={
          record && record.detail !== "" ? (
            <span className={styles.detail}>{visible(record.detail)}</span>
          ) : undefined
        }
      >
        <LookupPicker
          targets={draft.about.targets}
          name={record ? visible(record.name) || texts.card.nameless : ""}
          disabled={disabled}
          onPick={(found) => {
            onChange({ record: found, newContact });
          }}
        />
      </Field>
      {record === null && (
        <Checkbox
          className={styles.check}
          label={texts.form.newContact}
          checked={newContact}
          disabled={disabled}
          onChange={(_, { checked }) => {
            onChange({ record, newContact: checked === true });
          }}
        />
      )}
    </div>
  );
}
