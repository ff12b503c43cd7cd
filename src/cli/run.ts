import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { read } from "../client/transport.ts";
import { isTidegateError, notFound, TidegateError } from "../core/shared/errors.ts";
import { version } from "../core/shared/version.ts";
import { StartError } from "../dev/start.ts";
import { UNKNOWN_QUEUE } from "../http/contract/problems.ts";
import { PartlyDone } from "./bulk.ts";
import { openTarget, queueNames } from "./connect.ts";
import { addDev } from "./dev.ts";
import { addDoctor } from "./doctor/command.ts";
import type { Io } from "./io.ts";
import { addList } from "./list.ts";
import { colorsFor, printable, printableLines, toJson } from "./output/text.ts";
import { nearest, UsageError } from "./program.ts";
import { addOperations } from "./runner.ts";
import { Declined, Session } from "./session.ts";
import { addWork } from "./work/command.ts";

export const adders: readonly ((session: Session) => void)[] = [addDev, addWork, addList, addOperations, addDoctor];

/** Runs one command line, and returns the exit code. Never rejects: errors go to standard error. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const session = new Session(io, argv.includes("--json"));
  try {
    const { program } = session;
    for (const add of adders) add(session);
    const [first, ...words] = argv;
    // Commander's own help command knows only the first word.
    const line = argv.length === 0 || (first === "help" && words[0]) ? [...words, "--help"] : [...argv];
    const [typed = "help"] = program.parseOptions(line).operands;
    const isKnown = typed === "help" || program.commands.some((each) => each.name() === typed);
    // It would show the help of the program for --help after an unknown command.
    await program.parseAsync(isKnown ? line : [typed], { from: "user" });
    return session.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = failureOf(await explained(error, session), session);
    printFailure(failure, session);
    return failure.exitCode;
  }
}

/** Adds to a refusal which queues the handler serves, or that it has another version. Leaves other errors unchanged. */
async function explained(error: unknown, session: Session): Promise<unknown> {
  if (!isTidegateError(error)) return error;
  const { queue } = session.globals;
  try {
    if (queue !== undefined && error.message === UNKNOWN_QUEUE) {
      const names = (await queueNames(await openTarget(session))).map(printable).join(", ");
      return notFound(`This handler serves no queue named ${printable(queue)}. It serves: ${names}.`);
    }
    if (!/^(Unknown option|Not found\.)/.test(error.message)) return error;
    const { remote, send } = await openTarget(session);
    const theirs = remote ? (await read<{ version?: string }>("status", send("GET", "/health"))).version : version;
    if (theirs === version) return error;
    const [old, other] = theirs ? [`version ${theirs}`, `, or run npx tidegate@${theirs}`] : ["an older version", ""];
    const says = `This command line has version ${version}, and the handler ${old}. Deploy it again${other}.`;
    return new TidegateError(error.code, `${error.message}\n${says}`);
  } catch {
    return error;
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
