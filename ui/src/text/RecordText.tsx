import { makeStyles, mergeClasses } from "@fluentui/react-components";
import { Fragment, type ReactNode } from "react";
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

/** Longer ones are no addresses, and are cut anyway. */
const LONGEST_ADDRESS = 200;

/** An address that does not fit breaks where its parts meet: an e-mail address before its @, a URL at dots and slashes. */
function breakable(text: string): ReactNode {
  if (text.length > LONGEST_ADDRESS) return text;
  const parts = text.split(text.includes("@") ? /(?=@)/ : /(?=[.?&])|(?<=\/)(?!\/)/);
  return parts.map((part, index) => (
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
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
