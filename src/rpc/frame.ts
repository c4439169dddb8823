import { DidafsError } from "../std/errors.ts";
import { saidByAnother } from "../std/versions.ts";
import {
  ANSWER_FLAG,
  answerPayloadBytes,
  beginsAnswer,
  beginsCommand,
  commandPayloadBytes,
  encodeAnswer,
  encodeAnswerFlags,
  encodeCommand,
  HEADER_BYTES,
  HEADER_WORDS,
  headerOpcode,
  headerVersion,
  MAX_PAYLOAD_BYTES,
  OPCODE,
  WIRE_VERSION,
} from "../wire/header.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** @returns the whole frame, or undefined when the value is longer than a payload may be */
export function commandFrame(tag: number, value: unknown): Uint8Array<ArrayBuffer> | undefined {
  return frame(value, (words, payloadBytes) =>
    encodeCommand(words, 0, OPCODE.CALL, 0, tag, 0, 0, 0, payloadBytes),
  );
}

/** @returns the whole frame, or undefined when the value is longer than a payload may be */
export function answerFrame(
  tag: number,
  status: number,
  value: unknown,
  withDescriptor: boolean,
): Uint8Array<ArrayBuffer> | undefined {
  return frame(value, (words, payloadBytes) => {
    encodeAnswer(words, 0, OPCODE.CALL, tag, status, payloadBytes);
    if (withDescriptor) encodeAnswerFlags(words, 0, ANSWER_FLAG.DESCRIPTOR);
  });
}

function frame(
  value: unknown,
  writeHeader: (words: Int32Array, payloadBytes: number) => void,
): Uint8Array<ArrayBuffer> | undefined {
  const payload = encoder.encode(JSON.stringify(value));
  if (payload.byteLength > MAX_PAYLOAD_BYTES) return undefined;
  const bytes = new Uint8Array(HEADER_BYTES + payload.byteLength);
  bytes.set(payload, HEADER_BYTES);
  writeHeader(new Int32Array(bytes.buffer, 0, HEADER_WORDS), payload.byteLength);
  return bytes;
}

/**
 * Checks a header that came from the peer.
 * @returns the length of the payload behind it, in bytes
 * @throws ERR_VERSION (the peer speaks another version), ERR_PROTOCOL
 */
export function checkedPayloadBytes(header: Int32Array, payloadBytesMax: number): number {
  const command = beginsCommand(header, 0);
  if (!command && !beginsAnswer(header, 0)) {
    throw new DidafsError("ERR_PROTOCOL", "what arrived is no DiDAFS message (bad magic)");
  }
  const version = headerVersion(header, 0);
  if (version !== WIRE_VERSION) {
    throw saidByAnother("the peer speaks wire version", version, WIRE_VERSION);
  }
  if (headerOpcode(header, 0) !== OPCODE.CALL) {
    throw new DidafsError("ERR_PROTOCOL", `opcode ${headerOpcode(header, 0)} is no control call`);
  }
  const bytes = command ? commandPayloadBytes(header, 0) : answerPayloadBytes(header, 0);
  if (bytes > payloadBytesMax) {
    throw new DidafsError(
      "ERR_PROTOCOL",
      `a payload of ${bytes} bytes, at most ${payloadBytesMax} are taken`,
    );
  }
  return bytes;
}

/** @throws ERR_PROTOCOL when the payload is not JSON in UTF-8 */
export function parsePayload(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch (cause) {
    throw new DidafsError("ERR_PROTOCOL", "a payload is not JSON", { cause });
  }
}
