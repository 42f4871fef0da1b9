import { Button, Spinner, makeStyles, tokens } from "@fluentui/react-components";
import type { Remark } from "../../backend";
import { CheckmarkCircle20Regular, ErrorCircle16Regular, Warning16Regular } from "../../icons";
import { RecordText } from "../../text/RecordText";
import { pageOf } from "../place";
import { useSettings } from "../settings";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { settingsTexts } from "../texts";

const said = settingsTexts.checker;

const useStyles = makeStyles({
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  item: {
    display: "flex",
    flexWrap: "wrap",
    gap: tokens.spacingHorizontalS,
    padding: `${tokens.spacingVerticalS} 0`,
    "& + &": { borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  icon: { flexShrink: 0, paddingTop: "2px" },
  error: { color: tokens.colorPaletteRedForeground1 },
  warning: { color: tokens.colorPaletteDarkOrangeForeground1 },
  text: { flexGrow: 1, flexBasis: "240px", minWidth: 0 },
  where: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  step: { color: tokens.colorNeutralForeground2 },
  actions: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalXS },
  clean: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalS },
  green: { color: tokens.colorPaletteGreenForeground1, display: "flex" },
  note: { margin: 0, color: tokens.colorNeutralForeground2 },
});

function Remarks({ remarks, intent }: { remarks: Remark[]; intent: "error" | "warning" }) {
  const styles = useStyles();
  const { goTo } = useSettings();
  return (
    <ul className={styles.list}>
      {remarks.map(({ key, problem, other }) => (
        <li key={`${key} ${problem.code}`} className={styles.item}>
          <span className={`${styles.icon} ${styles[intent]}`} aria-hidden>
            {intent === "error" ? <ErrorCircle16Regular /> : <Warning16Regular />}
          </span>
          <div className={styles.text}>
            <RecordText>{problem.message}</RecordText>
            <RecordText className={styles.step}>{problem.nextStep}</RecordText>
            <span className={styles.where}>
              {settingsTexts.page(pageOf(key))} · <code>{key}</code>
            </span>
          </div>
          <div className={styles.actions}>
            <Button
              size="small"
              aria-label={settingsTexts.showSpoken(problem.message)}
              onClick={() => {
                goTo(key);
              }}
            >
              {settingsTexts.show}
            </Button>
            {other !== null && (
              <Button
                size="small"
                aria-label={settingsTexts.showOtherSpoken(problem.message)}
                onClick={() => {
                  goTo(other);
                }}
              >
                {settingsTexts.showOther}
              </Button>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Everything that is to be said of the draft, with the way to it. */
export function CheckerPage() {
  const styles = useStyles();
  const { judgement } = useSettings();
  const problems = judgement?.problems ?? [];
  const warnings = judgement?.warnings ?? [];
  return (
    <>
      <PageHead title={settingsTexts.page("checker")} lead={said.lead} />
      <span role="status">
        {judgement ? (
          said.summary(problems.length, warnings.length)
        ) : (
          <Spinner label={settingsTexts.notJudged} />
        )}
      </span>
      {judgement && !judgement.byOrganization && <p className={styles.note}>{said.byStandard}</p>}
      {judgement && problems.length + warnings.length === 0 && (
        <div className={styles.clean}>
          <span className={styles.green}>
            <CheckmarkCircle20Regular />
          </span>
          {said.clean}
        </div>
      )}
      {problems.length > 0 && (
        <Section title={said.problems}>
          <Remarks remarks={problems} intent="error" />
        </Section>
      )}
      {warnings.length > 0 && (
        <Section title={said.warnings}>
          <Remarks remarks={warnings} intent="warning" />
        </Section>
      )}
    </>
  );
}
