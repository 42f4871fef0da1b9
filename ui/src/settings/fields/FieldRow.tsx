import {
  Badge,
  Field,
  Input,
  Select,
  Switch,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import type { ColumnInfo, FieldSetting } from "../../backend";
import { Delete16Regular } from "../../icons";
import { IconButton } from "../../text/IconButton";
import { RecordText } from "../../text/RecordText";
import { without } from "../edits";
import { remarkAt, useSettings } from "../settings";
import { Handle } from "../parts/Handle";
import { sentenceOf } from "../parts/Setting";
import { ColumnPicker, FieldPicker } from "../parts/pickers";
import type { useReorder } from "../parts/useReorder";
import { settingsTexts } from "../texts";
import { useGridStyles } from "./grid";

const said = settingsTexts.fields;

type Kind = keyof typeof said.kind;

const useStyles = makeStyles({
  stack: {
    display: "grid",
    gap: tokens.spacingVerticalXS,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  small: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  marks: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalXS },
  yields: { paddingTop: tokens.spacingVerticalSNudge },
  notice: { color: tokens.colorPaletteDarkOrangeForeground1 },
  nothing: { color: tokens.colorNeutralForeground3, fontStyle: "italic" },
});

function kindOf({ from, value, template }: FieldSetting): Kind {
  if (typeof from === "string") return "from";
  if (typeof value === "string") return "value";
  if (typeof template === "string") return "template";
  return "none";
}

interface Props {
  table: string;
  row: FieldSetting;
  /** The row's key path. */
  at: string;
  place: number;
  count: number;
  label: string;
  locked: boolean;
  written: boolean;
  displayed: boolean;
  dragged: boolean;
  reorder: ReturnType<typeof useReorder>["handle"];
  onRemove: () => void;
}

/** One Dynamics field: what fills it, what a sample chat yields, and whether it is displayed. */
export function FieldRow(props: Props) {
  const { table, row, at, place, count, label, locked, written, displayed } = props;
  const styles = useStyles();
  const grid = useGridStyles();
  const settings = useSettings();
  const { draft } = settings;
  const column = settings.columnsOf(table).value?.find(({ name }) => name === row.column);
  const name = said.field(label);
  return (
    <div
      role="row"
      className={mergeClasses(grid.row, props.dragged && grid.dragged)}
      data-reorder
      data-key={at}
    >
      <span role="cell" className={grid.handle}>
        <Handle what={name} place={place} count={count} disabled={locked} reorder={props.reorder} />
      </span>
      <div role="cell" className={mergeClasses(grid.column, styles.stack)}>
        <ColumnCell {...props} column={column} name={name} />
      </div>
      <div role="cell" className={mergeClasses(grid.source, styles.stack)}>
        {written && <SourceCell {...props} column={column} name={name} />}
      </div>
      <div role="cell" className={mergeClasses(grid.yields, styles.yields)}>
        {written && <YieldCell at={at} kind={kindOf(row)} />}
      </div>
      <span role="cell" className={grid.display}>
        {displayed && (
          <Switch
            aria-label={said.displaySpoken(name)}
            disabled={locked}
            checked={row.display === true}
            onChange={(_, { checked }) => {
              draft.put(`${at}.display`, checked);
            }}
          />
        )}
      </span>
      <span role="cell" className={grid.remove}>
        <IconButton
          small
          label={settingsTexts.list.removeSpoken(name)}
          icon={<Delete16Regular />}
          disabled={locked}
          onClick={props.onRemove}
        />
      </span>
    </div>
  );
}

type CellProps = Props & { column: ColumnInfo | undefined; name: string };

function ColumnCell({ table, row, at, locked, column, written }: CellProps) {
  const styles = useStyles();
  const settings = useSettings();
  const { draft } = settings;
  const said = remarkAt(settings, `${at}.column`) ?? remarkAt(settings, at);
  return (
    <div data-key={`${at}.column`} className={styles.stack}>
      <Field
        {...(said && {
          validationState: said.intent,
          validationMessage: sentenceOf(said.remark),
        })}
      >
        <ColumnPicker
          table={table}
          aria-label={settingsTexts.picker.column}
          value={row.column}
          disabled={locked}
          onPick={(next) => {
            draft.put(`${at}.column`, next);
          }}
        />
      </Field>
      {column && (
        <>
          <span className={styles.small}>{column.takes}</span>
          <span className={styles.marks}>
            {column.required && written && (
              <Badge size="small" appearance="tint" color="brand">
                {settingsTexts.picker.required}
              </Badge>
            )}
            {!column.writable && (
              <Badge size="small" appearance="tint">
                {settingsTexts.picker.readOnly}
              </Badge>
            )}
            {column.custom && (
              <Badge size="small" appearance="tint">
                {settingsTexts.picker.custom}
              </Badge>
            )}
          </span>
        </>
      )}
    </div>
  );
}

function SourceCell({ row, at, locked, column, name }: CellProps) {
  const styles = useStyles();
  const settings = useSettings();
  const { draft } = settings;
  const kind = kindOf(row);
  const part = kind === "none" ? "from" : kind;
  const remark = remarkAt(settings, `${at}.${part}`);
  return (
    <div data-key={`${at}.${part}`} className={styles.stack}>
      <Select
        aria-label={said.kindOf(name)}
        disabled={locked}
        value={kind}
        onChange={(_, { value }) => {
          const rest = without(row, "from", "value", "template");
          const sources: Record<string, Partial<FieldSetting>> = {
            from: { from: "visitor.name" },
            value: { value: "" },
            template: { template: "" },
          };
          draft.put(at, { ...rest, ...sources[value] });
        }}
      >
        {Object.entries(said.kind).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </Select>
      <Field
        {...(kind === "template" && { hint: said.templateHint })}
        {...(remark && {
          validationState: remark.intent,
          validationMessage: sentenceOf(remark.remark),
        })}
      >
        {kind === "from" ? (
          <FieldPicker
            aria-label={said.fieldOf(name)}
            value={row.from ?? ""}
            disabled={locked}
            onPick={(field) => {
              draft.put(`${at}.from`, field);
            }}
          />
        ) : kind === "value" && column && column.choices.length > 0 ? (
          <Select
            aria-label={said.valueOf(name)}
            disabled={locked}
            value={row.value ?? ""}
            onChange={(_, { value }) => {
              draft.put(`${at}.value`, value);
            }}
          >
            <option value="">{said.chooseValue}</option>
            {row.value && !column.choices.some((choice) => choice.label === row.value) && (
              <option value={row.value}>{row.value}</option>
            )}
            {column.choices.map((choice) => (
              <option key={choice.value} value={choice.label}>
                {choice.label}
              </option>
            ))}
          </Select>
        ) : kind === "none" ? null : (
          <Input
            aria-label={kind === "value" ? said.valueOf(name) : said.templateOf(name)}
            dir="auto"
            autoComplete="off"
            disabled={locked}
            value={(kind === "value" ? row.value : row.template) ?? ""}
            onChange={(_, { value }) => {
              draft.put(`${at}.${kind}`, value);
            }}
          />
        )}
      </Field>
    </div>
  );
}

function YieldCell({ at, kind }: { at: string; kind: Kind }) {
  const styles = useStyles();
  const { judgement, sample } = useSettings();
  if (kind === "none") return null;
  if (sample === null) {
    return <span className={mergeClasses(styles.small, styles.nothing)}>{said.noSample}</span>;
  }
  const row = judgement?.rows.find(({ key }) => key === at);
  if (!row) return null;
  return (
    <div className={styles.stack}>
      {row.text === null ? (
        <span className={styles.nothing}>{said.nothing}</span>
      ) : (
        <RecordText lines={3}>{row.text}</RecordText>
      )}
      {row.notice !== null && (
        <RecordText className={mergeClasses(styles.small, styles.notice)}>{row.notice}</RecordText>
      )}
    </div>
  );
}
