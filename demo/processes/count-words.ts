import * as v from "valibot";
import { type Cluster, connect, type DidafsFile, type DidafsWindow } from "../../src/index.ts";
import { readManifest } from "../manifest.ts";
import { SharedTable } from "../words/shared-table.ts";
import { cutPieces, type Piece } from "../words/texts.ts";
import { forEachWord, isWordByte } from "../words/tokenizer.ts";
import { wordKey } from "../words/word-key.ts";
import { Access, runProcess } from "./process.ts";

/** Bytes read behind a piece at first, for a word that ends there. */
const TAIL_BYTES = 256;

const Plan = v.object({
  ...Access,
  /** The texts, a list like the manifest. */
  texts: v.string(),
  /** Path of the file that the table lies in. */
  table: v.string(),
  slots: v.number(),
});

export interface CountResult {
  readonly pieces: number;
  readonly words: number;
  readonly seconds: number;
}

/** One of several processes that count the words of the texts into one table. */
runProcess(Plan, async (plan): Promise<CountResult> => {
  const texts = readManifest(plan.texts);
  const pieces = cutPieces(texts);
  await using cluster = await connect(plan.url, { keyFile: plan.keyFile, transport: "direct" });
  await using file = await cluster.open(plan.table);
  await using window = await file.window({ rights: "rw", sharing: "raw" });
  const table = new SharedTable(window, plan.slots);
  await using text = new OpenText(cluster);
  const startMs = performance.now();
  let [claimed, words] = [0, 0];
  for (let piece = pieces[table.claimPiece()]; piece !== undefined; piece = pieces[table.claimPiece()]) {
    claimed += 1;
    words += await countPiece(await text.open(texts[piece.text]?.path as string), piece, table);
  }
  table.addTotal(words);
  return { pieces: claimed, words, seconds: (performance.now() - startMs) / 1000 };
});

/** @returns how many words begin in the piece */
async function countPiece(window: DidafsWindow, { begin, end }: Piece, table: SharedTable): Promise<number> {
  // The byte before tells whether the first word began earlier.
  const from = Math.max(0, begin - 1);
  let bytes: Uint8Array;
  let tailBytes = TAIL_BYTES;
  do {
    bytes = await window.get(from, new Uint8Array(Math.min(window.length, end + tailBytes) - from));
    tailBytes *= 8;
  } while (from + bytes.byteLength < window.length && isWordByte(bytes.at(-1)));
  let words = 0;
  forEachWord(bytes, begin - from, end - from, (wordBegin, wordEnd) => {
    words += 1;
    table.count(wordKey(bytes, wordBegin, wordEnd));
  });
  return words;
}

/** The text whose pieces are being counted; pieces come in order, so one is open at a time. */
class OpenText implements AsyncDisposable {
  readonly #cluster: Cluster;
  #file: DidafsFile | undefined;
  #window: DidafsWindow | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async open(path: string): Promise<DidafsWindow> {
    if (this.#window !== undefined && this.#file?.path === path) return this.#window;
    await this.#file?.close();
    this.#file = await this.#cluster.open(path);
    this.#window = await this.#file.window();
    return this.#window;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
  }
}
