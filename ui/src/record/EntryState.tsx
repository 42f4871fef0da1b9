import { Badge, type BadgeProps } from "@fluentui/react-components";
import type { ReactElement } from "react";
import type { Entry, EntryState as State } from "../backend";
import {
  ArrowSync16Regular,
  CheckmarkCircle16Regular,
  Clock16Regular,
  Delete16Regular,
  Send16Regular,
  SubtractCircle16Regular,
  Warning16Regular,
} from "../icons";
import { texts } from "../texts";
import { SECOND, countdown, useNow } from "../time";
import { stateText } from "./stateText";

const looks: Record<State, { color: NonNullable<BadgeProps["color"]>; icon: ReactElement }> = {
  waiting: { color: "informative", icon: <Clock16Regular /> },
  queued: { color: "brand", icon: <Send16Regular /> },
  sending: { color: "brand", icon: <ArrowSync16Regular /> },
  done: { color: "success", icon: <CheckmarkCircle16Regular /> },
  nothing: { color: "informative", icon: <SubtractCircle16Regular /> },
  attention: { color: "severe", icon: <Warning16Regular /> },
  discarded: { color: "informative", icon: <Delete16Regular /> },
};

export function EntryState({ entry }: { entry: Entry }) {
  const { color, icon } = looks[entry.state];
  return (
    <Badge appearance="tint" color={color} icon={icon}>
      {stateText(entry)}
    </Badge>
  );
}

/** Counts down to the next attempt. */
export function NextAttempt({ at }: { at: number }) {
  const now = useNow(SECOND);
  return at - now < SECOND ? null : <span>{texts.entry.nextIn(countdown(at - now))}</span>;
}
