import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { Problem, View } from "../backend";
import { LockClosed32Regular } from "../icons";
import { texts } from "../texts";
import { Notice } from "./Notice";

const useStyles = makeStyles({
  screen: {
    flexGrow: 1,
    display: "grid",
    alignContent: "center",
    justifyItems: "center",
    textAlign: "center",
    gap: tokens.spacingVerticalM,
    padding: tokens.spacingHorizontalXL,
    overflowY: "auto",
  },
  icon: {
    display: "flex",
    padding: tokens.spacingVerticalL,
    borderRadius: tokens.borderRadiusCircular,
    color: tokens.colorBrandForeground1,
    backgroundColor: tokens.colorBrandBackground2,
  },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold,
  },
  sentence: {
    margin: 0,
    maxWidth: "440px",
    color: tokens.colorNeutralForeground2,
    textWrap: "balance",
  },
  notice: { width: "100%", maxWidth: "440px" },
});

interface Props {
  view: View;
  /** Why it could not be unlocked. */
  failure: Problem | null;
  down: Problem | null;
  onUnlock: () => void;
}

/** The desk is left: nothing of anybody is shown. */
export function LockedScreen({ view, failure, down, onUnlock }: Props) {
  const styles = useStyles();
  const problem = down ?? failure;
  return (
    <main className={styles.screen}>
      <span className={styles.icon}>
        <LockClosed32Regular />
      </span>
      <h1 className={styles.title}>{texts.locked.title}</h1>
      <p className={styles.sentence}>{texts.locked.sentence}</p>
      {problem && (
        <div role="alert" className={styles.notice}>
          <Notice intent="error" title={problem.message} problem={problem} />
        </div>
      )}
      {/* It is the only thing to do here, and the keyboard was somewhere that is gone. */}
      <Button appearance="primary" autoFocus onClick={onUnlock}>
        {texts.locked.unlock}
      </Button>
      <p className={styles.sentence}>
        {texts.locked.waits(view.recording.queued, view.recording.attention)}
      </p>
    </main>
  );
}
