/** What a stream of events has brought so far. */
export interface ReadEvents {
  /** Each chunk as it came. */
  readonly chunks: readonly string[];
  /** The data of each event. */
  readonly events: readonly Record<string, unknown>[];
  /** The id of the last event. */
  readonly lastId: string;
  readonly hasEnded: boolean;
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>;
  /** Goes away, as a browser does whose page is closed. */
  leave(): Promise<void>;
}

/** Reads a stream of events in the background, until it ends. */
export function readEvents(response: Response): ReadEvents {
  const chunks: string[] = [];
  let hasEnded = false;
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  const ended = (async () => {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
      chunks.push(decoder.decode(part.value, { stream: true }));
    hasEnded = true;
  })();
  const found = (pattern: RegExp) => [...chunks.join("").matchAll(pattern)].map(([, text = ""]) => text);
  return {
    chunks,
    get events() {
      return found(/^data: (.*)$/gm).map((text) => JSON.parse(text));
    },
    get lastId() {
      return found(/^id: (.*)$/gm).at(-1) ?? "";
    },
    ended,
    get hasEnded() {
      return hasEnded;
    },
    leave: async () => reader?.cancel(),
  };
}
