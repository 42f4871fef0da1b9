import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useId, useLayoutEffect, useRef, useState } from "react";
import type { Practice } from "../backend";
import {
  Beaker20Regular,
  Checkmark16Regular,
  ChevronDown16Regular,
  ChevronUp16Regular,
} from "../icons";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";
import { moveFocus } from "./moveFocus";

const useStyles = makeStyles({
  practice: {
    position: "relative",
    flexShrink: 0,
    backgroundColor: tokens.colorNeutralBackground4,
    borderTop: `2px dashed ${tokens.colorNeutralStroke1}`,
    color: tokens.colorNeutralForeground1,
  },
  heading: { margin: 0 },
  toggle: {
    width: "100%",
    justifyContent: "flex-start",
    gap: tokens.spacingHorizontalS,
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    borderRadius: 0,
  },
  title: { flexGrow: 1, textAlign: "left" },
  count: {
    fontWeight: tokens.fontWeightRegular,
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground2,
  },
  intro: {
    margin: 0,
    padding: `0 ${tokens.spacingHorizontalM} ${tokens.spacingVerticalS}`,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  list: {
    listStyleType: "none",
    margin: 0,
    padding: `0 ${tokens.spacingHorizontalS} ${tokens.spacingVerticalS}`,
    // Five visitors and the start of a sixth, which says that there are more.
    maxHeight: "min(248px, 34vh)",
    overflowY: "auto",
    position: "relative",
    display: "grid",
    gap: "2px",
    "@media (min-width: 720px)": { gridTemplateColumns: "repeat(2, minmax(0, 1fr))" },
  },
  // Once there is a visitor to look at: three, and the start of a fourth.
  low: { maxHeight: "min(160px, 34vh)" },
  item: { minWidth: 0 },
  visitor: {
    width: "100%",
    justifyContent: "flex-start",
    alignItems: "flex-start",
    textAlign: "left",
    padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalS}`,
    fontWeight: tokens.fontWeightRegular,
    gap: tokens.spacingHorizontalS,
  },
  selected: {
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: `inset 3px 0 ${tokens.colorCompoundBrandStroke}`,
  },
  mark: {
    display: "flex",
    width: "16px",
    flexShrink: 0,
    paddingTop: "2px",
    color: tokens.colorBrandForeground1,
  },
  about: { minWidth: 0, flexGrow: 1, display: "grid" },
  who: {
    display: "flex",
    alignItems: "baseline",
    columnGap: tokens.spacingHorizontalS,
    minWidth: 0,
  },
  // A long name takes what it needs up to most of the line; the address has the rest.
  name: { fontWeight: tokens.fontWeightSemibold, flexShrink: 0, maxWidth: "65%" },
  email: {
    flexShrink: 1,
    wordBreak: "break-all",
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    color: tokens.colorNeutralForeground2,
  },
  small: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
});

/** A stand-in for the Agent Console: choosing a visitor acts as if their chat had been selected there. */
export function PracticeConsole({
  practice,
  onPlay,
}: {
  practice: Practice;
  onPlay: (id: string) => void;
}) {
  const styles = useStyles();
  const [open, setOpen] = useState(true);
  const known = practice.visitors.some(({ id }) => id === practice.selected);
  const list = useRef<HTMLUListElement>(null);
  const title = useId();
  const panel = useId();

  // The list got lower, or another window chose.
  useLayoutEffect(() => {
    list.current?.querySelector("[aria-pressed=true]")?.scrollIntoView({ block: "nearest" });
  }, [practice.selected, open]);

  return (
    <aside className={styles.practice} aria-labelledby={title}>
      <h2 className={styles.heading}>
        <Button
          appearance="subtle"
          className={styles.toggle}
          aria-expanded={open}
          aria-controls={panel}
          icon={<Beaker20Regular />}
          onClick={() => {
            setOpen(!open);
          }}
        >
          <span id={title} className={styles.title}>
            {texts.practice.title}
          </span>
          <span className={styles.count}>{texts.practice.count(practice.visitors.length)}</span>
          {open ? <ChevronDown16Regular /> : <ChevronUp16Regular />}
        </Button>
      </h2>
      <div id={panel} hidden={!open}>
        <p className={styles.intro}>
          {practice.visitors.length === 0 ? texts.practice.empty : texts.practice.intro}
        </p>
        <ul
          ref={list}
          className={mergeClasses(styles.list, known && styles.low)}
          aria-label={texts.practice.list}
          onKeyDown={moveFocus}
        >
          {practice.visitors.map((visitor, index) => {
            const selected = visitor.id === practice.selected;
            return (
              <li key={visitor.id} className={styles.item}>
                <Button
                  appearance="subtle"
                  className={mergeClasses(styles.visitor, selected && styles.selected)}
                  aria-pressed={selected}
                  // One stop for Tab; the arrow keys move inside the list.
                  tabIndex={selected || (!known && index === 0) ? 0 : -1}
                  onClick={() => {
                    onPlay(visitor.id);
                  }}
                >
                  <span className={styles.mark}>{selected && <Checkmark16Regular />}</span>
                  <span className={styles.about}>
                    <span className={styles.who}>
                      <RecordText lines={1} className={styles.name}>
                        {visitor.name || texts.visitor.nameless}
                      </RecordText>
                      {visitor.email !== "" && (
                        <RecordText lines={1} address className={styles.email}>
                          {visitor.email}
                        </RecordText>
                      )}
                    </span>
                    {visitor.note !== "" && (
                      <RecordText lines={2} className={styles.small}>
                        {visitor.note}
                      </RecordText>
                    )}
                  </span>
                </Button>
              </li>
            );
          })}
        </ul>
      </div>
    </aside>
  );
}
