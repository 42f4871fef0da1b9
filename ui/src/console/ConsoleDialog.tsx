import { Badge, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useEffect, useId, useRef } from "react";
import type { Console, Problem } from "../backend";
import { Notice } from "../app/Notice";
import type { Commands } from "../app/useCommands";
import { Dismiss16Regular, PlugConnected16Regular, PlugDisconnected16Regular } from "../icons";
import { CopyButton, useRevealStyles } from "../text/CopyButton";
import { IconButton } from "../text/IconButton";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";
import { PairedConsoles } from "./PairedConsoles";
import { Pairing } from "./Pairing";

const useStyles = makeStyles({
  dialog: {
    boxSizing: "border-box",
    width: "calc(100% - 24px)",
    maxWidth: "480px",
    maxHeight: "calc(100% - 24px)",
    padding: 0,
    border: `1px solid ${tokens.colorTransparentStroke}`,
    borderRadius: tokens.borderRadiusXLarge,
    boxShadow: tokens.shadow64,
    backgroundColor: tokens.colorNeutralBackground1,
    color: tokens.colorNeutralForeground1,
    overflowY: "auto",
    "&::backdrop": { backgroundColor: tokens.colorBackgroundOverlay },
  },
  content: {
    display: "grid",
    gap: tokens.spacingVerticalL,
    gridTemplateColumns: "minmax(0, 1fr)",
    padding: tokens.spacingHorizontalL,
  },
  head: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalS },
  title: {
    margin: 0,
    flexGrow: 1,
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold,
  },
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
  const dialog = useRef<HTMLDialogElement>(null);
  const paired = useRef<HTMLDivElement>(null);
  const title = useId();

  // The browser's own modal dialog keeps the focus in. The focus goes back by hand: a
  // dialog that is taken away while open loses it in some engines, and in others gives it back as if by the
  // keyboard, so that the opener's tooltip opens for an agent who used the mouse.
  useEffect(() => {
    const shown = dialog.current;
    const opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    opener?.blur();
    shown?.showModal();
    return () => {
      shown?.close();
      opener?.focus();
    };
  }, []);

  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-labelledby={title}
      onClose={onClose}
      onKeyDown={(event) => {
        // WebKitGTK leaves a modal dialog open on Escape.
        if (event.key === "Escape") onClose();
      }}
    >
      <div className={styles.content}>
        <div className={styles.head}>
          <h2 id={title} className={styles.title}>
            {texts.console.title}
          </h2>
          <IconButton label={texts.close} icon={<Dismiss16Regular />} onClick={onClose} />
        </div>
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
            <Notice
              intent="error"
              title={failure.message}
              problem={failure}
              onDismiss={onDismiss}
            />
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
      </div>
    </dialog>
  );
}
