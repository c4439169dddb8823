import { SimRandom } from "../../src/sim/random.ts";

/** Seeded choices. */
export class Dice extends SimRandom {
  /** True so many times in a million. */
  millionth(count: number): boolean {
    return this.next() % 1_000_000 < count;
  }

  percent(count: number): boolean {
    return this.next() % 100 < count;
  }

  /** Puts anything into `bytes`, often zeros: what looks like nothing is input too. */
  fill(bytes: Uint8Array): void {
    if (this.percent(10)) {
      bytes.fill(this.pick([0, 0xff]));
      return;
    }
    for (let i = 0; i < bytes.length; ) {
      for (let word = this.next(), left = 4; left > 0 && i < bytes.length; left -= 1, i += 1) {
        bytes[i] = word;
        word >>>= 8;
      }
    }
  }

  /** A sequence of its own, for a part that must repeat whatever the other parts draw. */
  split(): Dice {
    return new Dice(this.next());
  }
}
