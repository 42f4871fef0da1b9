/** Sends one command of a wire and brings its answer. */
export type Call<W> = <C extends keyof W & string>(command: C, args: W[C]) => Promise<unknown>;
