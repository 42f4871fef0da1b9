import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import type { OpenForm } from "./useForms";

const useStyles = makeStyles({
  list: {
    display: "grid",
    gap: tokens.spacingVerticalXS,
    listStyleType: "none",
    margin: 0,
    padding: 0,
  },
  item: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
    padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalM}`,
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px dashed ${tokens.colorNeutralStroke1}`,
    borderRadius: tokens.borderRadiusXLarge,
  },
  what: { flexGrow: 1, flexBasis: "160px", minWidth: 0 },
  buttons: { display: "flex", gap: tokens.spacingHorizontalXS },
});

interface Props {
  forms: OpenForm[];
  onResume: (key: number) => void;
  onThrowAway: (key: number) => void;
}

/** The forms that were set aside, of whatever chat. */
export function KeptForms({ forms, onResume, onThrowAway }: Props) {
  const styles = useStyles();
  if (forms.length === 0) return null;
  return (
    <ul className={styles.list}>
      {forms.map(({ key, table, who }) => {
        const spoken = texts.form.keptSpoken(table, brief(who));
        return (
          <li key={key} className={styles.item}>
            <RecordText lines={2} className={styles.what}>
              {texts.form.kept(table, who)}
            </RecordText>
            <span className={styles.buttons}>
              <Button
                size="small"
                aria-label={texts.form.resumeSpoken(spoken)}
                onClick={() => {
                  onResume(key);
                }}
              >
                {texts.form.resume}
              </Button>
              <Button
                size="small"
                appearance="subtle"
                aria-label={texts.form.throwAwaySpoken(spoken)}
                onClick={() => {
                  onThrowAway(key);
                }}
              >
                {texts.form.throwAway}
              </Button>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
