import { once } from "node:events";
import process from "node:process";
import { defineJob } from "../../../src/index.ts";

/** Reports when it runs, and works until it gets input on standard input; a quick one ends at once. */
export const slow = defineJob({
  name: "slow",
  async perform(isQuick) {
    if (isQuick) return undefined;
    console.log("started");
    await once(process.stdin, "data");
    process.stdin.destroy();
    return "finished";
  },
});
