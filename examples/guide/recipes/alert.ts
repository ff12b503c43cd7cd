import type { Hooks } from "tidegate";

// #region hook
/** For `new Queue({ hooks: toSlack(url) })`: one message for each job that dies. */
export const toSlack = (url: string): Hooks => ({
  onDead: ({ name, id, attempt, error }) =>
    fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text: `${name} ${id} is dead after attempt ${attempt}: ${error}` }),
    }),
});
// #endregion
