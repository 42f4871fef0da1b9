import { Badge, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useRef } from "react";
import type { Console, Problem } from "../backend";
import { Notice } from "../app/Notice";
import { Sheet } from "../app/Sheet";
import type { Commands } from "../app/useCommands";
import { PlugConnected16Regular, PlugDisconnected16Regular } from "../icons";
import { CopyButton, useRevealStyles } from "../text/CopyButton";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";
import { PairedConsoles } from "./PairedConsoles";
import { Pairing } from "./Pairing";

const useStyles = makeStyles({
  label: {
    margin: `0 0 ${tokens.spacingVerticalXXS}`,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground3,
  },
  address: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalXXS },
  mono: { fontFamily: tokens.fontFamilyMonospace },
  group: { minWidth: 0, outlineStyle: "none" },
  state: { justifySelf: "start" },
});

interface Props {
  console: Console;
  commands: Pick<Commands, "startPairing" | "cancelPairing" | "revokeConsole">;
  /** Why the last command failed; the page's own message is out of reach behind the dialog. */
  failure: Problem | null;
  onDismiss: () => void;
  onClose: () => void;
}

/** The Agent Console's connection: where it finds the companion, which consoles may, and pairing a new one. */
export function ConsoleDialog({ console, commands, failure, onDismiss, onClose }: Props) {
  const styles = useStyles();
  const reveal = useRevealStyles();
  const paired = useRef<HTMLDivElement>(null);
  return (
    <Sheet title={texts.console.title} shape="dialog" onClose={onClose}>
      <Badge
        className={styles.state}
        appearance="tint"
        size="large"
        color={console.connected ? "success" : "severe"}
        icon={console.connected ? <PlugConnected16Regular /> : <PlugDisconnected16Regular />}
      >
        {console.connected ? texts.console.connected : texts.console.notConnected}
      </Badge>
      {failure && (
        <div role="alert">
          <Notice intent="error" title={failure.message} problem={failure} onDismiss={onDismiss} />
        </div>
      )}
      {console.problem && (
        <Notice intent="error" title={console.problem.message} problem={console.problem} />
      )}
      <Pairing
        console={console}
        onStart={commands.startPairing}
        onCancel={commands.cancelPairing}
      />
      <div ref={paired} className={styles.group} tabIndex={-1}>
        <h3 className={styles.label}>{texts.console.paired}</h3>
        <PairedConsoles
          consoles={console.consoles}
          onRevoke={(id) => {
            // The revoked console's buttons will be gone.
            paired.current?.focus();
            commands.revokeConsole(id);
          }}
        />
      </div>
      <div>
        <h3 className={styles.label}>{texts.console.address}</h3>
        <div className={mergeClasses(styles.address, reveal.row)}>
          <RecordText className={styles.mono}>{console.address}</RecordText>
          <CopyButton text={console.address} what={texts.console.addressCopy} />
        </div>
      </div>
    </Sheet>
  );
}
