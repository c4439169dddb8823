import type { DriveObject } from "../ports/drive.ts";
import type { BoardLanes } from "./board-lanes.ts";

/** The notice board of an open region. */
export class RegionBoard {
  readonly object: DriveObject;
  readonly generation: number;
  readonly lanes: BoardLanes;
  readonly #onClose: () => void;
  /** Settles with the last that stands in line. */
  #turns: Promise<unknown> = Promise.resolve();

  constructor(object: DriveObject, generation: number, lanes: BoardLanes, onClose: () => void) {
    this.object = object;
    this.generation = generation;
    this.lanes = lanes;
    this.#onClose = onClose;
  }

  /** One at a time: who asks twice gets one lane, and the worker is asked for one. */
  inTurn<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#turns.then(body);
    this.#turns = turn.catch(() => {});
    return turn;
  }

  close(): void {
    this.object.close();
    this.#onClose();
  }
}
