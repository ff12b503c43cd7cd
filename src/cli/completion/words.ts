import type { CommandUnknownOpts } from "@commander-js/extra-typings";

/** What a shell can complete after a command. */
export interface CommandWords {
  /** The words that lead to it: "queue:dlq retry"; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly Word[];
  readonly options: readonly OptionWord[];
  /** The words that it takes as arguments. */
  readonly values: readonly string[];
}

interface Word {
  readonly name: string;
  readonly meaning: string;
}

interface OptionWord extends Word {
  /** Whether a value follows. */
  readonly takesValue: boolean;
  /** The values that it takes; empty if any. */
  readonly choices: readonly string[];
}

/** The words of a program and all its commands. They come from the commands themselves, so they cannot differ. */
export function wordsOf(program: CommandUnknownOpts): readonly CommandWords[] {
  const globals = optionsOf(program);
  const walk = (command: CommandUnknownOpts, path: readonly string[]): readonly CommandWords[] => {
    // What a group does by default.
    const list = command.commands.find((each) => each.name() === "list");
    const own = command === program ? [] : [...optionsOf(command), ...(list ? optionsOf(list) : [])];
    return [
      {
        path: path.join(" "),
        subcommands: command.commands.map((each) => ({ name: each.name(), meaning: each.summary() })),
        values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
        options: [...own, ...globals.filter(({ name }) => !own.some((option) => option.name === name)), help],
      },
      ...command.commands.flatMap((each) => walk(each, [...path, each.name()])),
    ];
  };
  return walk(program, []);
}

const help: OptionWord = { name: "--help", meaning: "show the help", takesValue: false, choices: [] };

function optionsOf({ options }: CommandUnknownOpts): readonly OptionWord[] {
  return options.map(({ long, flags, description, required, optional, argChoices = [] }) => ({
    name: long ?? flags,
    meaning: description,
    takesValue: required || optional,
    choices: argChoices,
  }));
}
