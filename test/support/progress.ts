/** Shows progress: on a terminal in place of the previous line, otherwise on a new line. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  else if (text !== "") process.stderr.write(`${text}\n`);
}
