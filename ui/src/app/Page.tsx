import { makeStyles, tokens } from "@fluentui/react-components";
import { useState } from "react";
import type { Problem, View } from "../backend";
import { Cards } from "../cards/Cards";
import { ConsoleDialog } from "../console/ConsoleDialog";
import { TopBar } from "../header/TopBar";
import { VisitorHeader } from "../header/VisitorHeader";
import { PracticeConsole } from "../practice/PracticeConsole";
import { hidden } from "../text/hidden";
import { IdleScreen } from "./IdleScreen";
import { Notices } from "./Notices";
import { Unidentifiable } from "./Unidentifiable";
import { announcement } from "./announce";
import type { Commands } from "./useCommands";
import { useShortcuts } from "./useShortcuts";

const useStyles = makeStyles({
  page: {
    height: "100%",
    minWidth: "320px",
    display: "flex",
    flexDirection: "column",
    position: "relative",
    overflow: "clip",
  },
  // Positioned, or the texts for screen readers inside it would lengthen the document.
  main: { position: "relative", flexGrow: 1, minHeight: 0, overflowY: "auto" },
  content: {
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
    padding: tokens.spacingHorizontalM,
  },
});

interface Props {
  view: View;
  down: Problem | null;
  failure: Problem | null;
  commands: Commands;
  onDismiss: () => void;
}

export function Page({ view, down, failure, commands, onDismiss }: Props) {
  const styles = useStyles();
  const [consoleOpen, setConsoleOpen] = useState(false);
  const { visitor, recognition, practice } = view;
  useShortcuts(commands.refresh);
  return (
    <div className={styles.page}>
      <TopBar
        view={view}
        onRefresh={commands.refresh}
        onConsole={() => {
          setConsoleOpen(true);
        }}
        onSignOut={commands.signOut}
      />
      <main className={styles.main}>
        <VisitorHeader visitor={visitor} />
        <div className={styles.content}>
          <Notices
            view={view}
            down={down}
            failure={consoleOpen ? null : failure}
            commands={commands}
            onDismiss={onDismiss}
          />
          {visitor === null ? (
            <IdleScreen view={view} commands={commands} />
          ) : recognition.state === "unidentifiable" ? (
            <Unidentifiable problem={recognition.problem} />
          ) : (
            <Cards
              // Another visitor's cards start closed and unchosen.
              key={visitor.chatId ?? visitor.email}
              recognition={recognition}
              visitor={visitor}
              onRefresh={commands.refresh}
              onChoose={commands.choose}
              onOpen={commands.openRecord}
            />
          )}
        </div>
      </main>
      {practice && <PracticeConsole practice={practice} onPlay={commands.playVisitor} />}
      {consoleOpen && (
        <ConsoleDialog
          console={view.console}
          commands={commands}
          failure={failure}
          onDismiss={onDismiss}
          onClose={() => {
            setConsoleOpen(false);
          }}
        />
      )}
      <div role="status" data-testid="announcement" style={hidden}>
        {announcement(view)}
      </div>
    </div>
  );
}
