/** What npm publishes, installed into a project that has nothing else: programs, types, the command, other systems. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import * as sources from "../../src/index.ts";
import { scratch } from "../runtime/scratch.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const TSC = path.join(ROOT, "node_modules/typescript/bin/tsc");
/** Longest time of one program. */
const LIMIT_MS = 100_000;

const place = scratch();
const project = path.join(place.dir, "project");
const data = path.join(place.dir, "data");
/** Only what a user's shell has: no Node but the one that runs this test, none of the checkout's programs. */
const env: NodeJS.ProcessEnv = {
  PATH: [path.dirname(process.execPath), ...foreignFolders()].join(path.delimiter),
  HOME: place.dir,
  XDG_CONFIG_HOME: path.join(place.dir, "config"),
  XDG_CACHE_HOME: path.join(place.dir, "cache"),
  DIDAFS_DATA: data,
};
let packed: readonly string[];

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Folders of PATH that are not of this checkout. */
function foreignFolders(): string[] {
  return (process.env.PATH ?? "")
    .split(path.delimiter)
    .filter((folder) => folder !== "" && !path.resolve(folder).includes("node_modules"));
}

/** Runs a program in the project to its end, whatever that is. */
function run(program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const options = { cwd: project, env: { ...env, ...more }, timeout: LIMIT_MS };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`${program} ${args.join(" ")}: ${error.message}\n${stdout}${stderr}`));
    });
  });
}

/** Runs what must succeed and complain of nothing. @returns its standard output */
async function ok(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, `${program} ${args.join(" ")}: ${stdout}`);
  return stdout;
}

/** What `npx didafs` runs, without npm's own start each time. */
const DIDAFS = path.join(project, "node_modules/.bin/didafs");
const didafs = (...args: string[]): Promise<string> => ok(DIDAFS, ...args);

function write(name: string, text: string): string {
  writeFileSync(path.join(project, name), text);
  return name;
}

before(() => {
  // The user's own settings of npm, where packages come from among them; a home of its own only for the rest.
  const npm = (cwd: string, ...args: string[]): string =>
    execFileSync("npm", ["--loglevel=error", ...args], {
      cwd,
      env: { ...process.env, PATH: env.PATH },
      encoding: "utf8",
      timeout: LIMIT_MS,
    });
  const [tarball] = JSON.parse(npm(ROOT, "pack", "--json", "--pack-destination", place.dir)) as [
    { filename: string; files: { path: string }[] },
  ];
  packed = tarball.files.map((file) => file.path);
  mkdirSync(project);
  write("package.json", JSON.stringify({ name: "application", private: true, type: "commonjs" }));
  npm(project, "install", "--ignore-scripts", path.join(place.dir, tarball.filename));
});
after(async () => {
  // Nothing to stop where the test that starts a cluster has stopped it, nor where nothing was installed.
  if (existsSync(DIDAFS)) await run(DIDAFS, ["down"]);
  place[Symbol.dispose]();
});

test("the package holds what is needed and nothing else", () => {
  for (const name of packed) {
    assert.match(
      name,
      /^(LICENSE|README\.md|package\.json|index\.js|bin\/[\w-]+\.js|docs\/[\w/-]+\.md|docs\/figures\.svg|dist\/(src|bench)\/[\w/-]+\.(js|d\.ts)|dist\/bench\/limits\/[\w-]+\.[ch])$/,
    );
  }
  for (const name of ["dist/src/index.d.ts", "dist/src/runtime/agent-thread.js", "bin/didafs.js"]) {
    assert.ok(packed.includes(name), `${name} is missing`);
  }
});

test("the library's door gives just what the sources export", async () => {
  const program = write(
    "names.mjs",
    'import * as all from "didafs"; console.log(Object.keys(all).join());\n',
  );
  assert.equal((await ok("node", program)).trim(), Object.keys(sources).sort().join());
  const required = write("names.cjs", 'console.log(Object.keys(require("didafs")).sort().join());\n');
  assert.equal((await ok("node", required)).trim(), Object.keys(sources).sort().join());
});

test("a plain program serves, and another one connects to it", async () => {
  const connecting = write(
    "connecting.mjs",
    `import { connect, isDidafsError } from "didafs";
    const cluster = await connect(process.argv[2], { key: process.argv[3] });
    const file = await cluster.open("/greeting");
    const window = await file.window();
    console.log(new TextDecoder().decode(window.getSync(0, new Uint8Array(5))), window.locality);
    console.log(await cluster.stat("/absent").catch((error) => isDidafsError(error, "ENOENT")));
    await cluster.close();
    `,
  );
  const serving = write(
    "serving.mjs",
    `import { execFileSync } from "node:child_process";
    import { embedded } from "didafs";
    await using cluster = await embedded(process.argv[2], { targets: 2 });
    await using file = await cluster.open("/greeting", { create: true, size: 4096 });
    await using window = await file.window({ rights: "rw" });
    await window.put(0, new TextEncoder().encode("hello"));
    await window.flush("stable");
    process.stdout.write(execFileSync(process.execPath, ["${connecting}", cluster.url], { timeout: 30_000 }));
    `,
  );
  assert.equal(await ok("node", serving, path.join(place.dir, "embedded")), "hello direct\ntrue\n");
});

