/** Cuts text off after the lines that `WebkitLineClamp` says. */
export const clamp = {
  display: "-webkit-box",
  WebkitBoxOrient: "vertical",
  overflow: "hidden",
} as const;
