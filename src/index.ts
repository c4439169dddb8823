/** DiDAFS: a file is a window. The library's front; see docs/guide.md. `index.js` of the package passes on its values. */
export type {
  Attributes,
  Bytes,
  CallOptions,
  Cluster,
  ClusterStatus,
  ConnectOptions,
  DidafsFile,
  DidafsWindow,
  Dirent,
  Durability,
  FileType,
  FollowOptions,
  Layout,
  Locality,
  Op,
  OpenOptions,
  Stat,
  StatFs,
  Transport,
  WindowOptions,
  Word,
} from "./client/api.ts";
export { connect } from "./runtime/connect.ts";
export { type EmbeddedOptions, embedded } from "./runtime/embedded.ts";
export { type Applied, DidafsError, type ErrorAction, type ErrorCode, isDidafsError } from "./std/errors.ts";
