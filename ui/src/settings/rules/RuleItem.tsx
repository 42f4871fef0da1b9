import {
  Badge,
  Button,
  Switch,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import type { Rule } from "../../backend";
import {
  ChevronDown16Regular,
  ChevronUp16Regular,
  Copy16Regular,
  Delete16Regular,
} from "../../icons";
import { IconButton } from "../../text/IconButton";
import { RecordText } from "../../text/RecordText";
import { brief } from "../../text/visible";
import type { IdentifiedTable } from "../place";
import { remarkAt, useSettings } from "../settings";
import { Handle } from "../parts/Handle";
import { sentenceOf } from "../parts/Setting";
import type { useReorder } from "../parts/useReorder";
import { settingsTexts } from "../texts";
import { RuleEditor } from "./RuleEditor";

const said = settingsTexts.rules;

const useStyles = makeStyles({
  rule: {
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusMedium,
    padding: tokens.spacingVerticalS,
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
    backgroundColor: tokens.colorNeutralBackground1,
  },
  dragged: { boxShadow: tokens.shadow16, backgroundColor: tokens.colorNeutralBackground1Hover },
  head: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalXS },
  open: {
    flexGrow: 1,
    minWidth: 0,
    justifyContent: "flex-start",
    textAlign: "left",
    fontWeight: tokens.fontWeightRegular,
    padding: tokens.spacingVerticalXS,
  },
  texts: { display: "grid", minWidth: 0, flexGrow: 1 },
  name: { fontWeight: tokens.fontWeightSemibold },
  off: { color: tokens.colorNeutralForeground3 },
  summary: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  remark: {
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    overflowWrap: "anywhere",
  },
  error: { color: tokens.colorPaletteRedForeground1 },
  warning: { color: tokens.colorPaletteDarkOrangeForeground1 },
  buttons: { display: "flex", flexShrink: 0, flexWrap: "wrap", justifyContent: "flex-end" },
});

interface Props {
  table: IdentifiedTable;
  rule: Rule;
  at: number;
  count: number;
  locked: boolean;
  open: boolean;
  dragged: boolean;
  reorder: ReturnType<typeof useReorder>["handle"];
  onOpen: () => void;
  onCopy: () => void;
  onRemove: () => void;
}

/** A rule in its list: in a line, or open to be changed. */
export function RuleItem(props: Props) {
  const { table, rule, at, count, locked, open, dragged, reorder } = props;
  const styles = useStyles();
  const settings = useSettings();
  const { draft, catalogue } = settings;
  const columns = settings.columnsOf(table).value ?? [];
  const key = `identification.${table}.${at}`;
  const name = said.rule(brief(rule.name, 60));
  // What is wrong inside a closed rule is said on it.
  const remark = remarkAt(settings, key, !open);
  const conditions = [...(rule.all ?? []), ...(rule.any ?? [])];
  const summary = conditions.map(({ column, operator, field }) => {
    const label = columns.find((one) => one.name === column)?.label ?? column;
    const from = catalogue.fields.find((one) => one.name === field)?.label ?? field;
    return `${label} ${said.operators[operator]} ${from}`;
  });
  const word = (rule.all ?? []).length > 0 ? said.and : said.or;
  return (
    <li
      className={mergeClasses(styles.rule, dragged && styles.dragged)}
      data-reorder
      data-key={key}
    >
      <div className={styles.head}>
        <Handle what={name} place={at} count={count} disabled={locked} reorder={reorder} />
        <Button
          appearance="subtle"
          className={styles.open}
          aria-expanded={open}
          icon={open ? <ChevronUp16Regular /> : <ChevronDown16Regular />}
          onClick={props.onOpen}
        >
          <span className={styles.texts}>
            <RecordText
              lines={1}
              className={mergeClasses(styles.name, rule.off === true && styles.off)}
            >
              {rule.name.trim() === "" ? name : rule.name}
            </RecordText>
            {!open && (
              <RecordText lines={2} className={styles.summary}>
                {said.summary(summary, word)}
              </RecordText>
            )}
          </span>
        </Button>
        <div className={styles.buttons}>
          {rule.off && <Badge appearance="tint">{said.off}</Badge>}
          <Switch
            aria-label={said.onSpoken(name)}
            disabled={locked}
            checked={rule.off !== true}
            onChange={(_, { checked }) => {
              draft.put(`${key}.off`, checked ? null : true);
            }}
          />
          <IconButton
            small
            label={settingsTexts.list.copySpoken(name)}
            icon={<Copy16Regular />}
            disabled={locked}
            onClick={props.onCopy}
          />
          <IconButton
            small
            label={settingsTexts.list.removeSpoken(name)}
            icon={<Delete16Regular />}
            disabled={locked}
            onClick={props.onRemove}
          />
        </div>
      </div>
      {remark && (
        <p className={mergeClasses(styles.remark, styles[remark.intent])}>
          {sentenceOf(remark.remark)}
        </p>
      )}
      {open && <RuleEditor table={table} rule={rule} at={key} locked={locked} />}
    </li>
  );
}
