import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { release } from "node:os";
import { getSystemErrorMessage } from "node:util";
import { findProgram } from "../../system/find-program.ts";
import { failureOf } from "../failure.ts";
import { type Finding, finding, type Probe } from "./finding.ts";

const NODE_MAJOR = 24;
/** Before it there is no MADV_POPULATE, which turns a broken mapping into an error instead of a signal. */
const KERNEL_NEEDED: Version = [5, 14];
const PASSTHROUGH_KERNEL: Version = [6, 9];
const CAP_SYS_ADMIN = 21n;
const MEMFD_BYTES = 2 ** 20;

type Version = readonly [major: number, minor: number];
type Features = typeof import("../../system/kernel-features.ts");

/** The system, Node, and what the kernel lets this process do. */
export const machineProbes: readonly Probe[] = [
  { check: "system", look: () => [system(), kernel()] },
  { check: "node", look: () => [node()] },
  { check: "libc", look: features },
  { check: "fuse", look: fuse },
];

function system(): Finding {
  const here = `${process.platform} on ${process.arch}`;
  if (process.platform === "linux" && ["x64", "arm64"].includes(process.arch))
    return finding("system", "ok", here);
  const wayOut =
    "use Linux on x86-64 or arm64: a machine, a virtual machine or a container (WSL 2 on Windows)";
  return finding("system", "problem", `DiDAFS does not run on ${here}`, wayOut);
}

function kernel(): Finding {
  const [name, needed] = [`kernel ${release()}`, KERNEL_NEEDED.join(".")];
  if (atLeast(KERNEL_NEEDED)) return finding("kernel", "ok", name);
  return finding(
    "kernel",
    "warning",
    `${name} is older than ${needed}, with which DiDAFS is tested`,
    "update the kernel",
  );
}

function node(): Finding {
  const { version } = process;
  if (Number.parseInt(version.slice(1), 10) >= NODE_MAJOR)
    return finding("node", "ok", `Node ${version.slice(1)}`);
  return finding(
    "node",
    "problem",
    `Node ${version.slice(1)} is too old`,
    `install Node ${NODE_MAJOR} from https://nodejs.org`,
  );
}

/** Loaded here and not above: where DiDAFS cannot run, that it does not load is what there is to tell. */
async function features(): Promise<Finding[]> {
  let kernelFeatures: Features;
  try {
    kernelFeatures = await import("../../system/kernel-features.ts");
  } catch (error) {
    const wayOut =
      "run `npm ci` on this machine; glibc is needed (Debian, Ubuntu, Fedora), not musl (Alpine)";
    return [finding("libc", "problem", failureOf(error).message, wayOut)];
  }
  return [
    finding("libc", "ok", "the C library can be called (prebuilt koffi)"),
    memfd(kernelFeatures),
    await userfaultfd(kernelFeatures),
    await ioUring(kernelFeatures),
    pidfd(kernelFeatures),
  ];
}

function memfd({ tryMemfd }: Features): Finding {
  const errno = tryMemfd(MEMFD_BYTES);
  if (errno === 0) return finding("memfd", "ok", "memory drives can be made");
  const wayOut = "give the machine or its control group more memory, or use --drive file";
  return finding("memfd", "problem", `memory drives cannot be made: ${words(errno)}`, wayOut);
}

async function userfaultfd({ tryUserfaultfd }: Features): Promise<Finding> {
  const check = "userfaultfd";
  if (tryUserfaultfd(true) === 0)
    return finding(check, "ok", "page faults can be handled, also those of system calls");
  const setting = await kernelSetting("vm/unprivileged_userfaultfd");
  const errno = tryUserfaultfd(false);
  if (errno !== 0) {
    const wayOut = "allow it in the sandbox (seccomp), or use a kernel with CONFIG_USERFAULTFD";
    return finding(check, "note", `page faults cannot be handled: ${words(errno)}`, wayOut);
  }
  const message = `page faults of programs can be handled, those of system calls cannot (unprivileged_userfaultfd is ${setting})`;
  return finding(check, "note", message, "sysctl -w vm.unprivileged_userfaultfd=1");
}

async function ioUring({ tryIoUring }: Features): Promise<Finding> {
  const errno = tryIoUring();
  if (errno === 0) return finding("io_uring", "ok", "can be used");
  const setting = await kernelSetting("kernel/io_uring_disabled");
  const message = `cannot be used: ${words(errno)} (io_uring_disabled is ${setting})`;
  return finding(
    "io_uring",
    "note",
    message,
    "sysctl -w kernel.io_uring_disabled=0, and allow it in the sandbox",
  );
}

function pidfd({ tryPidfd }: Features): Finding {
  const errno = tryPidfd();
  if (errno === 0) return finding("pidfd", "ok", "can be used");
  return finding("pidfd", "note", `cannot be used: ${words(errno)}`, "allow pidfd_open in the sandbox");
}

async function fuse(): Promise<Finding[]> {
  return [await fuseDevice(), fusermount(), await passthrough()];
}

async function fuseDevice(): Promise<Finding> {
  try {
    await access("/dev/fuse", constants.R_OK | constants.W_OK);
    return finding("fuse", "ok", "/dev/fuse can be opened");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const message = missing ? "there is no /dev/fuse" : "/dev/fuse may not be opened";
    const wayOut = missing ? "modprobe fuse; for a container --device /dev/fuse" : "chmod 666 /dev/fuse";
    return finding("fuse", "note", `${message}, which mounting needs`, wayOut);
  }
}

function fusermount(): Finding {
  const program = findProgram("fusermount3");
  if (program !== undefined) return finding("fusermount3", "ok", program);
  return finding(
    "fusermount3",
    "note",
    "not installed; mounting as a user other than root needs it",
    "apt install fuse3",
  );
}

async function passthrough(): Promise<Finding> {
  const check = "fuse passthrough";
  if (!atLeast(PASSTHROUGH_KERNEL)) {
    return finding(
      check,
      "note",
      `the kernel is older than ${PASSTHROUGH_KERNEL.join(".")}`,
      "update the kernel for faster mounts",
    );
  }
  const status = await readFile("/proc/self/status", "latin1");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  if ((capabilities >> CAP_SYS_ADMIN) & 1n) return finding(check, "ok", "the kernel and this process can");
  return finding(
    check,
    "note",
    "the kernel can, but only for processes with CAP_SYS_ADMIN",
    "mount as root for faster mounts",
  );
}

function atLeast([major, minor]: Version): boolean {
  const [ourMajor = 0, ourMinor = 0] = release()
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return ourMajor > major || (ourMajor === major && ourMinor >= minor);
}

/** A setting of the kernel below /proc/sys. */
async function kernelSetting(name: string): Promise<string> {
  return await readFile(`/proc/sys/${name}`, "latin1").then(
    (text) => text.trim(),
    () => "not known here",
  );
}

function words(errno: number): string {
  return getSystemErrorMessage(-errno);
}
