import { Avatar, Badge, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactElement } from "react";
import type { Visitor } from "../backend";
import {
  Building16Regular,
  Globe16Regular,
  Location16Regular,
  Mail16Regular,
  People16Regular,
  Phone16Regular,
} from "../icons";
import { KnownIcon } from "../record/KnownIcon";
import { CopyButton, useRevealStyles } from "../text/CopyButton";
import { RecordText } from "../text/RecordText";
import { hidden } from "../text/hidden";
import { brief, visible } from "../text/visible";
import { texts } from "../texts";
import { DAY, SECOND, formatDateTime, instant, spanOf, useNow } from "../time";

const useStyles = makeStyles({
  // Stays while the cards scroll: whose records these are is always in sight.
  top: {
    position: "sticky",
    top: 0,
    zIndex: 1,
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalM,
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    backgroundColor: tokens.colorNeutralBackground1,
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
  },
  only: { paddingTop: tokens.spacingVerticalM, paddingBottom: tokens.spacingVerticalM },
  who: { flexGrow: 1, minWidth: 0 },
  name: {
    margin: 0,
    minWidth: 0,
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold,
  },
  nameRow: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalS, minWidth: 0 },
  none: { color: tokens.colorNeutralForeground2 },
  chat: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: `${tokens.spacingVerticalXXS} ${tokens.spacingHorizontalS}`,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground3,
  },
  department: {
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalXS,
    minWidth: 0,
  },
  liveDot: {
    width: "6px",
    height: "6px",
    borderRadius: tokens.borderRadiusCircular,
    backgroundColor: "currentcolor",
    forcedColorAdjust: "none",
  },
  details: {
    display: "flex",
    flexWrap: "wrap",
    margin: 0,
    padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalM}`,
    backgroundColor: tokens.colorNeutralBackground1,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    columnGap: tokens.spacingHorizontalM,
  },
  detail: {
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalXS,
    minHeight: "24px",
    maxWidth: "100%",
    minWidth: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
  icon: { display: "flex", color: tokens.colorNeutralForeground3, flexShrink: 0 },
  value: { margin: 0, display: "flex", alignItems: "center", minWidth: 0 },
});

interface Detail {
  label: string;
  value: string;
  icon: ReactElement;
  copy: boolean;
}

function detailsOf(visitor: Visitor): Detail[] {
  const t = texts.visitor;
  return [
    { label: t.email, value: visitor.email, icon: <Mail16Regular />, copy: true },
    { label: t.phone, value: visitor.phone, icon: <Phone16Regular />, copy: true },
    { label: t.company, value: visitor.company, icon: <Building16Regular />, copy: false },
    { label: t.location, value: visitor.location, icon: <Location16Regular />, copy: false },
    { label: t.page, value: visitor.page, icon: <Globe16Regular />, copy: false },
  ].filter(({ value }) => value.trim() !== "");
}

/** Statuses that say no more than the badge does. */
const PLAIN_STATUSES = ["", "chatting", "chat ended"];

function ChatState({ visitor }: { visitor: Visitor }) {
  const styles = useStyles();
  const now = useNow(10 * SECOND);
  const started = instant(visitor.startedAt);
  const status = visitor.chatStatus.trim();
  const department = visitor.department.trim();
  return (
    <div className={styles.chat}>
      <Badge
        appearance="tint"
        color={visitor.ended ? "informative" : "success"}
        icon={visitor.ended ? undefined : <span className={styles.liveDot} />}
      >
        {visitor.ended ? texts.visitor.ended : texts.visitor.live}
      </Badge>
      {!PLAIN_STATUSES.includes(status.toLowerCase()) && (
        <RecordText lines={1}>{status}</RecordText>
      )}
      {started !== null && (
        <span title={texts.visitor.started(formatDateTime(started))}>
          {visitor.ended || now - started >= DAY
            ? texts.visitor.started(formatDateTime(started))
            : texts.visitor.lasting(spanOf(now - started))}
        </span>
      )}
      {department !== "" && (
        <span className={styles.department} title={texts.visitor.department}>
          <span className={styles.icon}>
            <People16Regular />
          </span>
          <span style={hidden}>{texts.visitor.department}</span>
          <RecordText lines={1}>{department}</RecordText>
        </span>
      )}
    </div>
  );
}

interface Props {
  visitor: Visitor | null;
  /** The records that were found, where no more than an icon shall say so; null where the cards do. */
  known: string | null;
}

export function VisitorHeader({ visitor, known }: Props) {
  const styles = useStyles();
  const reveal = useRevealStyles();
  if (!visitor) {
    return (
      <div className={mergeClasses(styles.top, styles.only)}>
        <h1 className={mergeClasses(styles.name, styles.none)}>{texts.visitor.none}</h1>
      </div>
    );
  }
  const name = visitor.name.trim();
  const details = detailsOf(visitor);
  return (
    <>
      <div className={styles.top}>
        {/* The name stands beside it; the picture only helps to find it. */}
        <Avatar
          aria-hidden
          size={40}
          color="colorful"
          idForColor={visitor.email || (visitor.chatId ?? name)}
          name={brief(visible(name), 60)}
        />
        <div className={styles.who}>
          <div className={styles.nameRow}>
            <h1 className={styles.name}>
              <RecordText lines={2}>{name || texts.visitor.nameless}</RecordText>
            </h1>
            {known !== null && known !== "" && <KnownIcon names={known} />}
          </div>
          <ChatState visitor={visitor} />
        </div>
      </div>
      {details.length > 0 && (
        <dl className={styles.details}>
          {details.map(({ label, value, icon, copy }) => (
            <div key={label} className={mergeClasses(styles.detail, reveal.row)}>
              <dt className={styles.icon} title={label}>
                {icon}
                <span style={hidden}>{label}</span>
              </dt>
              <dd className={styles.value}>
                <RecordText lines={1} address={copy}>
                  {value}
                </RecordText>
                {copy && <CopyButton key={value} text={value} what={label} />}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}
