import * as generated from "../../src/stores/redis/scripts.generated.ts";

export const { heads, prelude, postlude } = generated;

/** Every script, its body in one text. */
export const allScripts = Object.values(generated).flatMap((each) =>
  typeof each === "object" && "shas" in each ? [{ shas: each.shas, body: each.body.join("") }] : [],
);
