import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useMemo } from "react";
import type { Rule } from "../../backend";
import { Add16Regular } from "../../icons";
import { brief } from "../../text/visible";
import { listAt } from "../edits";
import { IDENTIFIED, type IdentifiedTable } from "../place";
import { isLocked, useSettings } from "../settings";
import { Lock } from "../parts/Lock";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { SelectSetting } from "../parts/Setting";
import { Tabs } from "../parts/Tabs";
import { useReorder } from "../parts/useReorder";
import { settingsTexts } from "../texts";
import { RuleItem } from "./RuleItem";
import { Why } from "./Why";

const said = settingsTexts.rules;

const useStyles = makeStyles({
  columns: {
    display: "grid",
    gap: tokens.spacingHorizontalL,
    gridTemplateColumns: "minmax(0, 3fr) minmax(240px, 2fr)",
    alignItems: "start",
    "@media (max-width: 900px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  add: { justifySelf: "start" },
  empty: { margin: 0, color: tokens.colorNeutralForeground2 },
});

const fresh: Rule = {
  name: said.newName,
  any: [{ column: "", operator: "equals", field: "visitor.email" }],
};

const countries = new Intl.DisplayNames(undefined, { type: "region" });

/** Which rules recognise a visitor, and why. */
export function RulesPage() {
  const styles = useStyles();
  const settings = useSettings();
  const { draft, place, go, catalogue, say } = settings;
  const table = place.rulesOf;
  const key = `identification.${table}`;
  const rules = listAt(draft.document, key) as readonly Rule[];
  const locked = isLocked(settings, key);
  const nameOf = (at: number) => said.rule(brief(rules[at]?.name ?? "", 60));

  const options = useMemo(
    () =>
      catalogue.countries
        .map((code) => [code, `${countries.of(code) ?? code} (${code})`] as const)
        .toSorted(([, a], [, b]) => a.localeCompare(b)),
    [catalogue.countries],
  );
  const { list, dragged, handle } = useReorder<HTMLOListElement>({
    count: rules.length,
    move: (from, to) => {
      draft.move(key, from, to);
      say(settingsTexts.list.moved(nameOf(from), to + 1, rules.length));
      const { rule } = place;
      if (rule === null) return;
      if (rule === from) go({ rule: to });
      else if (from < rule && to >= rule) go({ rule: rule - 1 });
      else if (from > rule && to <= rule) go({ rule: rule + 1 });
    },
  });

  const open = (rule: number | null) => {
    go({ rule });
  };
  const insert = (at: number, rule: Rule) => {
    draft.insert(key, at, rule);
    open(at);
    requestAnimationFrame(() => {
      document.querySelector<HTMLInputElement>(`[data-key="${key}.${at}.name"] input`)?.focus();
    });
  };
  return (
    <>
      <PageHead title={settingsTexts.page("rules")} lead={said.lead} />
      <Tabs
        id="rules"
        label={said.tables}
        tabs={IDENTIFIED.map((one) => [one, settingsTexts.table(one)])}
        chosen={table}
        className={styles.columns}
        onChoose={(one) => {
          go({ rulesOf: one, rule: null });
        }}
      >
        <Section
          title={
            <>
              {said.list(table)}
              {locked && <Lock />}
            </>
          }
        >
          {rules.length === 0 && (
            <p className={styles.empty}>{table === "account" ? said.emptyAccount : said.empty}</p>
          )}
          <ol ref={list} className={styles.list} aria-label={said.list(table)} data-key={key}>
            {rules.map((rule, at) => (
              <RuleItem
                key={at}
                table={table}
                rule={rule}
                at={at}
                count={rules.length}
                locked={locked}
                open={place.rule === at}
                dragged={dragged === at}
                reorder={handle}
                onOpen={() => {
                  open(place.rule === at ? null : at);
                }}
                onCopy={() => {
                  insert(at + 1, { ...structuredClone(rule), name: said.copyName(rule.name) });
                }}
                onRemove={() => {
                  draft.remove(key, at, rule, nameOf(at));
                  if (place.rule === at) open(null);
                  else if (place.rule !== null && place.rule > at) open(place.rule - 1);
                }}
              />
            ))}
          </ol>
          {!locked && (
            <Button
              className={styles.add}
              icon={<Add16Regular />}
              onClick={() => {
                insert(rules.length, structuredClone(fresh));
              }}
            >
              {said.add}
            </Button>
          )}
        </Section>
        <Why table={table satisfies IdentifiedTable} />
      </Tabs>
      <Section title={settingsTexts.connection.more}>
        <SelectSetting
          at="identification.default_country"
          label={said.country}
          none={said.noCountry}
          options={options}
        />
      </Section>
    </>
  );
}
