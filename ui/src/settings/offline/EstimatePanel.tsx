import { Button, Spinner, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useState } from "react";
import type { CopiedByDefault, OfflineEstimate, SettingsDocument } from "../../backend";
import { Notice } from "../../app/Notice";
import { useAction } from "../../record/recorder";
import { texts } from "../../texts";
import { same } from "../edits";
import { useSettings } from "../settings";
import { Section } from "../parts/Section";
import { settingsTexts } from "../texts";

const said = settingsTexts.offline;

const useStyles = makeStyles({
  row: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
  },
  quiet: { margin: 0, color: tokens.colorNeutralForeground2 },
  table: {
    borderCollapse: "collapse",
    width: "100%",
    "& th, & td": {
      textAlign: "left",
      verticalAlign: "top",
      padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalS}`,
      borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    },
    "& td": { fontVariantNumeric: "tabular-nums" },
  },
});

type Asked = SettingsDocument["offline"];

interface Answered {
  to: Asked;
  tables: OfflineEstimate[];
}

function copiesOf(
  { table, copies, orMore }: OfflineEstimate,
  asked: Asked,
  byDefault: readonly CopiedByDefault[],
): string {
  if (copies !== null) return said.count(copies, orMore);
  const keep = asked[table].keep ?? byDefault.find((one) => one.table === table)?.keep;
  return keep === "of-contacts" ? said.ofContacts : said.untold;
}

interface Props {
  /** The id of what says that nothing is copied at all; undefined where something is. */
  offBy: string | undefined;
}

/** Asks Dynamics how much the draft would copy. */
export function EstimatePanel({ offBy }: Props) {
  const styles = useStyles();
  const { backend, catalogue, draft, say } = useSettings();
  const action = useAction();
  const [answered, setAnswered] = useState<Answered | null>(null);
  const { offline } = draft.document;
  const outdated = answered !== null && !same(answered.to, offline);
  const spoken = action.busy ? said.estimating : answered && !action.problem ? said.estimated : "";

  useEffect(() => {
    say(spoken);
  }, [spoken, say]);

  return (
    <Section title={said.amount} hint={said.amountHint}>
      <div className={styles.row}>
        <Button
          disabledFocusable={action.busy || offBy !== undefined}
          aria-describedby={offBy}
          onClick={() => {
            action.run(
              () => backend.estimate(draft.document),
              (tables) => {
                setAnswered({ to: offline, tables });
              },
            );
          }}
        >
          {said.estimate}
        </Button>
        {action.busy && <Spinner size="tiny" label={said.estimating} />}
      </div>
      {action.problem && (
        <div role="alert">
          <Notice
            intent="error"
            title={settingsTexts.failed}
            problem={action.problem}
            onDismiss={action.dismiss}
          />
        </div>
      )}
      {outdated && <p className={styles.quiet}>{said.estimateOutdated}</p>}
      {answered?.tables.length === 0 && <p className={styles.quiet}>{said.nothing}</p>}
      {answered && answered.tables.length > 0 && (
        <table className={styles.table} aria-label={said.amount}>
          <thead>
            <tr>
              <th scope="col">{said.table}</th>
              <th scope="col">{said.rows}</th>
              <th scope="col">{said.wouldBeCopied}</th>
            </tr>
          </thead>
          <tbody>
            {answered.tables.map((estimate) => (
              <tr key={estimate.table}>
                <th scope="row">{texts.data.copiedTable(estimate.table)}</th>
                <td>{estimate.rows === null ? said.untold : said.count(estimate.rows)}</td>
                <td>{copiesOf(estimate, answered.to, catalogue.copied)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
