import { Button, Spinner, makeStyles, tokens } from "@fluentui/react-components";
import { useId, useState } from "react";
import type { Draft, RecordTable, Recording, Visitor } from "../backend";
import { Notice } from "../app/Notice";
import { Add16Regular } from "../icons";
import { texts } from "../texts";
import { EntryItem } from "./EntryItem";
import { useAction, useRecorder } from "./recorder";
import { aboutOf, filledOf, valuesOf, wrongAbout, wrongIn } from "./values";

const useStyles = makeStyles({
  panel: { display: "grid", gap: tokens.spacingVerticalS, gridTemplateColumns: "minmax(0, 1fr)" },
  buttons: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(72px, 1fr))",
    // Two and two rather than three and one.
    "@media (max-width: 350px)": { gridTemplateColumns: "repeat(2, minmax(0, 1fr))" },
    gap: tokens.spacingHorizontalXS,
  },
  button: {
    minWidth: 0,
    paddingLeft: tokens.spacingHorizontalXS,
    paddingRight: tokens.spacingHorizontalXS,
    whiteSpace: "nowrap",
    "& .fui-Button__icon": { marginRight: tokens.spacingHorizontalXXS },
  },
  automatic: {
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
    overflowWrap: "anywhere",
  },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground2,
  },
  list: {
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
    listStyleType: "none",
    margin: 0,
    padding: 0,
  },
});

/** Whether the form can be sent as the back end filled it in. */
function complete(draft: Draft): boolean {
  return (
    wrongIn(draft.fields, valuesOf(draft.fields)).size === 0 &&
    wrongAbout(draft, aboutOf(draft)) === null
  );
}

function Automatic({ recording, ended }: { recording: Recording; ended: boolean }) {
  const styles = useStyles();
  if (!recording.automatic) return null;
  const { action } = recording;
  const t = texts.record.automatic;
  return (
    <p className={styles.automatic}>
      {action === null ? t.nothing : ended ? t.ended(action) : t.live(action)}
    </p>
  );
}

interface Props {
  recording: Recording;
  visitor: Visitor;
  /** The tables of this chat that have an unfinished form. */
  unfinished: RecordTable[];
  /** Opens the form; with the draft that one click could not send as it was. */
  onForm: (table: RecordTable, draft: Draft | null) => void;
  onOpen: (table: string, id: string) => void;
}

/** What can be recorded of the chat, and what was. */
export function RecordPanel({ recording, visitor, unfinished, onForm, onOpen }: Props) {
  const styles = useStyles();
  const recorder = useRecorder();
  const [creating, setCreating] = useState<RecordTable | null>(null);
  const action = useAction();
  const title = useId();
  const { buttons, chat, oneClick } = recording;
  const problem = action.problem;

  const press = (table: RecordTable) => {
    if (!oneClick || unfinished.includes(table)) {
      onForm(table, null);
      return;
    }
    setCreating(table);
    action.run(async () => {
      const draft = await recorder.draft(table);
      const chatNow = visitor.chatId;
      if (draft.chat !== null && chatNow !== null && draft.chat !== chatNow) {
        throw new Error(texts.form.chatChanged);
      }
      if (complete(draft)) await recorder.create(filledOf(draft, {}, aboutOf(draft)));
      else onForm(table, draft);
    });
  };
  if (buttons.length === 0 && chat.length === 0 && !recording.automatic) return null;
  return (
    <section className={styles.panel} aria-label={texts.record.title}>
      {buttons.length > 0 && (
        <div className={styles.buttons}>
          {buttons.map((table) => {
            const busy = action.busy && creating === table;
            const begun = unfinished.includes(table);
            return (
              <Button
                key={table}
                className={styles.button}
                appearance={begun ? "primary" : "secondary"}
                icon={busy ? <Spinner size="extra-tiny" /> : <Add16Regular />}
                disabledFocusable={action.busy}
                aria-haspopup={oneClick ? undefined : "dialog"}
                aria-label={begun ? texts.record.resume(table) : texts.record.create(table)}
                title={begun ? texts.record.resume(table) : texts.record.create(table)}
                onClick={() => {
                  press(table);
                }}
              >
                {texts.record.buttons(table)}
              </Button>
            );
          })}
        </div>
      )}
      <Automatic recording={recording} ended={visitor.ended} />
      {problem && (
        <div role="alert">
          <Notice
            intent="error"
            title={problem.message}
            problem={problem}
            onDismiss={() => {
              action.dismiss();
            }}
          />
        </div>
      )}
      {chat.length > 0 && (
        <>
          <h2 id={title} className={styles.title}>
            {texts.record.entries}
          </h2>
          <ul className={styles.list} aria-labelledby={title}>
            {chat.map((entry) => (
              <EntryItem key={entry.id} entry={entry} onOpen={onOpen} onChanged={() => undefined} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
