import { Combobox, Option, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useState } from "react";
import { type Found, type Problem, asProblem } from "../backend";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { useRecorder, useSettled } from "./recorder";

const SETTLE_MS = 300;

const useStyles = makeStyles({
  picker: { minWidth: 0, width: "100%" },
  list: { maxHeight: "240px", width: "100%", boxSizing: "border-box" },
  option: { minWidth: 0, display: "grid" },
  detail: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground3,
  },
});

type Answer = { text: string; found: Found[] } | { text: string; problem: Problem };

/** The records that the text finds; null until they are there. */
function useFound(targets: string[], text: string): Answer | null {
  const recorder = useRecorder();
  const settled = useSettled(text.trim(), SETTLE_MS);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const tables = targets.join(",");
  useEffect(() => {
    if (settled === "") return;
    let wanted = true;
    recorder.find(tables.split(","), settled).then(
      (found) => {
        if (wanted) setAnswer({ text: settled, found });
      },
      (reason: unknown) => {
        if (wanted) setAnswer({ text: settled, problem: asProblem(reason) });
      },
    );
    return () => {
      wanted = false;
    };
  }, [recorder, settled, tables]);
  return answer?.text === text.trim() ? answer : null;
}

function said(typed: string, answer: Answer | null): string {
  if (typed.trim() === "") return texts.form.find;
  if (answer === null) return texts.form.finding;
  if ("problem" in answer) return texts.form.findFailed(answer.problem.message);
  return texts.form.foundNone;
}

interface Props {
  targets: string[];
  /** What a person calls the chosen record; empty without one. */
  name: string;
  disabled: boolean;
  onPick: (found: Found | null) => void;
}

const keyOf = ({ table, id }: Found) => `${table}:${id}`;

/** Finds a record by typing. */
export function LookupPicker({ targets, name, disabled, onPick, ...field }: Props) {
  const styles = useStyles();
  /** What is being typed; null while the chosen record's name stands there. */
  const [typed, setTyped] = useState<string | null>(null);
  const answer = useFound(targets, typed ?? "");
  const found = answer && "found" in answer ? answer.found : [];
  return (
    <Combobox
      {...field}
      className={styles.picker}
      input={{ dir: "auto" }}
      listbox={{ className: styles.list }}
      // Anything outside a modal dialog is out of reach.
      inlinePopup
      freeform
      clearable
      disabled={disabled}
      placeholder={texts.form.find}
      value={typed ?? name}
      selectedOptions={[]}
      onChange={(event) => {
        setTyped(event.target.value);
        if (event.target.value === "" && name !== "") onPick(null);
      }}
      onBlur={() => {
        setTyped(null);
      }}
      onOptionSelect={(_, { optionValue }) => {
        setTyped(null);
        const picked = found.find((one) => keyOf(one) === optionValue);
        if (picked) onPick(picked);
        // The button that empties it.
        else if (optionValue === undefined) onPick(null);
      }}
    >
      {found.length > 0 ? (
        found.map((one) => (
          <Option key={keyOf(one)} value={keyOf(one)} text={brief(one.name)} checkIcon={null}>
            <span className={styles.option}>
              <RecordText lines={2}>{one.name || texts.card.nameless}</RecordText>
              {one.detail !== "" && (
                <RecordText lines={2} className={styles.detail}>
                  {one.detail}
                </RecordText>
              )}
            </span>
          </Option>
        ))
      ) : (
        <Option value="" disabled text="" checkIcon={null}>
          {said(typed ?? "", answer)}
        </Option>
      )}
    </Combobox>
  );
}
