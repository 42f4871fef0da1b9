import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import type { Offline, View } from "../backend";
import { Pairing } from "../console/Pairing";
import { expectedRows } from "../data/expectedRows";
import { ArrowSync16Regular, ChatMultiple32Regular } from "../icons";
import { texts } from "../texts";
import { Notice } from "./Notice";
import type { Commands } from "./useCommands";

const useStyles = makeStyles({
  idle: {
    display: "grid",
    justifyItems: "center",
    textAlign: "center",
    gap: tokens.spacingVerticalM,
    padding: `${tokens.spacingVerticalXXXL} ${tokens.spacingHorizontalL}`,
    maxWidth: "440px",
    margin: "0 auto",
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
    fontSize: tokens.fontSizeBase400,
    lineHeight: tokens.lineHeightBase400,
    fontWeight: tokens.fontWeightSemibold,
  },
  sentence: { margin: 0, color: tokens.colorNeutralForeground2, textWrap: "balance" },
  copying: {
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalXS,
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground3,
  },
});

function Screen({
  title,
  sentence,
  children,
}: {
  title: string;
  sentence: string;
  children?: ReactNode;
}) {
  const styles = useStyles();
  return (
    <div className={styles.idle}>
      <span className={styles.icon}>
        <ChatMultiple32Regular />
      </span>
      <h2 className={styles.title}>{title}</h2>
      <p className={styles.sentence}>{sentence}</p>
      {children}
    </div>
  );
}

/** A table is being copied for the first time: until then its people are known from Dynamics alone. */
function Copying({ offline }: { offline: Offline }) {
  const styles = useStyles();
  const first = offline.tables.find(
    ({ state, syncedAt }) => state === "loading" && syncedAt === null,
  );
  if (!first) return null;
  const expected = expectedRows(first);
  return (
    <p className={styles.copying}>
      <ArrowSync16Regular />
      {texts.idle.copying(first.table, expected === null ? null : first.done / expected)}
    </p>
  );
}

/** Nobody is selected: what the agent does next. */
export function IdleScreen({ view, commands }: { view: View; commands: Commands }) {
  const { console, practice } = view;
  const problem = console.problem && (
    <Notice intent="error" title={console.problem.message} problem={console.problem} />
  );
  const copying = <Copying offline={view.offline} />;
  if (practice) {
    return (
      <Screen title={texts.idle.title} sentence={texts.idle.practice}>
        {problem}
        {copying}
      </Screen>
    );
  }
  if (console.consoles.length === 0) {
    return (
      <Screen title={texts.idle.unpairedTitle} sentence={texts.idle.unpaired}>
        {problem}
        <Pairing
          console={console}
          onStart={commands.startPairing}
          onCancel={commands.cancelPairing}
        />
        {copying}
      </Screen>
    );
  }
  return console.connected ? (
    <Screen title={texts.idle.title} sentence={texts.idle.select}>
      {problem}
      {copying}
    </Screen>
  ) : (
    <Screen title={texts.idle.disconnectedTitle} sentence={texts.idle.disconnected}>
      {problem}
      {copying}
    </Screen>
  );
}
