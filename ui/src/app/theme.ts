import {
  type Theme,
  teamsHighContrastTheme,
  webDarkTheme,
  webLightTheme,
} from "@fluentui/react-components";
import { useSyncExternalStore } from "react";

// The system's own interface font first: the companion docks beside other windows of the same desktop.
const fontFamilyBase =
  "'Segoe UI Variable Text', 'Segoe UI', system-ui, -apple-system, 'Noto Sans', 'Liberation Sans', sans-serif";

const themes: Record<"light" | "dark" | "contrast", Theme> = {
  light: { ...webLightTheme, fontFamilyBase },
  dark: { ...webDarkTheme, fontFamilyBase },
  contrast: { ...teamsHighContrastTheme, fontFamilyBase },
};

const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)"] as const;

function subscribe(changed: () => void): () => void {
  const lists = queries.map((query) => matchMedia(query));
  for (const list of lists) list.addEventListener("change", changed);
  return () => {
    for (const list of lists) list.removeEventListener("change", changed);
  };
}

function wanted(): keyof typeof themes {
  const [dark, forced] = queries.map((query) => matchMedia(query).matches);
  if (forced) return "contrast";
  return dark ? "dark" : "light";
}

/** The theme that the system asks for, also when it changes its mind. */
export function useSystemTheme(): Theme {
  return themes[useSyncExternalStore(subscribe, wanted)];
}
