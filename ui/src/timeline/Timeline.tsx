import {
  Badge,
  Button,
  Spinner,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { type ReactElement, useId, useState } from "react";
import type { TimelineLine, View } from "../backend";
import { Notice } from "../app/Notice";
import {
  Briefcase16Regular,
  CalendarLtr16Regular,
  Call16Regular,
  History16Regular,
  Mail16Regular,
  Note16Regular,
  Open16Regular,
  TaskListSquareLtr16Regular,
} from "../icons";
import { IconButton } from "../text/IconButton";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { MINUTE, formatDateTime, formatDay, instant, spanOf, useNow } from "../time";

const useStyles = makeStyles({
  card: {
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusXLarge,
    boxShadow: tokens.shadow2,
    minWidth: 0,
  },
  head: {
    display: "flex",
    alignItems: "baseline",
    flexWrap: "wrap",
    columnGap: tokens.spacingHorizontalS,
  },
  title: {
    margin: 0,
    flexGrow: 1,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  small: {
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground3,
  },
  group: {
    margin: `${tokens.spacingVerticalS} 0 0`,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground2,
  },
  list: { listStyleType: "none", margin: 0, padding: 0, minWidth: 0 },
  line: {
    display: "grid",
    gridTemplateColumns: "auto minmax(0, 1fr) auto",
    columnGap: tokens.spacingHorizontalS,
    alignItems: "start",
    padding: `${tokens.spacingVerticalXS} 0`,
    "& + &": { borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  icon: { display: "flex", paddingTop: "2px", color: tokens.colorNeutralForeground3 },
  openIcon: { color: tokens.colorBrandForeground1 },
  about: { minWidth: 0 },
  facts: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    columnGap: tokens.spacingHorizontalS,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground3,
  },
  due: { color: tokens.colorPaletteRedForeground1 },
  problem: { marginTop: tokens.spacingVerticalS },
  more: { marginTop: tokens.spacingVerticalXS },
  waiting: { justifyContent: "start", padding: `${tokens.spacingVerticalS} 0` },
});

/** So many lines of what is over are shown at first. */
const FIRST = 5;

const icons: Record<string, ReactElement> = {
  case: <Briefcase16Regular />,
  note: <Note16Regular />,
  task: <TaskListSquareLtr16Regular />,
  phonecall: <Call16Regular />,
  email: <Mail16Regular />,
  appointment: <CalendarLtr16Regular />,
};

interface LineProps {
  line: TimelineLine;
  onOpen: (table: string, id: string) => void;
}

function Line({ line, onOpen }: LineProps) {
  const styles = useStyles();
  const now = useNow(MINUTE);
  const kind = texts.timeline.kind(line.kind);
  const title = line.title.trim() || texts.timeline.untitled(line.kind);
  const at = instant(line.at);
  const due = instant(line.dueAt);
  return (
    <li className={styles.line}>
      <span className={mergeClasses(styles.icon, line.open && styles.openIcon)} title={kind}>
        {icons[line.kind] ?? <History16Regular />}
      </span>
      <div className={styles.about}>
        <RecordText lines={2}>{title}</RecordText>
        <div className={styles.facts}>
          <span>{kind}</span>
          {line.status !== "" && (
            <Badge
              size="small"
              appearance={line.open ? "tint" : "outline"}
              color={line.open ? "brand" : "informative"}
            >
              {brief(line.status, 40)}
            </Badge>
          )}
          {line.detail !== "" && <RecordText lines={1}>{line.detail}</RecordText>}
          {line.company !== null && <RecordText lines={1}>{line.company}</RecordText>}
          {due !== null && (
            <span className={due < now ? styles.due : undefined}>
              {due < now
                ? texts.timeline.overdue(formatDay(due))
                : texts.timeline.due(formatDay(due))}
            </span>
          )}
          {at !== null && (
            <span title={formatDateTime(at)}>{texts.timeline.changed(spanOf(now - at))}</span>
          )}
        </div>
      </div>
      <IconButton
        small
        label={texts.card.openRecord(brief(title))}
        hint={texts.card.open}
        icon={<Open16Regular />}
        onClick={() => {
          onOpen(line.table, line.record);
        }}
      />
    </li>
  );
}

interface GroupProps extends Omit<LineProps, "line"> {
  title: string;
  lines: TimelineLine[];
}

function Group({ title, lines, onOpen }: GroupProps) {
  const styles = useStyles();
  const id = useId();
  if (lines.length === 0) return null;
  return (
    <>
      <h3 id={id} className={styles.group}>
        {title}
      </h3>
      <ul className={styles.list} aria-labelledby={id}>
        {lines.map((line) => (
          <Line key={line.id} line={line} onOpen={onOpen} />
        ))}
      </ul>
    </>
  );
}

function Age({ timeline }: { timeline: View["timeline"] }) {
  const styles = useStyles();
  const now = useNow(MINUTE);
  const asOf = instant(timeline.asOf);
  if (asOf === null) return null;
  const span = spanOf(now - asOf);
  return (
    <p className={styles.small} title={texts.age.readAt(formatDateTime(asOf))}>
      {timeline.source === "live" ? texts.age.live(span) : texts.age.cache(span)}
    </p>
  );
}

interface Props {
  timeline: View["timeline"];
  onOpen: (table: string, id: string) => void;
  onRefresh: () => void;
}

/** What happened lately around the people that were recognised. */
export function Timeline({ timeline, onOpen, onRefresh }: Props) {
  const styles = useStyles();
  const heading = useId();
  const [all, setAll] = useState(false);
  const { state, lines, problem } = timeline;
  if (state === "idle") return null;
  const open = lines.filter((line) => line.open);
  const over = lines.filter((line) => !line.open);
  const shown = all ? over : over.slice(0, FIRST);
  return (
    <section className={styles.card} aria-labelledby={heading} aria-busy={state === "loading"}>
      <div className={styles.head}>
        <h2 id={heading} className={styles.title}>
          {texts.timeline.title}
        </h2>
        <Age timeline={timeline} />
      </div>
      {problem && (
        <div className={styles.problem}>
          <Notice
            compact
            intent="warning"
            title={texts.timeline.incomplete}
            problem={problem}
            action={{ label: texts.tryAgain, run: onRefresh }}
          />
        </div>
      )}
      {state === "loading" && lines.length === 0 && (
        <Spinner size="tiny" className={styles.waiting} label={texts.timeline.loading} />
      )}
      {state === "failed" && lines.length === 0 && (
        <p className={styles.small}>{texts.timeline.failed}</p>
      )}
      {state === "known" && lines.length === 0 && problem === null && (
        <p className={styles.small}>{texts.timeline.empty}</p>
      )}
      <Group title={texts.timeline.open} lines={open} onOpen={onOpen} />
      <Group title={texts.timeline.over} lines={shown} onOpen={onOpen} />
      {over.length > FIRST && (
        <Button
          appearance="subtle"
          size="small"
          className={styles.more}
          aria-expanded={all}
          onClick={() => {
            setAll(!all);
          }}
        >
          {all ? texts.showLess : texts.timeline.more(over.length - FIRST)}
        </Button>
      )}
    </section>
  );
}
