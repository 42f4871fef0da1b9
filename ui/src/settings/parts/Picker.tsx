import { Combobox, Option, makeStyles, tokens } from "@fluentui/react-components";
import { useState } from "react";
import { RecordText } from "../../text/RecordText";
import { brief } from "../../text/visible";
import { settingsTexts } from "../texts";

/** A longer list is slow to open and nobody reads it. */
const MOST_OPTIONS = 60;

const useStyles = makeStyles({
  picker: {
    minWidth: 0,
    width: "100%",
    gridTemplateColumns: "minmax(0, 1fr) auto",
    "& > input": { minWidth: 0, width: "100%", boxSizing: "border-box" },
  },
  list: { maxHeight: "280px", minWidth: "220px", boxSizing: "border-box" },
  option: { minWidth: 0, display: "grid" },
  detail: {
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
    color: tokens.colorNeutralForeground2,
  },
});

export interface PickerOption {
  value: string;
  label: string;
  detail: string;
  /** The person completes it: `custom_variable.`. */
  open?: boolean;
}

interface Props {
  value: string;
  options: readonly PickerOption[];
  disabled?: boolean;
  /** Said instead of options: that they are on their way, or why there are none. */
  notice?: string | undefined;
  onPick: (value: string) => void;
  "aria-label"?: string;
  placeholder?: string;
}

const folded = (text: string) => text.toLocaleLowerCase();

function found(options: readonly PickerOption[], typed: string): readonly PickerOption[] {
  const words = folded(typed)
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length === 0) return options;
  const fits = options.filter(({ value, label }) => {
    const text = folded(`${label} ${value}`);
    return words.every((word) => text.includes(word));
  });
  const starts = ({ value, label }: PickerOption) =>
    folded(label).startsWith(folded(typed.trim())) || value.startsWith(folded(typed.trim()));
  return [...fits.filter(starts), ...fits.filter((option) => !starts(option))];
}

/** Picks by label or name; what is typed and stands in no list is taken as it is. */
export function Picker({ value, options, disabled, notice, onPick, ...field }: Props) {
  const styles = useStyles();
  /** What is being typed; null while the picked option's label stands there. */
  const [typed, setTyped] = useState<string | null>(null);
  const chosen = options.find((option) => option.value === value && !option.open);
  const fits = found(options, typed ?? "");
  const shown = fits.slice(0, MOST_OPTIONS);

  const take = (text: string) => {
    const exact = options.find(
      (option) => !option.open && (option.value === text || folded(option.label) === folded(text)),
    );
    onPick(exact ? exact.value : text);
  };
  return (
    <Combobox
      {...field}
      className={styles.picker}
      input={{ dir: "auto", spellCheck: false, autoComplete: "off" }}
      listbox={{ className: styles.list }}
      positioning={{ position: "below", align: "start", fallbackPositions: ["above-start"] }}
      freeform
      disabled={disabled ?? false}
      value={typed ?? chosen?.label ?? value}
      selectedOptions={chosen ? [value] : []}
      onChange={(event) => {
        setTyped(event.target.value);
      }}
      onBlur={() => {
        if (typed !== null && typed.trim() !== (chosen?.label ?? value)) take(typed.trim());
        setTyped(null);
      }}
      onOptionSelect={(_, { optionValue }) => {
        const picked = options.find((option) => option.value === optionValue);
        if (!picked) return;
        if (picked.open) {
          setTyped(picked.value);
          return;
        }
        setTyped(null);
        onPick(picked.value);
      }}
    >
      {shown.map((option) => (
        <Option key={option.value} value={option.value} text={brief(option.label)} checkIcon={null}>
          <span className={styles.option}>
            <RecordText lines={1}>{option.label}</RecordText>
            <RecordText lines={1} className={styles.detail}>
              {option.detail}
            </RecordText>
          </span>
        </Option>
      ))}
      {(notice !== undefined || shown.length === 0 || fits.length > shown.length) && (
        <Option value="" disabled text="" checkIcon={null}>
          {notice ??
            (shown.length === 0
              ? settingsTexts.picker.none
              : settingsTexts.picker.more(fits.length - shown.length))}
        </Option>
      )}
    </Combobox>
  );
}
