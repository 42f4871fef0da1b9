import { makeStyles, tokens } from "@fluentui/react-components";
import { texts } from "../texts";

const useStyles = makeStyles({
  sentence: {
    margin: 0,
    textAlign: "center",
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
});

/** In place of the cards, which the settings leave out. */
export function IconOnly() {
  const styles = useStyles();
  return <p className={styles.sentence}>{texts.record.iconOnly}</p>;
}
