import assert from "node:assert/strict";
import { test } from "node:test";
import { type ByteCounters, proveDirect, proveTcp } from "../../demo/byte-counters.ts";
import type { IngestedFile } from "../../demo/manifest.ts";
import { Mismatch } from "../../demo/mismatch.ts";

const HEADER_BYTES = 64;
const TARGETS = 3;
/** The third one ends in a command of 5 bytes, which travel in its answer's header. */
const FILES = [1000, 0, 2 ** 20 + 5, 8].map((size) => ({ size }) as IngestedFile);
const VOLUME = 1000 + 2 ** 20 + 5 + 8;

const DIRECT: ByteCounters = {
  operations: 0,
  tcpBytesOut: 0,
  unixBytesOut: TARGETS * HEADER_BYTES,
  mappings: 3,
  mappedBytes: VOLUME,
};
const TCP: ByteCounters = {
  operations: 4,
  tcpBytesOut: VOLUME - 5 - 8 + (4 + TARGETS) * HEADER_BYTES,
  unixBytesOut: 0,
  mappings: 0,
  mappedBytes: 0,
};

/** Each of these contradicts the path. */
const CASES: readonly [string, (grown: ByteCounters) => void, ByteCounters, Partial<ByteCounters>[]][] = [
  [
    "direct",
    (grown) => void proveDirect(grown, FILES, TARGETS),
    DIRECT,
    [
      { mappedBytes: VOLUME - 1 },
      { mappedBytes: 2 * VOLUME },
      { operations: 1 },
      { tcpBytesOut: HEADER_BYTES },
      { unixBytesOut: VOLUME },
      { unixBytesOut: HEADER_BYTES + 1 },
    ],
  ],
  [
    "tcp",
    (grown) => void proveTcp(grown, FILES, TARGETS),
    TCP,
    [
      { tcpBytesOut: TCP.tcpBytesOut - 1 },
      { tcpBytesOut: TCP.tcpBytesOut + 1000 * HEADER_BYTES },
      { tcpBytesOut: 0 },
      { unixBytesOut: HEADER_BYTES },
      { mappings: 1 },
    ],
  ],
];

for (const [path, prove, good, contradictions] of CASES) {
  test(`counters that fit the ${path} path prove it, others contradict it`, () => {
    prove(good);
    for (const change of contradictions) {
      assert.throws(() => prove({ ...good, ...change }), Mismatch, JSON.stringify(change));
    }
  });
}
