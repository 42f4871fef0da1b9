import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useState } from "react";
import type { Problem } from "../backend";
import { Notice } from "../app/Notice";
import { Sheet } from "../app/Sheet";
import { ArrowUndo16Regular } from "../icons";
import { useAction } from "../record/recorder";
import { Leave } from "./Leave";
import { useSettings } from "./settings";
import { settingsTexts } from "./texts";

const useStyles = makeStyles({
  bar: {
    flexShrink: 0,
    display: "grid",
    gap: tokens.spacingVerticalS,
    gridTemplateColumns: "minmax(0, 1fr)",
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalL}`,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground1,
    "@media (max-width: 560px)": {
      padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    },
  },
  row: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalS}`,
  },
  said: { flexGrow: 1, minWidth: 0, overflowWrap: "anywhere" },
  quiet: { color: tokens.colorNeutralForeground2 },
  actions: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
});

/** Unsaved changes, and what can be done with them. */
export function SaveBar() {
  const styles = useStyles();
  const settings = useSettings();
  const { backend, view, draft, judgement, secrets, goTo, say } = settings;
  const save = useAction();
  const discard = useAction();
  const [blocked, setBlocked] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const [unheld, setUnheld] = useState<Problem | null>(null);
  const closing = useAction();
  const { run: close } = closing;
  const { dismiss: dismissFailure } = save;
  const entered = (secrets.value ?? []).filter(({ state }) => state === "entered");
  const unsaved = draft.changed || entered.length > 0;
  const { removed } = draft;

  useEffect(() => {
    if (!unsaved) return;
    return backend.holdOpen({
      asked: () => {
        // What failed before is not what is asked now.
        dismissFailure();
        setLeaving(true);
      },
      failed: setUnheld,
    });
  }, [backend, dismissFailure, unsaved]);

  // Everything is saved by now, also where saving had begun before the window was to be closed.
  const isDone = leaving && !unsaved && !save.busy;
  useEffect(() => {
    if (isDone) close(() => backend.close());
  }, [backend, close, isDone]);

  const forgetEntered = () =>
    settings.sendSecret(async () => {
      for (const { name } of entered) await backend.forgetSecret(draft.document, name);
    });

  const run = () => {
    settings.setAttempted();
    setBlocked(null);
    const sent = draft.document;
    save.run(
      async () => {
        await settings.sendSecret(() => Promise.resolve());
        const { problems } = await backend.judge(sent, null);
        const first = problems[0];
        if (first) {
          setBlocked(first.key);
          say(settingsTexts.save.blocked(problems.length));
          return null;
        }
        await backend.save(sent, draft.fingerprint);
        return await backend.settings();
      },
      (now) => {
        if (!now) return;
        draft.saved(sent, now);
        secrets.again();
        say(settingsTexts.save.saved);
      },
    );
  };

  const problems = judgement?.problems ?? [];
  const stillBlocked = blocked !== null && problems.length > 0;
  const changes = judgement?.changes.length ?? 0;
  const said = draft.changed
    ? settingsTexts.save.changes(changes)
    : entered.length > 0
      ? settingsTexts.save.secretOnly
      : settingsTexts.save.none;

  const obstacle =
    draft.conflict && !save.busy
      ? settingsTexts.save.leaveConflict
      : problems.length > 0
        ? settingsTexts.save.leaveBlocked(problems.length)
        : null;
  const failure = save.problem
    ? { title: settingsTexts.save.failed, problem: save.problem }
    : closing.problem
      ? { title: settingsTexts.save.leaveFailed, problem: closing.problem }
      : null;

  return (
    <footer className={styles.bar} aria-label={settingsTexts.save.bar}>
      {draft.conflict && !save.busy && (
        <div role="alert">
          <Notice
            intent="warning"
            title={settingsTexts.save.changedMeanwhile}
            text={settingsTexts.save.changedStep}
            problem={null}
          />
          <div className={styles.actions}>
            <Button
              size="small"
              onClick={() => {
                draft.takeSaved(view);
              }}
            >
              {settingsTexts.save.takeTheirs}
            </Button>
            <Button
              size="small"
              onClick={() => {
                draft.keepOver(view);
              }}
            >
              {settingsTexts.save.keepMine}
            </Button>
          </div>
        </div>
      )}
      {unheld && (
        <div role="alert">
          <Notice
            intent="warning"
            title={settingsTexts.save.unheld}
            problem={unheld}
            onDismiss={() => {
              setUnheld(null);
            }}
          />
        </div>
      )}
      {!leaving && (save.problem ?? discard.problem) && (
        <div role="alert">
          <Notice
            intent="error"
            title={save.problem ? settingsTexts.save.failed : settingsTexts.failed}
            problem={save.problem ?? discard.problem}
            onDismiss={() => {
              save.dismiss();
              discard.dismiss();
            }}
          />
        </div>
      )}
      {!leaving && stillBlocked && (
        <div role="alert">
          <Notice
            intent="error"
            title={settingsTexts.save.blocked(problems.length)}
            problem={null}
            action={{
              label: settingsTexts.save.showFirst,
              run: () => {
                goTo(problems[0]?.key ?? blocked);
              },
            }}
          />
        </div>
      )}
      {removed && (
        <div className={styles.row}>
          <span className={styles.said}>{settingsTexts.save.removed(removed.what)}</span>
          <Button
            size="small"
            icon={<ArrowUndo16Regular />}
            onClick={() => {
              draft.undo();
              say(settingsTexts.save.undone(removed.what));
              goTo(`${removed.list}.${String(removed.at)}`);
            }}
          >
            {settingsTexts.save.undo}
          </Button>
        </div>
      )}
      <div className={styles.row}>
        <span className={unsaved ? styles.said : `${styles.said} ${styles.quiet}`}>{said}</span>
        <div className={styles.actions}>
          <Button
            disabledFocusable={!unsaved || save.busy}
            onClick={() => {
              setAsking(true);
            }}
          >
            {settingsTexts.save.discard}
          </Button>
          <Button
            appearance="primary"
            disabledFocusable={!unsaved || save.busy || draft.conflict}
            onClick={run}
          >
            {save.busy ? settingsTexts.save.saving : settingsTexts.save.save}
          </Button>
        </div>
      </div>
      {asking && (
        <Sheet
          shape="dialog"
          title={settingsTexts.save.discardAsk}
          onClose={() => {
            setAsking(false);
          }}
        >
          <div className={styles.actions}>
            <Button
              appearance="primary"
              onClick={() => {
                setAsking(false);
                draft.takeSaved(view);
                say(settingsTexts.save.discarded);
                if (entered.length > 0) discard.run(forgetEntered);
              }}
            >
              {settingsTexts.save.discardYes}
            </Button>
            <Button
              onClick={() => {
                setAsking(false);
              }}
            >
              {settingsTexts.save.keep}
            </Button>
          </div>
        </Sheet>
      )}
      {leaving && (
        <Leave
          unsaved={said}
          obstacle={obstacle}
          saving={save.busy}
          busy={save.busy || closing.busy}
          failure={failure}
          onSave={run}
          onDiscard={() => {
            close(async () => {
              try {
                if (entered.length > 0) await forgetEntered();
              } finally {
                await backend.close();
              }
            });
          }}
          onKeep={() => {
            closing.dismiss();
            setLeaving(false);
          }}
        />
      )}
    </footer>
  );
}
