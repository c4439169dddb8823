import { findProgram } from "../../system/find-program.ts";
import { type Finding, finding, type Probe } from "./finding.ts";

/** What `didafs bench` sets DiDAFS beside: the program, and the Debian package that has it. */
const PEERS: readonly (readonly [program: string, name: string, packages: string])[] = [
  ["cc", "C compiler", "gcc libc6-dev"],
  ["redis-server", "Redis", "redis-server"],
  ["memcached", "memcached", "memcached"],
  ["fio", "fio", "fio"],
  ["nbdkit", "nbdkit", "nbdkit"],
  ["ucx_perftest", "UCX", "ucx-utils"],
  ["mpicc", "Open MPI", "openmpi-bin libopenmpi-dev"],
];

export const peerProbes: readonly Probe[] = PEERS.map(([program, name, packages]) => ({
  check: name,
  look: (): Finding[] => {
    const file = findProgram(program);
    if (file !== undefined) return [finding(name, "ok", file)];
    return [finding(name, "note", `not installed; benches compare with it`, `apt install ${packages}`)];
  },
}));
