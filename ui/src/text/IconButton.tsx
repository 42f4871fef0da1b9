import { Button, Tooltip } from "@fluentui/react-components";
import type { ReactElement } from "react";

interface Props {
  /** What the button does: its name, and its tooltip on hover and on keyboard focus. */
  label: string;
  /** A shorter tooltip, where the name also says whose button it is. */
  hint?: string;
  icon: ReactElement;
  small?: boolean;
  disabled?: boolean;
  className?: string | undefined;
  opensDialog?: boolean;
  onClick: () => void;
}

/** A button that is only a picture. */
export function IconButton({
  label,
  hint,
  icon,
  small,
  disabled,
  className,
  opensDialog,
  onClick,
}: Props) {
  return (
    <Tooltip content={hint ?? label} relationship="inaccessible" positioning="below">
      <Button
        appearance="subtle"
        size={small ? "small" : "medium"}
        className={className}
        aria-label={label}
        aria-haspopup={opensDialog ? "dialog" : undefined}
        disabledFocusable={disabled ?? false}
        icon={icon}
        onClick={onClick}
      />
    </Tooltip>
  );
}
