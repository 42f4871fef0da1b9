import { Link, makeStyles } from "@fluentui/react-components";
import { useState } from "react";
import { texts } from "../texts";
import { RecordText } from "./RecordText";

const LONG_CHARACTERS = 240;
const LONG_LINES = 6;

const useStyles = makeStyles({
  whole: { display: "block", maxHeight: "50vh", overflowY: "auto" },
  start: {
    display: "-webkit-box",
    WebkitBoxOrient: "vertical",
    WebkitLineClamp: LONG_LINES,
    overflow: "hidden",
  },
  toggle: { minHeight: "24px" },
});

/** Text that keeps its lines; a long one shows its start until the agent asks for all of it. */
export function LongText({ children, subject }: { children: string; subject: string }) {
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  if (children.length <= LONG_CHARACTERS && children.split("\n").length <= LONG_LINES) {
    return <RecordText>{children}</RecordText>;
  }
  return (
    <>
      {open ? (
        <span
          className={styles.whole}
          // The text scrolls in itself, so the keyboard must be able to reach it.
          tabIndex={0}
          role="group"
          aria-label={subject}
        >
          <RecordText>{children}</RecordText>
        </span>
      ) : (
        <RecordText className={styles.start}>{children}</RecordText>
      )}
      <Link
        as="button"
        className={styles.toggle}
        aria-expanded={open}
        onClick={() => {
          setOpen(!open);
        }}
      >
        {open ? texts.showLess : texts.showAll}
      </Link>
    </>
  );
}
