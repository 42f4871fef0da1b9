import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useId, useRef } from "react";
import { type Problem, asProblem } from "../../backend";
import { DocumentText20Regular } from "../../icons";
import { RecordText } from "../../text/RecordText";

const useStyles = makeStyles({
  row: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
  },
  hint: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
});

interface Props {
  label: string;
  hint?: string;
  /** The file that was read last. */
  name: string | null;
  accept: string;
  onText: (name: string, text: string) => void;
  onFailed: (problem: Problem) => void;
}

/** Reads a text file that the person chooses. */
export function FileButton({ label, hint, name, accept, onText, onFailed }: Props) {
  const styles = useStyles();
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  return (
    <div className={styles.row}>
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        data-testid="file"
        onChange={(event) => {
          const file = event.target.files?.[0];
          // The same file can be chosen again after it was changed.
          event.target.value = "";
          if (!file) return;
          file.text().then(
            (text) => {
              onText(file.name, text);
            },
            (reason: unknown) => {
              onFailed(asProblem(reason));
            },
          );
        }}
      />
      <Button
        icon={<DocumentText20Regular />}
        aria-describedby={id}
        onClick={() => input.current?.click()}
      >
        {label}
      </Button>
      <span id={id} className={styles.hint}>
        {name === null ? hint : <RecordText lines={1}>{name}</RecordText>}
      </span>
    </div>
  );
}
