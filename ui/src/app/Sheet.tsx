import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { Dismiss16Regular } from "../icons";
import { IconButton } from "../text/IconButton";
import { texts } from "../texts";

const useStyles = makeStyles({
  sheet: {
    boxSizing: "border-box",
    padding: 0,
    border: `1px solid ${tokens.colorTransparentStroke}`,
    boxShadow: tokens.shadow64,
    backgroundColor: tokens.colorNeutralBackground1,
    color: tokens.colorNeutralForeground1,
    "&::backdrop": { backgroundColor: tokens.colorBackgroundOverlay },
  },
  dialog: {
    width: "calc(100% - 24px)",
    maxWidth: "480px",
    maxHeight: "calc(100% - 24px)",
    borderRadius: tokens.borderRadiusXLarge,
    overflowY: "auto",
  },
  drawer: {
    margin: "0 0 0 auto",
    width: "100%",
    maxWidth: "520px",
    height: "100%",
    maxHeight: "100%",
    overflow: "hidden",
    "&[open]": { display: "flex", flexDirection: "column" },
  },
  content: {
    display: "grid",
    gap: tokens.spacingVerticalL,
    gridTemplateColumns: "minmax(0, 1fr)",
    padding: tokens.spacingHorizontalL,
  },
  // Positioned, or the texts for screen readers inside it would lengthen what scrolls.
  scrolls: {
    position: "relative",
    flexGrow: 1,
    minHeight: 0,
    overflowY: "auto",
    alignContent: "start",
    padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalL} ${tokens.spacingVerticalL}`,
  },
  head: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalS },
  drawerHead: {
    padding: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalM} ${tokens.spacingVerticalS} ${tokens.spacingHorizontalL}`,
  },
  title: {
    margin: 0,
    flexGrow: 1,
    minWidth: 0,
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold,
  },
  foot: {
    flexShrink: 0,
    padding: `${tokens.spacingVerticalM} ${tokens.spacingHorizontalL}`,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground1,
  },
});

interface Props {
  title: string;
  /** In the middle, or along the whole height at the side. */
  shape: "dialog" | "drawer";
  /** Beside the drawer's content, which scrolls. */
  foot?: ReactNode;
  children: ReactNode;
  onClose: () => void;
  onKeyDown?: (event: React.KeyboardEvent) => void;
}

/** A modal part of the page. */
export function Sheet({ title, shape, foot, children, onClose, onKeyDown }: Props) {
  const styles = useStyles();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const drawer = shape === "drawer";

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
      className={mergeClasses(styles.sheet, drawer ? styles.drawer : styles.dialog)}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
      }}
      onKeyDown={(event) => {
        // WebKitGTK leaves a modal dialog open on Escape; elsewhere it would close before anybody is asked.
        if (event.key === "Escape") {
          event.preventDefault();
          onClose();
        }
        onKeyDown?.(event);
      }}
    >
      {drawer ? (
        <>
          <div className={mergeClasses(styles.head, styles.drawerHead)}>
            <h2 id={id} className={styles.title}>
              {title}
            </h2>
            <IconButton label={texts.close} icon={<Dismiss16Regular />} onClick={onClose} />
          </div>
          <div className={mergeClasses(styles.content, styles.scrolls)}>{children}</div>
          {foot !== undefined && <div className={styles.foot}>{foot}</div>}
        </>
      ) : (
        <div className={styles.content}>
          <div className={styles.head}>
            <h2 id={id} className={styles.title}>
              {title}
            </h2>
            <IconButton label={texts.close} icon={<Dismiss16Regular />} onClick={onClose} />
          </div>
          {children}
        </div>
      )}
    </dialog>
  );
}
