import { Button, makeStyles, mergeClasses } from "@fluentui/react-components";
import { useEffect, useState } from "react";
import { Checkmark16Regular, Copy16Regular, Dismiss16Regular } from "../icons";
import { texts } from "../texts";
import { hidden } from "./hidden";
import { brief } from "./visible";
import { copyText } from "./clipboard";

const SHOWN_MS = 2_000;

const useStyles = makeStyles({
  button: { minWidth: "24px", width: "24px", height: "24px", flexShrink: 0, padding: 0 },
});

/** Gives the element that contains a copy button the class that reveals it on hover and focus. */
export const useRevealStyles = makeStyles({
  row: {
    "& .copy": { opacity: 0 },
    "&:hover .copy, & .copy[data-fui-focus-visible], & .copy:focus-visible, & .copy.done": {
      opacity: 1,
    },
    "@media (hover: none)": { "& .copy": { opacity: 1 } },
  },
});

export function CopyButton({ text, what }: { text: string; what: string }) {
  const styles = useStyles();
  const [outcome, setOutcome] = useState<"copied" | "failed" | null>(null);

  useEffect(() => {
    if (outcome === null) return;
    const timer = setTimeout(() => {
      setOutcome(null);
    }, SHOWN_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [outcome]);

  const label = texts.copy(brief(what, 60));
  const said = outcome === null ? "" : outcome === "copied" ? texts.copied : texts.copyFailed;
  return (
    <>
      <Button
        appearance="subtle"
        size="small"
        className={mergeClasses(styles.button, "copy", outcome !== null && "done")}
        aria-label={label}
        title={said === "" ? label : said}
        icon={
          outcome === null ? (
            <Copy16Regular />
          ) : outcome === "copied" ? (
            <Checkmark16Regular />
          ) : (
            <Dismiss16Regular />
          )
        }
        onClick={() => {
          void copyText(text).then((copied) => {
            setOutcome(copied ? "copied" : "failed");
          });
        }}
      />
      <span role="status" style={hidden}>
        {said}
      </span>
    </>
  );
}
