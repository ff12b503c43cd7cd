// Runs what a Markdown page tells its reader to do, and keeps what was printed in the page.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";

const block = /^(?:`(?<file>[^`\n]+)`:\n\n)?```(?<language>\w+)\n(?<code>[\s\S]*?)^```$/gm;

/**
 * Follows a page from top to bottom: a block below a line that holds nothing but a path and a colon is written to that file, a
 * block of `sh` is typed into a shell, and a block of `text` holds what the commands above it print.
 *
 * @param {string} page Markdown.
 * @param {object} how
 * @param {string} how.folder where the shell starts.
 * @param {(code: string) => string} how.typed what is typed in place of what the page shows.
 * @param {(output: string) => string} how.shown what the page shows in place of what was printed.
 * @param {(output: string) => string} how.constant what of an output is the same in every run.
 * @param {Record<string, string | undefined>} how.env the environment of the shell.
 * @returns {Promise<string>} the page, with the output of this run where the constant part of it is another one.
 * @throws {Error} where a command fails; the message holds what it has printed.
 */
export async function transcribe(page, { folder, typed, shown, constant, env }) {
  const shell = new Shell(folder, env);
  const pieces = [];
  let copied = 0;
  let output = "";
  try {
    for (const { 0: whole, index, groups } of page.matchAll(block)) {
      const { file, language, code } = groups;
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

async function write(path, content) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

/** A shell that stays: each command finds what those before it have set. It ends with the first that fails. */
class Shell {
  #process;
  #ended;
  #printed = "";

  constructor(folder, env) {
    // In a process group of its own, so that what it leaves in the background can be ended with it.
    this.#process = spawn("sh", ["-e"], { cwd: folder, env, detached: true });
    this.#ended = once(this.#process, "close");
    this.#process.stdout.setEncoding("utf8").on("data", (text) => {
      this.#printed += text;
    });
    this.#process.stdin.on("error", () => {});
    this.#process.stdin.write("exec 2>&1\n");
  }

  /** Where it stands. */
  async folder() {
    return (await this.run("pwd")).trimEnd();
  }

  /** Runs commands, and gives what they print. */
  async run(code) {
    this.#printed = "";
    const end = "\0";
    this.#process.stdin.write(`{\n${code}\n} </dev/null\nprintf '\\0'\n`);
    while (!this.#printed.endsWith(end)) {
      const isAlive = await Promise.race([once(this.#process.stdout, "data"), this.#ended.then(() => false)]);
      if (!isAlive) throw new Error(`This failed:\n${code}\n${this.#printed}`);
    }
    return stripVTControlCharacters(this.#printed.slice(0, -end.length));
  }

  end() {
    try {
      process.kill(-this.#process.pid, "SIGTERM");
    } catch {
      // It has ended by itself, with all that it had started.
    }
  }
}
