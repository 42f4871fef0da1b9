import { useMemo } from "react";
import type { ColumnInfo, Comm100Field } from "../../backend";
import { useSettings } from "../settings";
import { settingsTexts } from "../texts";
import { Picker, type PickerOption } from "./Picker";

interface Props {
  value: string;
  disabled?: boolean;
  onPick: (value: string) => void;
  "aria-label"?: string;
}

function columnOption({
  name,
  label,
  takes,
  custom,
  required,
  writable,
}: ColumnInfo): PickerOption {
  const marks = [
    name,
    takes,
    custom ? settingsTexts.picker.custom : "",
    required ? settingsTexts.picker.required : "",
    writable ? "" : settingsTexts.picker.readOnly,
  ];
  return { value: name, label, detail: marks.filter((mark) => mark !== "").join(" · ") };
}

/** A column of a table, by label or logical name. */
export function ColumnPicker({
  table,
  compared,
  ...field
}: Props & { table: string; /** Only what a condition can compare. */ compared?: boolean }) {
  const columns = useSettings().columnsOf(table);
  const options = useMemo(
    () =>
      (columns.value ?? [])
        .filter((column) => !compared || column.operators.length > 0)
        .map(columnOption),
    [columns.value, compared],
  );
  const notice = columns.problem
    ? settingsTexts.picker.columnsFailed(columns.problem.message)
    : columns.value
      ? undefined
      : settingsTexts.picker.columnsLoading;
  return <Picker {...field} options={options} notice={notice} />;
}

/** The part that the site's own name comes behind: `custom_variable.`. */
const opening = (name: string) => name.slice(0, name.indexOf("<"));

function fieldOption({ name, label, open }: Comm100Field): PickerOption {
  return open
    ? { value: opening(name), label, detail: name, open }
    : { value: name, label, detail: name };
}

/** A Comm100 field. */
export function FieldPicker(field: Props) {
  const { catalogue } = useSettings();
  const options = useMemo(() => catalogue.fields.map(fieldOption), [catalogue]);
  return <Picker {...field} options={options} />;
}
