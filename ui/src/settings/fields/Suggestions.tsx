import { Button, Spinner, makeStyles, tokens } from "@fluentui/react-components";
import { useMemo } from "react";
import type { Suggestion } from "../../backend";
import { Notice } from "../../app/Notice";
import { Add16Regular } from "../../icons";
import { useSettled } from "../../record/recorder";
import { texts } from "../../texts";
import type { MappedTable } from "../place";
import { useSettings } from "../settings";
import { Section } from "../parts/Section";
import { settingsTexts } from "../texts";
import { useAnswer } from "../useAnswer";

const said = settingsTexts.fields;
const SETTLE_MS = 400;

const useStyles = makeStyles({
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  item: { display: "flex", gap: tokens.spacingHorizontalS, alignItems: "center" },
  text: { flexGrow: 1, minWidth: 0, overflowWrap: "anywhere" },
  reason: {
    display: "block",
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  none: { margin: 0, color: tokens.colorNeutralForeground2 },
});

interface Props {
  table: MappedTable;
  onTake: (suggestion: Suggestion) => void;
}

/** Fields that a chat could fill, each with the reason. */
export function Suggestions({ table, onTake }: Props) {
  const styles = useStyles();
  const { backend, draft } = useSettings();
  const settled = useSettled(draft.document, SETTLE_MS);
  const ask = useMemo(() => () => backend.suggest(settled, table), [backend, settled, table]);
  const { value, problem, again } = useAnswer(ask);
  const rows = draft.document.fields[table];
  const open = value?.filter(({ column }) => !rows.some((row) => row.column === column));
  return (
    <Section title={said.suggestions} hint={said.suggestionsHint}>
      {problem && (
        <div role="alert">
          <Notice
            compact
            intent="error"
            title={problem.message}
            problem={problem}
            action={{ label: texts.tryAgain, run: again }}
          />
        </div>
      )}
      {!open && !problem && <Spinner size="tiny" label={settingsTexts.notJudged} />}
      {open?.length === 0 && <p className={styles.none}>{said.noSuggestions}</p>}
      {open && open.length > 0 && (
        <ul className={styles.list}>
          {open.map((suggestion) => (
            <li key={suggestion.column} className={styles.item}>
              <span className={styles.text}>
                {suggestion.label} ← {suggestion.fromLabel}
                <span className={styles.reason}>{suggestion.reason}</span>
              </span>
              <Button
                size="small"
                icon={<Add16Regular />}
                aria-label={said.takeSpoken(suggestion.label, suggestion.fromLabel)}
                onClick={() => {
                  onTake(suggestion);
                }}
              >
                {said.take}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
