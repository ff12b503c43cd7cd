/** Where Upstash's REST API takes a command, and a list of commands. */
type Path = "" | "pipeline";

/** The REST API of a database. */
export interface Rest {
  readonly url: string;
  /** Posts JSON and gives the JSON that it is answered with. Throws where that is an error, and where there is no answer. */
  post(path: Path, body: unknown, signal: AbortSignal): Promise<unknown>;
}

/** The REST API at an address, by `fetch`. */
export function restAt(address: string, token: string): Rest {
  const url = address.replace(/\/$/, "");
  // Upstash gives it with each answer. A read that carries it waits until its replica has what was written before.
  let syncToken: string | null = null;
  return {
    url,
    async post(path, body, signal) {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const response = await fetch(`${url}/${path}`, {
        method: "POST",
        headers: syncToken === null ? headers : { ...headers, "Upstash-Sync-Token": syncToken },
        body: JSON.stringify(body),
        signal,
      });
      const answer = (await response.json()) as { readonly error?: string };
      if (!response.ok) throw new Error(answer.error);
      syncToken = response.headers.get("upstash-sync-token");
      return answer;
    },
  };
}
