import { makeStyles, tokens } from "@fluentui/react-components";
import { type ReactNode, useEffect, useId, useRef } from "react";
import type { Problem } from "../backend";
import { Notice } from "../app/Notice";

const useStyles = makeStyles({
  section: {
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
    outlineStyle: "none",
    paddingBottom: tokens.spacingVerticalL,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    ":last-child": { borderBottom: "none", paddingBottom: 0 },
  },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  intro: { margin: 0, color: tokens.colorNeutralForeground2 },
});

interface Props {
  title: string;
  intro?: string;
  children: ReactNode;
}

/** A part of the drawer with its heading. */
export function Section({ title, intro, children }: Props) {
  const styles = useStyles();
  const id = useId();
  const section = useRef<HTMLElement>(null);
  const hadFocus = useRef(false);
  // What was pressed may be gone with what it did. The keyboard then stays in this part, or Escape would not be heard.
  useEffect(() => {
    if (hadFocus.current && document.activeElement === document.body) section.current?.focus();
  });
  return (
    <section
      ref={section}
      className={styles.section}
      aria-labelledby={id}
      tabIndex={-1}
      onFocus={() => {
        hadFocus.current = true;
      }}
      onBlur={({ relatedTarget }) => {
        if (relatedTarget !== null && !section.current?.contains(relatedTarget)) {
          hadFocus.current = false;
        }
      }}
    >
      <h3 id={id} className={styles.title}>
        {title}
      </h3>
      {intro !== undefined && <p className={styles.intro}>{intro}</p>}
      {children}
    </section>
  );
}

/** Why what was asked for did not work, where it was asked for. */
export function Failure({
  problem,
  onDismiss,
}: {
  problem: Problem | null;
  onDismiss: () => void;
}) {
  if (!problem) return null;
  return (
    <div role="alert">
      <Notice
        compact
        intent="error"
        title={problem.message}
        problem={problem}
        onDismiss={onDismiss}
      />
    </div>
  );
}

export const useFormStyles = makeStyles({
  form: { display: "grid", gap: tokens.spacingVerticalM, gridTemplateColumns: "minmax(0, 1fr)" },
  row: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: tokens.spacingHorizontalS },
  list: { margin: 0, paddingLeft: tokens.spacingHorizontalL, overflowWrap: "anywhere" },
  text: { margin: 0, overflowWrap: "anywhere" },
  quiet: { margin: 0, color: tokens.colorNeutralForeground2, overflowWrap: "anywhere" },
  receipt: {
    margin: 0,
    padding: tokens.spacingHorizontalM,
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    whiteSpace: "pre-wrap",
    overflowWrap: "anywhere",
  },
});
