/** The element of an id, which the page is known to have and to be of this kind. */
export function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`This page has no such element as "${id}".`);
  return found;
}

/** A text of the page. */
export function line(id: string): HTMLElement {
  return element(id, HTMLElement);
}

/** Writes text only when it changes, so that screen readers hear only news. An empty element is hidden. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
  target.hidden = text === "";
}
