import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { EventEmitter, once } from "node:events";

type Stream = "stdout" | "stderr";

/** What a command line has written, and waits for more of it. */
export class Output {
  readonly written = { stdout: "", stderr: "" };
  readonly #more = new EventEmitter();

  static of(child: ChildProcessWithoutNullStreams): Output {
    const output = new Output();
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (text: string) => output.add(text, stream));
    return output;
  }

  add(text: string, to: Stream): void {
    this.written[to] += text;
    this.#more.emit(to);
  }

  /** The first line that matches. @throws if it ends before */
  async says(stream: Stream, pattern: RegExp, ended: Promise<number | null>): Promise<string> {
    for (;;) {
      const lines = this.written[stream].split("\n").slice(0, -1);
      const found = lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const code = await Promise.race([once(this.#more, stream).then(() => "more"), ended]);
      if (code !== "more") throw new Error(`It ended with ${code} before it said ${pattern}: ${this.written.stderr}`);
    }
  }
}
