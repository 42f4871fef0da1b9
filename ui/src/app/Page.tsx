import { makeStyles, tokens } from "@fluentui/react-components";
import { useCallback, useState } from "react";
import { ActivityDrawer } from "../activity/ActivityDrawer";
import type { Problem, View } from "../backend";
import { Cards } from "../cards/Cards";
import { ConsoleDialog } from "../console/ConsoleDialog";
import { TopBar } from "../header/TopBar";
import { VisitorHeader } from "../header/VisitorHeader";
import { type TakenBack, Unlinked } from "../links/Unlinked";
import { DataDrawer } from "../data/DataDrawer";
import { OutboxDrawer } from "../outbox/OutboxDrawer";
import { PracticeConsole } from "../practice/PracticeConsole";
import { FormDrawer } from "../record/FormDrawer";
import { IconOnly } from "../record/IconOnly";
import { KeptForms } from "../record/KeptForms";
import { RecordPanel } from "../record/RecordPanel";
import { useForms } from "../record/useForms";
import { SearchDrawer } from "../search/SearchDrawer";
import { hidden } from "../text/hidden";
import { Timeline } from "../timeline/Timeline";
import { LockedScreen } from "./LockedScreen";
import { IdleScreen } from "./IdleScreen";
import { Notices } from "./Notices";
import { Unidentifiable } from "./Unidentifiable";
import { announcement, recordAnnouncement } from "./announce";
import { texts } from "../texts";
import type { Commands } from "./useCommands";
import { useShortcuts } from "./useShortcuts";
import { knownNames } from "../record/knownNames";

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
  const [opened, setOpen] = useState<"console" | "outbox" | "activity" | "search" | "data" | null>(
    null,
  );
  const { visitor, recognition, recording, practice } = view;
  const forms = useForms();
  // What was begun is there again when the companion is unlocked; until then nothing of it is drawn.
  const open = view.locked ? null : opened;
  const shownForm = view.locked ? null : forms.shown;
  const chat = visitor?.chatId ?? null;
  const isCurrent = (form: { chat: string | null }) => visitor !== null && form.chat === chat;
  const close = () => {
    setOpen(null);
  };
  const search = useCallback(() => {
    setOpen("search");
  }, []);
  useShortcuts(commands.refresh, search, commands.lock);
  const [takenBack, setTakenBack] = useState<TakenBack | null>(null);
  const isUnlinked =
    takenBack !== null &&
    visitor !== null &&
    takenBack.chat === chat &&
    !recognition[takenBack.table].record?.link;
  return (
    <div className={styles.page}>
      {view.locked ? (
        <LockedScreen view={view} failure={failure} down={down} onUnlock={commands.unlock} />
      ) : (
        <>
          <TopBar
            view={view}
            onSearch={search}
            onRefresh={commands.refresh}
            onOutbox={() => {
              setOpen("outbox");
            }}
            onActivity={() => {
              setOpen("activity");
            }}
            onConsole={() => {
              setOpen("console");
            }}
            onSignOut={commands.signOut}
            onData={() => {
              setOpen("data");
            }}
            onLock={commands.lock}
            onSettings={commands.openSettings}
          />
          <main className={styles.main}>
            <VisitorHeader
              visitor={visitor}
              known={recording.iconOnly ? knownNames(recognition) : null}
            />
            <div className={styles.content}>
              <Notices
                view={view}
                down={down}
                failure={open === null ? failure : null}
                commands={commands}
                onDismiss={onDismiss}
              />
              {isUnlinked && (
                <Unlinked
                  link={takenBack}
                  onUndo={() => {
                    setTakenBack(null);
                    commands.link(takenBack.table, takenBack.id, takenBack.chat);
                  }}
                  onDismiss={() => {
                    setTakenBack(null);
                  }}
                />
              )}
              <KeptForms
                forms={forms.forms.filter(({ key }) => key !== forms.shown)}
                onResume={forms.show}
                onThrowAway={forms.remove}
              />
              {visitor && (
                <RecordPanel
                  // A message about one chat is none about the next.
                  key={`record ${chat ?? visitor.email}`}
                  recording={recording}
                  visitor={visitor}
                  unfinished={forms.forms.filter(isCurrent).map(({ table }) => table)}
                  onForm={(table, draft) => {
                    const who = visitor.name || visitor.email || texts.visitor.nameless;
                    forms.begin({ table, chat, who, draft });
                  }}
                  onOpen={commands.openRecord}
                />
              )}
              {visitor === null ? (
                <IdleScreen view={view} commands={commands} />
              ) : recording.iconOnly ? (
                <IconOnly />
              ) : recognition.state === "unidentifiable" ? (
                <Unidentifiable problem={recognition.problem} onSearch={search} />
              ) : (
                <Cards
                  // Another visitor's cards start closed and unchosen.
                  key={visitor.chatId ?? visitor.email}
                  recognition={recognition}
                  visitor={visitor}
                  onRefresh={commands.refresh}
                  onChoose={commands.choose}
                  onOpen={commands.openRecord}
                  onSearch={search}
                  onUnlink={({ table, id, name }) => {
                    setTakenBack({ table, id, name: name.trim() || texts.card.nameless, chat });
                    commands.unlink(table, chat);
                  }}
                />
              )}
              {visitor && !recording.iconOnly && (
                <Timeline
                  key={`timeline ${chat ?? visitor.email}`}
                  timeline={view.timeline}
                  onOpen={commands.openRecord}
                  onRefresh={commands.refresh}
                />
              )}
            </div>
          </main>
          {practice && <PracticeConsole practice={practice} onPlay={commands.playVisitor} />}
        </>
      )}
      {forms.forms.map((form) => (
        <FormDrawer
          key={form.key}
          form={form}
          shown={form.key === shownForm}
          current={isCurrent(form)}
          onDone={() => {
            forms.remove(form.key);
          }}
          onAside={() => {
            forms.show(null);
          }}
          onClose={() => {
            forms.remove(form.key);
          }}
        />
      ))}
      {open === "search" && (
        <SearchDrawer
          view={view}
          failure={failure}
          onDismiss={onDismiss}
          onOpen={commands.openRecord}
          onClose={close}
        />
      )}
      {open === "outbox" && (
        <OutboxDrawer
          revision={view.revision}
          failure={failure}
          onDismiss={onDismiss}
          onOpen={commands.openRecord}
          onClose={close}
        />
      )}
      {open === "activity" && (
        <ActivityDrawer
          failure={failure}
          onDismiss={onDismiss}
          onOpen={commands.openRecord}
          onClose={close}
        />
      )}
      {open === "data" && <DataDrawer view={view} onLock={commands.lock} onClose={close} />}
      {open === "console" && (
        <ConsoleDialog
          console={view.console}
          commands={commands}
          failure={failure}
          onDismiss={onDismiss}
          onClose={close}
        />
      )}
      <div role="status" data-testid="announcement" style={hidden}>
        {announcement(view)}
      </div>
      <div role="status" data-testid="record-announcement" style={hidden}>
        {recordAnnouncement(recording)}
      </div>
    </div>
  );
}
