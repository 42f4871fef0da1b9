import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

const useStyles = makeStyles({
  tabs: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalXS },
  tab: {
    border: "none",
    borderBottom: `3px solid transparent`,
    borderRadius: `${tokens.borderRadiusMedium} ${tokens.borderRadiusMedium} 0 0`,
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    backgroundColor: "transparent",
    color: tokens.colorNeutralForeground1,
    fontFamily: tokens.fontFamilyBase,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    cursor: "pointer",
    ":hover": { backgroundColor: tokens.colorSubtleBackgroundHover },
    ":focus-visible": {
      outline: `2px solid ${tokens.colorStrokeFocus2}`,
      outlineOffset: "-2px",
    },
    ":disabled": { color: tokens.colorNeutralForegroundDisabled, cursor: "not-allowed" },
  },
  chosen: {
    borderBottomColor: tokens.colorCompoundBrandStroke,
    fontWeight: tokens.fontWeightSemibold,
  },
  panel: {
    display: "grid",
    gap: tokens.spacingVerticalL,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
});

interface Props<T extends string> {
  /** Before the ids of tabs and panel. */
  id: string;
  label: string;
  tabs: readonly (readonly [value: T, label: string])[];
  chosen: T;
  disabled?: boolean;
  className?: string | undefined;
  onChoose: (value: T) => void;
  /** What the chosen tab shows. */
  children: ReactNode;
}

/**
 * Tabs and what the chosen one shows. Not Fluent's: those hold elements that are hidden from screen readers and take the
 * focus all the same.
 */
export function Tabs<T extends string>(props: Props<T>) {
  const { id, label, tabs, chosen, disabled = false, className, onChoose, children } = props;
  const styles = useStyles();
  const place = tabs.findIndex(([value]) => value === chosen);
  return (
    <>
      <div
        role="tablist"
        aria-label={label}
        className={styles.tabs}
        onKeyDown={(event) => {
          const places: Record<string, number> = {
            ArrowRight: (place + 1) % tabs.length,
            ArrowLeft: (place + tabs.length - 1) % tabs.length,
            Home: 0,
            End: tabs.length - 1,
          };
          const next = tabs[places[event.key] ?? -1];
          if (!next || disabled) return;
          event.preventDefault();
          onChoose(next[0]);
          document.getElementById(`${id}-${next[0]}`)?.focus();
        }}
      >
        {tabs.map(([value, text]) => (
          <button
            key={value}
            type="button"
            role="tab"
            id={`${id}-${value}`}
            aria-controls={`${id}-panel`}
            aria-selected={value === chosen}
            tabIndex={value === chosen ? 0 : -1}
            disabled={disabled}
            className={mergeClasses(styles.tab, value === chosen && styles.chosen)}
            onClick={() => {
              onChoose(value);
            }}
          >
            {text}
          </button>
        ))}
      </div>
      <div
        id={`${id}-panel`}
        role="tabpanel"
        aria-labelledby={`${id}-${chosen}`}
        className={mergeClasses(styles.panel, className)}
      >
        {children}
      </div>
    </>
  );
}
