import { makeStyles, tokens } from "@fluentui/react-components";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type {
  Catalogue,
  Problem,
  Sample,
  SettingsBackend,
  SettingsDocument,
  SettingsView,
} from "../backend";
import { Notice } from "../app/Notice";
import { hidden } from "../text/hidden";
import { texts } from "../texts";
import { Navigation } from "./Navigation";
import { SaveBar } from "./SaveBar";
import { CheckerPage } from "./checker/CheckerPage";
import { ConnectionPage } from "./connection/ConnectionPage";
import { DocumentPage } from "./document/DocumentPage";
import { FieldsPage } from "./fields/FieldsPage";
import { OfflinePage } from "./offline/OfflinePage";
import { type PageName, type Place, START, focusKey, placeOf } from "./place";
import { RecordingPage } from "./recording/RecordingPage";
import { RehearsalPage } from "./rehearsal/RehearsalPage";
import { RulesPage } from "./rules/RulesPage";
import { type Settings, SettingsContext } from "./settings";
import { settingsTexts } from "./texts";
import { useAnswer } from "./useAnswer";
import { useColumns } from "./useColumns";
import { useDraft } from "./useDraft";
import { useJudgement } from "./useJudgement";

const useStyles = makeStyles({
  window: { height: "100%", display: "flex", minWidth: "320px" },
  folded: {
    "@media (max-width: 720px)": { flexDirection: "column" },
  },
  right: { flexGrow: 1, minWidth: 0, minHeight: 0, display: "flex", flexDirection: "column" },
  // Positioned, or the texts for screen readers inside it would lengthen the document.
  main: { position: "relative", flexGrow: 1, minHeight: 0, overflowY: "auto" },
  content: {
    display: "grid",
    alignContent: "start",
    gap: tokens.spacingVerticalL,
    gridTemplateColumns: "minmax(0, 1fr)",
    maxWidth: "1080px",
    padding: tokens.spacingHorizontalL,
    "@media (max-width: 560px)": { padding: tokens.spacingHorizontalM },
  },
});

const pages: Record<PageName, () => React.JSX.Element> = {
  connection: ConnectionPage,
  rules: RulesPage,
  fields: FieldsPage,
  recording: RecordingPage,
  offline: OfflinePage,
  checker: CheckerPage,
  rehearsal: RehearsalPage,
  document: DocumentPage,
};

interface Props {
  backend: SettingsBackend;
  view: SettingsView;
  down: Problem | null;
  catalogue: Catalogue;
  /** What is edited first: the saved document, or the defaults where there is none. */
  first: SettingsDocument;
}

/** The pages of the window around one draft. */
export function Editor({ backend, view, down, catalogue, first }: Props) {
  const styles = useStyles();
  const draft = useDraft(first, view);
  const [place, setPlace] = useState<Place>(START);
  const [target, setTarget] = useState<{ key: string | null } | null>(null);
  /** The sample that was chosen; undefined until somebody chooses. */
  const [chosen, setSample] = useState<Sample | null>();
  const isGone = chosen?.kind === "known" && catalogue.samples.every(({ id }) => id !== chosen.id);
  const known = catalogue.samples[0];
  const sample = useMemo<Sample | null>(() => {
    if (chosen !== undefined && !isGone) return chosen;
    return known ? { kind: "known", id: known.id } : null;
  }, [chosen, isGone, known]);
  const [attempted, setAttempted] = useState(false);
  const [sentence, setSentence] = useState("");
  const main = useRef<HTMLElement>(null);
  const sending = useRef<Promise<void>>(Promise.resolve());
  const judgement = useJudgement(backend, draft.document, sample, draft.fingerprint);
  const columnsOf = useColumns(
    backend,
    catalogue.tables.map(({ key }) => key),
    draft.fingerprint,
  );

  // The secrets belong to the connection alone; its text changes only when it does.
  const connection = JSON.stringify(draft.document.connection);
  const askSecrets = useMemo(() => {
    const asked = JSON.parse(connection) as SettingsDocument["connection"];
    return () => backend.secrets({ ...first, connection: asked });
  }, [backend, connection, first]);
  const secrets = useAnswer(askSecrets, draft.fingerprint);
  const { again } = secrets;

  const sendSecret = useCallback(
    (send: () => Promise<unknown>) => {
      const sent = sending.current.then(send);
      // What follows waits for this one, and does not fail with it.
      sending.current = sent.then(
        () => undefined,
        () => undefined,
      );
      return sent.then(() => {
        again();
      });
    },
    [again],
  );

  // Once the page that shows it has been drawn.
  useEffect(() => {
    if (!target || !main.current) return;
    if (target.key === null) {
      main.current.scrollTop = 0;
      main.current.querySelector("h1")?.focus();
    } else {
      focusKey(main.current, target.key);
    }
  }, [target]);

  const settings: Settings = {
    backend,
    view,
    catalogue,
    draft,
    judgement: judgement.value,
    place,
    go: (next) => {
      setPlace({ ...place, ...next });
      if (next.page !== undefined && next.page !== place.page) setTarget({ key: null });
    },
    goTo: (key) => {
      setPlace(placeOf(key, place));
      setTarget({ key });
    },
    sample,
    setSample,
    secrets,
    sendSecret,
    attempted,
    setAttempted: () => {
      setAttempted(true);
    },
    columnsOf,
    say: setSentence,
  };
  const Page = pages[place.page];
  return (
    <SettingsContext value={settings}>
      <div className={`${styles.window} ${styles.folded}`}>
        <Navigation />
        <div className={styles.right}>
          <main ref={main} className={styles.main}>
            <div className={styles.content}>
              {down && (
                <div role="alert">
                  <Notice intent="error" title={down.message} problem={down} />
                </div>
              )}
              {view.problem && (
                <div role="alert">
                  <Notice
                    intent="error"
                    title={
                      view.saved === null ? settingsTexts.unreadable : settingsTexts.notInForce
                    }
                    problem={view.problem}
                  />
                </div>
              )}
              {judgement.problem && (
                <div role="alert">
                  <Notice
                    intent="error"
                    title={settingsTexts.judgeFailed}
                    problem={judgement.problem}
                    action={{ label: texts.tryAgain, run: judgement.again }}
                  />
                </div>
              )}
              <Page />
            </div>
          </main>
          <SaveBar />
        </div>
      </div>
      <div role="status" style={hidden} data-testid="spoken">
        {sentence}
      </div>
    </SettingsContext>
  );
}
