// Runs the commands of a Markdown page, and keeps their output in the page.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";

const block = /^(?:`(?<file>[^`\n]+)`:\n\n)?```(?<language>\w+)\n(?<code>[\s\S]*?)^```$/gm;

export interface Transcribing {
  /** Where the shell starts. */
  readonly folder: string;
  /** The environment of the shell. */
  readonly env: NodeJS.ProcessEnv;
  /** What is typed in place of what the page shows. */
  typed(code: string): string;
  /** What the page shows in place of what was printed. */
  shown(output: string): string;
  /** What of an output is the same in every run. */
  constant(output: string): string;
}

/**
 * Follows a page from top to bottom: a block below a line that holds nothing but a path and a colon is written to that file, a
 * block of `sh` is typed into a shell, and a block of `text` holds what the commands above it print.
 *
 * @param page Markdown.
 * @returns the page, with the output of this run where the constant part of it is another one.
 * @throws {Error} where a command fails; the message holds what it has printed.
 */
export async function transcribe(page: string, { folder, typed, shown, constant, env }: Transcribing): Promise<string> {
  const shell = new Shell(folder, env);
  const pieces: string[] = [];
  let copied = 0;
  let output = "";
  try {
    for (const { 0: whole, index, groups } of page.matchAll(block)) {
      const { file, language, code = "" } = groups ?? {};
      if (file) await write(join(await shell.folder(), file), code);
      else if (language === "sh") output = shown(await shell.run(typed(code)));
      else if (language === "text" && constant(code).trim() !== constant(output).trim()) {
        pieces.push(page.slice(copied, index), `\`\`\`text\n${output.replace(/^\n+|\n+$/g, "")}\n\`\`\``);
        copied = index + whole.length;
      }
    }
  } finally {
    shell.end();
  }
  return [...pieces, page.slice(copied)].join("");
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** A shell that stays: each command finds what those before it have set. It ends with the first that fails. */
class Shell {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  #printed = "";

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    // In a process group of its own, so that what it leaves in the background can be ended with it.
    this.#process = spawn("sh", ["-e"], { cwd: folder, env, detached: true });
    this.#ended = once(this.#process, "close");
    this.#process.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#printed += text;
    });
    this.#process.stdin.on("error", () => {});
    this.#process.stdin.write("exec 2>&1\n");
  }

  /** Where it stands. */
  async folder(): Promise<string> {
    return (await this.run("pwd")).trimEnd();
  }

  /** Runs commands, and gives what they print. */
  async run(code: string): Promise<string> {
    this.#printed = "";
    const end = "\0";
    this.#process.stdin.write(`{\n${code}\n} </dev/null\nprintf '\\0'\n`);
    while (!this.#printed.endsWith(end)) {
      const isAlive = await Promise.race([once(this.#process.stdout, "data"), this.#ended.then(() => false)]);
      if (!isAlive) throw new Error(`This failed:\n${code}\n${this.#printed}`);
    }
    return stripVTControlCharacters(this.#printed.slice(0, -end.length));
  }

  end(): void {
    const { pid } = this.#process;
    try {
      if (pid !== undefined) process.kill(-pid, "SIGTERM");
    } catch {
      // It has ended by itself, with all that it had started.
    }
  }
}
