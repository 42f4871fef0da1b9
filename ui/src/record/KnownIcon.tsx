import { makeStyles, tokens } from "@fluentui/react-components";
import { ContactCard20Filled } from "../icons";
import { texts } from "../texts";

const useStyles = makeStyles({
  icon: { display: "flex", flexShrink: 0, color: tokens.colorBrandForeground1 },
});

/** Says that the visitor is in Dynamics, where their records are not shown (guide: "Do Nothing"). */
export function KnownIcon({ names }: { names: string }) {
  const styles = useStyles();
  const label = texts.record.known(names);
  return (
    <span role="img" aria-label={label} title={label} className={styles.icon}>
      <ContactCard20Filled />
    </span>
  );
}
