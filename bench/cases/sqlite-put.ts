/**
 * A row's blob of SQLite, changed by a transaction of its own: write-ahead log, synced with each. SQLite leaves a page alone that
 * would be as it was, and walks come by with the same bytes again: so each change also counts itself, in the same page.
 */
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { blockCase } from "../blocks/block-case.ts";
import { blockSource } from "../blocks/block-source.ts";

export const open = blockCase(async ({ dir, pattern }) => {
  const file = path.join(dir, "blocks.sqlite");
  const db = new DatabaseSync(file);
  // A row with a blob of 4 KiB has room in one page.
  db.exec("PRAGMA page_size = 8192");
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  db.exec("CREATE TABLE blocks (block INTEGER PRIMARY KEY, times INTEGER NOT NULL, bytes BLOB NOT NULL)");
  return {
    along(walk) {
      const { blocks } = walk;
      const source = blockSource(pattern, walk);
      const insert = db.prepare("INSERT INTO blocks VALUES (?, 0, ?)");
      db.exec("BEGIN");
      for (let block = 0; block < blocks; block++) insert.run(block, source(block));
      db.exec("COMMIT");
      const update = db.prepare("UPDATE blocks SET bytes = ?, times = times + 1 WHERE block = ?");
      return {
        batch(first, count) {
          for (let i = 0; i < count; i++) {
            const block = (first + i) % blocks;
            update.run(source(block), block);
          }
          return 0;
        },
        async bytes() {
          using aside = new DatabaseSync(file, { readOnly: true });
          const rows = aside.prepare("SELECT bytes FROM blocks ORDER BY block").all();
          return Buffer.concat(rows.map(({ bytes }) => bytes as Uint8Array));
        },
      };
    },
    close: async () => db.close(),
  };
});
