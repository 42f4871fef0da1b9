import { FluentProvider, Spinner, makeStyles, tokens } from "@fluentui/react-components";
import type { Backend, Problem } from "../backend";
import { RecorderContext } from "../record/recorder";
import { texts } from "../texts";
import { Notice } from "./Notice";
import { Page } from "./Page";
import { useSystemTheme } from "./theme";
import { useCommands } from "./useCommands";
import { useView } from "./useView";

const useStyles = makeStyles({
  provider: { height: "100%", backgroundColor: tokens.colorNeutralBackground3 },
  starting: {
    display: "grid",
    alignContent: "center",
    justifyContent: "center",
    minHeight: "100%",
    boxSizing: "border-box",
    padding: tokens.spacingHorizontalM,
  },
});

function Starting({ problem }: { problem: Problem | null }) {
  const styles = useStyles();
  return (
    <main className={styles.starting}>
      {problem ? (
        <Notice intent="error" title={problem.message} problem={problem} />
      ) : (
        <Spinner label={texts.starting} />
      )}
    </main>
  );
}

/** The whole page: the only part that listens to the back end. */
export function App({ backend }: { backend: Backend }) {
  const styles = useStyles();
  const { view, down } = useView(backend);
  const { commands, failure, dismiss } = useCommands(backend);
  return (
    <FluentProvider
      theme={useSystemTheme()}
      className={styles.provider}
      // Else every tooltip's portal gets the height and the background too, and covers the page.
      applyStylesToPortals={false}
    >
      {view ? (
        <RecorderContext value={backend}>
          <Page view={view} down={down} failure={failure} commands={commands} onDismiss={dismiss} />
        </RecorderContext>
      ) : (
        <Starting problem={down} />
      )}
    </FluentProvider>
  );
}
