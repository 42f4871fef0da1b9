import { Spinner, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useRef, useState } from "react";
import { type Draft, type Entry, type Problem, asProblem } from "../backend";
import { Notice } from "../app/Notice";
import { Sheet } from "../app/Sheet";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { AboutField } from "./AboutField";
import { DuplicateWarning, useDuplicates } from "./DuplicateWarning";
import { Fields } from "./Fields";
import { FormFoot } from "./FormFoot";
import { FoundList } from "./FoundList";
import { useAction, useRecorder } from "./recorder";
import type { OpenForm } from "./useForms";
import { type Values, aboutOf, filledOf, valuesOf, wrongAbout, wrongIn } from "./values";

const useStyles = makeStyles({
  belongs: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  group: {
    display: "grid",
    gap: tokens.spacingVerticalM,
    gridTemplateColumns: "minmax(0, 1fr)",
    minWidth: 0,
  },
  label: {
    margin: 0,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  cases: {
    padding: `${tokens.spacingVerticalS} ${tokens.spacingHorizontalM}`,
    backgroundColor: tokens.colorNeutralBackground2,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
  },
});

/** The form as the back end fills it in; asked for once, and again where that failed. */
function useDraft({ table, chat, draft: given }: OpenForm) {
  const recorder = useRecorder();
  const [draft, setDraft] = useState<Draft | null>(given);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, setAsked] = useState(0);
  const there = draft !== null;
  useEffect(() => {
    if (there) return;
    let wanted = true;
    recorder.draft(table).then(
      (answer) => {
        if (!wanted) return;
        // The agent may have selected another chat between the click and the answer.
        if (answer.chat !== null && chat !== null && answer.chat !== chat) {
          setProblem(asProblem(new Error(texts.form.chatChanged)));
        } else setDraft(answer);
      },
      (reason: unknown) => {
        if (wanted) setProblem(asProblem(reason));
      },
    );
    return () => {
      wanted = false;
    };
  }, [recorder, table, chat, there, asked]);
  return {
    draft,
    problem,
    again: () => {
      setProblem(null);
      setAsked(asked + 1);
    },
  };
}

interface Props {
  form: OpenForm;
  /** Whether it is seen; what was typed stays while it is not. */
  shown: boolean;
  /** Whether its chat is the one that is selected. */
  current: boolean;
  onDone: (entry: Entry | null) => void;
  onAside: () => void;
  onClose: () => void;
}

/** A new record of a chat: the values that will be written, to be looked through, changed and sent. */
export function FormDrawer({ form, shown, current, onDone, onAside, onClose }: Props) {
  const styles = useStyles();
  const recorder = useRecorder();
  const { draft, problem: unfilled, again } = useDraft(form);
  const [values, setValues] = useState<Values>({});
  const [about, setAbout] = useState(draft && aboutOf(draft));
  const [tried, setTried] = useState(form.draft !== null);
  const [asking, setAsking] = useState(false);
  const action = useAction();
  const body = useRef<HTMLDivElement>(null);
  const fields = draft?.fields ?? [];
  const chosen = about ?? (draft ? aboutOf(draft) : { record: null, newContact: false });
  const filled = draft && filledOf(draft, values, chosen);
  const duplicates = useDuplicates(draft, shown ? filled : null);

  const wrong = tried ? wrongIn(fields, values) : new Map<string, string>();
  const noAbout = tried && draft ? wrongAbout(draft, chosen) : null;
  const filling = draft === null && unfilled === null;
  const focusNow = useRef<"first" | "wrong" | null>(form.draft === null ? "first" : "wrong");

  // The focus goes into the form when it is there, and to what is wrong when it was tried.
  useEffect(() => {
    if (!shown || filling || focusNow.current === null) return;
    const control =
      focusNow.current === "wrong"
        ? "[aria-invalid=true]"
        : "input:not([type=checkbox]), select, textarea";
    const found = body.current?.querySelector<HTMLElement>(control);
    if (found) focusNow.current = null;
    found?.focus();
  });

  // Fields that are switched off while it is sent lose the focus, and with it Ctrl+Enter and Escape.
  const focused = useRef<Element | null>(null);
  useEffect(() => {
    if (action.busy || action.problem === null) return;
    if (focused.current instanceof HTMLElement) focused.current.focus();
    focused.current = null;
  }, [action.busy, action.problem]);

  if (!shown) return null;

  const original = valuesOf(fields);
  const edited =
    Object.entries(values).some(([key, value]) => value !== original[key]) ||
    (draft !== null && JSON.stringify(chosen) !== JSON.stringify(aboutOf(draft)));
  const close = () => {
    if (action.busy) return;
    if (asking) setAsking(false);
    else if (edited) setAsking(true);
    else onClose();
  };
  const create = () => {
    if (!draft || !filled || !current || asking) return;
    setTried(true);
    if (wrongIn(fields, values).size > 0 || wrongAbout(draft, chosen) !== null) {
      focusNow.current = "wrong";
      return;
    }
    focused.current = document.activeElement;
    action.run(() => recorder.create(filled), onDone);
  };
  const disabled = action.busy;
  return (
    <Sheet
      shape="drawer"
      title={texts.form.title(form.table)}
      onClose={close}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !event.ctrlKey) return;
        event.preventDefault();
        create();
      }}
      foot={
        <FormFoot
          table={form.table}
          asking={asking}
          busy={action.busy}
          blocked={draft === null || !current}
          problem={action.problem}
          onCreate={create}
          onAside={() => {
            setAsking(false);
            onAside();
          }}
          onClose={close}
          onThrowAway={onClose}
          onKeep={() => {
            setAsking(false);
          }}
        />
      }
    >
      {current ? (
        <RecordText lines={2} className={styles.belongs}>
          {texts.form.belongs(form.who)}
        </RecordText>
      ) : (
        <div role="status">
          <Notice
            intent="warning"
            title={texts.form.otherChat(brief(form.who))}
            text={texts.form.otherChatStep}
            problem={null}
            action={{ label: texts.form.aside, run: onAside }}
          />
        </div>
      )}
      {filling && <Spinner label={texts.form.filling} />}
      {unfilled && (
        <div role="alert">
          <Notice
            intent="error"
            title={texts.form.failed}
            problem={unfilled}
            action={{ label: texts.tryAgain, run: again }}
          />
        </div>
      )}
      {draft && (
        <>
          <DuplicateWarning
            {...duplicates}
            disabled={disabled || !current}
            onTake={(table, id) => {
              action.run(
                () => recorder.link(table, id, form.chat),
                () => {
                  onDone(null);
                },
              );
            }}
          />
          {draft.openCases.length > 0 && (
            <section className={styles.cases}>
              <h3 className={styles.label}>{texts.form.openCases}</h3>
              <FoundList
                records={draft.openCases}
                disabled={disabled || !current}
                action={{
                  label: texts.form.addToCase,
                  spoken: texts.form.addToCaseSpoken,
                  run: (id) => {
                    action.run(() => recorder.addToCase(id, form.chat), onDone);
                  },
                }}
              />
            </section>
          )}
          <div ref={body} className={styles.group}>
            <AboutField
              draft={draft}
              about={chosen}
              wrong={noAbout}
              disabled={disabled}
              onChange={setAbout}
            />
            <Fields
              fields={fields}
              values={values}
              wrong={wrong}
              disabled={disabled}
              onChange={(key, value) => {
                setValues({ ...values, [key]: value });
              }}
            />
          </div>
        </>
      )}
    </Sheet>
  );
}
