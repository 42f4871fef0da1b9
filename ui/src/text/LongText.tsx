import { Link, makeStyles } from "@fluentui/react-components";
import { useState } from "react";
import { texts } from "../texts";
import { clamp } from "./clamp";
import { RecordText } from "./RecordText";

const LONG_CHARACTERS = 240;
const LONG_LINES = 6;

const graphemes = new Intl.Segmenter();

/** Long as it is read, not as it is stored: one character can be made of many. */
function isLong(text: string): boolean {
  if (text.length <= LONG_CHARACTERS) return text.split("\n").length > LONG_LINES;
  const start = Array.from(graphemes.segment(text.slice(0, LONG_CHARACTERS * 16)));
  return start.length > LONG_CHARACTERS;
}

const useStyles = makeStyles({
  whole: { display: "block", maxHeight: "50vh", overflowY: "auto" },
  start: {
    ...clamp,
    WebkitLineClamp: LONG_LINES,
  },
  toggle: { minHeight: "24px" },
});

/** Text that keeps its lines; a long one shows its start until the agent asks for all of it. */
export function LongText({ children, subject }: { children: string; subject: string }) {
  const styles = useStyles();
  const [open, setOpen] = useState(false);
  if (!isLong(children)) return <RecordText>{children}</RecordText>;
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
