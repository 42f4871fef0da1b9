import { Badge, Spinner, makeStyles, tokens } from "@fluentui/react-components";
import { useMemo } from "react";
import type { Explanation } from "../../backend";
import { Notice } from "../../app/Notice";
import { useSettled } from "../../record/recorder";
import { RecordText } from "../../text/RecordText";
import { texts } from "../../texts";
import type { IdentifiedTable } from "../place";
import { useSettings } from "../settings";
import { SamplePicker } from "../parts/SamplePicker";
import { Section } from "../parts/Section";
import { settingsTexts } from "../texts";
import { useAnswer } from "../useAnswer";

const said = settingsTexts.why;

/** Longer than for what asks nothing of Dynamics. */
const SETTLE_MS = 500;

type Explained = Explanation["tables"][number];
type RuleState = Explained["rules"][number]["state"];

const useStyles = makeStyles({
  why: { "@media (min-width: 901px)": { position: "sticky", top: tokens.spacingHorizontalL } },
  answer: {
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  rules: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  rule: {
    display: "grid",
    gap: tokens.spacingVerticalXXS,
    gridTemplateColumns: "minmax(0, 1fr)",
    justifyItems: "start",
  },
  name: { fontWeight: tokens.fontWeightSemibold },
  sentence: { fontWeight: tokens.fontWeightSemibold },
  conditions: {
    margin: 0,
    paddingLeft: tokens.spacingHorizontalL,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  quiet: { margin: 0, color: tokens.colorNeutralForeground2 },
  asking: { justifySelf: "start" },
});

const colors: Record<RuleState, "success" | "brand" | "informative" | "danger"> = {
  matched: "success",
  after: "brand",
  nobody: "informative",
  "nothing-to-ask": "informative",
  failed: "danger",
  off: "informative",
};

function Explained({ explained }: { explained: Explained }) {
  const styles = useStyles();
  return (
    <div className={styles.answer}>
      <RecordText className={styles.sentence}>{explained.sentence}</RecordText>
      {explained.problem && (
        <Notice
          compact
          intent="error"
          title={explained.problem.message}
          problem={explained.problem}
        />
      )}
      {explained.rules.length === 0 && <p className={styles.quiet}>{said.noRules}</p>}
      <ol className={styles.rules} aria-label={said.title}>
        {explained.rules.map((rule) => (
          <li key={rule.key} className={styles.rule}>
            <RecordText className={styles.name}>{rule.name}</RecordText>
            <Badge appearance="tint" color={colors[rule.state]}>
              {said.state[rule.state]}
            </Badge>
            <RecordText>{rule.sentence}</RecordText>
            {rule.conditions.length > 0 && rule.state !== "off" && (
              <ul className={styles.conditions} aria-label={said.conditions}>
                {rule.conditions.map((condition) => (
                  <li key={condition.key}>
                    <RecordText>
                      {`${condition.sentence} (${said.condition[condition.state]})`}
                    </RecordText>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}

/** What the draft's rules make of a sample visitor, asked again as they change. */
export function Why({ table }: { table: IdentifiedTable }) {
  const styles = useStyles();
  const { backend, draft, sample } = useSettings();
  const settledDraft = useSettled(draft.document, SETTLE_MS);
  const settledSample = useSettled(sample, SETTLE_MS);
  const { identification } = settledDraft;
  const ask = useMemo(() => {
    if (settledSample === null) return null;
    // The rules alone matter; the rest of the draft is whatever it was when they last changed.
    return () => backend.explain(settledDraft, settledSample);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a change elsewhere in the draft asks Dynamics nothing
  }, [backend, identification, settledSample]);
  const answer = useAnswer(ask);
  const explained = answer.value?.tables.find((one) => one.table === table);
  const settled = settledSample === sample && settledDraft === draft.document;
  const asking = sample !== null && !(settled && answer.current);
  return (
    <Section title={said.title} hint={said.intro} className={styles.why}>
      <SamplePicker />
      {sample === null && <p className={styles.quiet}>{said.choose}</p>}
      {answer.problem && (
        <div role="alert">
          <Notice
            compact
            intent="error"
            title={answer.problem.message}
            problem={answer.problem}
            action={{ label: texts.tryAgain, run: answer.again }}
          />
        </div>
      )}
      <div aria-live="polite" aria-busy={asking}>
        {explained && sample !== null && <Explained explained={explained} />}
      </div>
      {asking && <Spinner className={styles.asking} size="tiny" label={said.asking} />}
    </Section>
  );
}
