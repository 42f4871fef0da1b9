import { Field, Input, Spinner, makeStyles, tokens } from "@fluentui/react-components";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Hit, Problem, View } from "../backend";
import { Notice } from "../app/Notice";
import { Sheet } from "../app/Sheet";
import { TABLES } from "../app/useShortcuts";
import { Search16Regular } from "../icons";
import { useAction, useRecorder } from "../record/recorder";
import { texts } from "../texts";
import { Hits } from "./Hits";
import { useSearch } from "./useSearch";

const useStyles = makeStyles({
  // What is typed stays in sight while the results scroll.
  box: {
    position: "sticky",
    top: `calc(-1 * ${tokens.spacingVerticalXS})`,
    zIndex: 1,
    display: "grid",
    gap: tokens.spacingVerticalXS,
    padding: `${tokens.spacingVerticalXS} 0`,
    backgroundColor: tokens.colorNeutralBackground1,
  },
  input: { minWidth: 0, width: "100%" },
  status: {
    display: "flex",
    alignItems: "center",
    minHeight: tokens.lineHeightBase300,
    gap: tokens.spacingHorizontalS,
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  results: {
    display: "grid",
    gap: tokens.spacingVerticalL,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
});

/** Moves the focus from one result's first button to the next; from the first one back into the box. */
function moveAmong(list: HTMLElement | null, box: HTMLInputElement | null, event: KeyboardEvent) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || !list) return;
  const items = [...list.querySelectorAll("li")];
  const at = items.findIndex((item) => item.contains(document.activeElement));
  if (at === -1 && step === -1) return;
  event.preventDefault();
  if (at + step < 0) {
    box?.focus();
    return;
  }
  const next = items[Math.min(at + step, items.length - 1)];
  next?.querySelector("button")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

interface Props {
  view: View;
  /** Why the last command failed; the page's own message is out of reach behind the drawer. */
  failure: Problem | null;
  onDismiss: () => void;
  onOpen: (table: string, id: string) => void;
  onClose: () => void;
}

/** Finds a record by typing, and links it to the current chat. */
export function SearchDrawer({ view, failure, onDismiss, onOpen, onClose }: Props) {
  const styles = useStyles();
  const recorder = useRecorder();
  const action = useAction();
  const [text, setText] = useState("");
  const box = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const { results, asking, problem } = useSearch(text);
  const { visitor, recognition } = view;
  const shown = TABLES.flatMap((table) => recognition[table].record?.id ?? []);
  const told = action.problem ?? failure;

  useEffect(() => {
    box.current?.focus();
  }, []);

  const status =
    text.trim() === ""
      ? texts.search.hint
      : results === null
        ? ""
        : texts.search.count(results.hits.length, asking);
  return (
    <Sheet
      shape="drawer"
      title={texts.search.title}
      onClose={onClose}
      onKeyDown={(event) => {
        moveAmong(list.current, box.current, event);
      }}
    >
      <div className={styles.box} role="search">
        <Field
          label={{ children: texts.search.label, style: { position: "absolute", left: "-9999px" } }}
        >
          <Input
            ref={box}
            className={styles.input}
            type="search"
            dir="auto"
            maxLength={100}
            autoComplete="off"
            spellCheck={false}
            placeholder={texts.search.placeholder}
            contentBefore={<Search16Regular />}
            value={text}
            onChange={(_, { value }) => {
              setText(value);
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              list.current?.querySelector<HTMLElement>("li button")?.focus();
            }}
          />
        </Field>
        <div className={styles.status} role="status">
          {asking && <Spinner size="extra-tiny" />}
          <span>{status}</span>
        </div>
      </div>
      {told && (
        <div role="alert">
          <Notice
            intent="error"
            title={told.message}
            problem={told}
            onDismiss={() => {
              action.dismiss();
              onDismiss();
            }}
          />
        </div>
      )}
      {problem && (
        <div role="alert">
          <Notice intent="error" title={texts.search.failed} problem={problem} />
        </div>
      )}
      {results?.problem && (
        <div>
          <Notice
            intent="warning"
            title={results.hits.length > 0 ? texts.search.notLive : texts.search.notLiveNothing}
            problem={results.problem}
          />
        </div>
      )}
      {results && (
        <div ref={list} className={styles.results} aria-busy={asking}>
          <Hits
            results={results}
            canLink={visitor !== null}
            busy={action.busy}
            shown={shown}
            onLink={(hit) => {
              action.run(() => recorder.link(hit.table, hit.id, visitor?.chatId ?? null), onClose);
            }}
            onOpen={(hit: Hit) => {
              onOpen(hit.table, hit.id);
            }}
          />
        </div>
      )}
    </Sheet>
  );
}
