import { Badge, Button, makeStyles, tokens } from "@fluentui/react-components";
import { useState } from "react";
import type { RehearsedChat } from "../../backend";
import { Notice } from "../../app/Notice";
import { ChevronDown16Regular, ChevronUp16Regular } from "../../icons";
import { RecordText } from "../../text/RecordText";
import { formatDateTime, instant } from "../../time";
import { MAPPED } from "../place";
import { settingsTexts } from "../texts";

const said = settingsTexts.rehearsal;

type Outcome = RehearsedChat["draft"];

const useStyles = makeStyles({
  chat: {
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
    padding: `${tokens.spacingVerticalXS} 0`,
    "& + &": { borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  toggle: {
    width: "100%",
    justifyContent: "flex-start",
    textAlign: "left",
    fontWeight: tokens.fontWeightRegular,
    padding: tokens.spacingVerticalXS,
    gap: tokens.spacingHorizontalS,
  },
  line: {
    flexGrow: 1,
    minWidth: 0,
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: `${tokens.spacingVerticalXXS} ${tokens.spacingHorizontalS}`,
  },
  visitor: { fontWeight: tokens.fontWeightSemibold },
  small: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  more: {
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 260px), 1fr))",
    alignItems: "start",
    paddingLeft: tokens.spacingHorizontalXXL,
  },
  outcome: {
    display: "grid",
    gap: tokens.spacingVerticalXS,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  list: { margin: 0, paddingLeft: tokens.spacingHorizontalL },
  values: {
    margin: 0,
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 2fr)",
    columnGap: tokens.spacingHorizontalS,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
  term: { color: tokens.colorNeutralForeground2, overflowWrap: "anywhere" },
  value: { margin: 0 },
});

function tableName(key: string): string {
  const known = MAPPED.find((one) => one === key);
  return known ? settingsTexts.table(known) : key;
}

function headline({ recognised, writes, sentence }: Outcome): string {
  const who = recognised.map(({ table, name }) => `${tableName(table)}: ${name}`);
  const what = writes.map(({ how, table }) => said.write(said.how[how] ?? how, table));
  const parts = [
    who.length > 0 ? who.join(", ") : said.nobody,
    what.length > 0 ? what.join(", ") : (sentence ?? said.nothing),
  ];
  return parts.join(" · ");
}

function OutcomeOf({ title, outcome }: { title: string; outcome: Outcome }) {
  const styles = useStyles();
  return (
    <div className={styles.outcome}>
      <h3 className={styles.title}>{title}</h3>
      {outcome.problem && (
        <Notice compact intent="error" title={outcome.problem.message} problem={outcome.problem} />
      )}
      {outcome.recognised.length === 0 ? (
        <span>{said.nobody}</span>
      ) : (
        <ul className={styles.list}>
          {outcome.recognised.map(({ table, name, rule, reason, others }) => (
            <li key={table}>
              <RecordText>{`${tableName(table)}: ${name}`}</RecordText>
              <RecordText className={styles.small}>
                {[rule === "" ? "" : said.by(rule), others > 0 ? said.others(others) : "", reason]
                  .filter((part) => part !== "")
                  .join(" · ")}
              </RecordText>
            </li>
          ))}
        </ul>
      )}
      {outcome.sentence !== null && <RecordText>{outcome.sentence}</RecordText>}
      {outcome.writes.map(({ how, table, name, values }, index) => (
        <div key={index}>
          <RecordText>{`${said.write(said.how[how] ?? how, table)}: ${name}`}</RecordText>
          <dl className={styles.values}>
            {values.map(({ label, text }) => (
              <div key={label} style={{ display: "contents" }}>
                <dt className={styles.term}>{label}</dt>
                <dd className={styles.value}>
                  <RecordText lines={3}>{text}</RecordText>
                </dd>
              </div>
            ))}
          </dl>
        </div>
      ))}
      {outcome.notices.map((notice) => (
        <RecordText key={notice} className={styles.small}>
          {notice}
        </RecordText>
      ))}
    </div>
  );
}

/** How one past chat would have ended. */
export function ChatResult({ chat }: { chat: RehearsedChat }) {
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  const { place, visitor, time, draft, inForce, differences } = chat;
  const at = instant(time);
  return (
    <li className={styles.chat}>
      <Button
        appearance="subtle"
        className={styles.toggle}
        aria-expanded={open}
        icon={open ? <ChevronUp16Regular /> : <ChevronDown16Regular />}
        onClick={() => {
          setOpen(!open);
        }}
      >
        <span className={styles.line}>
          <RecordText lines={1} className={styles.visitor}>
            {visitor === "" ? said.place(place) : visitor}
          </RecordText>
          {at !== null && <span className={styles.small}>{formatDateTime(at)}</span>}
          {inForce && (
            <Badge appearance="tint" color="warning">
              {said.differs}
            </Badge>
          )}
          <RecordText lines={2} className={styles.small}>
            {headline(draft)}
          </RecordText>
        </span>
      </Button>
      {open && (
        <div className={styles.more}>
          {differences.length > 0 && (
            <div className={styles.outcome}>
              <h3 className={styles.title}>{said.differences}</h3>
              <ul className={styles.list}>
                {differences.map((difference) => (
                  <li key={difference}>
                    <RecordText>{difference}</RecordText>
                  </li>
                ))}
              </ul>
            </div>
          )}
          <OutcomeOf title={said.draft} outcome={draft} />
          {inForce && <OutcomeOf title={said.inForce} outcome={inForce} />}
        </div>
      )}
    </li>
  );
}
