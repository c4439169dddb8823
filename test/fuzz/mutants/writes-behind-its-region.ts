/** A worker that stores bytes behind the end of a mapping, which nothing but a guard page can show. */
import { Domain, OUT_OF_RANGE } from "../../../src/iommu/domain.ts";
import { addressOf, bytesAt } from "../../../src/system/libc.ts";
import type { WorkerRegion } from "../../../src/target/worker-region.ts";

const { translate } = Domain.prototype;

Domain.prototype.translate = function (handle, offset, length, access) {
  const at = translate.call(this, handle, offset, length, access);
  const { u8 } = (this.region as WorkerRegion | undefined)?.memory ?? {};
  if (at === OUT_OF_RANGE && u8 !== undefined) {
    new Uint8Array(bytesAt(addressOf(u8) + u8.byteLength, 8))[0] = 1;
  }
  return at;
};
