import {
  Checkbox,
  Field,
  ProgressBar,
  Radio,
  RadioGroup,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { useEffect, useState } from "react";
import type { Problem, Rehearsal, SettingsDocument } from "../../backend";
import { Notice } from "../../app/Notice";
import { same } from "../edits";
import { useSettings } from "../settings";
import { PageHead } from "../parts/PageHead";
import { Run } from "../parts/Run";
import { Section } from "../parts/Section";
import { FileButton } from "../parts/FileButton";
import { settingsTexts } from "../texts";
import { ChatResult } from "./ChatResult";

const said = settingsTexts.rehearsal;

const useStyles = makeStyles({
  figures: {
    display: "grid",
    gridTemplateColumns: "repeat(auto-fit, minmax(140px, 1fr))",
    gap: tokens.spacingHorizontalM,
    margin: 0,
  },
  figure: { display: "flex", flexDirection: "column-reverse", justifyContent: "flex-end" },
  number: {
    margin: 0,
    fontSize: tokens.fontSizeHero700,
    lineHeight: tokens.lineHeightHero700,
    fontWeight: tokens.fontWeightSemibold,
  },
  quiet: { margin: 0, color: tokens.colorNeutralForeground2 },
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
  },
});

function stateOf(rehearsal: Rehearsal): string {
  if (rehearsal.running) return said.running;
  return rehearsal.cancelled ? said.cancelled : said.done;
}

/** Runs the draft over past chats, without writing anything. */
export function RehearsalPage() {
  const styles = useStyles();
  const { backend, draft, view, say } = useSettings();
  const [from, setFrom] = useState<"kept" | "file">("kept");
  const [file, setFile] = useState<{ name: string; text: string } | null>(null);
  const [unread, setUnread] = useState<Problem | null>(null);
  const [rehearsed, setRehearsed] = useState<SettingsDocument | null>(null);
  const { rehearsal } = view;
  const running = rehearsal?.running ?? false;
  const sentence = rehearsal ? stateOf(rehearsal) : "";

  useEffect(() => {
    say(sentence);
  }, [sentence, say]);

  return (
    <>
      <PageHead title={settingsTexts.page("rehearsal")} lead={said.lead} />
      <Section title={said.chats}>
        <Field label={said.chats}>
          <RadioGroup
            value={from}
            onChange={(_, { value }) => {
              setFrom(value === "file" ? "file" : "kept");
            }}
          >
            <Radio value="kept" label={said.kept} />
            <Radio value="file" label={said.file} />
          </RadioGroup>
        </Field>
        {from === "file" && (
          <FileButton
            label={said.chooseFile}
            hint={said.fileHint}
            name={file?.name ?? null}
            accept=".json,.jsonl,.ndjson,.txt,application/json"
            onText={(name, text) => {
              setUnread(null);
              setFile({ name, text });
            }}
            onFailed={setUnread}
          />
        )}
        {unread && (
          <div role="alert">
            <Notice intent="error" title={said.fileFailed} problem={unread} />
          </div>
        )}
        <Run
          running={running}
          start={rehearsal && !running ? said.again : said.start}
          cancel={said.cancel}
          unready={from === "file" && file === null}
          onStart={() => {
            setRehearsed(draft.document);
            return backend.rehearse(draft.document, from === "file" ? (file?.text ?? "") : null);
          }}
          onCancel={() => backend.cancelRehearsal()}
        />
      </Section>
      {rehearsal ? (
        <Results
          key={rehearsal.run}
          rehearsal={rehearsal}
          outdated={rehearsed !== null && !running && !same(rehearsed, draft.document)}
        />
      ) : (
        <p className={styles.quiet}>{said.empty}</p>
      )}
    </>
  );
}

function Results({ rehearsal, outdated }: { rehearsal: Rehearsal; outdated: boolean }) {
  const styles = useStyles();
  const [onlyDifferent, setOnlyDifferent] = useState(false);
  const { running, done, total, chats, problems } = rehearsal;
  const shown = onlyDifferent ? chats.filter(({ inForce }) => inForce !== null) : chats;
  const figures = [
    [said.all, done],
    [said.recognised, rehearsal.recognised],
    [said.written, rehearsal.written],
    [said.different, rehearsal.different],
  ] as const;
  return (
    <>
      <Section title={said.summary}>
        {running && (
          <Field label={said.progress(done, total)}>
            <ProgressBar value={total === 0 ? undefined : done / total} />
          </Field>
        )}
        {!running && (
          <p className={styles.quiet}>
            {stateOf(rehearsal)} {said.progress(done, total)}
            {outdated && `. ${said.outdated}`}
          </p>
        )}
        <dl className={styles.figures}>
          {figures.map(([label, figure]) => (
            <div key={label} className={styles.figure}>
              <dt>{label}</dt>
              <dd className={styles.number}>{figure}</dd>
            </div>
          ))}
        </dl>
        {problems.map((problem, index) => (
          <Notice key={index} intent="warning" title={problem.message} problem={problem} />
        ))}
      </Section>
      <Section title={said.results}>
        {!running && total === 0 && <p className={styles.quiet}>{said.noChats}</p>}
        {chats.length > 0 && (
          <Checkbox
            label={said.onlyDifferent}
            checked={onlyDifferent}
            onChange={(_, { checked }) => {
              setOnlyDifferent(checked === true);
            }}
          />
        )}
        {onlyDifferent && chats.length > 0 && shown.length === 0 && (
          <p className={styles.quiet}>{said.nothingDiffers}</p>
        )}
        <ol className={styles.list}>
          {shown.map((chat) => (
            <ChatResult key={chat.place} chat={chat} />
          ))}
        </ol>
      </Section>
    </>
  );
}
