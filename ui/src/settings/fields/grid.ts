import { makeStyles, tokens } from "@fluentui/react-components";

const NARROW = "@media (max-width: 860px)";

/** The table of fields: in columns, or a card for each row where there is no room. */
export const useGridStyles = makeStyles({
  table: { display: "grid", gridTemplateColumns: "minmax(0, 1fr)" },
  row: {
    display: "grid",
    gridTemplateColumns: "32px minmax(140px, 3fr) minmax(150px, 3fr) minmax(90px, 2fr) 56px 32px",
    columnGap: tokens.spacingHorizontalS,
    alignItems: "start",
    padding: `${tokens.spacingVerticalS} 0`,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    [NARROW]: {
      gridTemplateColumns: "32px minmax(0, 1fr) auto",
      rowGap: tokens.spacingVerticalXS,
      gridTemplateAreas: '"handle column remove" ". source source" ". yields display"',
    },
  },
  head: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    "& > :nth-child(1), & > :nth-child(6)": {
      overflow: "hidden",
      textIndent: "100%",
      whiteSpace: "nowrap",
    },
    [NARROW]: {
      position: "absolute",
      width: "1px",
      height: "1px",
      overflow: "hidden",
      clipPath: "inset(50%)",
    },
  },
  handle: { [NARROW]: { gridArea: "handle" } },
  column: { minWidth: 0, [NARROW]: { gridArea: "column" } },
  source: { minWidth: 0, [NARROW]: { gridArea: "source" } },
  yields: { minWidth: 0, [NARROW]: { gridArea: "yields" } },
  display: { [NARROW]: { gridArea: "display" } },
  remove: { [NARROW]: { gridArea: "remove" } },
  dragged: { boxShadow: tokens.shadow16, backgroundColor: tokens.colorNeutralBackground1Hover },
});
