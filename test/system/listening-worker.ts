import { createMailboxPair, openMailbox } from "../../src/system/mailbox.ts";

/** Listens without holding its event loop: the thread ends by itself. */
const [left, right] = createMailboxPair();
const mailbox = openMailbox<string, string>(left);
openMailbox<string, string>(right);
mailbox.listen(() => undefined);
mailbox.unref();
mailbox.ref();
mailbox.unref();
