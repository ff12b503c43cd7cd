import { readFile, stat, writeFile } from "node:fs/promises";
import { reasonOf } from "./directory.ts";
import { StartError } from "./start.ts";

export class EnvFile {
  readonly #path: string;
  /** Each byte is a character, so that all other lines keep their bytes, whatever their encoding is. */
  readonly #text: string;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  /** Reads a file, which need not exist. @throws {StartError} if it cannot be read, or is no text file. */
  static async open(path: string): Promise<EnvFile> {
    try {
      // Reading something else could wait forever.
      if (!(await stat(path)).isFile())
        throw new StartError(`${path} is no regular file. Give --write the path of a file, such as .env.local.`);
      const text = await readFile(path, "latin1");
      if (text.includes("\0")) throw new StartError(`${path} is not in UTF-8. Save it as UTF-8.`);
      return new EnvFile(path, text);
    } catch (error) {
      if (error instanceof StartError) throw error;
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new EnvFile(path, "");
      throw new StartError(`${path} cannot be read: ${reasonOf(error)}. Choose another file with --write.`);
    }
  }

  get(name: string): string | undefined {
    const given = [...this.#text.matchAll(ASSIGNMENT)].filter((match) => match[2] === name).at(-1)?.[3];
    return given === undefined ? undefined : Buffer.from(given.replace(/^(["'`])(.*)\1$/s, "$2"), "latin1").toString();
  }

  /** Sets each in its own line if it has one, else at the end. All other lines stay as they are. */
  async set(values: Readonly<Record<string, string>>): Promise<void> {
    const missing = new Set(Object.keys(values));
    let text = this.#text.replaceAll(ASSIGNMENT, (whole, begin: string, name: string) => {
      missing.delete(name);
      return name in values ? `${begin}${name}=${values[name]}` : whole;
    });
    for (const name of missing) text += `${text === "" || text.endsWith("\n") ? "" : "\n"}${name}=${values[name]}\n`;
    if (text === this.#text) return;
    await writeFile(this.#path, text, { mode: 0o600, encoding: "latin1" }).catch((error: unknown) => {
      throw new StartError(`${this.#path} cannot be written: ${reasonOf(error)}. Choose another file with --write.`);
    });
  }
}

/**
 * What stands before a name (also the mark of UTF-8 that some editors put first), the name, and its value, which may
 * have several lines in quotes.
 */
const ASSIGNMENT =
  /^((?:\xef\xbb\xbf)?[ \t]*(?:export[ \t]+)?)([\w.-]+)[ \t]*=[ \t]*("(?:\\.|[^"\\])*"|'[^']*'|`[^`]*`|[^\r\n]*?(?=[ \t]*$))(?:[ \t]+$)?/gms;
