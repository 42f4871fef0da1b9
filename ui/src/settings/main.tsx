import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connectSettings } from "../backend";
import "../page.css";
import { SettingsPage } from "./SettingsPage";

const root = document.getElementById("root");
if (!root) throw new Error("settings.html has no #root");
createRoot(root).render(
  <StrictMode>
    <SettingsPage backend={connectSettings()} />
  </StrictMode>,
);
