import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  makeStyles,
} from "@fluentui/react-components";
import { useEffect, useRef } from "react";
import type { Table } from "../backend";
import { Dismiss16Regular } from "../icons";
import { brief } from "../text/visible";
import { texts } from "../texts";

const useStyles = makeStyles({
  body: { minWidth: 0, overflowWrap: "anywhere", whiteSpace: "normal" },
});

/** A link that was just taken back. */
export interface TakenBack {
  table: Table;
  id: string;
  name: string;
  chat: string | null;
}

interface Props {
  link: TakenBack;
  onUndo: () => void;
  onDismiss: () => void;
}

/** Says that a record is not linked any more, and offers to link it again. */
export function Unlinked({ link, onUndo, onDismiss }: Props) {
  const styles = useStyles();
  const undo = useRef<HTMLButtonElement>(null);
  // The button that was pressed is gone with the link.
  useEffect(() => {
    if (document.activeElement === document.body) undo.current?.focus();
  }, []);
  return (
    <MessageBar intent="info" layout="multiline">
      <MessageBarBody className={styles.body}>
        {texts.link.unlinked(brief(link.name))}
      </MessageBarBody>
      <MessageBarActions
        containerAction={
          <Button
            appearance="transparent"
            size="small"
            aria-label={texts.dismiss}
            title={texts.dismiss}
            icon={<Dismiss16Regular />}
            onClick={onDismiss}
          />
        }
      >
        <Button
          ref={undo}
          size="small"
          aria-label={texts.link.undoSpoken(brief(link.name))}
          onClick={onUndo}
        >
          {texts.link.undo}
        </Button>
      </MessageBarActions>
    </MessageBar>
  );
}
