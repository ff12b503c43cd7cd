import { createHash } from "node:crypto";
import * as generated from "../../src/stores/redis/scripts.generated.ts";

export const { heads, prelude, postlude } = generated;

/** Every script, its body in one text. */
export const allScripts = Object.values(generated).flatMap((each) =>
  typeof each === "object" && "body" in each ? [{ body: each.body.join("") }] : [],
);

/** What Redis calls a script, in each dialect. */
export function shasOf({ body }: generated.Script): readonly string[] {
  const text = prelude + body.join("") + postlude;
  return Object.values(heads).map((head) =>
    createHash("sha1")
      .update(head + text)
      .digest("hex"),
  );
}
