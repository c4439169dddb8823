/** One end of a two-way queue of messages between two threads of one process; post wakes the other side's poller. */
export interface Mailbox<Out, In> {
  post(message: Out): void;
  /** Like `post`, but wakes nobody: for what the other side needs to know only when it does something anyway. */
  leave(message: Out): void;
  /** The next message, if there is one; never waits. */
  poll(): In | undefined;
  close(): void;
}
