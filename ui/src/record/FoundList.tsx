import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { Found } from "../backend";
import { Open16Regular } from "../icons";
import { IconButton } from "../text/IconButton";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";

const useStyles = makeStyles({
  list: { listStyleType: "none", margin: 0, padding: 0, minWidth: 0 },
  item: {
    display: "grid",
    rowGap: tokens.spacingVerticalXXS,
    padding: `${tokens.spacingVerticalXS} 0`,
    minWidth: 0,
    color: tokens.colorNeutralForeground1,
    "& + &": { borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  },
  name: { fontWeight: tokens.fontWeightSemibold },
  detail: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
  buttons: { display: "flex", gap: tokens.spacingHorizontalXS },
});

interface Props {
  records: Pick<Found, "id" | "name" | "detail">[];
  action: { label: string; spoken: (name: string) => string; run: (id: string) => void };
  disabled: boolean;
  onOpen?: ((id: string) => void) | undefined;
}

/** Records to choose one from. */
export function FoundList({ records, action, disabled, onOpen }: Props) {
  const styles = useStyles();
  return (
    <ul className={styles.list}>
      {records.map(({ id, name, detail }) => {
        const shown = name.trim() || texts.card.nameless;
        return (
          <li key={id} className={styles.item}>
            <RecordText lines={2} className={styles.name}>
              {shown}
            </RecordText>
            {detail !== "" && (
              <RecordText lines={2} className={styles.detail}>
                {detail}
              </RecordText>
            )}
            <div className={styles.buttons}>
              <Button
                size="small"
                disabled={disabled}
                aria-label={action.spoken(brief(shown))}
                onClick={() => {
                  action.run(id);
                }}
              >
                {action.label}
              </Button>
              {onOpen && (
                <IconButton
                  small
                  label={texts.card.openRecord(brief(shown))}
                  hint={texts.card.open}
                  icon={<Open16Regular />}
                  onClick={() => {
                    onOpen(id);
                  }}
                />
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
