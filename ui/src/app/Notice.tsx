import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import type { Problem } from "../backend";
import { Dismiss16Regular } from "../icons";
import { CopyButton } from "../text/CopyButton";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";
import { SECOND, countdown, instant, useNow } from "../time";

const useStyles = makeStyles({
  bar: { overflow: "hidden", textAlign: "left" },
  body: { minWidth: 0, overflowWrap: "anywhere", whiteSpace: "normal" },
  title: { display: "block", overflowWrap: "anywhere" },
  sentences: {
    display: "block",
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
  technical: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    columnGap: tokens.spacingHorizontalS,
    marginTop: tokens.spacingVerticalXXS,
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
  },
  id: { fontFamily: tokens.fontFamilyMonospace },
  request: { display: "inline-flex", alignItems: "center", minWidth: 0 },
  compact: {
    paddingTop: tokens.spacingVerticalXS,
    minHeight: 0,
  },
  running: { display: "inline", fontSize: "inherit", lineHeight: "inherit" },
  small: { fontSize: tokens.fontSizeBase200, lineHeight: tokens.lineHeightBase200 },
  compactAction: { marginLeft: "auto" },
  ownRow: { flexBasis: "100%" },
});

function RetryTime({ at }: { at: number }) {
  const now = useNow(SECOND);
  if (now >= at) return null;
  return <span>{texts.notice.retryIn(countdown(at - now))}</span>;
}

interface Props {
  intent: "info" | "warning" | "error";
  title: string;
  problem: Problem | null;
  /** What to do, where nothing is wrong. */
  text?: string | undefined;
  action?: { label: string; run: () => void } | undefined;
  onDismiss?: (() => void) | undefined;
  /** Inside a card: in small type, and without a row for the action alone. */
  compact?: boolean;
}

/** A bar that says what is wrong, what to do next, and what support needs to know. */
export function Notice({
  intent,
  title,
  problem,
  text,
  action,
  onDismiss,
  compact = false,
}: Props) {
  const styles = useStyles();
  const retryAt = instant(problem?.retryAt ?? null);
  const sentences = [problem?.message, problem?.nextStep].filter(
    (sentence) => sentence !== undefined && sentence !== "" && sentence !== title,
  );
  const button = action && (
    <Button
      size="small"
      className={compact ? styles.compactAction : undefined}
      onClick={action.run}
    >
      {action.label}
    </Button>
  );
  const below = compact ? null : button;
  return (
    <MessageBar
      intent={intent}
      layout="multiline"
      className={mergeClasses(styles.bar, compact && styles.compact)}
    >
      <MessageBarBody className={mergeClasses(styles.body, compact && styles.small)}>
        <MessageBarTitle className={mergeClasses(styles.title, compact && styles.running)}>
          {title}
        </MessageBarTitle>
        {text !== undefined && <RecordText className={styles.sentences}>{text}</RecordText>}
        {problem && (
          <>
            {sentences.length > 0 && (
              <RecordText className={mergeClasses(styles.sentences, compact && styles.running)}>
                {sentences.join(" ")}
              </RecordText>
            )}
            <span className={mergeClasses(styles.technical, compact && styles.small)}>
              {retryAt !== null && <RetryTime at={retryAt} />}
              <span>
                {texts.notice.code} <span className={styles.id}>{problem.code}</span>
              </span>
              {compact && button}
              {problem.requestId !== null && (
                <span className={mergeClasses(styles.request, compact && styles.ownRow)}>
                  <span>
                    {texts.notice.requestId} <span className={styles.id}>{problem.requestId}</span>
                  </span>
                  <CopyButton text={problem.requestId} what={texts.notice.requestIdCopy} />
                </span>
              )}
            </span>
          </>
        )}
      </MessageBarBody>
      {(below ?? onDismiss) && (
        <MessageBarActions
          containerAction={
            onDismiss && (
              <Button
                appearance="transparent"
                size="small"
                aria-label={texts.dismiss}
                title={texts.dismiss}
                icon={<Dismiss16Regular />}
                onClick={onDismiss}
              />
            )
          }
        >
          {below}
        </MessageBarActions>
      )}
    </MessageBar>
  );
}
