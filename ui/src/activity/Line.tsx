import { Badge, type BadgeProps, makeStyles, tokens } from "@fluentui/react-components";
import type { ActivityLine } from "../backend";
import { Open16Regular } from "../icons";
import { IconButton } from "../text/IconButton";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { formatDateTime, instant } from "../time";

const useStyles = makeStyles({
  line: {
    display: "flex",
    gap: tokens.spacingHorizontalS,
    padding: `${tokens.spacingVerticalS} 0`,
    minWidth: 0,
    "& + &": { borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  what: { flexGrow: 1, minWidth: 0, display: "grid", rowGap: tokens.spacingVerticalXXS },
  head: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: `${tokens.spacingVerticalXXS} ${tokens.spacingHorizontalS}`,
  },
  small: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  who: { fontWeight: tokens.fontWeightSemibold },
});

const colors: Record<string, NonNullable<BadgeProps["color"]>> = {
  created: "success",
  updated: "success",
  existed: "success",
  queued: "brand",
  recognised: "brand",
  attention: "severe",
};

interface Props {
  line: ActivityLine;
  onOpen: (table: string, id: string) => void;
}

/** One thing that happened. */
export function Line({ line, onOpen }: Props) {
  const styles = useStyles();
  const at = instant(line.at);
  const { table, id, record } = line;
  const subject = [line.tableLabel, record]
    .filter((part) => part !== null && part.trim() !== "")
    .join(" · ");
  return (
    <li className={styles.line}>
      <div className={styles.what}>
        <div className={styles.head}>
          <Badge appearance="tint" color={colors[line.what] ?? "informative"}>
            {texts.activity.what[line.what] ?? brief(line.what, 40)}
          </Badge>
          <span className={styles.small}>
            {at !== null && <time dateTime={line.at}>{formatDateTime(at)}</time>}
          </span>
        </div>
        {line.visitor !== "" && (
          <RecordText lines={1} className={styles.who}>
            {line.visitor}
          </RecordText>
        )}
        {subject !== "" && <RecordText lines={2}>{subject}</RecordText>}
        {line.detail !== "" && (
          <RecordText lines={4} className={styles.small}>
            {line.detail}
          </RecordText>
        )}
        <RecordText lines={1} className={styles.small}>
          {line.by.trim() === "" ? texts.activity.byItself : texts.activity.by(line.by)}
        </RecordText>
      </div>
      {table !== null && id !== null && (
        <IconButton
          small
          label={texts.card.openRecord(brief(record ?? "") || texts.card.nameless)}
          hint={texts.card.open}
          icon={<Open16Regular />}
          onClick={() => {
            onOpen(table, id);
          }}
        />
      )}
    </li>
  );
}
