import { Button, FluentProvider, Spinner, makeStyles, tokens } from "@fluentui/react-components";
import { useCallback, useState } from "react";
import type { Problem, SettingsBackend, SettingsDocument, SettingsView } from "../backend";
import { Notice } from "../app/Notice";
import { useSystemTheme } from "../app/theme";
import { useAction } from "../record/recorder";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";
import { Editor } from "./Editor";
import { settingsTexts } from "./texts";
import { useAnswer } from "./useAnswer";
import { useSettingsView } from "./useSettingsView";

const useStyles = makeStyles({
  provider: { height: "100%", backgroundColor: tokens.colorNeutralBackground3 },
  alone: {
    display: "grid",
    alignContent: "center",
    justifyItems: "center",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 560px)",
    justifyContent: "center",
    minHeight: "100%",
    boxSizing: "border-box",
    padding: tokens.spacingHorizontalL,
    textAlign: "center",
  },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    fontWeight: tokens.fontWeightSemibold,
  },
  step: { margin: 0, textAlign: "center" },
});

/** Why there is nothing to edit here. */
function Refused({ problem }: { problem: Problem }) {
  const styles = useStyles();
  return (
    <main className={styles.alone}>
      <h1 className={styles.title}>{problem.message}</h1>
      <RecordText className={styles.step}>{problem.nextStep}</RecordText>
    </main>
  );
}

/** The desk is left. What was begun here is kept, and nothing of it is shown. */
function Locked() {
  const styles = useStyles();
  return (
    <main className={styles.alone}>
      <h1 className={styles.title}>{texts.locked.title}</h1>
      <p className={styles.step}>{settingsTexts.unlockInMain}</p>
    </main>
  );
}

interface LoadedProps {
  backend: SettingsBackend;
  view: SettingsView;
  down: Problem | null;
}

/** The catalogue, and a document to edit. */
function Loaded({ backend, view, down }: LoadedProps) {
  const styles = useStyles();
  // Another organization has other samples.
  const catalogue = useAnswer(
    useCallback(() => backend.catalogue(), [backend]),
    view.fingerprint,
  );
  const defaults = useAction();
  const [anew, setAnew] = useState<SettingsDocument | null>(null);
  const first = view.saved ?? anew;
  if (!catalogue.value) {
    return (
      <main className={styles.alone}>
        <h1 className={styles.title}>{settingsTexts.title}</h1>
        {(catalogue.problem ?? down) ? (
          <Notice
            intent="error"
            title={settingsTexts.failed}
            problem={catalogue.problem ?? down}
            action={{ label: texts.tryAgain, run: catalogue.again }}
          />
        ) : (
          <Spinner label={settingsTexts.loading} />
        )}
      </main>
    );
  }
  if (!first) {
    const text = catalogue.value.defaults;
    return (
      <main className={styles.alone}>
        <h1 className={styles.title}>{settingsTexts.title}</h1>
        <Notice intent="error" title={settingsTexts.unreadable} problem={view.problem} />
        {defaults.problem && (
          <Notice intent="error" title={settingsTexts.failed} problem={defaults.problem} />
        )}
        <Button
          disabledFocusable={defaults.busy}
          onClick={() => {
            defaults.run(
              () => backend.readText(text),
              ({ draft }) => {
                setAnew(draft);
              },
            );
          }}
        >
          {settingsTexts.beginAnew}
        </Button>
      </main>
    );
  }
  return (
    <Editor backend={backend} view={view} down={down} catalogue={catalogue.value} first={first} />
  );
}

/** The settings window. */
export function SettingsPage({ backend }: { backend: SettingsBackend }) {
  const styles = useStyles();
  const { view, down } = useSettingsView(backend);
  return (
    <FluentProvider
      theme={useSystemTheme()}
      className={styles.provider}
      // Else every portal gets the height and the background too, and covers the page.
      applyStylesToPortals={false}
    >
      {view?.locked && <Locked />}
      {view?.refused ? (
        <Refused problem={view.refused} />
      ) : view ? (
        <div className={styles.provider} hidden={view.locked}>
          <Loaded backend={backend} view={view} down={down} />
        </div>
      ) : (
        <main className={styles.alone}>
          <h1 className={styles.title}>{settingsTexts.title}</h1>
          {down ? (
            <Notice intent="error" title={down.message} problem={down} />
          ) : (
            <Spinner label={settingsTexts.loading} />
          )}
        </main>
      )}
    </FluentProvider>
  );
}
