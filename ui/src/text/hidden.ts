import type { CSSProperties } from "react";

/** Out of sight, but spoken by a screen reader. */
export const hidden: CSSProperties = {
  position: "absolute",
  width: 1,
  height: 1,
  margin: -1,
  overflow: "hidden",
  clipPath: "inset(50%)",
  whiteSpace: "nowrap",
};
