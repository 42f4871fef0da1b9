import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { FieldSetting } from "../../backend";
import { Add16Regular } from "../../icons";
import { RecordText } from "../../text/RecordText";
import { brief } from "../../text/visible";
import { listAt } from "../edits";
import { MAPPED } from "../place";
import { isLocked, useSettings } from "../settings";
import { Lock } from "../parts/Lock";
import { PageHead } from "../parts/PageHead";
import { SamplePicker } from "../parts/SamplePicker";
import { Section } from "../parts/Section";
import { Tabs } from "../parts/Tabs";
import { useReorder } from "../parts/useReorder";
import { settingsTexts } from "../texts";
import { FieldRow } from "./FieldRow";
import { Suggestions } from "./Suggestions";
import { useGridStyles } from "./grid";

const said = settingsTexts.fields;

const useStyles = makeStyles({
  add: { justifySelf: "start" },
  note: { margin: 0, color: tokens.colorNeutralForeground2 },
  filled: { margin: 0, paddingLeft: tokens.spacingHorizontalXL },
});

/** What a chat is written into and what the agent sees, a table for each entity as in the guide. */
export function FieldsPage() {
  const styles = useStyles();
  const grid = useGridStyles();
  const settings = useSettings();
  const { draft, place, go, catalogue, judgement, sample, say, columnsOf } = settings;
  const table = place.fieldsOf;
  const key = `fields.${table}`;
  const rows = listAt(draft.document, key) as readonly FieldSetting[];
  const locked = isLocked(settings, key);
  const { written = true, displayed = true } =
    catalogue.tables.find((one) => one.key === table) ?? {};
  const columns = columnsOf(table).value ?? [];
  const labelOf = (row: FieldSetting | undefined) =>
    brief(columns.find(({ name }) => name === row?.column)?.label ?? row?.column ?? "", 60);
  const nameOf = (at: number) => said.field(labelOf(rows[at]));
  const filledIn = judgement?.filledIn.filter((one) => one.key === key) ?? [];

  const { list, dragged, handle } = useReorder<HTMLDivElement>({
    count: rows.length,
    move: (from, to) => {
      draft.move(key, from, to);
      say(settingsTexts.list.moved(nameOf(from), to + 1, rows.length));
    },
  });
  const add = (row: FieldSetting) => {
    draft.insert(key, rows.length, row);
  };
  return (
    <>
      <PageHead title={settingsTexts.page("fields")} lead={said.lead} />
      <Tabs
        id="fields"
        label={said.tables}
        tabs={MAPPED.map((one) => [one, settingsTexts.table(one)])}
        chosen={table}
        onChoose={(one) => {
          go({ fieldsOf: one });
        }}
      >
        <Section title={settingsTexts.sample.title}>
          <SamplePicker />
        </Section>
        <Section
          title={
            <>
              {said.grid(table)}
              {locked && <Lock />}
            </>
          }
        >
          {!written && <p className={styles.note}>{said.displayOnly}</p>}
          {judgement && !judgement.byOrganization && (
            <p className={styles.note}>{said.byStandard}</p>
          )}
          {rows.length === 0 ? (
            <p className={styles.note} data-key={key}>
              {said.empty}
            </p>
          ) : (
            <div
              ref={list}
              role="table"
              aria-label={said.grid(table)}
              className={grid.table}
              data-key={key}
            >
              <div role="rowgroup">
                <div role="row" className={mergeClasses(grid.row, grid.head)}>
                  <span role="columnheader">{said.order}</span>
                  <span role="columnheader">{said.column}</span>
                  <span role="columnheader">{said.source}</span>
                  <span role="columnheader">{said.yields}</span>
                  <span role="columnheader">{said.display}</span>
                  <span role="columnheader">{said.remove}</span>
                </div>
              </div>
              <div role="rowgroup">
                {rows.map((row, at) => (
                  <FieldRow
                    key={at}
                    table={table}
                    row={row}
                    at={`${key}.${at}`}
                    place={at}
                    count={rows.length}
                    label={labelOf(row)}
                    locked={locked}
                    written={written}
                    displayed={displayed}
                    dragged={dragged === at}
                    reorder={handle}
                    onRemove={() => {
                      draft.remove(key, at, row, nameOf(at));
                    }}
                  />
                ))}
              </div>
            </div>
          )}
          {!locked && (
            <Button
              className={styles.add}
              icon={<Add16Regular />}
              onClick={() => {
                const at = rows.length;
                add(written ? { column: "", from: "visitor.name" } : { column: "", display: true });
                requestAnimationFrame(() => {
                  document
                    .querySelector<HTMLInputElement>(`[data-key="${key}.${at}.column"] input`)
                    ?.focus();
                });
              }}
            >
              {said.add}
            </Button>
          )}
          {sample !== null && filledIn.length > 0 && (
            <div>
              <p className={styles.note}>{said.filledIn}</p>
              <ul className={styles.filled}>
                {filledIn.map(({ column, label, text }) => (
                  <li key={column}>
                    <RecordText lines={2}>{`${label}: ${text ?? ""}`}</RecordText>
                  </li>
                ))}
              </ul>
            </div>
          )}
        </Section>
        {written && !locked && (
          <Suggestions
            key={table}
            table={table}
            onTake={(suggestion) => {
              add({ column: suggestion.column, from: suggestion.from });
              say(said.taken(suggestion.label));
            }}
          />
        )}
      </Tabs>
    </>
  );
}
