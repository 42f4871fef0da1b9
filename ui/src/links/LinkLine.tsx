import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { RecordView } from "../backend";
import { Link16Regular } from "../icons";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { formatDay, instant } from "../time";

const useStyles = makeStyles({
  line: {
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalXS,
    margin: 0,
    minWidth: 0,
  },
  icon: { display: "flex", flexShrink: 0, color: tokens.colorNeutralForeground3 },
  text: { flexGrow: 1 },
  button: { flexShrink: 0, minWidth: 0 },
});

interface Props {
  link: NonNullable<RecordView["link"]>;
  name: string;
  onUnlink: () => void;
}

/** That an agent has linked the record, and the way back. */
export function LinkLine({ link, name, onUnlink }: Props) {
  const styles = useStyles();
  const at = instant(link.at);
  return (
    <div className={styles.line}>
      <span className={styles.icon}>
        <Link16Regular />
      </span>
      <RecordText lines={3} className={styles.text}>
        {texts.link.by(link.by, at === null ? link.at : formatDay(at))}
      </RecordText>
      <Button
        size="small"
        className={styles.button}
        aria-label={texts.link.unlinkSpoken(brief(name))}
        onClick={onUnlink}
      >
        {texts.link.unlink}
      </Button>
    </div>
  );
}
