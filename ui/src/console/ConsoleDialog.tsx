import {
  Badge,
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { useRef } from "react";
import type { Console } from "../backend";
import { Notice } from "../app/Notice";
import type { Commands } from "../app/useCommands";
import { PlugConnected16Regular, PlugDisconnected16Regular } from "../icons";
import { CopyButton, useRevealStyles } from "../text/CopyButton";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";
import { PairedConsoles } from "./PairedConsoles";
import { Pairing } from "./Pairing";

const useStyles = makeStyles({
  surface: { padding: tokens.spacingVerticalXL, width: "calc(100% - 24px)", maxWidth: "480px" },
  content: { display: "grid", gap: tokens.spacingVerticalL, alignContent: "start" },
  state: { justifySelf: "start" },
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
});

interface Props {
  console: Console;
  commands: Pick<Commands, "startPairing" | "cancelPairing" | "revokeConsole">;
  open: boolean;
  onClose: () => void;
}

/** The Agent Console's connection: where it finds the companion, which consoles may, and pairing a new one. */
export function ConsoleDialog({ console, commands, open, onClose }: Props) {
  const styles = useStyles();
  const reveal = useRevealStyles();
  const paired = useRef<HTMLDivElement>(null);
  return (
    <Dialog
      open={open}
      onOpenChange={(_, data) => {
        if (!data.open) onClose();
      }}
    >
      <DialogSurface className={styles.surface}>
        <DialogBody>
          <DialogTitle>{texts.console.title}</DialogTitle>
          <DialogContent className={styles.content}>
            <Badge
              className={styles.state}
              appearance="tint"
              size="large"
              color={console.connected ? "success" : "warning"}
              icon={console.connected ? <PlugConnected16Regular /> : <PlugDisconnected16Regular />}
            >
              {console.connected ? texts.console.connected : texts.console.notConnected}
            </Badge>
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
          </DialogContent>
          <DialogActions>
            <Button onClick={onClose}>{texts.close}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
