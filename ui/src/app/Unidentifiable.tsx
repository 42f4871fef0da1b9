import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { Problem } from "../backend";
import { PersonQuestionMark24Regular, Search16Regular } from "../icons";
import { RecordText } from "../text/RecordText";
import { texts } from "../texts";

const useStyles = makeStyles({
  panel: {
    display: "grid",
    gridTemplateColumns: "auto minmax(0, 1fr)",
    columnGap: tokens.spacingHorizontalM,
    rowGap: tokens.spacingVerticalXS,
    padding: tokens.spacingVerticalL,
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusXLarge,
    boxShadow: tokens.shadow2,
  },
  icon: { display: "flex", gridRow: "1 / span 4", color: tokens.colorNeutralForeground3 },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase300,
    lineHeight: tokens.lineHeightBase300,
    fontWeight: tokens.fontWeightSemibold,
  },
  button: { justifySelf: "start", marginTop: tokens.spacingVerticalXS },
  sentence: { color: tokens.colorNeutralForeground2 },
});

interface Props {
  problem: Problem | null;
  onSearch: () => void;
}

export function Unidentifiable({ problem, onSearch }: Props) {
  const styles = useStyles();
  return (
    <section className={styles.panel}>
      <span className={styles.icon}>
        <PersonQuestionMark24Regular />
      </span>
      <h2 className={styles.title}>{texts.unidentifiable.title}</h2>
      <RecordText className={styles.sentence}>
        {problem?.message ?? texts.unidentifiable.message}
      </RecordText>
      <RecordText className={styles.sentence}>
        {problem?.nextStep ?? texts.unidentifiable.nextStep}
      </RecordText>
      <Button className={styles.button} icon={<Search16Regular />} onClick={onSearch}>
        {texts.search.open}
      </Button>
    </section>
  );
}
