import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useRef, useState } from "react";
import type { Console, Pairing as Open } from "../backend";
import { CheckmarkCircle16Filled } from "../icons";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { SECOND, countdown, instant, useNow } from "../time";

const useStyles = makeStyles({
  pairing: { display: "grid", gap: tokens.spacingVerticalS, justifyItems: "start" },
  panel: {
    width: "100%",
    boxSizing: "border-box",
    display: "grid",
    gap: tokens.spacingVerticalS,
    justifyItems: "center",
    textAlign: "center",
    padding: tokens.spacingVerticalL,
    backgroundColor: tokens.colorNeutralBackground2,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusXLarge,
  },
  intro: { margin: 0 },
  code: {
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeHero900,
    lineHeight: tokens.lineHeightHero900,
    fontWeight: tokens.fontWeightSemibold,
    letterSpacing: "0.06em",
    whiteSpace: "nowrap",
  },
  remaining: {
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
    fontVariantNumeric: "tabular-nums",
  },
  buttons: { display: "flex", gap: tokens.spacingHorizontalS },
  done: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalXS, margin: 0 },
  doneIcon: { display: "flex", color: tokens.colorPaletteGreenForeground1 },
});

interface Commands {
  onStart: () => void;
  onCancel: () => void;
}

function Code({ pairing, onStart, onCancel }: { pairing: Open } & Commands) {
  const styles = useStyles();
  const now = useNow(SECOND);
  const left = (instant(pairing.expiresAt) ?? 0) - now;
  if (left <= 0) {
    return (
      <div className={styles.panel}>
        <p className={styles.intro} role="status">
          {texts.console.expired}
        </p>
        <div className={styles.buttons}>
          <Button appearance="primary" onClick={onStart}>
            {texts.console.newCode}
          </Button>
          <Button onClick={onCancel}>{texts.cancel}</Button>
        </div>
      </div>
    );
  }
  const { code } = pairing;
  const half = Math.ceil(code.length / 2);
  return (
    <div className={styles.panel}>
      <p className={styles.intro}>{texts.console.codeIntro}</p>
      <span
        className={styles.code}
        role="img"
        aria-label={texts.console.codeSpoken(Array.from(code).join(" "))}
      >
        {code.slice(0, half)} {code.slice(half)}
      </span>
      <p className={styles.remaining}>{texts.console.remaining(countdown(left))}</p>
      <Button onClick={onCancel}>{texts.cancel}</Button>
    </div>
  );
}

/** The button that opens pairing, the code while it is open, and the console that was paired by it. */
export function Pairing({ console, onStart, onCancel }: { console: Console } & Commands) {
  const styles = useStyles();
  const whole = useRef<HTMLDivElement>(null);
  const pressed = useRef(false);
  const [before, setBefore] = useState<ReadonlySet<string> | null>(null);
  const { pairing, consoles } = console;

  // Each step takes away the button that led to it: the focus follows to the next one.
  useEffect(() => {
    if (pressed.current) whole.current?.querySelector("button")?.focus();
    pressed.current = false;
  }, [pairing?.code]);

  const start = () => {
    pressed.current = true;
    setBefore(new Set(consoles.map(({ id }) => id)));
    onStart();
  };
  const cancel = () => {
    pressed.current = true;
    setBefore(null);
    onCancel();
  };
  const paired = before && !pairing ? consoles.find(({ id }) => !before.has(id)) : undefined;
  return (
    <div ref={whole} className={styles.pairing}>
      {paired && (
        <p className={styles.done} role="status">
          <span className={styles.doneIcon}>
            <CheckmarkCircle16Filled />
          </span>
          <RecordText lines={2}>
            {texts.console.done(brief(paired.name || texts.console.nameless))}
          </RecordText>
        </p>
      )}
      {pairing ? (
        <Code pairing={pairing} onStart={start} onCancel={cancel} />
      ) : (
        <Button appearance={consoles.length === 0 ? "primary" : "secondary"} onClick={start}>
          {consoles.length === 0 ? texts.console.pair : texts.console.pairAnother}
        </Button>
      )}
    </div>
  );
}
