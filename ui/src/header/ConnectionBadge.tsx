import { Badge, type BadgeProps } from "@fluentui/react-components";
import type { ReactElement } from "react";
import type { Connection } from "../backend";
import {
  ArrowSync16Regular,
  Beaker16Regular,
  CheckmarkCircle16Regular,
  CloudOff16Regular,
  ErrorCircle16Regular,
  Key16Regular,
} from "../icons";
import { brief } from "../text/visible";
import { texts } from "../texts";

interface Look {
  text: string;
  color: NonNullable<BadgeProps["color"]>;
  icon: ReactElement;
}

function look({ kind, state }: Connection): Look {
  switch (state) {
    case "connecting":
      return {
        text: texts.connection.connecting,
        color: "informative",
        icon: <ArrowSync16Regular />,
      };
    case "online":
      return kind === "practice"
        ? { text: texts.connection.practice, color: "brand", icon: <Beaker16Regular /> }
        : { text: texts.connection.online, color: "success", icon: <CheckmarkCircle16Regular /> };
    case "offline":
      return { text: texts.connection.offline, color: "severe", icon: <CloudOff16Regular /> };
    case "signed-out":
      return { text: texts.connection["signed-out"], color: "severe", icon: <Key16Regular /> };
    case "failed":
      return { text: texts.connection.failed, color: "danger", icon: <ErrorCircle16Regular /> };
  }
}

export function ConnectionBadge({ connection }: { connection: Connection }) {
  const { text, color, icon } = look(connection);
  const host = connection.organization || texts.connection.noOrganization;
  const label = texts.connection.label(text, brief(host));
  return (
    <Badge
      appearance="tint"
      size="large"
      color={color}
      icon={icon}
      role="img"
      aria-label={label}
      title={
        connection.userName
          ? `${label}\n${texts.connection.signedInAs(brief(connection.userName))}`
          : label
      }
    >
      {text}
    </Badge>
  );
}
