import { Button, Checkbox, makeStyles, tokens } from "@fluentui/react-components";
import { useState } from "react";
import { Notice } from "../../app/Notice";
import { Sheet } from "../../app/Sheet";
import { PlugDisconnected16Regular } from "../../icons";
import { useAction } from "../../record/recorder";
import { RecordText } from "../../text/RecordText";
import { texts } from "../../texts";
import { isLocked, useSettings } from "../settings";
import { Section } from "../parts/Section";
import { settingsTexts } from "../texts";

const said = settingsTexts.connection;

const useStyles = makeStyles({
  row: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: tokens.spacingHorizontalS,
  },
  grow: { flexGrow: 1, minWidth: 0 },
  text: { margin: 0 },
});

/** The organization that is connected, and how to part with it (guide, "Disconnect Comm100 from Dynamics 365"). */
export function Disconnect() {
  const styles = useStyles();
  const settings = useSettings();
  const { backend, view, draft, secrets, say } = settings;
  const action = useAction();
  const [asking, setAsking] = useState(false);
  const [sure, setSure] = useState(false);
  const close = () => {
    setAsking(false);
    setSure(false);
  };
  return (
    <Section title={said.connected}>
      <div className={styles.row}>
        <RecordText address className={styles.grow}>
          {view.saved?.connection.organization_url ?? ""}
        </RecordText>
        <Button
          icon={<PlugDisconnected16Regular />}
          disabled={isLocked(settings, "connection")}
          onClick={() => {
            setAsking(true);
          }}
        >
          {said.disconnect}
        </Button>
      </div>
      {asking && (
        <Sheet shape="dialog" title={said.disconnectTitle} onClose={close}>
          <p className={styles.text}>{said.disconnectText}</p>
          <Checkbox
            label={said.disconnectCheck}
            checked={sure}
            onChange={(_, { checked }) => {
              setSure(checked === true);
            }}
          />
          {action.problem && (
            <div role="alert">
              <Notice intent="error" title={settingsTexts.failed} problem={action.problem} />
            </div>
          )}
          <div className={styles.row}>
            <Button
              appearance="primary"
              disabled={!sure || action.busy}
              onClick={() => {
                action.run(
                  async () => {
                    await backend.disconnect();
                    return await backend.settings();
                  },
                  (now) => {
                    draft.takeSaved(now);
                    secrets.again();
                    say(said.disconnected);
                    close();
                  },
                );
              }}
            >
              {said.disconnectOk}
            </Button>
            <Button onClick={close}>{texts.cancel}</Button>
          </div>
        </Sheet>
      )}
    </Section>
  );
}
