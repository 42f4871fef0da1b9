import { makeStyles, mergeClasses } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { clamp } from "./clamp";
import { brief, visible } from "./visible";

const useStyles = makeStyles({
  text: {
    unicodeBidi: "isolate",
    overflowWrap: "anywhere",
    whiteSpace: "pre-wrap",
    textAlign: "left",
    minWidth: 0,
    display: "block",
    // Stacked accents would paint over the lines above and below.
    overflow: "clip",
  },
  clamped: {
    ...clamp,
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
  /** E-mail addresses, phone numbers and URLs read from left to right in every language. */
  address?: boolean;
  className?: string | undefined;
}

/** An e-mail address that does not fit breaks before its @. */
function breakable(text: string): ReactNode {
  const at = text.indexOf("@");
  if (at < 1) return text;
  return (
    <>
      {text.slice(0, at)}
      <wbr />
      {text.slice(at)}
    </>
  );
}

/** Text from a chat or a record: isolated from the direction of its surroundings, and never wider than them. */
export function RecordText({ children, lines, address, className }: Props) {
  const styles = useStyles();
  const cut = lines !== undefined;
  return (
    <span
      dir={address ? "ltr" : "auto"}
      className={mergeClasses(styles.text, cut && styles.clamped, className)}
      style={cut ? { WebkitLineClamp: lines } : undefined}
      title={cut && children.length > SURELY_FITS ? brief(children, LONGEST_TOOLTIP) : undefined}
    >
      {address ? breakable(visible(children)) : visible(children)}
    </span>
  );
}
