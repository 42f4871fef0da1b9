import {
  Button,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
} from "@fluentui/react-components";
import {
  Database16Regular,
  LockClosed16Regular,
  MoreHorizontal16Regular,
  Settings16Regular,
} from "../icons";
import { texts } from "../texts";

interface Props {
  onData: () => void;
  onLock: () => void;
  onSettings: () => void;
}

/** What is not needed with every chat. */
export function MoreMenu({ onData, onLock, onSettings }: Props) {
  return (
    <Menu positioning="below-end">
      <MenuTrigger disableButtonEnhancement>
        <Button
          appearance="subtle"
          aria-label={texts.menu.button}
          title={texts.menu.button}
          icon={<MoreHorizontal16Regular />}
        />
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuItem icon={<Settings16Regular />} onClick={onSettings}>
            {texts.settings.title}
          </MenuItem>
          <MenuItem icon={<Database16Regular />} onClick={onData}>
            {texts.menu.data}
          </MenuItem>
          <MenuItem
            icon={<LockClosed16Regular />}
            secondaryContent={texts.menu.lockKeys}
            onClick={onLock}
          >
            {texts.menu.lock}
          </MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
