import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { Field } from "../backend";
import { CopyButton, useRevealStyles } from "../text/CopyButton";
import { LongText } from "../text/LongText";
import { RecordText } from "../text/RecordText";
import { hidden } from "../text/hidden";
import { visible } from "../text/visible";
import { texts } from "../texts";
import { MINUTE, SECOND, formatDateTime, instant, spanOf, useNow } from "../time";
import { fieldText } from "./fieldText";

const useStyles = makeStyles({
  // No grid around the rows: in WebKitGTK they would keep their height when the window gets another width.
  list: { margin: 0 },
  row: {
    display: "grid",
    gridTemplateColumns: "minmax(96px, 32%) minmax(0, 1fr)",
    columnGap: tokens.spacingHorizontalM,
    minHeight: "24px",
    alignItems: "baseline",
    "& + &": { marginTop: tokens.spacingVerticalXXS },
  },
  label: {
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    minWidth: 0,
  },
  value: {
    margin: 0,
    minWidth: 0,
    lineHeight: tokens.lineHeightBase300,
    fontVariantNumeric: "tabular-nums",
  },
  // The copy button hangs into the card's edge, to leave the line to the value.
  copyable: {
    display: "flex",
    marginRight: "-10px",
    // Higher than a line; the values with a button shall stand on the same lines as those without.
    "& .copy": { marginBlock: "-2px" },
  },
  empty: { color: tokens.colorNeutralForeground3 },
  age: {
    display: "block",
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase100,
    lineHeight: tokens.lineHeightBase100,
  },
});

/** A value read at another time than the rest of its record says so itself. */
function FieldAge({ asOf }: { asOf: number }) {
  const styles = useStyles();
  const now = useNow(10 * SECOND);
  return <span className={styles.age}>{texts.age.ofField(spanOf(now - asOf))}</span>;
}

function Value({ field }: { field: Field }) {
  const styles = useStyles();
  const text = fieldText(field);
  if (text === null) {
    return (
      <span className={styles.empty}>
        <span aria-hidden>{texts.emptyValue}</span>
        <span style={hidden}>{texts.emptyValueSpoken}</span>
      </span>
    );
  }
  switch (field.kind) {
    case "email":
    case "phone":
    case "url":
      return (
        <span className={styles.copyable}>
          <RecordText lines={3} address>
            {text}
          </RecordText>
          <CopyButton key={text} text={field.value ?? text} what={field.label} />
        </span>
      );
    case "text":
    case "choice":
    case "number":
    case "money":
    case "date":
    case "datetime":
    case "boolean":
    case "lookup":
      return <LongText subject={visible(field.label)}>{text}</LongText>;
  }
}

export function Fields({ fields, recordAsOf }: { fields: Field[]; recordAsOf: string }) {
  const styles = useStyles();
  const reveal = useRevealStyles();
  const whole = instant(recordAsOf);
  return (
    <dl className={styles.list}>
      {fields.map((field) => {
        const asOf = instant(field.asOf);
        const apart = asOf !== null && whole !== null && Math.abs(whole - asOf) >= MINUTE;
        return (
          <div key={field.name} className={mergeClasses(styles.row, reveal.row)}>
            <dt className={styles.label}>
              <RecordText lines={3}>{field.label}</RecordText>
            </dt>
            <dd
              className={styles.value}
              title={asOf === null ? undefined : texts.age.readAt(formatDateTime(asOf))}
            >
              <Value field={field} />
              {apart && <FieldAge asOf={asOf} />}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
