// The icons in use, each from its own module: the package's index would pull thousands into every build and test.
export { ArrowClockwise16Regular } from "@fluentui/react-icons/svg/arrow-clockwise";
export { ArrowSync16Regular } from "@fluentui/react-icons/svg/arrow-sync";
export { ArrowExit16Regular } from "@fluentui/react-icons/svg/arrow-exit";
export { Beaker16Regular, Beaker20Regular } from "@fluentui/react-icons/svg/beaker";
export { Building16Regular, Building20Regular } from "@fluentui/react-icons/svg/building";
export { ChatMultiple32Regular } from "@fluentui/react-icons/svg/chat-multiple";
export { Checkmark16Regular } from "@fluentui/react-icons/svg/checkmark";
export {
  CheckmarkCircle16Filled,
  CheckmarkCircle16Regular,
} from "@fluentui/react-icons/svg/checkmark-circle";
export { ChevronDown16Regular } from "@fluentui/react-icons/svg/chevron-down";
export { ChevronUp16Regular } from "@fluentui/react-icons/svg/chevron-up";
export { CloudOff16Regular } from "@fluentui/react-icons/svg/cloud-off";
export { Copy16Regular } from "@fluentui/react-icons/svg/copy";
export { Dismiss16Regular } from "@fluentui/react-icons/svg/dismiss";
export { ErrorCircle16Regular } from "@fluentui/react-icons/svg/error-circle";
export { Globe16Regular } from "@fluentui/react-icons/svg/globe";
export { History16Regular } from "@fluentui/react-icons/svg/history";
export { Key16Regular } from "@fluentui/react-icons/svg/key";
export { Location16Regular } from "@fluentui/react-icons/svg/location";
export { Mail16Regular } from "@fluentui/react-icons/svg/mail";
export { Open16Regular } from "@fluentui/react-icons/svg/open";
export { People16Regular } from "@fluentui/react-icons/svg/people";
export { Person20Regular } from "@fluentui/react-icons/svg/person";
export { PersonQuestionMark24Regular } from "@fluentui/react-icons/svg/person-question-mark";
export { Phone16Regular } from "@fluentui/react-icons/svg/phone";
export { PlugConnected16Regular } from "@fluentui/react-icons/svg/plug-connected";
export { PlugDisconnected16Regular } from "@fluentui/react-icons/svg/plug-disconnected";
export { TargetArrow20Regular } from "@fluentui/react-icons/svg/target-arrow";
export { Add16Regular } from "@fluentui/react-icons/svg/add";
export { ArrowUndo16Regular } from "@fluentui/react-icons/svg/arrow-undo";
export { Briefcase20Regular } from "@fluentui/react-icons/svg/briefcase";
export { Clock16Regular } from "@fluentui/react-icons/svg/clock";
export { ContactCard20Filled } from "@fluentui/react-icons/svg/contact-card";
export { MailInbox16Regular } from "@fluentui/react-icons/svg/mail-inbox";
export { Search16Regular } from "@fluentui/react-icons/svg/search";
export { Send16Regular } from "@fluentui/react-icons/svg/send";
export { SubtractCircle16Regular } from "@fluentui/react-icons/svg/subtract-circle";
export { TaskListLtr20Regular } from "@fluentui/react-icons/svg/task-list-ltr";
export { Warning16Regular } from "@fluentui/react-icons/svg/warning";
export { Delete16Regular } from "@fluentui/react-icons/svg/delete";
