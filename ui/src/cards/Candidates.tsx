import { Badge, Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useId, useRef, useState } from "react";
import type { Candidate, Table } from "../backend";
import { ChevronDown16Regular, ChevronUp16Regular, Open16Regular } from "../icons";
import { IconButton } from "../text/IconButton";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { reasonOf } from "./reason";

const useStyles = makeStyles({
  more: {
    margin: `${tokens.spacingVerticalS} calc(-1 * ${tokens.spacingHorizontalM}) calc(-1 * ${tokens.spacingVerticalS})`,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  toggle: {
    width: "100%",
    justifyContent: "flex-start",
    borderRadius: `0 0 ${tokens.borderRadiusXLarge} ${tokens.borderRadiusXLarge}`,
    fontWeight: tokens.fontWeightRegular,
  },
  open: { borderRadius: 0 },
  list: {
    listStyleType: "none",
    margin: 0,
    padding: `0 ${tokens.spacingHorizontalM}`,
    maxHeight: "360px",
    overflowY: "auto",
  },
  item: {
    padding: `${tokens.spacingVerticalS} 0`,
    display: "grid",
    rowGap: tokens.spacingVerticalXXS,
    "& + &": { borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  head: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalS },
  name: { fontWeight: tokens.fontWeightSemibold, flexShrink: 1 },
  detail: { fontSize: tokens.fontSizeBase200, lineHeight: tokens.lineHeightBase200 },
  reason: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground3,
  },
  buttons: {
    display: "flex",
    gap: tokens.spacingHorizontalXS,
    marginTop: tokens.spacingVerticalXXS,
  },
});

interface Props {
  table: Table;
  candidates: Candidate[];
  onChoose: (id: string) => void;
  onOpen: (id: string) => void;
}

/** "2 more": the other records that could be this visitor's. */
export function Candidates({ table, candidates, onChoose, onOpen }: Props) {
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  const toggle = useRef<HTMLButtonElement>(null);
  const id = useId();
  return (
    <div
      className={styles.more}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        setOpen(false);
        toggle.current?.focus();
      }}
    >
      <Button
        ref={toggle}
        appearance="subtle"
        className={mergeClasses(styles.toggle, open && styles.open)}
        icon={open ? <ChevronUp16Regular /> : <ChevronDown16Regular />}
        aria-expanded={open}
        aria-controls={id}
        aria-label={texts.card.moreSpoken(candidates.length, table)}
        onClick={() => {
          setOpen(!open);
        }}
      >
        {texts.card.more(candidates.length)}
      </Button>
      <ul id={id} className={styles.list} hidden={!open}>
        {open &&
          candidates.map((candidate) => {
            const name = candidate.name.trim() || texts.card.nameless;
            return (
              <li key={candidate.id} className={styles.item}>
                <div className={styles.head}>
                  <RecordText lines={2} className={styles.name}>
                    {name}
                  </RecordText>
                  {candidate.inactive && (
                    <Badge appearance="outline" color="informative">
                      {texts.card.inactive}
                    </Badge>
                  )}
                </div>
                {candidate.detail !== "" && (
                  <RecordText lines={2} className={styles.detail}>
                    {candidate.detail}
                  </RecordText>
                )}
                <RecordText lines={3} className={styles.reason}>
                  {reasonOf(candidate)}
                </RecordText>
                <div className={styles.buttons}>
                  <Button
                    size="small"
                    aria-label={texts.card.showThisSpoken(brief(name))}
                    onClick={() => {
                      onChoose(candidate.id);
                    }}
                  >
                    {texts.card.showThis}
                  </Button>
                  <IconButton
                    small
                    label={texts.card.openRecord(brief(name))}
                    hint={texts.card.open}
                    icon={<Open16Regular />}
                    onClick={() => {
                      onOpen(candidate.id);
                    }}
                  />
                </div>
              </li>
            );
          })}
      </ul>
    </div>
  );
}
