import type * as v from "valibot";
import type { Dice } from "../dice.ts";
import { anyBytes, anyText } from "./decoder.ts";

/** What of valibot's schemas is looked at here. */
interface Node {
  readonly type: string;
  readonly entries?: Record<string, Node>;
  readonly item?: Node;
  readonly wrapped?: Node;
  readonly value?: Node;
  readonly literal?: unknown;
  readonly options?: readonly unknown[];
  /** The schema for what comes. */
  readonly getter?: (input: unknown) => Node;
  readonly pipe?: readonly { readonly type: string; readonly requirement?: unknown }[];
}

/** A value that the schema takes, or nearly. */
export function sampleOf(schema: v.GenericSchema, dice: Dice): unknown {
  return sample(schema as unknown as Node, dice);
}

function sample(node: Node, dice: Dice): unknown {
  switch (node.type) {
    case "object":
    case "strict_object":
      return Object.fromEntries(
        Object.entries(node.entries ?? {}).map(([key, entry]) => [key, sample(entry, dice)]),
      );
    case "variant":
    case "union":
      return sample(dice.pick(node.options as readonly Node[]), dice);
    case "lazy":
      return sample((node.getter as NonNullable<Node["getter"]>)(dice.percent(50) ? { inode: 1 } : {}), dice);
    case "array":
      return Array.from({ length: dice.between(0, 4) }, () => sample(node.item as Node, dice));
    case "record":
      return Object.fromEntries([["name", sample(node.value as Node, dice)]]);
    case "optional":
      return dice.percent(50) ? undefined : sample(node.wrapped as Node, dice);
    case "literal":
      return node.literal;
    case "picklist":
      return dice.pick(node.options as readonly unknown[]);
    case "boolean":
      return dice.percent(50);
    case "number":
      return numberOf(dice);
    case "string":
      return textOf(node, dice);
    default:
      throw new Error(`no samples of a ${node.type} are made here yet`);
  }
}

function numberOf(dice: Dice): number {
  return dice.pick([0, 1, 2, 7, 4096, 65_535, 2 ** 32, 2 ** 53 - 1, dice.next(), dice.between(0, 100)]);
}

/** Hex of the length that its pattern asks for, base64, or a path. */
function textOf(node: Node, dice: Dice): string {
  const pattern = String(node.pipe?.find(({ type }) => type === "regex")?.requirement ?? "");
  const digits = /\{(\d+)\}\$/.exec(pattern)?.[1];
  if (digits !== undefined) return Buffer.from(dice.bytes(Number(digits) / 2)).toString("hex");
  if (pattern !== "") return anyBytes(dice, 20).toString("hex");
  if (node.pipe?.some(({ type }) => type === "base64")) return anyBytes(dice, 20).toString("base64");
  return dice.percent(70) ? dice.pick(["/a", "/a/b", "/", "b", "name"]) : anyText(dice);
}

/** `value` with a part of it replaced by something of another kind or size, left out, or added. */
export function mutatedValue(value: unknown, dice: Dice): unknown {
  if (dice.percent(15) || typeof value !== "object" || value === null) return anyJson(dice, 2);
  const copy = structuredClone(value) as Record<string, unknown>;
  const keys = Object.keys(copy);
  const key = keys.length > 0 ? dice.pick(keys) : "extra";
  const kind = dice.between(0, 99);
  if (kind < 15) delete copy[key];
  else if (kind < 30) copy[dice.pick(["extra", "constructor", "toString", "0"])] = anyJson(dice, 1);
  else copy[key] = mutatedValue(copy[key], dice);
  return copy;
}

function anyJson(dice: Dice, depth: number): unknown {
  const leaves = [null, true, false, 0, -1, 1.5, 2 ** 53, 1e308, "", "/a", "0".repeat(64), anyText(dice)];
  if (depth === 0 || dice.percent(60)) return dice.pick(leaves);
  const parts = Array.from({ length: dice.between(0, 3) }, () => anyJson(dice, depth - 1));
  // Made as JSON.parse makes it, so that __proto__ is a name like any other.
  return dice.percent(50) ? parts : JSON.parse(`{"__proto__": 1, "a": ${JSON.stringify(parts[0] ?? 0)}}`);
}
