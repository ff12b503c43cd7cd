import type { Globals } from "./program.ts";

/**
 * A command that does something to the same queue, to be typed as it is: with the options that said which one it is. The token
 * is left out, since others may see the screen.
 *
 * @param words what follows the program's name: "queue:resume".
 */
export function suggestedCommand(words: string, { url, module, queue, prefix }: Globals): string {
  // Beside a handler the module only tells the names of jobs, and queue:work refuses it.
  const options = { url, module: url === undefined ? module : undefined, queue, prefix };
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${quoted(value)}`],
  );
  return ["tidegate", words, ...given].join(" ");
}

/** For a shell, where it must be. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
