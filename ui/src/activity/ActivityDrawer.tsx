import {
  Button,
  Field,
  Input,
  Select,
  Spinner,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { useState } from "react";
import type { Problem } from "../backend";
import { Notice } from "../app/Notice";
import { Sheet } from "../app/Sheet";
import { Search16Regular } from "../icons";
import { texts } from "../texts";
import { Export } from "./Export";
import { Line } from "./Line";
import { useActivity } from "./useActivity";

const useStyles = makeStyles({
  filter: {
    display: "grid",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
    gap: tokens.spacingHorizontalS,
  },
  control: { minWidth: 0 },
  list: { listStyleType: "none", margin: 0, padding: 0, minWidth: 0 },
  empty: { margin: 0, color: tokens.colorNeutralForeground2 },
  older: { justifySelf: "start" },
});

interface Props {
  /** Why the last command failed; the page's own message is out of reach behind the drawer. */
  failure: Problem | null;
  onDismiss: () => void;
  onOpen: (table: string, id: string) => void;
  onClose: () => void;
}

/** What was recognised and written, the newest first. */
export function ActivityDrawer({ failure, onDismiss, onOpen, onClose }: Props) {
  const styles = useStyles();
  const [text, setText] = useState("");
  const [kind, setKind] = useState("");
  const { lines, more, problem, loadingOlder, older, again } = useActivity(text, kind);
  const filtered = text.trim() !== "" || kind !== "";
  return (
    <Sheet shape="drawer" title={texts.activity.title} onClose={onClose}>
      <div className={styles.filter} role="search">
        <Field label={texts.activity.search}>
          <Input
            className={styles.control}
            type="search"
            dir="auto"
            contentBefore={<Search16Regular />}
            value={text}
            onChange={(_, data) => {
              setText(data.value);
            }}
          />
        </Field>
        <Field label={texts.activity.kind}>
          <Select
            className={styles.control}
            value={kind}
            onChange={(_, data) => {
              setKind(data.value);
            }}
          >
            <option value="">{texts.activity.all}</option>
            {Object.entries(texts.activity.what).map(([what, label]) => (
              <option key={what} value={what}>
                {label}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      <Export filter={{ text, what: kind === "" ? [] : [kind], before: null }} />
      {failure && (
        <div role="alert">
          <Notice intent="error" title={failure.message} problem={failure} onDismiss={onDismiss} />
        </div>
      )}
      {problem && (
        <div role="alert">
          <Notice
            intent="error"
            title={texts.activity.failed}
            problem={problem}
            action={{ label: texts.tryAgain, run: again }}
          />
        </div>
      )}
      {lines === null && problem === null && <Spinner label={texts.activity.loading} />}
      {lines?.length === 0 && (
        <p className={styles.empty} role="status">
          {filtered ? texts.activity.emptyFiltered : texts.activity.empty}
        </p>
      )}
      {lines && lines.length > 0 && (
        <ul className={styles.list} aria-label={texts.activity.title}>
          {lines.map((line) => (
            <Line key={line.number} line={line} onOpen={onOpen} />
          ))}
        </ul>
      )}
      {more && (
        <Button className={styles.older} disabledFocusable={loadingOlder} onClick={older}>
          {texts.activity.older}
        </Button>
      )}
    </Sheet>
  );
}
