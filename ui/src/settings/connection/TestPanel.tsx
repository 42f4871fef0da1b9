import {
  Accordion,
  AccordionHeader,
  AccordionItem,
  AccordionPanel,
  Button,
  Spinner,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { type ReactElement, useEffect, useState } from "react";
import type { ConnectionTest, SettingsDocument, TestStep } from "../../backend";
import { Notice } from "../../app/Notice";
import {
  CheckmarkCircle16Filled,
  Circle16Regular,
  ErrorCircle16Regular,
  SubtractCircle16Regular,
  Warning16Regular,
} from "../../icons";
import { RecordText } from "../../text/RecordText";
import { hidden } from "../../text/hidden";
import { same } from "../edits";
import { useSettings } from "../settings";
import { Run } from "../parts/Run";
import { Section } from "../parts/Section";
import { settingsTexts } from "../texts";
import { Privileges } from "./Privileges";

const said = settingsTexts.connection;

const useStyles = makeStyles({
  row: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
  },
  steps: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  step: { display: "flex", gap: tokens.spacingHorizontalS, minWidth: 0 },
  icon: { flexShrink: 0, display: "flex", paddingTop: "2px" },
  what: {
    flexGrow: 1,
    minWidth: 0,
    display: "grid",
    gap: tokens.spacingVerticalXXS,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  found: { color: tokens.colorNeutralForeground2 },
  quiet: { color: tokens.colorNeutralForeground3 },
  passed: { color: tokens.colorPaletteGreenForeground1 },
  warning: { color: tokens.colorPaletteDarkOrangeForeground1 },
  failed: { color: tokens.colorPaletteRedForeground1 },
  facts: {
    display: "grid",
    gridTemplateColumns: "max-content minmax(0, 1fr)",
    columnGap: tokens.spacingHorizontalM,
    margin: 0,
  },
  term: { color: tokens.colorNeutralForeground2 },
  fact: { margin: 0 },
});

function StepIcon({ state }: { state: TestStep["state"] }) {
  const styles = useStyles();
  const icons: Record<TestStep["state"], ReactElement> = {
    waiting: <Circle16Regular />,
    running: <Spinner size="extra-tiny" />,
    passed: <CheckmarkCircle16Filled />,
    warning: <Warning16Regular />,
    failed: <ErrorCircle16Regular />,
    skipped: <SubtractCircle16Regular />,
  };
  const color =
    state === "passed" || state === "warning" || state === "failed" ? styles[state] : styles.quiet;
  return (
    <span className={mergeClasses(styles.icon, color)} aria-hidden>
      {icons[state]}
    </span>
  );
}

interface StepProps {
  step: TestStep;
  onChapter: (id: string) => void;
}

function Step({ step, onChapter }: StepProps) {
  const styles = useStyles();
  const { catalogue, goTo } = useSettings();
  const { state, label, found, problem, key, guide } = step;
  const chapter = catalogue.guide.find(({ id }) => id === guide);
  const idle = state === "waiting" || state === "skipped";
  return (
    <li className={styles.step}>
      <StepIcon state={state} />
      <div className={styles.what}>
        <span className={idle ? styles.quiet : undefined}>
          {label}
          <span style={hidden}>: {said.stepState[state]}</span>
        </span>
        {found !== null && <RecordText className={styles.found}>{found}</RecordText>}
        {problem && (
          <Notice
            compact
            intent={state === "failed" ? "error" : "warning"}
            title={problem.message}
            problem={problem}
          />
        )}
        {problem && (
          <div className={styles.row}>
            {key !== null && (
              <Button
                size="small"
                aria-label={settingsTexts.showSpoken(label)}
                onClick={() => {
                  goTo(key);
                }}
              >
                {settingsTexts.show}
              </Button>
            )}
            {chapter && (
              <Button
                size="small"
                aria-label={said.showStepsSpoken(chapter.title)}
                onClick={() => {
                  onChapter(chapter.id);
                }}
              >
                {said.showSteps}
              </Button>
            )}
          </div>
        )}
      </div>
    </li>
  );
}

function outcome(test: ConnectionTest, unsaved: boolean): string {
  if (test.running) {
    const step = test.steps.find(({ state }) => state === "running");
    return step ? said.testRunning(step.label) : said.testRunning(said.testTitle);
  }
  if (test.cancelled) return said.testCancelled;
  if (!test.passed) return said.testFailed;
  return unsaved ? said.testPassedUnsaved : said.testPassed;
}

/** Examines the draft's connection, step by step. */
export function TestPanel({ onChapter }: { onChapter: (id: string) => void }) {
  const styles = useStyles();
  const settings = useSettings();
  const { backend, view, draft, sendSecret, say } = settings;
  const { test } = view;
  const { connection } = draft.document;
  /** The connection that was tested from here; a test from before this page belongs to none. */
  const [tested, setTested] = useState<SettingsDocument["connection"] | null>(null);
  const running = test?.running ?? false;
  const sentence = test ? outcome(test, draft.changed) : "";
  const outdated = tested !== null && !same(tested, connection);

  // Whether there are unsaved changes changes by saving, which has its own sentence.
  const spoken = test ? outcome(test, true) : "";
  useEffect(() => {
    say(spoken);
  }, [spoken, say]);

  const facts = [
    [said.organization, test?.organization],
    [said.version, test?.version],
    [said.user, test?.user],
  ] as const;
  return (
    <Section title={said.testTitle} hint={said.testIntro}>
      <Run
        running={running}
        start={test && !running ? said.testAgain : said.test}
        cancel={said.cancelTest}
        onStart={async () => {
          settings.setAttempted();
          setTested(connection);
          await sendSecret(() => Promise.resolve());
          await backend.testConnection(draft.document);
        }}
        onCancel={() => backend.cancelTest()}
      />
      {test && (
        <>
          <div>
            <strong>{sentence}</strong>
            {outdated && !running && <span className={styles.found}> {said.testOutdated}</span>}
          </div>
          <ol className={styles.steps} aria-label={said.steps}>
            {test.steps.map((step) => (
              <Step key={step.step} step={step} onChapter={onChapter} />
            ))}
          </ol>
          {facts.some(([, fact]) => fact) && (
            <dl className={styles.facts}>
              {facts.map(
                ([term, fact]) =>
                  fact && (
                    <div key={term} style={{ display: "contents" }}>
                      <dt className={styles.term}>{term}</dt>
                      <dd className={styles.fact}>
                        <RecordText>{fact}</RecordText>
                      </dd>
                    </div>
                  ),
              )}
            </dl>
          )}
          {test.privileges.length > 0 && (
            <>
              <Privileges privileges={test.privileges} onlyMissing />
              <Accordion collapsible>
                <AccordionItem value="all">
                  <AccordionHeader as="h3">{said.allPrivileges}</AccordionHeader>
                  <AccordionPanel>
                    <Privileges privileges={test.privileges} />
                  </AccordionPanel>
                </AccordionItem>
              </Accordion>
            </>
          )}
        </>
      )}
    </Section>
  );
}
