import type { Clock } from "../ports/clock.ts";
import type { Handlers } from "../rpc/handlers.ts";
import { getxattr, listxattr, removexattr, setattr, setxattr } from "./attributes.ts";
import type { MetaStore } from "./store.ts";
import type { OpenCheck } from "./subject.ts";

/** The calls about attributes; each is one read or one transaction. */
export function attributeCalls(store: MetaStore, clock: Clock, checkOpen: OpenCheck): Handlers {
  return {
    "meta.setattr": (params, { channel }) => {
      checkOpen(params, channel);
      const wallMs = clock.wallMs();
      return store.transact((transaction) => setattr(transaction, params, wallMs));
    },
    "meta.getxattr": (params, { channel }) => {
      checkOpen(params, channel);
      return { value: store.read((reader) => getxattr(reader, params)) };
    },
    "meta.listxattr": (params, { channel }) => {
      checkOpen(params, channel);
      return { names: store.read((reader) => listxattr(reader, params)) };
    },
    "meta.setxattr": async (params, { channel }) => {
      checkOpen(params, channel);
      const wallMs = clock.wallMs();
      await store.transact((transaction) => setxattr(transaction, params, wallMs));
      return {};
    },
    "meta.removexattr": async (params, { channel }) => {
      checkOpen(params, channel);
      const wallMs = clock.wallMs();
      await store.transact((transaction) => removexattr(transaction, params, wallMs));
      return {};
    },
  };
}
