import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { isTidegateError } from "../core/shared/errors.ts";
import { StartError } from "../dev/start.ts";
import { type Command, commands } from "./commands.ts";
import type { Io } from "./io.ts";
import { colorsFor, printableLines, toJson } from "./output/text.ts";
import { nearest, type Stub, UsageError } from "./program.ts";
import { Declined, PartlyDone, Session } from "./session.ts";

/** A command that is no operation, or a command of the operations: its code is loaded when it is called. */
interface Entry {
  readonly name: string;
  readonly does: string;
  load(): Promise<(command: Stub, session: Session) => void>;
}

const operations = Object.values<string | Command | readonly Command[]>(commands)
  .flatMap((rows) => (typeof rows === "string" ? [] : rows))
  .map(({ words, does }) => [words.split(" ")[0] ?? "", does] as const)
  // The first of a group is its list.
  .filter(([name], index, all) => all.findIndex(([other]) => other === name) === index)
  .map(
    ([name, does]): Entry => ({
      ...{ name, does },
      load: async () => (await import("./runner.ts")).defineOperations,
    }),
  );

/** The commands of the program, in the order of its help. */
const entries: readonly Entry[] = [
  {
    name: "dev",
    does: "develop offline: a Redis, a cron and the dashboard",
    load: async () => (await import("./dev.ts")).defineDev,
  },
  {
    name: "queue:work",
    does: "run jobs here, or drive a deployed handler",
    load: async () => (await import("./work/command.ts")).defineWork,
  },
  {
    name: "queue:list",
    does: "show counts and pace of all queues, or one in detail",
    load: async () => (await import("./list.ts")).defineList,
  },
  ...operations,
  {
    name: "queue:doctor",
    does: "check the setup and suggest fixes",
    load: async () => (await import("./doctor/command.ts")).defineDoctor,
  },
];

/** Adds every command to the program, and loads the code of those that are wanted. */
export async function addCommands(session: Session, isWanted: (name: string) => boolean): Promise<void> {
  for (const { name, does, load } of entries) {
    const command = session.program.command(name).summary(does);
    if (isWanted(name)) (await load())(command, session);
  }
}

/** Runs one command line, and returns the exit code. Never rejects: errors go to standard error. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const session = new Session(io, argv.includes("--json"));
  try {
    const { program } = session;
    const [first, ...words] = argv;
    // Commander's own help command knows only the first word.
    const line = argv.length === 0 || (first === "help" && words[0]) ? [...words, "--help"] : [...argv];
    const [typed = "help"] = program.parseOptions(line).operands;
    await addCommands(session, (name) => name === typed);
    const isKnown = typed === "help" || program.commands.some((each) => each.name() === typed);
    // It would show the help of the program for --help after an unknown command.
    await program.parseAsync(isKnown ? line : [typed], { from: "user" });
    return session.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const why = isTidegateError(error) ? await (await import("./explain.ts")).explained(error, session) : error;
    const failure = failureOf(why, session);
    printFailure(failure, session);
    return failure.exitCode;
  }
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly exitCode: 1 | 2;
  /** For programs: what was done before the failure. */
  readonly done?: object;
}

function failureOf(error: unknown, session: Session): Failure {
  if (error instanceof PartlyDone) {
    const { hint, ...cause } = failureOf(error.cause, session);
    return { ...cause, hint: [error.message, hint].filter(Boolean).join("\n"), done: error.document };
  }
  if (error instanceof UsageError)
    return { code: "invalid_request", message: error.message, hint: error.hint, exitCode: 2 };
  if (error instanceof CommanderError) return usage(error, session);
  if (error instanceof StartError || error instanceof Declined)
    return { code: error instanceof Declined ? "declined" : "not_started", message: error.message, exitCode: 1 };
  if (isTidegateError(error))
    return {
      code: error.code,
      message: session.messageOf(error),
      // The handler's message is meant for HTTP.
      hint: /^unauthorized|^forbidden This needs a token/.test(`${error.code} ${error.message}`)
        ? "Set TIDEGATE_TOKEN to a token that may do this, or give --token."
        : undefined,
      exitCode: /^(invalid_|payload_too_large)/.test(error.code) ? 2 : 1,
    };
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: "internal_error", message, exitCode: 1 };
}

function usage({ code, message }: CommanderError, { program }: Session): Failure {
  const isHelp = code === "commander.help";
  const isTooMuch = code === "commander.excessArguments";
  const quotes = isTooMuch ? "JSON and names with spaces need quotes around them. " : "";
  return {
    code: "invalid_request",
    message: isHelp ? "The command is missing." : withCommandMeant(message.replace(/^error: /, ""), program),
    hint: quotes + seeHelp(program),
    exitCode: 2,
  };
}

/** "See tidegate queue:jobs cancel --help.", for the command that was typed last. */
function seeHelp(command: CommandUnknownOpts, words = "tidegate"): string {
  const next = command.commands.find((each) => each.name() === command.args[0]);
  return next ? seeHelp(next, `${words} ${next.name()}`) : `See ${words} --help.`;
}

/** Suggests a command in place of one that is only as long as an unknown one: queue:fail, queues. */
function withCommandMeant(message: string, { commands }: CommandUnknownOpts): string {
  const [refusal, , bare] = /^unknown command '(queues?:?)?(.*)'/.exec(message) ?? [];
  const names = commands.map((each) => each.name());
  const [meant] = bare === "" ? ["queue:list"] : nearest(bare ?? "", names);
  return meant === undefined ? message : `${refusal}\n(Did you mean ${meant}?)`;
}

function printFailure({ code, message, hint, done }: Failure, { io, isJson }: Session): void {
  const full = hint === undefined ? message : `${message}\n${hint}`;
  if (isJson) {
    io.stderr.write(`${toJson({ error: { code, message: full }, ...done })}\n`);
    return;
  }
  const mark = code === "declined" ? "" : `${colorsFor(io.stderr, io.env).red("error:")} `;
  io.stderr.write(`${mark}${printableLines(full)}\n`);
}
