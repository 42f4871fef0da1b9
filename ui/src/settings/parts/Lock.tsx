import { makeStyles, tokens } from "@fluentui/react-components";
import { LockClosed16Regular } from "../../icons";
import { settingsTexts } from "../texts";

const useStyles = makeStyles({
  lock: {
    display: "inline-flex",
    verticalAlign: "text-bottom",
    marginLeft: tokens.spacingHorizontalXS,
    color: tokens.colorNeutralForeground2,
  },
});

/** Says that something is laid down by an administrator. */
export function Lock() {
  const styles = useStyles();
  return (
    <span
      className={styles.lock}
      role="img"
      aria-label={settingsTexts.locked}
      title={settingsTexts.locked}
    >
      <LockClosed16Regular />
    </span>
  );
}
