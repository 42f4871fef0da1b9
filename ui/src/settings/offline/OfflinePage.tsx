import { makeStyles, tokens } from "@fluentui/react-components";
import { useId } from "react";
import type { CopiedByDefault } from "../../backend";
import { texts } from "../../texts";
import { useSettings } from "../settings";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { NumberSetting, SelectSetting, SwitchSetting } from "../parts/Setting";
import { settingsTexts } from "../texts";
import { EstimatePanel } from "./EstimatePanel";

const said = settingsTexts.offline;
const LONGEST_REFRESH_MINUTES = 1_440;
const LONGEST_DAYS = 3_650;

const useStyles = makeStyles({
  off: { margin: 0, color: tokens.colorNeutralForeground2, fontStyle: "italic" },
  tables: {
    display: "grid",
    gap: tokens.spacingVerticalXL,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  table: { border: "none", margin: 0, padding: 0, minWidth: 0 },
  name: {
    padding: 0,
    paddingBottom: tokens.spacingVerticalXS,
    fontWeight: tokens.fontWeightSemibold,
  },
  row: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
    gap: tokens.spacingHorizontalM,
    alignItems: "start",
    "@media (min-width: 420px)": {
      gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
      "& > :first-child": { gridColumn: "1 / -1" },
    },
    "@media (min-width: 940px)": {
      gridTemplateColumns: "minmax(0, 8fr) minmax(0, 5fr) minmax(0, 5fr)",
      "& > :first-child": { gridColumn: "auto" },
    },
  },
});

function TableSettings({ byDefault, off }: { byDefault: CopiedByDefault; off: boolean }) {
  const styles = useStyles();
  const { table, keep, changedWithinDays, forgetAfterDays } = byDefault;
  const at = `offline.${table}`;
  return (
    <fieldset className={styles.table} data-key={at}>
      <legend className={styles.name}>{texts.data.copiedTable(table)}</legend>
      <div className={styles.row}>
        <SelectSetting
          at={`${at}.keep`}
          label={said.keep}
          idle={off}
          options={Object.entries(said.keeps[table])}
          none={settingsTexts.byDefault(said.keepDefault(table, keep))}
        />
        <NumberSetting
          at={`${at}.changed_within_days`}
          label={said.within}
          hint={said.withinHint}
          idle={off}
          min={0}
          max={LONGEST_DAYS}
          fallback={[changedWithinDays, said.days(changedWithinDays)]}
        />
        <NumberSetting
          at={`${at}.forget_after_days`}
          label={said.forget}
          min={1}
          max={LONGEST_DAYS}
          fallback={[forgetAfterDays, said.days(forgetAfterDays)]}
        />
      </div>
    </fieldset>
  );
}

/** What is copied to this computer, and for how long. */
export function OfflinePage() {
  const styles = useStyles();
  const offId = useId();
  const { catalogue, draft } = useSettings();
  const off = !draft.document.offline.enabled;
  return (
    <>
      <PageHead title={settingsTexts.page("offline")} lead={said.lead} />
      <Section title={said.copies} hint={said.copiesHint}>
        <SwitchSetting at="offline.enabled" label={said.enabled} />
        {off && (
          <p id={offId} className={styles.off}>
            {said.off}
          </p>
        )}
        <NumberSetting
          at="offline.refresh_minutes"
          label={said.refresh}
          hint={said.refreshHint}
          idle={off}
          min={1}
          max={LONGEST_REFRESH_MINUTES}
        />
      </Section>
      <Section title={said.tables} hint={said.tablesHint}>
        <div className={styles.tables}>
          {catalogue.copied.map((byDefault) => (
            <TableSettings key={byDefault.table} byDefault={byDefault} off={off} />
          ))}
        </div>
      </Section>
      <EstimatePanel offBy={off ? offId : undefined} />
    </>
  );
}
