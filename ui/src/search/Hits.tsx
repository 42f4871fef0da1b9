import { Badge, Button, makeStyles, tokens } from "@fluentui/react-components";
import { useId } from "react";
import type { Hit, SearchResults } from "../backend";
import { LinkAdd16Regular, Open16Regular } from "../icons";
import { IconButton } from "../text/IconButton";
import { RecordText } from "../text/RecordText";
import { brief } from "../text/visible";
import { texts } from "../texts";
import { MINUTE, instant, spanOf, useNow } from "../time";

const useStyles = makeStyles({
  group: { display: "grid", gap: tokens.spacingVerticalXS, gridTemplateColumns: "minmax(0, 1fr)" },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    fontWeight: tokens.fontWeightSemibold,
    color: tokens.colorNeutralForeground2,
  },
  list: { listStyleType: "none", margin: 0, padding: 0, minWidth: 0 },
  item: {
    display: "grid",
    rowGap: tokens.spacingVerticalXXS,
    padding: `${tokens.spacingVerticalS} 0`,
    minWidth: 0,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  head: { display: "flex", alignItems: "center", gap: tokens.spacingHorizontalS, minWidth: 0 },
  name: { fontWeight: tokens.fontWeightSemibold, flexShrink: 1 },
  detail: { fontSize: tokens.fontSizeBase200, lineHeight: tokens.lineHeightBase200 },
  age: {
    margin: 0,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground3,
  },
  buttons: { display: "flex", gap: tokens.spacingHorizontalXS },
});

const TABLES = ["contact", "account", "lead", "incident"] as const;

/** What can be linked to a visitor; a case cannot. */
export type Linkable = Hit & { table: "contact" | "account" | "lead" };

interface Props {
  results: SearchResults;
  /** Whether there is a visitor whom a record can be linked to. */
  canLink: boolean;
  busy: boolean;
  /** The ids of the records that the window shows for the visitor. */
  shown: string[];
  onLink: (hit: Linkable) => void;
  onOpen: (hit: Hit) => void;
}

function isLinkable(hit: Hit): hit is Linkable {
  return hit.table !== "incident";
}

function Item({
  hit,
  canLink,
  busy,
  shown,
  onLink,
  onOpen,
}: Omit<Props, "results"> & { hit: Hit }) {
  const styles = useStyles();
  const now = useNow(MINUTE);
  const name = hit.name.trim() || texts.card.nameless;
  const asOf = instant(hit.asOf);
  return (
    <li className={styles.item}>
      <div className={styles.head}>
        <RecordText lines={2} className={styles.name}>
          {name}
        </RecordText>
        {hit.inactive && (
          <Badge appearance="tint" color="severe">
            {hit.table === "incident" ? texts.search.closed : texts.card.inactive}
          </Badge>
        )}
        {shown.includes(hit.id) && (
          <Badge appearance="outline" color="brand">
            {texts.search.shown}
          </Badge>
        )}
      </div>
      {hit.detail !== "" && (
        <RecordText lines={2} className={styles.detail}>
          {hit.detail}
        </RecordText>
      )}
      {hit.source === "cache" && asOf !== null && (
        <p className={styles.age}>{texts.age.cache(spanOf(now - asOf))}</p>
      )}
      <div className={styles.buttons}>
        {canLink && isLinkable(hit) && (
          <Button
            size="small"
            icon={<LinkAdd16Regular />}
            disabledFocusable={busy}
            aria-label={texts.search.linkSpoken(brief(name))}
            onClick={() => {
              onLink(hit);
            }}
          >
            {texts.search.link}
          </Button>
        )}
        <IconButton
          small
          label={texts.card.openRecord(brief(name))}
          hint={texts.card.open}
          icon={<Open16Regular />}
          onClick={() => {
            onOpen(hit);
          }}
        />
      </div>
    </li>
  );
}

function Group({ table, results, ...item }: Props & { table: (typeof TABLES)[number] }) {
  const styles = useStyles();
  const id = useId();
  const hits = results.hits.filter((hit) => hit.table === table);
  if (hits.length === 0) return null;
  return (
    <section className={styles.group}>
      <h3 id={id} className={styles.title}>
        {texts.search.group[table]}
      </h3>
      <ul className={styles.list} aria-labelledby={id}>
        {hits.map((hit) => (
          <Item key={hit.id} hit={hit} {...item} />
        ))}
      </ul>
    </section>
  );
}

/** What was found, table by table. */
export function Hits(props: Props) {
  return TABLES.map((table) => <Group key={table} table={table} {...props} />);
}
