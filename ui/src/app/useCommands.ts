import { useMemo, useState } from "react";
import { type Backend, type Problem, type Table, asProblem } from "../backend";

/** What the agent can do. Nothing is returned: the outcome is the next view, or `failure`. */
export interface Commands {
  refresh: () => void;
  choose: (table: Table, id: string) => void;
  startPairing: () => void;
  cancelPairing: () => void;
  revokeConsole: (id: string) => void;
  playVisitor: (id: string) => void;
  openRecord: (table: string, id: string) => void;
  link: (table: Table, id: string, chat: string | null) => void;
  unlink: (table: Table, chat: string | null) => void;
  reconnect: () => void;
  signIn: () => void;
  cancelSignIn: () => void;
  signOut: () => void;
  openSettings: () => void;
  lock: () => void;
  unlock: () => void;
}

export function useCommands(backend: Backend) {
  const [failure, setFailure] = useState<Problem | null>(null);

  const commands = useMemo<Commands>(() => {
    const run = (command: Promise<void>) => {
      setFailure(null);
      command.catch((reason: unknown) => {
        setFailure(asProblem(reason));
      });
    };
    return {
      refresh: () => {
        run(backend.refresh());
      },
      choose: (table, id) => {
        run(backend.choose(table, id));
      },
      startPairing: () => {
        run(backend.startPairing());
      },
      cancelPairing: () => {
        run(backend.cancelPairing());
      },
      revokeConsole: (id) => {
        run(backend.revokeConsole(id));
      },
      playVisitor: (id) => {
        run(backend.playVisitor(id));
      },
      openRecord: (table, id) => {
        run(backend.openRecord(table, id));
      },
      link: (table, id, chat) => {
        run(backend.link(table, id, chat));
      },
      unlink: (table, chat) => {
        run(backend.unlink(table, chat));
      },
      reconnect: () => {
        run(backend.reconnect());
      },
      signIn: () => {
        run(backend.signIn());
      },
      cancelSignIn: () => {
        run(backend.cancelSignIn());
      },
      signOut: () => {
        run(backend.signOut());
      },
      openSettings: () => {
        run(backend.openSettings());
      },
      lock: () => {
        run(backend.lock());
      },
      unlock: () => {
        run(backend.unlock());
      },
    };
  }, [backend]);

  return {
    commands,
    failure,
    dismiss: () => {
      setFailure(null);
    },
  };
}
