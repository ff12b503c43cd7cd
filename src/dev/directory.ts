import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { jsonIn } from "../core/shared/json.ts";
import { StartError } from "./start.ts";

/** What a directory keeps from one start to the next, so that the lines in an app's env file stay right. */
export interface Kept {
  readonly restToken: string;
  readonly qstashToken: string;
  readonly currentSigningKey: string;
  readonly nextSigningKey: string;
  /** Where the REST API listened last. */
  readonly restPort?: number;
  /** The socket on which this directory's own Redis listened last. */
  readonly redisSocket?: string;
}

const secretNames = ["restToken", "qstashToken", "currentSigningKey", "nextSigningKey"] as const;

const KEPT_IN = "dev.json";

/** The directory of `tidegate dev`: tokens, and the data of its Redis. Git ignores it. */
export class DevDirectory {
  readonly path: string;
  #kept: Kept;

  private constructor(path: string, kept: Kept) {
    this.path = path;
    this.#kept = kept;
  }

  /** @throws {StartError} if it cannot be made or read, or holds files of somebody else. */
  static async open(path: string): Promise<DevDirectory> {
    try {
      // Not with its parents: Node would try forever where nothing can be made, as in /proc.
      await mkdir(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
      const files = await readdir(path);
      if (files.length > 0 && !files.includes(KEPT_IN))
        throw new StartError(`The directory ${path} holds other files. Choose a new or an empty one with --dir.`);
      if (files.length === 0) await writeFile(join(path, ".gitignore"), "*\n");
    } catch (error) {
      if (error instanceof StartError) throw error;
      throw new StartError(
        `The directory ${path} cannot be made: ${reasonOf(error)}. Make its parent, or choose another one with --dir.`,
      );
    }
    const directory = new DevDirectory(path, await readKept(path));
    await directory.keep({});
    return directory;
  }

  get kept(): Kept {
    return this.#kept;
  }

  async keep(more: Partial<Kept>): Promise<void> {
    this.#kept = { ...this.#kept, ...more };
    const file = fileIn(this.path);
    // A crash leaves the whole old file, or the whole new one.
    await writeFile(`${file}.new`, `${JSON.stringify(this.#kept, null, 2)}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}

function fileIn(path: string): string {
  return join(path, KEPT_IN);
}

async function readKept(path: string): Promise<Kept> {
  const text = await readFile(fileIn(path), "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "{}";
    throw new StartError(`${fileIn(path)} cannot be read: ${reasonOf(error)}.`);
  });
  const secrets = secretNames.map((name) => [name, randomBytes(32).toString("base64url")]);
  // The SDK of QStash's workflows reads the user from the token, for the addresses of webhooks. 48 digits need no
  // padding.
  const qstashToken = btoa(JSON.stringify({ UserID: "dev", Password: randomBytes(24).toString("hex") }));
  const stored = jsonIn(text);
  const kept = { ...Object.fromEntries(secrets), qstashToken, ...Object(stored) } as Kept;
  if (stored !== undefined && secretNames.every((name) => /^[\w-]{12,}$/.test(kept[name]))) return kept;
  throw new StartError(`${fileIn(path)} is damaged. Delete it: the next start makes new tokens.`);
}

/** Why a file operation failed, without the path, which the message around it names. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
