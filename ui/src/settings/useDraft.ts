import { useCallback, useState } from "react";
import type { SettingsDocument, SettingsView } from "../backend";
import { same, withItem, withMoved, withValue, withoutItem } from "./edits";

/** What was taken out of a list, to be put back. */
export interface Removed {
  list: string;
  at: number;
  item: unknown;
  /** What a person calls it. */
  what: string;
}

interface State {
  /** The saved document that the draft goes back to, and its fingerprint. */
  base: SettingsDocument;
  fingerprint: string;
  draft: SettingsDocument;
  removed: Removed | null;
}

export interface Draft {
  document: SettingsDocument;
  fingerprint: string;
  changed: boolean;
  removed: Removed | null;
  /** Whether somebody else has saved since this draft was begun. */
  conflict: boolean;
  put: (key: string, value: unknown) => void;
  insert: (list: string, at: number, item: unknown) => void;
  move: (list: string, from: number, to: number) => void;
  remove: (list: string, at: number, item: unknown, what: string) => void;
  undo: () => void;
  forgetRemoved: () => void;
  replace: (document: SettingsDocument) => void;
  /** Goes on from what is saved now: with the saved document, or with this draft. */
  takeSaved: (view: SettingsView) => void;
  keepOver: (view: SettingsView) => void;
  /** This document was saved from here; changes made meanwhile stay. */
  saved: (sent: SettingsDocument, view: SettingsView) => void;
}

/** The document under the person's hands. An untouched one follows what is saved. */
export function useDraft(first: SettingsDocument, view: SettingsView): Draft {
  const [state, setState] = useState<State>({
    base: first,
    fingerprint: view.fingerprint,
    draft: first,
    removed: null,
  });
  const { saved } = view;
  const changed = !same(state.base, state.draft);
  const elsewhere = saved !== null && view.fingerprint !== state.fingerprint;
  // What is saved now and says the same as the draft is no conflict: this page's own save is one of those.
  if (elsewhere && (!changed || same(saved, state.draft))) {
    setState({ ...state, base: saved, draft: saved, fingerprint: view.fingerprint });
  }

  const edit = useCallback((change: (draft: SettingsDocument) => SettingsDocument) => {
    setState((before) => ({ ...before, draft: change(before.draft) }));
  }, []);

  return {
    document: state.draft,
    fingerprint: state.fingerprint,
    changed,
    removed: state.removed,
    conflict: elsewhere && changed,
    put: (key, value) => {
      edit((draft) => withValue(draft, key, value));
    },
    insert: (list, at, item) => {
      edit((draft) => withItem(draft, list, at, item));
    },
    move: (list, from, to) => {
      edit((draft) => withMoved(draft, list, from, to));
    },
    remove: (list, at, item, what) => {
      setState((before) => ({
        ...before,
        draft: withoutItem(before.draft, list, at),
        removed: { list, at, item, what },
      }));
    },
    undo: () => {
      setState((before) => {
        const { removed } = before;
        if (!removed) return before;
        const draft = withItem(before.draft, removed.list, removed.at, removed.item);
        return { ...before, draft, removed: null };
      });
    },
    forgetRemoved: () => {
      setState((before) => ({ ...before, removed: null }));
    },
    replace: (document) => {
      setState((before) => ({ ...before, draft: document, removed: null }));
    },
    takeSaved: (now) => {
      const document = now.saved;
      if (!document) return;
      setState({
        base: document,
        draft: document,
        fingerprint: now.fingerprint,
        removed: null,
      });
    },
    keepOver: (now) => {
      setState((before) => ({
        ...before,
        base: now.saved ?? before.base,
        fingerprint: now.fingerprint,
      }));
    },
    saved: (sent, now) => {
      setState((before) => {
        const base = now.saved ?? sent;
        return {
          base,
          fingerprint: now.fingerprint,
          draft: before.draft === sent ? base : before.draft,
          removed: null,
        };
      });
    },
  };
}
