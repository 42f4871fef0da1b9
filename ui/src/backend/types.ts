// The page's names for the parts of the view model. They are derived from `View`, so that the page
// depends on its shape and not on how the back end names the parts.
import type { View } from "./bindings/View";

export type { View };
export type { ActivityFilter } from "./bindings/ActivityFilter";
export type { ActivityLine } from "./bindings/ActivityLine";
export type { ActivityPage } from "./bindings/ActivityPage";
export type { Draft } from "./bindings/Draft";
export type { DraftField } from "./bindings/DraftField";
export type { Duplicates } from "./bindings/Duplicates";
export type { Filled } from "./bindings/Filled";
export type { LocalData } from "./bindings/LocalData";
export type { Receipt } from "./bindings/Receipt";
export type { Recovered } from "./bindings/Recovered";
export type { Traces } from "./bindings/Traces";
export type { WipeOptions } from "./bindings/WipeOptions";
export type { Wiped } from "./bindings/Wiped";
export type { Found } from "./bindings/Found";
export type { RecordTable } from "./bindings/RecordTable";
export type { SearchResults } from "./bindings/SearchResults";
export type { Hit } from "./bindings/Hit";
export type Timeline = View["timeline"];
export type TimelineLine = Timeline["lines"][number];
export type Connection = View["connection"];
export type Person = NonNullable<Connection["person"]>;
export type Console = View["console"];
export type PairedConsole = Console["consoles"][number];
export type Pairing = NonNullable<Console["pairing"]>;
export type Visitor = NonNullable<View["visitor"]>;
export type Recognition = View["recognition"];
export type Card = Recognition["contact"];
export type RecordView = NonNullable<Card["record"]>;
export type Field = RecordView["fields"][number];
export type Candidate = Card["more"][number];
export type Table = RecordView["table"];
export type Practice = NonNullable<View["practice"]>;
export type Recording = View["recording"];
export type Entry = Recording["chat"][number];
export type EntryState = Entry["state"];
export type Written = Entry["records"][number];
export type ChoiceOfPerson = Entry["candidates"][number];
export type Problem = NonNullable<Recognition["problem"]>;
/** A person, by one of the two. */
export interface Whom {
  email: string | null;
  phone: string | null;
}
