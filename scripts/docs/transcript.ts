// Runs the commands of a Markdown page, and puts their output into the page.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";

const block = /^(?:`(?<file>[^`\n]+)`:\n\n)?(?:<!-- from: .* -->\n)?```(?<language>\w+)\n(?<code>[\s\S]*?)^```$/gm;

export interface Transcribing {
  /** Where the shell starts. */
  readonly folder: string;
  /** The environment of the shell. */
  readonly env: NodeJS.ProcessEnv;
  /** Replacements in the commands that the page shows. */
  typed(code: string): string;
  /** Replacements in the printed output. */
  shown(output: string): string;
  /** The part of an output that is the same in every run. */
  constant(output: string): string;
}

/**
 * Follows a page from top to bottom: a block below a line with only a path and a colon is written to that file, a
 * block of `sh` is typed into a shell, and a block of `text` has the output of the commands above it.
 *
 * @param page Markdown.
 * @returns the page, with the output of this run if its constant part has changed.
 * @throws {Error} if a command fails; the message contains its output.
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

/** A persistent shell: each command sees the variables of earlier ones. It ends with the first that fails. */
class Shell {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  #printed = "";

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    // In its own process group, so that its background processes can be ended with it.
    this.#process = spawn("sh", ["-e"], { cwd: folder, env, detached: true });
    this.#ended = once(this.#process, "close");
    this.#process.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#printed += text;
    });
    this.#process.stdin.on("error", () => {});
    this.#process.stdin.write("exec 2>&1\n");
  }

  /** Its current directory. */
  async folder(): Promise<string> {
    return (await this.run("pwd")).trimEnd();
  }

  /** Runs commands, and returns their output. */
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
      // It has already ended, with all its processes.
    }
  }
}
