// Which folder of src/ may import which (architecture, section 10). Type-only imports count.
// `node scripts/check.mjs layering` runs it; test/gates/layering.test.ts proves that it bites.

const EPOCH_LIKE = ["std", "ports", "structs", "wire"];
const TRANSPORT = ["std", "ports", "structs", "wire", "rpc"];

/** Folder → folders it may import besides itself. */
const LAYERS = {
  std: [],
  ports: ["std"],
  structs: ["std"],
  wire: ["std", "structs"],
  rpc: ["std", "ports", "wire"],
  transport: TRANSPORT,
  system: ["std", "ports"],
  iommu: ["std", "ports", "structs"],
  epoch: EPOCH_LIKE,
  coherence: EPOCH_LIKE,
  target: [...TRANSPORT, "transport", "iommu", "epoch", "coherence"],
  meta: ["std", "ports", "structs", "wire", "rpc"],
  client: [...TRANSPORT, "transport", "epoch", "coherence"],
  vfs: ["std", "client"],
  fuse: ["std", "ports", "structs", "vfs"],
  stream: ["std", "client"],
  kv: ["std", "client"],
  hpc: ["std", "client"],
  model: ["std"],
  dashboard: ["std", "wire", "rpc"],
};
LAYERS.sim = Object.keys(LAYERS).filter((folder) => folder !== "system" && folder !== "fuse");

/** The composition roots: they choose implementations and may import everything; nothing else imports them. */
const ROOT_FOLDERS = ["cli", "runtime"];
const FOLDERS = [...Object.keys(LAYERS), ...ROOT_FOLDERS];
const ROOTS = `^src/((${ROOT_FOLDERS.join("|")})/|index\\.ts$)`;

/** Node's own modules that reach the machine; what is left (crypto, events, path, util …) is pure enough. */
const MACHINE = [
  "worker_threads",
  "child_process",
  "cluster",
  "net",
  "tls",
  "dgram",
  "dns(/promises)?",
  "http",
  "https",
  "http2",
  "os",
  "perf_hooks",
  "process",
  "timers(/promises)?",
  "fs(/promises)?",
];

const layers = Object.entries(LAYERS).map(([folder, below]) => ({
  name: `layer-${folder}`,
  comment: `src/${folder} may import only ${below.length > 0 ? below.join(", ") : "nothing"} (architecture, section 10)`,
  severity: "error",
  from: { path: `^src/${folder}/` },
  to: { path: "^src/", pathNot: `^src/(${[folder, ...below].join("|")})/` },
}));

/** Only the folders that `only` matches may import the npm package. */
function onlyFrom(pkg, only, comment) {
  return {
    name: `only-${pkg}`,
    comment,
    severity: "error",
    from: { path: "^src/", pathNot: only },
    to: { path: `(^|/)node_modules/${pkg}/` },
  };
}

export default {
  forbidden: [
    ...layers,
    {
      name: "unknown-folder",
      comment: "a folder of src/ that the layer table does not name: add it to the architecture and here",
      severity: "error",
      from: { path: "^src/", pathNot: `^src/((${FOLDERS.join("|")})/|index\\.ts$)` },
      to: {},
    },
    {
      name: "engines-chosen-by-roots",
      comment: "only the composition roots and the simulation choose a metadata engine",
      severity: "error",
      from: { path: "^src/", pathNot: [ROOTS, "^src/(meta/engines|sim)/"] },
      to: { path: "^src/meta/engines/" },
    },
    {
      name: "no-circular",
      comment: "circular imports hide the direction of a dependency",
      severity: "error",
      from: { path: "^src/" },
      to: { circular: true },
    },
    {
      name: "machine-through-ports",
      comment: "only src/system and the composition roots ask the machine; the rest takes ports",
      severity: "error",
      from: { path: "^src/", pathNot: [ROOTS, "^src/system/"] },
      to: {
        dependencyTypes: ["core"],
        path: `^(node:)?(${MACHINE.join("|")})$`,
        dependencyTypesNot: ["type-only"],
      },
    },
    onlyFrom("koffi", "^src/system/", "only src/system calls foreign functions"),
    onlyFrom("lmdb", "^src/meta/engines/", "only src/meta/engines knows an engine"),
    onlyFrom("commander", "^src/cli/", "only src/cli reads command lines"),
    onlyFrom("cli-progress", "^src/cli/", "only src/cli draws on the terminal"),
    {
      name: "no-dev-package",
      comment: "the product must not need a development dependency",
      severity: "error",
      from: { path: "^src/" },
      to: {
        dependencyTypes: ["npm-dev"],
        dependencyTypesNot: ["type-only"],
        pathNot: "node_modules/@types/",
      },
    },
    {
      name: "no-unlisted-package",
      comment: "package.json does not list this package",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "unknown"] },
    },
    {
      name: "no-outside",
      comment:
        "the product imports nothing from tests, benches, demos or scripts; `didafs bench` runs the bench",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/cli/commands/bench.ts$" },
      to: { path: "^(test|bench|demo|scripts|bin)/" },
    },
    {
      name: "unresolvable",
      comment: "the imported file does not exist",
      severity: "error",
      from: { path: "^src/" },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".js", ".mjs", ".json"],
    },
  },
};
