/** Why a record was matched, with the rule's name once. */
export function reasonOf({ rule, reason }: { rule: string; reason: string }): string {
  if (rule === "" || reason.startsWith(rule)) return reason;
  return reason === "" ? rule : `${rule}: ${reason}`;
}
