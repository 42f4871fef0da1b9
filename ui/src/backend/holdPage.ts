/** Lets the browser ask before this page is left, until the returned function is called. */
export function holdPage(): () => void {
  const ask = (event: BeforeUnloadEvent) => {
    event.preventDefault();
  };
  addEventListener("beforeunload", ask);
  return () => {
    removeEventListener("beforeunload", ask);
  };
}
