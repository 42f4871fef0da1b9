import {
  CounterBadge,
  ProgressBar,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import type { View } from "../backend";
import {
  ArrowClockwise16Regular,
  ArrowExit16Regular,
  History16Regular,
  MailInbox16Regular,
  PlugConnected16Regular,
  PlugDisconnected16Regular,
  Search16Regular,
} from "../icons";
import { IconButton } from "../text/IconButton";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";
import { ConnectionBadge } from "./ConnectionBadge";
import { MoreMenu } from "./MoreMenu";

const useStyles = makeStyles({
  bar: {
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
    padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalS} ${tokens.spacingVerticalXS} ${tokens.spacingHorizontalM}`,
    position: "relative",
    backgroundColor: tokens.colorNeutralBackground1,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    flexShrink: 0,
  },
  host: {
    flexGrow: 1,
    flexBasis: 0,
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground3,
  },
  buttons: { display: "flex", flexShrink: 0 },
  console: { position: "relative" },
  count: { position: "absolute", top: "-2px", right: "-2px", pointerEvents: "none" },
  dot: {
    position: "absolute",
    right: "4px",
    bottom: "4px",
    width: "8px",
    height: "8px",
    borderRadius: tokens.borderRadiusCircular,
    border: `2px solid ${tokens.colorNeutralBackground1}`,
    boxSizing: "content-box",
    margin: "-2px",
    forcedColorAdjust: "none",
  },
  connected: { backgroundColor: tokens.colorPaletteGreenBackground3 },
  apart: { backgroundColor: tokens.colorNeutralForeground4 },
  progress: { position: "absolute", left: 0, right: 0, bottom: "-2px" },
});

interface Props {
  view: View;
  onSearch: () => void;
  onRefresh: () => void;
  onOutbox: () => void;
  onActivity: () => void;
  onConsole: () => void;
  onSignOut: () => void;
  onData: () => void;
  onLock: () => void;
  onSettings: () => void;
}

/** What needs a person, or else what waits. */
function Outbox({ view, onOutbox }: Pick<Props, "view" | "onOutbox">) {
  const styles = useStyles();
  const { queued, attention } = view.recording;
  return (
    <IconButton
      label={texts.outbox.button(queued, attention)}
      className={styles.console}
      opensDialog
      icon={
        <>
          <MailInbox16Regular />
          <CounterBadge
            className={styles.count}
            size="small"
            overflowCount={99}
            count={attention > 0 ? attention : queued}
            color={attention > 0 ? "danger" : "brand"}
          />
        </>
      }
      onClick={onOutbox}
    />
  );
}

export function TopBar(props: Props) {
  const styles = useStyles();
  const { view, onRefresh, onActivity, onConsole, onSignOut } = props;
  const { connected } = view.console;
  const asking = view.recognition.state === "looking" || view.recognition.state === "cached";
  return (
    <header className={styles.bar}>
      <ConnectionBadge connection={view.connection} />
      <RecordText lines={1} className={styles.host}>
        {view.connection.organization}
      </RecordText>
      <div className={styles.buttons}>
        <IconButton
          label={texts.search.button}
          opensDialog
          icon={<Search16Regular />}
          onClick={props.onSearch}
        />
        <IconButton
          label={texts.refresh}
          icon={<ArrowClockwise16Regular />}
          disabled={view.visitor === null}
          onClick={onRefresh}
        />
        <Outbox view={view} onOutbox={props.onOutbox} />
        <IconButton
          label={texts.activity.button}
          opensDialog
          icon={<History16Regular />}
          onClick={onActivity}
        />
        {view.connection.person && view.connection.state === "online" && (
          <IconButton
            label={texts.connection.signOut}
            icon={<ArrowExit16Regular />}
            onClick={onSignOut}
          />
        )}
        <IconButton
          label={texts.console.button(connected)}
          className={styles.console}
          opensDialog
          icon={
            <>
              {connected ? <PlugConnected16Regular /> : <PlugDisconnected16Regular />}
              <span
                className={mergeClasses(styles.dot, connected ? styles.connected : styles.apart)}
              />
            </>
          }
          onClick={onConsole}
        />
        <MoreMenu onData={props.onData} onLock={props.onLock} onSettings={props.onSettings} />
      </div>
      {asking && (
        <ProgressBar
          className={styles.progress}
          thickness="medium"
          shape="square"
          aria-label={texts.refreshing}
        />
      )}
    </header>
  );
}
