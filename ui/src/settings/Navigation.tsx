import {
  Badge,
  Button,
  Menu,
  MenuItemRadio,
  MenuList,
  MenuPopover,
  MenuTrigger,
  makeStyles,
  mergeClasses,
  tokens,
} from "@fluentui/react-components";
import { type ReactElement, useSyncExternalStore } from "react";
import {
  ClipboardCheckmark20Regular,
  CloudOff20Regular,
  DocumentText20Regular,
  MailInbox16Regular,
  Navigation20Regular,
  PersonSearch20Regular,
  PlayCircle20Regular,
  PlugConnected20Regular,
  Table20Regular,
} from "../icons";
import { hidden } from "../text/hidden";
import { PAGES, type PageName, pageOf } from "./place";
import { useSettings } from "./settings";
import { settingsTexts } from "./texts";

const useStyles = makeStyles({
  side: {
    flexShrink: 0,
    width: "216px",
    boxSizing: "border-box",
    padding: tokens.spacingHorizontalM,
    borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground2,
    overflowY: "auto",
  },
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gap: tokens.spacingVerticalXXS,
  },
  item: {
    width: "100%",
    justifyContent: "flex-start",
    fontWeight: tokens.fontWeightRegular,
    gap: tokens.spacingHorizontalS,
  },
  label: { flexGrow: 1, textAlign: "left" },
  here: {
    backgroundColor: tokens.colorNeutralBackground1,
    boxShadow: `inset 3px 0 ${tokens.colorCompoundBrandStroke}`,
    fontWeight: tokens.fontWeightSemibold,
  },
  top: {
    flexShrink: 0,
    padding: tokens.spacingHorizontalS,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground2,
  },
  menuItem: { display: "flex", gap: tokens.spacingHorizontalS, alignItems: "center" },
});

const icons: Record<PageName, ReactElement> = {
  connection: <PlugConnected20Regular />,
  rules: <PersonSearch20Regular />,
  fields: <Table20Regular />,
  recording: <MailInbox16Regular />,
  offline: <CloudOff20Regular />,
  checker: <ClipboardCheckmark20Regular />,
  rehearsal: <PlayCircle20Regular />,
  document: <DocumentText20Regular />,
};

const NARROW = "(max-width: 720px)";

function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = matchMedia(NARROW);
      list.addEventListener("change", changed);
      return () => {
        list.removeEventListener("change", changed);
      };
    },
    () => matchMedia(NARROW).matches,
  );
}

/** How many problems and warnings there are on a page. */
function Count({ page }: { page: PageName }) {
  const { judgement } = useSettings();
  if (!judgement) return null;
  const here = ({ key }: { key: string }) => page === "checker" || pageOf(key) === page;
  const problems = judgement.problems.filter(here).length;
  const warnings = judgement.warnings.filter(here).length;
  if (problems + warnings === 0) return null;
  const said =
    problems > 0 ? settingsTexts.problemsSpoken(problems) : settingsTexts.warningsSpoken(warnings);
  return (
    <>
      <Badge aria-hidden size="small" appearance="tint" color={problems > 0 ? "danger" : "warning"}>
        {problems > 0 ? problems : warnings}
      </Badge>
      <span style={hidden}>{said}</span>
    </>
  );
}

/** The pages: at the side, or in a menu where there is no room. */
export function Navigation() {
  const styles = useStyles();
  const narrow = useNarrow();
  const { place, go } = useSettings();
  if (narrow) {
    return (
      <nav className={styles.top} aria-label={settingsTexts.navigation}>
        <Menu
          checkedValues={{ page: [place.page] }}
          onCheckedValueChange={(_, { checkedItems }) => {
            const page = PAGES.find((one) => one === checkedItems[0]);
            if (page) go({ page });
          }}
        >
          <MenuTrigger disableButtonEnhancement>
            <Button
              appearance="subtle"
              icon={<Navigation20Regular />}
              aria-label={settingsTexts.menu(settingsTexts.page(place.page))}
            >
              {settingsTexts.page(place.page)}
            </Button>
          </MenuTrigger>
          <MenuPopover>
            <MenuList>
              {PAGES.map((page) => (
                <MenuItemRadio key={page} name="page" value={page}>
                  <span className={styles.menuItem}>
                    {settingsTexts.page(page)} <Count page={page} />
                  </span>
                </MenuItemRadio>
              ))}
            </MenuList>
          </MenuPopover>
        </Menu>
      </nav>
    );
  }
  return (
    <nav className={styles.side} aria-label={settingsTexts.navigation}>
      <ul className={styles.list}>
        {PAGES.map((page) => (
          <li key={page}>
            <Button
              appearance="subtle"
              className={mergeClasses(styles.item, page === place.page && styles.here)}
              icon={icons[page]}
              aria-current={page === place.page ? "page" : undefined}
              onClick={() => {
                go({ page });
              }}
            >
              <span className={styles.label}>{settingsTexts.page(page)}</span>
              <Count page={page} />
            </Button>
          </li>
        ))}
      </ul>
    </nav>
  );
}
