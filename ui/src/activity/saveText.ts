/** Offers a text as a file, as a browser does with a download. */
export function saveText(text: string, type: string, name: string): void {
  // The mark at the beginning tells spreadsheets that the text is UTF-8.
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
