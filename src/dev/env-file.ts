import { readFile, stat, writeFile } from "node:fs/promises";
import { reasonOf } from "./directory.ts";
import { StartError } from "./start-error.ts";

/** The lines of a file such as `.env.local` or `.dev.vars`. */
export class EnvFile {
  readonly #path: string;
  readonly #text: string;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  /** Reads a file, which need not exist. @throws {StartError} if it cannot be read, or is no file. */
  static async open(path: string): Promise<EnvFile> {
    try {
      if ((await stat(path)).isDirectory())
        throw new StartError(`${path} is a directory. Give --write the path of a file, such as .env.local.`);
      return new EnvFile(path, await readFile(path, "utf8"));
    } catch (error) {
      if (error instanceof StartError) throw error;
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new EnvFile(path, "");
      throw new StartError(`${path} cannot be read: ${reasonOf(error)}. Choose another file with --write.`);
    }
  }

  /** The value of a variable. */
  get(name: string): string | undefined {
    return lineOf(name)
      .exec(this.#text)?.[2]
      ?.replace(/^(["'])(.*)\1$/, "$2");
  }

  /**
   * Sets these variables, each in its own line if it has one, else at the end. All other lines stay as they are.
   *
   * @throws {StartError}
   */
  async set(values: Readonly<Record<string, string>>): Promise<void> {
    let text = this.#text;
    for (const [name, value] of Object.entries(values)) {
      const line = `${name}=${value}`;
      if (lineOf(name).test(text)) text = text.replace(lineOf(name), (_, begin: string) => begin + line);
      else text += `${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`;
    }
    if (text === this.#text) return;
    await writeFile(this.#path, text, { mode: 0o600 }).catch((error: unknown) => {
      throw new StartError(`${this.#path} cannot be written: ${reasonOf(error)}. Choose another file with --write.`);
    });
  }
}

/** A variable's line: what stands before the name, and the value. */
function lineOf(name: string): RegExp {
  return new RegExp(`^([ \\t]*(?:export[ \\t]+)?)${name}[ \\t]*=[ \\t]*(.*?)[ \\t]*$`, "gm");
}
