import { makeStyles, mergeClasses } from "@fluentui/react-components";
import { brief, visible } from "./visible";

const useStyles = makeStyles({
  text: {
    unicodeBidi: "isolate",
    overflowWrap: "anywhere",
    whiteSpace: "pre-wrap",
    textAlign: "left",
    minWidth: 0,
  },
  clamped: {
    display: "-webkit-box",
    WebkitBoxOrient: "vertical",
    overflow: "hidden",
    whiteSpace: "normal",
  },
});

const LONGEST_TOOLTIP = 400;
/** Shorter texts always fit on a clamped line, so they need no tooltip. */
const SURELY_FITS = 24;

interface Props {
  children: string;
  /** Cuts the text off after so many lines; the tooltip has the rest. */
  lines?: number;
  className?: string | undefined;
}

/** Text from a chat or a record: isolated from the direction of its surroundings, and never wider than them. */
export function RecordText({ children, lines, className }: Props) {
  const styles = useStyles();
  const cut = lines !== undefined;
  return (
    <span
      dir="auto"
      className={mergeClasses(styles.text, cut && styles.clamped, className)}
      style={cut ? { WebkitLineClamp: lines } : undefined}
      title={cut && children.length > SURELY_FITS ? brief(children, LONGEST_TOOLTIP) : undefined}
    >
      {visible(children)}
    </span>
  );
}
