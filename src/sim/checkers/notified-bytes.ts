import { stampByte } from "./flushes.ts";
import {
  type NotificationHistory,
  type NotifyingOperation,
  nameOf,
  type QueueLife,
  type Told,
} from "./notification-history.ts";

type Attempts = ReadonlyMap<number, NotifyingOperation>;

/**
 * Bytes at the place `at` are those of puts that begin there; which one each is of, its number says.
 * @returns what is wrong with what clients found when they were told, and with what gets have read
 */
export function checkNotifiedBytes(
  { attempts: all, lives, losses }: NotificationHistory,
  attempts: Attempts,
): string | undefined {
  const puts = Map.groupBy(
    all.filter(({ input, outcome }) => input.op === "put" && outcome !== "not done"),
    ({ input }) => input.at,
  );
  const at = (place: number): NotifyingOperation[] => puts.get(place) ?? [];
  for (const life of lives) {
    for (const told of life.told) {
      const attempt = attempts.get(told.tag) as NotifyingOperation;
      const { op } = attempt.input;
      const fault =
        op === "put" ? lookedAt(life, told, attempt, at(told.at), losses) : read(told, attempt, at(told.at));
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

/** They are of the put that was told, or of one that may have come later. */
function lookedAt(
  { client }: QueueLife,
  { bytes, looked }: Told,
  put: NotifyingOperation,
  puts: readonly NotifyingOperation[],
  losses: readonly number[],
): string | undefined {
  if (bytes === undefined || losses.some((loss) => loss > put.invoked && loss < looked)) return undefined;
  const allowed = puts.filter(({ invoked, returned }) => invoked < looked && returned >= put.invoked);
  const { at } = put.input;
  const index = strangeByte(bytes, at, allowed);
  if (index < 0) return undefined;
  return `${client} was told of ${nameOf(put)}, and found ${bytes[index]} at ${at + index}, which is older`;
}

/** What was put when it had been told already is not among it. */
function read(
  { told }: Told,
  get: NotifyingOperation,
  puts: readonly NotifyingOperation[],
): string | undefined {
  const { outcome, output, input } = get;
  if (outcome !== "done" || output === null || output === undefined) return undefined;
  const allowed = puts.filter(({ invoked }) => invoked < told);
  const index = output.findIndex((byte, place) => byte !== 0 && !isOf(byte, input.at, place, allowed));
  if (index < 0) return undefined;
  return `${nameOf(get)} has read ${output[index]} at ${input.at + index}, which was put when it had been told at ${told}`;
}

function strangeByte(bytes: Uint8Array, at: number, puts: readonly NotifyingOperation[]): number {
  return bytes.findIndex((byte, index) => !isOf(byte, at, index, puts));
}

function isOf(byte: number, at: number, index: number, puts: readonly NotifyingOperation[]): boolean {
  return puts.some(({ input }) => index < input.length && stampByte(input.number, at, index) === byte);
}
