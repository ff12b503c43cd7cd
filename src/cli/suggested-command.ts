import { isRedisUrl, withoutAccess } from "../dev/redis-address.ts";
import type { Globals } from "./program.ts";

/**
 * A command that the user can copy, with the options that select the same queue. It leaves out tokens and passwords,
 * which others could read on screen.
 *
 * @param words the command: "queue:resume".
 */
export function suggestedCommand(words: string, { url, module, queue, prefix }: Globals): string {
  // With a handler, the module only provides job types, and queue:work refuses it.
  const isHandler = url !== undefined && !isRedisUrl(url);
  const options = {
    url: isHandler ? url : url && withoutAccess(url),
    module: isHandler ? undefined : module,
    ...{ queue, prefix },
  };
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${quoted(value)}`],
  );
  return ["tidegate", words, ...given].join(" ");
}

export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
