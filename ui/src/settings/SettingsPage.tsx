import { FluentProvider, Spinner, Title1 } from "@fluentui/react-components";
import { useEffect, useState } from "react";
import { type Problem, type SettingsBackend, type SettingsView, asProblem } from "../backend";
import { Notice } from "../app/Notice";
import { useSystemTheme } from "../app/theme";
import { texts } from "../texts";

/** The settings window. */
export function SettingsPage({ backend }: { backend: SettingsBackend }) {
  const [view, setView] = useState<SettingsView | null>(null);
  const [down, setDown] = useState<Problem | null>(null);

  useEffect(() => {
    const show = (next: SettingsView) => {
      setView(next);
      setDown(null);
    };
    return backend.subscribe({
      up() {
        backend.settings().then(show, (reason: unknown) => {
          setDown(asProblem(reason));
        });
      },
      down: setDown,
      settings: show,
    });
  }, [backend]);

  const problem = down ?? view?.refused ?? view?.problem ?? null;
  return (
    <FluentProvider theme={useSystemTheme()} applyStylesToPortals={false}>
      <main>
        <Title1 as="h1">{texts.settings.title}</Title1>
        {problem && <Notice intent="error" title={problem.message} problem={problem} />}
        {!view && !problem && <Spinner label={texts.starting} />}
        {view?.file && <p>{view.file}</p>}
      </main>
    </FluentProvider>
  );
}
