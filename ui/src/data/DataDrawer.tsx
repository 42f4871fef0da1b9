import { Button, Spinner } from "@fluentui/react-components";
import type { View } from "../backend";
import { Notice } from "../app/Notice";
import { Sheet } from "../app/Sheet";
import { LockClosed16Regular } from "../icons";
import { texts } from "../texts";
import { Forget } from "./Forget";
import { Kept } from "./Kept";
import { OfflineCopies } from "./OfflineCopies";
import { Recovery } from "./Recovery";
import { Remove } from "./Remove";
import { Section } from "./Section";
import { useLocalData } from "./useLocalData";

interface Props {
  view: View;
  onLock: () => void;
  onClose: () => void;
}

/** The data on this computer: what is kept, and what a person may want of it. */
export function DataDrawer({ view, onLock, onClose }: Props) {
  const { offline, connection } = view;
  const { data, problem, again } = useLocalData(offline.state);
  return (
    <Sheet shape="drawer" title={texts.data.title} onClose={onClose}>
      {problem && (
        <div role="alert">
          <Notice
            intent="error"
            title={texts.data.failed}
            problem={problem}
            action={{ label: texts.tryAgain, run: again }}
          />
        </div>
      )}
      {data === null && problem === null && <Spinner label={texts.data.loading} />}
      {data && <Kept data={data} />}
      {(data ?? problem) && (
        <OfflineCopies offline={offline} isOnline={connection.state === "online"} />
      )}
      {data && (
        <>
          <Section title={texts.data.lock} intro={texts.data.lockIntro}>
            <div>
              <Button icon={<LockClosed16Regular />} onClick={onLock}>
                {texts.data.lockNow}
              </Button>
            </div>
          </Section>
          {data.recovery && <Recovery state={data.recovery} onChanged={again} />}
          <Forget onChanged={again} />
          <Remove data={data} onChanged={again} />
        </>
      )}
    </Sheet>
  );
}
