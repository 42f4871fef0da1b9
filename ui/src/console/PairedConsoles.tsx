import { Badge, Button, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useRef, useState } from "react";
import type { PairedConsole } from "../backend";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { formatDateTime, instant } from "../time";

const useStyles = makeStyles({
  list: { listStyleType: "none", margin: 0, padding: 0 },
  item: {
    display: "flex",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
    padding: `${tokens.spacingVerticalS} 0`,
    "& + &": { borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  about: { flexGrow: 1, minWidth: 0, display: "grid", justifyItems: "start" },
  name: { fontWeight: tokens.fontWeightSemibold },
  times: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground3,
  },
  confirm: { display: "grid", gap: tokens.spacingVerticalS, flexGrow: 1, minWidth: 0 },
  buttons: { display: "flex", gap: tokens.spacingHorizontalS },
  empty: { margin: 0, color: tokens.colorNeutralForeground3 },
});

function Item({ console, onRevoke }: { console: PairedConsole; onRevoke: () => void }) {
  const styles = useStyles();
  const [asking, setAsking] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  const revoke = useRef<HTMLButtonElement>(null);
  const asked = useRef(false);
  const name = console.name.trim() || texts.console.nameless;

  // The question and its answer take each other's place, and the focus with it.
  useEffect(() => {
    if (asking) keep.current?.focus();
    else if (asked.current) revoke.current?.focus();
    asked.current = asking;
  }, [asking]);

  if (asking) {
    return (
      <li className={styles.item}>
        <div
          className={styles.confirm}
          role="group"
          aria-label={texts.console.revokeSpoken(brief(name))}
        >
          <RecordText>{texts.console.confirm(brief(name))}</RecordText>
          <div className={styles.buttons}>
            <Button appearance="primary" size="small" onClick={onRevoke}>
              {texts.console.revoke}
            </Button>
            <Button
              ref={keep}
              size="small"
              onClick={() => {
                setAsking(false);
              }}
            >
              {texts.console.keep}
            </Button>
          </div>
        </div>
      </li>
    );
  }
  const pairedAt = instant(console.pairedAt);
  const lastSeen = instant(console.lastSeenAt);
  return (
    <li className={styles.item}>
      <div className={styles.about}>
        <RecordText lines={2} className={styles.name}>
          {name}
        </RecordText>
        {console.connected ? (
          <Badge appearance="tint" color="success">
            {texts.console.here}
          </Badge>
        ) : (
          lastSeen !== null && (
            <span className={styles.times}>{texts.console.lastSeen(formatDateTime(lastSeen))}</span>
          )
        )}
        {pairedAt !== null && (
          <span className={styles.times}>{texts.console.pairedAt(formatDateTime(pairedAt))}</span>
        )}
      </div>
      <Button
        ref={revoke}
        size="small"
        aria-label={texts.console.revokeSpoken(brief(name))}
        onClick={() => {
          setAsking(true);
        }}
      >
        {texts.console.revoke}
      </Button>
    </li>
  );
}

export function PairedConsoles({
  consoles,
  onRevoke,
}: {
  consoles: PairedConsole[];
  onRevoke: (id: string) => void;
}) {
  const styles = useStyles();
  if (consoles.length === 0) return <p className={styles.empty}>{texts.console.nonePaired}</p>;
  return (
    <ul className={styles.list}>
      {consoles.map((console) => (
        <Item
          key={console.id}
          console={console}
          onRevoke={() => {
            onRevoke(console.id);
          }}
        />
      ))}
    </ul>
  );
}
