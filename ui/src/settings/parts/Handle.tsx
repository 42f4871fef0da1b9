import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { useReorder } from "./useReorder";
import { ReOrderDotsVertical16Regular } from "../../icons";
import { settingsTexts } from "../texts";

const useStyles = makeStyles({
  handle: {
    minWidth: "28px",
    cursor: "grab",
    touchAction: "none",
    ":active": { cursor: "grabbing" },
    '&[data-dragging="this"]': { backgroundColor: tokens.colorSubtleBackgroundPressed },
    '&[data-dragging="other"]:hover:active': {
      backgroundColor: tokens.colorTransparentBackground,
      "& .fui-Button__icon": { color: tokens.colorNeutralForeground2 },
    },
  },
});

interface Props {
  what: string;
  place: number;
  count: number;
  disabled: boolean;
  reorder: ReturnType<typeof useReorder>["handle"];
}

/** What a row is taken by to change its place. */
export function Handle({ what, place, count, disabled, reorder }: Props) {
  const styles = useStyles();
  return (
    <Button
      appearance="subtle"
      size="small"
      className={styles.handle}
      icon={<ReOrderDotsVertical16Regular />}
      aria-label={settingsTexts.list.move(what, place + 1, count)}
      title={settingsTexts.list.moveHint}
      disabled={disabled || count < 2}
      {...reorder(place)}
    />
  );
}
