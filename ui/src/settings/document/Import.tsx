import { Button, Field, Textarea, makeStyles, tokens } from "@fluentui/react-components";
import { useState } from "react";
import type { Problem, ReadDocument, Remark } from "../../backend";
import { Notice } from "../../app/Notice";
import { FileButton } from "../parts/FileButton";
import { Section } from "../parts/Section";
import { useAction } from "../../record/recorder";
import { RecordText } from "../../text/RecordText";
import { useSettings } from "../settings";
import { settingsTexts } from "../texts";
import { Changes } from "./Changes";

const said = settingsTexts.document;

const useStyles = makeStyles({
  row: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
  },
  text: { width: "100%", "& textarea": { fontFamily: tokens.fontFamilyMonospace } },
  problems: { margin: 0, paddingLeft: tokens.spacingHorizontalXL },
  where: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  title: { margin: 0, fontSize: tokens.fontSizeBase300 },
});

/** What is wrong with a document, with line and key. */
export function DocumentProblems({ problems }: { problems: Remark[] }) {
  const styles = useStyles();
  return (
    <ul className={styles.problems}>
      {problems.map(({ key, line, problem }) => (
        <li key={`${key} ${problem.code}`}>
          <RecordText>{`${problem.message} ${problem.nextStep}`}</RecordText>
          <span className={styles.where}>
            {line !== null && `${said.line(line)} · `}
            <code>{key}</code>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Reads a document and takes it over as the draft. */
export function Import() {
  const styles = useStyles();
  const { backend, draft, say } = useSettings();
  const action = useAction();
  const [text, setText] = useState("");
  const [name, setName] = useState<string | null>(null);
  const [unread, setUnread] = useState<Problem | null>(null);
  const [read, setRead] = useState<ReadDocument | null>(null);
  const start = (given: string) => {
    setRead(null);
    setUnread(null);
    action.run(() => backend.readText(given), setRead);
  };
  const taken = read?.draft ?? null;
  return (
    <Section title={said.import} hint={said.importHint}>
      <FileButton
        label={said.importFile}
        name={name}
        accept=".toml,text/plain"
        onText={(file, given) => {
          setName(file);
          setText(given);
          start(given);
        }}
        onFailed={setUnread}
      />
      <Field label={said.importText}>
        <Textarea
          className={styles.text}
          rows={5}
          resize="vertical"
          spellCheck={false}
          value={text}
          onChange={(_, { value }) => {
            setText(value);
            setName(null);
            setRead(null);
          }}
        />
      </Field>
      <div className={styles.row}>
        <Button
          disabledFocusable={text.trim() === "" || action.busy}
          onClick={() => {
            start(text);
          }}
        >
          {said.read}
        </Button>
      </div>
      {(action.problem ?? unread) && (
        <div role="alert">
          <Notice intent="error" title={settingsTexts.failed} problem={action.problem ?? unread} />
        </div>
      )}
      {read && (
        <div aria-live="polite">
          {read.problems.length > 0 && <DocumentProblems problems={read.problems} />}
          {taken === null ? (
            <p>{said.unreadable}</p>
          ) : (
            <>
              <h3 className={styles.title}>{said.imported}</h3>
              <Changes changes={read.changes} label={said.imported} />
              <Button
                appearance="primary"
                onClick={() => {
                  draft.replace(taken);
                  setRead(null);
                  setText("");
                  setName(null);
                  say(said.tookOver);
                }}
              >
                {said.takeOver}
              </Button>
            </>
          )}
        </div>
      )}
    </Section>
  );
}
