/** A worker that lets an access reach one byte beyond its binding. */
import { Domain, OUT_OF_RANGE } from "../../../src/iommu/domain.ts";

const { translate } = Domain.prototype;

Domain.prototype.translate = function (handle, offset, length, access) {
  const at = translate.call(this, handle, offset, length, access);
  if (at !== OUT_OF_RANGE || length === 0) return at;
  return translate.call(this, handle, offset, length - 1, access);
};
