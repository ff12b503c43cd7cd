import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

type Reply<Answer> = { readonly answer: Answer } | { readonly error: string };

/** A separate process that answers one request at a time, so that its CPU time can be measured separately. */
export class Helper<Request extends object, Answer> {
  readonly #child: ChildProcess;

  /** @param file the name of a bundle in the same folder, without its extension. */
  constructor(file: string, env: Readonly<Record<string, string>>) {
    this.#child = fork(join(import.meta.dirname, `${file}.mjs`), {
      env: { ...process.env, ...env },
    });
    this.#child.setMaxListeners(0);
  }

  async ask(request: Request): Promise<Answer> {
    const ended = once(this.#child, "exit").then(([code]) => {
      throw new Error(`A helper process ended with ${code} before it answered.`);
    });
    const message = once(this.#child, "message");
    this.#child.send(request);
    const [reply] = (await Promise.race([message, ended])) as [Reply<Answer>];
    if ("error" in reply) throw new Error(reply.error);
    return reply.answer;
  }

  /** Lets it exit by itself, after what it does now. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.disconnect();
    await ended;
  }
}

/** The other side of a `Helper`: answers its parent's requests, and exits with it. */
export function answerParent<Request, Answer>(answer: (request: Request) => Promise<Answer>): void {
  process.on("message", (request: Request) => {
    answer(request).then(
      (value) => process.send?.({ answer: value }),
      (error: unknown) => process.send?.({ error: error instanceof Error ? String(error.stack) : String(error) }),
    );
  });
  process.once("disconnect", () => process.exit());
}
