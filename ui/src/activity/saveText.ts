/** Offers a text as a file, as a browser does with a download. */
export function saveText(text: string, type: string, name: string, marked = true): void {
  // The mark at the beginning tells spreadsheets that the text is UTF-8.
  const parts = marked ? ["\ufeff", text] : [text];
  const url = URL.createObjectURL(new Blob(parts, { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
