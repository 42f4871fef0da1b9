import { useState } from "react";
import type { Connection, Problem, Recognition, View } from "../backend";
import { texts } from "../texts";
import { SECOND, instant, spanOf, useNow } from "../time";
import { Notice } from "./Notice";
import type { Commands } from "./useCommands";
import { TABLES } from "./useShortcuts";

interface Props {
  view: View;
  down: Problem | null;
  failure: Problem | null;
  commands: Commands;
  onDismiss: () => void;
}

/** The oldest of the values on the page. */
function oldest(recognition: Recognition): number | null {
  const times = TABLES.map((table) => instant(recognition[table].record?.asOf ?? null)).filter(
    (time) => time !== null,
  );
  return times.length === 0 ? null : Math.min(...times);
}

function Known({
  view,
  title,
  problem,
  action,
}: {
  view: View;
  title: string;
  problem: Problem | null;
  action: { label: string; run: () => void };
}) {
  const now = useNow(10 * SECOND);
  const known = oldest(view.recognition);
  let whole = title;
  if (known !== null) whole = `${title} ${texts.notice.showingKnown(spanOf(now - known))}`;
  else if (view.visitor) whole = `${title} ${texts.notice.nothingKnown}`;
  return <Notice intent="warning" title={whole} problem={problem} action={action} />;
}

/** What stands in the way, the nearest cause only: a page without a back end needs no word about Dynamics. */
function Cause({ view, down, commands }: Omit<Props, "failure" | "onDismiss">) {
  const { connection, recognition } = view;
  const reconnect = { label: texts.tryAgain, run: commands.reconnect };
  if (down) return <Notice intent="warning" title={down.message} problem={down} />;
  if (connection.person?.waiting) {
    const { device } = connection.person;
    return (
      <Notice
        intent="info"
        title={device ? texts.notice.signingInElsewhere : texts.notice.signingIn}
        text={device ? texts.notice.deviceCode(device.page, device.code) : undefined}
        problem={null}
        action={{ label: texts.notice.cancelSignIn, run: commands.cancelSignIn }}
      />
    );
  }
  if (connection.state === "signed-out") {
    return (
      <Known
        view={view}
        title={texts.notice.signedOut}
        problem={connection.problem}
        action={{
          label: texts.notice.signIn,
          run: connection.person ? commands.signIn : commands.reconnect,
        }}
      />
    );
  }
  if (connection.state === "failed") {
    return (
      <Notice
        intent="error"
        title={texts.notice.connectionFailed}
        problem={connection.problem}
        action={reconnect}
      />
    );
  }
  if (connection.state === "offline") {
    return (
      <Known
        view={view}
        title={texts.notice.offline}
        problem={connection.problem ?? recognition.problem}
        action={reconnect}
      />
    );
  }
  const again = { label: texts.tryAgain, run: commands.refresh };
  if (recognition.state === "offline") {
    return (
      <Known
        view={view}
        title={texts.notice.offline}
        problem={recognition.problem}
        action={again}
      />
    );
  }
  if (recognition.state === "failed") {
    return (
      <Notice
        intent="error"
        title={texts.notice.failed}
        problem={recognition.problem}
        action={again}
      />
    );
  }
  return null;
}

/** The keyring keeps nothing: the agent hears it before the next start. */
function SessionOnly({ connection: { person, state } }: { connection: Connection }) {
  if (!person?.sessionOnly || state !== "online") return null;
  return (
    <Notice intent="info" title={texts.notice.sessionOnly} problem={person.sessionOnly} compact />
  );
}

/** What is to be known of the companion's own files: once read, it can be put away. */
function Files({ problems }: { problems: Problem[] }) {
  const [read, setRead] = useState<string[]>([]);
  return problems
    .filter((problem) => !read.includes(problem.code))
    .map((problem) => (
      <Notice
        key={problem.code}
        intent="warning"
        title={problem.message}
        problem={problem}
        onDismiss={() => {
          setRead([...read, problem.code]);
        }}
      />
    ));
}

export function Notices({ view, down, failure, commands, onDismiss }: Props) {
  return (
    <>
      {failure && (
        <div role="alert">
          <Notice intent="error" title={failure.message} problem={failure} onDismiss={onDismiss} />
        </div>
      )}
      <Cause view={view} down={down} commands={commands} />
      <SessionOnly connection={view.connection} />
      <Files problems={view.files} />
    </>
  );
}
