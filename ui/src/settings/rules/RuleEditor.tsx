import {
  Button,
  Field,
  Radio,
  RadioGroup,
  Select,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import type { Condition, Rule } from "../../backend";
import { Add16Regular, Delete16Regular } from "../../icons";
import { IconButton } from "../../text/IconButton";
import { without } from "../edits";
import { useSettings } from "../settings";
import { Setting, TextSetting } from "../parts/Setting";
import { ColumnPicker, FieldPicker } from "../parts/pickers";
import { settingsTexts } from "../texts";

const said = settingsTexts.rules;

const useStyles = makeStyles({
  editor: {
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
    padding: `0 ${tokens.spacingHorizontalS} ${tokens.spacingVerticalXS}`,
  },
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  condition: {
    display: "grid",
    gap: tokens.spacingHorizontalS,
    gridTemplateColumns: "minmax(0, 1fr) 124px auto",
    alignItems: "start",
    paddingBottom: tokens.spacingVerticalM,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    // The Comm100 field has a line of its own, below the column and how they are compared.
    "& > :nth-child(3)": { gridColumn: "1 / 3", gridRow: 2 },
  },
  remove: { paddingTop: "26px" },
  add: { justifySelf: "start" },
});

const ALL_OPERATORS = Object.keys(said.operators) as Condition["operator"][];

interface Props {
  table: string;
  rule: Rule;
  /** The rule's key path. */
  at: string;
  locked: boolean;
}

/** The name and the conditions of a rule. */
export function RuleEditor({ table, rule, at, locked }: Props) {
  const styles = useStyles();
  const { draft } = useSettings();
  const { all, any } = rule;
  const mode = all && (all.length > 0 || !any) ? "all" : "any";
  const list = `${at}.${mode}`;
  const conditions = rule[mode] ?? [];
  return (
    <div className={styles.editor}>
      <TextSetting at={`${at}.name`} label={said.name} hint={said.nameHint} required always />
      <Field label={said.match}>
        <RadioGroup
          layout="horizontal"
          disabled={locked}
          value={mode}
          onChange={(_, { value }) => {
            const rest = without(rule, "all", "any");
            draft.put(at, { ...rest, [value]: [...(all ?? []), ...(any ?? [])] });
          }}
        >
          <Radio value="any" label={said.matchAny} />
          <Radio value="all" label={said.matchAll} />
        </RadioGroup>
      </Field>
      <ol className={styles.list} aria-label={said.conditions} data-key={list}>
        {conditions.map((condition, place) => (
          <ConditionRow
            key={place}
            table={table}
            condition={condition}
            at={`${list}.${place}`}
            name={said.condition(place + 1)}
            locked={locked}
            onRemove={() => {
              draft.remove(list, place, condition, said.condition(place + 1));
            }}
          />
        ))}
      </ol>
      {!locked && (
        <Button
          size="small"
          className={styles.add}
          icon={<Add16Regular />}
          onClick={() => {
            const next = conditions.length;
            const field = conditions[next - 1]?.field ?? "visitor.email";
            draft.insert(list, next, { column: "", operator: "equals", field });
            requestAnimationFrame(() => {
              document
                .querySelector<HTMLInputElement>(`[data-key="${list}.${next}.column"] input`)
                ?.focus();
            });
          }}
        >
          {said.addCondition}
        </Button>
      )}
    </div>
  );
}

interface ConditionProps {
  table: string;
  condition: Condition;
  at: string;
  name: string;
  locked: boolean;
  onRemove: () => void;
}

function ConditionRow({ table, condition, at, name, locked, onRemove }: ConditionProps) {
  const styles = useStyles();
  const { draft, columnsOf } = useSettings();
  const known = columnsOf(table).value?.find((column) => column.name === condition.column);
  const fitting = ALL_OPERATORS.filter(
    (operator) => !known || known.operators.includes(operator) || operator === condition.operator,
  );
  return (
    <li className={styles.condition} data-key={at} aria-label={name}>
      <Setting
        at={`${at}.column`}
        label={settingsTexts.picker.column}
        hint={known?.kind === "lookup" ? said.comparedRow(known.byName) : undefined}
      >
        {() => (
          <ColumnPicker
            table={table}
            compared
            value={condition.column}
            disabled={locked}
            onPick={(column) => {
              const takes = columnsOf(table).value?.find((one) => one.name === column)?.operators;
              const fits = !takes || takes.length === 0 || takes.includes(condition.operator);
              draft.put(at, {
                ...condition,
                column,
                operator: fits ? condition.operator : "equals",
              });
            }}
          />
        )}
      </Setting>
      <Setting at={`${at}.operator`} label={said.operator}>
        {() => (
          <Select
            disabled={locked}
            value={condition.operator}
            onChange={(_, { value }) => {
              draft.put(`${at}.operator`, value);
            }}
          >
            {fitting.map((operator) => (
              <option key={operator} value={operator}>
                {said.operators[operator]}
              </option>
            ))}
          </Select>
        )}
      </Setting>
      <Setting at={`${at}.field`} label={settingsTexts.picker.field}>
        {() => (
          <FieldPicker
            value={condition.field}
            disabled={locked}
            onPick={(field) => {
              draft.put(`${at}.field`, field);
            }}
          />
        )}
      </Setting>
      <div className={styles.remove}>
        <IconButton
          small
          label={settingsTexts.list.removeSpoken(name)}
          hint={settingsTexts.list.remove}
          icon={<Delete16Regular />}
          disabled={locked}
          onClick={onRemove}
        />
      </div>
    </li>
  );
}
