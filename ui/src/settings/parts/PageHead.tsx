import { makeStyles, tokens } from "@fluentui/react-components";

const useStyles = makeStyles({
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase600,
    lineHeight: tokens.lineHeightBase600,
    fontWeight: tokens.fontWeightSemibold,
    outlineStyle: "none",
  },
  lead: { margin: 0, color: tokens.colorNeutralForeground2 },
});

export function PageHead({ title, lead }: { title: string; lead: string }) {
  const styles = useStyles();
  return (
    <div>
      <h1 className={styles.title} tabIndex={-1}>
        {title}
      </h1>
      <p className={styles.lead}>{lead}</p>
    </div>
  );
}
