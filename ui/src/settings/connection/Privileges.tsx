import { Badge, makeStyles, tokens } from "@fluentui/react-components";
import type { Privilege } from "../../backend";
import { settingsTexts } from "../texts";

const said = settingsTexts.connection;

const useStyles = makeStyles({
  list: {
    listStyleType: "none",
    margin: 0,
    padding: 0,
    display: "grid",
    gap: tokens.spacingVerticalXS,
    gridTemplateColumns: "minmax(0, 1fr)",
  },
  missing: { display: "flex", flexWrap: "wrap", gap: tokens.spacingHorizontalS },
  without: { color: tokens.colorNeutralForeground2, overflowWrap: "anywhere" },
  scroll: { overflowX: "auto" },
  table: {
    borderCollapse: "collapse",
    width: "100%",
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    "& th, & td": {
      textAlign: "left",
      verticalAlign: "top",
      padding: `${tokens.spacingVerticalXS} ${tokens.spacingHorizontalS}`,
      borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    },
  },
});

const nameOf = ({ table, right }: Privilege) => `${right} on ${table}`;

function State({ privilege }: { privilege: Privilege }) {
  const { granted, needed } = privilege;
  const color = granted ? "success" : needed ? "danger" : "informative";
  return (
    <Badge appearance="tint" size="small" color={color}>
      {granted ? said.isGranted : needed ? said.isMissing : said.isOptional}
    </Badge>
  );
}

interface Props {
  privileges: Privilege[];
  /** Those that the draft needs and the user has not, each with what does not work. */
  onlyMissing?: boolean;
}

export function Privileges({ privileges, onlyMissing }: Props) {
  const styles = useStyles();
  if (onlyMissing) {
    const missing = privileges.filter(({ granted, needed }) => needed && !granted);
    if (missing.length === 0) return <span>{said.privilegesOk}</span>;
    return (
      <div>
        <strong>{said.privilegesMissing(missing.length)}</strong>
        <ul className={styles.list}>
          {missing.map((privilege) => (
            <li key={privilege.name} className={styles.missing}>
              <Badge appearance="tint" color="danger">
                {nameOf(privilege)}
              </Badge>
              <span className={styles.without}>{privilege.without}</span>
            </li>
          ))}
        </ul>
      </div>
    );
  }
  return (
    <div className={styles.scroll} tabIndex={0} role="group" aria-label={said.allPrivileges}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{said.privilege}</th>
            <th scope="col">{said.privileges}</th>
            <th scope="col">{said.reaches}</th>
            <th scope="col">{said.without}</th>
          </tr>
        </thead>
        <tbody>
          {privileges.map((privilege) => (
            <tr key={privilege.name}>
              <th scope="row" title={privilege.name}>
                {nameOf(privilege)}
              </th>
              <td>
                <State privilege={privilege} />
              </td>
              <td>{said.depth[privilege.depth]}</td>
              <td>{privilege.granted ? "" : privilege.without}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
