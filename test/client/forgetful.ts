/** Opens things and ends without closing any of them. */
import { connect } from "../../src/index.ts";

const cluster = await connect(process.argv[2]);
const file = await cluster.open("/forgotten", { create: true, size: 4096 });
const window = await file.window({ rights: "rw" });
await window.put(0, new Uint8Array(100));