test("the installed command starts a cluster, copies, lists, measures and stops", async () => {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
  assert.equal((await ok("npx", "--no-install", "didafs", "--version")).trim(), version);
  const { url } = JSON.parse(await didafs("up", "--targets", "2", "--port", "0", "--json"));
  env.DIDAFS_URL = url;
  write("notes.txt", "measured\n");
  await ok(DIDAFS, "cp", "notes.txt", ":/notes.txt");
  assert.match(await didafs("ls", ":/"), /notes\.txt/);
  assert.equal(await didafs("cat", ":/notes.txt"), "measured\n");
  const status = JSON.parse(await didafs("status", "--json"));
  assert.equal(status.targets.length, 2);
  const report = JSON.parse(await didafs("bench", "--quick", "--rows", "L1", "--json"));
  assert.equal(report.environment.didafs, version);
  assert.equal(report.environment.commit, undefined, "an installed copy has no commit");
  await didafs("down");
  assert.equal((await run(DIDAFS, ["down"])).code, 6);
});

test("a consumer's types are checked, with either resolution and without our compiler settings", async () => {
  write(
    "consumer.mts",
    `import { type Cluster, connect, embedded, isDidafsError, type DidafsWindow } from "didafs";
export async function count(cluster: Cluster): Promise<bigint | number> {
  await using file = await cluster.open("/counters", { create: true, size: 4096 });
  await using window: DidafsWindow = await file.window({ rights: "rw" });
  await window.put(0, new Uint8Array(8));
  return window.fetchAddSync(8, 1);
}
try {
  await count(await embedded("./data", { targets: 1 }));
  await count(await connect());
} catch (error) {
  if (isDidafsError(error, "ENOENT")) throw error;
}
`,
  );
  write("wrong.mts", 'import { connect } from "didafs";\nexport const url: string = await connect(1);\n');
  for (const [module, moduleResolution] of [
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ]) {
    const compilerOptions = {
      module,
      moduleResolution,
      target: "esnext",
      strict: true,
      noEmit: true,
      types: [],
    };
    write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["consumer.mts", "wrong.mts"] }));
    // Also the declarations themselves are checked: each complaint but these two is one too many.
    const { stdout } = await run("node", [TSC, "--pretty", "false"]);
    assert.match(
      stdout,
      /^wrong\.mts\(2,14\): error TS2322.*\n(?: .*\n)*wrong\.mts\(2,42\): error TS2345.*\n$/,
    );
  }
});

/** Options of Node that put these values into `process` before anything else sees them. */
function pretend(values: Readonly<Record<string, unknown>>): string[] {
  const code = `for (const [name, value] of Object.entries(${JSON.stringify(values)}))
    Object.defineProperty(process, name, { value });`;
  return ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
}

/** A real Node that is too old, and else this one that says it is. */
function oldNode(): readonly [program: string, ...args: string[]] {
  for (const folder of foreignFolders()) {
    const node = path.join(folder, "node");
    try {
      accessSync(node, constants.X_OK);
    } catch {
      continue;
    }
    const major = execFileSync(node, ["-p", "parseInt(process.versions.node)"], { encoding: "utf8" });
    if (Number(major) < 24) return [node];
  }
  return [process.execPath, ...pretend({ versions: { ...process.versions, node: "20.1.0" } })];
}

const CATCHING = `import("didafs").then(
  () => console.log("loaded"),
  ({ code, message }) => console.log(JSON.stringify({ code, message })),
);\n`;
const COMMAND = path.join("node_modules", "didafs", "bin", "didafs.js");

test("an older Node is told what is needed, by the library and by the command", async () => {
  const [node, ...args] = oldNode();
  const said = JSON.parse((await run(node, [...args, write("catching.mjs", CATCHING)])).stdout);
  assert.equal(said.code, "ERR_PLATFORM");
  assert.match(
    said.message,
    /^this is Node \d+\.[\d.]+, didafs needs Node 24 or later\n.*npm install node@24/,
  );
  const command = await run(node, [...args, COMMAND, "status"]);
  assert.equal(command.code, 16);
  assert.equal(command.stderr, `didafs: ${said.message}\n`);
  assert.equal(command.stdout, "");
});

for (const [values, fix] of [
  [{ platform: "darwin" }, /Linux only \(this is darwin\).*virtual machine or container/],
  [{ platform: "win32" }, /Linux only \(this is win32\).*WSL 2/],
  [{ arch: "ia32" }, /x86-64 and arm64 only \(this is ia32\).*64-bit Node/],
] as const) {
  test(`${Object.values(values)}: the library and the command name the fix`, async () => {
    const library = await run("node", [...pretend(values), write("catching.mjs", CATCHING)]);
    const said = JSON.parse(library.stdout);
    assert.equal(said.code, "ERR_PLATFORM");
    assert.match(said.message, fix);
    assert.match((await run("node", [...pretend(values), COMMAND, "--help"])).stdout, /Usage: didafs/);
    const command = await run("node", [...pretend(values), COMMAND, "status"]);
    assert.equal(command.code, 16);
    assert.match(command.stderr, fix);
    assert.doesNotMatch(command.stderr, /^ +at /m, "no stack");
  });
}
