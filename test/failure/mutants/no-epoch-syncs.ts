/** Workers that take what they have asked to be synced for synced. */
import { WorkerSyncs } from "../../../src/target/worker-syncs.ts";

WorkerSyncs.prototype.request = (_descriptor, begins, done) => {
  begins();
  done(0);
};
