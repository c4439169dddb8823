/** One turn of the event loop: all that promises have to do is done then. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
