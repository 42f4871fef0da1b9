import { makeStyles, tokens } from "@fluentui/react-components";
import { useRef, useState } from "react";
import type { SettingsDocument } from "../../backend";
import { isLocked, useSettings } from "../settings";
import { PageHead } from "../parts/PageHead";
import { Lock } from "../parts/Lock";
import { Section } from "../parts/Section";
import { NumberSetting } from "../parts/Setting";
import { Tabs } from "../parts/Tabs";
import { TextList } from "../parts/TextList";
import { settingsTexts } from "../texts";
import { ConnectionFields } from "./ConnectionFields";
import { Disconnect } from "./Disconnect";
import { Guide } from "./Guide";
import { TestPanel } from "./TestPanel";

type Connection = SettingsDocument["connection"];
type Kind = Connection["kind"];

const KINDS: readonly Kind[] = ["cloud", "on-premises", "practice"];
const LARGEST_PORT = 65_535;

const useStyles = makeStyles({
  tabs: { flexWrap: "wrap", margin: `-${tokens.spacingVerticalXS} 0` },
  panel: {
    display: "grid",
    gap: tokens.spacingVerticalL,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  text: { margin: 0 },
});

/** Which organization, how to sign in, and whether it works. */
export function ConnectionPage() {
  const styles = useStyles();
  const settings = useSettings();
  const { draft, view } = settings;
  /** What was typed for another kind, should the person come back to it. */
  const others = useRef<Partial<Record<Kind, Connection>>>({});
  const [chapter, setChapter] = useState<string[]>([]);
  const { connection } = draft.document;
  const locked = isLocked(settings, "connection.kind");

  const choose = (kind: Kind) => {
    if (kind === connection.kind) return;
    others.current[connection.kind] = connection;
    const fresh: Connection = { kind, sign_in: "secret" };
    draft.put("connection", others.current[kind] ?? fresh);
  };
  return (
    <>
      <PageHead title={settingsTexts.page("connection")} lead={settingsTexts.connection.lead} />
      {view.saved && view.saved.connection.kind !== "practice" && <Disconnect />}
      <Section
        title={
          <>
            {settingsTexts.connection.kinds}
            {locked && <Lock />}
          </>
        }
      >
        <div data-key="connection.kind" className={styles.panel}>
          <Tabs
            id="kind"
            label={settingsTexts.connection.kinds}
            tabs={KINDS.map((kind) => [kind, settingsTexts.connection.kind[kind]])}
            chosen={connection.kind}
            disabled={locked}
            onChoose={choose}
          >
            {connection.kind === "practice" ? (
              <p className={styles.text}>{settingsTexts.connection.practiceLead}</p>
            ) : (
              <ConnectionFields key={connection.kind} kind={connection.kind} />
            )}
          </Tabs>
        </div>
      </Section>
      <TestPanel
        onChapter={(id) => {
          setChapter((open) => (open.includes(id) ? open : [...open, id]));
          requestAnimationFrame(() => {
            const head = document.getElementById(`guide-${id}`);
            head?.scrollIntoView({ block: "start" });
            head?.querySelector("button")?.focus();
          });
        }}
      />
      <Guide open={chapter} onOpen={setChapter} />
      <Section title={settingsTexts.connection.bridge} hint={settingsTexts.connection.bridgeHint}>
        <NumberSetting
          at="bridge.port"
          label={settingsTexts.connection.port}
          hint={settingsTexts.connection.portHint}
          min={1}
          max={LARGEST_PORT}
        />
        <TextList
          at="bridge.console_origins"
          label={settingsTexts.connection.consoleOrigins}
          hint={settingsTexts.connection.consoleOriginsHint}
        />
        <TextList at="bridge.allowed_origins" label={settingsTexts.connection.allowedOrigins} />
      </Section>
    </>
  );
}
