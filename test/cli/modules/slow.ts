import { once } from "node:events";
import process from "node:process";
import { defineJob } from "../../../src/index.ts";

/** Tells when it runs, and works until something comes in on standard input; a quick one ends at once. */
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
