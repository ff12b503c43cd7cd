/** Shows how far something is: on a terminal in place of what was shown before, elsewhere on a line of its own. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}
