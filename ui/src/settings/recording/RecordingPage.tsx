import { makeStyles, tokens } from "@fluentui/react-components";
import { useSettings } from "../settings";
import { PageHead } from "../parts/PageHead";
import { Section } from "../parts/Section";
import { NumberSetting, RadioSetting, SelectSetting, SwitchSetting } from "../parts/Setting";
import { TextList } from "../parts/TextList";
import { settingsTexts } from "../texts";

const said = settingsTexts.recording;
const LONGEST_GRACE_SECONDS = 86_400;
const MOST_MESSAGES = 1_000;

const useStyles = makeStyles({
  off: { margin: 0, color: tokens.colorNeutralForeground2, fontStyle: "italic" },
});

/** How chats are written down. */
export function RecordingPage() {
  const styles = useStyles();
  const { recording } = useSettings().draft.document;
  const manual = recording.mode === "manual";
  const action: string | undefined = (said.actionHints as Record<string, string>)[recording.action];
  return (
    <>
      <PageHead title={settingsTexts.page("recording")} lead={said.lead} />
      <Section title={said.title}>
        <RadioSetting at="recording.mode" label={said.mode} options={Object.entries(said.modes)} />
      </Section>
      <Section title={said.automatic}>
        {manual && <p className={styles.off}>{said.automaticOff}</p>}
        <SelectSetting
          at="recording.action"
          label={said.action}
          hint={action}
          options={Object.entries(said.actions)}
        />
        <NumberSetting
          at="recording.grace_seconds"
          label={said.grace}
          hint={said.graceHint}
          min={0}
          max={LONGEST_GRACE_SECONDS}
        />
        <NumberSetting
          at="recording.minimum_messages"
          label={said.minimum}
          hint={said.minimumHint}
          min={0}
          max={MOST_MESSAGES}
        />
      </Section>
      <Section title={said.people}>
        <RadioSetting
          at="recording.update"
          label={said.update}
          options={Object.entries(said.updates)}
        />
        <RadioSetting
          at="recording.when_ambiguous"
          label={said.ambiguous}
          options={Object.entries(said.ambiguities)}
        />
        <RadioSetting
          at="recording.owner"
          label={said.owner}
          options={Object.entries(said.owners)}
        />
      </Section>
      <Section title={said.manual}>
        <SwitchSetting at="recording.one_click" label={said.oneClick} />
      </Section>
      <Section title={said.exclude} hint={said.excludeHint}>
        <TextList at="recording.exclude.emails" label={said.emails} />
        <TextList at="recording.exclude.domains" label={said.domains} hint={said.domainsHint} />
        <TextList at="recording.exclude.phones" label={said.phones} />
        <TextList at="recording.exclude.departments" label={said.departments} />
      </Section>
    </>
  );
}
