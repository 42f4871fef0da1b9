import {
  Accordion,
  AccordionHeader,
  AccordionItem,
  AccordionPanel,
  makeStyles,
  tokens,
} from "@fluentui/react-components";
import { useSettings } from "../settings";
import { Section } from "../parts/Section";
import { settingsTexts } from "../texts";

const useStyles = makeStyles({
  who: { margin: 0, color: tokens.colorNeutralForeground2 },
  steps: {
    margin: `${tokens.spacingVerticalS} 0`,
    paddingLeft: tokens.spacingHorizontalXXL,
    display: "grid",
    gap: tokens.spacingVerticalXS,
  },
});

interface Props {
  open: string[];
  onOpen: (chapters: string[]) => void;
}

/** The guide's chapters, for whoever has to do something in Microsoft's own pages. */
export function Guide({ open, onOpen }: Props) {
  const styles = useStyles();
  const { catalogue } = useSettings();
  return (
    <Section title={settingsTexts.connection.guide}>
      <Accordion
        multiple
        collapsible
        openItems={open}
        onToggle={(_, { openItems }) => {
          onOpen(openItems.map(String));
        }}
      >
        {catalogue.guide.map(({ id, title, who, steps }) => (
          <AccordionItem key={id} value={id} id={`guide-${id}`}>
            <AccordionHeader as="h3">{title}</AccordionHeader>
            <AccordionPanel>
              <p className={styles.who}>{settingsTexts.connection.guideWho(who)}</p>
              <ol className={styles.steps}>
                {steps.map((step) => (
                  <li key={step}>{step}</li>
                ))}
              </ol>
            </AccordionPanel>
          </AccordionItem>
        ))}
      </Accordion>
    </Section>
  );
}
