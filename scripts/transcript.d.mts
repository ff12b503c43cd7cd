export function transcribe(
  page: string,
  how: {
    readonly folder: string;
    readonly typed: (code: string) => string;
    readonly shown: (output: string) => string;
    readonly constant: (output: string) => string;
    readonly env: NodeJS.ProcessEnv;
  },
): Promise<string>;
