import { Button, Field, Textarea, makeStyles, tokens } from "@fluentui/react-components";
import { useState } from "react";
import { saveText } from "../../activity/saveText";
import { Notice } from "../../app/Notice";
import { Lock } from "../parts/Lock";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { useAction } from "../../record/recorder";
import { copyText } from "../../text/clipboard";
import { RecordText } from "../../text/RecordText";
import { texts } from "../../texts";
import { useSettings } from "../settings";
import { settingsTexts } from "../texts";
import { Changes } from "./Changes";
import { History } from "./History";
import { Import } from "./Import";

const said = settingsTexts.document;

const useStyles = makeStyles({
  row: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
  },
  quiet: { margin: 0, color: tokens.colorNeutralForeground2 },
  text: { width: "100%", "& textarea": { fontFamily: tokens.fontFamilyMonospace } },
  keys: { margin: 0, paddingLeft: tokens.spacingHorizontalXL },
});

/** The settings as one text: handed out, taken over, and brought back. */
export function DocumentPage() {
  const styles = useStyles();
  const { view, judgement } = useSettings();
  const { managed } = view;
  return (
    <>
      <PageHead title={settingsTexts.page("document")} lead={said.lead} />
      <Section title={said.where}>
        {view.file === null ? (
          <p className={styles.quiet}>{said.notSaved}</p>
        ) : (
          <RecordText address>{view.file}</RecordText>
        )}
        <p className={styles.quiet}>{said.schema}</p>
      </Section>
      {managed && (
        <Section
          title={
            <>
              {said.managed}
              <Lock />
            </>
          }
        >
          <RecordText>{said.managedBy(managed.file)}</RecordText>
          {managed.locked.length === 0 ? (
            <p className={styles.quiet}>{said.managedNone}</p>
          ) : (
            <>
              <p className={styles.quiet}>{said.managedLocked}</p>
              <ul className={styles.keys}>
                {managed.locked.map((key) => (
                  <li key={key}>
                    <code>{key}</code>
                  </li>
                ))}
              </ul>
            </>
          )}
        </Section>
      )}
      {judgement && judgement.changes.length > 0 && (
        <Section title={said.unsaved}>
          <Changes changes={judgement.changes} label={said.unsaved} />
        </Section>
      )}
      <Export />
      <Import />
      <History />
    </>
  );
}

function Export() {
  const styles = useStyles();
  const { backend, draft, say } = useSettings();
  const action = useAction();
  const [text, setText] = useState<string | null>(null);
  const make = (done: (text: string) => void) => {
    action.run(() => backend.toText(draft.document), done);
  };
  return (
    <Section title={said.export} hint={said.exportHint}>
      <div className={styles.row}>
        {backend.savesFiles && (
          <Button
            disabledFocusable={action.busy}
            onClick={() => {
              make((made) => {
                saveText(made, "application/toml", said.fileName, false);
                say(said.exported);
              });
            }}
          >
            {said.saveFile}
          </Button>
        )}
        <Button
          disabledFocusable={action.busy}
          onClick={() => {
            make(setText);
          }}
        >
          {said.view}
        </Button>
        {/* A click of its own: the clipboard is closed to a page that nobody has just clicked. */}
        {text !== null && (
          <Button
            onClick={() => {
              void copyText(text).then((copied) => {
                say(copied ? texts.copied : texts.copyFailed);
              });
            }}
          >
            {said.copy}
          </Button>
        )}
      </div>
      {action.problem && (
        <div role="alert">
          <Notice
            intent="error"
            title={settingsTexts.failed}
            problem={action.problem}
            onDismiss={action.dismiss}
          />
        </div>
      )}
      {text !== null && (
        <Field label={said.text}>
          <Textarea
            className={styles.text}
            readOnly
            rows={14}
            resize="vertical"
            spellCheck={false}
            value={text}
          />
        </Field>
      )}
    </Section>
  );
}
