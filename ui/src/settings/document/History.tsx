import { Badge, Button, Spinner, makeStyles, tokens } from "@fluentui/react-components";
import { useMemo, useState } from "react";
import type { ReadDocument, SavedVersion } from "../../backend";
import { Notice } from "../../app/Notice";
import { Section } from "../parts/Section";
import { useAction } from "../../record/recorder";
import { RecordText } from "../../text/RecordText";
import { texts } from "../../texts";
import { formatDateTime, instant } from "../../time";
import { useSettings } from "../settings";
import { settingsTexts } from "../texts";
import { useAnswer } from "../useAnswer";
import { Changes } from "./Changes";
import { DocumentProblems } from "./Import";

const said = settingsTexts.document;

const useStyles = makeStyles({
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  version: {
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
    padding: `${tokens.spacingVerticalS} 0`,
    "& + &": { borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  head: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: `${tokens.spacingVerticalXXS} ${tokens.spacingHorizontalS}`,
  },
  text: { flexGrow: 1, minWidth: 0 },
  small: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  quiet: { margin: 0, color: tokens.colorNeutralForeground2 },
});

/** The versions that were saved, the newest first, and the way back to each. */
export function History() {
  const styles = useStyles();
  const { backend, draft } = useSettings();
  const ask = useMemo(() => () => backend.history(), [backend]);
  // Every save adds a version.
  const { value, problem, again } = useAnswer(ask, draft.fingerprint);
  return (
    <Section title={said.history}>
      {problem && (
        <div role="alert">
          <Notice
            intent="error"
            title={problem.message}
            problem={problem}
            action={{ label: texts.tryAgain, run: again }}
          />
        </div>
      )}
      {!value && !problem && <Spinner size="tiny" label={said.historyLoading} />}
      {value?.length === 0 && <p className={styles.quiet}>{said.historyEmpty}</p>}
      {value && value.length > 0 && (
        <ul className={styles.list} aria-label={said.history}>
          {value.map((version) => (
            <Version key={version.id} version={version} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Version({ version }: { version: SavedVersion }) {
  const styles = useStyles();
  const { backend, draft, say } = useSettings();
  const action = useAction();
  const [read, setRead] = useState<ReadDocument | null>(null);
  const { id, savedAt, savedBy, reason, changes, current } = version;
  const at = instant(savedAt);
  const when = at === null ? savedAt : formatDateTime(at);
  return (
    <li className={styles.version}>
      <div className={styles.head}>
        <div className={styles.text}>
          <strong>{when}</strong>{" "}
          {current && (
            <Badge appearance="tint" color="success">
              {said.current}
            </Badge>
          )}
          <RecordText className={styles.small}>
            {[
              said.reason[reason] ?? reason,
              savedBy === "" ? "" : said.by(savedBy),
              said.changes(changes),
            ]
              .filter((part) => part !== "")
              .join(" · ")}
          </RecordText>
        </div>
        {!current && (
          <>
            <Button
              size="small"
              aria-label={said.compareSpoken(when)}
              aria-expanded={read !== null}
              disabledFocusable={action.busy}
              onClick={() => {
                if (read) setRead(null);
                else action.run(() => backend.version(id), setRead);
              }}
            >
              {said.compare}
            </Button>
            <Button
              size="small"
              aria-label={said.restoreSpoken(when)}
              disabledFocusable={action.busy}
              onClick={() => {
                action.run(
                  () => backend.version(id),
                  (answer) => {
                    if (answer.draft) {
                      draft.replace(answer.draft);
                      say(said.restored);
                    } else setRead(answer);
                  },
                );
              }}
            >
              {said.restore}
            </Button>
          </>
        )}
      </div>
      {action.problem && (
        <div role="alert">
          <Notice
            compact
            intent="error"
            title={action.problem.message}
            problem={action.problem}
            onDismiss={action.dismiss}
          />
        </div>
      )}
      {read && (
        <div>
          {read.problems.length > 0 && <DocumentProblems problems={read.problems} />}
          <Changes changes={read.changes} label={said.compareSpoken(when)} />
        </div>
      )}
    </li>
  );
}
