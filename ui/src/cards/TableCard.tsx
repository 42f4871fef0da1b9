import {
  Badge,
  Button,
  Skeleton,
  SkeletonItem,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { type ReactElement, useEffect, useId, useRef } from "react";
import type { Card, Problem, RecordView, Table } from "../backend";
import { Notice } from "../app/Notice";
import { cardId } from "../app/useShortcuts";
import {
  Building20Regular,
  CheckmarkCircle16Regular,
  History16Regular,
  Open16Regular,
  Person20Regular,
  Search16Regular,
  TargetArrow20Regular,
} from "../icons";
import { LinkLine } from "../links/LinkLine";
import { IconButton } from "../text/IconButton";
import { RecordText } from "../text/RecordText";
import { hidden } from "../text/hidden";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { SECOND, formatDateTime, instant, spanOf, useNow } from "../time";
import { Candidates } from "./Candidates";
import { Fields } from "./Fields";
import { reasonOf } from "./reason";

const useStyles = makeStyles({
  card: {
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusXLarge,
    boxShadow: tokens.shadow2,
    minWidth: 0,
    outlineStyle: "none",
    // The visitor's name covers the top of what scrolls.
    scrollMarginTop: "88px",
    scrollMarginBottom: tokens.spacingVerticalM,
    "&:focus": {
      outline: `2px solid ${tokens.colorStrokeFocus2}`,
      outlineOffset: "1px",
    },
  },
  head: { display: "flex", alignItems: "flex-start", gap: tokens.spacingHorizontalS },
  icon: {
    display: "flex",
    padding: "6px",
    marginTop: "2px",
    borderRadius: tokens.borderRadiusLarge,
    flexShrink: 0,
  },
  contact: {
    color: tokens.colorPaletteBlueForeground2,
    backgroundColor: tokens.colorPaletteBlueBackground2,
  },
  account: {
    color: tokens.colorPalettePurpleForeground2,
    backgroundColor: tokens.colorPalettePurpleBackground2,
  },
  lead: {
    color: tokens.colorPaletteTealForeground2,
    backgroundColor: tokens.colorPaletteTealBackground2,
  },
  titles: { flexGrow: 1, minWidth: 0 },
  table: {
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightRegular,
    color: tokens.colorNeutralForeground3,
  },
  name: {
    fontSize: tokens.fontSizeBase400,
    lineHeight: tokens.lineHeightBase400,
    fontWeight: tokens.fontWeightSemibold,
  },
  badges: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalXS },
  problem: { margin: `${tokens.spacingVerticalS} 0` },
  provenance: {
    margin: `${tokens.spacingVerticalS} 0`,
    display: "grid",
    rowGap: tokens.spacingVerticalXXS,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  line: { display: "flex", gap: tokens.spacingHorizontalXS, margin: 0, minWidth: 0 },
  lineIcon: { display: "flex", flexShrink: 0, color: tokens.colorNeutralForeground3 },
  fields: {
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    paddingTop: tokens.spacingVerticalS,
  },
  sentence: {
    margin: 0,
    color: tokens.colorNeutralForeground2,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
  noneTitle: {
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  search: { marginTop: tokens.spacingVerticalXS },
  skeleton: {
    display: "grid",
    rowGap: tokens.spacingVerticalS,
    // An answer that comes at once shall not flash an empty card.
    animationName: { from: { opacity: 0 }, to: { opacity: 1 } },
    animationDuration: tokens.durationNormal,
    animationDelay: tokens.durationFast,
    animationFillMode: "both",
  },
  short: { width: "60%" },
  loadingFields: { padding: `${tokens.spacingVerticalM} 0 ${tokens.spacingVerticalS}` },
  loadingRow: {
    display: "grid",
    gridTemplateColumns: "22% 48%",
    columnGap: "10%",
  },
});

const icons: Record<Table, ReactElement> = {
  contact: <Person20Regular />,
  account: <Building20Regular />,
  lead: <TargetArrow20Regular />,
};

function Age({ record, checking }: { record: RecordView; checking: boolean }) {
  const styles = useStyles();
  const now = useNow(10 * SECOND);
  const asOf = instant(record.asOf);
  if (asOf === null) return null;
  const span = spanOf(now - asOf);
  const age = record.source === "live" ? texts.age.live(span) : texts.age.cache(span);
  return (
    <p className={styles.line} title={texts.age.readAt(formatDateTime(asOf))}>
      <span className={styles.lineIcon}>
        <History16Regular />
      </span>
      <span>
        {age}
        {checking && record.source === "cache" && ` · ${texts.card.checking}`}
      </span>
    </p>
  );
}

function Loading({ table }: { table: Table }) {
  const styles = useStyles();
  return (
    <>
      <span style={hidden}>{texts.card.loading(table)}</span>
      <Skeleton className={styles.skeleton} aria-hidden>
        <SkeletonItem size={20} className={styles.short} />
      </Skeleton>
    </>
  );
}

const LOADING_ROWS = [1, 2, 3];

function LoadingFields() {
  const styles = useStyles();
  return (
    <Skeleton className={mergeClasses(styles.skeleton, styles.loadingFields)} aria-hidden>
      {LOADING_ROWS.map((row) => (
        <div key={row} className={styles.loadingRow}>
          <SkeletonItem size={12} />
          <SkeletonItem size={12} />
        </div>
      ))}
    </Skeleton>
  );
}

interface Props {
  table: Table;
  shortcut: string;
  card: Card;
  /** Why Dynamics gave no answer, if the card is to say so itself. */
  problem: Problem | null;
  /** Why there is none, for a card that found nothing. */
  missing: string;
  /** The live answer is still on its way. */
  checking: boolean;
  onRefresh: () => void;
  onChoose: (id: string) => void;
  onOpen: (id: string) => void;
  onUnlink: (record: RecordView) => void;
  onSearch: () => void;
}

export function TableCard({
  table,
  shortcut,
  card,
  problem,
  missing,
  checking,
  onRefresh,
  onChoose,
  onOpen,
  onUnlink,
  onSearch,
}: Props) {
  const styles = useStyles();
  const heading = useId();
  const section = useRef<HTMLElement>(null);
  const pressed = useRef(false);
  const { record } = card;
  const name = record?.name.trim() ? record.name : texts.card.nameless;

  // The button that was pressed is gone with the list or the notice it was in: the focus goes to what it brought.
  const hasProblem = problem !== null;
  useEffect(() => {
    if (pressed.current && document.activeElement === document.body) section.current?.focus();
    pressed.current = false;
  }, [record?.id, hasProblem]);

  if (card.state === "idle") return null;
  return (
    <section
      ref={section}
      id={cardId(table)}
      className={styles.card}
      tabIndex={-1}
      aria-labelledby={heading}
      aria-keyshortcuts={shortcut}
      aria-busy={card.state === "loading"}
    >
      <div className={styles.head}>
        <span className={mergeClasses(styles.icon, styles[table])}>{icons[table]}</span>
        <div className={styles.titles}>
          <h2 id={heading} className={styles.table} title={shortcut}>
            {texts.table(table)}
          </h2>
          {record && (
            <RecordText lines={2} className={styles.name}>
              {name}
            </RecordText>
          )}
          {card.state === "none" && !record && (
            <>
              <span className={styles.noneTitle}>{texts.card.none[table]}</span>
              <p className={styles.sentence}>{missing}</p>
              <Button
                size="small"
                className={styles.search}
                icon={<Search16Regular />}
                aria-label={texts.search.openFor(table)}
                onClick={onSearch}
              >
                {texts.search.open}
              </Button>
            </>
          )}
          {card.state === "failed" && (
            <span className={styles.noneTitle}>{texts.card.failed[table]}</span>
          )}
          {card.state === "loading" && !record && <Loading table={table} />}
          {record && (record.inactive || record.chosen) && (
            <div className={styles.badges}>
              {record.inactive && (
                <Badge appearance="tint" color="severe">
                  {texts.card.inactive}
                </Badge>
              )}
              {record.chosen && (
                <Badge appearance="outline" color="brand">
                  {texts.card.chosen}
                </Badge>
              )}
            </div>
          )}
        </div>
        {record && (
          <IconButton
            small
            label={texts.card.openRecord(brief(name))}
            hint={texts.card.open}
            icon={<Open16Regular />}
            onClick={() => {
              onOpen(record.id);
            }}
          />
        )}
      </div>
      {problem && (
        <div className={styles.problem}>
          <Notice
            compact
            intent={card.state === "failed" ? "error" : "warning"}
            title={card.state === "failed" ? problem.message : texts.card.unconfirmed}
            problem={problem}
            action={{
              label: texts.tryAgain,
              run: () => {
                pressed.current = true;
                onRefresh();
              },
            }}
          />
        </div>
      )}
      {card.state === "loading" && !record && <LoadingFields />}
      {record && (
        <>
          <div className={styles.provenance}>
            {record.link ? (
              <LinkLine
                link={record.link}
                name={name}
                onUnlink={() => {
                  onUnlink(record);
                }}
              />
            ) : (
              <p className={styles.line}>
                <span className={styles.lineIcon}>
                  <CheckmarkCircle16Regular />
                </span>
                <RecordText lines={4}>{reasonOf(record)}</RecordText>
              </p>
            )}
            <Age record={record} checking={checking} />
          </div>
          <div className={styles.fields}>
            {record.fields.length === 0 ? (
              <p className={styles.sentence}>{texts.card.noFields}</p>
            ) : (
              <Fields fields={record.fields} recordAsOf={record.asOf} />
            )}
          </div>
        </>
      )}
      {card.more.length > 0 && (
        <Candidates
          // Another visitor's or another choice's list starts closed.
          key={record?.id ?? "none"}
          table={table}
          candidates={card.more}
          onOpen={onOpen}
          onChoose={(id) => {
            pressed.current = true;
            onChoose(id);
          }}
        />
      )}
    </section>
  );
}
